//! Built Jobs: restricted, without an API token, and run once.

use super::owner;
use crate::job::build::{self, Work};
use crate::pods;
use crate::settings::Settings;
use crate::storage;
use searchop_crds::labels::Component;
use searchop_crds::{Credentials, PodTemplate, StorageSpec, StoreAccess};
use serde_json::json;

fn work<'a>(storage: &'a storage::Storage, template: Option<&'a PodTemplate>) -> Work<'a> {
    Work {
        component: Component::Generate,
        account: Component::Generate,
        attempt: 3,
        image: "searchop/trainer:test",
        arguments: vec!["generate".to_owned()],
        storage,
        template,
        resources: pods::resources(&[("cpu", "1")], &[("memory", "1Gi")]),
    }
}

#[test]
fn a_job_meets_the_restricted_standard_whatever_the_template_says() {
    let storage = storage::resolve(None, &Settings::example()).expect("a store");
    let template: PodTemplate = serde_json::from_value(json!({
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"operator": "Exists"}],
        "imagePullSecrets": [{"name": "registry"}],
    }))
    .expect("a template");
    for template in [None, Some(&template)] {
        let spec = build::job(&owner(), &work(&storage, template))
            .spec
            .expect("a spec");
        let pod = spec.template.spec.expect("a pod");
        assert_eq!(pods::violations(&pod), Vec::<String>::new());
        assert_eq!(pod.restart_policy.as_deref(), Some("Never"));
        assert_eq!(
            (spec.backoff_limit, spec.ttl_seconds_after_finished),
            (Some(0), None)
        );
        assert_eq!(
            pod.containers[0].termination_message_policy.as_deref(),
            Some("File")
        );
    }
}

#[test]
fn a_job_is_named_labelled_and_accounted_by_its_owner() {
    let storage = storage::resolve(None, &Settings::example()).expect("a store");
    let start = build::start(&owner(), &work(&storage, None));
    assert_eq!(start.job.metadata.name.as_deref(), Some("shop-generate-3"));
    let account = start.service_account.expect("an account of its own");
    assert_eq!(account.metadata.name.as_deref(), Some("shop-generate"));
    assert_eq!(account.automount_service_account_token, Some(false));
    let labels = start.job.metadata.labels.expect("labels");
    assert_eq!(labels["app.kubernetes.io/instance"], "shop");
    assert_eq!(labels["app.kubernetes.io/managed-by"], "searchop-operator");
}

#[test]
fn workload_identity_takes_the_user_s_account_and_makes_none() {
    let spec = StorageSpec {
        uri: None,
        access: StoreAccess {
            credentials: Some(Credentials {
                secret_name: None,
                service_account_name: Some("trainer".to_owned()),
            }),
            ..StoreAccess::default()
        },
    };
    let storage = storage::resolve(Some(&spec), &Settings::example()).expect("a store");
    let start = build::start(&owner(), &work(&storage, None));
    assert_eq!(start.service_account, None);
    let pod = start
        .job
        .spec
        .and_then(|spec| spec.template.spec)
        .expect("a pod");
    assert_eq!(pod.service_account_name.as_deref(), Some("trainer"));
}

#[test]
fn no_secret_stands_in_a_job() {
    let storage = storage::resolve(None, &Settings::example()).expect("a store");
    let text = serde_json::to_string(&build::job(&owner(), &work(&storage, None))).expect("JSON");
    for word in ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "valueFrom"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn a_purge_names_its_owner_in_the_store_and_ignores_the_template_s_size() {
    let storage = storage::resolve(None, &Settings::example()).expect("a store");
    let template: PodTemplate =
        serde_json::from_value(json!({"resources": {"requests": {"cpu": "64"}}}))
            .expect("a template");
    let start = build::purge(
        &owner(),
        Component::Generate,
        Some(&template),
        1,
        &storage,
        &Settings::example(),
    );
    let pod = start
        .job
        .spec
        .and_then(|spec| spec.template.spec)
        .expect("a pod");
    let container = &pod.containers[0];
    assert_eq!(
        container.args.as_deref(),
        Some(
            [
                "purge".to_owned(),
                "--owner=demodataset.demo.shop.u-1".to_owned()
            ]
            .as_slice()
        )
    );
    let requests = container
        .resources
        .as_ref()
        .and_then(|resources| resources.requests.as_ref());
    assert_eq!(
        requests.map(|requests| requests["cpu"].0.as_str()),
        Some("50m")
    );
    assert_eq!(pods::violations(&pod), Vec::<String>::new());
}
