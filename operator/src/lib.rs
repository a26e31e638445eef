//! The operator: three controllers over one core.
//!
//! Each kind has a folder with one file for each step: `observe` (reads), `decide` (pure), `build` (pure), `status` (pure,
//! then one write). The core, in the order that a reconcile meets it:
//!
//! - `controllers`: `run` a controller with bounded concurrency; `children`, `instance_of` and `api` for its watches
//! - `owner`: `Owner::of` an object; `owns`, `in_store`
//! - `storage`: `resolve` the spec and the defaults; `environment`, `volume`, `mount`, `service_account` for pods
//! - `pods`: `base`, `container_security`, `scratch`, `mount`, `resources_or`, `violations` (for tests)
//! - `apply`: `apply` (no write once nothing differs), `create`, `get`, `delete`, `delete_named`
//! - `status`: `write` (only what differs, then Events on transitions), `set_finalizer`
//! - `requeue`: `Requeue`, the one place that says when to look again; `job_delay`
//! - `pod_http`: `PodHttp::get`, JSON from a pod within a second
//! - `error`, `events`, `metrics`, `context`, `settings`
//! - `lease`, `leadership`, `fence`: one leader, and no write by anyone else
//! - `admin`, `run`: probes, and the life of the process

pub mod admin;
pub mod apply;
pub mod containment;
pub mod context;
pub mod controllers;
pub mod demo_dataset;
pub mod error;
pub mod events;
pub mod fence;
pub mod job;
pub mod leadership;
pub mod lease;
pub mod metrics;
pub mod owner;
pub mod pod_http;
pub mod pods;
pub mod ranking_model;
pub mod requeue;
pub mod run;
pub mod settings;
pub mod status;
pub mod storage;
pub mod training_run;

use context::Context;
use std::sync::Arc;
use tokio::sync::watch;

/// Runs every controller until `stop` turns true and the reconciles that had begun are done.
pub async fn run_controllers(context: Arc<Context>, stop: watch::Receiver<bool>) {
    let scopes = context.settings.scopes();
    let controllers = scopes.into_iter().map(|namespace| {
        let (context, stop) = (Arc::clone(&context), stop.clone());
        async move {
            tokio::join!(
                demo_dataset::run(Arc::clone(&context), namespace.clone(), stop.clone()),
                training_run::run(Arc::clone(&context), namespace.clone(), stop.clone()),
                ranking_model::run(Arc::clone(&context), namespace.clone(), stop.clone()),
            );
        }
    });
    futures::future::join_all(controllers).await;
}
