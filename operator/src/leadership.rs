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

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use hyper::{Method, Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    /// An API server with one lease: it refuses a write that was not made from the newest version.
    #[derive(Clone, Default)]
    struct Server(Arc<Mutex<Option<Value>>>);

    impl Server {
        fn candidate(&self, me: &str) -> (Candidate, Gate) {
            let server = self.clone();
            let service = tower::service_fn(move |request: Request<Body>| {
                let server = server.clone();
                async move { Ok::<_, Infallible>(server.answer(request).await) }
            });
            let client = kube::Client::new(service, "searchop-system");
            let gate = Gate::default();
            let candidate = Candidate::new(
                Api::default_namespaced(client),
                me.to_owned(),
                Duration::from_secs(15),
                gate.clone(),
                SharedMetrics::default(),
            );
            (candidate, gate)
        }

        async fn answer(&self, request: Request<Body>) -> Response<Body> {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("a body in memory").to_bytes();
            let mut lease = self.0.lock().expect("no test panics meanwhile");
            let version = |lease: &Value| lease["metadata"]["resourceVersion"].clone();
            let (code, answer) = match (head.method, lease.as_ref()) {
                (Method::GET, None) => refusal(404, "NotFound"),
                (Method::GET, Some(lease)) => (200, lease.clone()),
                (Method::POST, Some(_)) => refusal(409, "AlreadyExists"),
                (_, live) => {
                    let mut wanted: Value = serde_json::from_slice(&body).expect("a lease");
                    let newest = live.map_or(Value::Null, version);
                    if version(&wanted) == newest {
                        let next = newest.as_str().map_or(0, str::len) + 1;
                        wanted["metadata"]["resourceVersion"] = json!("v".repeat(next));
                        *lease = Some(wanted.clone());
                        (200, wanted)
                    } else {
                        refusal(409, "Conflict")
                    }
                }
            };
            Response::builder()
                .status(code)
                .body(Body::from(answer.to_string().into_bytes()))
                .expect("a response")
        }

        fn holder(&self) -> String {
            let lease = self.0.lock().expect("no test panics meanwhile");
            let lease = lease.as_ref().expect("a lease");
            lease["spec"]["holderIdentity"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        }

        /// Another process writes the lease in its own name.
        fn pass_to(&self, me: &str) {
            let mut lease = self.0.lock().expect("no test panics meanwhile");
            let lease = lease.as_mut().expect("a lease");
            lease["spec"]["holderIdentity"] = json!(me);
            lease["metadata"]["resourceVersion"] = json!("theirs");
        }
    }

    fn refusal(code: u16, reason: &str) -> (u16, Value) {
        let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": reason, "code": code});
        (code, body)
    }

    #[tokio::test]
    async fn one_leads_and_the_other_takes_over_what_is_given_up() {
        let server = Server::default();
        let (mut first, first_gate) = server.candidate("first");
        let (mut second, second_gate) = server.candidate("second");
        assert_eq!(first.turn().await.expect("a turn"), Step::Acquire);
        assert_eq!(second.turn().await.expect("a turn"), Step::StandBy);
        assert_eq!(first.turn().await.expect("a turn"), Step::Renew);
        let now = Instant::now();
        assert!(first_gate.is_open(now) && !second_gate.is_open(now));

        let (leads, _) = watch::channel(false);
        let (_stop, stopped) = watch::channel(true);
        assert_eq!(first.run(leads, stopped).await, Ending::Released);
        assert!(!first_gate.is_open(Instant::now()));
        assert_eq!(server.holder(), "");
        assert_eq!(second.turn().await.expect("a turn"), Step::Acquire);
        assert!(second_gate.is_open(Instant::now()));
        assert_eq!(server.holder(), "second");
    }

    #[tokio::test]
    async fn a_lease_that_another_has_taken_closes_the_gate_at_once() {
        let server = Server::default();
        let (mut first, gate) = server.candidate("first");
        first.turn().await.expect("a turn");
        assert!(gate.is_open(Instant::now()));
        server.pass_to("second");
        assert_eq!(first.turn().await.expect("a turn"), Step::StandBy);
        assert!(!gate.is_open(Instant::now()));
        let (leads, led) = watch::channel(false);
        let (_stop, go_on) = watch::channel(false);
        assert_eq!(first.run(leads, go_on).await, Ending::Lost);
        assert!(!*led.borrow());
        assert_eq!(server.holder(), "second", "it is left to who has it");
    }

    #[tokio::test]
    async fn a_write_that_is_refused_opens_no_gate() {
        let server = Server::default();
        let (mut first, first_gate) = server.candidate("first");
        let (mut second, second_gate) = server.candidate("second");
        // Both have read that there is none.
        let began = Instant::now();
        first.write(None, began).await.expect("it is made");
        second.write(None, began).await.expect_err("it is there");
        assert!(first_gate.is_open(began) && !second_gate.is_open(began));
        assert_eq!(server.holder(), "first");
    }
}
