//! Referring to an artifact, and waiting out a purge that may not have seen the reference.
//!
//! A purge looks for references before each removal, so one that has begun removes at most one more
//! object after a reference is there. Until it has noticed and taken its note back, nothing may be
//! concluded from what is in the store.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::ArtifactRepository;
use crate::digest::Sha256;
use crate::error::Error;
use crate::key::{Owner, PURGES_FOLDER, reference_key};
use crate::object_store::{Body, ignore_progress};

/// In this time a purge looks for references and removes one object, or gives up.
pub(super) const PURGE_STEP: Duration = Duration::from_secs(60);
/// How long a note is believed to belong to a purge that is under way, unless told otherwise. One
/// that died leaves its note, and can remove nothing any more.
pub(super) const PURGE_PATIENCE: Duration = Duration::from_secs(90);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl ArtifactRepository {
    /// Records that `owner` needs an artifact, so that no purge of another owner removes it. To be
    /// called before the artifact is read. The last owner to be purged takes the artifact with it,
    /// whoever published it. A purge that is under way is waited for: what is there afterwards stays.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn refer(&self, sha256: Sha256, owner: &Owner) -> Result<(), Error> {
        let content = Bytes::from(format!("{owner}\n"));
        let digest = Sha256::of(&content);
        let key = reference_key(sha256, owner);
        self.store
            .put_if_absent(&key, &Body::Bytes(content), digest, &ignore_progress)
            .await?;
        self.outwait_purges(sha256).await
    }

    async fn outwait_purges(&self, sha256: Sha256) -> Result<(), Error> {
        let patience = Instant::now() + self.purge_patience;
        let mut pause = FIRST_PAUSE;
        while self.is_being_purged(sha256).await? {
            if Instant::now() + pause > patience {
                tracing::warn!(artifact = %sha256, "an earlier purge has never ended, its note is left to it");
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// Whether any owner's purge of this artifact has begun and not ended.
    async fn is_being_purged(&self, sha256: Sha256) -> Result<bool, Error> {
        let digest = sha256.to_string();
        let notes = self.store.list(PURGES_FOLDER).await?;
        Ok(notes
            .iter()
            .any(|note| note.key.rsplit('/').next() == Some(digest.as_str())))
    }
}
