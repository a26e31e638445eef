//! Credentials in a directory, as Kubernetes mounts a Secret.
//!
//! They are read anew for every request: a Secret that is put right takes effect without a restart.

use std::path::{Path, PathBuf};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};

use crate::error::Error;

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
/// Far more than any credential has; a directory is not trusted to hold what it should.
const MAXIMUM_BYTES: u64 = 64 * 1024;

/// Reads credentials from the files of a directory. Holds their place, never their values.
#[derive(Clone, Debug)]
pub(crate) struct DirectoryCredentials {
    directory: PathBuf,
}

impl DirectoryCredentials {
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_path_buf(),
        }
    }

    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::CredentialsMissing`] naming the missing or empty file.
    pub(crate) async fn read(&self) -> Result<Credentials, Error> {
        let key = self.required(ACCESS_KEY_ID).await?;
        let secret = self.required(SECRET_ACCESS_KEY).await?;
        let token = self.value(SESSION_TOKEN).await?;
        Ok(Credentials::new(
            key,
            secret,
            token,
            None,
            "credentials directory",
        ))
    }

    async fn required(&self, name: &str) -> Result<String, Error> {
        self.value(name)
            .await?
            .ok_or_else(|| Error::CredentialsMissing {
                message: format!(
                    "{} has no key {name}, or it is empty",
                    self.directory.display()
                ),
            })
    }

    async fn value(&self, name: &str) -> Result<Option<String>, Error> {
        let path = self.directory.join(name);
        let unreadable = |why: &str| Error::CredentialsMissing {
            message: format!(
                "key {name} of {} cannot be read: {why}",
                self.directory.display()
            ),
        };
        match tokio::fs::metadata(&path).await {
            Ok(metadata) if metadata.len() > MAXIMUM_BYTES => return Err(unreadable("too large")),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&error.kind().to_string())),
        }
        let text = tokio::fs::read_to_string(&path)
            .await
            .map_err(|error| unreadable(&error.kind().to_string()))?;
        // Values made with `echo` end in a line break, which no credential has.
        let text = text.trim();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    async fn provide(&self) -> provider::Result {
        self.read().await.map_err(CredentialsError::not_loaded)
    }
}

impl ProvideCredentials for DirectoryCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_missing_key_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let credentials = DirectoryCredentials::new(directory.path());
        let message = credentials.read().await.unwrap_err().to_string();
        assert!(message.contains("AWS_ACCESS_KEY_ID"), "{message}");
        std::fs::write(directory.path().join(ACCESS_KEY_ID), "id\n").unwrap();
        std::fs::write(directory.path().join(SECRET_ACCESS_KEY), "\n").unwrap();
        let error = credentials.read().await.unwrap_err();
        assert!(
            error.to_string().contains("AWS_SECRET_ACCESS_KEY"),
            "{error}"
        );
        assert_eq!(
            (error.reason(), error.is_retryable()),
            ("CredentialsMissing", true)
        );
    }

    #[tokio::test]
    async fn a_changed_secret_is_seen_at_the_next_use_and_never_displayed() {
        let directory = tempfile::tempdir().unwrap();
        let credentials = DirectoryCredentials::new(directory.path());
        std::fs::write(directory.path().join(ACCESS_KEY_ID), "id\n").unwrap();
        for secret in ["canary-one", "canary-two"] {
            std::fs::write(directory.path().join(SECRET_ACCESS_KEY), secret).unwrap();
            let read = credentials.read().await.unwrap();
            assert_eq!(
                (read.access_key_id(), read.secret_access_key()),
                ("id", secret)
            );
            assert!(!format!("{read:?} {credentials:?}").contains("canary"));
        }
    }
}
