//! The operator's writes, as the API server tells whoever watches.

use crate::cluster::Cluster;
use futures::stream::{BoxStream, select_all};
use futures::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Resource};
use searchop_crds::labels::{APPLIED, MANAGER, STATUS_MANAGER};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::ready;

/// Every state of every object of a namespace that the operator writes into, as it comes about. Deletions are left out, and a
/// watch that breaks is begun again.
pub fn watch(cluster: &Cluster, namespace: &str) -> impl Stream<Item = Value> + Send + use<> {
    select_all([
        states::<DemoDataset>(cluster, namespace),
        states::<TrainingRun>(cluster, namespace),
        states::<RankingModel>(cluster, namespace),
        states::<Job>(cluster, namespace),
        states::<Pod>(cluster, namespace),
        states::<Deployment>(cluster, namespace),
        states::<Service>(cluster, namespace),
        states::<ServiceAccount>(cluster, namespace),
        states::<ConfigMap>(cluster, namespace),
        states::<HorizontalPodAutoscaler>(cluster, namespace),
        states::<PodDisruptionBudget>(cluster, namespace),
        states::<NetworkPolicy>(cluster, namespace),
    ])
}

fn states<K>(cluster: &Cluster, namespace: &str) -> BoxStream<'static, Value>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + 'static,
{
    let api: Api<K> = Api::namespaced(cluster.client.clone(), namespace);
    watcher(api, Config::default())
        .default_backoff()
        .filter_map(|event| {
            ready(match event {
                Ok(Event::Apply(object) | Event::InitApply(object)) => Some(with_type(&object)),
                _ => None,
            })
        })
        .boxed()
}

/// The object with its kind, which the members of a list come without.
fn with_type<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Value {
    let mut value = json!(object);
    value["kind"] = K::kind(&()).into();
    value["apiVersion"] = K::api_version(&()).into();
    value
}

/// What the operator has written into which object, so that what is new is found.
#[derive(Debug, Default)]
pub struct Ledger {
    seen: BTreeMap<(String, String), String>,
}

impl Ledger {
    /// What the operator wrote into the object since it was last noted: kind, name, and the field manager that wrote.
    pub fn note(&mut self, object: &Value) -> Vec<String> {
        let kind = object["kind"].as_str().unwrap_or_default();
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let entries = object["metadata"]["managedFields"].as_array();
        let mut new = Vec::new();
        for entry in entries.into_iter().flatten() {
            let manager = entry["manager"].as_str().unwrap_or_default();
            if !manager.starts_with(MANAGER) {
                continue;
            }
            // The time has whole seconds; within one, what was written tells.
            let content = if manager == STATUS_MANAGER {
                object["status"].to_string()
            } else {
                format!(
                    "{}{}",
                    object["metadata"]["annotations"][APPLIED], object["data"]
                )
            };
            let place = (
                format!("{kind}/{name}"),
                format!("{manager} {} {}", entry["operation"], entry["subresource"]),
            );
            let written = format!("{entry}{content}");
            if self.seen.get(&place) != Some(&written) {
                new.push(format!("{kind}/{name} by {manager}"));
                self.seen.insert(place, written);
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(manager: &str, percent: u32) -> Value {
        json!({
            "kind": "TrainingRun",
            "metadata": {"name": "run", "managedFields": [{"manager": manager, "time": "2026-01-01T00:00:00Z"}]},
            "status": {"progress": {"percent": percent}},
        })
    }

    #[test]
    fn what_the_operator_wrote_is_new_once() {
        let mut ledger = Ledger::default();
        let written = ["TrainingRun/run by searchop-operator/status"];
        assert_eq!(ledger.note(&run(STATUS_MANAGER, 10)), written);
        assert!(ledger.note(&run(STATUS_MANAGER, 10)).is_empty());
        assert_eq!(
            ledger.note(&run(STATUS_MANAGER, 20)),
            written,
            "a write within the same second"
        );
    }

    #[test]
    fn what_others_write_is_not_the_operators() {
        let mut ledger = Ledger::default();
        assert!(ledger.note(&run("kubectl", 10)).is_empty());
        ledger.note(&run(MANAGER, 10));
        assert!(
            ledger.note(&run(MANAGER, 20)).is_empty(),
            "the status is another manager's"
        );
    }
}
