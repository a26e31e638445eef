//! A directory store with files to publish, for tests of what is built on a store.

use std::path::PathBuf;
use std::sync::Arc;

use searchop_artifacts::{
    ArtifactRepository, DirectoryStore, Error, Kind, Manifest, ObjectStore, Owner, Published,
    Sha256,
};
use serde_json::{Value, json};

use crate::failing_store::{FailingStore, Moment};

/// A directory store, files to publish, and places to fetch to.
pub(crate) struct Workshop {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) store: Arc<dyn ObjectStore>,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().join("store");
        let store = Arc::new(DirectoryStore::open(&root).expect("a store"));
        for (name, content) in [
            ("model", "trees"),
            ("features", "names"),
            ("parity", "scores"),
        ] {
            std::fs::write(directory.path().join(name), content).expect("a file");
        }
        Self { directory, store }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn stored(&self, key: &str) -> PathBuf {
        self.path("store").join(key)
    }

    pub(crate) fn repository(&self) -> ArtifactRepository {
        ArtifactRepository::new(self.store.clone())
    }

    pub(crate) fn failing(&self, writes: usize, moment: Moment) -> ArtifactRepository {
        ArtifactRepository::new(Arc::new(FailingStore::new(
            self.store.clone(),
            writes,
            moment,
        )))
    }

    pub(crate) async fn publish_with(
        &self,
        repository: &ArtifactRepository,
        owner: &Owner,
    ) -> Result<Published, Error> {
        let files = [
            ("model.txt", self.path("model")),
            ("features.json", self.path("features")),
            ("samples/parity.json", self.path("parity")),
        ];
        repository
            .publish(Kind::ModelBundle, 1, &files, json!({"seed": 42}), owner)
            .await
    }

    pub(crate) async fn publish(&self, owner: &Owner) -> Published {
        self.publish_with(&self.repository(), owner)
            .await
            .expect("publish")
    }

    pub(crate) async fn fetch(&self, sha256: Sha256) -> Result<Manifest, Error> {
        let into = tempfile::tempdir().expect("a directory");
        let manifest = self
            .repository()
            .fetch(sha256, Kind::ModelBundle, into.path())
            .await?;
        assert_eq!(
            std::fs::read(into.path().join("model.txt")).expect("it"),
            b"trees"
        );
        assert_eq!(
            std::fs::read(into.path().join("samples/parity.json")).expect("it"),
            b"scores"
        );
        Ok(manifest)
    }

    pub(crate) async fn keys(&self) -> Vec<String> {
        let listed = self.store.list("").await.expect("list");
        listed.into_iter().map(|object| object.key).collect()
    }
}

pub(crate) fn owner(name: &str) -> Owner {
    format!("trainingrun.demo.{name}.uid")
        .parse()
        .expect("an owner")
}

pub(crate) fn inputs() -> Sha256 {
    Sha256::of(b"inputs")
}

pub(crate) fn message(published: &Published) -> Value {
    json!({"outcome": "Succeeded", "model": {"sha256": published.sha256, "trees": 300}})
}

/// A Job's writes, as the trainer makes them.
pub(crate) async fn run_job(
    workshop: &Workshop,
    repository: &ArtifactRepository,
    owner: &Owner,
) -> Result<(), Error> {
    let published = workshop.publish_with(repository, owner).await?;
    repository
        .write_result(owner, inputs(), &message(&published))
        .await
        .map(|_| ())
}
