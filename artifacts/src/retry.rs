//! Repeats what failed for a passing reason, with full jitter between attempts.
//!
//! The SDK's own retries are off: they do not cover a body that breaks off while it is read, and
//! one place decides what is worth repeating ([`Error::is_transient`]).

use std::time::Duration;

use backon::Retryable as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::error::Error;
use crate::settings::RetrySettings;

/// The pauses between attempts; ends when no attempt is left.
pub(crate) struct FullJitter {
    bound: Duration,
    maximum_pause: Duration,
    pauses_left: u32,
    random: StdRng,
}

impl FullJitter {
    pub(crate) fn new(settings: &RetrySettings, seed: u64) -> Self {
        Self {
            bound: settings.first_pause.min(settings.maximum_pause),
            maximum_pause: settings.maximum_pause,
            pauses_left: settings.maximum_attempts.saturating_sub(1),
            random: StdRng::seed_from_u64(seed),
        }
    }
}

impl Iterator for FullJitter {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.pauses_left = self.pauses_left.checked_sub(1)?;
        let pause = self.bound.mul_f64(self.random.random_range(0.0..=1.0));
        self.bound = self.bound.saturating_mul(2).min(self.maximum_pause);
        Some(pause)
    }
}

/// Runs `attempt` until it succeeds, fails for good, or no attempt is left.
pub(crate) async fn retry<T, F, Fut>(
    settings: &RetrySettings,
    operation: &str,
    attempt: F,
) -> Result<T, Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, Error>>,
{
    // Clients that failed together must not come back together, so every call draws its own seed.
    attempt
        .retry(FullJitter::new(settings, rand::random()))
        .when(Error::is_transient)
        .notify(|error, pause| {
            tracing::warn!(operation, %error, ?pause, "storage request failed, will be repeated");
        })
        .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::error::Outlook;

    const SETTINGS: RetrySettings = RetrySettings {
        maximum_attempts: 6,
        first_pause: Duration::from_millis(100),
        maximum_pause: Duration::from_millis(500),
    };

    const QUICK: RetrySettings = RetrySettings {
        maximum_attempts: 6,
        first_pause: Duration::from_micros(10),
        maximum_pause: Duration::from_micros(50),
    };

    fn unavailable(outlook: Outlook) -> Error {
        Error::Unavailable {
            endpoint: String::new(),
            operation: String::new(),
            message: String::new(),
            outlook,
        }
    }

    #[test]
    fn pauses_stay_under_a_bound_that_doubles_up_to_its_maximum() {
        let bounds = [100, 200, 400, 500, 500].map(Duration::from_millis);
        let mut shortest = bounds;
        let mut longest = [Duration::ZERO; 5];
        for seed in 0..500 {
            let pauses: Vec<_> = FullJitter::new(&SETTINGS, seed).collect();
            assert_eq!(pauses.len(), 5);
            for (index, pause) in pauses.into_iter().enumerate() {
                assert!(pause <= bounds[index]);
                shortest[index] = shortest[index].min(pause);
                longest[index] = longest[index].max(pause);
            }
        }
        // Full jitter: the whole range is used, down to almost no pause.
        for index in 0..5 {
            assert!(shortest[index] < bounds[index].mul_f64(0.1), "{index}");
            assert!(longest[index] > bounds[index].mul_f64(0.9), "{index}");
        }
    }

    #[tokio::test]
    async fn a_passing_failure_is_repeated_until_it_passes() {
        let calls = AtomicU32::new(0);
        let result = retry(&QUICK, "test", || async {
            match calls.fetch_add(1, Ordering::SeqCst) {
                0..3 => Err(unavailable(Outlook::Passing)),
                count => Ok(count),
            }
        });
        assert_eq!(result.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn attempts_are_bounded() {
        let calls = AtomicU32::new(0);
        let result: Result<(), _> = retry(&QUICK, "test", || async {
            calls.fetch_add(1, Ordering::SeqCst);
            Err(unavailable(Outlook::Passing))
        })
        .await;
        assert!(result.is_err());
        assert_eq!(calls.into_inner(), QUICK.maximum_attempts);
    }

    #[tokio::test]
    async fn a_final_failure_is_not_repeated() {
        let calls = AtomicU32::new(0);
        let result: Result<(), _> = retry(&QUICK, "test", || async {
            calls.fetch_add(1, Ordering::SeqCst);
            Err(unavailable(Outlook::Lasting))
        })
        .await;
        assert!(result.is_err());
        assert_eq!(calls.into_inner(), 1);
    }
}
