//! Admission to scoring, and the threads for what is too long for the async ones.
//!
//! Three bounds: how many requests may be waiting or scored at all (more are refused at once), how
//! many score at the same time (the cores), and how long one may take (waiting included). Knows
//! nothing of models.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Runs scoring work.
#[derive(Debug)]
pub struct ScoringPool {
    in_flight: Arc<Semaphore>,
    threads: Arc<Semaphore>,
    maximum_in_flight: usize,
    budget: Duration,
}

/// A request's place in the pool, given back when dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    entered: Instant,
}

impl Place {
    /// How long ago the place was taken.
    pub fn age(&self) -> Duration {
        self.entered.elapsed()
    }
}

/// Why work has no result.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PoolError {
    /// Refused at the door.
    #[error("too many requests are in flight")]
    Overloaded,
    /// Not ready in time. It may still be running.
    #[error("scoring took longer than its budget")]
    OverBudget,
    /// The work panicked.
    #[error("scoring panicked")]
    Panicked,
}

impl ScoringPool {
    /// A pool of `threads` scoring threads that accepts `in_flight` requests at once.
    pub fn new(in_flight: usize, threads: usize, budget: Duration) -> Self {
        Self {
            in_flight: Arc::new(Semaphore::new(in_flight)),
            threads: Arc::new(Semaphore::new(threads)),
            maximum_in_flight: in_flight,
            budget,
        }
    }

    /// How many requests are in the pool now.
    pub fn in_flight(&self) -> usize {
        self.maximum_in_flight
            .saturating_sub(self.in_flight.available_permits())
    }

    /// Takes a place.
    ///
    /// # Errors
    /// When the pool is full.
    pub fn enter(&self) -> Result<Place, PoolError> {
        let permit = Arc::clone(&self.in_flight)
            .try_acquire_owned()
            .map_err(|_| PoolError::Overloaded)?;
        Ok(Place {
            _permit: permit,
            entered: Instant::now(),
        })
    }

    /// What is left of the budget of the request in this place.
    pub fn budget_of(&self, place: &Place) -> Duration {
        self.budget.saturating_sub(place.age())
    }

    /// Runs `work` off the async threads, and gives its result.
    ///
    /// # Errors
    /// When the budget is used up, or the work panics.
    pub async fn run<T, F>(&self, place: Place, budget: Duration, work: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let threads = Arc::clone(&self.threads);
        let scoring = async move {
            let thread = threads
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            // The permits go with the work: work that is over its budget still takes up a thread.
            tokio::task::spawn_blocking(move || {
                let result = work();
                drop((place, thread));
                result
            })
            .await
            .map_err(|_| PoolError::Panicked)
        };
        tokio::time::timeout(budget, scoring)
            .await
            .map_err(|_| PoolError::OverBudget)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    async fn run<T: Send + 'static>(
        pool: &ScoringPool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let place = pool.enter()?;
        let budget = pool.budget_of(&place);
        pool.run(place, budget, work).await
    }

    #[tokio::test]
    async fn a_full_pool_refuses_at_once() {
        let pool = Arc::new(ScoringPool::new(1, 1, Duration::from_secs(30)));
        let (release, blocked) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { run(&pool, move || blocked.recv().is_ok()).await }
        });
        while pool.in_flight() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(run(&pool, || ()).await, Err(PoolError::Overloaded));
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(true));
        assert_eq!(run(&pool, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn slow_work_gives_up_its_request_but_keeps_its_thread() {
        let pool = ScoringPool::new(2, 1, Duration::from_millis(20));
        let (release, blocked) = mpsc::channel::<()>();
        assert_eq!(
            run(&pool, move || blocked.recv().is_ok()).await,
            Err(PoolError::OverBudget)
        );
        assert_eq!(
            run(&pool, || ()).await,
            Err(PoolError::OverBudget),
            "the only thread is taken"
        );
        release.send(()).unwrap();
        while pool.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(run(&pool, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_frees_its_place() {
        let pool = ScoringPool::new(1, 1, Duration::from_secs(30));
        assert_eq!(
            run(&pool, || panic!("scoring fault")).await,
            Err::<(), _>(PoolError::Panicked)
        );
        assert_eq!(pool.in_flight(), 0);
    }
}
