//! Lists the Jobs and pods of an owner. It reads from the API server and not from a cache: what is decided from this list
//! starts and counts expensive work.

use crate::context::Context;
use crate::error::Error;
use crate::job::outcome::{ObservedJob, phase};
use crate::owner::Owner;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use searchop_crds::labels::{self, Component};
use searchop_crds::names;

/// The Jobs of an owner, and what is left of them.
#[derive(Clone, Debug, Default)]
pub struct ObservedJobs {
    /// Jobs that generate or train, in the order of their numbers.
    pub work: Vec<ObservedJob>,
    /// Jobs that purge, in the order of their numbers.
    pub purge: Vec<ObservedJob>,
    /// Greatest number of a work Job of this name, whoever owns it.
    pub greatest_work: i32,
    /// Greatest number of a purge Job of this name, whoever owns it.
    pub greatest_purge: i32,
    /// Number of pods of work Jobs that have not ended.
    pub live_work_pods: usize,
}

impl ObservedJobs {
    /// The Job of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Job> {
        self.work
            .iter()
            .chain(&self.purge)
            .map(|observed| &observed.job)
            .find(|job| job.metadata.name.as_deref() == Some(name))
    }
}

impl ObservedJobs {
    /// Names of the work Jobs that are older than the newest one.
    #[must_use]
    pub fn superseded(&self) -> Vec<String> {
        let older = self.work.len().saturating_sub(1);
        self.work[..older]
            .iter()
            .filter(|job| !job.is_deleting())
            .map(|job| job.name().to_owned())
            .collect()
    }
}

/// Lists the owner's Jobs of the component `work` and of its purges.
///
/// # Errors
/// The API server refuses.
pub async fn jobs(
    context: &Context,
    owner: &Owner,
    work: Component,
) -> Result<ObservedJobs, Error> {
    let selector = format!(
        "{}={},{}={},{} in ({},{})",
        labels::MANAGED_BY,
        labels::OPERATOR,
        labels::INSTANCE,
        owner.name,
        labels::COMPONENT,
        work.as_str(),
        Component::Purge.as_str(),
    );
    let parameters = ListParams::default().labels(&selector);
    let listing = Api::<Job>::namespaced(context.client.clone(), &owner.namespace);
    let jobs = listing
        .list(&parameters)
        .await
        .map_err(|source| Error::List {
            kind: "Job",
            source,
        })?
        .items;
    let listing = Api::<Pod>::namespaced(context.client.clone(), &owner.namespace);
    let pods = listing
        .list(&parameters)
        .await
        .map_err(|source| Error::List {
            kind: "Pod",
            source,
        })?
        .items;
    Ok(gather(owner, work, &jobs, &pods))
}

/// Sorts listed objects by what they are to the owner. Pure.
#[must_use]
pub fn gather(owner: &Owner, work: Component, jobs: &[Job], pods: &[Pod]) -> ObservedJobs {
    let of = |component: Component| {
        let numbered = || {
            jobs.iter().filter_map(move |job| {
                let number = names::job_attempt(&job.name_any(), &owner.name, component)?;
                Some((job, number))
            })
        };
        let greatest = numbered().map(|(_, number)| number).max().unwrap_or(0);
        let mut own: Vec<_> = numbered()
            .filter(|(job, _)| owner.owns(&job.metadata))
            .map(|(job, attempt)| ObservedJob {
                job: job.clone(),
                attempt,
                phase: phase(job, newest_pod(job, pods)),
            })
            .collect();
        own.sort_by_key(|job| job.attempt);
        (own, greatest)
    };
    let (work_jobs, greatest_work) = of(work);
    let (purge, greatest_purge) = of(Component::Purge);
    let live_work_pods = pods
        .iter()
        .filter(|pod| {
            pod.labels().get(labels::COMPONENT).map(String::as_str) == Some(work.as_str())
        })
        .filter(|pod| !has_ended(pod))
        .count();
    ObservedJobs {
        work: work_jobs,
        purge,
        greatest_work,
        greatest_purge,
        live_work_pods,
    }
}

fn newest_pod<'a>(job: &Job, pods: &'a [Pod]) -> Option<&'a Pod> {
    let uid = job.metadata.uid.as_deref()?;
    pods.iter()
        .filter(|pod| {
            pod.owner_references()
                .iter()
                .any(|reference| reference.uid == uid)
        })
        .max_by_key(|pod| pod.creation_timestamp().map(|time| time.0))
}

fn has_ended(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether the namespace is being deleted. A namespace that may not be looked at counts as one that stays.
///
/// # Errors
/// The API server cannot be reached.
pub async fn is_terminating(context: &Context, namespace: &str) -> Result<bool, Error> {
    match Api::<Namespace>::all(context.client.clone())
        .get_opt(namespace)
        .await
    {
        Ok(Some(found)) => Ok(found.metadata.deletion_timestamp.is_some()),
        Ok(None) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(false),
        Err(source) => Err(Error::Read {
            kind: "Namespace",
            name: namespace.to_owned(),
            source,
        }),
    }
}
