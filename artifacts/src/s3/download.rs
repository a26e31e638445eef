//! Reading an object: hashed on the way, bounded in size, and in time however slow the server is.

use std::sync::{Mutex, PoisonError};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;

use super::failure::{Failure, chain};
use super::{S3Store, within};
use crate::digest::{Digest, Hasher};
use crate::error::Error;
use crate::local_file::PendingFile;
use crate::object_store::{OnBytes, too_large};
use crate::retry::retry;

/// Where the bytes go. Every attempt starts it over.
#[derive(Clone, Copy)]
pub(super) enum Sink<'a> {
    File(&'a PendingFile),
    Memory(&'a MemoryTarget),
    Nowhere,
}

/// Bytes collected in memory.
#[derive(Default)]
pub(super) struct MemoryTarget(Mutex<Vec<u8>>);

impl MemoryTarget {
    pub(super) fn into_bytes(self) -> Bytes {
        self.0
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into()
    }

    fn start_over(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn write(&self, part: &[u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(part);
    }
}

impl S3Store {
    /// Reads the whole object into `sink` and returns what was read. An attempt that breaks off is
    /// repeated from the start.
    pub(super) async fn download(
        &self,
        full_key: &str,
        sink: Sink<'_>,
        maximum_bytes: u64,
        on_bytes: OnBytes<'_>,
    ) -> Result<Digest, Error> {
        retry(&self.settings.retry, "get", || async {
            self.check_credentials().await?;
            let request = self.client.get_object().bucket(&self.bucket).key(full_key);
            let answer = within(self.settings.read_timeout, request.send())
                .await
                .ok_or_else(|| self.broken_off(full_key, "no answer in time".into()))?
                .map_err(|error| self.sdk_error(error, "get", full_key))?;
            let size_bytes: Option<u64> = answer
                .content_length()
                .and_then(|length| length.try_into().ok());
            if size_bytes.is_some_and(|size_bytes| size_bytes > maximum_bytes) {
                return Err(too_large(&self.describe(full_key), maximum_bytes));
            }
            // Without a length nothing is known but the bound.
            let deadline = self
                .settings
                .transfer_deadline(size_bytes.unwrap_or(maximum_bytes));
            let body = self.read_body(full_key, answer, sink, maximum_bytes, on_bytes);
            let digest = within(deadline, body).await.unwrap_or_else(|| {
                let seconds = deadline.as_secs_f64();
                Err(self.broken_off(
                    full_key,
                    format!("slower than allowed: not read within {seconds} s"),
                ))
            })?;
            match size_bytes {
                Some(size_bytes) if size_bytes != digest.size_bytes => Err(self.broken_off(
                    full_key,
                    format!("{} of {size_bytes} bytes were received", digest.size_bytes),
                )),
                _ => Ok(digest),
            }
        })
        .await
    }

    async fn read_body(
        &self,
        full_key: &str,
        answer: GetObjectOutput,
        sink: Sink<'_>,
        maximum_bytes: u64,
        on_bytes: OnBytes<'_>,
    ) -> Result<Digest, Error> {
        let mut body = answer.body;
        let mut hasher = Hasher::default();
        let mut file = match sink {
            Sink::File(target) => Some((target, target.start_over()?)),
            Sink::Memory(target) => {
                target.start_over();
                None
            }
            Sink::Nowhere => None,
        };
        loop {
            let stall = self.settings.stall_timeout;
            let part = within(stall, body.next()).await.ok_or_else(|| {
                let seconds = stall.as_secs_f64();
                self.broken_off(full_key, format!("nothing was received for {seconds} s"))
            })?;
            let Some(part) = part else { break };
            let part = part.map_err(|error| self.broken_off(full_key, chain(&error)))?;
            hasher.update(&part);
            if hasher.size_bytes() > maximum_bytes {
                return Err(too_large(&self.describe(full_key), maximum_bytes));
            }
            match (&mut file, sink) {
                (Some((target, file)), _) => file
                    .write_all(&part)
                    .await
                    .map_err(|source| Error::local("write", target.path(), source))?,
                (None, Sink::Memory(target)) => target.write(&part),
                (None, _) => {}
            }
            on_bytes(hasher.size_bytes());
        }
        if let Some((target, mut file)) = file {
            // Tokio's file writes in the background: an error may only show now.
            file.flush()
                .await
                .map_err(|source| Error::local("write", target.path(), source))?;
        }
        Ok(hasher.finish())
    }

    fn broken_off(&self, full_key: &str, message: String) -> Error {
        self.error(Failure::network(message), "get", full_key)
    }
}
