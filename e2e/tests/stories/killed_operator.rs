//! The operator is killed right after each of its writes while a dataset becomes a served model: the same end state as without a
//! kill, and no Job twice.

use crate::samples::{fixed_model, small_dataset, small_run};
use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::kill::Aim;
use searchop_e2e::namespace::with_namespace;
use searchop_e2e::objects::{apply, condition};
use searchop_e2e::operator::{leader, pods, set_variable};
use searchop_e2e::wait::{Look, seconds, until, within};
use searchop_e2e::writes::{Ledger, watch};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

/// A short lease, so that the other replica takes over soon after each kill.
const LEASE: &str = "SEARCHOP_LEASE_DURATION_SECONDS";
const LEASE_SECONDS: &str = "3";

/// Fewest kills that prove anything, and most chains to see them in.
const FEWEST_KILLS: usize = 10;
const MOST_CHAINS: usize = 3;

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
    let told = within(
        "the kills",
        seconds(1_200),
        until_killed_enough(&cluster, &expected),
    )
    .await;
    // Back to the usual lease whatever happened, for the stories after this one.
    set_variable(&cluster, LEASE, None).await?;
    told
}

/// Some of a chain's writes are over before the first of them was seen: it is told again, each time from nothing, until there were
/// enough kills.
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
    println!("  killed {} times, after these writes:", kills.len());
    kills.iter().for_each(|write| println!("    {write}"));
    ensure!(kills.len() >= FEWEST_KILLS, "only {} kills", kills.len());
    Ok(())
}

/// Tells the chain with kills and compares its end; returns after which writes the operator was killed.
async fn tell(
    cluster: &Cluster,
    namespace: &str,
    expected: &BTreeMap<String, Value>,
) -> Result<Vec<String>> {
    let killer = Killer::new(cluster);
    tokio::select! {
        done = chain(cluster, namespace, seconds(360)) => done?,
        error = killer.aim() => error?,
        error = killer.follow(namespace) => error?,
    }
    let jobs = killer.jobs.into_inner().expect("nobody panicked");
    ensure!(jobs.len() == 2, "Jobs that were ever there: {jobs:?}");
    // The last leader may still have a status to write.
    until(
        "the end state is that without kills",
        seconds(30),
        || async {
            Ok(
                match difference(&end_state(cluster, namespace).await?, expected) {
                    None => Look::Found(()),
                    Some(difference) => Look::NotYet(difference),
                },
            )
        },
    )
    .await?;
    Ok(killer.kills.into_inner().expect("nobody panicked"))
}

/// The first thing that is not as it is without kills.
fn difference(
    state: &BTreeMap<String, Value>,
    expected: &BTreeMap<String, Value>,
) -> Option<String> {
    let names = |state: &BTreeMap<String, Value>| state.keys().cloned().collect::<BTreeSet<_>>();
    if names(state) != names(expected) {
        return Some(format!(
            "there is {:?}, without kills {:?}",
            names(state),
            names(expected)
        ));
    }
    state.iter().find_map(|(name, value)| {
        let without = &expected[name];
        (value != without).then(|| format!("{name} is {value}, without kills {without}"))
    })
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

/// Sees the operator's writes as they come about, and kills it after each.
struct Killer<'a> {
    cluster: &'a Cluster,
    /// One for each of the operator's pods: the next one to lead writes as soon as it does.
    aims: Mutex<BTreeMap<String, Aim>>,
    /// After what it was killed.
    kills: Mutex<Vec<String>>,
    /// Every Job that was ever seen.
    jobs: Mutex<BTreeSet<String>>,
}

impl<'a> Killer<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            aims: Mutex::default(),
            kills: Mutex::default(),
            jobs: Mutex::default(),
        }
    }

    /// Keeps an aim at every pod of the operator. Goes on until it fails.
    async fn aim(&self) -> Result<()> {
        loop {
            // The API server may be briefly away.
            for pod in pods(self.cluster).await.unwrap_or_default() {
                let name = pod.name_any();
                let aimed =
                    self.with_aims(|aims| aims.get(&name).is_some_and(|aim| aim.is_at(&pod)));
                if !aimed && let Some(aim) = Aim::at(&pod).await? {
                    self.with_aims(|aims| aims.insert(name, aim));
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Goes on until it fails.
    async fn follow(&self, namespace: &str) -> Result<()> {
        let mut states = watch(self.cluster, namespace);
        let mut ledger = Ledger::default();
        while let Some(object) = states.next().await {
            if object["kind"] == "Job" {
                let job = format!("{} {}", name(&object), object["metadata"]["uid"]);
                self.jobs.lock().expect("nobody panicked").insert(job);
            }
            let written = ledger.note(&object);
            if !written.is_empty() && self.kill_leader().await? {
                self.kills
                    .lock()
                    .expect("nobody panicked")
                    .push(written.join(" and "));
            }
        }
        bail!("the watches ended")
    }

    /// Kills the pod that leads. `false`: nobody does, as after a kill before which this write was made as well; or nothing has
    /// aimed at the pod yet, and its next write will be the end of it.
    async fn kill_leader(&self) -> Result<bool> {
        let Ok(Some(leader)) = leader(self.cluster).await else {
            return Ok(false);
        };
        match self.with_aims(|aims| aims.remove(&leader)) {
            Some(aim) => aim.fire(self.cluster).await,
            None => Ok(false),
        }
    }

    fn with_aims<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Aim>) -> T) -> T {
        act(&mut self.aims.lock().expect("nobody panicked"))
    }
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
