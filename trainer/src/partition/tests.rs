//! Parts of small data, and data that nothing can be learned from.

use super::*;

fn data(labels: Vec<u8>, sizes: &[usize], keys: &[&str]) -> Data {
    let columns: Vec<f64> = (0..labels.len()).map(|row| row as f64).collect();
    let identifiers = (0..sizes.len()).map(|query| query.to_string()).collect();
    Data {
        rows: RankingRows::from_dense(labels, sizes, identifiers, 1, columns.clone()).unwrap(),
        provided_test: None,
        query_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        timestamps: Some((0..).take(sizes.len()).collect()),
        baselines: BTreeMap::from([("bm25".to_owned(), columns)]),
        lists: None,
        randomised: None,
        features: Features::Dense { first: 0 },
        label_gains: None,
        notes: Vec::new(),
        found: None,
    }
}

/// Queries of two rows with different keys.
fn pairs(queries: usize) -> Data {
    let keys: Vec<String> = (0..queries).map(|query| format!("key {query}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    data([0, 1].repeat(queries), &vec![2; queries], &keys)
}

fn parts(data: Data, split: SplitChoice, choose_trees: bool) -> Result<Partition, Failure> {
    partition(data, split, 42, choose_trees).map(|(_, parts)| parts)
}

const BY_TIME: SplitChoice = SplitChoice::Time { test_fraction: 0.2 };
const BY_QUERY: SplitChoice = SplitChoice::Query { test_fraction: 0.2 };

#[test]
fn baselines_go_with_their_test_rows() {
    let parts = parts(pairs(10), BY_TIME, false).unwrap();
    let test = parts.test.as_ref().unwrap();
    assert_eq!(test.rows.query_identifiers(), ["8", "9"]);
    assert_eq!(test.query_keys, ["key 8", "key 9"]);
    assert_eq!(test.baselines["bm25"], [16.0, 17.0, 18.0, 19.0]);
    assert_eq!(test.rows.to_dense(), [16.0, 17.0, 18.0, 19.0]);
    assert_eq!(parts.training.query_count(), 8);
    assert!(parts.validation().is_none());
}

#[test]
fn early_stopping_takes_its_queries_from_the_training_side() {
    for split in [BY_TIME, BY_QUERY] {
        let without = parts(pairs(200), split, false).unwrap();
        let with = parts(pairs(200), split, true).unwrap();
        let names = |rows: &RankingRows| rows.query_identifiers().to_vec();
        let test = names(&with.test.as_ref().unwrap().rows);
        let validation = names(with.validation().unwrap());
        assert_eq!(test, names(&without.test.as_ref().unwrap().rows));
        assert!(validation.len() > 10);
        assert!(validation.iter().all(|name| !test.contains(name)));
        assert!(
            validation
                .iter()
                .all(|name| !names(&with.training).contains(name))
        );
        let both = validation.len() + with.training.query_count();
        assert_eq!(both, without.training.query_count());
        assert_eq!(with.sizes().validation_queries, validation.len());
    }
}

#[test]
fn a_provided_set_that_also_chooses_the_trees_is_called_optimistic() {
    for (choose_trees, expected) in [(false, "the Validation input"), (true, "optimistic")] {
        let mut data = pairs(3);
        data.provided_test = Some(pairs(2).rows);
        let parts = parts(data, SplitChoice::Provided, choose_trees).unwrap();
        assert_eq!(parts.validation().is_some(), choose_trees);
        assert!(parts.test.unwrap().split.contains(expected));
    }
}

#[test]
fn without_a_split_everything_is_trained_on() {
    let parts = parts(pairs(3), SplitChoice::None, false).unwrap();
    assert_eq!(parts.training.query_count(), 3);
    assert!(parts.test.is_none());
}

#[test]
fn data_that_nothing_can_be_learned_from_is_refused_with_its_cause() {
    for (labels, sizes, keys, expected) in [
        (
            vec![0; 4],
            vec![2, 2],
            ["a", "b"].as_slice(),
            "every row has the label 0",
        ),
        (
            vec![3; 4],
            vec![2, 2],
            &["a", "b"],
            "every row has the label 3",
        ),
        (
            vec![0, 1, 2],
            vec![1, 1, 1],
            &["a", "b", "c"],
            "every query has a single row",
        ),
        (
            vec![0, 0, 1, 1],
            vec![2, 2],
            &["a", "b"],
            "within every query all rows",
        ),
    ] {
        let failure = parts(data(labels, &sizes, keys), SplitChoice::None, false).unwrap_err();
        assert!(failure.message.contains(expected), "{failure}");
        assert_eq!(failure.exit_code(), 65);
    }
}

#[test]
fn one_query_cannot_be_split() {
    for split in [BY_TIME, BY_QUERY] {
        let failure = parts(data(vec![0, 1], &[2], &["a"]), split, false).unwrap_err();
        assert!(failure.message.contains("no query is left to"), "{failure}");
        assert_eq!(failure.exit_code(), 65);
    }
}

#[test]
fn folds_test_each_query_once_by_what_was_not_trained_on_it() {
    for choose_trees in [false, true] {
        let parts = parts(pairs(40), SplitChoice::KFold { folds: 4 }, choose_trees).unwrap();
        let test = parts.test.as_ref().unwrap();
        assert_eq!(
            (parts.training.query_count(), test.rows.query_count()),
            (40, 40)
        );
        assert!(test.split.contains("4 folds by query"), "{}", test.split);
        assert_eq!(test.baselines["bm25"].len(), 80);
        let mut tested = vec![0; 40];
        for fold in &parts.folds {
            fold.test.iter().for_each(|query| tested[*query] += 1);
            let rows = parts.fold_rows(fold).unwrap();
            let names = |rows: &RankingRows| rows.query_identifiers().to_vec();
            assert_eq!(rows.validation.is_some(), choose_trees);
            let validation = rows.validation.as_ref().map(names).unwrap_or_default();
            let (train, test) = (names(&rows.training), names(&rows.test));
            assert_eq!(train.len() + validation.len() + test.len(), 40);
            let others = train.iter().chain(&validation);
            assert!(others.clone().all(|name| !test.contains(name)));
            assert!(validation.iter().all(|name| !train.contains(name)));
        }
        assert_eq!(tested, [1; 40]);
        assert_eq!(parts.folds.len(), 4);
    }
    let failure = parts(pairs(3), SplitChoice::KFold { folds: 4 }, false).unwrap_err();
    assert!(failure.message.contains("dealt to 4 folds"), "{failure}");
}

#[test]
fn stated_gains_are_the_convention_of_all_parts() {
    let mut data = pairs(20);
    data.label_gains = Some(vec![0.0, 0.5]);
    let parts = parts(data, BY_QUERY, false).unwrap();
    let test = parts.test.unwrap();
    assert_eq!(test.conventions, parts.conventions);
    assert_eq!(test.conventions.gain, Gain::Stated(vec![0.0, 0.5]));
}
