//! Where a pod finds the store: an object's `storage` section filled up from the operator's defaults. Pure; it reads no Secret.

use crate::settings::Settings;
use k8s_openapi::api::core::v1::{EnvVar, SecretVolumeSource, Volume, VolumeMount};
use searchop_crds::{StorageSpec, StoreAccess};

/// Name of the volume with the store's credentials.
const VOLUME: &str = "storage-credentials";
/// Where the credentials are mounted.
const DIRECTORY: &str = "/var/run/secrets/searchop/storage";

/// Neither the object nor the operator's configuration names a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no store: set spec.storage.uri, or SEARCHOP_DEFAULT_STORE of the operator")]
pub struct StorageNotConfigured;

/// Who a pod is to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Keys from a Secret of the pod's namespace, mounted as files.
    Secret(String),
    /// A ServiceAccount with workload identity.
    ServiceAccount(String),
    /// Whatever the pod finds by itself.
    Ambient,
}

/// A store as pods are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// `s3://BUCKET/PREFIX`.
    pub uri: String,
    /// URL of the service; `None` is AWS.
    pub endpoint: Option<String>,
    /// Region that requests are signed for.
    pub region: Option<String>,
    /// Whether the bucket is named in the path.
    pub path_style: bool,
    /// Who the pod is.
    pub identity: Identity,
}

/// The store of an object: its own section, and the operator's defaults for what that leaves out.
///
/// # Errors
/// Neither names a store.
pub fn resolve(
    spec: Option<&StorageSpec>,
    settings: &Settings,
) -> Result<Storage, StorageNotConfigured> {
    let none = StorageSpec::default();
    let spec = spec.unwrap_or(&none);
    let access = &spec.access;
    let given = |own: &Option<String>, default: &Option<String>| {
        own.clone()
            .or_else(|| default.clone())
            .filter(|text| !text.is_empty())
    };
    Ok(Storage {
        uri: given(&spec.uri, &settings.default_store).ok_or(StorageNotConfigured)?,
        endpoint: given(&access.endpoint, &settings.default_s3_endpoint),
        region: given(&access.region, &settings.default_s3_region),
        path_style: access.path_style.unwrap_or(settings.default_s3_path_style),
        identity: identity(access, settings),
    })
}

fn identity(access: &StoreAccess, settings: &Settings) -> Identity {
    let (secret, account) = match &access.credentials {
        Some(own) => (&own.secret_name, &own.service_account_name),
        None => (
            &settings.default_credentials_secret,
            &settings.default_service_account,
        ),
    };
    match (secret, account) {
        (Some(secret), _) if !secret.is_empty() => Identity::Secret(secret.clone()),
        (_, Some(account)) if !account.is_empty() => Identity::ServiceAccount(account.clone()),
        _ => Identity::Ambient,
    }
}

impl Storage {
    /// Environment of a container that uses the store. It holds no secret.
    #[must_use]
    pub fn environment(&self) -> Vec<EnvVar> {
        let directory = matches!(self.identity, Identity::Secret(_)).then(|| DIRECTORY.to_owned());
        [
            ("SEARCHOP_STORE", Some(self.uri.clone())),
            ("SEARCHOP_S3_ENDPOINT", self.endpoint.clone()),
            ("SEARCHOP_S3_REGION", self.region.clone()),
            ("SEARCHOP_S3_PATH_STYLE", Some(self.path_style.to_string())),
            ("SEARCHOP_S3_CREDENTIALS_DIRECTORY", directory),
        ]
        .into_iter()
        .filter_map(|(name, value)| {
            Some(EnvVar {
                name: name.to_owned(),
                value: Some(value?),
                value_from: None,
            })
        })
        .collect()
    }

    /// The volume with the credentials, if there is one. A missing Secret does not keep the pod from starting: its program
    /// says what is missing, and is tried again.
    #[must_use]
    pub fn volume(&self) -> Option<Volume> {
        let Identity::Secret(secret) = &self.identity else {
            return None;
        };
        Some(Volume {
            name: VOLUME.to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(secret.clone()),
                optional: Some(true),
                default_mode: Some(0o440),
                items: None,
            }),
            ..Volume::default()
        })
    }

    /// The mount of [`Self::volume`], for the one container that uses the store.
    #[must_use]
    pub fn mount(&self) -> Option<VolumeMount> {
        matches!(self.identity, Identity::Secret(_)).then(|| VolumeMount {
            name: VOLUME.to_owned(),
            mount_path: DIRECTORY.to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        })
    }

    /// The ServiceAccount that pods which use the store must run as, if it is not one of their own.
    #[must_use]
    pub fn service_account(&self) -> Option<&str> {
        match &self.identity {
            Identity::ServiceAccount(name) => Some(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use searchop_crds::Credentials;

    #[test]
    fn the_defaults_fill_what_the_object_leaves_out() {
        let spec = StorageSpec {
            uri: Some("s3://mine/data".to_owned()),
            access: StoreAccess {
                path_style: Some(false),
                ..StoreAccess::default()
            },
        };
        let storage = resolve(Some(&spec), &Settings::example()).expect("a store");
        assert_eq!(storage.uri, "s3://mine/data");
        assert!(!storage.path_style);
        assert_eq!(storage.region.as_deref(), Some("us-east-1"));
        assert_eq!(
            storage.identity,
            Identity::Secret("searchop-storage".to_owned())
        );
    }

    #[test]
    fn no_store_anywhere_is_named() {
        let mut settings = Settings::example();
        settings.default_store = None;
        assert_eq!(resolve(None, &settings), Err(StorageNotConfigured));
        settings.default_store = Some(String::new());
        assert_eq!(resolve(None, &settings), Err(StorageNotConfigured));
    }

    #[test]
    fn workload_identity_mounts_no_secret() {
        let spec = StorageSpec {
            uri: None,
            access: StoreAccess {
                credentials: Some(Credentials {
                    secret_name: None,
                    service_account_name: Some("trainer".to_owned()),
                }),
                ..StoreAccess::default()
            },
        };
        let storage = resolve(Some(&spec), &Settings::example()).expect("a store");
        assert_eq!(storage.service_account(), Some("trainer"));
        assert_eq!((storage.volume(), storage.mount()), (None, None));
        assert!(
            storage
                .environment()
                .iter()
                .all(|variable| variable.name != "SEARCHOP_S3_CREDENTIALS_DIRECTORY")
        );
    }

    #[test]
    fn a_secret_is_mounted_and_may_be_missing() {
        let storage = resolve(None, &Settings::example()).expect("a store");
        let secret = storage
            .volume()
            .and_then(|volume| volume.secret)
            .expect("a Secret");
        assert_eq!(secret.optional, Some(true));
        assert_eq!(storage.service_account(), None);
    }
}
