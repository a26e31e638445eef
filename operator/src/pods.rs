//! What all pods of SearchOp have in common: the restricted Pod Security Standard, scratch space, size and place. Pure.

use k8s_openapi::api::core::v1::{
    Capabilities, EmptyDirVolumeSource, PodSecurityContext, PodSpec, ResourceRequirements,
    SeccompProfile, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use searchop_crds::PodTemplate;

/// User and group of every container.
const USER: i64 = 65_532;

/// Security settings of a pod.
#[must_use]
pub fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        fs_group: Some(USER),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

/// Security settings of a container: no privileges, and nothing to write but what is mounted.
#[must_use]
pub fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        ..SecurityContext::default()
    }
}

/// A scratch volume, of at most `size_limit` such as `2Gi`.
#[must_use]
pub fn scratch(name: &str, size_limit: Option<&str>) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: None,
            size_limit: size_limit.map(|size| Quantity(size.to_owned())),
        }),
        ..Volume::default()
    }
}

/// The mount of the volume `name` at `path`.
#[must_use]
pub fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

/// Requests and limits from pairs such as `("cpu", "100m")`.
#[must_use]
pub fn resources(requests: &[(&str, &str)], limits: &[(&str, &str)]) -> ResourceRequirements {
    let quantities = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, amount)| ((*name).to_owned(), Quantity((*amount).to_owned())))
            .collect()
    };
    ResourceRequirements {
        requests: Some(quantities(requests)),
        limits: Some(quantities(limits)),
        claims: None,
    }
}

/// The user's resources where they are given, else the defaults.
#[must_use]
pub fn resources_or(
    template: Option<&PodTemplate>,
    default: ResourceRequirements,
) -> ResourceRequirements {
    template
        .and_then(|template| template.resources.clone())
        .unwrap_or(default)
}

/// A pod as every pod of SearchOp is: no API token, restricted, and placed as the user says.
#[must_use]
pub fn base(template: Option<&PodTemplate>, service_account: &str) -> PodSpec {
    let place = template.cloned().unwrap_or_default();
    PodSpec {
        service_account_name: Some(service_account.to_owned()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(pod_security()),
        node_selector: (!place.node_selector.is_empty()).then_some(place.node_selector),
        tolerations: (!place.tolerations.is_empty()).then_some(place.tolerations),
        image_pull_secrets: (!place.image_pull_secrets.is_empty())
            .then_some(place.image_pull_secrets),
        ..PodSpec::default()
    }
}

/// What in a pod breaks the restricted Pod Security Standard, or what SearchOp adds to it: an empty list when nothing does.
/// Tests hold every built pod against it.
#[must_use]
pub fn violations(pod: &PodSpec) -> Vec<String> {
    let mut found = Vec::new();
    let mut need = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    let security = pod.security_context.clone().unwrap_or_default();
    need(
        security.run_as_non_root == Some(true),
        "pod may run as root".to_owned(),
    );
    need(
        security.run_as_user.is_some_and(|user| user > 0),
        "pod's user is root or open".to_owned(),
    );
    need(
        security
            .seccomp_profile
            .is_some_and(|profile| profile.type_ == "RuntimeDefault"),
        "pod has no seccomp profile".to_owned(),
    );
    need(
        pod.automount_service_account_token == Some(false),
        "pod has an API token".to_owned(),
    );
    let shares_host = [pod.host_network, pod.host_pid, pod.host_ipc].contains(&Some(true));
    need(
        !shares_host,
        "pod shares a namespace with its node".to_owned(),
    );
    for volume in pod.volumes.iter().flatten() {
        let allowed = volume.config_map.is_some()
            || volume.secret.is_some()
            || volume.empty_dir.is_some()
            || volume.projected.is_some()
            || volume.downward_api.is_some();
        need(
            allowed,
            format!("volume {} is of a kind that is not allowed", volume.name),
        );
    }
    for container in pod
        .containers
        .iter()
        .chain(pod.init_containers.iter().flatten())
    {
        let name = &container.name;
        let security = container.security_context.clone().unwrap_or_default();
        need(
            security.allow_privilege_escalation == Some(false),
            format!("{name} may gain privileges"),
        );
        need(
            security.read_only_root_filesystem == Some(true),
            format!("{name} may write its image"),
        );
        need(
            security.privileged != Some(true),
            format!("{name} is privileged"),
        );
        let capabilities = security.capabilities.unwrap_or_default();
        need(
            capabilities
                .drop
                .is_some_and(|dropped| dropped.contains(&"ALL".to_owned()))
                && capabilities.add.is_none(),
            format!("{name} keeps capabilities"),
        );
        let resources = container.resources.clone().unwrap_or_default();
        let states = |amounts: &Option<std::collections::BTreeMap<String, Quantity>>,
                      what: &str| {
            amounts
                .as_ref()
                .is_some_and(|amounts| amounts.contains_key(what))
        };
        need(
            states(&resources.requests, "cpu"),
            format!("{name} requests no CPU"),
        );
        need(
            states(&resources.limits, "memory"),
            format!("{name} has no memory limit"),
        );
        need(
            !container
                .image
                .as_deref()
                .unwrap_or_default()
                .ends_with(":latest"),
            format!("{name} runs a moving tag"),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Container;

    #[test]
    fn a_bare_container_is_found_to_break_the_standard() {
        let mut pod = base(None, "account");
        pod.containers = vec![Container {
            name: "main".to_owned(),
            ..Container::default()
        }];
        assert!(violations(&pod).len() >= 4);
        pod.containers[0].security_context = Some(container_security());
        pod.containers[0].resources = Some(resources(&[("cpu", "1")], &[("memory", "1Gi")]));
        assert_eq!(violations(&pod), Vec::<String>::new());
        pod.host_network = Some(true);
        assert_eq!(violations(&pod), ["pod shares a namespace with its node"]);
    }
}
