//! Runs the controllers: watches in, reconciles out, with bounded concurrency. What a reconcile does is in the kinds' folders.
//!
//! A controller here is a trigger only. The object is read anew at the start of each reconcile, so a cache that lags behind
//! cannot lead to a wrong decision; and an object that cannot be read as its kind is reported without stopping the watch.

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::events::Happening;
use crate::owner::Owner;
use crate::requeue::{self, Requeue};
use crate::status::Custom;
use futures::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::jiff::Timestamp;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Error as ControllerError};
use kube::runtime::events::EventType;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{Config, Controller, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use searchop_crds::labels;
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Bursts of changes within this time are one reconcile.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// Longest time of one reconcile. The client waits for an answer without end, and a connection that died without a word would
/// hold its object up for ever.
const PATIENCE: Duration = Duration::from_secs(180);

/// Refused reconciles in a row for each Event about them.
const REFUSALS_AN_EVENT: u32 = 30;

/// An object of ours as it is watched: readable or not.
pub type Watched<K> = DeserializeGuard<K>;

/// Access to objects of one namespace, or of all.
#[must_use]
pub fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// What is watched of children: those that the operator made, of the given components.
#[must_use]
pub fn children(components: &[labels::Component]) -> watcher::Config {
    let names: Vec<_> = components
        .iter()
        .map(|component| component.as_str())
        .collect();
    watcher::Config::default().labels(&format!(
        "{}={},{} in ({})",
        labels::MANAGED_BY,
        labels::OPERATOR,
        labels::COMPONENT,
        names.join(",")
    ))
}

/// The owner that a pod's label names: pods belong to Jobs and ReplicaSets, and only through these to our objects.
pub fn instance_of<K: Custom, P: Resource>(pod: &P) -> Option<ObjectRef<Watched<K>>> {
    let name = pod.meta().labels.as_ref()?.get(labels::INSTANCE)?;
    let namespace = pod.meta().namespace.as_deref()?;
    Some(ObjectRef::new(name).within(namespace))
}

/// The objects of a controller that are being deleted: those that wait for others to go.
pub fn deleting<K: Custom>(store: &Store<Watched<K>>) -> Vec<ObjectRef<Watched<K>>> {
    store
        .state()
        .iter()
        .filter(|object| object.meta().deletion_timestamp.is_some())
        .map(|object| ObjectRef::from_obj(&**object))
        .collect()
}

/// The settings of every controller.
#[must_use]
pub fn config(context: &Context) -> Config {
    Config::default()
        .concurrency(context.settings.concurrency)
        .debounce(DEBOUNCE)
}

/// Runs one controller until `stop` turns true and the reconciles that had begun are done. `reconcile` is given the owner and
/// the time, and reads the object itself.
pub async fn run<K, F>(
    controller: Controller<Watched<K>>,
    kind: &'static str,
    context: Arc<Context>,
    stop: watch::Receiver<bool>,
    reconcile: fn(Arc<Context>, K, Owner, Timestamp) -> F,
) where
    K: Custom + Send + Sync + 'static,
    F: Future<Output = Result<Requeue, Error>> + Send + 'static,
{
    let results = controller
        .with_config(config(&context))
        .graceful_shutdown_on(stopped(stop))
        .run(
            move |object, context| step(object, context, kind, reconcile),
            move |object, error, context| error_policy(&object, error, &context, kind),
            context,
        );
    drain(results, kind).await;
}

/// Completes when `stop` is true or its sender is gone.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn step<K, F>(
    object: Arc<Watched<K>>,
    context: Arc<Context>,
    kind: &'static str,
    reconcile: fn(Arc<Context>, K, Owner, Timestamp) -> F,
) -> Result<Action, Error>
where
    K: Custom + Send + Sync + 'static,
    F: Future<Output = Result<Requeue, Error>> + Send + 'static,
{
    let began = Instant::now();
    let now = Timestamp::now();
    let step = observed_step(&object, &context, kind, now, reconcile);
    let outcome = tokio::time::timeout(PATIENCE, step)
        .await
        .unwrap_or_else(|_| {
            Err(Error::TimedOut {
                kind,
                name: object.name_any(),
            })
        });
    let counted = outcome.as_ref().map(|_| ()).map_err(Error::kind);
    let seconds = now.as_millisecond() as f64 / 1_000.0;
    context
        .metrics
        .reconciled(kind, began.elapsed(), seconds, counted);
    let requeue = match outcome {
        Ok(requeue) => requeue,
        Err(error) => {
            tell_refusal(&object, &context, kind, &error).await;
            return Err(error);
        }
    };
    context.errors.succeeded(&key(&*object, kind));
    Ok(requeue.action(now))
}

/// Tells with an Event what only a person can put right and no condition says: a missing right to read or to write the
/// object itself, an object that cannot be read. Not at once, because
/// a cluster that is being changed refuses for a moment; then about once an hour.
async fn tell_refusal<K: Custom>(
    object: &Watched<K>,
    context: &Context,
    kind: &'static str,
    error: &Error,
) {
    let is_for_people = matches!(
        error.kind(),
        ErrorKind::Forbidden | ErrorKind::Rejected | ErrorKind::Unreadable
    ) && error.obstacle().is_none();
    let before = context.errors.in_a_row(&key(object, kind));
    if is_for_people && before % REFUSALS_AN_EVENT == 1 {
        let happening = Happening {
            type_: EventType::Warning,
            reason: error.kind().as_str().to_owned(),
            note: error.to_string(),
        };
        context
            .events
            .tell(&object.object_ref(&()), None, &happening)
            .await;
    }
}

async fn observed_step<K, F>(
    object: &Watched<K>,
    context: &Arc<Context>,
    kind: &'static str,
    now: Timestamp,
    reconcile: fn(Arc<Context>, K, Owner, Timestamp) -> F,
) -> Result<Requeue, Error>
where
    K: Custom,
    F: Future<Output = Result<Requeue, Error>>,
{
    let name = object.name_any();
    let namespace = object.namespace();
    let live = api::<Watched<K>>(&context.client, namespace.as_deref())
        .get_opt(&name)
        .await
        .map_err(|source| Error::Read {
            kind,
            name: name.clone(),
            source,
        })?;
    match live {
        None => Ok(Requeue::Steady),
        Some(DeserializeGuard(Err(invalid))) => Err(Error::Unreadable {
            kind,
            name,
            message: invalid.error,
        }),
        Some(DeserializeGuard(Ok(live))) => match Owner::of(&live, kind) {
            Some(owner) => reconcile(Arc::clone(context), live, owner, now).await,
            None => Ok(Requeue::Steady),
        },
    }
}

fn error_policy<K: Custom>(
    object: &Watched<K>,
    error: &Error,
    context: &Context,
    kind: &'static str,
) -> Action {
    let key = key(object, kind);
    let in_a_row = context.errors.failed(&key);
    if error.kind() == ErrorKind::Conflict {
        tracing::debug!(object = key, %error, "reconcile is repeated");
    } else {
        tracing::warn!(object = key, reason = error.kind().as_str(), in_a_row, %error, "reconcile failed");
    }
    Action::requeue(requeue::error_delay(error.kind(), in_a_row, &key))
}

fn key<K: Resource>(object: &K, kind: &str) -> String {
    format!(
        "{kind} {}/{}",
        object.namespace().unwrap_or_default(),
        object.name_any()
    )
}

/// Drives a controller's stream to its end. Failures of reconciles were reported by the error policy already.
async fn drain<K>(
    results: impl Stream<Item = Result<(ObjectRef<K>, Action), ControllerError<Error, watcher::Error>>>,
    kind: &'static str,
) where
    K: Resource<DynamicType = ()> + Debug,
{
    let mut results = std::pin::pin!(results);
    while let Some(result) = results.next().await {
        match result {
            Err(ControllerError::QueueError(error)) => {
                tracing::warn!(kind, %error, "watch failed and is repeated")
            }
            Err(ControllerError::RunnerError(error)) => {
                tracing::error!(kind, %error, "controller failed")
            }
            // An object that is gone was in the queue, or the error policy has reported it.
            Ok(_) | Err(_) => {}
        }
    }
    tracing::info!(kind, "controller ended");
}
