//! Checks that a store keeps the promises that correctness rests on, before anything is entrusted
//! to it.
//!
//! Some servers that speak S3 accept `If-None-Match` or a checksum and ignore it: they would let
//! one writer overwrite another's object, or keep a damaged one. Others refuse such requests; it is
//! said which kind a server is.

use bytes::Bytes;
use uuid::Uuid;

use crate::digest::Sha256;
use crate::error::{Error, Outlook, PreflightCheck};
use crate::object_store::{Body, ObjectStore, PutOutcome, ignore_progress};

const MAXIMUM_BYTES: u64 = 1024;

/// Checks the store with a few small objects under `preflight/`, which are removed again.
///
/// # Errors
/// [`Error::Unfit`] naming the check that failed; the store's own failures when it cannot be asked.
pub async fn preflight(store: &dyn ObjectStore) -> Result<(), Error> {
    // Several Jobs check the same store at once.
    let probe = Probe {
        store,
        folder: format!("preflight/{}", Uuid::new_v4()),
    };
    let result = probe.run().await;
    let removed = probe.remove_all().await;
    // What the check found matters more than whether its objects could be removed.
    result.and(removed)
}

struct Probe<'a> {
    store: &'a dyn ObjectStore,
    folder: String,
}

impl Probe<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    async fn remove_all(&self) -> Result<(), Error> {
        for name in ["put", "parts", "checksum"] {
            self.store.delete(&self.key(name)).await?;
        }
        Ok(())
    }

    fn unfit(&self, check: PreflightCheck, message: impl Into<String>) -> Error {
        Error::Unfit {
            store: self.store.uri().to_owned(),
            check,
            message: message.into(),
        }
    }

    async fn run(&self) -> Result<(), Error> {
        self.conditional(false, &self.key("put"), PreflightCheck::ConditionalPut)
            .await?;
        self.conditional(
            true,
            &self.key("parts"),
            PreflightCheck::ConditionalMultipart,
        )
        .await?;
        self.listed().await?;
        self.checksum().await
    }

    async fn put(
        &self,
        in_parts: bool,
        key: &str,
        text: &'static str,
    ) -> Result<PutOutcome, Error> {
        let body = Body::Bytes(Bytes::from_static(text.as_bytes()));
        let sha256 = Sha256::of(text.as_bytes());
        if in_parts {
            self.store
                .put_in_parts_if_absent(key, &body, sha256, &ignore_progress)
                .await
        } else {
            self.store
                .put_if_absent(key, &body, sha256, &ignore_progress)
                .await
        }
    }

    /// What a failure of a put with a condition and a checksum says of the store.
    fn refused(&self, check: PreflightCheck, error: Error) -> Error {
        let Error::Unavailable {
            outlook: Outlook::Refused,
            message,
            operation,
            ..
        } = error
        else {
            return error;
        };
        let (check, what) = refused_property(check, &message);
        self.unfit(
            check,
            format!("the store refuses {what} ({operation}): {message}"),
        )
    }

    /// Two puts of one key: the second is refused and the first one's bytes stay.
    async fn conditional(
        &self,
        in_parts: bool,
        key: &str,
        check: PreflightCheck,
    ) -> Result<(), Error> {
        const FIRST: &str = "the first put";
        let refused = |error| self.refused(check, error);
        // The first may also be told "already there", when its answer was lost and it was repeated.
        self.put(in_parts, key, FIRST).await.map_err(refused)?;
        let second = self.put(in_parts, key, "the second put");
        if second.await.map_err(refused)? == PutOutcome::Created {
            let message =
                "the store ignores conditional puts: a second one of the same key was accepted";
            return Err(self.unfit(check, message));
        }
        match self.store.get(key, None, MAXIMUM_BYTES).await {
            Ok(bytes) if bytes == FIRST.as_bytes() => Ok(()),
            Ok(_) => Err(self.unfit(check, "a refused put has changed the object")),
            Err(Error::NotFound { .. }) => Err(self.unfit(
                PreflightCheck::ReadAfterWrite,
                "an object just written is not there",
            )),
            Err(error) => Err(error),
        }
    }

    async fn listed(&self) -> Result<(), Error> {
        let listed = self.store.list(&format!("{}/", self.folder)).await?;
        let keys: Vec<_> = listed.iter().map(|object| object.key.as_str()).collect();
        if keys != [self.key("parts"), self.key("put")] {
            let message = format!("two objects were written and {} are listed", keys.len());
            return Err(self.unfit(PreflightCheck::ReadAfterWrite, message));
        }
        Ok(())
    }

    /// A body with another's checksum is refused and not kept.
    async fn checksum(&self) -> Result<(), Error> {
        let key = self.key("checksum");
        let body = Body::Bytes(Bytes::from_static(b"these bytes"));
        let wrong = Sha256::of(b"other bytes");
        match self
            .store
            .put_if_absent(&key, &body, wrong, &ignore_progress)
            .await
        {
            Err(Error::DigestMismatch { .. }) => {}
            // In a word that we do not know; right checksums were accepted before.
            Err(Error::Unavailable {
                outlook: Outlook::Refused,
                ..
            }) => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let message = "the store ignores checksums: a body that differs from its SHA-256 was accepted";
                return Err(self.unfit(PreflightCheck::Checksum, message));
            }
        }
        match self.store.head(&key).await {
            Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => {
                let message = "a body that differs from its SHA-256 checksum was refused but kept";
                Err(self.unfit(PreflightCheck::Checksum, message))
            }
        }
    }
}

/// What the store refuses by this answer to a conditional put with a checksum, and the check that it
/// fails by that.
fn refused_property(check: PreflightCheck, answer: &str) -> (PreflightCheck, &'static str) {
    if answer.to_ascii_lowercase().contains("checksum") {
        return (PreflightCheck::Checksum, "SHA-256 checksums");
    }
    let what = match check {
        PreflightCheck::ConditionalMultipart => "conditional puts in parts",
        _ => "conditional puts",
    };
    (check, what)
}
