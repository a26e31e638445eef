//! The children of a RankingModel, one file for each. Pure and infallible: what they shall be is decided before, and writing
//! them is `apply`. Namespace and owner reference are added there.

mod autoscaler;
mod deployment;
mod disruption_budget;
pub(crate) mod network_policy;
mod plan;
mod service;
mod service_account;

use crate::settings::Settings;
use crate::storage::{self, Storage};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use searchop_crds::labels::{self, Component};
use searchop_crds::{AutoscalingMode, ModelReference, RankingModel, Serving, StorageSpec, names};

use super::plan::TrafficPlan;

/// Port of the API.
pub(crate) const API_PORT: i32 = 8080;
/// Port of probes, metrics and tracks.
pub(crate) const ADMIN_PORT: i32 = crate::pod_http::ADMIN_PORT as i32;

/// What children are built from: the owner's name and spec, and the operator's settings.
pub(crate) struct Blueprint<'a> {
    name: &'a str,
    serving: &'a Serving,
    storage: Storage,
    /// The port of the store's pods, where the endpoint is a Service of the cluster.
    store_target: Option<IntOrString>,
    settings: &'a Settings,
}

/// Every child as it shall be. `None`: it shall not be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Children {
    pub(crate) service_account: Option<ServiceAccount>,
    pub(crate) plan: ConfigMap,
    pub(crate) service: Service,
    pub(crate) network_policy: NetworkPolicy,
    pub(crate) disruption_budget: Option<PodDisruptionBudget>,
    pub(crate) deployment: Deployment,
    pub(crate) autoscaler: Option<HorizontalPodAutoscaler>,
}

impl<'a> Blueprint<'a> {
    pub(crate) fn new(name: &'a str, model: &'a RankingModel, settings: &'a Settings) -> Self {
        Self {
            name,
            serving: &model.spec.serving,
            storage: connection(model, settings),
            store_target: None,
            settings,
        }
    }

    /// The same for a store whose Service leads to this port of its pods.
    pub(crate) fn leading_to(self, store_target: Option<IntOrString>) -> Self {
        Self {
            store_target,
            ..self
        }
    }

    /// The URL of the store; `None` is AWS.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.storage.endpoint.as_deref()
    }

    /// Digest of the pod template with these bundles.
    pub(crate) fn template_digest(&self, bundles: &[ModelReference]) -> String {
        deployment::template_digest(self, bundles)
    }

    /// Every child. `plan` gives one of `bundles` all traffic, and new servers wait for those of them in `awaited`.
    pub(crate) fn children(
        &self,
        bundles: &[ModelReference],
        plan: &TrafficPlan,
        awaited: &[String],
    ) -> Children {
        let is_managed = self.serving.autoscaling.mode == AutoscalingMode::Managed;
        Children {
            service_account: self
                .storage
                .service_account()
                .is_none()
                .then(|| service_account::build(self)),
            plan: plan::build(self, plan, awaited),
            service: service::build(self),
            network_policy: network_policy::build(self),
            disruption_budget: (self.fewest() > 1).then(|| disruption_budget::build(self)),
            deployment: deployment::build(self, bundles),
            autoscaler: is_managed.then(|| autoscaler::build(self)),
        }
    }

    /// Fewest servers that there shall be.
    fn fewest(&self) -> i32 {
        match self.serving.autoscaling.mode {
            AutoscalingMode::Fixed => self.serving.replicas,
            AutoscalingMode::Managed | AutoscalingMode::External => {
                self.serving.autoscaling.min_replicas
            }
        }
    }

    fn metadata(&self) -> ObjectMeta {
        ObjectMeta {
            name: Some(names::serving(self.name)),
            labels: Some(labels::child(self.name, Component::Ranking)),
            ..ObjectMeta::default()
        }
    }

    fn pods(&self) -> LabelSelector {
        LabelSelector {
            match_labels: Some(labels::selector(self.name, Component::Ranking)),
            match_expressions: None,
        }
    }
}

/// How to reach the store. Where that is does not matter: each bundle's URI says it in full, so servers are not restarted
/// when the default store moves.
fn connection(model: &RankingModel, settings: &Settings) -> Storage {
    let spec = StorageSpec {
        uri: Some("s3://unused".to_owned()),
        access: model.spec.storage.clone().unwrap_or_default(),
    };
    storage::resolve(Some(&spec), settings).expect("the store is given")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pods;
    use crate::ranking_model::observed::{DeploymentView, TEMPLATE};
    use searchop_crds::{Autoscaling, ModelSource, RankingModelSpec};

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn model() -> RankingModel {
        RankingModel::new(
            "storefront",
            RankingModelSpec {
                model: ModelSource::default(),
                serving: Serving::default(),
                storage: None,
            },
        )
    }

    fn bundle(sha256: &str) -> ModelReference {
        ModelReference {
            name: "any".to_owned(),
            sha256: sha256.to_owned(),
            uri: format!("s3://searchop/artifacts/{sha256}"),
            ndcg_at_10: None,
        }
    }

    fn built(model: &RankingModel, settings: &Settings) -> Children {
        Blueprint::new("storefront", model, settings).children(
            &[bundle(A), bundle(B)],
            &TrafficPlan::sole(1, A, "uid"),
            &[A.to_owned()],
        )
    }

    #[test]
    fn pods_meet_the_restricted_standard() {
        let children = built(&model(), &Settings::example());
        let spec = children
            .deployment
            .spec
            .expect("a spec")
            .template
            .spec
            .expect("a pod");
        assert_eq!(pods::violations(&spec), Vec::<String>::new());
    }

    #[test]
    fn only_the_fetch_step_has_the_stores_credentials() {
        let children = built(&model(), &Settings::example());
        let template = children.deployment.spec.expect("a spec").template;
        let skipped = template
            .metadata
            .and_then(|metadata| metadata.annotations)
            .expect("annotations");
        assert_eq!(skipped["eks.amazonaws.com/skip-containers"], "server");
        let pod = template.spec.expect("a pod");
        let fetch = serde_json::to_string(&pod.init_containers).expect("JSON");
        let server = serde_json::to_string(&pod.containers).expect("JSON");
        assert!(fetch.contains("/var/run/secrets/searchop/storage"));
        assert!(
            !server.contains("secrets") && !server.contains("SEARCHOP_S3"),
            "{server}"
        );
    }

    #[test]
    fn a_new_pod_learns_from_the_plan_what_it_waits_for() {
        let children = built(&model(), &Settings::example());
        let data = children.plan.data.expect("data");
        assert_eq!(
            (data["awaited"].as_str(), data["required"].as_str()),
            (A, A)
        );
        let pod = children.deployment.spec.and_then(|spec| spec.template.spec);
        let fetch = serde_json::to_value(&pod.expect("a pod").init_containers).expect("JSON");
        let variables = fetch[0]["env"].as_array().expect("variables");
        let awaited = variables
            .iter()
            .find(|variable| variable["name"] == "SEARCHOP_AWAITED")
            .expect("the variable");
        let source = &awaited["valueFrom"]["configMapKeyRef"];
        assert_eq!(source["name"], "storefront-ranking-plan");
        assert_eq!(source["key"], "awaited");
        assert_eq!(source["optional"], true);
    }

    #[test]
    fn the_template_does_not_depend_on_who_is_stable() {
        let settings = Settings::example();
        let model = model();
        let blueprint = Blueprint::new("storefront", &model, &settings);
        let both = [A.to_owned(), B.to_owned()];
        let bundles = [bundle(A), bundle(B)];
        let before = blueprint.children(&bundles, &TrafficPlan::sole(1, A, "uid"), &both);
        let after = blueprint.children(&bundles, &TrafficPlan::sole(2, B, "uid"), &both[1..]);
        assert_eq!(before.deployment, after.deployment);
        assert_ne!(before.plan, after.plan);
    }

    #[test]
    fn the_deployment_is_read_back_as_it_was_built() {
        let settings = Settings::example();
        let model = model();
        let blueprint = Blueprint::new("storefront", &model, &settings);
        let bundles = [bundle(A), bundle(B)];
        let built = blueprint.children(&bundles, &TrafficPlan::sole(1, A, "uid"), &[]);
        let read = DeploymentView::read(&built.deployment);
        assert_eq!(read.template, Some(blueprint.template_digest(&bundles)));
        assert_ne!(
            read.template,
            Some(blueprint.template_digest(&bundles[..1]))
        );
        assert_eq!(read.bundles.get(B), Some(&bundles[1].uri));
        assert_eq!(read.bundles.len(), 2);
        assert_eq!(
            built.deployment.spec.map(|spec| spec.replicas),
            Some(None),
            "the replica count is another manager's"
        );
    }

    #[test]
    fn the_template_is_marked_with_its_digest_and_names_no_sequence() {
        let children = built(&model(), &Settings::example());
        let text = serde_json::to_string(&children.deployment).expect("JSON");
        assert!(
            text.contains(TEMPLATE) && !text.contains("sequence"),
            "{text}"
        );
    }

    #[test]
    fn the_autoscaler_is_there_only_where_it_is_ours() {
        let mut model = model();
        for (mode, replicas, is_there, has_budget) in [
            (AutoscalingMode::Managed, 1, true, true),
            (AutoscalingMode::External, 1, false, true),
            (AutoscalingMode::Fixed, 1, false, false),
            (AutoscalingMode::Fixed, 3, false, true),
        ] {
            model.spec.serving.replicas = replicas;
            model.spec.serving.autoscaling = Autoscaling {
                mode,
                ..Autoscaling::default()
            };
            let children = built(&model, &Settings::example());
            assert_eq!(children.autoscaler.is_some(), is_there, "{mode:?}");
            assert_eq!(
                children.disruption_budget.is_some(),
                has_budget,
                "{mode:?} with {replicas}"
            );
        }
    }

    #[test]
    fn workload_identity_uses_the_users_account() {
        let mut settings = Settings::example();
        settings.default_credentials_secret = None;
        settings.default_service_account = Some("ranking-reader".to_owned());
        let children = built(&model(), &settings);
        assert_eq!(children.service_account, None);
        let pod = children
            .deployment
            .spec
            .and_then(|spec| spec.template.spec)
            .expect("a pod");
        assert_eq!(pod.service_account_name.as_deref(), Some("ranking-reader"));
    }

    #[test]
    fn the_network_policy_opens_the_stores_port() {
        let mut settings = Settings::example();
        for (endpoint, port) in [
            (Some("http://store.searchop-storage:9000"), 9000),
            (Some("https://store.example"), 443),
            (Some("http://store.example"), 80),
            (None, 443),
        ] {
            settings.default_s3_endpoint = endpoint.map(str::to_owned);
            let policy =
                serde_json::to_value(built(&model(), &settings).network_policy).expect("JSON");
            assert_eq!(
                policy["spec"]["egress"][1]["ports"][0]["port"], port,
                "{endpoint:?}"
            );
        }
    }

    #[test]
    fn the_network_policy_opens_the_port_that_the_stores_service_leads_to() {
        let (settings, model) = (Settings::example(), model());
        let ports = |target: Option<IntOrString>| {
            let blueprint = Blueprint::new("storefront", &model, &settings).leading_to(target);
            let policy = blueprint
                .children(&[bundle(A)], &TrafficPlan::sole(1, A, ""), &[])
                .network_policy;
            let policy = serde_json::to_value(policy).expect("JSON");
            let ports = policy["spec"]["egress"][1]["ports"].as_array().cloned();
            let ports = ports.unwrap_or_default();
            ports
                .iter()
                .map(|port| port["port"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ports(None), [9000]);
        assert_eq!(ports(Some(IntOrString::Int(9000))), [9000]);
        assert_eq!(ports(Some(IntOrString::Int(7070))), [9000, 7070]);
        let named = ports(Some(IntOrString::String("s3".to_owned())));
        assert_eq!(named, [serde_json::json!(9000), serde_json::json!("s3")]);
    }

    #[test]
    fn every_child_fits_its_name() {
        let settings = Settings::example();
        let model = model();
        let longest = "n".repeat(names::LONGEST_OWNER);
        let children = Blueprint::new(&longest, &model, &settings).children(
            &[bundle(A)],
            &TrafficPlan::sole(1, A, ""),
            &[],
        );
        let name = children.plan.metadata.name.expect("a name");
        assert!(name.len() <= 63, "{name}");
    }
}
