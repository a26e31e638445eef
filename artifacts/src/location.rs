//! Where a store is and how it is reached: parsed from text and from environment variables.
//!
//! No secret is ever held here: a location names a directory of credentials, not their values.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::digest::Sha256;
use crate::error::Error;
use crate::key::check_key;

/// The variables that a Job or an init step is configured by.
const STORE: &str = "SEARCHOP_STORE";
const ENDPOINT: &str = "SEARCHOP_S3_ENDPOINT";
const REGION: &str = "SEARCHOP_S3_REGION";
const PATH_STYLE: &str = "SEARCHOP_S3_PATH_STYLE";
const CREDENTIALS_DIRECTORY: &str = "SEARCHOP_S3_CREDENTIALS_DIRECTORY";

/// The address of a store: `s3://bucket/prefix`, `file:///absolute/path` or a plain path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUri {
    /// A bucket and the prefix of all its keys, without slashes at its ends; may be empty.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// What precedes every key, without a slash at either end.
        prefix: String,
    },
    /// A directory.
    Directory(PathBuf),
}

/// How S3 is reached. The values of credentials are no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Connection {
    /// The server's URL; none means AWS.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket stands in the path rather than in the host name.
    pub path_style: bool,
    /// A directory with the files `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and optionally
    /// `AWS_SESSION_TOKEN`, read on each use. None means AWS's default chain: environment, profile,
    /// web identity, pod identity, instance metadata.
    pub credentials_directory: Option<PathBuf>,
}

/// A store and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreLocation {
    /// The address.
    pub uri: StoreUri,
    /// Used when the address, or that of an input, is on S3.
    pub connection: S3Connection,
}

/// The address of one artifact: `<store>/artifacts/<sha256>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactUri {
    /// The store it is in.
    pub store: StoreUri,
    /// Its digest: the SHA-256 of its manifest.
    pub sha256: Sha256,
}

impl Default for S3Connection {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: "us-east-1".into(),
            path_style: false,
            credentials_directory: None,
        }
    }
}

impl S3Connection {
    /// Reads `SEARCHOP_S3_ENDPOINT`, `_REGION`, `_PATH_STYLE` and `_CREDENTIALS_DIRECTORY`.
    ///
    /// # Errors
    /// [`Error::InvalidLocation`] naming the variable.
    pub fn from_environment() -> Result<Self, Error> {
        Self::from_variables(&|name| std::env::var(name).ok())
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        // An empty variable counts as absent: manifests write optional values that way.
        let value = |name| variable(name).filter(|text| !text.is_empty());
        let default = Self::default();
        let endpoint = value(ENDPOINT)
            .map(|text| check_endpoint(&text).map(|()| text))
            .transpose()?;
        let path_style = match value(PATH_STYLE).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                return Err(Error::invalid_location(
                    PATH_STYLE,
                    format!("{other:?} is neither true nor false"),
                ));
            }
        };
        Ok(Self {
            endpoint,
            region: value(REGION).unwrap_or(default.region),
            path_style,
            credentials_directory: value(CREDENTIALS_DIRECTORY).map(PathBuf::from),
        })
    }
}

fn check_endpoint(text: &str) -> Result<(), Error> {
    let refused = |why: &str| Err(Error::invalid_location(ENDPOINT, why));
    let Some(rest) = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
    else {
        return refused("it must start with http:// or https://");
    };
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.is_empty() {
        return refused("it has no host");
    }
    // The text is not repeated: it may hold a password.
    if authority.contains('@') {
        return refused("it must not contain a user name or password");
    }
    if rest.contains(['?', '#']) || rest.contains(char::is_whitespace) {
        return refused("it must be a URL of scheme, host, port and path only");
    }
    Ok(())
}

impl StoreLocation {
    /// Reads the store's address from `SEARCHOP_STORE` and the connection from the other
    /// `SEARCHOP_S3_…` variables.
    ///
    /// # Errors
    /// [`Error::InvalidLocation`] naming the variable.
    pub fn from_environment() -> Result<Self, Error> {
        Self::from_variables(&|name| std::env::var(name).ok())
    }

    /// As [`StoreLocation::from_environment`], with the address given (a command-line flag).
    ///
    /// # Errors
    /// [`Error::InvalidLocation`] naming the variable.
    pub fn from_environment_with_uri(uri: &str) -> Result<Self, Error> {
        Ok(Self {
            uri: uri.parse()?,
            connection: S3Connection::from_environment()?,
        })
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let text = variable(STORE)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Error::invalid_location(STORE, "it is not set"))?;
        let uri = text.parse().map_err(|error| match error {
            Error::InvalidLocation { message, .. } => Error::invalid_location(STORE, message),
            other => other,
        })?;
        Ok(Self {
            uri,
            connection: S3Connection::from_variables(variable)?,
        })
    }

    /// The same connection with another store.
    #[must_use]
    pub fn with_uri(&self, uri: StoreUri) -> Self {
        Self {
            uri,
            connection: self.connection.clone(),
        }
    }
}

impl FromStr for StoreUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused =
            |why: String| Error::invalid_location("store address", format!("{text:?}: {why}"));
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = split_bucket(rest).map_err(refused)?;
            if !prefix.is_empty() {
                check_key(prefix).map_err(|error| refused(error.to_string()))?;
            }
            return Ok(Self::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        local_path(text).map(Self::Directory).map_err(refused)
    }
}

impl fmt::Display for StoreUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(formatter, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(formatter, "s3://{bucket}/{prefix}"),
            Self::Directory(path) if path.is_absolute() => {
                write!(formatter, "file://{}", path.display())
            }
            Self::Directory(path) => write!(formatter, "{}", path.display()),
        }
    }
}

impl FromStr for ArtifactUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused =
            |why: &str| Error::invalid_location("artifact address", format!("{text:?}: {why}"));
        let (store, digest) = text
            .rsplit_once("/artifacts/")
            .ok_or_else(|| refused("it must end with /artifacts/<sha256>"))?;
        let sha256 = digest
            .parse()
            .map_err(|_| refused("it must end with /artifacts/<sha256>"))?;
        Ok(Self {
            store: store.parse()?,
            sha256,
        })
    }
}

impl fmt::Display for ArtifactUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/artifacts/{}", self.store, self.sha256)
    }
}

/// Splits `bucket/rest`, checking the bucket's name by S3's rules; slashes at the end are dropped.
pub(crate) fn split_bucket(text: &str) -> Result<(&str, &str), String> {
    let (bucket, rest) = text.split_once('/').unwrap_or((text, ""));
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    if !(3..=63).contains(&bucket.len()) {
        return Err(format!(
            "the bucket name {bucket:?} must have 3 to 63 characters"
        ));
    }
    if !bucket.bytes().all(allowed)
        || bucket.starts_with(['.', '-'])
        || bucket.ends_with(['.', '-'])
    {
        return Err(format!(
            "the bucket name {bucket:?} may have lower-case letters, digits, '.' and '-' only"
        ));
    }
    Ok((bucket, rest.trim_end_matches('/')))
}

/// The path of `file:///absolute` or of a plain path; other schemes are refused.
pub(crate) fn local_path(text: &str) -> Result<PathBuf, String> {
    if let Some(path) = text.strip_prefix("file://") {
        if !path.starts_with('/') {
            return Err("file:// must be followed by an absolute path".into());
        }
        return Ok(PathBuf::from(path));
    }
    if text.contains("://") {
        return Err("only s3:// and file:// are supported".into());
    }
    if text.is_empty() {
        return Err("it is empty".into());
    }
    Ok(Path::new(text).to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<StoreLocation, Error> {
        StoreLocation::from_variables(&|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn addresses_are_read_and_written_alike() {
        for text in [
            "s3://bucket",
            "s3://bucket/some/prefix",
            "file:///data/store",
            "relative/store",
        ] {
            assert_eq!(text.parse::<StoreUri>().unwrap().to_string(), text);
        }
        assert_eq!(
            "s3://bucket/p/".parse::<StoreUri>().unwrap().to_string(),
            "s3://bucket/p"
        );
    }

    #[test]
    fn wrong_addresses_are_refused_and_named() {
        for text in [
            "",
            "s3://",
            "s3://ab",
            "s3://Bucket",
            "s3://b_b_b/x",
            "s3://bucket/../x",
            "gs://bucket",
            "file://relative",
            "s3://bucket/a//b",
        ] {
            let error = text.parse::<StoreUri>().unwrap_err();
            assert_eq!(error.reason(), "InvalidParameters");
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn the_environment_gives_a_store_with_its_connection() {
        let location = read(&[
            ("SEARCHOP_STORE", "s3://models/demo"),
            ("SEARCHOP_S3_ENDPOINT", "http://store.example:7070"),
            ("SEARCHOP_S3_PATH_STYLE", "true"),
            ("SEARCHOP_S3_REGION", ""),
            ("SEARCHOP_S3_CREDENTIALS_DIRECTORY", "/var/run/secrets/x"),
        ])
        .unwrap();
        assert_eq!(location.uri.to_string(), "s3://models/demo");
        assert_eq!(
            location.connection.endpoint.as_deref(),
            Some("http://store.example:7070")
        );
        assert_eq!(location.connection.region, "us-east-1");
        assert!(location.connection.path_style);
        assert_eq!(
            location.connection.credentials_directory,
            Some("/var/run/secrets/x".into())
        );
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let cases: [(&[(&str, &str)], &str); 5] = [
            (&[], "SEARCHOP_STORE"),
            (&[("SEARCHOP_STORE", "s3://x")], "SEARCHOP_STORE"),
            (
                &[("SEARCHOP_STORE", "/x"), ("SEARCHOP_S3_PATH_STYLE", "yes")],
                "SEARCHOP_S3_PATH_STYLE",
            ),
            (
                &[
                    ("SEARCHOP_STORE", "/x"),
                    ("SEARCHOP_S3_ENDPOINT", "store:7070"),
                ],
                "SEARCHOP_S3_ENDPOINT",
            ),
            (
                &[
                    ("SEARCHOP_STORE", "/x"),
                    ("SEARCHOP_S3_ENDPOINT", "http://"),
                ],
                "SEARCHOP_S3_ENDPOINT",
            ),
        ];
        for (variables, name) in cases {
            let message = read(variables).unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }

    #[test]
    fn a_password_in_an_endpoint_is_refused_and_not_repeated() {
        let variables = [
            ("SEARCHOP_STORE", "/x"),
            ("SEARCHOP_S3_ENDPOINT", "http://me:canary@host"),
        ];
        let error = read(&variables).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    #[test]
    fn an_artifact_address_is_a_store_and_a_digest() {
        let sha256 = Sha256::of(b"x");
        let text = format!("s3://bucket/artifacts/artifacts/{sha256}");
        let uri = text.parse::<ArtifactUri>().unwrap();
        assert_eq!(uri.store.to_string(), "s3://bucket/artifacts");
        assert_eq!(uri.sha256, sha256);
        assert_eq!(uri.to_string(), text);
        assert!("s3://bucket/prefix".parse::<ArtifactUri>().is_err());
        assert!(
            format!("s3://bucket/artifacts/{sha256}/files/x")
                .parse::<ArtifactUri>()
                .is_err()
        );
    }
}
