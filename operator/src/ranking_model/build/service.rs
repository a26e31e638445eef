//! The Service that clients send requests to. The admin port is not part of it.

use super::{API_PORT, Blueprint};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use searchop_crds::labels::{self, Component};

pub(super) fn build(blueprint: &Blueprint<'_>) -> Service {
    Service {
        metadata: blueprint.metadata(),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selector(blueprint.name, Component::Ranking)),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                app_protocol: Some("http".to_owned()),
                port: API_PORT,
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String("http".to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
