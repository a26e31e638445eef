//! Wrong credentials, then a store that is down: conditions say so, what serves serves on, and it recovers when it is fixed.

use crate::samples::{deploy, digest, fixed_model, small_dataset, stable, train};
use anyhow::{Context, Result, ensure};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use searchop_crds::{DemoDataset, RankingModel};
use searchop_e2e::cluster::{Cluster, STORAGE_NAMESPACE, STORAGE_SECRET};
use searchop_e2e::namespace::{create_secret, with_namespace};
use searchop_e2e::objects::{apply, condition, current_condition, reason};
use searchop_e2e::operator::{restarts, scale_object_store};
use searchop_e2e::ranking::{candidates, rank};
use searchop_e2e::wait::{seconds, within};
use serde_json::json;

/// Name of the Secret that holds wrong credentials at first.
const WRONG: &str = "own-credentials";

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    let before = restarts(&cluster).await?;
    with_namespace(&cluster, "wrong-credentials", |namespace| {
        wrong_credentials(cluster.clone(), namespace)
    })
    .await?;
    let told = with_namespace(&cluster, "store-down", |namespace| {
        store_down(cluster.clone(), namespace)
    })
    .await;
    // Up again whatever happened, for the stories after this one.
    scale_object_store(&cluster, 1).await?;
    told?;
    let after = restarts(&cluster).await?;
    ensure!(
        before == after,
        "the operator's restarts were {before:?} and are {after:?}"
    );
    Ok(())
}

async fn wrong_credentials(cluster: Cluster, namespace: String) -> Result<()> {
    let right = Api::<Secret>::namespaced(cluster.client.clone(), STORAGE_NAMESPACE)
        .get(STORAGE_SECRET)
        .await?;
    let run = train(&cluster, &namespace, &["run"]).await?.remove(0);
    let mut wrong = right.clone();
    let key = wrong
        .data
        .as_mut()
        .and_then(|data| data.get_mut("AWS_SECRET_ACCESS_KEY"))
        .context("a key")?;
    *key = ByteString(b"not-the-key-of-this-store-not-the-key-of".to_vec());
    create_secret(&cluster, &namespace, WRONG, &wrong).await?;

    let storage = json!({"credentials": {"secretName": WRONG}});
    let mut dataset = small_dataset(21);
    dataset["storage"] = storage.clone();
    let mut model = fixed_model("run", 1);
    model["storage"] = storage;
    apply::<DemoDataset>(&cluster, &namespace, "denied", dataset).await?;
    apply::<RankingModel>(&cluster, &namespace, "denied", model).await?;
    let denied = reason::<DemoDataset>(
        &cluster,
        &namespace,
        "denied",
        "Complete",
        "StorageAccessDenied",
        seconds(90),
    )
    .await?;
    println!(
        "  {}",
        current_condition(&denied, "Complete")
            .context("a condition")?
            .message
    );
    let denied = reason::<RankingModel>(
        &cluster,
        &namespace,
        "denied",
        "Ready",
        "StorageAccessDenied",
        seconds(150),
    )
    .await?;
    ensure!(
        current_condition(&denied, "Available")
            .is_some_and(|condition| condition.status == "False"),
        "available without a server"
    );

    create_secret(&cluster, &namespace, WRONG, &right).await?;
    condition::<DemoDataset>(
        &cluster,
        &namespace,
        "denied",
        "Complete",
        "True",
        seconds(120),
    )
    .await?;
    let model = condition::<RankingModel>(
        &cluster,
        &namespace,
        "denied",
        "Ready",
        "True",
        seconds(240),
    )
    .await?;
    ensure!(stable(&model)? == digest(&run)?, "another model serves");
    Ok(())
}

async fn store_down(cluster: Cluster, namespace: String) -> Result<()> {
    let runs = train(&cluster, &namespace, &["first", "second"]).await?;
    deploy(&cluster, &namespace, "shop", fixed_model("first", 1)).await?;
    let request = json!({"query": "shoes", "candidates": candidates(&cluster, &namespace, "shop", "shoes").await?});

    scale_object_store(&cluster, 0).await?;
    let trouble = within("trouble while the store is down", seconds(300), async {
        apply::<DemoDataset>(&cluster, &namespace, "late", small_dataset(22)).await?;
        apply::<RankingModel>(&cluster, &namespace, "shop", fixed_model("second", 1)).await?;
        let late = reason::<DemoDataset>(
            &cluster,
            &namespace,
            "late",
            "Complete",
            "StorageUnavailable",
            seconds(120),
        )
        .await?;
        println!(
            "  {}",
            current_condition(&late, "Complete")
                .context("a condition")?
                .message
        );
        let shop = reason::<RankingModel>(
            &cluster,
            &namespace,
            "shop",
            "Ready",
            "StorageUnavailable",
            seconds(120),
        )
        .await?;
        ensure!(
            current_condition(&shop, "Available")
                .is_some_and(|condition| condition.status == "True"),
            "not available while the store is down"
        );
        let ranked = rank(&cluster, &namespace, "shop", &request).await?;
        ensure!(
            ranked.model.sha256 == digest(&runs[0])?,
            "{} ranks while the store is down",
            ranked.model.sha256
        );
        Ok(())
    })
    .await;
    scale_object_store(&cluster, 1).await?;
    trouble?;

    condition::<DemoDataset>(
        &cluster,
        &namespace,
        "late",
        "Complete",
        "True",
        seconds(180),
    )
    .await?;
    let shop =
        condition::<RankingModel>(&cluster, &namespace, "shop", "Ready", "True", seconds(180))
            .await?;
    ensure!(
        stable(&shop)? == digest(&runs[1])?,
        "the promotion that waited for the store did not end"
    );
    Ok(())
}
