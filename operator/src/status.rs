//! Writes the status of an object, and its finalizer: one write, and only when something differs.
//!
//! Both carry the resource version that the decision was made from. If the object has changed since, the server refuses and
//! the next reconcile decides anew.

use crate::context::Context;
use crate::error::Error;
use crate::events;
use crate::metrics::Verb;
use crate::owner::Owner;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::runtime::events::EventType;
use kube::{Api, Resource, ResourceExt};
use searchop_crds::{DemoDatasetStatus, RankingModelStatus, TrainingRunStatus, labels};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;

/// A status with conditions.
pub trait Status: PartialEq + Serialize {
    /// The conditions.
    fn conditions(&self) -> &[Condition];
}

impl Status for DemoDatasetStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

impl Status for TrainingRunStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

impl Status for RankingModelStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

/// A custom resource of ours.
pub trait Custom:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned
{
}

impl<K> Custom for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
{
}

/// Writes the computed status if it differs from the one that `object` was read with, and then tells the transitions of its
/// conditions as Events; `classify` gives a reason's weight, or `None` for reasons that are not worth an Event.
/// Returns the object after the write, or `None` when nothing was written.
///
/// # Errors
/// The object has changed since it was read, or the API server refuses.
pub async fn write<K: Custom, S: Status>(
    context: &Context,
    owner: &Owner,
    object: &K,
    before: &S,
    after: &S,
    classify: fn(&str) -> Option<EventType>,
) -> Result<Option<K>, Error> {
    if before == after {
        return Ok(None);
    }
    let body = json!({
        "apiVersion": K::api_version(&()),
        "kind": owner.kind,
        "metadata": {
            "name": owner.name,
            "uid": owner.uid,
            "resourceVersion": object.resource_version(),
        },
        "status": after,
    });
    let api = Api::<K>::namespaced(context.client.clone(), &owner.namespace);
    let parameters = PatchParams::apply(labels::STATUS_MANAGER).force();
    let written = api
        .patch_status(&owner.name, &parameters, &Patch::Apply(&body))
        .await
        .map_err(|source| Error::Status {
            kind: owner.kind,
            name: owner.name.clone(),
            source,
        })?;
    context.metrics.wrote(owner.kind, Verb::Status);
    for happening in events::transitions(before.conditions(), after.conditions(), classify) {
        tracing::info!(
            owner = owner.key(),
            reason = happening.reason,
            note = happening.note,
            "transition"
        );
        context
            .events
            .tell(&owner.reference, None, &happening)
            .await;
    }
    Ok(Some(written))
}

/// Whether the object carries our finalizer.
#[must_use]
pub fn has_finalizer<K: Resource>(object: &K) -> bool {
    object
        .meta()
        .finalizers
        .iter()
        .flatten()
        .any(|finalizer| finalizer == labels::FINALIZER)
}

/// Adds our finalizer, or removes it, if that changes anything. Returns the object after the write, or `None` when nothing
/// was written.
///
/// # Errors
/// The object has changed since it was read, or the API server refuses.
pub async fn set_finalizer<K: Custom>(
    context: &Context,
    owner: &Owner,
    object: &K,
    wanted: bool,
) -> Result<Option<K>, Error> {
    if has_finalizer(object) == wanted {
        return Ok(None);
    }
    let mut finalizers = object.meta().finalizers.clone().unwrap_or_default();
    finalizers.retain(|finalizer| finalizer != labels::FINALIZER);
    if wanted {
        finalizers.push(labels::FINALIZER.to_owned());
    }
    let body = json!({
        "metadata": {"resourceVersion": object.resource_version(), "uid": owner.uid, "finalizers": finalizers},
    });
    let api = Api::<K>::namespaced(context.client.clone(), &owner.namespace);
    let parameters = PatchParams {
        field_manager: Some(labels::FINALIZER_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let written = api
        .patch(&owner.name, &parameters, &Patch::Merge(&body))
        .await
        .map_err(|source| Error::Finalizer {
            kind: owner.kind,
            name: owner.name.clone(),
            source,
        })?;
    context.metrics.wrote(owner.kind, Verb::Finalizer);
    Ok(Some(written))
}
