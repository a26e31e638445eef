//! What every reconciler is handed. It holds clients and settings, and decides nothing.

use crate::events::Events;
use crate::fence::{FenceLayer, Gate};
use crate::metrics::SharedMetrics;
use crate::pod_http::PodHttp;
use crate::requeue::ErrorCounts;
use crate::settings::Settings;
use k8s_openapi::NamespaceResourceScope;
use kube::client::ClientBuilder;
use kube::{Api, Client, Config, Resource};

/// The operator's surroundings, shared by all reconcilers.
pub struct Context {
    /// The API server; writes pass only while this process leads.
    pub client: Client,
    /// The operator's flags.
    pub settings: Settings,
    /// What is counted.
    pub metrics: SharedMetrics,
    /// Where Events go.
    pub events: Events,
    /// Plain HTTP to pods: progress of Jobs, tracks of servers.
    pub pods: PodHttp,
    /// Errors in a row, by object.
    pub errors: ErrorCounts,
}

impl Context {
    /// A context over a client whose writes are already guarded.
    #[must_use]
    pub fn new(client: Client, settings: Settings, metrics: SharedMetrics) -> Self {
        let events = Events::new(client.clone(), &settings.pod_name);
        Self {
            client,
            settings,
            metrics,
            events,
            pods: PodHttp::default(),
            errors: ErrorCounts::default(),
        }
    }
}

impl Context {
    /// Access to the objects of a kind in everything that is watched: one for each namespace, or one for all.
    #[must_use]
    pub fn scoped<K>(&self) -> Vec<Api<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        self.settings
            .scopes()
            .iter()
            .map(|scope| crate::controllers::api(&self.client, scope.as_deref()))
            .collect()
    }
}

/// A client whose writes pass only while `gate` is open. It tries nothing again by itself: a second try would lie behind the
/// fence, and pass it after the gate has closed. The next reconcile tries again.
///
/// # Errors
/// The configuration's certificates cannot be used.
pub fn fenced_client(config: Config, gate: Gate) -> Result<Client, kube::Error> {
    Ok(ClientBuilder::try_from(without_retries(config))?
        .with_layer(&FenceLayer(gate))
        .build())
}

fn without_retries(mut config: Config) -> Config {
    config.default_retry = false;
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fenced_client_tries_nothing_again_behind_the_fence() {
        let uri = "http://127.0.0.1:1".parse().expect("a URI");
        assert!(!without_retries(Config::new(uri)).default_retry);
    }
}
