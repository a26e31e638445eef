//! The simulated cluster: a Deployment that is rolled over pod by pod, an autoscaler, kubelets that start servers and refresh
//! mounts, and the reconciler driven second by second. What happens within a pod is `server`.

use super::server::{Health, Moment, Running};
use crate::ranking_model::build::Blueprint;
use crate::ranking_model::decide::{Decision, decide};
use crate::ranking_model::observed::{DeploymentView, Observed, Pod};
use crate::ranking_model::plan::TrafficPlan;
use crate::ranking_model::status::status;
use crate::settings::Settings;
use k8s_openapi::jiff::Timestamp;
use searchop_crds::model::ArtifactSource;
use searchop_crds::{
    AutoscalingMode, ModelSource, RankingModel, RankingModelSpec, RankingModelStatus, Serving,
    condition,
};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Seconds that a terminating pod takes.
const LEAVE_SECONDS: i64 = 3;
/// Seconds until a kubelet refreshes a mount by itself.
const REFRESH_SECONDS: i64 = 60;

/// The cluster, the object, and the reconciler's past.
pub(crate) struct Cluster {
    pub(crate) model: RankingModel,
    pub(crate) health: BTreeMap<String, Health>,
    pub(crate) log: String,
    /// Writes of the newest reconcile, but for the status.
    pub(crate) writes: Vec<String>,
    settings: Settings,
    pub(super) clock: i64,
    next_look: i64,
    pub(super) plan: Option<TrafficPlan>,
    /// What new pods wait for, as the plan's ConfigMap says.
    pub(super) awaited: Vec<String>,
    pub(super) deployment: Option<DeploymentView>,
    pub(super) pods: Vec<Running>,
    born: usize,
    pub(super) last_line: String,
    /// Whether the story is about a time without any ready server.
    pub(crate) expects_outage: bool,
}

/// The bundle of a name: a digest of one repeated letter.
pub(crate) fn digest(letter: char) -> String {
    letter.to_string().repeat(64)
}

fn source(letter: char) -> ModelSource {
    let sha256 = digest(letter);
    ModelSource {
        artifact: Some(ArtifactSource {
            uri: format!("s3://store/artifacts/{sha256}"),
            sha256,
        }),
        training_run_ref: None,
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a valid second")
}

impl Cluster {
    /// A new RankingModel of the model, with two servers and an autoscaler; every bundle is good.
    pub(crate) fn new(letter: char) -> Self {
        let mut model = RankingModel::new(
            "shop",
            RankingModelSpec {
                model: source(letter),
                serving: Serving::default(),
                storage: None,
            },
        );
        model.metadata.namespace = Some("demo".to_owned());
        model.metadata.uid = Some("uid".to_owned());
        model.metadata.generation = Some(1);
        Self {
            model,
            health: BTreeMap::new(),
            log: String::new(),
            writes: Vec::new(),
            settings: Settings::example(),
            clock: 0,
            next_look: 0,
            plan: None,
            awaited: Vec::new(),
            deployment: None,
            pods: Vec::new(),
            born: 0,
            last_line: String::new(),
            expects_outage: false,
        }
    }

    /// Edits `spec.model`.
    pub(crate) fn edit_model(&mut self, letter: char) {
        self.edit(&format!("spec.model = {letter}"), |spec| {
            spec.model = source(letter)
        });
    }

    /// Edits the spec: one more generation, and a watch event.
    pub(crate) fn edit(&mut self, what: &str, edit: impl FnOnce(&mut RankingModelSpec)) {
        edit(&mut self.model.spec);
        self.model.metadata.generation = self
            .model
            .metadata
            .generation
            .map(|generation| generation + 1);
        self.note(what);
        self.next_look = self.clock;
    }

    /// Something that the reconciler does not see happening.
    pub(crate) fn note(&mut self, what: &str) {
        writeln!(self.log, "{:>4} s  # {what}", self.clock).expect("a string takes every line");
    }

    /// The autoscaler's part: another replica count.
    pub(crate) fn autoscale(&mut self, replicas: i32) {
        self.note(&format!("the autoscaler wants {replicas} servers"));
        self.deployment.as_mut().expect("a Deployment").wanted = replicas;
    }

    /// Every server is started anew in its pod.
    pub(crate) fn restart_servers(&mut self) {
        for pod in &mut self.pods {
            pod.serving_since = None;
        }
    }

    /// The status is lost.
    pub(crate) fn lose_status(&mut self) {
        self.note("the status is lost");
        self.model.status = None;
        self.next_look = self.clock;
    }

    /// The status as it is stored.
    pub(crate) fn status(&self) -> RankingModelStatus {
        self.model.status.clone().unwrap_or_default()
    }

    /// Status and reason of a condition, such as `True InEffect`.
    pub(crate) fn condition(&self, type_: &str) -> String {
        condition::find(&self.status().conditions, type_).map_or_else(String::new, |found| {
            format!("{} {}", found.status, found.reason)
        })
    }

    /// Names of the pods that stay.
    pub(crate) fn staying(&self) -> Vec<String> {
        self.pods
            .iter()
            .filter(|pod| pod.leaving_since.is_none())
            .map(|pod| pod.name.clone())
            .collect()
    }

    /// Whether requests are answered.
    pub(crate) fn is_serving(&self) -> bool {
        self.pods.iter().any(|pod| pod.is_ready(self.moment()))
    }

    /// Sequence number and model of the live plan.
    pub(crate) fn live(&self) -> (i64, String) {
        let plan = self.plan.as_ref().expect("a plan");
        (
            plan.sequence,
            plan.serving().expect("one model").chars().take(1).collect(),
        )
    }

    /// Runs for so many seconds.
    pub(crate) fn run(&mut self, seconds: i64) {
        let end = self.clock + seconds;
        while self.clock < end {
            self.second();
        }
    }

    /// Runs until the condition reads so, for at most ten minutes.
    pub(crate) fn run_until(&mut self, type_: &str, wanted: &str) {
        let end = self.clock + 600;
        while self.condition(type_) != wanted
            || self.status().observed_generation != self.model.metadata.generation
        {
            assert!(
                self.clock < end,
                "{type_} never became {wanted}:\n{}",
                self.log
            );
            self.second();
        }
    }

    /// One second: the cluster moves, and the reconciler looks if it is time or a watch told of a change.
    pub(crate) fn second(&mut self) {
        let before = self.observed();
        self.kubelets();
        self.rollover();
        let changed = format!("{:?}", self.without_reports(&before))
            != format!("{:?}", self.without_reports(&self.observed()));
        if changed || self.clock >= self.next_look {
            self.reconcile();
        }
        self.check();
        self.clock += 1;
    }

    /// Watches tell of objects, not of what servers say.
    fn without_reports(&self, observed: &Observed) -> (Option<DeploymentView>, Vec<Pod>) {
        let pods = observed
            .pods
            .iter()
            .cloned()
            .map(|pod| Pod {
                report: None,
                ..pod
            })
            .collect();
        (observed.deployment.clone(), pods)
    }

    /// What the reconciler sees.
    pub(crate) fn observed(&self) -> Observed {
        Observed {
            run: None,
            deployment: self.deployment.clone(),
            plan: self.plan.clone(),
            pods: self
                .pods
                .iter()
                .map(|pod| pod.seen(self.moment()))
                .collect(),
        }
    }

    /// What the servers' behaviour depends on.
    pub(super) fn moment(&self) -> Moment<'_> {
        Moment {
            clock: self.clock,
            health: &self.health,
        }
    }

    fn kubelets(&mut self) {
        let (clock, live) = (self.clock, self.plan.clone());
        let health = self.health.clone();
        for pod in &mut self.pods {
            if let Some(live) = &live {
                let is_told =
                    pod.told == Some(live.sequence) && pod.mounted.sequence != live.sequence;
                if is_told || clock - pod.mounted_at >= REFRESH_SECONDS {
                    pod.mounted = live.clone();
                    pod.mounted_at = clock;
                }
            }
            pod.start(Moment {
                clock,
                health: &health,
            });
        }
        self.pods.retain(|pod| {
            pod.leaving_since
                .is_none_or(|since| clock - since < LEAVE_SECONDS)
        });
    }

    /// The Deployment's controller: one pod more than wanted while it replaces, none less that is ready.
    fn rollover(&mut self) {
        let Some(mut deployment) = self.deployment.clone() else {
            return;
        };
        let template = deployment.template.clone().unwrap_or_default();
        let wanted = usize::try_from(deployment.wanted).expect("not negative");
        let staying: Vec<usize> = (0..self.pods.len())
            .filter(|&index| self.pods[index].leaving_since.is_none())
            .collect();
        let old: Vec<usize> = staying
            .iter()
            .copied()
            .filter(|&index| self.pods[index].template != template)
            .collect();
        let current = staying.len() - old.len();
        let ready = staying
            .iter()
            .filter(|&&index| self.pods[index].is_ready(self.moment()))
            .count();
        let surge = wanted + wanted.div_ceil(4);
        if current < wanted && (staying.len() < surge) {
            self.create(&template, deployment.bundles.keys().cloned().collect());
        } else if let Some(&idle) = old
            .iter()
            .find(|&&index| !self.pods[index].is_ready(self.moment()))
        {
            self.pods[idle].leaving_since = Some(self.clock);
        } else if let Some(&first) = old.first().filter(|_| ready > wanted) {
            self.pods[first].leaving_since = Some(self.clock);
        } else if current > wanted {
            let newest = *staying.last().expect("there are more than wanted");
            self.pods[newest].leaving_since = Some(self.clock);
        }
        let staying: Vec<&Running> = self
            .pods
            .iter()
            .filter(|pod| pod.leaving_since.is_none())
            .collect();
        let count = |number: usize| i32::try_from(number).expect("a small number");
        deployment.is_observed = true;
        deployment.replicas = count(staying.len());
        deployment.updated = count(
            staying
                .iter()
                .filter(|pod| pod.template == template)
                .count(),
        );
        deployment.ready = count(
            staying
                .iter()
                .filter(|pod| pod.is_ready(self.moment()))
                .count(),
        );
        self.deployment = Some(deployment);
    }

    fn create(&mut self, template: &str, bundles: Vec<String>) {
        self.born += 1;
        self.pods.push(Running {
            name: format!("pod-{}", self.born),
            template: template.to_owned(),
            bundles,
            born: self.clock,
            serving_since: None,
            leaving_since: None,
            mounted: self
                .plan
                .clone()
                .expect("the plan is there before the Deployment"),
            mounted_at: self.clock,
            awaited: self.awaited.clone(),
            told: None,
            trouble: None,
            lost: Vec::new(),
        });
    }

    /// One reconcile, as the real one does it.
    pub(crate) fn reconcile(&mut self) -> Decision {
        let now = at(self.clock);
        let settings = self.settings.clone();
        let model = self.model.clone();
        let blueprint = Blueprint::new("shop", &model, &settings);
        let observed = self.observed();
        let decision = decide(
            &model,
            &observed,
            &|bundles| blueprint.template_digest(bundles),
            now,
        );
        self.apply(&decision, &blueprint.template_digest(&decision.bundles));
        let before = self.status();
        let after = status(
            &before,
            &decision,
            model.metadata.generation.unwrap_or(0),
            now,
        );
        if before != after {
            self.writes.push("status".to_owned());
            self.model.status = Some(after);
        }
        let delay = i64::try_from(decision.requeue.delay(now).as_secs()).expect("a short delay");
        self.next_look = self.clock + delay.max(1);
        self.record();
        decision
    }

    fn apply(&mut self, decision: &Decision, template: &str) {
        self.writes.clear();
        if self.plan != decision.plan || self.awaited != decision.awaited {
            self.writes.push("plan".to_owned());
            self.plan.clone_from(&decision.plan);
            self.awaited.clone_from(&decision.awaited);
        }
        if decision.bundles.is_empty() {
            self.deployment = None;
            self.pods.clear();
            return;
        }
        let mut deployment = self.deployment.clone().unwrap_or(DeploymentView {
            wanted: 1,
            ..DeploymentView::default()
        });
        if deployment.template.as_deref() != Some(template) {
            self.writes.push("deployment".to_owned());
            deployment.is_observed = false;
            deployment.template = Some(template.to_owned());
            deployment.bundles = decision
                .bundles
                .iter()
                .map(|bundle| (bundle.sha256.clone(), bundle.uri.clone()))
                .collect();
        }
        if let Some(replicas) = decision.replicas {
            self.writes.push("replicas".to_owned());
            (deployment.wanted, deployment.scaled) = (replicas, Some(replicas));
        }
        self.deployment = Some(deployment);
        for (name, _) in &decision.to_be_told {
            self.writes.push(format!("annotation of {name}"));
            let pod = self
                .pods
                .iter_mut()
                .find(|pod| &pod.name == name)
                .expect("a pod that was observed");
            pod.told = decision.plan.as_ref().map(|plan| plan.sequence);
        }
    }
}

/// Fixed at so many servers.
pub(crate) fn fixed(spec: &mut RankingModelSpec, replicas: i32) {
    spec.serving.replicas = replicas;
    spec.serving.autoscaling.mode = AutoscalingMode::Fixed;
}
