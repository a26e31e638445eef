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
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::runtime::events::EventType;
use kube::{Api, Resource, ResourceExt};
use searchop_crds::{
    DemoDatasetStatus, JobStatus, RankingModelStatus, TrainingRunStatus, condition, labels, names,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;

/// A status with conditions.
pub trait Status: Clone + PartialEq + Serialize {
    /// The condition types that are ours. Others may stand beside them, and are neither written nor looked at.
    const OWN: &'static [&'static str];

    /// The conditions.
    fn conditions(&self) -> &[Condition];

    /// The generation that the status is about.
    fn observed_generation(&self) -> Option<i64>;

    /// The same with other conditions, about this generation.
    #[must_use]
    fn with_conditions(&self, generation: Option<i64>, conditions: Vec<Condition>) -> Self;

    /// The object that happenings are also about.
    fn related(&self, owner: &Owner) -> Option<ObjectReference>;

    /// The status without conditions of others.
    #[must_use]
    fn own(&self) -> Self {
        let is_own = |condition: &&Condition| Self::OWN.contains(&condition.type_.as_str());
        let own = self.conditions().iter().filter(is_own).cloned().collect();
        self.with_conditions(self.observed_generation(), own)
    }
}

macro_rules! status {
    ($status:ty, $own:expr, $related:path) => {
        impl Status for $status {
            const OWN: &'static [&'static str] = $own;

            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }

            fn observed_generation(&self) -> Option<i64> {
                self.observed_generation
            }

            fn with_conditions(&self, generation: Option<i64>, conditions: Vec<Condition>) -> Self {
                Self {
                    observed_generation: generation,
                    conditions,
                    ..self.clone()
                }
            }

            fn related(&self, owner: &Owner) -> Option<ObjectReference> {
                $related(self, owner)
            }
        }
    };
}

status!(DemoDatasetStatus, condition::OF_JOBS, job_of_dataset);
status!(TrainingRunStatus, condition::OF_JOBS, job_of_run);
status!(
    RankingModelStatus,
    condition::OF_RANKING_MODELS,
    deployment_of_model
);

fn job_of_dataset(status: &DemoDatasetStatus, owner: &Owner) -> Option<ObjectReference> {
    Some(job_of(status.job.as_ref()?, owner))
}

fn job_of_run(status: &TrainingRunStatus, owner: &Owner) -> Option<ObjectReference> {
    Some(job_of(status.job.as_ref()?, owner))
}

fn job_of(job: &JobStatus, owner: &Owner) -> ObjectReference {
    child(owner, "batch/v1", "Job", job.name.clone())
}

fn deployment_of_model(status: &RankingModelStatus, owner: &Owner) -> Option<ObjectReference> {
    status.stable.as_ref().or(status.candidate.as_ref())?;
    let name = names::serving(&owner.name);
    Some(child(owner, "apps/v1", "Deployment", name))
}

fn child(owner: &Owner, api_version: &str, kind: &str, name: String) -> ObjectReference {
    ObjectReference {
        api_version: Some(api_version.to_owned()),
        kind: Some(kind.to_owned()),
        namespace: Some(owner.namespace.clone()),
        name: Some(name),
        ..ObjectReference::default()
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
    let (before, after) = (before.own(), after.own());
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
        let related = after.related(owner);
        context
            .events
            .tell(&owner.reference, related, &happening)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(foreign: &str) -> DemoDatasetStatus {
        let of = |type_: &str, message: &str| json!({"type": type_, "status": "True", "reason": "R", "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let conditions = json!([of("Audited", foreign), of("Complete", "")]);
        serde_json::from_value(json!({"observedGeneration": 3, "conditions": conditions}))
            .expect("a status")
    }

    #[test]
    fn a_condition_of_somebody_else_is_neither_compared_nor_written() {
        assert_eq!(status("one").own(), status("two").own());
        let own = status("one").own();
        assert_eq!(own.observed_generation, Some(3));
        assert_eq!(own.conditions.len(), 1);
        assert_eq!(own.conditions[0].type_, "Complete");
    }

    #[test]
    fn happenings_are_also_about_the_job() {
        let object: searchop_crds::DemoDataset = serde_json::from_value(json!({
            "apiVersion": "searchop.dev/v1alpha1", "kind": "DemoDataset", "spec": {},
            "metadata": {"name": "shop", "namespace": "demo", "uid": "u"},
        }))
        .expect("a DemoDataset");
        let owner = Owner::of(&object, "DemoDataset").expect("it is stored");
        let with_job = DemoDatasetStatus {
            job: Some(JobStatus {
                name: "shop-generate-1".to_owned(),
                ..JobStatus::default()
            }),
            ..status("")
        };
        let related = with_job.related(&owner).expect("the Job");
        assert_eq!(
            (related.kind.as_deref(), related.name.as_deref()),
            (Some("Job"), Some("shop-generate-1"))
        );
        assert_eq!(status("").related(&owner), None);
    }
}
