//! Tries one bundle after another within the budget, in the scoring pool or on the thread at hand.
//!
//! In the pool half of the budget is kept for the stand-ins, so that a bundle that takes too long is
//! stood in for as one that fails is. Which bundles, and what is tried, is `answer`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::api::error::ApiError;
use crate::rank::RankError;
use crate::scoring_pool::{Place, PoolError, ScoringPool};

/// How trying the bundles one after another ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome<B, T> {
    /// This bundle did it.
    Done(B, T),
    /// The request fits none of them; what the first one said.
    Refused(ApiError),
    /// Every one failed.
    Failed,
}

/// Runs `attempt` on one bundle after another until one succeeds. A panic counts as a failure of that
/// bundle. `failed` is told of each that failed or was too late, and why.
///
/// # Errors
/// When the pool takes no more, or the budget is used up.
pub(crate) async fn try_each<B, T, A, F>(
    pool: &ScoringPool,
    place: Place,
    bundles: Vec<B>,
    attempt: A,
    failed: F,
) -> Result<Outcome<B, T>, PoolError>
where
    B: Clone + Send + Sync + 'static,
    T: Send + 'static,
    A: Fn(&B) -> Result<T, RankError> + Clone + Send + 'static,
    F: Fn(&B, &str) + Clone + Send + 'static,
{
    let bundles: Arc<[B]> = bundles.into();
    // How many have been begun: waiting for a thread is no bundle's fault.
    let begun = Arc::new(AtomicUsize::new(0));
    let work = |from: usize| {
        let (bundles, begun) = (Arc::clone(&bundles), Arc::clone(&begun));
        let (attempt, failed) = (attempt.clone(), failed.clone());
        move || try_from(&bundles, from, &begun, &attempt, &failed)
    };
    let budget = pool.budget_of(&place);
    if bundles.len() < 2 {
        return pool.run(place, budget, work(0)).await;
    }
    let first = pool.run(place, budget / 2, work(0)).await;
    if !matches!(first, Err(PoolError::OverBudget)) {
        return first;
    }
    let tried = begun.load(Ordering::SeqCst);
    if let Some(late) = tried.checked_sub(1).and_then(|place| bundles.get(place)) {
        failed(late, "scoring took longer than its part of the budget");
    }
    if tried >= bundles.len() {
        return first;
    }
    // The work that is late keeps its place. Who was let in is late where there is no other one, and
    // not refused.
    let Ok(place) = pool.enter() else {
        return first;
    };
    pool.run(place, budget / 2, work(tried)).await
}

/// As [`try_each`], at once and on this thread: for work that is done sooner than another thread
/// would have begun it.
///
/// # Errors
/// When the budget was used up by waiting.
pub(crate) fn try_each_here<B: Clone, T>(
    pool: &ScoringPool,
    place: &Place,
    bundles: &[B],
    attempt: impl Fn(&B) -> Result<T, RankError>,
    failed: impl Fn(&B, &str),
) -> Result<Outcome<B, T>, PoolError> {
    if pool.budget_of(place).is_zero() {
        return Err(PoolError::OverBudget);
    }
    Ok(try_from(bundles, 0, &AtomicUsize::new(0), attempt, failed))
}

fn try_from<B: Clone, T>(
    bundles: &[B],
    from: usize,
    begun: &AtomicUsize,
    attempt: impl Fn(&B) -> Result<T, RankError>,
    failed: impl Fn(&B, &str),
) -> Outcome<B, T> {
    let mut refusal = None;
    for (place, bundle) in bundles.iter().enumerate().skip(from) {
        begun.fetch_max(place + 1, Ordering::SeqCst);
        match catch_unwind(AssertUnwindSafe(|| attempt(bundle))) {
            Ok(Ok(done)) => return Outcome::Done(bundle.clone(), done),
            Ok(Err(RankError::Request(error))) => {
                refusal.get_or_insert(error);
            }
            Ok(Err(RankError::Scoring(error))) => failed(bundle, &error.to_string()),
            Err(_) => failed(bundle, "scoring panicked"),
        }
    }
    refusal.map_or(Outcome::Failed, Outcome::Refused)
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;

    use super::*;
    use crate::api::error::ErrorCode;
    use crate::bundle::ScoringError;

    type Failures = Arc<Mutex<Vec<&'static str>>>;

    fn note(failures: &Failures) -> impl Fn(&&'static str, &str) + Clone + Send + 'static {
        let failures = Arc::clone(failures);
        move |bundle: &&'static str, _: &str| failures.lock().unwrap().push(*bundle)
    }

    #[tokio::test]
    async fn a_bundle_that_is_too_late_is_stood_in_for_and_counted() {
        let pool = ScoringPool::new(4, 2, Duration::from_secs(2));
        let failures = Failures::default();
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let attempt = move |bundle: &&'static str| {
            if *bundle == "slow" {
                let _ = blocked.lock().unwrap().recv();
            }
            Ok(bundle.len())
        };
        let outcome = try_each(
            &pool,
            pool.enter().unwrap(),
            vec!["slow", "stable"],
            attempt,
            note(&failures),
        )
        .await;
        assert_eq!(outcome, Ok(Outcome::Done("stable", 6)));
        assert_eq!(*failures.lock().unwrap(), ["slow"]);
        drop(release);
    }

    #[tokio::test]
    async fn waiting_for_a_thread_is_no_bundles_fault() {
        let pool = ScoringPool::new(4, 0, Duration::from_millis(20));
        let failures = Failures::default();
        let outcome = try_each(
            &pool,
            pool.enter().unwrap(),
            vec!["a", "b"],
            |_| Ok(()),
            note(&failures),
        )
        .await;
        assert_eq!(outcome, Err(PoolError::OverBudget));
        assert!(failures.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn failures_and_panics_are_stood_in_for_and_a_request_that_fits_none_is_refused() {
        let pool = ScoringPool::new(4, 2, Duration::from_secs(30));
        let failures = Failures::default();
        let attempt = |bundle: &&'static str| match *bundle {
            "panics" => panic!("scoring fault"),
            "fails" => Err(RankError::Scoring(ScoringError::NotFinite {
                row: 0,
                score: f64::NAN,
            })),
            "refuses" => Err(RankError::Request(ApiError::new(
                ErrorCode::QueryRequired,
                "for a test",
            ))),
            _ => Ok(7),
        };
        let bundles = vec!["panics", "fails", "refuses", "good"];
        let outcome = try_each(
            &pool,
            pool.enter().unwrap(),
            bundles,
            attempt,
            note(&failures),
        )
        .await;
        assert_eq!(outcome, Ok(Outcome::Done("good", 7)));
        assert_eq!(*failures.lock().unwrap(), ["panics", "fails"]);

        let outcome = try_each(
            &pool,
            pool.enter().unwrap(),
            vec!["refuses", "fails"],
            attempt,
            note(&failures),
        );
        assert!(
            matches!(outcome.await, Ok(Outcome::Refused(error)) if error.code == ErrorCode::QueryRequired)
        );
        let outcome = try_each(
            &pool,
            pool.enter().unwrap(),
            vec!["fails"],
            attempt,
            note(&failures),
        )
        .await;
        assert_eq!(outcome, Ok(Outcome::Failed));
    }

    #[tokio::test]
    async fn on_this_thread_failures_are_stood_in_for_and_waiting_counts() {
        let failures = Failures::default();
        let attempt = |bundle: &&'static str| match *bundle {
            "panics" => panic!("scoring fault"),
            _ => Ok(7),
        };
        let bundles = ["panics", "good"];
        let pool = ScoringPool::new(4, 0, Duration::from_secs(30));
        let place = pool.enter().unwrap();
        let outcome = try_each_here(&pool, &place, &bundles, attempt, note(&failures));
        assert_eq!(outcome, Ok(Outcome::Done("good", 7)));
        assert_eq!(*failures.lock().unwrap(), ["panics"]);

        let pool = ScoringPool::new(4, 0, Duration::ZERO);
        let place = pool.enter().unwrap();
        let outcome = try_each_here(&pool, &place, &bundles, attempt, note(&failures));
        assert_eq!(outcome, Err(PoolError::OverBudget));
    }
}
