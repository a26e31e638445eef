//! Each invalid manifest of the API's tests is refused by the API server, with a message that names the field.

use anyhow::{Context, Result, bail, ensure};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams};
use kube::core::{DynamicObject, GroupVersionKind};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply_yaml, documents};
use searchop_e2e::wait::{Look, seconds, until};
use std::fs;
use std::path::Path;

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    with_namespace(&cluster, "invalid-manifests", |namespace| {
        let cluster = cluster.clone();
        async move {
            let folder =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/tests/manifests/invalid");
            let mut refused = 0;
            let mut paths = fs::read_dir(folder)?
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>>>()?;
            paths.sort();
            for path in paths {
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
    let mut made = Vec::new();
    for part in parts {
        made.extend(documents(part)?);
    }
    for object in &made {
        let api = api_of(cluster, namespace, object).await?;
        api.delete(&object.name_any(), &DeleteParams::default())
            .await?;
    }
    // The next manifest may have the same names, and a finalizer lets an object go only after those that use it.
    for object in &made {
        gone(&api_of(cluster, namespace, object).await?, object).await?;
    }
    Ok(())
}

async fn api_of(
    cluster: &Cluster,
    namespace: &str,
    object: &DynamicObject,
) -> Result<Api<DynamicObject>> {
    let types = object.types.clone().context("a kind")?;
    let kind = GroupVersionKind::try_from(&types)?;
    let (resource, _) = kube::discovery::pinned_kind(&cluster.client, &kind).await?;
    Ok(Api::namespaced_with(
        cluster.client.clone(),
        namespace,
        &resource,
    ))
}

async fn gone(api: &Api<DynamicObject>, object: &DynamicObject) -> Result<()> {
    let name = object.name_any();
    until(&format!("{name} is gone"), seconds(60), || async {
        Ok(match api.get_opt(&name).await? {
            None => Look::Found(()),
            Some(object) => Look::NotYet(object.data["status"].to_string()),
        })
    })
    .await
}
