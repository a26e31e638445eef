//! The three kinds as stories and demo use them: apply, wait for a condition, read.

use crate::cluster::Cluster;
use crate::namespace::MANAGER;
use crate::wait::{Look, until};
use anyhow::{Context, Result, anyhow};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, Patch, PatchParams};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::{Resource, ResourceExt};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::time::Duration;

/// A kind with conditions.
pub trait Conditioned {
    /// The conditions of its status.
    fn conditions(&self) -> &[Condition];
}

macro_rules! conditioned {
    ($($kind:ty),+) => {$(
        impl Conditioned for $kind {
            fn conditions(&self) -> &[Condition] {
                self.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
            }
        }
    )+};
}
conditioned!(DemoDataset, TrainingRun, RankingModel);

/// What the stories do with a kind.
pub trait Kind:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + Conditioned
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}
impl Kind for DemoDataset {}
impl Kind for TrainingRun {}
impl Kind for RankingModel {}

/// The kind's API in a namespace.
#[must_use]
pub fn api<K: Kind>(cluster: &Cluster, namespace: &str) -> Api<K> {
    Api::namespaced(cluster.client.clone(), namespace)
}

/// Applies an object with the given spec, as `kubectl apply --server-side` would.
///
/// # Errors
/// When the API server refuses it.
pub async fn apply<K: Kind>(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    spec: Value,
) -> Result<K> {
    let object = json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": name}, "spec": spec});
    let applied = api::<K>(cluster, namespace)
        .patch(
            name,
            &PatchParams::apply(MANAGER).force(),
            &Patch::Apply(&object),
        )
        .await;
    applied.with_context(|| format!("apply {} {name}", K::kind(&())))
}

/// Waits until a condition has the status, for the object's newest generation.
///
/// # Errors
/// When it does not within `bound`; the error shows all conditions.
pub async fn condition<K: Kind>(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    type_: &str,
    status: &str,
    bound: Duration,
) -> Result<K> {
    let what = format!("{} {name} is {type_}={status}", K::kind(&()));
    until(&what, bound, || async {
        let object = api::<K>(cluster, namespace).get(name).await?;
        let found =
            current_condition(&object, type_).is_some_and(|condition| condition.status == status);
        Ok(if found {
            Look::Found(object)
        } else {
            Look::NotYet(summary(object.conditions()))
        })
    })
    .await
}

/// Waits until a condition has the reason, for the object's newest generation.
///
/// # Errors
/// When it does not within `bound`; the error shows all conditions.
pub async fn reason<K: Kind>(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    type_: &str,
    reason: &str,
    bound: Duration,
) -> Result<K> {
    let what = format!("{} {name} has {type_} because of {reason}", K::kind(&()));
    until(&what, bound, || async {
        let object = api::<K>(cluster, namespace).get(name).await?;
        let found =
            current_condition(&object, type_).is_some_and(|condition| condition.reason == reason);
        Ok(if found {
            Look::Found(object)
        } else {
            Look::NotYet(summary(object.conditions()))
        })
    })
    .await
}

/// The condition, if it is about the object's newest generation.
pub fn current_condition<'a, K: Kind>(object: &'a K, type_: &str) -> Option<&'a Condition> {
    let found = object
        .conditions()
        .iter()
        .find(|condition| condition.type_ == type_)?;
    (found.observed_generation == object.meta().generation).then_some(found)
}

/// Conditions in one line.
#[must_use]
pub fn summary(conditions: &[Condition]) -> String {
    let lines: Vec<_> = conditions
        .iter()
        .map(|condition| {
            format!(
                "{}={} {} ({}; generation {:?})",
                condition.type_,
                condition.status,
                condition.reason,
                condition.message,
                condition.observed_generation
            )
        })
        .collect();
    if lines.is_empty() {
        "no conditions".to_owned()
    } else {
        lines.join("; ")
    }
}

/// Applies every document of a YAML file into a namespace, whatever namespace it names, and returns kind and name of each.
///
/// # Errors
/// When a document is not a Kubernetes object, or the API server refuses it.
pub async fn apply_yaml(
    cluster: &Cluster,
    namespace: &str,
    text: &str,
) -> Result<Vec<(String, String)>> {
    let mut applied = Vec::new();
    for mut object in documents(text)? {
        object.metadata.namespace = Some(namespace.to_owned());
        let types = object
            .types
            .clone()
            .ok_or_else(|| anyhow!("a document has no kind"))?;
        let kind = kube::core::GroupVersionKind::try_from(&types)?;
        let (resource, _) = kube::discovery::pinned_kind(&cluster.client, &kind).await?;
        let api: Api<DynamicObject> =
            Api::namespaced_with(cluster.client.clone(), namespace, &resource as &ApiResource);
        let name = object.name_any();
        api.patch(
            &name,
            &PatchParams::apply(MANAGER).force(),
            &Patch::Apply(&object),
        )
        .await
        .with_context(|| format!("apply {} {name}", types.kind))?;
        applied.push((types.kind, name));
    }
    Ok(applied)
}

/// The documents of a YAML text.
///
/// # Errors
/// When one is not a Kubernetes object.
pub fn documents(text: &str) -> Result<Vec<DynamicObject>> {
    use serde::Deserialize;
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Ok(serde_json::from_value(Value::deserialize(document)?)?))
        .collect()
}
