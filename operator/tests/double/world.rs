//! The rest of a cluster: runs the Jobs that the operator creates, and drives the operator's reconciles as its controllers
//! would, one process after another.

use super::Server;
use super::objects::Target;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use searchop_crds::{DemoDataset, TrainingRun};
use searchop_operator::context::Context;
use searchop_operator::metrics::SharedMetrics;
use searchop_operator::owner::Owner;
use searchop_operator::settings::Settings;
use searchop_operator::{demo_dataset, training_run};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Namespace of every object.
pub(crate) const NAMESPACE: &str = "demo";

/// A cluster with one operator.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) now: Timestamp,
    /// Exit codes of coming Jobs, by component; without one a Job succeeds.
    pub(crate) failures: BTreeMap<&'static str, Vec<i32>>,
    context: Arc<Context>,
    /// Most Jobs of one owner that had not ended at the same time.
    pub(crate) most_at_once: usize,
    /// Times that the operator's process died.
    pub(crate) deaths: usize,
}

impl World {
    pub(crate) fn new() -> Self {
        let server = Server::default();
        let context = context(&server);
        let world = Self {
            server,
            now: Timestamp::from_second(1_790_000_000).expect("an instant"),
            failures: BTreeMap::new(),
            context,
            most_at_once: 0,
            deaths: 0,
        };
        world.create(
            "/api/v1/namespaces",
            &json!({"metadata": {"name": NAMESPACE}}),
        );
        world
    }

    /// Creates an object as a user would.
    pub(crate) fn create(&self, path: &str, body: &Value) {
        self.server
            .with(|objects| objects.create(&Target::parse(path), body))
            .expect("created");
    }

    /// Creates a custom resource as a user would.
    pub(crate) fn create_custom(&self, plural: &str, kind: &str, name: &str, spec: &Value) {
        let path = format!("/apis/searchop.dev/v1alpha1/namespaces/{NAMESPACE}/{plural}");
        let body = json!({"apiVersion": "searchop.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        self.create(&path, &body);
    }

    /// Deletes a custom resource as a user would.
    pub(crate) fn delete_custom(&self, plural: &str, name: &str) {
        let path = format!("/apis/searchop.dev/v1alpha1/namespaces/{NAMESPACE}/{plural}/{name}");
        self.server
            .with(|objects| objects.delete(&Target::parse(&path), &Value::Null))
            .expect("deleted");
    }

    /// Lets the cluster run for a while: every object is reconciled, Jobs come on, half a minute passes; and so on.
    pub(crate) async fn run(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.reconcile_all().await;
            self.count_jobs();
            self.jobs_come_on();
            self.now = self
                .now
                .saturating_add(SignedDuration::from_secs(30))
                .expect("far from the end of time");
        }
    }

    async fn reconcile_all(&mut self) {
        // A few times over, as a controller is called again for each of its own writes.
        for _ in 0..3 {
            for (plural, kind) in [
                ("demodatasets", "DemoDataset"),
                ("trainingruns", "TrainingRun"),
            ] {
                for object in self.server.with(|objects| objects.all(plural)) {
                    self.reconcile(kind, object).await;
                    if self.server.revive() {
                        self.deaths += 1;
                        self.context = context(&self.server);
                    }
                }
            }
        }
    }

    /// Reconciles an object that can be read as its kind; the controllers report the others.
    async fn reconcile(&self, kind: &'static str, object: Value) {
        let context = Arc::clone(&self.context);
        let result = if kind == "DemoDataset" {
            let Ok(object) = serde_json::from_value::<DemoDataset>(object) else {
                return;
            };
            let owner = Owner::of(&object, kind).expect("it is stored");
            demo_dataset::reconcile(context, object, owner, self.now).await
        } else {
            let Ok(object) = serde_json::from_value::<TrainingRun>(object) else {
                return;
            };
            let owner = Owner::of(&object, kind).expect("it is stored");
            training_run::reconcile(context, object, owner, self.now).await
        };
        // An error is what a controller would try again after: so does the next round.
        drop(result);
    }

    fn count_jobs(&mut self) {
        let mut live: BTreeMap<String, usize> = BTreeMap::new();
        for job in self.server.with(|objects| objects.all("jobs")) {
            if job["status"].is_null() {
                *live
                    .entry(job["metadata"]["ownerReferences"][0]["uid"].to_string())
                    .or_default() += 1;
            }
        }
        self.most_at_once = self.most_at_once.max(live.into_values().max().unwrap_or(0));
    }

    /// Ends every Job that has not ended.
    fn jobs_come_on(&mut self) {
        for job in self.server.with(|objects| objects.all("jobs")) {
            if !job["status"].is_null() || !job["metadata"]["ownerReferences"].is_array() {
                continue;
            }
            let component = job["metadata"]["labels"]["app.kubernetes.io/component"]
                .as_str()
                .expect("a component");
            let code = self.failures.get_mut(component).and_then(|codes| {
                if codes.is_empty() {
                    None
                } else {
                    Some(codes.remove(0))
                }
            });
            self.end(&job, component, code.unwrap_or(0));
        }
    }

    fn end(&self, job: &Value, component: &str, code: i32) {
        let name = job["metadata"]["name"].as_str().expect("a name");
        let message = if code == 0 {
            result(component)
        } else {
            json!({"outcome": "Failed", "reason": "StorageUnavailable", "message": "no answer"})
        };
        let (phase, condition) = if code == 0 {
            ("Succeeded", "Complete")
        } else {
            ("Failed", "Failed")
        };
        let owner = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"], "controller": true}]);
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("{name}-pod"), "labels": job["metadata"]["labels"], "ownerReferences": owner},
            "status": {"phase": phase, "containerStatuses": [{
                "name": "trainer", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": code, "message": message.to_string()}},
            }]},
        });
        self.create(&format!("/api/v1/namespaces/{NAMESPACE}/pods"), &pod);
        let target = Target::parse(&format!(
            "/apis/batch/v1/namespaces/{NAMESPACE}/jobs/{name}/status"
        ));
        let status = json!({"status": {"conditions": [{"type": condition, "status": "True", "reason": "BackoffLimitExceeded"}]}});
        self.server
            .with(|objects| objects.merge(&target, &status))
            .expect("the Job is there");
    }

    /// The objects that the user sees, without what differs from run to run.
    pub(crate) fn outcome(&self) -> Vec<Value> {
        let mut outcome = Vec::new();
        for plural in ["demodatasets", "trainingruns", "jobs", "serviceaccounts"] {
            for mut object in self.server.with(|objects| objects.all(plural)) {
                mask(&mut object);
                outcome.push(object);
            }
        }
        outcome
    }

    /// Names of all Jobs that were ever created.
    pub(crate) fn jobs_created(&self) -> Vec<String> {
        self.server.with(|objects| {
            objects
                .created
                .iter()
                .filter(|(plural, _)| plural == "jobs")
                .map(|(_, name)| name.clone())
                .collect()
        })
    }
}

fn context(server: &Server) -> Arc<Context> {
    Arc::new(Context::new(
        server.client(),
        Settings::example(),
        SharedMetrics::default(),
    ))
}

fn result(component: &str) -> Value {
    let digest = |digit: &str| digit.repeat(64);
    match component {
        "generate" => json!({
            "outcome": "Succeeded",
            "artifact": {"uri": format!("s3://b/artifacts/{}", digest("a")), "sha256": digest("a"), "sizeBytes": 5},
            "counts": {"products": 1, "queries": 2, "users": 3, "events": 4},
        }),
        "train" => json!({
            "outcome": "Succeeded",
            "model": {"uri": format!("s3://b/artifacts/{}", digest("b")), "sha256": digest("b"), "sizeBytes": 5,
                      "format": "lightgbm-text-v4/1", "featureSchemaSha256": digest("c")},
            "datasetSha256": digest("a"),
            "metrics": [{"name": "ndcg@10", "value": "0.4", "low": "0.3", "high": "0.5", "queries": 9, "baselines": {}}],
        }),
        _ => json!({"outcome": "Succeeded", "purged": {"objects": 1}}),
    }
}

/// Removes identities, versions, times, and digests over them.
fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for key in [
                "uid",
                "resourceVersion",
                "lastTransitionTime",
                "retryAt",
                "searchop.dev/applied-sha256",
            ] {
                fields.remove(key);
            }
            fields.values_mut().for_each(mask);
        }
        Value::Array(elements) => elements.iter_mut().for_each(mask),
        Value::String(text) => *text = without_uids(text),
        _ => {}
    }
}

/// The text with the number of each UID of this server left out: an owner's UID is part of its name in the store.
fn without_uids(text: &str) -> String {
    let mut parts = text.split("uid-");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |masked, part| {
        let rest = part.trim_start_matches(|character: char| character.is_ascii_digit());
        format!("{masked}uid-{rest}")
    })
}
