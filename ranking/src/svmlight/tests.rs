//! Tests of the reader: what it accepts, and that every error names its line.

use proptest::prelude::*;

use super::{
    FeatureNumbering, Queries, RankingRows, ReadOptions, RowsError, SvmLightError, read,
    read_groups,
};

const ONE_BASED: ReadOptions<'_> = ReadOptions {
    numbering: FeatureNumbering::OneBased,
    queries: Queries::InLines,
    feature_count: None,
};
const ZERO_BASED: ReadOptions<'_> = ReadOptions {
    numbering: FeatureNumbering::ZeroBased,
    queries: Queries::InLines,
    feature_count: None,
};

fn refusal(text: &str, options: &ReadOptions<'_>) -> String {
    read(text.as_bytes(), options)
        .expect_err("the text must be refused")
        .to_string()
}

#[test]
fn rows_of_a_letor_file_are_read_with_absent_features_as_zero() {
    let text = "# a comment line\n2 qid:7 1:0.5 3:-1e-3 # docid = \u{fc} 4:9\r\n\n0 qid:7\n+1.0 qid:x 2:4\n";
    let rows = read(text.as_bytes(), &ONE_BASED).unwrap();
    assert_eq!(rows.labels(), [2, 0, 1]);
    assert_eq!(rows.boundaries(), [0, 2, 3]);
    assert_eq!(rows.query_identifiers(), ["7", "x"]);
    assert_eq!(
        rows.to_dense(),
        [0.5, 0.0, -1e-3, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0]
    );
    let zero_based = read(text.as_bytes(), &ZERO_BASED).unwrap();
    assert_eq!(
        zero_based.feature_count(),
        4,
        "column 0 is there though no line names it"
    );
    assert_eq!(zero_based.row(2), [0.0, 0.0, 4.0, 0.0]);
    assert_eq!(rows.query_rows(1), 2..3);
}

#[test]
fn a_comment_may_hold_any_bytes() {
    assert_eq!(
        read(&b"1 qid:1 1:1 # \xff\xfe"[..], &ONE_BASED)
            .unwrap()
            .row_count(),
        1
    );
    let error = read(&b"1 qid:1 1:1\n1 qid:\xff 1:1"[..], &ONE_BASED).unwrap_err();
    assert_eq!(error.to_string(), "line 2: is not UTF-8");
}

#[test]
fn a_group_file_gives_the_queries() {
    let groups = read_groups("2\r\n1\n\n".as_bytes()).unwrap();
    let options = ReadOptions {
        queries: Queries::Groups(&groups),
        ..ONE_BASED
    };
    let rows = read("1 1:1\n0 1:2\n3 1:3\n".as_bytes(), &options).unwrap();
    assert_eq!(rows.group_sizes().collect::<Vec<_>>(), [2, 1]);
    assert_eq!(rows.query_identifiers(), ["0", "1"]);
    assert_eq!(
        refusal("1 1:1\n0 1:2\n", &options),
        "the group file counts 3 rows in 2 queries, but the data has 2 rows (the last is line 2)"
    );
    assert_eq!(
        refusal("1 1:1\n0 qid:1 1:2\n", &options),
        "line 2: has a qid although a group file is given"
    );
    for (text, line) in [("2\n0\n", 2), ("x", 1), ("-1", 1), ("1 2", 1), ("1.5", 1)] {
        let error = read_groups(text.as_bytes()).unwrap_err();
        assert!(
            matches!(error, SvmLightError::Line { line: at, .. } if at == line),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn every_error_names_its_line() {
    for (text, expected) in [
        ("1 1:1", "line 2: has no qid, and no group file is given"),
        ("1 qid: 1:1", "line 2: the qid must have 1 to 256 bytes"),
        ("x qid:2 1:1", "line 2: the label \"x\" is not a number"),
        (
            "-1 qid:2 1:1",
            "line 2: the label \"-1\" is not a whole number from 0 to 30",
        ),
        (
            "0.5 qid:2 1:1",
            "line 2: the label \"0.5\" is not a whole number from 0 to 30",
        ),
        (
            "31 qid:2 1:1",
            "line 2: the label \"31\" is not a whole number from 0 to 30",
        ),
        (
            "nan qid:2 1:1",
            "line 2: the label \"nan\" is not a whole number from 0 to 30",
        ),
        (
            "1 qid:2 0:1",
            "line 2: \"0:1\": feature number 0, but numbers start at 1 (OneBased)",
        ),
        (
            "1 qid:2 2:1 2:1",
            "line 2: has the feature of \"2:1\" twice",
        ),
        (
            "1 qid:2 3:1 2:1",
            "line 2: feature numbers must rise, but \"2:1\" follows a higher one",
        ),
        (
            "1 qid:2 1:nan",
            "line 2: \"1:nan\": a missing value cannot be told; leave the feature out, which means 0",
        ),
        (
            "1 qid:2 1:1e999",
            "line 2: \"1:1e999\": the value is not finite",
        ),
        (
            "1 qid:2 1:-NaN",
            "line 2: \"1:-NaN\": a missing value cannot be told; leave the feature out, which means 0",
        ),
        ("1 qid:2 1:NULL", "line 2: \"1:NULL\" is not feature:value"),
        ("1 qid:2 1:", "line 2: \"1:\" is not feature:value"),
        ("1 qid:2 -1:1", "line 2: \"-1:1\" is not feature:value"),
        ("1 qid:2 1", "line 2: \"1\" is not feature:value"),
        ("1 qid:2 cost:1", "line 2: \"cost:1\" is not feature:value"),
        (
            "1 qid:2 100001:1",
            "line 2: \"100001:1\": the feature number is above the last one, 100000",
        ),
        (
            "1 qid:2 99999999999999999999999:1",
            "line 2: \"99999999999999999999999:1\": the feature number is above the last one, 100000",
        ),
        (
            "1 qid:2 1:1\n1 qid:1 1:1",
            "line 3: the rows of query \"1\" do not stand together: other queries come between",
        ),
    ] {
        assert_eq!(
            refusal(&format!("1 qid:1 1:1\n{text}"), &ONE_BASED),
            expected
        );
    }
}

#[test]
fn an_empty_file_and_rows_without_features_are_refused() {
    assert_eq!(refusal("", &ONE_BASED), "there are no rows");
    assert_eq!(refusal("# nothing\n\n", &ONE_BASED), "there are no rows");
    assert_eq!(refusal("1 qid:1\n", &ONE_BASED), "there are no features");
}

#[test]
fn a_stated_feature_count_bounds_and_widens() {
    let options = ReadOptions {
        feature_count: Some(3),
        ..ONE_BASED
    };
    assert_eq!(
        read("1 qid:1 1:1".as_bytes(), &options).unwrap().row(0),
        [1.0, 0.0, 0.0]
    );
    assert_eq!(
        refusal("1 qid:1 4:1", &options),
        "line 1: \"4:1\": the feature number is above the last one, 3"
    );
}

#[test]
fn selected_queries_keep_their_rows_whichever_way_they_are_stored() {
    let compressed = read(
        "1 qid:a 1:1\n0 qid:b 2:2\n2 qid:b 1:3\n".as_bytes(),
        &ONE_BASED,
    )
    .unwrap();
    let dense = RankingRows::from_dense(
        vec![1, 0, 2],
        &[1, 2],
        vec!["a".to_owned(), "b".to_owned()],
        2,
        vec![1.0, 0.0, 0.0, 2.0, 3.0, 0.0],
    )
    .unwrap();
    for rows in [compressed, dense] {
        let selected = rows.select_queries(&[1]).unwrap();
        assert_eq!(
            (selected.labels(), selected.query_identifiers()),
            (&[0, 2][..], &["b".to_owned()][..])
        );
        assert_eq!(selected.to_dense(), [0.0, 2.0, 3.0, 0.0]);
        for (columns, expected) in [(0..1, &[0.0][..]), (1..2, &[2.0]), (0..2, &[0.0, 2.0])] {
            let mut part = vec![9.0; columns.len()];
            selected.copy_columns(0, columns, &mut part);
            assert_eq!(part, expected);
        }
        assert_eq!(rows.select_queries(&[]), Err(RowsError::Empty("rows")));
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let rows = |labels: Vec<u8>, sizes: &[usize], names: usize, values: usize| {
        RankingRows::from_dense(
            labels,
            sizes,
            vec![String::new(); names],
            2,
            vec![0.0; values],
        )
    };
    assert_eq!(
        rows(vec![0, 31], &[2], 1, 4),
        Err(RowsError::LabelTooLarge { row: 1, label: 31 })
    );
    assert_eq!(
        rows(vec![0, 1], &[1], 1, 4),
        Err(RowsError::GroupsDoNotMatch {
            grouped: 1,
            rows: 2
        })
    );
    assert_eq!(
        rows(vec![0, 1], &[0, 2], 2, 4),
        Err(RowsError::EmptyQuery { query: 0 })
    );
    assert_eq!(
        rows(vec![0, 1], &[2], 2, 4),
        Err(RowsError::IdentifiersDoNotMatch {
            identifiers: 2,
            queries: 1
        })
    );
    let mismatch = RowsError::MatrixDoesNotMatch {
        values: 3,
        rows: 2,
        feature_count: 2,
    };
    assert_eq!(rows(vec![0, 1], &[2], 1, 3), Err(mismatch));
}

proptest! {
    /// Any text is read or refused; what is read comes back as it was written.
    #[test]
    fn any_text_is_read_or_refused(text in "([0-9qid:. #\n-]|nan|1e9){0,60}") {
        let _ = read(text.as_bytes(), &ONE_BASED);
        let _ = read_groups(text.as_bytes());
    }

    #[test]
    fn written_rows_are_read_back(
        values in prop::collection::vec((0_u8..=30, prop::collection::vec(prop::num::f64::NORMAL, 1..6)), 1..8),
    ) {
        let mut text = String::new();
        for (query, (label, row)) in values.iter().enumerate() {
            text += &format!("{label} qid:{query}");
            for (column, value) in row.iter().enumerate() {
                text += &format!(" {column}:{value:e}");
            }
            text += "\n";
        }
        let rows = read(text.as_bytes(), &ZERO_BASED).unwrap();
        for (index, (label, row)) in values.iter().enumerate() {
            prop_assert_eq!(rows.labels()[index], *label);
            prop_assert_eq!(&rows.row(index)[..row.len()], &row[..]);
        }
    }
}
