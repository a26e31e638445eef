//! Monotone constraints and categories hold in the model's scores, and position bias is left out
//! of them.

use super::*;

/// A generator of numbers from 0 to 1.
fn numbers(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1_u32 << 24)
    }
}

fn rows(labels: Vec<u8>, rows_of_query: usize, columns: usize, matrix: Vec<f64>) -> RankingRows {
    let queries = labels.len() / rows_of_query;
    let identifiers = (0..queries).map(|query| query.to_string()).collect();
    let sizes = vec![rows_of_query; queries];
    RankingRows::from_dense(labels, &sizes, identifiers, columns, matrix).unwrap()
}

fn names(columns: usize) -> Vec<String> {
    (0..columns).map(|column| format!("f{column}")).collect()
}

fn plain() -> TrainingConfiguration {
    TrainingConfiguration {
        iterations: 60,
        parameters: BTreeMap::from([("min_data_in_leaf".into(), "5".into())]),
        ..configuration(1)
    }
}

fn scores(model: &TrainedModel, rows: &[Vec<f64>]) -> Vec<f64> {
    predict(&model.text, rows, rows[0].len()).unwrap()
}

#[test]
fn a_constraint_holds_in_the_scores_where_the_labels_go_up_and_down() {
    // The label is highest in the middle of the first feature, and falls with the second.
    let mut random = numbers(1);
    let (mut labels, mut matrix) = (Vec::new(), Vec::new());
    for _ in 0..2_000 {
        let (first, second) = (random(), random());
        let height = 1.0 - (2.0 * first - 1.0).abs() + 0.3 * (1.0 - second);
        labels.push((height * 3.0) as u8);
        matrix.extend([first, second]);
    }
    let rows = rows(labels, 10, 2, matrix);
    let along = |model: &TrainedModel, column: usize, other: f64| -> Vec<f64> {
        let line: Vec<Vec<f64>> = (0..=200)
            .map(|step| {
                let mut row = vec![other, other];
                row[column] = f64::from(step) / 200.0;
                row
            })
            .collect();
        scores(model, &line)
    };
    let rises = |scores: &[f64]| scores.windows(2).all(|pair| pair[0] <= pair[1]);
    let falls = |scores: &[f64]| scores.windows(2).all(|pair| pair[0] >= pair[1]);
    let free = train(&plain(), &names(2), &rows, None, |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    let unbound = along(&free, 0, 0.5);
    assert!(!rises(&unbound) && !falls(&unbound), "nothing to constrain");
    for objective in Objective::EVERY {
        let mut configuration = plain();
        configuration.objective = objective;
        configuration.monotone = BTreeMap::from([
            ("f0".to_owned(), Direction::Increasing),
            ("f1".to_owned(), Direction::Decreasing),
        ]);
        let bound = train(&configuration, &names(2), &rows, None, |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
        for other in [0.0, 0.1, 0.5, 0.9, 1.0] {
            let first = along(&bound, 0, other);
            assert!(rises(&first) && first[0] < first[200], "{objective}");
            let second = along(&bound, 1, other);
            assert!(falls(&second), "{objective}");
        }
        assert!(bound.text.contains("monotone_constraints=1 -1"));
    }
}

#[test]
fn categories_have_no_order() {
    // Of 12 categories those with an odd number are relevant: no threshold tells them apart, one
    // set of categories does.
    let mut random = numbers(2);
    let categories: Vec<f64> = (0..2_000).map(|_| (random() * 12.0).floor()).collect();
    let labels = categories.iter().map(|it| *it as u8 % 2).collect();
    let rows = rows(labels, 10, 1, categories);
    let mut configuration = plain();
    configuration.iterations = 1;
    configuration.leaves = 2;
    configuration.categorical = BTreeSet::from(["f0".to_owned()]);
    let model = train(&configuration, &names(1), &rows, None, |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    let line: Vec<Vec<f64>> = (0..12).map(|category| vec![f64::from(category)]).collect();
    let scores = scores(&model, &line);
    for (category, score) in scores.iter().enumerate() {
        assert_eq!(
            score.to_bits(),
            scores[category % 2].to_bits(),
            "category {category}"
        );
    }
    assert!(scores[1] > scores[0], "{scores:?}");
}

#[test]
fn a_name_that_no_feature_has_is_refused() {
    let mut configuration = plain();
    configuration.monotone = BTreeMap::from([("f2".to_owned(), Direction::Increasing)]);
    let error = configuration.to_parameter_text(&names(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no feature is called \"f2\": there are 2, from \"f0\" to \"f1\""
    );
    configuration.monotone.clear();
    configuration.categorical = BTreeSet::from(["price".to_owned()]);
    let error = configuration.to_parameter_text(&names(2)).unwrap_err();
    assert!(error.to_string().contains("\"price\""), "{error}");
}

const SHOWN: usize = 10;

/// Lists that were shown in an order that has to do with the relevance, and what was clicked: only
/// what was looked at is clicked, and the first place is looked at twenty times as often as the last.
/// The first feature tells the relevance with noise, the second the order in which it was shown.
struct Clicked {
    rows: RankingRows,
    positions: Vec<u32>,
    relevance: Vec<u8>,
}

fn clicked(lists: usize, seed: u64) -> Clicked {
    let mut random = numbers(seed);
    let (mut clicks, mut matrix) = (Vec::new(), Vec::new());
    let (mut positions, mut relevance) = (Vec::new(), Vec::new());
    for _ in 0..lists {
        // What another ranker made of it: a popularity that is worth nothing.
        let mut items: Vec<(f64, u8)> = (0..SHOWN)
            .map(|_| (random(), u8::from(random() < 0.3)))
            .collect();
        items.sort_by(|first, second| second.0.total_cmp(&first.0));
        for (place, (popularity, relevant)) in items.into_iter().enumerate() {
            let looked_at = random() < 1.0 / (1.0 + 2.0 * place as f64);
            let attracts = random() < if relevant == 1 { 0.9 } else { 0.15 };
            clicks.push(u8::from(looked_at && attracts));
            matrix.extend([f64::from(relevant) + 1.2 * random(), popularity]);
            positions.push(place as u32 + 1);
            relevance.push(relevant);
        }
    }
    Clicked {
        rows: rows(clicks, SHOWN, 2, matrix),
        positions,
        relevance,
    }
}

/// Of the pairs of a relevant and another item of a list, the share that is in the right order.
fn right_pairs(model: &TrainedModel, shown: &Clicked) -> f64 {
    let all: Vec<Vec<f64>> = (0..shown.rows.row_count())
        .map(|row| shown.rows.row(row))
        .collect();
    let scores = scores(model, &all);
    let (mut right, mut pairs) = (0, 0);
    for list in 0..shown.rows.query_count() {
        let rows = shown.rows.query_rows(list);
        for first in rows.clone() {
            for second in rows.clone() {
                if shown.relevance[first] > shown.relevance[second] {
                    pairs += 1;
                    right += usize::from(scores[first] > scores[second]);
                }
            }
        }
    }
    right as f64 / pairs as f64
}

#[test]
fn a_model_that_leaves_position_bias_out_ranks_the_truth_better() {
    let (shown, unseen) = (clicked(1_500, 3), clicked(500, 4));
    let trained = |position_bias: Option<PositionBias>, threads: usize| {
        let configuration = TrainingConfiguration {
            position_bias,
            threads,
            ..plain()
        };
        let data = TrainingData {
            feature_names: &names(2),
            training: &shown.rows,
            positions: Some(&shown.positions),
            validation: None,
        };
        super::super::train(&configuration, &data, |_| ControlFlow::Continue(())).unwrap()
    };
    let unbiased = Some(PositionBias {
        regularization: 0.0,
    });
    let (biased, corrected) = (trained(None, 1), trained(unbiased, 1));
    let (before, after) = (
        right_pairs(&biased, &unseen),
        right_pairs(&corrected, &unseen),
    );
    assert!(after > before + 0.05, "{before} without, {after} with");
    for threads in [2, 3] {
        let again = trained(unbiased, threads);
        assert!(
            trees_of(&again.text) == trees_of(&corrected.text),
            "{threads} threads differ"
        );
    }
    // So much regularization that there is no bias left to learn.
    let none = trained(
        Some(PositionBias {
            regularization: 1e6,
        }),
        1,
    );
    assert!(right_pairs(&none, &unseen) < before + 0.02);
}

#[test]
fn position_bias_needs_a_position_for_each_row() {
    let shown = clicked(20, 5);
    let configuration = TrainingConfiguration {
        position_bias: Some(PositionBias {
            regularization: 0.0,
        }),
        ..plain()
    };
    let names = names(2);
    let data = |positions| TrainingData {
        feature_names: &names,
        training: &shown.rows,
        positions,
        validation: None,
    };
    let refused = |positions| {
        super::super::train(&configuration, &data(positions), |_| {
            ControlFlow::Continue(())
        })
        .unwrap_err()
        .to_string()
    };
    assert!(refused(None).contains("no positions"));
    assert_eq!(
        refused(Some(&shown.positions[1..])),
        "199 positions, expected 200"
    );
}
