//! Each invalid manifest of the API's tests is refused by the API server, with a message that names the field.

use anyhow::{Result, bail, ensure};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply_yaml, documents};
use std::fs;
use std::path::Path;

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    with_namespace(&cluster, "invalid-manifests", |namespace| {
        let cluster = cluster.clone();
        async move {
            let folder =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/tests/manifests/invalid");
            let mut refused = 0;
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                let text = fs::read_to_string(&path)?;
                let Some(message) = text
                    .lines()
                    .find_map(|line| line.strip_prefix("# message: "))
                else {
                    bail!("{} says no message", path.display());
                };
                refuse(&cluster, &namespace, &text, message)
                    .await
                    .map_err(|error| error.context(path.display().to_string()))?;
                refused += 1;
            }
            ensure!(refused > 50, "only {refused} invalid manifests were found");
            println!("  {refused} manifests refused");
            Ok(())
        }
    })
    .await
}

/// All documents but the last are accepted; the last is refused with the message.
async fn refuse(cluster: &Cluster, namespace: &str, text: &str, message: &str) -> Result<()> {
    let mut parts: Vec<&str> = text.split("---\n").collect();
    let last = parts.pop().unwrap_or_default();
    for part in &parts {
        apply_yaml(cluster, namespace, part).await?;
    }
    let refusal = match apply_yaml(cluster, namespace, last).await {
        Ok(_) => bail!("it was accepted"),
        Err(error) => format!("{error:#}"),
    };
    ensure!(
        refusal.contains(message),
        "refused with {refusal:?}, which does not say {message:?}"
    );
    for part in parts {
        for object in documents(part)? {
            delete(cluster, namespace, &object).await?;
        }
    }
    Ok(())
}

async fn delete(
    cluster: &Cluster,
    namespace: &str,
    object: &kube::core::DynamicObject,
) -> Result<()> {
    let types = object.types.clone().unwrap_or_default();
    let (resource, _) = kube::discovery::pinned_kind(
        &cluster.client,
        &kube::core::GroupVersionKind::try_from(&types)?,
    )
    .await?;
    let api: kube::Api<kube::core::DynamicObject> =
        kube::Api::namespaced_with(cluster.client.clone(), namespace, &resource);
    let name = object.metadata.name.clone().unwrap_or_default();
    if api.get_opt(&name).await?.is_some() {
        api.delete(&name, &kube::api::DeleteParams::default())
            .await?;
    }
    Ok(())
}
