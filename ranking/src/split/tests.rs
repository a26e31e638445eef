//! Tests of the splits and of the leak guard.

use super::leaks::find_leaks_by_blocks;
use super::{
    FeatureLeak, Side, SplitError, check_disjoint, check_rows_disjoint, find_leaks, folds_by_query,
    side_of, split_by_query, split_by_time,
};
use crate::metrics::{Conventions, MetricsError};
use crate::svmlight::{FeatureNumbering, Queries, RankingRows, ReadOptions, read};

fn leaks_of(rows: &RankingRows) -> Result<Vec<FeatureLeak>, MetricsError> {
    find_leaks(rows, &Conventions::default())
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|query| format!("query {query}")).collect()
}

#[test]
fn a_query_has_the_same_side_whatever_stands_beside_it() {
    let many = keys(2_000);
    let split = split_by_query(&many, 42, 0.2).unwrap();
    assert!(
        (350..450).contains(&split.test.len()),
        "{} of 2000 are to test on",
        split.test.len()
    );
    assert_eq!(split.train.len() + split.test.len(), 2_000);
    let few = split_by_query(&many[..500], 42, 0.2).unwrap();
    let among_many: Vec<usize> = split
        .test
        .iter()
        .copied()
        .filter(|query| *query < 500)
        .collect();
    assert_eq!(few.test, among_many);
    assert_ne!(
        split_by_query(&many, 43, 0.2).unwrap().test,
        split.test,
        "the seed matters"
    );
    // Written down: the side of a key may not change from version to version.
    let sides: Vec<Side> = (0..5)
        .map(|query| side_of(&format!("query {query}"), 42, 0.5))
        .collect();
    assert_eq!(sides, EXPECTED_SIDES);
}

const EXPECTED_SIDES: [Side; 5] = [Side::Test, Side::Test, Side::Train, Side::Test, Side::Train];

#[test]
fn queries_of_one_key_stand_on_one_side() {
    let repeated: Vec<String> = (0..300)
        .map(|query| format!("query {}", query % 30))
        .collect();
    let split = split_by_query(&repeated, 1, 0.3).unwrap();
    let key = |query: &usize| query % 30;
    assert!(
        split
            .test
            .iter()
            .all(|test| split.train.iter().all(|train| key(train) != key(test)))
    );
}

#[test]
fn a_split_that_leaves_a_side_empty_is_refused() {
    for fraction in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(
            matches!(
                split_by_query(&keys(10), 1, fraction),
                Err(SplitError::Fraction(_))
            ),
            "{fraction}"
        );
    }
    let same = vec!["one"; 10];
    assert!(matches!(
        split_by_query(&same, 1, 0.5),
        Err(SplitError::EmptySide {
            queries: 10,
            distinct: 1,
            ..
        })
    ));
    assert!(matches!(
        split_by_query::<&str>(&[], 1, 0.5),
        Err(SplitError::EmptySide { queries: 0, .. })
    ));
    assert!(matches!(
        split_by_time::<&str>(&[], &[], 1, 0.5),
        Err(SplitError::EmptySide { queries: 0, .. })
    ));
}

#[test]
fn a_split_by_time_tests_on_what_came_later_and_on_no_query_of_the_training() {
    // Sixty keys, each searched at five times; and twenty keys searched once, at the end.
    let mut names = Vec::new();
    let mut times = Vec::new();
    for time in 0..5 {
        for key in 0..60 {
            names.push(format!("often {key}"));
            times.push(time);
        }
    }
    for key in 0..20 {
        names.push(format!("once {key}"));
        times.push(4);
    }
    let split = split_by_time(&names, &times, 3, 0.25).unwrap();
    assert!(split.train.iter().all(|query| times[*query] < 4));
    assert!(split.test.iter().all(|query| times[*query] == 4));
    let name = |query: &usize| names[*query].as_str();
    let train: Vec<&str> = split.train.iter().map(name).collect();
    let test: Vec<&str> = split.test.iter().map(name).collect();
    check_disjoint(&train, &test).unwrap();
    assert!(
        test.len() > 20,
        "some queries that came back are tested too"
    );
    assert!(
        test.len() < 20 + 40,
        "most queries that came back are trained on"
    );
    assert_eq!(
        split.train.len() + split.test.len() + split.left_out.len(),
        names.len()
    );
    assert!(matches!(
        split_by_time(&names, &[1], 3, 0.25),
        Err(SplitError::TimesDoNotMatch { times: 1, .. })
    ));
}

#[test]
fn a_query_on_both_sides_is_named() {
    let error = check_disjoint(&["a", "b"], &["c", "b"]).unwrap_err();
    assert_eq!(
        error,
        SplitError::Overlap {
            key: "b".to_owned()
        }
    );
    check_disjoint(&["a"], &["b"]).unwrap();
}

#[test]
fn a_query_with_the_rows_of_another_is_named_in_whatever_order_its_rows_are() {
    let rows = |labels: &[u8], names: [&str; 2], width: usize, matrix: &[f64]| {
        let names = names.map(str::to_owned).to_vec();
        RankingRows::from_dense(labels.to_vec(), &[2, 2], names, width, matrix.to_vec()).unwrap()
    };
    let train = rows(&[0, 1, 2, 0], ["a", "b"], 1, &[5.0, 6.0, 7.0, 0.0]);
    // The same rows as `b`, turned round and with a column more.
    let same = rows(
        &[1, 0, 0, 2],
        ["c", "d"],
        2,
        &[5.0, 0.0, 6.0, 0.0, 0.0, 0.0, 7.0, 0.0],
    );
    assert_eq!(
        check_rows_disjoint(&train, &same),
        Err(SplitError::SameRows {
            train: "b".to_owned(),
            test: "d".to_owned()
        })
    );
    // The same features with another label are other rows, and so is a value elsewhere.
    let other = rows(&[0, 2, 2, 1], ["a", "b"], 1, &[5.0, 6.0, 7.0, 0.0]);
    check_rows_disjoint(&train, &other).unwrap();
    // Rows of one label tell nothing, though they are equal.
    let untold = rows(&[0, 0, 1, 1], ["a", "b"], 1, &[1.0, 1.0, 1.0, 1.0]);
    check_rows_disjoint(&untold, &untold).unwrap();
}

#[test]
fn a_feature_made_from_the_labels_is_reported_and_others_are_not() {
    let queries = 40;
    let mut labels = Vec::new();
    let mut matrix = Vec::new();
    for query in 0..queries {
        for row in 0..8_u32 {
            // Labels fall within a query, as in data that was sorted by them.
            let label = u8::from(row < 2);
            labels.push(label);
            let noise = f64::from((row * 7 + query * 3) % 8);
            matrix.extend([noise, -f64::from(label), 1.0, f64::NAN]);
        }
    }
    let rows = RankingRows::from_dense(
        labels,
        &[8; 40],
        (0..queries).map(|q| q.to_string()).collect(),
        4,
        matrix,
    )
    .unwrap();
    assert_eq!(
        leaks_of(&rows).unwrap(),
        [FeatureLeak {
            column: 1,
            ndcg: 1.0
        }]
    );
    // In however small blocks of columns, and from compressed rows as well.
    let text: String = (0..rows.row_count())
        .map(|row| {
            let values = rows.row(row);
            let (label, query) = (rows.labels()[row], row / 8);
            format!(
                "{label} qid:{query} 0:{} 1:{} 2:{}\n",
                values[0], values[1], values[2]
            )
        })
        .collect();
    let compressed = read(
        text.as_bytes(),
        &ReadOptions {
            numbering: FeatureNumbering::ZeroBased,
            queries: Queries::InLines,
            feature_count: Some(4),
        },
    )
    .unwrap();
    for rows in [&rows, &compressed] {
        for limit in [1, 320, 640, 1_000_000] {
            assert_eq!(
                find_leaks_by_blocks(rows, &Conventions::default(), limit).unwrap(),
                leaks_of(rows).unwrap()
            );
        }
        assert_eq!(leaks_of(rows).unwrap().len(), 1);
    }
    let few: Vec<usize> = (0..10).collect();
    assert_eq!(leaks_of(&rows.select_queries(&few).unwrap()).unwrap(), []);
}

#[test]
fn each_query_is_tested_in_one_fold_and_trained_on_in_the_others() {
    // Every key three times.
    let keys: Vec<String> = (0..63)
        .map(|query| format!("query {}", query % 21))
        .collect();
    let folds = folds_by_query(&keys, 42, 5).unwrap();
    assert_eq!(folds.len(), 5);
    let mut tested = vec![0; keys.len()];
    for fold in &folds {
        assert_eq!(fold.train.len() + fold.test.len(), keys.len());
        assert!(fold.left_out.is_empty());
        fold.test.iter().for_each(|query| tested[*query] += 1);
        let side = |queries: &[usize]| -> Vec<&String> {
            queries.iter().map(|query| &keys[*query]).collect()
        };
        check_disjoint(&side(&fold.train), &side(&fold.test)).unwrap();
        // 21 keys in five folds: four or five each.
        assert!([12, 15].contains(&fold.test.len()), "{}", fold.test.len());
    }
    assert_eq!(tested, vec![1; keys.len()]);
    assert_eq!(folds, folds_by_query(&keys, 42, 5).unwrap());
    assert_ne!(folds, folds_by_query(&keys, 43, 5).unwrap());
    let reversed: Vec<String> = keys.iter().rev().cloned().collect();
    let again = folds_by_query(&reversed, 42, 5).unwrap();
    for (fold, again) in folds.iter().zip(&again) {
        let mut places: Vec<usize> = again.test.iter().map(|query| 62 - query).collect();
        places.sort_unstable();
        assert_eq!(fold.test, places, "the order of the data does not count");
    }
}

#[test]
fn more_folds_than_queries_are_refused() {
    let error = folds_by_query(&["a", "b", "a"], 1, 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 distinct queries cannot be dealt to 3 folds"
    );
    assert!(folds_by_query(&["a", "b"], 1, 1).is_err());
}
