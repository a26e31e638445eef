//! Waiting for something to become so, with a bound and a reason when it does not.

use anyhow::{Result, bail};
use std::future::Future;
use std::time::{Duration, Instant};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(300);

/// What one look found.
pub enum Look<T> {
    /// It is so.
    Found(T),
    /// It is not so yet; the text says how it stands and is shown when time runs out.
    NotYet(String),
}

/// Looks again and again until something is found.
///
/// # Errors
/// When `bound` has passed (the error tells how it stood at the last look), or a look fails.
pub async fn until<T, F, L>(what: &str, bound: Duration, mut look: L) -> Result<T>
where
    L: FnMut() -> F,
    F: Future<Output = Result<Look<T>>>,
{
    let start = Instant::now();
    let mut state = String::from("not looked at yet");
    loop {
        match look().await {
            Ok(Look::Found(found)) => return Ok(found),
            Ok(Look::NotYet(now)) => state = now,
            // The API server may be briefly away; a lasting fault is named when time runs out.
            Err(error) => state = format!("{error:#} (before: {state})"),
        }
        if start.elapsed() > bound {
            bail!(
                "{what}: not within {} s; at the last look: {state}",
                bound.as_secs()
            );
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Looks for a while and fails as soon as something is no longer so.
///
/// # Errors
/// The first look that fails.
pub async fn holds<F, L>(duration: Duration, mut look: L) -> Result<()>
where
    L: FnMut() -> F,
    F: Future<Output = Result<()>>,
{
    let start = Instant::now();
    while start.elapsed() < duration {
        look().await?;
        tokio::time::sleep(INTERVAL).await;
    }
    Ok(())
}

/// Seconds as a duration.
#[must_use]
pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
