//! When an object is looked at again: the one place for it. Pure, but for the counters of consecutive errors.

use crate::error::ErrorKind;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::time::Duration;

/// Every object is looked at this often even when no watch tells of a change.
const STEADY: Duration = Duration::from_secs(600);
/// Fallback while a child's watch is waited for.
const CHILD: Duration = Duration::from_secs(60);
/// How often a running Job is asked for its progress.
const PROGRESS: Duration = Duration::from_secs(5);
/// How often an object that others block is looked at: their watches tell most changes.
const BLOCKED: Duration = Duration::from_secs(30);
/// How often servers that shall follow a new plan are asked.
const VERIFY: Duration = Duration::from_secs(1);
/// Shortest delay after an error.
const ERROR_FIRST: Duration = Duration::from_secs(1);
/// Longest delay after errors in a row.
const ERROR_LAST: Duration = Duration::from_secs(120);
/// First delay before a Job is tried again.
const JOB_FIRST: Duration = Duration::from_secs(10);
/// Longest delay before a Job is tried again.
const JOB_LAST: Duration = Duration::from_secs(300);

/// What a reconcile waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// Nothing: the spec is in effect, or cannot be without a change.
    Steady,
    /// A child or another object, whose watch tells.
    Watch,
    /// A running Job's progress.
    Progress,
    /// Other objects that use this one.
    Blocked,
    /// Servers that shall confirm a plan.
    Verify,
    /// An instant.
    At(Timestamp),
    /// Right away: this reconcile did one step of several.
    Now,
}

impl Requeue {
    /// The delay from `now`.
    #[must_use]
    pub fn delay(self, now: Timestamp) -> Duration {
        match self {
            Self::Steady => STEADY,
            Self::Watch => CHILD,
            Self::Progress => PROGRESS,
            Self::Blocked => BLOCKED,
            Self::Verify => VERIFY,
            Self::At(instant) => Duration::try_from(instant.duration_since(now))
                .unwrap_or(Duration::ZERO)
                .clamp(Duration::from_millis(50), STEADY),
            Self::Now => Duration::from_millis(50),
        }
    }

    /// The same for the controller.
    #[must_use]
    pub fn action(self, now: Timestamp) -> Action {
        Action::requeue(self.delay(now))
    }
}

/// Delay before a Job's next attempt, after `failures` in a row (counted from 1): doubling from 10 s to 5 min, and up to a
/// fifth longer, by a hash of `key`, so that many objects do not try at once.
#[must_use]
pub fn job_delay(failures: i32, key: &str) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1))
        .unwrap_or(0)
        .min(16);
    let delay = JOB_FIRST.saturating_mul(1 << doublings).min(JOB_LAST);
    jittered(delay, &(key, failures)).min(JOB_LAST)
}

/// Delay after `errors` in a row (counted from 1), with up to a fifth of jitter.
#[must_use]
pub fn error_delay(kind: ErrorKind, errors: u32, key: &str) -> Duration {
    // A conflict means that something newer is to be read: no reason to wait long for it.
    let first = if kind == ErrorKind::Conflict {
        ERROR_FIRST / 4
    } else {
        ERROR_FIRST
    };
    let delay = first
        .saturating_mul(1 << errors.saturating_sub(1).min(16))
        .min(ERROR_LAST);
    jittered(delay, &(key, errors))
}

fn jittered(delay: Duration, key: &impl Hash) -> Duration {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let thousandths = u32::try_from(hasher.finish() % 200).expect("below 200");
    delay + delay * thousandths / 1_000
}

/// Errors in a row, by object.
#[derive(Debug, Default)]
pub struct ErrorCounts(Mutex<HashMap<String, u32>>);

impl ErrorCounts {
    /// Counts one more error of the object and returns how many there were in a row.
    pub fn failed(&self, key: &str) -> u32 {
        let mut counts = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = counts.entry(key.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// How many errors the object had in a row.
    pub fn in_a_row(&self, key: &str) -> u32 {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(key)
            .copied()
            .unwrap_or(0)
    }

    /// Forgets the object's errors.
    pub fn succeeded(&self, key: &str) {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_tried_again_after_ten_seconds_to_five_minutes() {
        let delays: Vec<_> = (1..40)
            .map(|failures| job_delay(failures, "demo/a"))
            .collect();
        assert!(delays[0] >= Duration::from_secs(10) && delays[0] <= Duration::from_secs(12));
        assert!(
            delays
                .windows(2)
                .all(|pair| pair[0] <= pair[1] || pair[1] >= JOB_LAST * 4 / 5)
        );
        assert!(delays.iter().all(|delay| *delay <= JOB_LAST));
        assert_eq!(delays[38], JOB_LAST);
        assert_eq!(
            job_delay(3, "demo/a"),
            job_delay(3, "demo/a"),
            "the same input, the same delay"
        );
        assert_ne!(
            job_delay(3, "demo/a"),
            job_delay(3, "demo/b"),
            "objects are spread"
        );
    }

    #[test]
    fn errors_in_a_row_wait_longer_and_one_success_forgets_them() {
        let counts = ErrorCounts::default();
        assert_eq!(
            (counts.failed("a"), counts.failed("a"), counts.failed("b")),
            (1, 2, 1)
        );
        assert_eq!((counts.in_a_row("a"), counts.in_a_row("c")), (2, 0));
        counts.succeeded("a");
        assert_eq!(counts.failed("a"), 1);
        assert!(error_delay(ErrorKind::Conflict, 1, "a") < Duration::from_secs(1));
        assert!(error_delay(ErrorKind::Other, 30, "a") >= ERROR_LAST);
        assert!(error_delay(ErrorKind::Other, 30, "a") <= ERROR_LAST * 6 / 5);
    }

    #[test]
    fn a_timed_step_is_looked_at_exactly_at_its_end() {
        let now = Timestamp::from_second(1_000).expect("an instant");
        let soon = Timestamp::from_second(1_030).expect("an instant");
        assert_eq!(Requeue::At(soon).delay(now), Duration::from_secs(30));
        assert_eq!(Requeue::At(now).delay(soon), Duration::from_millis(50));
    }
}
