//! Carries out a plan: the one place where DemoDataset and TrainingRun are written.
//!
//! The order is what makes a crash between any two writes harmless: the finalizer stands before the first Job can store
//! anything, the Job is created before the status says so, and the finalizer goes last.

use crate::apply;
use crate::context::Context;
use crate::error::Error;
use crate::events::Happening;
use crate::job::findings::{self, classify};
use crate::job::observe::ObservedJobs;
use crate::owner::Owner;
use crate::requeue::Requeue;
use crate::status::{self, Custom, Status};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ObjectReference, ServiceAccount};
use k8s_openapi::jiff::Timestamp;
use searchop_crds::condition;
use searchop_crds::labels::Component;
use searchop_crds::reason::JobReason;

/// A Job to create.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The Job.
    pub job: Job,
    /// The account that it runs as, if that is ours to make.
    pub service_account: Option<ServiceAccount>,
}

/// What a reconcile has decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<S> {
    /// The status as it shall be.
    pub status: S,
    /// The Job to create.
    pub start: Option<Box<Start>>,
    /// Names of Jobs to delete.
    pub delete: Vec<String>,
    /// The object may go: what to tell.
    pub release: Option<Happening>,
    /// Whether the object's namespace takes no Events any more.
    pub is_namespace_terminating: bool,
    /// An end of a Job that is seen for the first time.
    pub ended: Option<(Component, JobReason)>,
    /// When to look again.
    pub requeue: Requeue,
}

impl<S> Plan<S> {
    /// A plan that writes at most the status.
    #[must_use]
    pub fn holding(status: S, requeue: Requeue) -> Self {
        Self {
            status,
            start: None,
            delete: Vec::new(),
            release: None,
            is_namespace_terminating: false,
            ended: None,
            requeue,
        }
    }
}

/// Carries out `plan` for `object`, whose status is `before`.
///
/// # Errors
/// The API server refuses, or something has changed since it was observed: the next reconcile decides anew.
pub async fn execute<K: Custom, S: Status>(
    context: &Context,
    owner: &Owner,
    object: K,
    before: &S,
    jobs: &ObservedJobs,
    plan: Plan<S>,
    now: Timestamp,
) -> Result<Requeue, Error> {
    for job in plan.delete.iter().filter_map(|name| jobs.named(name)) {
        apply::delete(context, owner, job).await?;
    }
    let mut object = object;
    if let Some(start) = plan.start {
        if let Some(changed) = status::set_finalizer(context, owner, &object, true).await? {
            object = changed;
        }
        match begin(context, owner, *start).await {
            // The object itself will be deleted next, and is looked at then.
            Err(error) if error.is_namespace_terminating() => return Ok(Requeue::Watch),
            Err(error) => {
                say_obstacle(context, owner, &object, before, &error, now).await?;
                return Err(error);
            }
            Ok(()) => {}
        }
    }
    if let Some(release) = &plan.release {
        return let_go(
            context,
            owner,
            &object,
            release,
            plan.is_namespace_terminating,
            plan.ended,
        )
        .await;
    }
    status::write(context, owner, &object, before, &plan.status, classify).await?;
    count(context, plan.ended);
    Ok(plan.requeue)
}

async fn begin(context: &Context, owner: &Owner, start: Start) -> Result<(), Error> {
    if let Some(account) = start.service_account {
        apply::apply(context, owner, account).await?;
    }
    apply::create(context, owner, start.job).await.map(|_| ())
}

/// Says in the status what stands in the way of the Job. Nothing else in it changes: the attempt has not begun.
async fn say_obstacle<K: Custom, S: Status>(
    context: &Context,
    owner: &Owner,
    object: &K,
    before: &S,
    error: &Error,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(obstacle) = error.obstacle() else {
        return Ok(());
    };
    let is_deleting = object.meta().deletion_timestamp.is_some();
    let findings = findings::obstructed(obstacle, &error.note(), is_deleting);
    let generation = object.meta().generation;
    let conditions = condition::update(
        before.conditions(),
        &findings,
        generation.unwrap_or_default(),
        now,
    );
    let after = before.with_conditions(generation, conditions);
    status::write(context, owner, object, before, &after, classify).await?;
    Ok(())
}

async fn let_go<K: Custom>(
    context: &Context,
    owner: &Owner,
    object: &K,
    release: &Happening,
    is_namespace_terminating: bool,
    ended: Option<(Component, JobReason)>,
) -> Result<Requeue, Error> {
    if status::set_finalizer(context, owner, object, false)
        .await?
        .is_some()
    {
        count(context, ended);
        tracing::info!(
            owner = owner.key(),
            reason = release.reason,
            note = release.note,
            "released"
        );
        let (about, related, release) = if is_namespace_terminating {
            // Without the related object the releases of one namespace would be taken for repeats of the first.
            let related = Some(owner.reference.clone());
            (of_namespace(owner), related, named(owner, release))
        } else {
            (owner.reference.clone(), None, release.clone())
        };
        context.events.tell(&about, related, &release).await;
    }
    Ok(Requeue::Steady)
}

fn count(context: &Context, ended: Option<(Component, JobReason)>) {
    if let Some((component, reason)) = ended {
        context
            .metrics
            .job_ended(component.as_str(), reason.as_str());
    }
}

/// A namespace that is being deleted takes no Events: they are told of the namespace itself, in `default`.
fn of_namespace(owner: &Owner) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Namespace".to_owned()),
        name: Some(owner.namespace.clone()),
        ..ObjectReference::default()
    }
}

fn named(owner: &Owner, release: &Happening) -> Happening {
    Happening {
        note: format!("{}: {}", owner.key(), release.note),
        ..release.clone()
    }
}
