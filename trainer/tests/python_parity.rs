//! Training gives the same bits as LightGBM's own Python package, on LightGBM's own ranking
//! example. The folder of reference data is named by SEARCHOP_TEST_DATA; its `parity_4_7_0.py`
//! made the reference scores.
#![allow(clippy::unwrap_used)] // Helpers of tests: a panic here is a failure with a place.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::Path;

use searchop_ranking::model::{RankingModel, normalise};
use searchop_ranking::svmlight::{
    FeatureNumbering, Queries, RankingRows, ReadOptions, read, read_groups,
};
use searchop_trainer::lightgbm::{
    EarlyStopping, Objective, TrainedModel, TrainingConfiguration, TrainingData, predict, train,
};

#[path = "jobs/test_data.rs"]
mod test_data;

use test_data::test_data;

const FEATURES: usize = 301;

fn open(path: &Path) -> BufReader<std::fs::File> {
    BufReader::new(std::fs::File::open(path).unwrap())
}

fn rows(folder: &Path, name: &str) -> RankingRows {
    let groups = read_groups(open(&folder.join(format!("{name}.query")))).unwrap();
    let options = ReadOptions {
        numbering: FeatureNumbering::ZeroBased,
        queries: Queries::Groups(&groups),
        feature_count: Some(FEATURES),
    };
    read(open(&folder.join(name)), &options).unwrap()
}

fn names() -> Vec<String> {
    (0..FEATURES).map(|column| format!("f{column}")).collect()
}

/// The parameters of `parity_4_7_0.py`.
fn configuration(threads: usize) -> TrainingConfiguration {
    let parameters = [
        ("bagging_fraction", "0.9"),
        ("bagging_freq", "1"),
        ("min_data_in_leaf", "50"),
        ("min_sum_hessian_in_leaf", "5"),
    ];
    TrainingConfiguration {
        objective: Objective::Lambdarank,
        iterations: 100,
        leaves: 31,
        learning_rate: 0.1,
        seed: 42,
        parameters: parameters
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        early_stopping: None,
        position_bias: None,
        monotone: BTreeMap::new(),
        categorical: BTreeSet::new(),
        threads,
    }
}

fn trained(
    configuration: &TrainingConfiguration,
    training: &RankingRows,
    validation: Option<&RankingRows>,
) -> TrainedModel {
    let data = TrainingData {
        feature_names: &names(),
        training,
        positions: None,
        validation,
    };
    train(configuration, &data, |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn scores_equal_those_of_the_python_package_to_the_last_bit() {
    let Some(folder) = test_data("lightgbm-lambdarank") else {
        return;
    };
    let (training, test) = (rows(&folder, "rank.train"), rows(&folder, "rank.test"));
    let reference: Vec<f64> = std::fs::read_to_string(folder.join("parity_4_7_0.scores"))
        .unwrap()
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    assert_eq!(reference.len(), test.row_count());
    let dense: Vec<Vec<f64>> = (0..test.row_count()).map(|row| test.row(row)).collect();
    let mut texts = BTreeMap::new();
    for threads in [1, 2, 3] {
        let trained = trained(&configuration(threads), &training, None);
        let text = normalise(&trained.text);
        let ours = RankingModel::parse(&text).unwrap();
        let theirs = predict(&text, &dense, FEATURES).unwrap();
        let mut together = vec![f64::NAN; dense.len()];
        ours.score_rows(&dense.concat(), &mut ours.scratch(), &mut together);
        for (row, expected) in reference.iter().enumerate() {
            for ours in [together[row], ours.score(&dense[row])] {
                assert_eq!(
                    ours.to_bits(),
                    expected.to_bits(),
                    "our score of row {row}: {ours} {expected}"
                );
            }
            let theirs = theirs[row];
            assert_eq!(
                theirs.to_bits(),
                expected.to_bits(),
                "lightgbm's score of row {row}"
            );
        }
        texts.insert(text, threads);
    }
    assert_eq!(
        texts.len(),
        1,
        "the number of threads changes the normalised model text"
    );
}

#[test]
fn early_stopping_keeps_as_many_trees_as_the_python_package() {
    let Some(folder) = test_data("lightgbm-lambdarank") else {
        return;
    };
    let (training, test) = (rows(&folder, "rank.train"), rows(&folder, "rank.test"));
    // The best tree and its metric as the Python package reports them: 500 rounds, the first metric
    // only, rank.test as validation set.
    for (objective, metric, trees, best) in [
        (Objective::Lambdarank, "ndcg@5", 18, 0.667_554_411_189_575),
        (
            Objective::Lambdarank,
            "ndcg@10",
            21,
            0.741_961_476_911_388_8,
        ),
        (
            Objective::RankXendcg,
            "ndcg@10",
            14,
            0.737_225_583_610_057_2,
        ),
        (Objective::Pointwise, "ndcg@10", 50, 0.748_599_091_286_658_4),
    ] {
        for threads in [1, 2] {
            let mut configuration = configuration(threads);
            configuration.objective = objective;
            configuration.iterations = 500;
            configuration.early_stopping = Some(EarlyStopping {
                metric: metric.parse().unwrap(),
                rounds: NonZeroU32::new(30).unwrap(),
            });
            let model = trained(&configuration, &training, Some(&test));
            assert_eq!(
                (model.trees, model.best_validation),
                (trees, Some(best)),
                "{objective} by {metric}"
            );
        }
    }
}
