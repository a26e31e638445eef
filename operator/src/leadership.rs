//! Holds the lease: the loop around the rules of `lease`. It decides nothing itself.
//!
//! While the lease is held the gate of the fenced client is open; it closes by itself two thirds of the lease's duration after
//! the last renewal began, which is before anyone else may take over. Losing the lease ends the process: what was in the
//! making is dropped, and the next leader starts from observation.

use crate::fence::Gate;
use crate::lease::{self, Observer, Step};
use crate::metrics::SharedMetrics;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Name of the lease.
pub const NAME: &str = "searchop-operator";

/// How holding the lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was given up, as asked.
    Released,
    /// It could not be renewed in time, or another process took it.
    Lost,
}

/// One process that wants to lead.
pub struct Candidate {
    api: Api<Lease>,
    me: String,
    duration: Duration,
    gate: Gate,
    metrics: SharedMetrics,
    observer: Observer,
    renewed: Option<Instant>,
}

impl Candidate {
    /// A candidate that is called `me`. `api` reaches the API server past the fence.
    #[must_use]
    pub fn new(
        api: Api<Lease>,
        me: String,
        duration: Duration,
        gate: Gate,
        metrics: SharedMetrics,
    ) -> Self {
        Self {
            api,
            me,
            duration,
            gate,
            metrics,
            observer: Observer::default(),
            renewed: None,
        }
    }

    /// Waits for the lease, reports through `leads` when it is held, and renews it until it is lost or `stop` turns true.
    pub async fn run(
        mut self,
        leads: watch::Sender<bool>,
        mut stop: watch::Receiver<bool>,
    ) -> Ending {
        let pause = self.duration / 6;
        loop {
            if *stop.borrow_and_update() {
                self.release().await;
                return Ending::Released;
            }
            match tokio::time::timeout(self.duration / 3, self.turn()).await {
                Ok(Ok(step)) => tracing::debug!(?step, "lease"),
                Ok(Err(error)) => tracing::warn!(%error, "lease could not be read or written"),
                Err(_) => tracing::warn!("lease could not be read or written in time"),
            }
            let now = Instant::now();
            if self.renewed.is_some() && !self.gate.is_open(now) {
                self.gate.close();
                self.metrics.leads(false);
                return Ending::Lost;
            }
            if self.renewed.is_some() {
                self.metrics.leads(true);
                leads.send_if_modified(|leads| !std::mem::replace(leads, true));
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Reads the lease and does what the rules say. Taking it from someone else while this process leads counts as lost.
    async fn turn(&mut self) -> Result<Step, kube::Error> {
        let live = self.api.get_opt(NAME).await?;
        let began = Instant::now();
        self.observer.observe(live.as_ref(), began);
        let step = self.observer.evaluate(&self.me, self.duration, began);
        match step {
            Step::StandBy => {
                if self.renewed.is_some() {
                    self.gate.close();
                }
            }
            Step::Acquire if self.renewed.is_some() && live.is_some() => self.gate.close(),
            Step::Acquire | Step::Renew => self.write(live.as_ref(), began).await?,
        }
        Ok(step)
    }

    async fn write(&mut self, live: Option<&Lease>, began: Instant) -> Result<(), kube::Error> {
        let wanted = lease::held(live, NAME, &self.me, self.duration, Timestamp::now());
        let parameters = PostParams::default();
        let written = match live {
            Some(live) => {
                self.api
                    .replace(&live.name_any(), &parameters, &wanted)
                    .await?
            }
            None => self.api.create(&parameters, &wanted).await?,
        };
        if self.renewed.is_none() {
            tracing::info!(me = self.me, "leads");
        }
        self.observer.observe(Some(&written), began);
        self.renewed = Some(began);
        self.gate.open_until(began + self.duration * 2 / 3);
        Ok(())
    }

    /// Gives the lease up if this process holds it. A failure only makes the next process wait.
    async fn release(&mut self) {
        self.gate.close();
        self.metrics.leads(false);
        if self.renewed.is_none() {
            return;
        }
        let giving_up = async {
            let Some(live) = self.api.get_opt(NAME).await? else {
                return Ok(());
            };
            let holder = live
                .spec
                .as_ref()
                .and_then(|spec| spec.holder_identity.as_deref());
            if holder == Some(self.me.as_str()) {
                let wanted = lease::released(&live, NAME, Timestamp::now());
                self.api
                    .replace(NAME, &PostParams::default(), &wanted)
                    .await?;
                tracing::info!(me = self.me, "lease released");
            }
            Ok::<_, kube::Error>(())
        };
        match tokio::time::timeout(self.duration / 3, giving_up).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "lease was not released"),
            Err(_) => tracing::warn!("lease was not released in time"),
        }
    }
}
