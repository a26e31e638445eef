//! What the operator is told at its start: flags, each with an environment variable. Nothing here changes while it runs,
//! and nothing here is secret: the operator has no credentials for the store.

use clap::Parser;
use std::collections::BTreeSet;
use std::time::Duration;

/// Flags of the operator.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "searchop-operator",
    version,
    about = "Kubernetes operator for search ranking models"
)]
pub struct Settings {
    /// Image of the Jobs.
    #[arg(long, env = "SEARCHOP_TRAINER_IMAGE")]
    pub trainer_image: String,

    /// Image of the ranking servers.
    #[arg(long, env = "SEARCHOP_SERVER_IMAGE")]
    pub server_image: String,

    /// Store of objects that name none, as `s3://BUCKET/PREFIX`.
    #[arg(long, env = "SEARCHOP_DEFAULT_STORE")]
    pub default_store: Option<String>,

    /// URL of the S3-compatible service of objects that name none. None means AWS.
    #[arg(long, env = "SEARCHOP_DEFAULT_S3_ENDPOINT")]
    pub default_s3_endpoint: Option<String>,

    /// Region of objects that name none.
    #[arg(long, env = "SEARCHOP_DEFAULT_S3_REGION")]
    pub default_s3_region: Option<String>,

    /// Whether the bucket is named in the path, for objects that do not say.
    #[arg(long, env = "SEARCHOP_DEFAULT_S3_PATH_STYLE", default_value_t = false, action = clap::ArgAction::Set)]
    pub default_s3_path_style: bool,

    /// Secret, in each object's namespace, with the store's credentials.
    #[arg(
        long,
        env = "SEARCHOP_DEFAULT_CREDENTIALS_SECRET",
        conflicts_with = "default_service_account"
    )]
    pub default_credentials_secret: Option<String>,

    /// ServiceAccount with workload identity, in each object's namespace, instead of a Secret.
    #[arg(long, env = "SEARCHOP_DEFAULT_SERVICE_ACCOUNT")]
    pub default_service_account: Option<String>,

    /// Seconds after which a leader that no longer renews its lease is replaced.
    #[arg(long, env = "SEARCHOP_LEASE_DURATION_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u16).range(3..=300))]
    pub lease_duration_seconds: u16,

    /// Most objects of one kind that are reconciled at the same time.
    #[arg(long, env = "SEARCHOP_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,

    /// Namespaces to watch, separated by commas. Default: all.
    #[arg(long, env = "SEARCHOP_WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,

    /// Port of the probes and metrics.
    #[arg(long, env = "SEARCHOP_ADMIN_PORT", default_value_t = 8081)]
    pub admin_port: u16,

    /// Name of the operator's pod: who it is in the lease.
    #[arg(long, env = "POD_NAME")]
    pub pod_name: String,

    /// Namespace of the operator's pod: where the lease is.
    #[arg(long, env = "POD_NAMESPACE")]
    pub pod_namespace: String,
}

impl Settings {
    /// Time after which a lease that is not renewed is over.
    #[must_use]
    pub fn lease_duration(&self) -> Duration {
        Duration::from_secs(u64::from(self.lease_duration_seconds))
    }

    /// Namespaces to watch: `None` is all of them.
    #[must_use]
    pub fn scopes(&self) -> Vec<Option<String>> {
        // Each once, however often it is given: two controllers of one namespace would work against each other.
        let named: BTreeSet<_> = self
            .watch_namespaces
            .iter()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty())
            .collect();
        let named: Vec<_> = named
            .into_iter()
            .map(|name| Some(name.to_owned()))
            .collect();
        if named.is_empty() { vec![None] } else { named }
    }

    /// Settings for tests: a store with a Secret.
    #[must_use]
    pub fn example() -> Self {
        Self::parse_from([
            "searchop-operator",
            "--trainer-image=searchop/trainer:test",
            "--server-image=searchop/server:test",
            "--default-store=s3://searchop/artifacts",
            "--default-s3-endpoint=http://store.searchop-storage:9000",
            "--default-s3-region=us-east-1",
            "--default-s3-path-style=true",
            "--default-credentials-secret=searchop-storage",
            "--pod-name=operator-0",
            "--pod-namespace=searchop-system",
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_namespace_means_every_namespace() {
        let mut settings = Settings::example();
        assert_eq!(settings.scopes(), [None]);
        settings.watch_namespaces = vec![String::new(), " demo ".to_owned()];
        assert_eq!(settings.scopes(), [Some("demo".to_owned())]);
        settings.watch_namespaces = ["shop", "demo", "shop"].map(str::to_owned).to_vec();
        let each_once = ["demo", "shop"].map(|name| Some(name.to_owned()));
        assert_eq!(settings.scopes(), each_once);
    }
}
