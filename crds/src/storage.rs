//! Where artifacts are kept: the `storage` section that each kind has.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Where artifacts are kept. Every field that is left out comes from the operator's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageSpec {
    /// The store as `s3://BUCKET` or `s3://BUCKET/PREFIX`. The bucket must exist. Default: the operator's store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*$"),
        length(max = 512)
    )]
    pub uri: Option<String>,

    /// How it is reached.
    #[serde(flatten)]
    pub access: StoreAccess,
}

/// How a store is reached. Every field that is left out comes from the operator's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreAccess {
    /// URL of an S3-compatible service, such as `http://minio.storage:9000`. Default: the operator's endpoint; none means AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$"),
        length(max = 256)
    )]
    pub endpoint: Option<String>,

    /// Region that requests are signed for, such as `eu-central-1`. Default: the operator's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z0-9-]{1,64}$"))]
    pub region: Option<String>,

    /// Whether the bucket is named in the path rather than in the host. Most S3-compatible services need `true`. Default: the
    /// operator's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,

    /// Who the pods are to the store. Default: the operator's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

/// Who the pods are to the store: exactly one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.secretName) != has(self.serviceAccountName)")
    .message("storage.credentials needs exactly one of secretName and serviceAccountName"))]
pub struct Credentials {
    /// Name of a Secret in the same namespace with the keys `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, where needed,
    /// `AWS_SESSION_TOKEN`. It is mounted as files and read anew at each use, so that a rotated key needs no edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"))]
    pub secret_name: Option<String>,

    /// Name of a ServiceAccount in the same namespace that has workload identity (IAM roles for service accounts or EKS Pod
    /// Identity). The pods that touch the store run as it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"))]
    pub service_account_name: Option<String>,
}
