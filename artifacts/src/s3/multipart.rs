//! Writing large objects in parts, so that a broken connection costs one part and not all.
//!
//! The object appears when the upload is completed, and completing is conditional. An upload that
//! is not completed is aborted, also when the caller stops waiting; what a killed process leaves is
//! found by [`S3Store::abort_uploads_below`].

use std::io::SeekFrom;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::failure::Failure;
use super::{S3Store, checksum};
use crate::digest::{Hasher, Sha256};
use crate::error::Error;
use crate::object_store::{Body, OnBytes, PutOutcome};

/// How often an upload that vanished from under its writer is begun anew.
const MAXIMUM_UPLOADS: usize = 3;

/// How one upload ended.
enum Ended {
    Created,
    Taken,
    /// The server no longer knows the upload: it was completed by a request whose answer was lost,
    /// or somebody discarded it.
    Lost,
    /// Another write of the key was under way. The upload is still there, but cannot be completed.
    Conflict,
}

/// Aborts its upload when dropped before it is finished.
struct Upload<'a> {
    store: &'a S3Store,
    full_key: &'a str,
    id: String,
    finished: bool,
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // Only a caller that stopped waiting comes here; there is nobody left to await the abort.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (store, full_key) = (self.store.clone(), self.full_key.to_owned());
            let id = std::mem::take(&mut self.id);
            runtime.spawn(async move { store.abort(&full_key, &id).await });
        }
    }
}

impl S3Store {
    pub(super) async fn put_parts(
        &self,
        full_key: &str,
        body: &Body,
        size_bytes: u64,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<PutOutcome, Error> {
        for begun in 0..MAXIMUM_UPLOADS {
            // A lost upload may have been completed, and in a conflict the other write may have won.
            if begun > 0 && self.exists(full_key).await? {
                return Ok(PutOutcome::AlreadyExists);
            }
            let id = self.begin(full_key).await?;
            let mut upload = Upload {
                store: self,
                full_key,
                id,
                finished: false,
            };
            let ended = self.fill(&upload, body, size_bytes, sha256, on_bytes).await;
            upload.finished = true;
            match ended {
                Ok(Ended::Created) => return Ok(PutOutcome::Created),
                Ok(Ended::Lost) => {}
                Ok(Ended::Conflict) => self.abort(full_key, &upload.id).await,
                Ok(Ended::Taken) => {
                    self.abort(full_key, &upload.id).await;
                    return Ok(PutOutcome::AlreadyExists);
                }
                Err(error) => {
                    self.abort(full_key, &upload.id).await;
                    return Err(error);
                }
            }
        }
        let failure = Failure::network("the upload vanished from the store before it was complete");
        Err(self.error(failure, "put in parts", full_key))
    }

    pub(super) async fn exists(&self, full_key: &str) -> Result<bool, Error> {
        match self.head_full(full_key).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn begin(&self, full_key: &str) -> Result<String, Error> {
        self.attempts("begin upload", full_key, 0, || async {
            let answer = self
                .client
                .create_multipart_upload()
                .bucket(&self.bucket)
                .key(full_key)
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .send()
                .await
                .map_err(|error| self.sdk_error(error, "begin upload", full_key))?;
            answer.upload_id.ok_or_else(|| {
                self.error(
                    Failure::network("the answer has no upload id"),
                    "begin upload",
                    full_key,
                )
            })
        })
        .await
    }

    /// Sends all parts and completes the upload.
    async fn fill(
        &self,
        upload: &Upload<'_>,
        body: &Body,
        size_bytes: u64,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<Ended, Error> {
        let part_size = self.settings.part_size_for(size_bytes);
        let mut hasher = Hasher::default();
        let mut parts = Vec::new();
        let mut offset = 0;
        // An empty object has one empty part.
        while offset < size_bytes || parts.is_empty() {
            let length = part_size.min(size_bytes - offset);
            let bytes = read_part(body, offset, length).await?;
            hasher.update(&bytes);
            let number = i32::try_from(parts.len() + 1).expect("at most 10,000 parts");
            match self.send_part(upload, number, bytes).await? {
                Some(part) => parts.push(part),
                None => return Ok(Ended::Lost),
            }
            offset += length;
            on_bytes(offset);
        }
        let digest = hasher.finish();
        if digest.sha256 != sha256 {
            return Err(Error::digest(
                self.describe(upload.full_key),
                sha256,
                digest.sha256,
            ));
        }
        self.complete(upload, parts).await
    }

    async fn send_part(
        &self,
        upload: &Upload<'_>,
        number: i32,
        bytes: Bytes,
    ) -> Result<Option<CompletedPart>, Error> {
        let checksum = checksum(Sha256::of(&bytes));
        self.attempts("put part", upload.full_key, bytes.len() as u64, || async {
            let request = self
                .client
                .upload_part()
                .bucket(&self.bucket)
                .key(upload.full_key)
                .upload_id(&upload.id)
                .part_number(number)
                .checksum_sha256(&checksum)
                .body(ByteStream::from(bytes.clone()));
            match request.send().await.map_err(Failure::from_sdk) {
                Ok(answer) => Ok(Some(
                    CompletedPart::builder()
                        .part_number(number)
                        .set_e_tag(answer.e_tag)
                        .checksum_sha256(&checksum)
                        .build(),
                )),
                Err(failure) if failure.is_lost_upload() => Ok(None),
                Err(failure) => Err(self.error(failure, "put part", upload.full_key)),
            }
        })
        .await
    }

    async fn complete(
        &self,
        upload: &Upload<'_>,
        parts: Vec<CompletedPart>,
    ) -> Result<Ended, Error> {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        self.attempts("complete upload", upload.full_key, 0, || async {
            let request = self
                .client
                .complete_multipart_upload()
                .bucket(&self.bucket)
                .key(upload.full_key)
                .upload_id(&upload.id)
                .if_none_match("*")
                .multipart_upload(parts.clone());
            match request.send().await.map_err(Failure::from_sdk) {
                Ok(_) => Ok(Ended::Created),
                Err(failure) if failure.is_taken() => Ok(Ended::Taken),
                Err(failure) if failure.is_lost_upload() => Ok(Ended::Lost),
                // S3 wants a new upload then, not a repeated completion.
                Err(failure) if failure.status == Some(409) => Ok(Ended::Conflict),
                Err(failure) => Err(self.error(failure, "complete upload", upload.full_key)),
            }
        })
        .await
    }

    /// Best effort: what stays is found by `abort_uploads_below`.
    async fn abort(&self, full_key: &str, id: &str) {
        if let Err(error) = self.try_abort(full_key, id).await {
            tracing::warn!(key = full_key, %error, "cannot abort an upload");
        }
    }

    async fn try_abort(&self, full_key: &str, id: &str) -> Result<(), Error> {
        self.attempts("abort upload", full_key, 0, || async {
            let request = self
                .client
                .abort_multipart_upload()
                .bucket(&self.bucket)
                .key(full_key)
                .upload_id(id);
            match request.send().await.map_err(Failure::from_sdk) {
                Ok(_) => Ok(()),
                Err(failure) if failure.is_lost_upload() || failure.is_absent_key() => Ok(()),
                Err(failure) => Err(self.error(failure, "abort upload", full_key)),
            }
        })
        .await
    }

    /// Aborts every unfinished upload of a key that starts with `prefix`.
    pub(super) async fn abort_uploads_below(&self, prefix: &str) -> Result<usize, Error> {
        let mut aborted = 0;
        let mut markers: (Option<String>, Option<String>) = (None, None);
        loop {
            let page = self
                .attempts("list uploads", prefix, 0, || async {
                    self.client
                        .list_multipart_uploads()
                        .bucket(&self.bucket)
                        .prefix(prefix)
                        .set_key_marker(markers.0.clone())
                        .set_upload_id_marker(markers.1.clone())
                        .send()
                        .await
                        .map_err(|error| self.sdk_error(error, "list uploads", prefix))
                })
                .await?;
            for upload in page.uploads() {
                // The server's word alone is not enough to abort somebody else's upload.
                if let (Some(key), Some(id)) = (upload.key(), upload.upload_id())
                    && key.starts_with(prefix)
                {
                    self.try_abort(key, id).await?;
                    aborted += 1;
                }
            }
            let next = (
                page.next_key_marker().map(str::to_owned),
                page.next_upload_id_marker().map(str::to_owned),
            );
            if page.is_truncated() != Some(true) || next == markers {
                return Ok(aborted);
            }
            markers = next;
        }
    }
}

async fn read_part(body: &Body, offset: u64, length: u64) -> Result<Bytes, Error> {
    let path = match body {
        Body::Bytes(bytes) => {
            let to_index = |value: u64| usize::try_from(value).expect("it is in memory");
            return Ok(bytes.slice(to_index(offset)..to_index(offset + length)));
        }
        Body::File(path) => path,
    };
    let failed = |source| Error::local("read", path, source);
    let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
    file.seek(SeekFrom::Start(offset)).await.map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(length)
        .read_to_end(&mut bytes)
        .await
        .map_err(failed)?;
    if bytes.len() as u64 != length {
        // The file shrank since its size was taken.
        return Err(Error::size(
            path.display().to_string(),
            offset + length,
            offset + bytes.len() as u64,
        ));
    }
    Ok(bytes.into())
}
