//! Results: what a Job said it made of given inputs, for a later attempt to find.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ArtifactRepository;
use crate::digest::Sha256;
use crate::error::Error;
use crate::key::{Owner, result_key};
use crate::manifest::canonical_json;
use crate::object_store::{Body, PutOutcome, ignore_progress};

const MAXIMUM_RESULT_BYTES: u64 = 1024 * 1024;

/// A result as it is stored. Its key is made of the inputs, so it brings its own digest.
#[derive(Serialize, Deserialize)]
struct StoredResult {
    message: Value,
    sha256: Sha256,
}

impl ArtifactRepository {
    /// The message that an earlier attempt of `owner` left for these inputs, if any.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] or [`Error::InvalidContent`] when it is damaged (it may then be
    /// removed with [`ArtifactRepository::remove_result`]), and the store's failures.
    pub async fn read_result(&self, owner: &Owner, inputs: Sha256) -> Result<Option<Value>, Error> {
        let key = result_key(owner, inputs);
        let bytes = match self.store.get(&key, None, MAXIMUM_RESULT_BYTES).await {
            Ok(bytes) => bytes,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let what = self.describe(&key);
        let stored: StoredResult = serde_json::from_slice(&bytes)
            .map_err(|error| Error::invalid_content(&what, error.to_string()))?;
        let actual = Sha256::of(&canonical_json(&stored.message));
        if actual != stored.sha256 {
            return Err(Error::digest(what, stored.sha256, actual));
        }
        Ok(Some(stored.message))
    }

    /// Leaves a message for later attempts, after the artifact that it names is published. Returns
    /// the message that is there now: an earlier one stays as it is.
    ///
    /// # Errors
    /// As [`ArtifactRepository::read_result`].
    pub async fn write_result(
        &self,
        owner: &Owner,
        inputs: Sha256,
        message: &Value,
    ) -> Result<Value, Error> {
        let sha256 = Sha256::of(&canonical_json(message));
        let stored = serde_json::json!({"message": message, "sha256": sha256});
        let bytes = Bytes::from(canonical_json(&stored));
        if bytes.len() as u64 > MAXIMUM_RESULT_BYTES {
            let why = format!("{} bytes are more than {MAXIMUM_RESULT_BYTES}", bytes.len());
            return Err(Error::invalid_content("the result message", why));
        }
        let digest = Sha256::of(&bytes);
        let key = result_key(owner, inputs);
        let body = Body::Bytes(bytes);
        match self
            .store
            .put_if_absent(&key, &body, digest, &ignore_progress)
            .await?
        {
            PutOutcome::Created => Ok(message.clone()),
            PutOutcome::AlreadyExists => {
                let earlier = self.read_result(owner, inputs).await?;
                // None: removed since, by somebody who knew that it was of no use.
                Ok(earlier.unwrap_or_else(|| message.clone()))
            }
        }
    }

    /// Removes a message that turned out to be of no use: damaged, or its artifact is gone.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn remove_result(&self, owner: &Owner, inputs: Sha256) -> Result<(), Error> {
        self.store.delete(&result_key(owner, inputs)).await
    }
}
