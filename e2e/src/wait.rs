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

/// Ends a work that takes longer than `bound`, so that what comes after it (putting back what it disturbed) is still done.
///
/// # Errors
/// The work's, or that it took too long.
pub async fn within<T>(
    what: &str,
    bound: Duration,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(bound, work).await {
        Ok(done) => done,
        Err(_) => bail!("{what}: not done within {} s", bound.as_secs()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[tokio::test]
    async fn work_that_takes_too_long_is_named() {
        let endless = std::future::pending::<Result<()>>();
        let error = within("the end of time", Duration::from_millis(1), endless)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "the end of time: not done within 0 s");
        let failing = async { Err::<(), _>(anyhow!("its own error")) };
        let error = within("it", seconds(5), failing).await.unwrap_err();
        assert_eq!(error.to_string(), "its own error");
    }
}
