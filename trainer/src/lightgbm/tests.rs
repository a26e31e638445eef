//! Training on small made-up rows. Parity with LightGBM's own Python package is in `tests/`.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::ops::ControlFlow;

use searchop_ranking::svmlight::{FeatureNumbering, Queries, ReadOptions, read};

use super::*;

mod constraints;
mod objectives;

fn train(
    configuration: &TrainingConfiguration,
    feature_names: &[String],
    training: &RankingRows,
    validation: Option<&RankingRows>,
    told: impl FnMut(u32) -> ControlFlow<()>,
) -> Result<TrainedModel, LightGbmError> {
    let data = TrainingData {
        feature_names,
        training,
        positions: None,
        validation,
    };
    super::train(configuration, &data, told)
}

fn configuration(threads: usize) -> TrainingConfiguration {
    TrainingConfiguration {
        objective: Objective::Lambdarank,
        iterations: 20,
        leaves: 7,
        learning_rate: 0.1,
        seed: 42,
        parameters: BTreeMap::from([
            ("min_data_in_leaf".into(), "5".into()),
            ("bagging_fraction".into(), "0.8".into()),
            ("bagging_freq".into(), "1".into()),
            ("feature_fraction".into(), "0.7".into()),
        ]),
        early_stopping: None,
        position_bias: None,
        monotone: BTreeMap::new(),
        categorical: BTreeSet::new(),
        threads,
    }
}

const COLUMNS: usize = 24;

/// Queries of ten rows; the first feature decides the label, most others are sparse noise.
/// `shift` moves the labels to other rows, which makes them noise, too.
fn example(queries: usize, shift: usize) -> RankingRows {
    let mut state = 12_345_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1_u32 << 24)
    };
    let mut matrix = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..queries * 10 {
        let decides = random();
        labels.push((decides * 3.99) as u8);
        matrix.push(decides);
        matrix.extend((1..COLUMNS).map(|_| if random() < 0.2 { random() } else { 0.0 }));
    }
    labels.rotate_right(shift);
    let identifiers = (0..queries).map(|query| query.to_string()).collect();
    RankingRows::from_dense(labels, &vec![10; queries], identifiers, COLUMNS, matrix).unwrap()
}

fn names() -> Vec<String> {
    (0..COLUMNS).map(|column| format!("f{column}")).collect()
}

/// The trees without the parameter block, where the number of threads is written.
fn trees_of(text: &str) -> &str {
    text.split("\nparameters:")
        .next()
        .expect("split gives at least one part")
}

#[test]
fn a_model_learns_what_decides_the_label() {
    let example = example(40, 0);
    let mut told = Vec::new();
    let model = train(&configuration(1), &names(), &example, None, |iteration| {
        told.push(iteration);
        ControlFlow::Continue(())
    })
    .expect("trains");
    assert_eq!(model.trees, 20);
    assert_eq!(told, (1..=20).collect::<Vec<_>>());
    let mut low = example.row(0);
    let mut high = low.clone();
    low[0] = 0.01;
    high[0] = 0.99;
    let scores = predict(&model.text, &[low, high], COLUMNS).expect("scores");
    assert!(scores[0] < scores[1], "{scores:?}");
}

#[test]
fn the_number_of_threads_does_not_change_the_model() {
    let example = example(200, 0);
    let one = train(&configuration(1), &names(), &example, None, |_| {
        ControlFlow::Continue(())
    })
    .expect("trains");
    for threads in [2, 3, 7] {
        let many = train(&configuration(threads), &names(), &example, None, |_| {
            ControlFlow::Continue(())
        })
        .expect("trains");
        assert!(
            trees_of(&one.text) == trees_of(&many.text),
            "{threads} threads differ"
        );
    }
}

#[test]
fn rows_that_are_kept_dense_and_compressed_give_the_same_model() {
    let dense = example(60, 0);
    let mut text = String::new();
    for row in 0..dense.row_count() {
        text += &format!("{} qid:{}", dense.labels()[row], row / 10);
        let values = dense.row(row).into_iter().enumerate();
        for (column, value) in values.filter(|(_, value)| *value != 0.0) {
            text += &format!(" {column}:{value}");
        }
        text.push('\n');
    }
    let options = ReadOptions {
        numbering: FeatureNumbering::ZeroBased,
        queries: Queries::InLines,
        feature_count: Some(COLUMNS),
    };
    let compressed = read(text.as_bytes(), &options).unwrap();
    assert_eq!(compressed.to_dense(), dense.to_dense());
    let trained = |rows: &RankingRows| {
        train(&configuration(2), &names(), rows, None, |_| {
            ControlFlow::Continue(())
        })
        .unwrap()
    };
    assert!(trees_of(&trained(&dense).text) == trees_of(&trained(&compressed).text));
}

#[test]
fn early_stopping_keeps_the_trees_of_the_best_iteration() {
    let training = example(40, 0);
    // Labels that have nothing to do with the rows: more trees do not help.
    let validation = example(20, 7);
    let mut configuration = configuration(2);
    configuration.iterations = 200;
    configuration.early_stopping = Some(EarlyStopping {
        metric: "ndcg@5".parse().expect("known"),
        rounds: NonZeroU32::new(5).expect("not zero"),
    });
    let mut last = 0;
    let model = train(
        &configuration,
        &names(),
        &training,
        Some(&validation),
        |round| {
            last = round;
            ControlFlow::Continue(())
        },
    )
    .expect("trains");
    assert!(last < 200, "it went on to the end");
    assert_eq!(model.trees + 5, last);
    assert_eq!(model.text.matches("\nTree=").count(), model.trees as usize);
    assert!(
        model
            .best_validation
            .is_some_and(|value| value > 0.0 && value < 1.0)
    );
}

#[test]
fn what_lightgbm_refuses_is_told_in_its_words() {
    let example = example(3, 0);
    let mut configuration = configuration(1);
    configuration
        .parameters
        .insert("max_bin".into(), "1".into());
    let error = train(&configuration, &names(), &example, None, |_| {
        ControlFlow::Continue(())
    })
    .expect_err("1 is no bin");
    assert!(error.to_string().contains("max_bin"), "{error}");
    let error = predict("tree\nversion=v4\n", &[], 1).expect_err("no model");
    assert!(
        error
            .to_string()
            .starts_with("lightgbm cannot read a model text: "),
        "{error}"
    );
}

#[test]
fn rows_of_another_width_are_refused_before_they_are_read() {
    let model = train(&configuration(1), &names(), &example(3, 0), None, |_| {
        ControlFlow::Continue(())
    })
    .expect("trains");
    let error = predict(&model.text, &[vec![0.0; COLUMNS - 1]], COLUMNS).expect_err("too short");
    assert_eq!(
        error.to_string(),
        "23 values in a row to score, expected 24"
    );
    let error = predict(&model.text, &[vec![0.0; 3]], 3).expect_err("not the model's width");
    assert!(error.to_string().contains("number of features"), "{error}");
}

#[test]
fn names_that_are_not_one_for_each_column_are_refused() {
    let error = train(
        &configuration(1),
        &names()[1..],
        &example(3, 0),
        None,
        |_| ControlFlow::Continue(()),
    );
    assert!(error.is_err());
}

#[test]
fn training_ends_when_the_caller_says_so() {
    let mut told = 0;
    let ended = train(
        &configuration(1),
        &names(),
        &example(3, 0),
        None,
        |iteration| {
            told = iteration;
            if iteration == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    assert_eq!(ended, Err(LightGbmError::Interrupted));
    assert_eq!(told, 3);
}
