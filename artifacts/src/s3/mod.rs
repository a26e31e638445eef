//! The store on S3 or a server that speaks its protocol.
//!
//! Puts are conditional (`If-None-Match: *`) and carry a SHA-256 checksum that the server checks;
//! reads are hashed here. Uploads in parts are in `multipart`, reading in `download`. That the
//! server honours all this is checked by [`crate::preflight`], not assumed.

mod credentials;
mod download;
mod failure;
mod multipart;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use crate::digest::{Digest, Sha256};
use crate::error::Error;
use crate::key::{check_folder, check_key};
use crate::local_file::PendingFile;
use crate::location::S3Connection;
use crate::object_store::{
    Body, ObjectInfo, ObjectStore, OnBytes, PutOutcome, ignore_progress, verify,
};
use crate::retry::retry;
use crate::settings::TransferSettings;
use credentials::DirectoryCredentials;
use download::Sink;
use failure::Failure;

/// A store in a bucket, below a prefix.
#[derive(Clone, Debug)]
pub struct S3Store {
    client: Client,
    bucket: String,
    /// What precedes every key: empty, or ending with `/`.
    prefix: String,
    uri: String,
    /// For messages.
    endpoint: String,
    credentials: Option<DirectoryCredentials>,
    settings: TransferSettings,
}

impl S3Store {
    /// Prepares a client; nothing is sent yet. `prefix` has no slash at its ends and may be empty.
    pub async fn open(
        connection: &S3Connection,
        bucket: &str,
        prefix: &str,
        settings: TransferSettings,
    ) -> Self {
        let credentials = connection
            .credentials_directory
            .as_deref()
            .map(DirectoryCredentials::new);
        let client = client(connection, credentials.clone(), &settings).await;
        let endpoint = connection
            .endpoint
            .clone()
            .unwrap_or_else(|| format!("AWS S3 in {}", connection.region));
        let (prefix, uri) = if prefix.is_empty() {
            (String::new(), format!("s3://{bucket}"))
        } else {
            (format!("{prefix}/"), format!("s3://{bucket}/{prefix}"))
        };
        Self {
            client,
            bucket: bucket.to_owned(),
            prefix,
            uri,
            endpoint,
            credentials,
            settings,
        }
    }

    fn full_key(&self, key: &str) -> Result<String, Error> {
        check_key(key)?;
        Ok(format!("{}{key}", self.prefix))
    }

    fn describe(&self, full_key: &str) -> String {
        format!("s3://{}/{full_key}", self.bucket)
    }

    fn error(&self, failure: Failure, operation: &str, full_key: &str) -> Error {
        failure.into_error(
            &self.endpoint,
            &self.bucket,
            operation,
            &self.describe(full_key),
        )
    }

    fn sdk_error<E>(
        &self,
        error: SdkError<E, HttpResponse>,
        operation: &str,
        full_key: &str,
    ) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        if let Some(request) = error.request_id() {
            tracing::debug!(operation, key = full_key, request, "storage request failed");
        }
        self.error(Failure::from_sdk(error), operation, full_key)
    }

    /// Names a missing credential before the SDK hides it in an error about sending.
    async fn check_credentials(&self) -> Result<(), Error> {
        match &self.credentials {
            Some(credentials) => credentials.read().await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Repeats `attempt`, each bounded by what an upload of `size_bytes` may take.
    async fn attempts<T, F, Fut>(
        &self,
        operation: &str,
        full_key: &str,
        size_bytes: u64,
        attempt: F,
    ) -> Result<T, Error>
    where
        F: Fn() -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, Error>> + Send,
        T: Send,
    {
        let deadline = self.settings.transfer_deadline(size_bytes);
        retry(&self.settings.retry, operation, || async {
            self.check_credentials().await?;
            within(deadline, attempt()).await.unwrap_or_else(|| {
                let seconds = deadline.as_secs_f64();
                let failure = Failure::network(format!("not finished within {seconds} s"));
                Err(self.error(failure, operation, full_key))
            })
        })
        .await
    }

    async fn put_whole(
        &self,
        full_key: &str,
        bytes: Bytes,
        sha256: Sha256,
    ) -> Result<PutOutcome, Error> {
        let size_bytes = bytes.len() as u64;
        self.attempts("put", full_key, size_bytes, || {
            let request = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(full_key)
                .if_none_match("*")
                .checksum_sha256(checksum(sha256))
                .body(ByteStream::from(bytes.clone()));
            async move {
                match request.send().await.map_err(Failure::from_sdk) {
                    Ok(_) => Ok(PutOutcome::Created),
                    Err(failure) if failure.is_taken() => Ok(PutOutcome::AlreadyExists),
                    Err(failure) => Err(self.error(failure, "put", full_key)),
                }
            }
        })
        .await
    }

    async fn head_full(&self, full_key: &str) -> Result<u64, Error> {
        self.attempts("head", full_key, 0, || async {
            let answer = self
                .client
                .head_object()
                .bucket(&self.bucket)
                .key(full_key)
                .send()
                .await
                .map_err(|error| {
                    Failure::from_sdk(error).into_head_error(
                        &self.endpoint,
                        &self.bucket,
                        "head",
                        &self.describe(full_key),
                    )
                })?;
            Ok(answer
                .content_length()
                .unwrap_or_default()
                .try_into()
                .unwrap_or_default())
        })
        .await
    }

    /// Reads an object of this bucket by its whole key, which need not be one of ours.
    pub(crate) async fn get_foreign_to_file(
        &self,
        full_key: &str,
        path: &Path,
        expected: Option<Sha256>,
        maximum_bytes: u64,
        on_bytes: OnBytes<'_>,
    ) -> Result<Digest, Error> {
        let target = PendingFile::create_for(path)?;
        let digest = self
            .download(full_key, Sink::File(&target), maximum_bytes, on_bytes)
            .await?;
        verify(&self.describe(full_key), expected, &digest)?;
        target.persist(path)?;
        Ok(digest)
    }
}

/// The value of `x-amz-checksum-sha256`.
fn checksum(sha256: Sha256) -> String {
    BASE64.encode(sha256.as_bytes())
}

async fn within<T>(deadline: Duration, work: impl Future<Output = T> + Send) -> Option<T> {
    tokio::time::timeout(deadline, work).await.ok()
}

async fn client(
    connection: &S3Connection,
    credentials: Option<DirectoryCredentials>,
    settings: &TransferSettings,
) -> Client {
    // Plain http:// endpoints work with this client too.
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .region(Region::new(connection.region.clone()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            // No read timeout: the SDK counts it from the first byte sent, which bounds uploads.
            // Each attempt has a deadline of its own here, by the size of what it transfers.
            TimeoutConfig::builder()
                .connect_timeout(settings.connect_timeout)
                .disable_read_timeout()
                .build(),
        )
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .upload_enabled(true)
                // Reading has its own bounds, see `download`.
                .download_enabled(false)
                .grace_period(settings.stall_timeout)
                .build(),
        );
    let loader = match credentials {
        // No cache: the files are read for each request.
        Some(credentials) => loader
            .credentials_provider(credentials)
            .identity_cache(IdentityCache::no_cache()),
        None => loader,
    };
    let shared = loader.load().await;
    let mut config = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(connection.path_style)
        // We send SHA-256 ourselves, and hash what we read ourselves.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &connection.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}

#[async_trait]
impl ObjectStore for S3Store {
    fn uri(&self) -> &str {
        &self.uri
    }

    async fn put_if_absent(
        &self,
        key: &str,
        body: &Body,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<PutOutcome, Error> {
        let full_key = self.full_key(key)?;
        let size_bytes = body_size(body).await?;
        if size_bytes >= self.settings.multipart_threshold_bytes {
            // A taken key would be refused only after everything was sent.
            if self.exists(&full_key).await? {
                return Ok(PutOutcome::AlreadyExists);
            }
            return self
                .put_parts(&full_key, body, size_bytes, sha256, on_bytes)
                .await;
        }
        let bytes = match body {
            Body::Bytes(bytes) => bytes.clone(),
            Body::File(path) => tokio::fs::read(path)
                .await
                .map_err(|source| Error::local("read", path, source))?
                .into(),
        };
        let outcome = self.put_whole(&full_key, bytes, sha256).await?;
        on_bytes(size_bytes);
        Ok(outcome)
    }

    async fn put_in_parts_if_absent(
        &self,
        key: &str,
        body: &Body,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<PutOutcome, Error> {
        let full_key = self.full_key(key)?;
        let size_bytes = body_size(body).await?;
        self.put_parts(&full_key, body, size_bytes, sha256, on_bytes)
            .await
    }

    async fn get(
        &self,
        key: &str,
        expected: Option<Sha256>,
        maximum_bytes: u64,
    ) -> Result<Bytes, Error> {
        let full_key = self.full_key(key)?;
        let memory = download::MemoryTarget::default();
        let digest = self
            .download(
                &full_key,
                Sink::Memory(&memory),
                maximum_bytes,
                &ignore_progress,
            )
            .await?;
        verify(&self.describe(&full_key), expected, &digest)?;
        Ok(memory.into_bytes())
    }

    async fn get_to_file(
        &self,
        key: &str,
        path: &Path,
        expected: Option<Sha256>,
        maximum_bytes: u64,
        on_bytes: OnBytes<'_>,
    ) -> Result<Digest, Error> {
        let full_key = self.full_key(key)?;
        self.get_foreign_to_file(&full_key, path, expected, maximum_bytes, on_bytes)
            .await
    }

    async fn digest(&self, key: &str) -> Result<Digest, Error> {
        let full_key = self.full_key(key)?;
        self.download(&full_key, Sink::Nowhere, u64::MAX, &ignore_progress)
            .await
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, Error> {
        let full_key = self.full_key(key)?;
        let size_bytes = self.head_full(&full_key).await?;
        Ok(ObjectInfo {
            key: key.to_owned(),
            size_bytes,
        })
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        let full_key = self.full_key(key)?;
        self.attempts("delete", &full_key, 0, || async {
            let request = self
                .client
                .delete_object()
                .bucket(&self.bucket)
                .key(&full_key);
            match request.send().await.map_err(Failure::from_sdk) {
                Ok(_) => Ok(()),
                Err(failure) if failure.is_absent_key() => Ok(()),
                Err(failure) => Err(self.error(failure, "delete", &full_key)),
            }
        })
        .await
    }

    async fn list(&self, folder: &str) -> Result<Vec<ObjectInfo>, Error> {
        check_folder(folder)?;
        let full_folder = format!("{}{folder}", self.prefix);
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .attempts("list", &full_folder, 0, || async {
                    self.client
                        .list_objects_v2()
                        .bucket(&self.bucket)
                        .prefix(&full_folder)
                        .max_keys(i32::from(self.settings.list_page_size.clamp(1, 1000)))
                        .set_continuation_token(token.clone())
                        .send()
                        .await
                        .map_err(|error| self.sdk_error(error, "list", &full_folder))
                })
                .await?;
            for object in page.contents() {
                let key = object.key().and_then(|key| key.strip_prefix(&self.prefix));
                // Some tools keep empty objects named `folder/` for folders.
                if let Some(key) = key.filter(|key| !key.is_empty() && !key.ends_with('/')) {
                    let size_bytes = object
                        .size()
                        .unwrap_or_default()
                        .try_into()
                        .unwrap_or_default();
                    found.push(ObjectInfo {
                        key: key.to_owned(),
                        size_bytes,
                    });
                }
            }
            let next = page.next_continuation_token().map(str::to_owned);
            match next {
                Some(next)
                    if page.is_truncated() == Some(true) && token.as_ref() != Some(&next) =>
                {
                    token = Some(next);
                }
                _ if page.is_truncated() == Some(true) => {
                    // An incomplete listing must not pass for a complete one: a purge relies on it.
                    let failure = Failure::network("the listing says there is more but not where");
                    return Err(self.error(failure, "list", &full_folder));
                }
                _ => break,
            }
        }
        found.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(found)
    }

    async fn discard_unfinished(&self, folder: &str) -> Result<usize, Error> {
        check_folder(folder)?;
        self.abort_uploads_below(&format!("{}{folder}", self.prefix))
            .await
    }
}

async fn body_size(body: &Body) -> Result<u64, Error> {
    match body {
        Body::Bytes(bytes) => Ok(bytes.len() as u64),
        Body::File(path) => tokio::fs::metadata(path)
            .await
            .map(|metadata| metadata.len())
            .map_err(|source| Error::local("read", path, source)),
    }
}
