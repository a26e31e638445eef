//! The Deployment of the ranking servers. It has no replica count: that is written under another field manager, or by
//! whoever scales.
//!
//! The template names the bundles by digest, and says nothing of which of them serves: that is the plan's, so that a
//! promotion and its reversal restart nothing. The init step learns what it cannot do without from the plan's ConfigMap, at
//! the start of each pod.

use super::{ADMIN_PORT, API_PORT, Blueprint};
use crate::containment;
use crate::pods;
use crate::ranking_model::observed::TEMPLATE;
use crate::ranking_model::plan::{AWAITED, PLAN_FILE, REQUIRED};
use crate::ranking_model::trouble::{FETCH, SERVER};
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::{
    ConfigMapKeySelector, ConfigMapVolumeSource, Container, ContainerPort, EnvVar, EnvVarSource,
    HTTPGetAction, KeyToPath, PodSpec, PodTemplateSpec, Probe, ResourceRequirements,
    TopologySpreadConstraint, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use searchop_crds::labels::{self, Component};
use searchop_crds::{ModelReference, names};
use std::collections::BTreeMap;

/// Seconds from SIGTERM to SIGKILL: more than the server's 5 s of leaving and 20 s of draining.
const TERMINATION_SECONDS: i64 = 45;
/// Seconds in which a server must have answered that it has started, which it does a minute after its start at the latest;
/// then its container is started again.
const STARTUP_SECONDS: i32 = 600;
/// Where the plan is mounted.
const PLAN_DIRECTORY: &str = "/etc/searchop";
/// Where the bundles are.
const BUNDLES_DIRECTORY: &str = "/bundles";
/// Environment variable with the digest that the init step cannot do without.
const REQUIRED_VARIABLE: &str = "SEARCHOP_REQUIRED";
/// Environment variable with the digests that the init step waits for. It does without the others where the store does not
/// answer: a model that is kept only for the way back holds up no server.
const AWAITED_VARIABLE: &str = "SEARCHOP_AWAITED";

pub(super) fn build(blueprint: &Blueprint<'_>, bundles: &[ModelReference]) -> Deployment {
    Deployment {
        metadata: blueprint.metadata(),
        spec: Some(DeploymentSpec {
            replicas: None,
            selector: blueprint.pods(),
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_unavailable: Some(IntOrString::Int(0)),
                    max_surge: Some(IntOrString::String("25%".to_owned())),
                }),
            }),
            revision_history_limit: Some(3),
            template: template(blueprint, bundles),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// Digest of the template, by which pods are told apart.
pub(super) fn template_digest(blueprint: &Blueprint<'_>, bundles: &[ModelReference]) -> String {
    let unmarked = unmarked_template(blueprint, bundles);
    containment::digest(&serde_json::to_value(unmarked).expect("a pod template is JSON"))
}

fn template(blueprint: &Blueprint<'_>, bundles: &[ModelReference]) -> PodTemplateSpec {
    let mut template = unmarked_template(blueprint, bundles);
    let metadata = template.metadata.get_or_insert_default();
    metadata
        .annotations
        .get_or_insert_default()
        .insert(TEMPLATE.to_owned(), template_digest(blueprint, bundles));
    template
}

fn unmarked_template(blueprint: &Blueprint<'_>, bundles: &[ModelReference]) -> PodTemplateSpec {
    let user = blueprint.serving.template.as_ref();
    let account = blueprint
        .storage
        .service_account()
        .map_or_else(|| names::serving(blueprint.name), str::to_owned);
    let mut volumes = vec![
        pods::scratch("bundles", None),
        pods::scratch("scratch", None),
        plan_volume(blueprint),
    ];
    volumes.extend(blueprint.storage.volume());
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels::child(blueprint.name, Component::Ranking)),
            annotations: Some(annotations()),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            init_containers: Some(vec![fetch(blueprint, bundles)]),
            containers: vec![server(blueprint, bundles)],
            volumes: Some(volumes),
            termination_grace_period_seconds: Some(TERMINATION_SECONDS),
            topology_spread_constraints: Some(vec![spread(blueprint)]),
            ..pods::base(user, &account)
        }),
    }
}

fn annotations() -> BTreeMap<String, String> {
    [
        // EKS injects credentials into every container of a pod but these.
        ("eks.amazonaws.com/skip-containers", SERVER),
        ("kubectl.kubernetes.io/default-container", SERVER),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

fn resources(blueprint: &Blueprint<'_>) -> ResourceRequirements {
    let default = pods::resources(
        &[("cpu", "100m"), ("memory", "256Mi")],
        &[("cpu", "1"), ("memory", "512Mi")],
    );
    pods::resources_or(blueprint.serving.template.as_ref(), default)
}

fn fetch(blueprint: &Blueprint<'_>, bundles: &[ModelReference]) -> Container {
    let mut arguments = vec!["fetch".to_owned(), format!("--into={BUNDLES_DIRECTORY}")];
    arguments.extend(
        bundles
            .iter()
            .map(|bundle| format!("--bundle={}#sha256={}", bundle.uri, bundle.sha256)),
    );
    arguments.push(format!("--required=$({REQUIRED_VARIABLE})"));
    let mut environment: Vec<_> = blueprint
        .storage
        .environment()
        .into_iter()
        .filter(|variable| variable.name != "SEARCHOP_STORE")
        .collect();
    environment.push(of_plan(blueprint, REQUIRED_VARIABLE, REQUIRED, None));
    environment.push(of_plan(blueprint, AWAITED_VARIABLE, AWAITED, Some(true)));
    let mut mounts = vec![
        pods::mount("bundles", BUNDLES_DIRECTORY, false),
        pods::mount("scratch", "/tmp", false),
    ];
    mounts.extend(blueprint.storage.mount());
    Container {
        name: FETCH.to_owned(),
        image: Some(blueprint.settings.server_image.clone()),
        args: Some(arguments),
        env: Some(environment),
        volume_mounts: Some(mounts),
        resources: Some(resources(blueprint)),
        security_context: Some(pods::container_security()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

/// A variable with what the plan's ConfigMap says under the key when the pod starts.
fn of_plan(
    blueprint: &Blueprint<'_>,
    variable: &str,
    key: &str,
    is_optional: Option<bool>,
) -> EnvVar {
    EnvVar {
        name: variable.to_owned(),
        value_from: Some(EnvVarSource {
            config_map_key_ref: Some(ConfigMapKeySelector {
                name: names::plan(blueprint.name),
                key: key.to_owned(),
                optional: is_optional,
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    }
}

fn server(blueprint: &Blueprint<'_>, bundles: &[ModelReference]) -> Container {
    let mut arguments = vec![
        "serve".to_owned(),
        format!("--bundles-directory={BUNDLES_DIRECTORY}"),
        format!("--plan={PLAN_DIRECTORY}/{PLAN_FILE}"),
        format!("--port={API_PORT}"),
        format!("--admin-port={ADMIN_PORT}"),
    ];
    arguments.extend(
        bundles
            .iter()
            .map(|bundle| format!("--bundle={}", bundle.sha256)),
    );
    Container {
        name: SERVER.to_owned(),
        image: Some(blueprint.settings.server_image.clone()),
        args: Some(arguments),
        ports: Some(vec![
            container_port("http", API_PORT),
            container_port("admin", ADMIN_PORT),
        ]),
        volume_mounts: Some(vec![
            pods::mount("bundles", BUNDLES_DIRECTORY, true),
            pods::mount("scratch", "/tmp", false),
            pods::mount("plan", PLAN_DIRECTORY, true),
        ]),
        // Every second until the first success, so that a server takes traffic as soon as it can. A server that has
        // loaded what it can has started, whether or not that is enough to be ready.
        startup_probe: Some(probe("/startupz", 1, STARTUP_SECONDS)),
        readiness_probe: Some(probe("/readyz", 2, 2)),
        liveness_probe: Some(probe("/livez", 10, 3)),
        resources: Some(resources(blueprint)),
        security_context: Some(pods::container_security()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

fn container_port(name: &str, number: i32) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

fn probe(path: &str, period_seconds: i32, failure_threshold: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("admin".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        failure_threshold: Some(failure_threshold),
        timeout_seconds: Some(2),
        ..Probe::default()
    }
}

/// The plan alone: the file changes under a running server, so it is mounted as a directory.
fn plan_volume(blueprint: &Blueprint<'_>) -> Volume {
    Volume {
        name: "plan".to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: names::plan(blueprint.name),
            items: Some(vec![KeyToPath {
                key: PLAN_FILE.to_owned(),
                path: PLAN_FILE.to_owned(),
                mode: None,
            }]),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Spread over nodes, each template for itself, and rather crowded than pending.
fn spread(blueprint: &Blueprint<'_>) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(blueprint.pods()),
        match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
        ..TopologySpreadConstraint::default()
    }
}
