//! Purging: an owner lets go of everything, and what nobody else needs is removed.
//!
//! Once an owner's reference is gone nothing would lead a repeated purge to the artifact, so a note
//! of the purge is written first and removed last. The note is also what tells `refer` to wait: it
//! is there before references are looked for.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::ArtifactRepository;
use super::refer::PURGE_STEP;
use crate::digest::Sha256;
use crate::error::{Error, Outlook};
use crate::key::{
    Owner, artifact_folder, manifest_key, purge_key, purges_folder, reference_key,
    references_folder, results_folder,
};
use crate::object_store::{Body, ignore_progress};

/// What a purge did. Digests are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurgeReport {
    /// How many objects were removed: results, references, manifests and files.
    pub objects: u64,
    /// Artifacts that are gone.
    pub removed: Vec<Sha256>,
    /// Artifacts that others refer to and that stay.
    pub retained: Vec<Sha256>,
}

impl ArtifactRepository {
    /// Removes the results and references of `owner`, and every artifact that it referred to and
    /// nobody else does. May be repeated at any time.
    ///
    /// # Errors
    /// The store's failures; the purge is then to be repeated.
    pub async fn purge(&self, owner: &Owner) -> Result<PurgeReport, Error> {
        let mut report = PurgeReport::default();
        // Pointers go before what they point to.
        for result in self.store.list(&results_folder(owner)).await? {
            self.store.delete(&result.key).await?;
            report.objects += 1;
        }
        let referred = self.referred_by(owner).await?;
        let begun = self.digests_below(&purges_folder(owner)).await?;
        for &sha256 in referred.union(&begun) {
            self.note_purge(owner, sha256).await?;
            if referred.contains(&sha256) {
                self.store.delete(&reference_key(sha256, owner)).await?;
                report.objects += 1;
            }
            if self
                .remove_unless_needed(sha256, &mut report.objects)
                .await?
            {
                report.removed.push(sha256);
            } else {
                report.retained.push(sha256);
            }
            self.store.delete(&purge_key(owner, sha256)).await?;
        }
        Ok(report)
    }

    /// The artifacts that `owner` refers to.
    async fn referred_by(&self, owner: &Owner) -> Result<BTreeSet<Sha256>, Error> {
        let references = self.store.list("references/").await?;
        let digest = |key: &str| {
            let (digest, name) = key.strip_prefix("references/")?.split_once('/')?;
            if name == owner.as_str() {
                digest.parse().ok()
            } else {
                None
            }
        };
        Ok(references
            .iter()
            .filter_map(|reference| digest(&reference.key))
            .collect())
    }

    async fn digests_below(&self, folder: &str) -> Result<BTreeSet<Sha256>, Error> {
        let objects = self.store.list(folder).await?;
        let digest = |key: &str| key.strip_prefix(folder)?.parse().ok();
        Ok(objects
            .iter()
            .filter_map(|object| digest(&object.key))
            .collect())
    }

    async fn note_purge(&self, owner: &Owner, sha256: Sha256) -> Result<(), Error> {
        let content = Bytes::from(format!("{owner}\n"));
        let digest = Sha256::of(&content);
        let key = purge_key(owner, sha256);
        self.store
            .put_if_absent(&key, &Body::Bytes(content), digest, &ignore_progress)
            .await?;
        Ok(())
    }

    async fn is_needed(&self, sha256: Sha256) -> Result<bool, Error> {
        Ok(!self
            .store
            .list(&references_folder(sha256))
            .await?
            .is_empty())
    }

    /// Removes the manifest, then the files; `false` when somebody refers to the artifact. That is
    /// asked before each removal: somebody may begin to publish the same content at any moment. He
    /// waits until our note is gone, and then puts back what is missing.
    async fn remove_unless_needed(&self, sha256: Sha256, objects: &mut u64) -> Result<bool, Error> {
        let manifest = manifest_key(sha256);
        let mut keys: Vec<_> = self
            .store
            .list(&artifact_folder(sha256))
            .await?
            .into_iter()
            .map(|object| object.key)
            .collect();
        keys.sort_by_key(|key| *key != manifest);
        for key in keys {
            // Bounded, because a publisher does not wait for ever for a purge that may have died.
            let step =
                tokio::time::timeout(PURGE_STEP, self.remove_one_unless_needed(sha256, &key));
            if !step.await.unwrap_or_else(|_| Err(self.too_slow(&key)))? {
                return Ok(false);
            }
            *objects += 1;
        }
        if self.is_needed(sha256).await? {
            return Ok(false);
        }
        if let Err(error) = self
            .store
            .discard_unfinished(&artifact_folder(sha256))
            .await
        {
            tracing::warn!(artifact = %sha256, %error, "cannot look for unfinished uploads");
        }
        Ok(true)
    }

    async fn remove_one_unless_needed(&self, sha256: Sha256, key: &str) -> Result<bool, Error> {
        if self.is_needed(sha256).await? {
            return Ok(false);
        }
        self.store.delete(key).await?;
        Ok(true)
    }

    fn too_slow(&self, key: &str) -> Error {
        Error::Unavailable {
            endpoint: self.store.uri().to_owned(),
            operation: "purge".into(),
            message: format!("{key} was not removed within {} s", PURGE_STEP.as_secs()),
            outlook: Outlook::Passing,
        }
    }
}
