//! `purge`: deletes the results and references of one owner, and every artifact that nobody else
//! refers to. It may be repeated at any time; the order of deletion is the store's.

use searchop_artifacts::Owner;

use crate::cli::PurgeOptions;
use crate::failure::Failure;
use crate::job::Job;
use crate::outcome::{PurgeSuccess, Purged, Success};
use crate::progress::Stage;

/// Purges.
///
/// # Errors
/// A malformed owner, and what the store says; the purge is then to be repeated.
pub async fn purge(job: &Job, options: &PurgeOptions) -> Result<Success, Failure> {
    let owner: Owner = options.owner.parse()?;
    let repository = job.open_store().await?;
    job.progress.begin(Stage::Upload);
    let report = repository.purge(&owner).await?;
    Ok(Success::Purge(PurgeSuccess {
        purged: Purged {
            objects: report.objects,
        },
        retained: report.retained.iter().map(ToString::to_string).collect(),
    }))
}
