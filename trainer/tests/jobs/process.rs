//! How the process ends.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::{Place, svmlight};

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
fn a_result_is_told_though_nobody_reads_what_is_printed() {
    let place = Place::new();
    let input = format!("SvmLight={}", place.write("rows", &svmlight(60)));
    for (arguments, code, outcome) in [
        (["--feature-numbering", "OneBased"], 0, "Succeeded"),
        (["--split-mode", "None"], 65, "Failed"),
    ] {
        let mut child = place
            .command(&["train", "--num-iterations", "5", "--input", &input])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let result: Value =
            serde_json::from_slice(&std::fs::read(place.path("result.json")).unwrap()).unwrap();
        assert_eq!(result["outcome"], outcome, "{result}");
    }
}
