//! A double of the API server, in the process: objects with resource versions, UIDs and generations; server-side apply that
//! prunes and that writes nothing when nothing changes; the status subresource; finalizers; garbage collection by owner.
//!
//! It can die with the operator: after a chosen write every answer is an error until [`Server::revive`]. It does not watch,
//! validate against schemas, merge lists by key, or check field conflicts between managers: no test here depends on those.

pub(crate) mod objects;
pub(crate) mod world;

use http_body_util::BodyExt;
use hyper::{Method, Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use objects::{Objects, Refusal, Target};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

/// What happens to the write at which the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// The write takes effect, but its answer is lost.
    AfterWrite,
    /// The write does not arrive.
    BeforeWrite,
}

/// The server: a handle, shared by clients and the test.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: Objects,
    writes: Vec<String>,
    dies_at: Option<(usize, Death)>,
    is_dead: bool,
}

impl Server {
    /// A client of this server.
    pub(crate) fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        Client::new(service, "default")
    }

    /// Makes the process die at its `number`-th write from now, counted from 1.
    pub(crate) fn die_at(&self, number: usize, death: Death) {
        let mut state = self.state();
        state.dies_at = Some((state.writes.len() + number, death));
    }

    /// Starts the process again. Returns whether it had died.
    pub(crate) fn revive(&self) -> bool {
        let mut state = self.state();
        std::mem::take(&mut state.is_dead)
    }

    /// Number of writes so far, Events left out.
    pub(crate) fn writes(&self) -> usize {
        self.state().writes.len()
    }

    /// The writes from the given one on, as method and path.
    pub(crate) fn writes_since(&self, first: usize) -> Vec<String> {
        self.state().writes[first..].to_vec()
    }

    /// Access to the objects for the test, which is not the operator.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Objects) -> T) -> T {
        work(&mut self.state().objects)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .lock()
            .expect("no test panics while it holds the lock")
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("a body in memory").to_bytes();
        let body: Value = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).expect("JSON")
        };
        let query = head.uri.query().unwrap_or_default().to_owned();
        let target = Target::parse(head.uri.path());
        let answer = self.state().handle(
            &head.method,
            &target,
            &query,
            &body,
            head.headers.get("content-type"),
        );
        let (status, value) = match answer {
            Ok(value) => (StatusCode::OK, value),
            Err(refusal) => (refusal.status(), refusal.body()),
        };
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Body::from(value.to_string().into_bytes()))
            .expect("a response")
    }
}

impl State {
    fn handle(
        &mut self,
        method: &Method,
        target: &Target,
        query: &str,
        body: &Value,
        content_type: Option<&hyper::header::HeaderValue>,
    ) -> Result<Value, Refusal> {
        if self.is_dead {
            return Err(Refusal::Unavailable);
        }
        if *method == Method::GET {
            return self.objects.read(target, query);
        }
        if target.plural == "events" {
            return Ok(
                json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "told"}}),
            );
        }
        let number = self.writes.len() + 1;
        let death = self
            .dies_at
            .filter(|(at, _)| *at == number)
            .map(|(_, death)| death);
        self.writes.push(format!("{method} {}", target.path));
        if death == Some(Death::BeforeWrite) {
            self.is_dead = true;
            return Err(Refusal::Unavailable);
        }
        let is_apply = content_type
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/apply-patch"));
        let answer = match *method {
            Method::POST => self.objects.create(target, body),
            Method::PATCH if is_apply => self.objects.apply(target, &manager(query), body),
            Method::PATCH => self.objects.merge(target, body),
            Method::DELETE => self.objects.delete(target, body),
            _ => panic!("{method} {} is not understood", target.path),
        };
        if death == Some(Death::AfterWrite) {
            self.is_dead = true;
            return Err(Refusal::Unavailable);
        }
        answer
    }
}

fn manager(query: &str) -> String {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("fieldManager="))
        .expect("apply names its field manager")
        .to_owned()
}
