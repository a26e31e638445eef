//! What people should know of a training that succeeded: one sentence each, the weightier first.
//! They change nothing. What was left out of the data is told by whoever reads it.

use std::collections::HashSet;

use searchop_ranking::bundle::MetricsTable;

use crate::lightgbm::{TrainedModel, TrainingConfiguration};
use crate::partition::Partition;

/// With fewer distinct queries the resampled means are few and alike, and an interval is too narrow.
pub const USEFUL_QUERIES: usize = 30;

/// The notes of a training, but those on leaks and on the data.
#[must_use]
pub fn training_notes(
    partition: &Partition,
    configuration: &TrainingConfiguration,
    trained: &TrainedModel,
    metrics: Option<&MetricsTable>,
) -> Vec<String> {
    [
        unmeasured(metrics),
        few_queries(partition, metrics),
        optimistic(partition),
        single_label(partition),
        trees(partition, configuration, trained),
        baselines(partition),
        left_out(partition),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn unmeasured(metrics: Option<&MetricsTable>) -> Option<String> {
    metrics
        .is_none()
        .then(|| "nothing is measured: all queries were trained on".to_owned())
}

fn few_queries(partition: &Partition, metrics: Option<&MetricsTable>) -> Option<String> {
    let (test, report) = (partition.test.as_ref()?, metrics?.metrics.first()?);
    let counting = test.query_keys.iter().zip(&report.per_query);
    let distinct: HashSet<&String> = counting
        .filter_map(|(key, value)| value.map(|_| key))
        .collect();
    (distinct.len() < USEFUL_QUERIES).then(|| {
        format!(
            "the intervals rest on {} distinct test queries; below {USEFUL_QUERIES} they are too narrow to go by",
            distinct.len()
        )
    })
}

fn optimistic(partition: &Partition) -> Option<String> {
    partition.test_chooses_trees().then(|| {
        "the Validation input also chose the number of trees: its figures are optimistic".to_owned()
    })
}

fn single_label(partition: &Partition) -> Option<String> {
    let rows = &partition.training;
    let is_single = |query: &usize| {
        let labels = &rows.labels()[rows.query_rows(*query)];
        labels.iter().all(|label| *label == labels[0])
    };
    let single = (0..rows.query_count()).filter(is_single).count();
    (single > 0).then(|| {
        format!(
            "{single} of {} training queries have rows of one label only: nothing is learned from them",
            rows.query_count()
        )
    })
}

fn trees(
    partition: &Partition,
    configuration: &TrainingConfiguration,
    trained: &TrainedModel,
) -> Option<String> {
    let (trees, asked) = (trained.trees, configuration.iterations);
    match (configuration.early_stopping, trained.best_validation) {
        (Some(stopping), Some(best)) => Some(format!(
            "early stopping kept {trees} of {asked} trees: {} is {best:.4} on {} validation queries",
            stopping.metric,
            partition.sizes().validation_queries
        )),
        // The folds chose it.
        (Some(_), None) => None,
        (None, _) => (trees < asked).then(|| {
            format!("the model has {trees} of {asked} trees: some iterations found no split")
        }),
    }
}

fn baselines(partition: &Partition) -> Option<String> {
    partition.test.as_ref()?.baselines.is_empty().then(|| {
        "popularity, retrieval and bm25 are not applicable: rows of features have no items and no shown order"
            .to_owned()
    })
}

fn left_out(partition: &Partition) -> Option<String> {
    let left_out = partition.sizes().left_out_queries;
    (left_out > 0).then(|| {
        format!("{left_out} searches are in no part: their query is on the other side of the split")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use searchop_ranking::svmlight::RankingRows;

    use super::*;
    use crate::data::{Data, Features};
    use crate::evaluation::measure;
    use crate::partition::partition;
    use crate::request::SplitChoice;

    /// `queries` queries of two rows; the first has one label only.
    fn rows(queries: usize) -> RankingRows {
        let mut labels = [0, 1].repeat(queries);
        labels[1] = 0;
        let names = (0..queries).map(|query| query.to_string()).collect();
        RankingRows::from_dense(labels, &vec![2; queries], names, 1, vec![0.0; queries * 2])
            .unwrap()
    }

    fn notes(
        split: SplitChoice,
        early_stopping: bool,
        best_validation: Option<f64>,
    ) -> Vec<String> {
        let data = Data {
            query_keys: rows(40).query_identifiers().to_vec(),
            rows: rows(40),
            provided_test: Some(rows(9)),
            timestamps: None,
            baselines: BTreeMap::new(),
            lists: None,
            randomised: None,
            features: Features::Dense { first: 0 },
            label_gains: None,
            notes: Vec::new(),
            found: None,
        };
        let (_, partition) = partition(data, split, 1, early_stopping).unwrap();
        let configuration = TrainingConfiguration {
            objective: crate::lightgbm::Objective::Lambdarank,
            iterations: 100,
            leaves: 7,
            learning_rate: 0.1,
            seed: 1,
            parameters: BTreeMap::new(),
            early_stopping: early_stopping.then(|| crate::lightgbm::EarlyStopping {
                metric: "ndcg@5".parse().unwrap(),
                rounds: std::num::NonZeroU32::MIN,
            }),
            position_bias: None,
            monotone: BTreeMap::new(),
            categorical: std::collections::BTreeSet::new(),
            threads: 1,
        };
        let trained = TrainedModel {
            text: String::new(),
            trees: 12,
            best_validation,
            validation_values: Vec::new(),
        };
        let metrics = partition
            .test
            .as_ref()
            .map(|test| measure(test, &vec![0.0; test.rows.row_count()], 1).unwrap());
        training_notes(&partition, &configuration, &trained, metrics.as_ref())
    }

    #[test]
    fn without_a_split_nothing_is_measured() {
        assert_eq!(
            notes(SplitChoice::None, false, None),
            [
                "nothing is measured: all queries were trained on",
                "1 of 40 training queries have rows of one label only: nothing is learned from them",
                "the model has 12 of 100 trees: some iterations found no split",
            ]
        );
    }

    #[test]
    fn a_small_validation_input_that_chose_the_trees_is_told() {
        assert_eq!(
            notes(SplitChoice::Provided, true, Some(0.876_54)),
            [
                "the intervals rest on 8 distinct test queries; below 30 they are too narrow to go by",
                "the Validation input also chose the number of trees: its figures are optimistic",
                "1 of 40 training queries have rows of one label only: nothing is learned from them",
                "early stopping kept 12 of 100 trees: ndcg@5 is 0.8765 on 9 validation queries",
                "popularity, retrieval and bm25 are not applicable: rows of features have no items and no shown order",
            ]
        );
    }
}
