//! Publishing: reference, files, manifest, in this order.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;

use super::{ArtifactRepository, TransferProgress};
use crate::digest::{Sha256, digest_file};
use crate::error::{Error, Outlook};
use crate::key::{Owner, artifact_folder, file_key, manifest_key};
use crate::manifest::{Kind, MAXIMUM_MANIFEST_BYTES, Manifest, ManifestFile};
use crate::object_store::{Body, OnBytes, PutOutcome, ignore_progress, verify};

/// How often publishing begins anew when a purge removes the same artifact meanwhile.
const MAXIMUM_ROUNDS: usize = 3;

/// An artifact that is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its digest.
    pub sha256: Sha256,
    /// Its address.
    pub uri: String,
    /// The sum of its files' sizes.
    pub size_bytes: u64,
}

impl ArtifactRepository {
    /// Publishes local files as an artifact that `owner` refers to. Publishing what is already there
    /// verifies it, byte for byte, and succeeds. The files must not change meanwhile.
    ///
    /// # Errors
    /// [`Error::InvalidContent`] for an unsafe path; [`Error::DigestMismatch`] when the store holds
    /// other bytes under the same digest; [`Error::Local`]; the store's failures. After any of
    /// them no incomplete artifact can be fetched, and publishing may be repeated.
    pub async fn publish<P, F>(
        &self,
        kind: Kind,
        format_version: u32,
        files: &[(P, F)],
        metadata: Value,
        owner: &Owner,
    ) -> Result<Published, Error>
    where
        P: AsRef<str> + Sync,
        F: AsRef<Path> + Sync,
    {
        let mut sources: Vec<(ManifestFile, PathBuf)> = Vec::with_capacity(files.len());
        for (path, source) in files {
            let digest = digest_file(source.as_ref()).await?;
            let file = ManifestFile {
                path: path.as_ref().to_owned(),
                sha256: digest.sha256,
                size_bytes: digest.size_bytes,
            };
            sources.push((file, source.as_ref().to_path_buf()));
        }
        // The digest must not depend on the order that the caller names files in.
        sources.sort_by(|(left, _), (right, _)| left.path.cmp(&right.path));
        let manifest = Manifest {
            kind,
            format_version,
            files: sources.iter().map(|(file, _)| file.clone()).collect(),
            metadata,
        };
        manifest
            .check()
            .map_err(|message| Error::invalid_content("the new manifest", message))?;
        let bytes = Bytes::from(manifest.canonical_json());
        if bytes.len() as u64 > MAXIMUM_MANIFEST_BYTES {
            let message = format!(
                "{} bytes are more than {MAXIMUM_MANIFEST_BYTES}",
                bytes.len()
            );
            return Err(Error::invalid_content("the new manifest", message));
        }
        self.publish_manifest(&manifest, &bytes, &sources, owner)
            .await
    }

    async fn publish_manifest(
        &self,
        manifest: &Manifest,
        bytes: &Bytes,
        sources: &[(ManifestFile, PathBuf)],
        owner: &Owner,
    ) -> Result<Published, Error> {
        let sha256 = Sha256::of(bytes);
        // A purge that found no reference just before ours is waited for by `refer`, and one that
        // begins later sees our reference. Only a purge that outlived our patience comes here.
        for _ in 0..MAXIMUM_ROUNDS {
            match self
                .publish_once(sha256, manifest, bytes, sources, owner)
                .await
            {
                Ok(()) => {
                    return Ok(Published {
                        sha256,
                        uri: self.artifact_uri(sha256),
                        size_bytes: manifest.size_bytes(),
                    });
                }
                Err(Error::NotFound { what }) => {
                    tracing::warn!(
                        what,
                        "removed while it was published, will be published again"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Unavailable {
            endpoint: self.store.uri().to_owned(),
            operation: "publish".into(),
            message: format!("parts of artifact {sha256} vanish while it is published"),
            outlook: Outlook::Passing,
        })
    }

    async fn publish_once(
        &self,
        sha256: Sha256,
        manifest: &Manifest,
        bytes: &Bytes,
        sources: &[(ManifestFile, PathBuf)],
        owner: &Owner,
    ) -> Result<(), Error> {
        self.refer(sha256, owner).await?;
        let total_bytes = manifest.size_bytes();
        let mut before = 0;
        for (file, source) in sources {
            let on_bytes = |done: u64| {
                (self.on_progress)(&TransferProgress {
                    path: file.path.clone(),
                    done_bytes: before + done,
                    total_bytes,
                });
            };
            let body = Body::File(source.clone());
            self.put_verified(&file_key(sha256, &file.path), &body, file.sha256, &on_bytes)
                .await?;
            before += file.size_bytes;
        }
        let body = Body::Bytes(bytes.clone());
        self.put_verified(&manifest_key(sha256), &body, sha256, &ignore_progress)
            .await?;
        // Whoever still uploads the same content will find that it is there. An account that may not
        // list uploads is no reason to fail: nothing that anybody can see is left.
        if let Err(error) = self
            .store
            .discard_unfinished(&artifact_folder(sha256))
            .await
        {
            tracing::warn!(artifact = %sha256, %error, "cannot look for unfinished uploads");
        }
        self.store.head(&manifest_key(sha256)).await?;
        self.check_files(sha256, manifest).await
    }

    /// Puts content under a key that belongs to it alone; other bytes there are an error.
    async fn put_verified(
        &self,
        key: &str,
        body: &Body,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<(), Error> {
        match self
            .store
            .put_if_absent(key, body, sha256, on_bytes)
            .await?
        {
            PutOutcome::Created => Ok(()),
            PutOutcome::AlreadyExists => {
                let found = self.store.digest(key).await?;
                verify(&self.describe(key), Some(sha256), &found)
            }
        }
    }
}
