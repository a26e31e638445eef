//! A folder to run the program in, and the data it is given.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a store and input files.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
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
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, Value) {
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

    pub(crate) fn succeed(&self, arguments: &[&str]) -> Value {
        let (code, result) = self.run(arguments);
        assert_eq!(
            (code, &result["outcome"]),
            (0, &Value::from("Succeeded")),
            "{result}"
        );
        result
    }

    /// Runs what must be refused: the message, after a check of code and reason.
    pub(crate) fn refused(&self, arguments: &[&str], reason: &str) -> String {
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
    pub(crate) fn dataset(&self) -> String {
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

/// Queries of five rows; the second feature decides the label, the other way round in every fourth
/// query so that it is no leak; the third is constant.
pub(crate) fn svmlight(queries: usize) -> String {
    let mut text = String::new();
    for query in 0..queries {
        for row in 0..5 {
            let value = (query * 7 + row * 3) % 5;
            let decides = if query % 4 == 3 { 4 - value } else { value };
            text += &format!(
                "{} qid:{query} 1:{}.5 2:{value} 3:1\n",
                decides / 2,
                (query + row) % 4
            );
        }
    }
    text
}

const SMALL: &[&str] = &["--num-iterations", "20", "--num-leaves", "7"];

pub(crate) fn train<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ["train"].iter().chain(SMALL).chain(more).copied().collect()
}
