//! The NetworkPolicy of the ranking pods: clients reach the API, the operator and monitoring the admin port; the pods reach
//! DNS and the store. Everything else is closed, where the cluster's network enforces policies.

use super::{ADMIN_PORT, API_PORT, Blueprint};
use crate::storage::Identity;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

/// Namespaces with this label may read metrics, as in the policies that kubebuilder generates.
const METRICS_READER: (&str, &str) = ("metrics", "enabled");
/// Where EKS Pod Identity hands out credentials.
const POD_IDENTITY: [&str; 2] = ["169.254.170.23/32", "fd00:ec2::23/128"];

pub(super) fn build(blueprint: &Blueprint<'_>) -> NetworkPolicy {
    NetworkPolicy {
        metadata: blueprint.metadata(),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(blueprint.pods()),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ingress: Some(vec![
                // From anywhere: a request through a node port or a load balancer comes from no pod.
                NetworkPolicyIngressRule {
                    from: None,
                    ports: Some(vec![port("TCP", API_PORT)]),
                },
                NetworkPolicyIngressRule {
                    from: Some(vec![
                        namespace(
                            "kubernetes.io/metadata.name",
                            &blueprint.settings.pod_namespace,
                        ),
                        namespace(METRICS_READER.0, METRICS_READER.1),
                    ]),
                    ports: Some(vec![port("TCP", ADMIN_PORT)]),
                },
            ]),
            egress: Some(egress(blueprint)),
        }),
    }
}

fn egress(blueprint: &Blueprint<'_>) -> Vec<NetworkPolicyEgressRule> {
    let dns = NetworkPolicyEgressRule {
        to: None,
        ports: Some(vec![port("UDP", 53), port("TCP", 53)]),
    };
    let store_port = store_port(blueprint.storage.endpoint.as_deref());
    // Web identity is exchanged for keys at AWS' STS.
    let ports = match blueprint.storage.identity {
        Identity::Secret(_) => vec![store_port],
        Identity::ServiceAccount(_) | Identity::Ambient if store_port == 443 => vec![443],
        Identity::ServiceAccount(_) | Identity::Ambient => vec![store_port, 443],
    };
    let store = NetworkPolicyEgressRule {
        to: None,
        ports: Some(
            ports
                .into_iter()
                .map(|number| port("TCP", number))
                .collect(),
        ),
    };
    let agent = NetworkPolicyEgressRule {
        to: Some(POD_IDENTITY.map(block).to_vec()),
        ports: Some(vec![port("TCP", 80)]),
    };
    match blueprint.storage.identity {
        Identity::Secret(_) => vec![dns, store],
        Identity::ServiceAccount(_) | Identity::Ambient => vec![dns, store, agent],
    }
}

/// The port in the endpoint's URL, or that of its scheme.
fn store_port(endpoint: Option<&str>) -> i32 {
    let Some(endpoint) = endpoint else { return 443 };
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let authority = rest.split('/').next().unwrap_or_default();
    let given = authority
        .rsplit_once(':')
        .and_then(|(_, number)| number.parse().ok());
    given.unwrap_or(if scheme == "http" { 80 } else { 443 })
}

fn port(protocol: &str, number: i32) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(number)),
        end_port: None,
    }
}

fn namespace(key: &str, value: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector {
            match_labels: Some(BTreeMap::from([(key.to_owned(), value.to_owned())])),
            match_expressions: None,
        }),
        ..NetworkPolicyPeer::default()
    }
}

fn block(cidr: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        ip_block: Some(IPBlock {
            cidr: cidr.to_owned(),
            except: None,
        }),
        ..NetworkPolicyPeer::default()
    }
}
