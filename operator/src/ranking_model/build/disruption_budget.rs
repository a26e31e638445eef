//! The PodDisruptionBudget: drains take one server at a time, and pods that serve nobody never block one.

use super::Blueprint;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

pub(super) fn build(blueprint: &Blueprint<'_>) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: blueprint.metadata(),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            min_available: None,
            selector: Some(blueprint.pods()),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
        }),
        status: None,
    }
}
