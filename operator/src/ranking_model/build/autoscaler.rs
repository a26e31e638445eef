//! The HorizontalPodAutoscaler of the mode `Managed`.

use super::Blueprint;
use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricTarget, ResourceMetricSource,
};
use searchop_crds::names;

/// Percent of the requested CPU to scale on, where the spec names no metric.
const DEFAULT_CPU_PERCENT: i32 = 70;

pub(super) fn build(blueprint: &Blueprint<'_>) -> HorizontalPodAutoscaler {
    let autoscaling = &blueprint.serving.autoscaling;
    let metrics = match autoscaling.metrics.as_slice() {
        [] => vec![default_metric()],
        given => given.to_vec(),
    };
    HorizontalPodAutoscaler {
        metadata: blueprint.metadata(),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: names::serving(blueprint.name),
            },
            min_replicas: Some(autoscaling.min_replicas),
            max_replicas: autoscaling.max_replicas,
            metrics: Some(metrics),
            behavior: autoscaling.behavior.clone(),
        }),
        status: None,
    }
}

fn default_metric() -> MetricSpec {
    MetricSpec {
        type_: "Resource".to_owned(),
        resource: Some(ResourceMetricSource {
            name: "cpu".to_owned(),
            target: MetricTarget {
                type_: "Utilization".to_owned(),
                average_utilization: Some(DEFAULT_CPU_PERCENT),
                ..MetricTarget::default()
            },
        }),
        ..MetricSpec::default()
    }
}
