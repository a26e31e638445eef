//! A store that fails at a chosen write, before or after it took effect, and at every later one. What a process that dies there leaves behind is what is left in the store
//! that it wraps.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use searchop_artifacts::{
    Body, Digest, Error, ObjectInfo, ObjectStore, OnBytes, Outlook, PutOutcome, Sha256,
};

/// When the write that is chosen fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It has no effect.
    Before,
    /// It takes effect and nobody learns of it.
    After,
}

#[derive(Debug)]
pub(crate) struct FailingStore {
    inner: Arc<dyn ObjectStore>,
    /// Writes that still succeed.
    left: AtomicUsize,
    failed: AtomicBool,
    moment: Moment,
}

impl FailingStore {
    /// The write after `writes` others fails, and so does every later one.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, writes: usize, moment: Moment) -> Self {
        Self {
            inner,
            left: AtomicUsize::new(writes),
            failed: AtomicBool::new(false),
            moment,
        }
    }

    async fn write<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let count = |left: usize| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, count)
            .is_ok()
        {
            return work.await;
        }
        // Only the first write that fails may take effect: the process is dead after it.
        let first = !self.failed.swap(true, Ordering::SeqCst);
        if self.moment == Moment::After && first {
            work.await?;
        }
        Err(Error::Unavailable {
            endpoint: "failing".into(),
            operation: "write".into(),
            message: "as told".into(),
            outlook: Outlook::Passing,
        })
    }
}

#[async_trait]
impl ObjectStore for FailingStore {
    fn uri(&self) -> &str {
        self.inner.uri()
    }

    async fn put_if_absent(
        &self,
        key: &str,
        body: &Body,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<PutOutcome, Error> {
        self.write(self.inner.put_if_absent(key, body, sha256, on_bytes))
            .await
    }

    async fn put_in_parts_if_absent(
        &self,
        key: &str,
        body: &Body,
        sha256: Sha256,
        on_bytes: OnBytes<'_>,
    ) -> Result<PutOutcome, Error> {
        self.write(
            self.inner
                .put_in_parts_if_absent(key, body, sha256, on_bytes),
        )
        .await
    }

    async fn get(
        &self,
        key: &str,
        expected: Option<Sha256>,
        maximum_bytes: u64,
    ) -> Result<Bytes, Error> {
        self.inner.get(key, expected, maximum_bytes).await
    }

    async fn get_to_file(
        &self,
        key: &str,
        path: &Path,
        expected: Option<Sha256>,
        maximum_bytes: u64,
        on_bytes: OnBytes<'_>,
    ) -> Result<Digest, Error> {
        self.inner
            .get_to_file(key, path, expected, maximum_bytes, on_bytes)
            .await
    }

    async fn digest(&self, key: &str) -> Result<Digest, Error> {
        self.inner.digest(key).await
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, Error> {
        self.inner.head(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.write(self.inner.delete(key)).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<ObjectInfo>, Error> {
        self.inner.list(folder).await
    }

    async fn discard_unfinished(&self, folder: &str) -> Result<usize, Error> {
        self.inner.discard_unfinished(folder).await
    }
}
