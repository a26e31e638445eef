//! The operator is killed right after each of its writes while a dataset becomes a served model: the same end state as without a
//! kill, and no Job twice.

use crate::samples::{fixed_model, small_dataset, small_run};
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, ListParams};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply, condition};
use searchop_e2e::operator::{kill, leader, set_variable};
use searchop_e2e::wait::seconds;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

/// A short lease, so that the other replica takes over soon after each kill.
const LEASE: &str = "SEARCHOP_LEASE_DURATION_SECONDS";
const LEASE_SECONDS: &str = "3";

/// Fewest kills that prove anything, and most chains to see them in.
const FEWEST_KILLS: usize = 10;
const MOST_CHAINS: usize = 5;

pub(crate) async fn run(cluster: Cluster) -> Result<()> {
    let undisturbed = Mutex::new(BTreeMap::new());
    with_namespace(&cluster, "undisturbed", |namespace| {
        let (cluster, undisturbed) = (cluster.clone(), &undisturbed);
        async move {
            chain(&cluster, &namespace, seconds(180)).await?;
            *undisturbed.lock().expect("nobody panicked") = end_state(&cluster, &namespace).await?;
            Ok(())
        }
    })
    .await?;
    let expected = undisturbed.into_inner().expect("nobody panicked");
    set_variable(&cluster, LEASE, Some(LEASE_SECONDS)).await?;
    let told = until_killed_enough(&cluster, &expected).await;
    // Back to the usual lease whatever happened, for the stories after this one.
    set_variable(&cluster, LEASE, None).await?;
    told
}

/// Each reconcile writes what it found missing in one go, so that one chain sees a handful of kills: it is told again, each time
/// from nothing, until there were enough.
async fn until_killed_enough(cluster: &Cluster, expected: &BTreeMap<String, Value>) -> Result<()> {
    let kills = Mutex::new(Vec::new());
    for chain in 1..=MOST_CHAINS {
        with_namespace(cluster, &format!("killed-{chain}"), |namespace| {
            let (cluster, kills) = (cluster.clone(), &kills);
            async move {
                let after = tell(&cluster, &namespace, expected).await?;
                kills.lock().expect("nobody panicked").extend(after);
                Ok(())
            }
        })
        .await?;
        if kills.lock().expect("nobody panicked").len() >= FEWEST_KILLS {
            break;
        }
    }
    let kills = kills.into_inner().expect("nobody panicked");
    println!(
        "  killed {} times, after: {}",
        kills.len(),
        kills.join(", ")
    );
    ensure!(kills.len() >= FEWEST_KILLS, "only {} kills", kills.len());
    Ok(())
}

/// Tells the chain with kills and compares its end; returns after what the operator was killed.
async fn tell(
    cluster: &Cluster,
    namespace: &str,
    expected: &BTreeMap<String, Value>,
) -> Result<Vec<String>> {
    let mut killer = Killer::default();
    tokio::select! {
        done = chain(cluster, namespace, seconds(180)) => done?,
        error = killer.watch(cluster, namespace) => error?,
    }
    ensure!(
        killer.jobs.len() == 2,
        "Jobs that were ever there: {:?}",
        killer.jobs
    );
    let state = end_state(cluster, namespace).await?;
    let names = |state: &BTreeMap<String, Value>| state.keys().cloned().collect::<BTreeSet<_>>();
    ensure!(
        names(&state) == names(expected),
        "there is {:?}, without kills {:?}",
        names(&state),
        names(expected)
    );
    for (name, value) in &state {
        ensure!(
            value == &expected[name],
            "{name} is {value}, without kills {}",
            expected[name]
        );
    }
    Ok(killer.kills)
}

async fn chain(cluster: &Cluster, namespace: &str, bound: Duration) -> Result<()> {
    apply::<DemoDataset>(cluster, namespace, "shop", small_dataset(7)).await?;
    apply::<TrainingRun>(cluster, namespace, "run", small_run("shop", 1)).await?;
    apply::<RankingModel>(cluster, namespace, "shop", fixed_model("run", 1)).await?;
    condition::<DemoDataset>(cluster, namespace, "shop", "Complete", "True", bound).await?;
    condition::<TrainingRun>(cluster, namespace, "run", "Complete", "True", bound).await?;
    condition::<RankingModel>(cluster, namespace, "shop", "Ready", "True", bound).await?;
    Ok(())
}

/// Sees the operator's writes and kills it after each.
#[derive(Default)]
struct Killer {
    /// What the operator had written last, by object.
    seen: BTreeMap<String, String>,
    /// After what it was killed.
    kills: Vec<String>,
    /// Every Job that was ever seen.
    jobs: BTreeSet<String>,
    last_killed: Option<String>,
}

impl Killer {
    /// Goes on until it fails.
    async fn watch(&mut self, cluster: &Cluster, namespace: &str) -> Result<()> {
        loop {
            if let Some(written) = self.look(cluster, namespace).await? {
                self.kill_leader(cluster, written).await?;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The newest write by the operator that was not seen before.
    async fn look(&mut self, cluster: &Cluster, namespace: &str) -> Result<Option<String>> {
        let mut newest = None;
        for object in children(cluster, namespace)
            .await?
            .into_iter()
            .chain(ours(cluster, namespace).await?)
        {
            let name = name(&object);
            if object["kind"] == "Job" {
                self.jobs
                    .insert(format!("{name} {}", object["metadata"]["uid"]));
            }
            let written = written_by_operator(&object);
            if !written.is_empty() && self.seen.get(&name) != Some(&written) {
                self.seen.insert(name.clone(), written);
                newest = Some(name);
            }
        }
        Ok(newest)
    }

    async fn kill_leader(&mut self, cluster: &Cluster, written: String) -> Result<()> {
        let Some(leader) = leader(cluster).await? else {
            return Ok(());
        };
        if self.last_killed.as_ref() == Some(&leader) {
            // The write was made before the kill and seen after it.
            return Ok(());
        }
        kill(cluster, &leader).await?;
        self.kills.push(written);
        self.last_killed = Some(leader);
        Ok(())
    }
}

/// The operator's part of an object: which fields it manages since when, and for our kinds the status.
fn written_by_operator(object: &Value) -> String {
    let managed = object["metadata"]["managedFields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let by_operator: Vec<_> = managed
        .into_iter()
        .filter(|entry| {
            entry["manager"]
                .as_str()
                .is_some_and(|manager| manager.starts_with("searchop-operator"))
        })
        .collect();
    if by_operator.is_empty() {
        return String::new();
    }
    let status = if object["apiVersion"] == "searchop.dev/v1alpha1" {
        &object["status"]
    } else {
        &Value::Null
    };
    format!("{}{status}", Value::Array(by_operator))
}

/// Every child and status at the end, without what differs between two namespaces or two runs.
async fn end_state(cluster: &Cluster, namespace: &str) -> Result<BTreeMap<String, Value>> {
    let ours = ours(cluster, namespace).await?;
    let uids: Vec<(String, String)> = ours
        .iter()
        .map(|object| {
            (
                object["metadata"]["uid"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                format!("UID of {}", name(object)),
            )
        })
        .collect();
    let mut state = BTreeMap::new();
    for object in children(cluster, namespace).await? {
        let labels = &object["metadata"]["labels"];
        if labels["app.kubernetes.io/managed-by"] == "searchop-operator" {
            state.insert(name(&object), masked(&serde_json::json!({"labels": labels, "spec": object["spec"], "data": object["data"]}), namespace, &uids)?);
        }
    }
    for object in &ours {
        state.insert(name(object), masked(&object["status"], namespace, &uids)?);
    }
    Ok(state)
}

/// Fields that a cluster fills in differently each time, or that count interruptions.
const VOLATILE: [&str; 14] = [
    "clusterIP",
    "clusterIPs",
    "selector",
    "batch.kubernetes.io/controller-uid",
    "controller-uid",
    "lastTransitionTime",
    "startedAt",
    "endedAt",
    "at",
    "progress",
    "progressPercent",
    "planSequence",
    "verifiedPlanSequence",
    "plan.json",
];

fn masked(value: &Value, namespace: &str, uids: &[(String, String)]) -> Result<Value> {
    let mut text = value.to_string().replace(namespace, "NAMESPACE");
    for (uid, name) in uids {
        text = text.replace(uid.as_str(), name);
    }
    let mut value: Value = serde_json::from_str(&text).context("masking keeps JSON")?;
    without_volatile(&mut value);
    Ok(value)
}

fn without_volatile(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !VOLATILE.contains(&name.as_str()));
            fields.values_mut().for_each(without_volatile);
        }
        Value::Array(items) => items.iter_mut().for_each(without_volatile),
        _ => {}
    }
}

fn name(object: &Value) -> String {
    format!(
        "{} {}",
        object["kind"].as_str().unwrap_or_default(),
        object["metadata"]["name"].as_str().unwrap_or_default()
    )
}

macro_rules! list_all {
    ($cluster:expr, $namespace:expr, $($kind:ty),+) => {{
        let mut all: Vec<Value> = Vec::new();
        $(for item in Api::<$kind>::namespaced($cluster.client.clone(), $namespace).list(&ListParams::default()).await?.items {
            let mut item = serde_json::to_value(item)?;
            item["kind"] = <$kind as kube::Resource>::kind(&()).into_owned().into();
            item["apiVersion"] = <$kind as kube::Resource>::api_version(&()).into_owned().into();
            all.push(item);
        })+
        all
    }};
}

async fn children(cluster: &Cluster, namespace: &str) -> Result<Vec<Value>> {
    Ok(list_all!(
        cluster,
        namespace,
        Job,
        Deployment,
        Service,
        ServiceAccount,
        ConfigMap,
        HorizontalPodAutoscaler,
        PodDisruptionBudget,
        NetworkPolicy
    ))
}

async fn ours(cluster: &Cluster, namespace: &str) -> Result<Vec<Value>> {
    Ok(list_all!(
        cluster,
        namespace,
        DemoDataset,
        TrainingRun,
        RankingModel
    ))
}
