//! Requests that are taken and requests that are refused, each by name.

use clap::Parser;

use super::*;
use crate::cli::{Command, CommandLine};

fn train(arguments: &[&str]) -> Result<TrainRequest, RequestError> {
    let typed = CommandLine::try_parse_from(["searchop-trainer", "train"].iter().chain(arguments))
        .expect("the command line itself is valid");
    let Command::Train(options) = typed.command else {
        panic!("not train");
    };
    TrainRequest::try_from(&options)
}

fn refusal(arguments: &[&str]) -> String {
    train(arguments).expect_err("refused").to_string()
}

const ROWS: &[&str] = &[
    "--input",
    "SvmLight=rows",
    "--feature-numbering",
    "OneBased",
];

fn with_rows<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ROWS.iter().chain(more).copied().collect()
}

#[test]
fn the_split_follows_from_the_data_unless_it_is_named() {
    let time = train(&["--dataset-uri", "store/artifacts/x"]).expect("valid");
    assert_eq!(time.data.split, SplitChoice::Time { test_fraction: 0.2 });
    let query = train(ROWS).expect("valid");
    assert_eq!(query.data.split, SplitChoice::Query { test_fraction: 0.2 });
    let provided = train(&with_rows(&["--input", "Validation=test"])).expect("valid");
    assert_eq!(provided.data.split, SplitChoice::Provided);
    let folds = train(&with_rows(&["--split-mode", "KFold"])).expect("valid");
    assert_eq!(folds.data.split, SplitChoice::KFold { folds: 5 });
    let folds = train(&with_rows(&["--split-mode", "KFold", "--folds", "3"])).expect("valid");
    assert_eq!(folds.data.split, SplitChoice::KFold { folds: 3 });
    assert_eq!(folds.leak_guard, LeakGuard::Fail);
    let none = train(&with_rows(&["--split-mode", "None"])).expect("valid");
    assert_eq!(none.data.split, SplitChoice::None);
}

#[test]
fn inputs_are_read_with_their_digests() {
    let hex = "0a".repeat(32);
    let rows = format!("SvmLight=s3://bucket/a=b/rank.train#sha256={hex}");
    let request = train(&["--input", &rows, "--feature-numbering", "ZeroBased"]).expect("valid");
    let DataSource::SvmLight(files) = request.data.source else {
        panic!("not files");
    };
    assert_eq!(files.rows.uri, "s3://bucket/a=b/rank.train");
    assert_eq!(files.rows.sha256, Some(hex));
    assert_eq!(files.numbering, Numbering::ZeroBased);
}

#[test]
fn inputs_that_cannot_be_used_are_refused_by_name() {
    for (arguments, expected) in [
        (vec![], "nothing to read"),
        (vec!["--input", "SvmLight"], "expected NAME=URI"),
        (vec!["--input", "SvmLight="], "expected NAME=URI"),
        (vec!["--input", "Svmlight=x"], "\"Svmlight\" is not known"),
        (
            vec!["--input", "Groups=x"],
            "\"Groups\" is given without input \"SvmLight\"",
        ),
        (vec!["--input", "SvmLight=x"], "needs --feature-numbering"),
        (
            vec!["--input", "SvmLight=x#sha256=AB"],
            "SvmLight: \"AB\" is not a digest",
        ),
        (
            with_rows(&["--input", "SvmLight=y"]),
            "\"SvmLight\" is given twice",
        ),
        (
            with_rows(&["--input", "ValidationGroups=y"]),
            "\"ValidationGroups\" is given without input \"Validation\"",
        ),
        (
            vec!["--dataset-uri", "x", "--feature-numbering", "OneBased"],
            "--feature-numbering is for SvmLight",
        ),
    ] {
        let message = refusal(&arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn splits_that_the_data_cannot_have_are_refused() {
    for (arguments, expected) in [
        (
            with_rows(&["--split-mode", "Time"]),
            "rows and judgements have no time",
        ),
        (
            with_rows(&["--split-mode", "Provided"]),
            "no input \"Validation\"",
        ),
        (
            with_rows(&["--split-mode", "Query", "--input", "Validation=v"]),
            "an input \"Validation\" is given",
        ),
        (
            with_rows(&["--split-mode", "KFold", "--folds", "1"]),
            "--folds 1 is not from 2 to 20",
        ),
        (with_rows(&["--folds", "5"]), "--folds is for KFold"),
        (
            with_rows(&["--split-mode", "KFold", "--input", "Validation=v"]),
            "an input \"Validation\" is given",
        ),
        (
            with_rows(&["--test-fraction", "1"]),
            "--test-fraction 1 is not",
        ),
        (
            with_rows(&["--test-fraction", "NaN"]),
            "--test-fraction NaN is not",
        ),
    ] {
        let message = refusal(&arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn numbers_out_of_bounds_are_refused_by_flag() {
    for (flag, value) in [
        ("--num-iterations", "0"),
        ("--num-iterations", "10001"),
        ("--num-leaves", "1"),
        ("--learning-rate", "0"),
        ("--learning-rate", "NaN"),
        ("--learning-rate", "1.1"),
        ("--seed", "2147483648"),
        ("--objective", "regression"),
        ("--parameter", "num_threads=4"),
    ] {
        let message = refusal(&with_rows(&[flag, value]));
        let named = message.contains(flag) || message.contains("num_threads");
        assert!(named, "{flag} {value}: {message}");
    }
}

#[test]
fn early_stopping_is_off_unless_asked_for_and_needs_validation_queries() {
    assert_eq!(train(ROWS).expect("valid").early_stopping, None);
    let asked = [
        "--early-stopping-metric",
        "ndcg@10",
        "--early-stopping-rounds",
        "30",
    ];
    let stopping = train(&with_rows(&asked))
        .expect("valid")
        .early_stopping
        .expect("asked for");
    assert_eq!(
        (stopping.metric.to_string().as_str(), stopping.rounds.get()),
        ("ndcg@10", 30)
    );
    let without: Vec<_> = asked
        .iter()
        .chain(&["--split-mode", "None"])
        .copied()
        .collect();
    assert!(refusal(&with_rows(&without)).contains("early stopping needs validation"));
    let unknown = [
        "--early-stopping-metric",
        "ndcg",
        "--early-stopping-rounds",
        "30",
    ];
    assert!(refusal(&with_rows(&unknown)).contains("expected ndcg@K or map@K"));
}

#[test]
fn own_data_is_a_catalogue_with_something_to_learn_from() {
    let request = train(&[
        "--input",
        "Catalogue=s3://b/products.csv.gz",
        "--input",
        "Judgements=s3://b/x",
        "--input-format",
        "Judgements=OpenSearch",
        "--grades",
        "100=1,0=0",
    ])
    .expect("valid");
    assert_eq!(
        request.data.split,
        SplitChoice::Query { test_fraction: 0.2 }
    );
    let DataSource::Own(files) = request.data.source else {
        panic!("not own data");
    };
    assert!(files.reading().contains("OpenSearch grades=100=1:1,0=0:0"));
    let request = train(&[
        "--input",
        "Catalogue=s3://b/Products.PARQUET",
        "--input",
        "Judgements=s3://b/x",
        "--input-format",
        "Judgements=Parquet",
    ])
    .expect("valid");
    let DataSource::Own(files) = request.data.source else {
        panic!("not own data");
    };
    assert!(
        files
            .reading()
            .starts_with("catalogue=Parquet\njudgements=Parquet ")
    );
    let request = train(&["--input", "Catalogue=a.jsonl", "--input", "Events=b"]).expect("valid");
    assert_eq!(request.data.split, SplitChoice::Time { test_fraction: 0.2 });
}

#[test]
fn own_data_that_cannot_be_used_is_refused_by_name() {
    const CATALOGUE: &[&str] = &["--input", "Catalogue=a.csv"];
    const BOTH: &[&str] = &["--input", "Catalogue=a.csv", "--input", "Judgements=b.csv"];
    for (start, more, expected) in [
        (
            CATALOGUE,
            vec![],
            "without input \"Judgements\" or \"Events\"",
        ),
        (
            &[][..],
            vec!["--input", "Events=b"],
            "\"Events\" is given without input \"Catalogue\"",
        ),
        (
            CATALOGUE,
            vec!["--input", "Queries=b"],
            "\"Queries\" is given without input \"Events\"",
        ),
        (
            BOTH,
            vec!["--input", "SvmLight=c"],
            "cannot be given together",
        ),
        (
            BOTH,
            vec!["--input", "Groups=c"],
            "\"Groups\" is given without input \"SvmLight\"",
        ),
        (
            BOTH,
            vec!["--feature-numbering", "OneBased"],
            "a dataset has named features",
        ),
        (
            BOTH,
            vec!["--split-mode", "Time"],
            "judgements have no time",
        ),
        (
            BOTH,
            vec!["--grades", "Exact"],
            "--grades: grade map: \"Exact\"",
        ),
        (BOTH, vec!["--action", "x=look"], "--action \"x=look\""),
        (
            BOTH,
            vec!["--bad-lines", "100001"],
            "--bad-lines 100001 is more than 100000",
        ),
        (
            BOTH,
            vec!["--input-format", "Events=Csv"],
            "only Catalogue and Judgements",
        ),
        (
            BOTH,
            vec!["--input-format", "Judgements=Xml"],
            "\"Xml\" is not a format of judgements; known are Csv, Tsv, JsonLines, TrecQrels, OpenSearch, Parquet",
        ),
        (
            CATALOGUE,
            vec!["--input", "Judgements=b"],
            "--input-format Judgements=FORMAT",
        ),
        (ROWS, vec!["--grades", "1=1"], "--grades is for own data"),
    ] {
        let arguments: Vec<&str> = start.iter().chain(&more).copied().collect();
        let message = refusal(&arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn position_bias_is_off_unless_asked_for_and_needs_shown_positions() {
    const EVENTS: &[&str] = &["--input", "Catalogue=a.csv", "--input", "Events=b"];
    const UNBIASED: &[&str] = &["--position-bias", "Unbiased"];
    const WEIGHT: &[&str] = &["--position-bias-regularization", "0.5"];
    let asked = |arguments: &[&[&str]]| train(&arguments.concat());
    assert_eq!(asked(&[EVENTS]).expect("valid").position_bias, None);
    let weight = |request: TrainRequest| request.position_bias.map(|bias| bias.regularization);
    let unbiased = asked(&[EVENTS, UNBIASED]).expect("valid");
    assert_eq!(weight(unbiased), Some(0.0));
    let unbiased = asked(&[EVENTS, UNBIASED, WEIGHT]).expect("valid");
    assert_eq!(weight(unbiased), Some(0.5));
    for (arguments, expected) in [
        (&[EVENTS, WEIGHT][..], "is for --position-bias Unbiased"),
        (&[ROWS, UNBIASED], "needs labels from events"),
        (
            &[EVENTS, UNBIASED, &["--objective", "pointwise"]],
            "is for --objective lambdarank",
        ),
        (
            &[EVENTS, UNBIASED, &["--input", "Judgements=c.csv"]],
            "needs labels from events",
        ),
        (
            &[EVENTS, UNBIASED, &["--position-bias-regularization=-1"]],
            "--position-bias-regularization -1 is not",
        ),
        (
            &[EVENTS, UNBIASED, &["--position-bias-regularization=NaN"]],
            "--position-bias-regularization NaN is not",
        ),
    ] {
        let message = refusal(&arguments.concat());
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn what_is_known_of_features_is_taken_by_name() {
    let request = train(&with_rows(&[
        "--monotone-constraint",
        "f1=Increasing",
        "--monotone-constraint",
        "a=b=Decreasing",
        "--categorical-feature",
        "f2",
    ]))
    .expect("valid");
    assert_eq!(request.monotone["f1"], Direction::Increasing);
    assert_eq!(request.monotone["a=b"], Direction::Decreasing);
    assert!(request.categorical.contains("f2"));
    for (arguments, expected) in [
        (
            &["--monotone-constraint", "f1"][..],
            "expected FEATURE=Increasing",
        ),
        (
            &["--monotone-constraint", "f1=Up"],
            "expected FEATURE=Increasing",
        ),
        (
            &["--monotone-constraint", "=Increasing"],
            "expected FEATURE=Increasing",
        ),
        (
            &[
                "--monotone-constraint",
                "f1=Increasing",
                "--monotone-constraint",
                "f1=Decreasing",
            ],
            "\"f1=Decreasing\": the feature is given twice",
        ),
        (
            &["--categorical-feature", "f2", "--categorical-feature", "f2"],
            "\"f2\": the feature is given twice",
        ),
        (
            &[
                "--categorical-feature",
                "f2",
                "--monotone-constraint",
                "f2=Increasing",
            ],
            "categories have no order",
        ),
    ] {
        let message = refusal(&with_rows(arguments));
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
    let message = refusal(&["--dataset-uri", "x", "--categorical-feature", "brand"]);
    assert!(message.contains("only SvmLight rows"), "{message}");
}
