//! Follows the plan's file: a mounted ConfigMap, whose content changes under a running server.
//!
//! Reads by content, not by time of modification: a mount is swapped by a symbolic link, and the
//! file is small. What is unreadable or invalid is reported, and the last valid plan stays.

use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tracing::{info, warn};

use crate::plan::Plan;
use crate::tracks::Tracks;

/// The longest plan that is read, in bytes: some thousand bundles.
const MAXIMUM_PLAN_BYTES: u64 = 256 * 1024;

/// Follows `path` until the future is dropped.
pub async fn follow(path: &Path, interval: Duration, tracks: &Tracks) {
    let mut last = None;
    loop {
        let content = read(path).await;
        if last.as_ref() != Some(&content) {
            adopt(&content, path, tracks);
            last = Some(content);
        }
        tokio::time::sleep(interval).await;
    }
}

fn adopt(content: &Result<Vec<u8>, String>, path: &Path, tracks: &Tracks) {
    let parsed = match content {
        Ok(text) => Plan::parse(text).map_err(|error| error.to_string()),
        Err(error) => Err(error.clone()),
    };
    match parsed {
        Ok(plan) => {
            info!(sequence = plan.sequence, weights = ?plan.weights, "following a plan");
            tracks.follow(plan);
        }
        Err(error) => {
            warn!(path = %path.display(), error, "the plan is unusable, the last valid one stays");
            tracks.refuse_plan(&error);
        }
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, String> {
    let read = async {
        let file = tokio::fs::File::open(path).await?;
        let mut text = Vec::new();
        file.take(MAXIMUM_PLAN_BYTES + 1)
            .read_to_end(&mut text)
            .await?;
        Ok::<_, std::io::Error>(text)
    };
    let text = read
        .await
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if text.len() as u64 > MAXIMUM_PLAN_BYTES {
        return Err(format!(
            "the plan is longer than {MAXIMUM_PLAN_BYTES} bytes"
        ));
    }
    Ok(text)
}
