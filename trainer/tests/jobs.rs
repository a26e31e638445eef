//! The program as the operator and a person start it: exit codes, result files and what is in the
//! store afterwards, against a store in a folder.
#![allow(clippy::unwrap_used)] // Helpers of tests: a panic here is a failure with a place.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use searchop_ranking::bundle::Bundle;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a store and input files.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        // Asked for when the test runs: the project's compiler wrapper is a shell script, and
        // shells drop variables with a hyphen in their names.
        let program = std::env::var_os("CARGO_BIN_EXE_searchop-trainer")
            .expect("cargo names the program to its integration tests");
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEARCHOP_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .env("SEARCHOP_STORE", self.path("store"))
            .env("SEARCHOP_RESULT_FILE", self.path("result.json"))
            .env("SEARCHOP_WORK_DIRECTORY", self.path("work"));
        command
    }

    /// Runs to the end: the exit code and the result file.
    fn run(&self, arguments: &[&str]) -> (i32, Value) {
        let result = self.path("result.json");
        let _ = std::fs::remove_file(&result);
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(arguments).output().unwrap();
        let text = std::fs::read(&result).unwrap_or_else(|_| {
            panic!(
                "no result file; {}{}",
                String::from_utf8_lossy(&stdout),
                String::from_utf8_lossy(&stderr)
            )
        });
        assert!(
            text.len() <= 4_096,
            "{} bytes do not fit a termination message",
            text.len()
        );
        (
            status.code().unwrap(),
            serde_json::from_slice(&text).unwrap(),
        )
    }

    fn succeed(&self, arguments: &[&str]) -> Value {
        let (code, result) = self.run(arguments);
        assert_eq!(
            (code, &result["outcome"]),
            (0, &Value::from("Succeeded")),
            "{result}"
        );
        result
    }

    /// Runs what must be refused: the message, after a check of code and reason.
    fn refused(&self, arguments: &[&str], reason: &str) -> String {
        let (code, result) = self.run(arguments);
        assert_eq!(
            (code, &result["reason"]),
            (65, &Value::from(reason)),
            "{arguments:?}: {result}"
        );
        assert_eq!(result["retryable"], false);
        result["message"].as_str().unwrap().to_owned()
    }

    /// A small demo dataset's address.
    fn dataset(&self) -> String {
        let result = self.succeed(&[
            "generate",
            "--seed",
            "7",
            "--products",
            "200",
            "--users",
            "300",
            "--events",
            "6000",
            "--owner",
            "demodataset.shop.storefront.1",
        ]);
        result["artifact"]["uri"].as_str().unwrap().to_owned()
    }
}

/// Queries of five rows; the second feature decides the label, the third is constant.
fn svmlight(queries: usize) -> String {
    let mut text = String::new();
    for query in 0..queries {
        for row in 0..5 {
            let value = (query * 7 + row * 3) % 5;
            text += &format!(
                "{} qid:{query} 1:{}.5 2:{value} 3:1\n",
                value / 2,
                (query + row) % 4
            );
        }
    }
    text
}

const SMALL: &[&str] = &["--num-iterations", "20", "--num-leaves", "7"];

fn train<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ["train"].iter().chain(SMALL).chain(more).copied().collect()
}

#[test]
fn a_dataset_becomes_a_bundle_that_does_not_depend_on_threads_or_on_where_it_was_made() {
    let (here, there) = (Place::new(), Place::new());
    let (first, second) = (here.dataset(), there.dataset());
    assert_ne!(first, second);
    assert_eq!(
        first.rsplit('/').next(),
        second.rsplit('/').next(),
        "the same seed, the same dataset"
    );
    let one = here.succeed(&train(&["--dataset-uri", &first, "--threads", "1"]));
    let two = there.succeed(&train(&["--dataset-uri", &second, "--threads", "2"]));
    assert_eq!(one["model"]["sha256"], two["model"]["sha256"]);
    assert_eq!(one["metrics"], two["metrics"]);
    assert_eq!(one["trees"], 20);
    assert_eq!(one["model"]["format"], "lightgbm-text-v4/1");
    let baselines = one["metrics"][0]["baselines"].as_object().unwrap();
    let names: Vec<_> = baselines.keys().map(String::as_str).collect();
    assert_eq!(names, ["bm25", "popularity", "random", "retrieval"]);
    let other = here.succeed(&train(&["--dataset-uri", &first, "--seed", "43"]));
    assert_ne!(one["model"]["sha256"], other["model"]["sha256"]);
}

#[test]
fn a_second_attempt_finds_the_first_one_s_result_unless_its_bundle_is_gone() {
    let place = Place::new();
    let dataset = place.dataset();
    let arguments = train(&["--dataset-uri", &dataset, "--owner", "trainingrun.shop.a.1"]);
    let first = place.succeed(&arguments);
    assert_eq!(first["reused"], false);
    let mut second = place.succeed(&arguments);
    assert_eq!(second["reused"], true);
    second["reused"] = false.into();
    assert_eq!(first, second);
    let digest = first["model"]["sha256"].as_str().unwrap();
    std::fs::remove_file(place.path(&format!("store/artifacts/{digest}/manifest.json"))).unwrap();
    assert_eq!(
        place.succeed(&arguments),
        first,
        "trained again, to the same digest"
    );
}

#[test]
fn purging_one_owner_keeps_what_another_refers_to() {
    let place = Place::new();
    let dataset = place.dataset();
    for owner in ["trainingrun.shop.a.1", "trainingrun.shop.b.2"] {
        place.succeed(&train(&["--dataset-uri", &dataset, "--owner", owner]));
    }
    let purge = |owner: &str| place.succeed(&["purge", "--owner", owner]);
    let result = purge("trainingrun.shop.a.1");
    assert_eq!(
        result["retained"].as_array().unwrap().len(),
        2,
        "dataset and bundle: {result}"
    );
    purge("demodataset.shop.storefront.1");
    assert!(place.path("store/artifacts").read_dir().unwrap().count() > 0);
    let last = purge("trainingrun.shop.b.2");
    assert!(last["purged"]["objects"].as_u64().unwrap() > 4, "{last}");
    assert_eq!(purge("trainingrun.shop.b.2")["purged"]["objects"], 0);
    let (code, result) = place.run(&train(&["--dataset-uri", &dataset]));
    assert_eq!(
        (code, &result["reason"]),
        (65, &Value::from("ArtifactNotFound")),
        "{result}"
    );
}

#[test]
fn evaluating_a_bundle_on_its_own_test_queries_gives_its_own_figures() {
    let place = Place::new();
    let dataset = place.dataset();
    let trained = place.succeed(&train(&["--dataset-uri", &dataset]));
    let bundle = trained["model"]["uri"].as_str().unwrap();
    let evaluated = place.succeed(&[
        "evaluate",
        "--bundle-uri",
        bundle,
        "--dataset-uri",
        &dataset,
    ]);
    assert_eq!(evaluated["metrics"], trained["metrics"]);
    let rows = place.write("rows", &svmlight(20));
    let input = format!("SvmLight={rows}");
    let message = place.refused(
        &[
            "evaluate",
            "--bundle-uri",
            bundle,
            "--input",
            &input,
            "--feature-numbering",
            "OneBased",
        ],
        "InvalidData",
    );
    assert!(message.contains("ranks items of a catalogue"), "{message}");
}

#[test]
fn rows_with_query_numbers_and_rows_with_a_group_file_give_the_same_model() {
    let place = Place::new();
    let with_numbers = svmlight(40);
    let without: String = with_numbers
        .lines()
        .map(|line| {
            let fields: Vec<_> = line
                .split(' ')
                .filter(|field| !field.starts_with("qid"))
                .collect();
            fields.join(" ") + "\n"
        })
        .collect();
    let numbered = format!("SvmLight={}", place.write("numbered", &with_numbers));
    let plain = format!("SvmLight={}", place.write("plain", &without));
    let groups = format!("Groups={}", place.write("groups", &"5\n".repeat(40)));
    let common = [
        "--feature-numbering",
        "OneBased",
        "--split-mode",
        "None",
        "--parameter",
        "min_data_in_leaf=2",
    ];
    let first = place.succeed(&train(&[&["--input", &numbered][..], &common].concat()));
    let second = place.succeed(&train(
        &[&["--input", &plain, "--input", &groups][..], &common].concat(),
    ));
    let model = |result: &Value| {
        let digest = result["model"]["sha256"].as_str().unwrap();
        std::fs::read(place.path(&format!("store/artifacts/{digest}/files/model.txt"))).unwrap()
    };
    assert_eq!(model(&first), model(&second));
    assert_eq!(first["metrics"], Value::Array(Vec::new()));
    assert_ne!(first["datasetSha256"], second["datasetSha256"]);
}

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
fn constant_columns_and_single_document_queries_among_others_train() {
    let place = Place::new();
    let text = svmlight(60) + "1 qid:900 1:1\n0 qid:901 2:1\n";
    let input = format!("SvmLight={}", place.write("rows", &text));
    let result = place.succeed(&train(&[
        "--input",
        &input,
        "--feature-numbering",
        "OneBased",
        "--parameter",
        "min_data_in_leaf=2",
    ]));
    let names: Vec<_> = result["metrics"][0]["baselines"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["random"]);
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

#[test]
fn features_are_written_with_their_groups_and_names() {
    let place = Place::new();
    let dataset = place.dataset();
    let output = place.path("matrix");
    let result = place.succeed(&[
        "features",
        "--dataset-uri",
        &dataset,
        "--output",
        &output.display().to_string(),
    ]);
    let lines = |name: &str| {
        let text = std::fs::read_to_string(output.join(name)).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let rows: u64 = lines("features.svmlight.query")
        .iter()
        .map(|line| line.parse::<u64>().unwrap())
        .sum();
    assert_eq!(Value::from(rows), result["rows"]);
    assert_eq!(
        Value::from(lines("features.svmlight").len()),
        result["rows"]
    );
    assert_eq!(
        Value::from(lines("features.names").len()),
        result["features"]
    );
    assert!(lines("features.names").contains(&"bm25_title".to_owned()));
}

#[test]
fn a_job_that_is_told_to_end_ends_at_once_and_may_be_tried_again() {
    let place = Place::new();
    let input = format!("SvmLight={}", place.write("rows", &svmlight(4_000)));
    let child = place
        .command(&[
            "train",
            "--input",
            &input,
            "--feature-numbering",
            "OneBased",
            "--num-iterations",
            "10000",
            "--num-leaves",
            "255",
            "--parameter",
            "min_data_in_leaf=1",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    let started = Instant::now();
    let identifier = child.id().to_string();
    assert!(
        Command::new("kill")
            .arg(&identifier)
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_eq!(output.status.code(), Some(75));
    let result: Value =
        serde_json::from_slice(&std::fs::read(place.path("result.json")).unwrap()).unwrap();
    assert_eq!(result["retryable"], true);
    assert!(!place.path("store/results").exists());
    let left: Vec<_> = place.path("work").read_dir().unwrap().collect();
    assert!(left.is_empty(), "the work folder is left behind: {left:?}");
}

#[test]
fn the_reference_example_trained_as_a_job_scores_as_the_python_package() {
    let Some(folder) = std::env::var_os("SEARCHOP_TEST_DATA")
        .map(|folder| Path::new(&folder).join("lightgbm-lambdarank"))
        .filter(|folder| folder.is_dir())
    else {
        println!("SKIPPED: SEARCHOP_TEST_DATA names no folder with lightgbm-lambdarank");
        return;
    };
    let place = Place::new();
    let input = |name: &str, file: &str| format!("{name}={}", folder.join(file).display());
    let inputs = [
        input("SvmLight", "rank.train"),
        input("Groups", "rank.train.query"),
        input("Validation", "rank.test"),
        input("ValidationGroups", "rank.test.query"),
    ];
    let mut arguments = vec!["train", "--feature-numbering", "ZeroBased"];
    inputs
        .iter()
        .for_each(|input| arguments.extend(["--input", input]));
    arguments.extend([
        "--num-iterations",
        "100",
        "--learning-rate",
        "0.1",
        "--seed",
        "42",
    ]);
    for parameter in [
        "min_data_in_leaf=50",
        "min_sum_hessian_in_leaf=5.0",
        "bagging_freq=1",
        "bagging_fraction=0.9",
    ] {
        arguments.extend(["--parameter", parameter]);
    }
    let result = place.succeed(&arguments);
    assert_eq!(result["metrics"][0]["value"], "0.6352");
    assert_eq!(result["metrics"][1]["value"], "0.7315");

    let artifact = place.path(&format!(
        "store/artifacts/{}",
        result["model"]["sha256"].as_str().unwrap()
    ));
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(artifact.join("manifest.json")).unwrap()).unwrap();
    let bundle = Bundle::load(&artifact.join("files"), &manifest["metadata"]).unwrap();
    let reference = std::fs::read_to_string(folder.join("parity_4_7_0.scores")).unwrap();
    let rows = std::fs::read_to_string(folder.join("rank.test")).unwrap();
    let mut compared = 0;
    for (line, expected) in rows.lines().zip(reference.lines()) {
        let mut row = vec![0.0; bundle.model.feature_count()];
        for field in line.split_whitespace().skip(1) {
            let (column, value) = field.split_once(':').unwrap();
            row[column.parse::<usize>().unwrap()] = value.parse().unwrap();
        }
        let expected: f64 = expected.parse().unwrap();
        assert_eq!(bundle.model.score(&row).to_bits(), expected.to_bits());
        compared += 1;
    }
    assert_eq!(compared, 768);
}
