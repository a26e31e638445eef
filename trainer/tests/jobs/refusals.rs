//! Data, inputs and arguments that cannot be used.

use serde_json::Value;

use crate::place::{Place, svmlight, train};

#[test]
fn data_that_cannot_be_used_is_refused_by_line_or_with_its_cause() {
    let place = Place::new();
    for (text, expected) in [
        ("", "input SvmLight: there are no rows"),
        ("1 qid:1 1:1\n0 qid:1 1:2\n", "no query is left to"),
        ("1 qid:1 1:1\n0 qid:2 1:2\n1 qid:1 1:3\n", "line 3"),
        ("0 qid:1 1:1\n31 qid:1 1:2\n", "line 2"),
        ("0 qid:1 1:1\n1 qid:1 1:nan\n", "line 2"),
        ("0 qid:1 1:1\n1.5 qid:1 1:1\n", "line 2"),
        ("0 qid:1 1:1\n1 qid:1 1:1 1:2\n", "line 2"),
        ("0 qid:1 0:1\n1 qid:1 1:1\n", "line 1"),
        ("0 1:1\n1 1:1\n", "line 1"),
    ] {
        let input = format!("SvmLight={}", place.write("rows", text));
        let arguments = train(&["--input", &input, "--feature-numbering", "OneBased"]);
        let message = place.refused(&arguments, "InvalidData");
        assert!(message.contains(expected), "{text:?}: {message}");
    }
    for (labels, expected) in [
        ("0", "every row has the label 0"),
        ("2", "every row has the label 2"),
    ] {
        let text: String = (0..60)
            .map(|row| format!("{labels} qid:{} 1:{row}\n", row / 3))
            .collect();
        let input = format!("SvmLight={}", place.write("rows", &text));
        let arguments = train(&["--input", &input, "--feature-numbering", "OneBased"]);
        let message = place.refused(&arguments, "InvalidData");
        assert!(message.contains(expected), "{message}");
    }
    let rows = format!("SvmLight={}", place.write("rows", "1 1:1\n0 1:2\n"));
    let groups = format!("Groups={}", place.write("groups", "3\n"));
    let arguments = train(&[
        "--input",
        &rows,
        "--input",
        &groups,
        "--feature-numbering",
        "OneBased",
    ]);
    let message = place.refused(&arguments, "InvalidData");
    assert!(message.contains("counts 3 rows"), "{message}");
}

#[test]
fn a_model_that_orders_nothing_is_refused_and_not_published() {
    let place = Place::new();
    // Too few rows for two leaves of 20; a feature that is the same in all rows of a query; and
    // one that is the same everywhere.
    let same_in_each_query: String = (0..300)
        .map(|row| format!("{} qid:{} 1:{}\n", row % 3, row / 3, row / 3))
        .collect();
    let constant = same_in_each_query
        .lines()
        .map(|line| line.split(" 1:").next().unwrap().to_owned() + " 1:7\n")
        .collect();
    for text in [svmlight(4), same_in_each_query, constant] {
        let input = format!("SvmLight={}", place.write("rows", &text));
        let message = place.refused(
            &train(&[
                "--input",
                &input,
                "--feature-numbering",
                "OneBased",
                "--split-mode",
                "None",
            ]),
            "InvalidData",
        );
        assert!(
            message.starts_with("the trained model is constant: "),
            "{message}"
        );
        let published = place.path("store/artifacts");
        assert!(!published.exists() || published.read_dir().unwrap().count() == 0);
    }
}

#[test]
fn a_validation_query_that_is_trained_on_is_named() {
    let place = Place::new();
    let numbered = svmlight(40);
    let rows = format!("SvmLight={}", place.write("rows", &numbered));
    let refusal = |inputs: &[&str]| {
        let mut arguments = train(&["--feature-numbering", "OneBased"]);
        inputs
            .iter()
            .for_each(|input| arguments.extend(["--input", input]));
        place.refused(&arguments, "InvalidData")
    };
    // The same qid with other rows.
    let text = "1 qid:900 1:100\n0 qid:900 1:101\n2 qid:39 1:102\n0 qid:39 1:103\n";
    let same_qid = format!("Validation={}", place.write("same-qid", text));
    assert_eq!(
        refusal(&[&rows, &same_qid]),
        "input Validation: the query \"39\" is in the training data and in the validation data"
    );
    // The same rows under another qid, and under none.
    let other_qid = text.replace("qid:39", "qid:901")
        + &numbered[..numbered.find("qid:1 ").unwrap() - 2].replace("qid:0", "qid:902");
    let other_qid = format!("Validation={}", place.write("other-qid", &other_qid));
    let message = refusal(&[&rows, &other_qid]);
    assert!(
        message.starts_with("input Validation: the query \"902\" of the validation data has"),
        "{message}"
    );
    let without_qid: String = numbered
        .lines()
        .take(10)
        .map(|line| {
            let (label, rest) = line.split_once(' ').unwrap();
            format!("{label} {}\n", rest.split_once(' ').unwrap().1)
        })
        .collect();
    let without_qid = format!("Validation={}", place.write("without-qid", &without_qid));
    let groups = format!("ValidationGroups={}", place.write("groups", "5\n5\n"));
    let message = refusal(&[&rows, &without_qid, &groups]);
    assert!(
        message.starts_with("input Validation: the query \"0\" of the validation data has"),
        "{message}"
    );
}

#[test]
fn inputs_that_are_not_what_they_should_be_are_refused() {
    let place = Place::new();
    let rows = place.write("rows", &svmlight(10));
    let pinned = format!("SvmLight={rows}#sha256={}", "0".repeat(64));
    let message = place.refused(
        &train(&["--input", &pinned, "--feature-numbering", "OneBased"]),
        "DigestMismatch",
    );
    assert!(message.contains("input SvmLight"), "{message}");
    let absent = format!("SvmLight={rows}.absent");
    place.refused(
        &train(&["--input", &absent, "--feature-numbering", "OneBased"]),
        "ArtifactNotFound",
    );
    let unknown = format!("SvmLight={rows}");
    let message = place.refused(
        &train(&[
            "--input",
            &unknown,
            "--feature-numbering",
            "OneBased",
            "--parameter",
            "machines=x",
        ]),
        "InvalidParameters",
    );
    assert!(message.contains("\"machines\" is not allowed"), "{message}");
    let store = place.path("store").display().to_string();
    let other = format!("{store}/artifacts/{}", "a".repeat(64));
    let message = place.refused(
        &train(&["--dataset-uri", &other, "--dataset-sha256", &"b".repeat(64)]),
        "InvalidParameters",
    );
    assert!(message.contains("different artifacts"), "{message}");
}

#[test]
fn wrong_usage_is_exit_code_two_and_told_in_the_result_file() {
    let place = Place::new();
    let (code, result) = place.run(&["train", "--no-such-flag"]);
    assert_eq!(
        (code, &result["reason"]),
        (2, &Value::from("InvalidParameters"))
    );
    assert!(
        result["message"]
            .as_str()
            .unwrap()
            .contains("--no-such-flag")
    );
    let help = place.command(&["--help"]).output().unwrap();
    assert!(help.status.success());
}
