//! The cluster's object store, reached from outside through its port on this machine.

use crate::cluster::{Cluster, STORAGE_NAMESPACE, STORAGE_SECRET};
use crate::objects::Kind;
use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use searchop_artifacts::{
    ArtifactRepository, Body, ObjectStore, Owner, S3Connection, Sha256, StoreLocation, StoreUri,
    ignore_progress,
};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Bucket that the samples, the stories and the operator's configuration name.
pub const BUCKET: &str = "searchop";

/// Where the kind cluster's object store is reached from this machine.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:31090";

/// The store, with credentials from the cluster.
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    location: StoreLocation,
    _credentials: TempDir,
}

impl Store {
    /// Opens `s3://searchop/PREFIX` with the credentials that the cluster's object store was deployed with. The endpoint is
    /// `SEARCHOP_E2E_STORE_ENDPOINT`, by default the kind cluster's port.
    ///
    /// # Errors
    /// When the Secret is not there.
    pub async fn open(cluster: &Cluster, prefix: &str) -> Result<Self> {
        let secret = Api::<Secret>::namespaced(cluster.client.clone(), STORAGE_NAMESPACE)
            .get(STORAGE_SECRET)
            .await
            .context("the store's credentials")?;
        let credentials = tempfile::tempdir()?;
        for (key, value) in secret.data.unwrap_or_default() {
            std::fs::write(credentials.path().join(key), value.0)?;
        }
        let endpoint = std::env::var("SEARCHOP_E2E_STORE_ENDPOINT")
            .unwrap_or_else(|_| DEFAULT_ENDPOINT.to_owned());
        let connection = S3Connection {
            endpoint: Some(endpoint),
            path_style: true,
            credentials_directory: Some(credentials.path().to_owned()),
            ..S3Connection::default()
        };
        let location = StoreLocation {
            uri: StoreUri::S3 {
                bucket: BUCKET.to_owned(),
                prefix: prefix.to_owned(),
            },
            connection,
        };
        Ok(Self {
            objects: searchop_artifacts::open(&location).await?,
            location,
            _credentials: credentials,
        })
    }

    /// Opens the store that an artifact's URI is in.
    ///
    /// # Errors
    /// When the URI is not that of an artifact in the cluster's bucket.
    pub async fn of(cluster: &Cluster, artifact: &str) -> Result<Self> {
        let (store, _) = artifact
            .rsplit_once("/artifacts/")
            .with_context(|| format!("{artifact} is no artifact's URI"))?;
        let path = store
            .strip_prefix("s3://")
            .and_then(|path| path.strip_prefix(BUCKET));
        let prefix = path.with_context(|| format!("{artifact} is not in the bucket {BUCKET}"))?;
        Self::open(cluster, prefix.trim_start_matches('/')).await
    }

    /// The store's URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.objects.uri()
    }

    /// Artifacts in this store.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub async fn repository(&self) -> Result<ArtifactRepository> {
        Ok(ArtifactRepository::open(&self.location).await?)
    }

    /// Uploads a file unless the key is taken, and returns its URI.
    ///
    /// # Errors
    /// When the file cannot be read or the store refuses.
    pub async fn upload(&self, key: &str, file: &Path) -> Result<String> {
        self.put(
            key,
            tokio::fs::read(file)
                .await
                .with_context(|| file.display().to_string())?,
        )
        .await
    }

    /// Puts bytes unless the key is taken, and returns their URI.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<String> {
        let sha256 = Sha256::of(&bytes);
        self.objects
            .put_if_absent(key, &Body::Bytes(bytes.into()), sha256, &ignore_progress)
            .await?;
        Ok(format!("{}/{key}", self.uri()))
    }

    /// The bytes of an object.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>> {
        Ok(self.objects.get(key, None, 1 << 30).await?.to_vec())
    }

    /// Keys below a prefix.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        Ok(self
            .objects
            .list(prefix)
            .await?
            .into_iter()
            .map(|object| object.key)
            .collect())
    }

    /// Whether an artifact of that digest is there.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn has_artifact(&self, sha256: &str) -> Result<bool> {
        Ok(!self.keys(&format!("artifacts/{sha256}/")).await?.is_empty())
    }

    /// Removes every object of this store.
    ///
    /// # Errors
    /// When the store is not one of the stories' own (below `e2e/`), or refuses.
    pub async fn remove_all(&self) -> Result<()> {
        let StoreUri::S3 { prefix, .. } = &self.location.uri else {
            bail!("{} is no bucket", self.uri());
        };
        ensure!(
            prefix.starts_with("e2e/"),
            "{} is not a story's own",
            self.uri()
        );
        for key in self.keys("").await? {
            self.objects.delete(&key).await?;
        }
        Ok(())
    }

    /// Removes what a deleted object of the cluster retained in the store, unless others refer to it.
    ///
    /// # Errors
    /// When the object was never stored, or the store refuses.
    pub async fn forget<K: Kind>(&self, object: &K) -> Result<()> {
        let metadata = object.meta();
        let owner = format!(
            "{}.{}.{}.{}",
            K::kind(&()),
            metadata.namespace.as_deref().context("a namespace")?,
            metadata.name.as_deref().context("a name")?,
            metadata.uid.as_deref().context("a UID")?
        );
        let owner: Owner = owner.to_lowercase().parse()?;
        self.repository().await?.purge(&owner).await?;
        Ok(())
    }
}
