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
    let mut ports = vec![IntOrString::Int(store_port(blueprint.endpoint()))];
    // A policy sees a connection to a Service as one to the pod that it leads to.
    ports.extend(blueprint.store_target.clone());
    // Web identity is exchanged for keys at AWS' STS.
    match blueprint.storage.identity {
        Identity::Secret(_) => {}
        Identity::ServiceAccount(_) | Identity::Ambient => ports.push(IntOrString::Int(443)),
    }
    let mut unique = Vec::new();
    for port in ports {
        if !unique.contains(&port) {
            unique.push(port);
        }
    }
    let store = NetworkPolicyEgressRule {
        to: None,
        ports: Some(unique.into_iter().map(tcp).collect()),
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

/// Name and namespace of the Service that the endpoint may be, for pods of `namespace`. Whether it is one is to be looked up.
pub(crate) fn service_of(endpoint: &str, namespace: &str) -> Option<(String, String)> {
    let (_, rest) = endpoint.split_once("://")?;
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    if host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    match host.split('.').collect::<Vec<_>>().as_slice() {
        [name] => Some(((*name).to_owned(), namespace.to_owned())),
        [name, namespace] | [name, namespace, "svc", ..] => {
            Some(((*name).to_owned(), (*namespace).to_owned()))
        }
        _ => None,
    }
}

/// The port in the endpoint's URL, or that of its scheme.
pub(crate) fn store_port(endpoint: Option<&str>) -> i32 {
    let Some(endpoint) = endpoint else { return 443 };
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let authority = rest.split('/').next().unwrap_or_default();
    let given = authority
        .rsplit_once(':')
        .and_then(|(_, number)| number.parse().ok());
    given.unwrap_or(if scheme == "http" { 80 } else { 443 })
}

fn tcp(port: IntOrString) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some("TCP".to_owned()),
        port: Some(port),
        end_port: None,
    }
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

#[cfg(test)]
mod tests {
    use super::service_of;

    #[test]
    fn an_endpoint_may_be_a_service_of_the_cluster() {
        for (endpoint, service) in [
            ("http://minio:9000", Some(("minio", "demo"))),
            ("http://minio.storage", Some(("minio", "storage"))),
            ("http://minio.storage.svc:80", Some(("minio", "storage"))),
            (
                "http://minio.storage.svc.cluster.local:80/",
                Some(("minio", "storage")),
            ),
            ("https://s3.eu-central-1.amazonaws.com", None),
            ("http://10.0.0.1:9000", None),
            ("nonsense", None),
        ] {
            let found = service_of(endpoint, "demo");
            let wanted = service.map(|(name, namespace)| (name.to_owned(), namespace.to_owned()));
            assert_eq!(found, wanted, "{endpoint}");
        }
    }
}
