//! The ConfigMap with the traffic plan, which servers mount and follow live.

use super::Blueprint;
use crate::ranking_model::plan::{AWAITED, TrafficPlan};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use searchop_crds::names;

pub(super) fn build(
    blueprint: &Blueprint<'_>,
    plan: &TrafficPlan,
    awaited: &[String],
) -> ConfigMap {
    let mut data = plan.data();
    data.insert(AWAITED.to_owned(), awaited.join(","));
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(names::plan(blueprint.name)),
            ..blueprint.metadata()
        },
        data: Some(data),
        ..ConfigMap::default()
    }
}
