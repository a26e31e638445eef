//! Fetching: every byte that reaches the local folder has been checked.

use std::path::Path;

use super::{ArtifactRepository, TransferProgress};
use crate::digest::{Sha256, digest_file};
use crate::error::Error;
use crate::key::{MANIFEST_NAME, file_key};
use crate::local_file::PendingFile;
use crate::manifest::{Kind, Manifest, ManifestFile};

impl ArtifactRepository {
    /// Fetches an artifact into the folder `into`, which is created when absent: its files by their
    /// paths, and at last `manifest.json`, whose presence says that all is there. Files of an
    /// interrupted fetch that are right are kept.
    ///
    /// # Errors
    /// As [`ArtifactRepository::manifest`]; [`Error::InvalidContent`] when it is larger than
    /// allowed; [`Error::NotFound`] or [`Error::DigestMismatch`] naming the file; [`Error::Local`].
    pub async fn fetch(&self, sha256: Sha256, kind: Kind, into: &Path) -> Result<Manifest, Error> {
        let (manifest, bytes) = self.manifest_with_bytes(sha256, Some(kind)).await?;
        let total_bytes = manifest.size_bytes();
        if total_bytes > self.maximum_bytes {
            let message = format!("{total_bytes} bytes are more than {}", self.maximum_bytes);
            return Err(Error::invalid_content(self.artifact_uri(sha256), message));
        }
        create_folder(into).await?;
        let mut before = 0;
        for file in &manifest.files {
            let on_bytes = |done: u64| {
                (self.on_progress)(&TransferProgress {
                    path: file.path.clone(),
                    done_bytes: before + done,
                    total_bytes,
                });
            };
            self.fetch_file(sha256, file, into, &on_bytes).await?;
            before += file.size_bytes;
        }
        let pending = PendingFile::create_in(into)?;
        tokio::fs::write(pending.path(), &bytes)
            .await
            .map_err(|source| Error::local("write", pending.path(), source))?;
        pending.persist(&into.join(MANIFEST_NAME))?;
        Ok(manifest)
    }

    async fn fetch_file(
        &self,
        sha256: Sha256,
        file: &ManifestFile,
        into: &Path,
        on_bytes: crate::object_store::OnBytes<'_>,
    ) -> Result<(), Error> {
        // The path was checked with the manifest: it stays below `into`.
        let path = into.join(&file.path);
        let is_file = tokio::fs::metadata(&path)
            .await
            .is_ok_and(|metadata| metadata.is_file());
        if is_file && digest_file(&path).await?.sha256 == file.sha256 {
            on_bytes(file.size_bytes);
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            create_folder(folder).await?;
        }
        let key = file_key(sha256, &file.path);
        let expected = Some(file.sha256);
        match self
            .store
            .get_to_file(&key, &path, expected, file.size_bytes, on_bytes)
            .await
        {
            Ok(_) => Ok(()),
            // Larger than the manifest says: not what was published.
            Err(Error::InvalidContent { what, .. }) => Err(Error::DigestMismatch {
                what,
                expected: format!("{} bytes", file.size_bytes),
                actual: "more".into(),
            }),
            Err(error) => Err(error),
        }
    }
}

async fn create_folder(folder: &Path) -> Result<(), Error> {
    tokio::fs::create_dir_all(folder)
        .await
        .map_err(|source| Error::local("create", folder, source))
}
