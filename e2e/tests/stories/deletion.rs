//! What is deleted takes what it owns with it, what others use stays, and the store keeps or loses artifacts as asked.

use crate::samples::{deploy, digest, fixed_model, small_dataset, small_run};
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::load::now;
use searchop_e2e::namespace::{self, with_namespace};
use searchop_e2e::objects::{Kind, api, apply, condition, reason};
use searchop_e2e::store::Store;
use searchop_e2e::wait::{Look, holds, seconds, until};
use serde_json::Value;

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    with_namespace(&cluster, "deletion", |namespace| {
        objects(cluster.clone(), namespace)
    })
    .await?;
    with_namespace(&cluster, "deletion-whole", |namespace| {
        whole_namespace(cluster.clone(), namespace)
    })
    .await
}

async fn objects(cluster: Cluster, namespace: String) -> Result<()> {
    let seed = seed_of_now()?;
    apply::<DemoDataset>(
        &cluster,
        &namespace,
        "shared",
        deleting(small_dataset(seed)),
    )
    .await?;
    apply::<DemoDataset>(&cluster, &namespace, "kept", small_dataset(seed + 1)).await?;
    apply::<TrainingRun>(
        &cluster,
        &namespace,
        "one",
        deleting(small_run("shared", 1)),
    )
    .await?;
    apply::<TrainingRun>(
        &cluster,
        &namespace,
        "two",
        deleting(small_run("shared", 2)),
    )
    .await?;
    apply::<TrainingRun>(&cluster, &namespace, "retained", small_run("kept", 3)).await?;
    let one = condition::<TrainingRun>(
        &cluster,
        &namespace,
        "one",
        "Complete",
        "True",
        seconds(180),
    )
    .await?;
    let two = condition::<TrainingRun>(
        &cluster,
        &namespace,
        "two",
        "Complete",
        "True",
        seconds(180),
    )
    .await?;
    let retained = condition::<TrainingRun>(
        &cluster,
        &namespace,
        "retained",
        "Complete",
        "True",
        seconds(180),
    )
    .await?;
    let kept = complete_dataset(&cluster, &namespace, "kept").await?;
    let shared = dataset_digest(&complete_dataset(&cluster, &namespace, "shared").await?)?;
    let store = Store::of(
        &cluster,
        &one.status
            .as_ref()
            .and_then(|status| status.model.as_ref())
            .context("a model")?
            .uri,
    )
    .await?;
    deploy(&cluster, &namespace, "shop", fixed_model("one", 1)).await?;

    // What others use waits for them, and says for whom.
    delete::<DemoDataset>(&cluster, &namespace, "shared").await?;
    delete::<TrainingRun>(&cluster, &namespace, "one").await?;
    let waiting = reason::<DemoDataset>(
        &cluster,
        &namespace,
        "shared",
        "Deleting",
        "InUse",
        seconds(30),
    )
    .await?;
    names_users(
        &waiting
            .status
            .map(|status| status.conditions)
            .unwrap_or_default(),
        &["one", "two"],
    )?;
    let waiting = reason::<TrainingRun>(
        &cluster,
        &namespace,
        "one",
        "Deleting",
        "InUse",
        seconds(30),
    )
    .await?;
    names_users(
        &waiting
            .status
            .map(|status| status.conditions)
            .unwrap_or_default(),
        &["shop"],
    )?;
    holds(seconds(3), || async {
        ensure!(
            store.has_artifact(&shared).await? && store.has_artifact(&digest(&one)?).await?,
            "an artifact in use was deleted"
        );
        Ok(())
    })
    .await?;

    delete::<RankingModel>(&cluster, &namespace, "shop").await?;
    gone::<RankingModel>(&cluster, &namespace, "shop").await?;
    gone::<TrainingRun>(&cluster, &namespace, "one").await?;
    ensure!(
        !store.has_artifact(&digest(&one)?).await?,
        "the deleted run's model is still in the store"
    );
    ensure!(
        store.has_artifact(&shared).await?,
        "a dataset that a run still uses was deleted"
    );

    delete::<TrainingRun>(&cluster, &namespace, "two").await?;
    gone::<TrainingRun>(&cluster, &namespace, "two").await?;
    gone::<DemoDataset>(&cluster, &namespace, "shared").await?;
    ensure!(
        !store.has_artifact(&shared).await?,
        "the deleted dataset is still in the store"
    );
    ensure!(
        !store.has_artifact(&digest(&two)?).await?,
        "the deleted run's model is still in the store"
    );

    delete::<TrainingRun>(&cluster, &namespace, "retained").await?;
    gone::<TrainingRun>(&cluster, &namespace, "retained").await?;
    ensure!(
        store.has_artifact(&digest(&retained)?).await?,
        "a model was deleted that was to be retained"
    );
    delete::<DemoDataset>(&cluster, &namespace, "kept").await?;
    gone::<DemoDataset>(&cluster, &namespace, "kept").await?;
    ensure!(
        store.has_artifact(&dataset_digest(&kept)?).await?,
        "a dataset was deleted that was to be retained"
    );
    nothing_owned_is_left(&cluster, &namespace).await?;
    store.forget(&retained).await?;
    store.forget(&kept).await
}

/// A namespace goes as a whole: no Job can start there any more, so the artifact is retained, and an Event says so.
async fn whole_namespace(cluster: Cluster, namespace: String) -> Result<()> {
    let dataset = deleting(small_dataset(seed_of_now()?));
    apply::<DemoDataset>(&cluster, &namespace, "shop", dataset).await?;
    apply::<TrainingRun>(&cluster, &namespace, "run", deleting(small_run("shop", 1))).await?;
    let run = condition::<TrainingRun>(
        &cluster,
        &namespace,
        "run",
        "Complete",
        "True",
        seconds(180),
    )
    .await?;
    let store = Store::of(
        &cluster,
        &run.status
            .as_ref()
            .and_then(|status| status.model.as_ref())
            .context("a model")?
            .uri,
    )
    .await?;
    let dataset = complete_dataset(&cluster, &namespace, "shop").await?;
    deploy(&cluster, &namespace, "shop", fixed_model("run", 1)).await?;
    namespace::delete(&cluster, &namespace).await?;
    ensure!(
        store.has_artifact(&digest(&run)?).await?,
        "the model was deleted with its namespace"
    );
    // Events of a namespace go with it; what was retained outlives it in the namespace `default`.
    until("an Event tells what was retained", seconds(10), || async {
        let events = Api::<Event>::namespaced(cluster.client.clone(), "default")
            .list(&ListParams::default())
            .await?;
        let digest = digest(&run)?;
        let told = events.items.iter().any(|event| {
            event.reason.as_deref() == Some("Retained")
                && event
                    .note
                    .as_deref()
                    .is_some_and(|note| note.contains(&digest))
        });
        Ok(if told {
            Look::Found(())
        } else {
            Look::NotYet(format!("{} Events", events.items.len()))
        })
    })
    .await?;
    store.forget(&run).await?;
    store.forget(&dataset).await
}

/// A seed that no earlier run of this story had: what a run left that was interrupted would keep equal content in use.
fn seed_of_now() -> Result<i64> {
    Ok(i64::try_from(now())?)
}

fn deleting(mut spec: Value) -> Value {
    spec["artifactPolicy"] = "Delete".into();
    spec
}

async fn complete_dataset(cluster: &Cluster, namespace: &str, name: &str) -> Result<DemoDataset> {
    condition::<DemoDataset>(cluster, namespace, name, "Complete", "True", seconds(120)).await
}

fn dataset_digest(dataset: &DemoDataset) -> Result<String> {
    let artifact = dataset
        .status
        .as_ref()
        .and_then(|status| status.artifact.as_ref());
    Ok(artifact.context("an artifact")?.sha256.clone())
}

fn names_users(
    conditions: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition],
    users: &[&str],
) -> Result<()> {
    let message = conditions
        .iter()
        .find(|condition| condition.type_ == "Deleting")
        .map(|condition| condition.message.as_str())
        .unwrap_or_default();
    println!("  in use: {message}");
    ensure!(
        users.iter().all(|user| message.contains(user)),
        "{message:?} does not name {users:?}"
    );
    Ok(())
}

async fn delete<K: Kind>(cluster: &Cluster, namespace: &str, name: &str) -> Result<()> {
    api::<K>(cluster, namespace)
        .delete(name, &DeleteParams::default())
        .await?;
    Ok(())
}

async fn gone<K: Kind>(cluster: &Cluster, namespace: &str, name: &str) -> Result<()> {
    until(
        &format!("{} {name} is gone", K::kind(&())),
        seconds(60),
        || async {
            Ok(match api::<K>(cluster, namespace).get_opt(name).await? {
                None => Look::Found(()),
                Some(object) => Look::NotYet(searchop_e2e::objects::summary(object.conditions())),
            })
        },
    )
    .await
}

async fn nothing_owned_is_left(cluster: &Cluster, namespace: &str) -> Result<()> {
    macro_rules! left {
        ($($kind:ty),+) => {{
            let mut left: Vec<String> = Vec::new();
            $(left.extend(
                Api::<$kind>::namespaced(cluster.client.clone(), namespace).list(&ListParams::default().labels("app.kubernetes.io/managed-by=searchop-operator")).await?
                    .items.iter().map(|item| format!("{} {}", stringify!($kind), item.name_any())),
            );)+
            left
        }};
    }
    until("nothing owned is left", seconds(60), || async {
        let left = left!(
            Job,
            Pod,
            Deployment,
            Service,
            ServiceAccount,
            ConfigMap,
            HorizontalPodAutoscaler,
            PodDisruptionBudget,
            NetworkPolicy
        );
        Ok(if left.is_empty() {
            Look::Found(())
        } else {
            Look::NotYet(left.join(", "))
        })
    })
    .await
}
