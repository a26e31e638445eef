//! What a reconcile knows of the cluster, in the few words that decisions need. Pure: reading the objects is `observe`.

use super::plan::TrafficPlan;
use super::trouble::{self, Trouble};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod as KubernetesPod;
use k8s_openapi::jiff::Timestamp;
use searchop_crds::{TrainingRun, labels};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Annotation of the pod template, and so of each pod: digest of the template as it was built.
pub(crate) const TEMPLATE: &str = "searchop.dev/template-sha256";
/// Annotation of the Deployment: the replica count that was last set by us. Where it is, the count was handed over.
pub(crate) const SCALED: &str = "searchop.dev/replicas";

/// The cluster as far as one RankingModel is concerned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// The TrainingRun that `spec.model` names, if it exists.
    pub(crate) run: Option<TrainingRun>,
    pub(crate) deployment: Option<DeploymentView>,
    /// The plan that servers are told to follow.
    pub(crate) plan: Option<TrafficPlan>,
    /// Pods that the Service may select, but for those that have ended.
    pub(crate) pods: Vec<Pod>,
}

/// The Deployment of the ranking servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeploymentView {
    /// Whether the Deployment's controller has seen the newest template.
    pub(crate) is_observed: bool,
    /// Number of pods that there shall be.
    pub(crate) wanted: i32,
    /// Number of pods that there are, those that are terminating not counted.
    pub(crate) replicas: i32,
    /// Number of these with the newest template.
    pub(crate) updated: i32,
    /// Number of these that are ready.
    pub(crate) ready: i32,
    /// Digest of the template.
    pub(crate) template: Option<String>,
    /// Bundles of the template: digest and URI.
    pub(crate) bundles: BTreeMap<String, String>,
    /// Replica count that was last set by us.
    pub(crate) scaled: Option<i32>,
    /// Why the API server refuses pods.
    pub(crate) refusal: Option<String>,
}

/// One ranking pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) ip: Option<String>,
    /// Digest of the template that it was made from.
    pub(crate) template: Option<String>,
    /// When it must be gone, if it is terminating.
    pub(crate) gone_by: Option<Timestamp>,
    pub(crate) is_ready: bool,
    /// Sequence number of the plan that it was last told of by annotation.
    pub(crate) told: Option<i64>,
    /// When the serving container started, if it runs.
    pub(crate) serving_since: Option<Timestamp>,
    pub(crate) trouble: Option<Trouble>,
    /// What the server says of itself, if it answers.
    pub(crate) report: Option<Report>,
}

/// A server's answer on `/tracks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Report {
    #[serde(default)]
    pub(crate) plan: PlanReport,
    #[serde(default)]
    pub(crate) tracks: Vec<Track>,
}

/// The plan that a server follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct PlanReport {
    #[serde(default)]
    pub(crate) sequence: Option<i64>,
}

/// One bundle in a server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Track {
    pub(crate) sha256: String,
    pub(crate) state: TrackState,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) metrics: BTreeMap<String, String>,
}

/// How far a bundle is in a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum TrackState {
    Loading,
    Ready,
    Failed,
    /// A state that this version of the operator does not know.
    #[serde(other)]
    Unknown,
}

impl Pod {
    /// The pod without what its server says.
    pub(crate) fn read(pod: &KubernetesPod) -> Self {
        let annotation = |key: &str| pod.metadata.annotations.as_ref()?.get(key).cloned();
        let status = pod.status.clone().unwrap_or_default();
        let server = status
            .container_statuses
            .unwrap_or_default()
            .into_iter()
            .find(|container| container.name == trouble::SERVER);
        let running = server.and_then(|server| server.state?.running);
        let is_ready = status
            .conditions
            .unwrap_or_default()
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        Self {
            name: pod.metadata.name.clone().unwrap_or_default(),
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            ip: status.pod_ip,
            template: annotation(TEMPLATE),
            gone_by: pod.metadata.deletion_timestamp.as_ref().map(|time| time.0),
            is_ready,
            told: annotation(labels::PLAN_SEQUENCE).and_then(|text| text.parse().ok()),
            serving_since: running.and_then(|running| Some(running.started_at?.0)),
            trouble: trouble::trouble(pod).filter(|_| !is_ready),
            report: None,
        }
    }

    /// Whether it is on its way out.
    pub(crate) fn is_terminating(&self) -> bool {
        self.gone_by.is_some()
    }

    /// What it says of one bundle.
    pub(crate) fn track(&self, sha256: &str) -> Option<&Track> {
        self.report
            .as_ref()?
            .tracks
            .iter()
            .find(|track| track.sha256 == sha256)
    }

    /// Whether it has loaded and checked the bundle.
    pub(crate) fn has_loaded(&self, sha256: &str) -> bool {
        self.track(sha256)
            .is_some_and(|track| track.state == TrackState::Ready)
    }

    /// Sequence number of the plan that it follows.
    pub(crate) fn follows(&self) -> Option<i64> {
        self.report.as_ref()?.plan.sequence
    }
}

impl DeploymentView {
    pub(crate) fn read(deployment: &Deployment) -> Self {
        let annotations = deployment.metadata.annotations.as_ref();
        let spec = deployment.spec.as_ref();
        let template = spec.map(|spec| &spec.template);
        let status = deployment.status.clone().unwrap_or_default();
        let refusal = status
            .conditions
            .unwrap_or_default()
            .into_iter()
            .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
            .map(|condition| condition.message.unwrap_or_default());
        Self {
            is_observed: status.observed_generation >= deployment.metadata.generation,
            wanted: spec.and_then(|spec| spec.replicas).unwrap_or(1),
            replicas: status.replicas.unwrap_or(0),
            updated: status.updated_replicas.unwrap_or(0),
            ready: status.ready_replicas.unwrap_or(0),
            template: template.and_then(|template| {
                template
                    .metadata
                    .as_ref()?
                    .annotations
                    .as_ref()?
                    .get(TEMPLATE)
                    .cloned()
            }),
            bundles: fetched(deployment),
            scaled: annotations.and_then(|annotations| annotations.get(SCALED)?.parse().ok()),
            refusal,
        }
    }
}

/// The bundles that the init step fetches, from its flags `--bundle URI#sha256=DIGEST`.
fn fetched(deployment: &Deployment) -> BTreeMap<String, String> {
    let containers = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.template.spec.as_ref()?.init_containers.as_deref())
        .unwrap_or_default();
    containers
        .iter()
        .filter(|container| container.name == trouble::FETCH)
        .flat_map(|container| container.args.iter().flatten())
        .filter_map(|argument| argument.split_once("#sha256="))
        .map(|(uri, sha256)| {
            (
                sha256.to_owned(),
                uri.trim_start_matches("--bundle=").to_owned(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_answer_is_read_even_if_it_says_more_than_we_know() {
        let report: Report = serde_json::from_str(
            r#"{"plan":{"sequence":7,"more":1},"tracks":[
                {"sha256":"aa","state":"Ready","weight":100,"metrics":{"ndcg@10":"0.41"}},
                {"sha256":"bb","state":"Failed","reason":"DigestMismatch","message":"no","weight":0,"metrics":{}},
                {"sha256":"cc","state":"Sleeping"}]}"#,
        )
        .expect("a report");
        let pod = Pod {
            report: Some(report),
            ..Pod::default()
        };
        assert_eq!(pod.follows(), Some(7));
        assert!(pod.has_loaded("aa") && !pod.has_loaded("bb") && !pod.has_loaded("cc"));
        assert_eq!(
            pod.track("cc").map(|track| track.state),
            Some(TrackState::Unknown)
        );
    }

    #[test]
    fn a_pod_is_read_from_its_object() {
        let pod = Pod::read(
            &serde_json::from_value(serde_json::json!({
                "metadata": {"name": "a-1", "uid": "u", "annotations": {TEMPLATE: "t", "searchop.dev/plan-sequence": "3"}},
                "status": {
                    "podIP": "10.0.0.1",
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [{"name": "server", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "image": "", "imageID": "", "ready": true, "restartCount": 0}],
                },
            }))
            .expect("a pod"),
        );
        assert!(pod.is_ready && !pod.is_terminating() && pod.serving_since.is_some());
        assert_eq!(
            (pod.template.as_deref(), pod.told, pod.ip.as_deref()),
            (Some("t"), Some(3), Some("10.0.0.1"))
        );
    }
}
