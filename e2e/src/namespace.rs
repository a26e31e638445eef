//! A namespace of a story's own: restricted pods, the store's credentials, and gone at the end.

use crate::cluster::{Cluster, OPERATOR_NAMESPACE, STORAGE_NAMESPACE, STORAGE_SECRET};
use crate::operator;
use crate::wait::{Look, seconds, until, within};
use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use kube::api::{
    Api, DeleteParams, ListParams, LogParams, ObjectMeta, Patch, PatchParams, PostParams,
};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use std::future::Future;
use std::time::Duration;

/// Field manager of what the stories apply.
pub const MANAGER: &str = "searchop-e2e";

/// What is told in one namespace may not take longer.
const BOUND: Duration = Duration::from_secs(540);

/// Runs a story in a namespace of its own, and deletes that afterwards. When the story fails, what the namespace holds and
/// what the operator said last is printed first.
///
/// # Errors
/// The story's, or that it took longer than nine minutes, or that the namespace could not be made or does not go.
pub async fn with_namespace<F, S>(cluster: &Cluster, name: &str, story: S) -> Result<()>
where
    S: FnOnce(String) -> F,
    F: Future<Output = Result<()>>,
{
    let namespace = format!("story-{name}");
    delete(cluster, &namespace).await?;
    create(cluster, &namespace).await?;
    let outcome = within(&namespace, BOUND, story(namespace.clone())).await;
    if outcome.is_err() {
        let description = async {
            describe(cluster, &namespace).await;
            describe_operator(cluster).await;
        };
        let described = tokio::time::timeout(seconds(60), description).await;
        if described.is_err() {
            println!("    the API server is too slow to tell more");
        }
        if std::env::var_os("SEARCHOP_E2E_KEEP").is_some() {
            return outcome;
        }
    }
    let deleted = delete(cluster, &namespace).await;
    outcome.and(deleted)
}

/// Makes a namespace that enforces the restricted Pod Security Standard and has the store's credentials.
///
/// # Errors
/// When the API server refuses.
pub async fn create(cluster: &Cluster, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let labels = [(
        "pod-security.kubernetes.io/enforce".to_owned(),
        "restricted".to_owned(),
    )];
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(labels.into()),
        ..ObjectMeta::default()
    };
    namespaces
        .create(
            &PostParams::default(),
            &Namespace {
                metadata,
                ..Namespace::default()
            },
        )
        .await?;
    let credentials = Api::<Secret>::namespaced(cluster.client.clone(), STORAGE_NAMESPACE)
        .get(STORAGE_SECRET)
        .await
        .context("the store's credentials")?;
    create_secret(cluster, name, STORAGE_SECRET, &credentials).await
}

/// Copies a Secret's data into another namespace, or over a Secret that is there.
///
/// # Errors
/// When the API server refuses.
pub async fn create_secret(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    source: &Secret,
) -> Result<()> {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    };
    let secret = Secret {
        metadata,
        data: source.data.clone(),
        ..Secret::default()
    };
    Api::<Secret>::namespaced(cluster.client.clone(), namespace)
        .patch(
            name,
            &PatchParams::apply(MANAGER).force(),
            &Patch::Apply(&secret),
        )
        .await?;
    Ok(())
}

/// Deletes a namespace and waits until it is gone.
///
/// # Errors
/// When it is not gone within two minutes.
pub async fn delete(cluster: &Cluster, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    if namespaces.get_opt(name).await?.is_none() {
        return Ok(());
    }
    namespaces.delete(name, &DeleteParams::default()).await?;
    until(
        &format!("namespace {name} is gone"),
        seconds(120),
        || async {
            Ok(match namespaces.get_opt(name).await? {
                None => Look::Found(()),
                Some(namespace) => Look::NotYet(format!(
                    "{:?}",
                    namespace.status.and_then(|status| status.conditions)
                )),
            })
        },
    )
    .await
}

/// Prints what a namespace holds: our objects' status, pods, Events, and the last lines of each container that had trouble.
pub async fn describe(cluster: &Cluster, namespace: &str) {
    let everything = ListParams::default();
    if let Ok(list) = Api::<DemoDataset>::namespaced(cluster.client.clone(), namespace)
        .list(&everything)
        .await
    {
        list.items.iter().for_each(|item| {
            println!(
                "    DemoDataset {}: {}",
                item.name_any(),
                json(&item.status)
            )
        });
    }
    if let Ok(list) = Api::<TrainingRun>::namespaced(cluster.client.clone(), namespace)
        .list(&everything)
        .await
    {
        list.items.iter().for_each(|item| {
            println!(
                "    TrainingRun {}: {}",
                item.name_any(),
                json(&item.status)
            )
        });
    }
    if let Ok(list) = Api::<RankingModel>::namespaced(cluster.client.clone(), namespace)
        .list(&everything)
        .await
    {
        list.items.iter().for_each(|item| {
            println!(
                "    RankingModel {}: {}",
                item.name_any(),
                json(&item.status)
            )
        });
    }
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    for pod in pods
        .list(&everything)
        .await
        .map(|list| list.items)
        .unwrap_or_default()
    {
        println!(
            "    pod {}: {}",
            pod.name_any(),
            json(&pod.status.as_ref().map(|status| (
                &status.phase,
                &status.container_statuses,
                &status.init_container_statuses
            )))
        );
        print_log(&pods, &pod.name_any(), 15).await;
    }
    if let Ok(list) = Api::<Event>::namespaced(cluster.client.clone(), namespace)
        .list(&everything)
        .await
    {
        for event in list.items {
            println!(
                "    event {} {}: {}",
                event
                    .regarding
                    .and_then(|object| object.name)
                    .unwrap_or_default(),
                event.reason.unwrap_or_default(),
                event.note.unwrap_or_default()
            );
        }
    }
}

/// Prints what the operator said last.
async fn describe_operator(cluster: &Cluster) {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), OPERATOR_NAMESPACE);
    for pod in operator::pods(cluster).await.unwrap_or_default() {
        println!("    {}:", pod.name_any());
        print_log(&pods, &pod.name_any(), 50).await;
    }
}

async fn print_log(pods: &Api<Pod>, pod: &str, lines: i64) {
    let last = LogParams {
        tail_lines: Some(lines),
        ..LogParams::default()
    };
    if let Ok(log) = pods.logs(pod, &last).await {
        log.lines().for_each(|line| println!("      | {line}"));
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
