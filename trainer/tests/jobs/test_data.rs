//! Third-party data that is not part of the repository.

use std::path::{Path, PathBuf};

/// A folder of the data that `SEARCHOP_TEST_DATA` names. `None`, and a line that says that the test
/// did nothing, where there is none; where such tests may not be left out, the test fails.
pub(crate) fn test_data(folder: &str) -> Option<PathBuf> {
    let found = std::env::var_os("SEARCHOP_TEST_DATA")
        .map(|root| Path::new(&root).join(folder))
        .filter(|path| path.is_dir());
    if found.is_none() {
        let missing = format!("SEARCHOP_TEST_DATA names no folder with {folder}");
        let is_set = |name: &&str| {
            std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false")
        };
        if let Some(name) = ["CI", "SEARCHOP_REQUIRE_TEST_DATA"]
            .into_iter()
            .find(is_set)
        {
            panic!("{missing}; {name} is set, so this test may not be skipped");
        }
        println!("SKIPPED: {missing}");
    }
    found
}
