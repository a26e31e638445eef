//! The operator's life: probes at once, controllers once it leads, and an orderly end.

use crate::admin::{self, Readiness};
use crate::context::{self, Context};
use crate::fence::Gate;
use crate::leadership::{Candidate, Ending};
use crate::metrics::SharedMetrics;
use crate::settings::Settings;
use anyhow::Context as _;
use kube::{Api, Client, Config};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Longest time that reconciles which have begun are waited for at the end.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the operator until `shutdown` completes or the lease is lost.
///
/// # Errors
/// The cluster's configuration cannot be read, the admin port is taken, or the lease was lost: the process must end.
pub async fn run(
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let config = Config::infer()
        .await
        .context("reading the configuration of the cluster")?;
    let gate = Gate::default();
    let unfenced = Client::try_from(config.clone()).context("making a client")?;
    let client = context::fenced_client(config, gate.clone()).context("making a client")?;
    let metrics = SharedMetrics::default();

    let readiness = Readiness::default();
    let listener = listen(settings.admin_port)
        .await
        .with_context(|| format!("listening on port {}", settings.admin_port))?;
    let routes = admin::routes(readiness.clone(), metrics.clone());
    let probes = tokio::spawn(async move { axum::serve(listener, routes).await });
    let follower = tokio::spawn(readiness.follow(client.clone(), settings.scopes()[0].clone()));

    let (stop_controllers, controllers_stop) = watch::channel(false);
    let signal = tokio::spawn(async move {
        shutdown.await;
        tracing::info!("shutting down");
        let _ = stop_controllers.send(true);
        // Kept: a dropped sender would also be a signal.
        std::future::pending::<()>().await;
    });

    let (leads, mut leading) = watch::channel(false);
    let (stop_lease, lease_stop) = watch::channel(false);
    let candidate = Candidate::new(
        Api::namespaced(unfenced, &settings.pod_namespace),
        settings.pod_name.clone(),
        settings.lease_duration(),
        gate,
        metrics.clone(),
    );
    let mut leadership = tokio::spawn(candidate.run(leads, lease_stop));

    let context = Arc::new(Context::new(client, settings, metrics));
    let work = async {
        let mut stop = controllers_stop.clone();
        tokio::select! {
            led = leading.wait_for(|leads| *leads) => if led.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let controllers = crate::run_controllers(Arc::clone(&context), controllers_stop.clone());
        let overdue = async {
            let _ = stop.wait_for(|stop| *stop).await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            () = controllers => {}
            () = overdue => tracing::warn!("reconciles did not end in time"),
        }
    };

    let outcome = tokio::select! {
        ending = &mut leadership => Err(ending),
        () = work => Ok(()),
    };
    let ending = match outcome {
        Err(ending) => ending,
        Ok(()) => {
            let _ = stop_lease.send(true);
            leadership.await
        }
    };
    signal.abort();
    follower.abort();
    probes.abort();
    match ending.context("the task that holds the lease ended")? {
        Ending::Released => Ok(()),
        Ending::Lost => anyhow::bail!("the lease was lost"),
    }
}

/// Every address of both families; where the node's kernel has no IPv6, those of IPv4.
async fn listen(port: u16) -> std::io::Result<TcpListener> {
    match TcpListener::bind(("::", port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(("0.0.0.0", port)).await,
    }
}
