//! Builds Jobs and their ServiceAccount. Pure and infallible.

use crate::job::execute::Start;
use crate::owner::Owner;
use crate::pod_http::ADMIN_PORT;
use crate::pods;
use crate::settings::Settings;
use crate::storage::Storage;
use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, PodSpec, PodTemplateSpec, ResourceRequirements,
    ServiceAccount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use searchop_crds::labels::{self, Component};
use searchop_crds::{PodTemplate, names};

/// Longest time that a Job may take in seconds, a bound for what hangs.
const DEADLINE_SECONDS: i64 = 24 * 3_600;
/// Seconds that a Job's program has to end by itself.
const GRACE_SECONDS: i64 = 10;
/// Where the program writes its result: the kubelet's termination message.
const RESULT_FILE: &str = "/dev/termination-log";
/// Most scratch space of a Job.
const SCRATCH: &str = "20Gi";

/// What a Job runs.
#[derive(Clone, Debug)]
pub struct Work<'a> {
    /// What the Job does.
    pub component: Component,
    /// What the owner's Jobs do when they do not purge: their ServiceAccount is named after it.
    pub account: Component,
    /// The Job's number.
    pub attempt: i32,
    /// The trainer's image.
    pub image: &'a str,
    /// The trainer's arguments, the subcommand first.
    pub arguments: Vec<String>,
    /// The store.
    pub storage: &'a Storage,
    /// The user's size and place.
    pub template: Option<&'a PodTemplate>,
    /// The size if the user gives none.
    pub resources: ResourceRequirements,
}

/// The ServiceAccount of the owner's Jobs: no rights and no API token. `None` if the storage names one with an identity.
#[must_use]
pub fn service_account(
    owner: &Owner,
    account: Component,
    storage: &Storage,
) -> Option<ServiceAccount> {
    if storage.service_account().is_some() {
        return None;
    }
    Some(ServiceAccount {
        metadata: ObjectMeta {
            name: Some(names::job_service_account(&owner.name, account)),
            labels: Some(labels::child(&owner.name, account)),
            ..ObjectMeta::default()
        },
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    })
}

/// The Job of one attempt. It runs one pod once: trying again is the operator's to decide.
#[must_use]
pub fn job(owner: &Owner, work: &Work<'_>) -> Job {
    let labels = labels::child(&owner.name, work.component);
    Job {
        metadata: ObjectMeta {
            name: Some(names::job(&owner.name, work.component, work.attempt)),
            labels: Some(labels.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            active_deadline_seconds: Some(DEADLINE_SECONDS),
            pod_failure_policy: Some(PodFailurePolicy {
                // An evicted pod ends the Job at once and by name, so that it is not taken for the program's failure.
                rules: vec![PodFailurePolicyRule {
                    action: "FailJob".to_owned(),
                    on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
                        type_: "DisruptionTarget".to_owned(),
                        status: Some("True".to_owned()),
                    }]),
                    on_exit_codes: None,
                }],
            }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod(owner, work)),
            },
            ..JobSpec::default()
        }),
        status: None,
    }
}

fn pod(owner: &Owner, work: &Work<'_>) -> PodSpec {
    let own_account = names::job_service_account(&owner.name, work.account);
    let account = work.storage.service_account().unwrap_or(&own_account);
    let mut volumes = vec![
        pods::scratch("work", Some(SCRATCH)),
        pods::scratch("tmp", Some("1Gi")),
    ];
    volumes.extend(work.storage.volume());
    PodSpec {
        restart_policy: Some("Never".to_owned()),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        volumes: Some(volumes),
        containers: vec![container(work)],
        ..pods::base(work.template, account)
    }
}

fn container(work: &Work<'_>) -> Container {
    let variable = |name: &str, value: String| EnvVar {
        name: name.to_owned(),
        value: Some(value),
        value_from: None,
    };
    let mut environment = work.storage.environment();
    environment.extend([
        variable("SEARCHOP_RESULT_FILE", RESULT_FILE.to_owned()),
        variable("SEARCHOP_PROGRESS_PORT", ADMIN_PORT.to_string()),
        variable("SEARCHOP_WORK_DIRECTORY", "/work".to_owned()),
    ]);
    let mut mounts = vec![
        pods::mount("work", "/work", false),
        pods::mount("tmp", "/tmp", false),
    ];
    mounts.extend(work.storage.mount());
    Container {
        name: "trainer".to_owned(),
        image: Some(work.image.to_owned()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        args: Some(work.arguments.clone()),
        env: Some(environment),
        ports: Some(vec![ContainerPort {
            name: Some("admin".to_owned()),
            container_port: i32::from(ADMIN_PORT),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        resources: Some(pods::resources_or(work.template, work.resources.clone())),
        security_context: Some(pods::container_security()),
        termination_message_path: Some(RESULT_FILE.to_owned()),
        // The log's tail is no result: a missing message means that the program crashed.
        termination_message_policy: Some("File".to_owned()),
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}

/// A Job with its account.
#[must_use]
pub fn start(owner: &Owner, work: &Work<'_>) -> Box<Start> {
    Box::new(Start {
        service_account: service_account(owner, work.account, work.storage),
        job: job(owner, work),
    })
}

/// The Job that deletes from the store what only this owner refers to. Of the user's template only the place is kept: it
/// needs less than the work did.
#[must_use]
pub fn purge(
    owner: &Owner,
    account: Component,
    template: Option<&PodTemplate>,
    attempt: i32,
    storage: &Storage,
    settings: &Settings,
) -> Box<Start> {
    let template = template.map(|template| PodTemplate {
        resources: None,
        ..template.clone()
    });
    let work = Work {
        component: Component::Purge,
        account,
        attempt,
        image: &settings.trainer_image,
        arguments: vec!["purge".to_owned(), format!("--owner={}", owner.in_store())],
        storage,
        template: template.as_ref(),
        resources: pods::resources(
            &[("cpu", "50m"), ("memory", "64Mi")],
            &[("cpu", "1"), ("memory", "256Mi")],
        ),
    };
    start(owner, &work)
}
