//! How stories end, and how many ended how.

use std::fmt;

/// How a story ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was told to its end.
    Passed,
    /// It could not be told here, for this reason.
    Skipped(String),
}

impl From<()> for Told {
    fn from((): ()) -> Self {
        Self::Passed
    }
}

/// How many stories ended how: `N passed, N failed`, and `, N skipped` when some were.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Told to their end.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Not told.
    pub skipped: usize,
}

impl Tally {
    /// Whether nothing failed, of at least one story.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failed == 0 && self.passed + self.skipped > 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(formatter, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: usize, failed: usize, skipped: usize) -> Tally {
        Tally {
            passed,
            failed,
            skipped,
        }
    }

    #[test]
    fn skipped_stories_are_counted_apart() {
        assert_eq!(tally(10, 0, 0).to_string(), "10 passed, 0 failed");
        assert_eq!(tally(9, 0, 1).to_string(), "9 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn a_failure_or_nothing_at_all_is_not_good() {
        assert!(tally(9, 0, 1).is_good());
        assert!(!tally(9, 1, 0).is_good());
        assert!(!tally(0, 0, 0).is_good());
    }
}
