//! What to do next, from the spec, what was decided before, what is observed, and the time. Pure.
//!
//! A rollout goes: pods get the candidate beside the stable model, while the plan stays; once every server has loaded it, the
//! plan gives it all traffic; once every server follows that plan, it is stable. A verdict is recorded first and acted upon
//! in the next pass, so that no crash between the two forgets why.

use super::findings::{Standing, findings, obstructed};
use super::fleet::Fleet;
use super::memory::{Memory, Scene};
use super::observed::{DeploymentView, Observed};
use super::plan::TrafficPlan;
use super::resolve::{HEADLINE_METRIC, Unresolved, resolve};
use super::trouble::{Severity, Trouble};
use crate::error::Obstacle;
use crate::requeue::Requeue;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use searchop_crds::condition::{self, Finding};
use searchop_crds::{
    AutoscalingMode, ModelReference, RankingModel, RankingModelStatus, RolloutOutcome, Serving,
    ServingStatus, labels, names,
};

/// Time between two looks at servers that are being started or replaced; watches tell most changes earlier.
const POLL: SignedDuration = SignedDuration::from_secs(2);
/// The same while something is in the way.
const TROUBLED_POLL: SignedDuration = SignedDuration::from_secs(5);

/// What shall be, and what is to be said about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    /// The bundles that servers shall hold, by digest. Empty: there shall be no servers.
    pub(crate) bundles: Vec<ModelReference>,
    /// The plan that servers shall follow.
    pub(crate) plan: Option<TrafficPlan>,
    /// Digests of the bundles that a new server waits for.
    pub(crate) awaited: Vec<String>,
    /// The replica count to set; `None` leaves it to whoever scales.
    pub(crate) replicas: Option<i32>,
    /// Pods to be told of the plan: name and UID.
    pub(crate) to_be_told: Vec<(String, String)>,
    /// What later decisions build on.
    pub(crate) memory: Memory,
    /// The conditions.
    pub(crate) findings: Vec<Finding>,
    /// What is known of the servers.
    pub(crate) serving: ServingStatus,
    /// When to look again.
    pub(crate) requeue: Requeue,
}

impl Decision {
    /// The same as it is told when a child could not be brought about. `before` is the status as it was.
    pub(crate) fn obstructed(
        mut self,
        obstacle: Obstacle,
        message: &str,
        before: Option<&RankingModelStatus>,
    ) -> Self {
        self.findings = obstructed(self.findings, obstacle, message);
        // A plan that may not have been written has no number to be remembered.
        let known = before.and_then(|before| before.serving.as_ref());
        let sequence = known.map_or(0, |known| known.plan_sequence);
        self.serving.plan_sequence = sequence;
        self.serving.verified_plan_sequence = self.serving.verified_plan_sequence.min(sequence);
        self
    }
}

/// Decides. `template` gives the digest of the pod template with these bundles.
pub(crate) fn decide(
    model: &RankingModel,
    observed: &Observed,
    template: &dyn Fn(&[ModelReference]) -> String,
    now: Timestamp,
) -> Decision {
    let unknown = RankingModelStatus::default();
    let status = model.status.as_ref().unwrap_or(&unknown);
    let generation = model.metadata.generation.unwrap_or(0);
    let resolved = resolve(&model.spec.model, observed.run.as_ref());
    let target = resolved.as_ref();
    let live = observed.plan.as_ref().and_then(TrafficPlan::serving);

    let conditions_of = |model: &ModelReference| template(std::slice::from_ref(model));

    let mut memory = Memory::recall(status, observed, target);
    // The questions of a scene are about all pods, whatever their template.
    let before = Fleet {
        observed,
        template: "",
        now,
    };
    let scene = Scene {
        serving: live,
        may_be_served: live.is_some_and(|live| before.may_serve(live)),
        is_store_in_the_way: before.is_store_in_the_way(),
        conditions_of: &conditions_of,
    };
    memory.turn_to(target, scene, generation, now);
    let bundles = memory.bundles();
    let wanted_template = template(&bundles);
    let fleet = Fleet {
        observed,
        template: &wanted_template,
        now,
    };

    judge(&mut memory, fleet, scene);
    let plan = plan(
        &memory,
        fleet,
        status,
        model.metadata.uid.as_deref().unwrap_or_default(),
        &bundles,
    );
    note_weight(&mut memory, plan.as_ref());
    if let Some(stable) = &mut memory.stable
        && stable.ndcg_at_10.is_none()
    {
        stable.ndcg_at_10 = fleet.metric(&stable.sha256, HEADLINE_METRIC);
    }

    let in_effect = is_in_effect(model, status, &memory, target, fleet, plan.as_ref());
    let serving = serving(model, status, fleet, plan.as_ref());
    let trouble = if bundles.is_empty() {
        None
    } else {
        fleet.trouble(live)
    };
    let standing = Standing {
        target,
        refusal: target
            .ok()
            .and_then(|target| memory.refusal_of(target, &conditions_of(target))),
        memory: &memory,
        is_shifted: memory.is_shifted(plan.as_ref().and_then(TrafficPlan::serving)),
        is_plan_verified: plan
            .as_ref()
            .is_some_and(|plan| !fleet.any_lags(plan.sequence)),
        in_effect,
        ready: serving.ready_replicas,
        wanted: observed
            .deployment
            .as_ref()
            .map_or(0, |deployment| deployment.wanted),
        serving: live,
        trouble: trouble.as_ref(),
    };
    Decision {
        replicas: if bundles.is_empty() {
            None
        } else {
            replicas(&model.spec.serving, observed.deployment.as_ref())
        },
        to_be_told: match &plan {
            Some(plan) if observed.plan.as_ref() == Some(plan) => fleet
                .to_be_told(plan.sequence)
                .iter()
                .map(|pod| (pod.name.clone(), pod.uid.clone()))
                .collect(),
            _ => Vec::new(),
        },
        findings: findings(&standing),
        requeue: requeue(
            &standing,
            status,
            observed.plan.as_ref() != plan.as_ref(),
            fleet,
            now,
        ),
        awaited: memory.awaited(),
        bundles,
        plan,
        serving,
        memory,
    }
}

/// Ends the rollout if there is a verdict.
fn judge(memory: &mut Memory, fleet: Fleet<'_>, scene: Scene<'_>) {
    let now = fleet.now;
    let (Some(candidate), Some(rollout)) = (memory.candidate.clone(), memory.rollout.clone())
    else {
        return;
    };
    let is_served = scene.serving == Some(&candidate.sha256);
    let sequence = fleet.observed.plan.as_ref().map_or(0, |plan| plan.sequence);
    if memory.stable.is_none() {
        // The first model has nothing to go back to: it is tried on, and stands once a server serves it.
        if is_served && fleet.any_serves(&candidate.sha256, sequence) {
            memory.promote(now);
        }
        return;
    }
    if let Some(failure) = fleet.failure_of(&candidate, rollout.started_at.0, is_served) {
        let conditions = (scene.conditions_of)(&candidate);
        memory.roll_back(failure.reason, &failure.message, conditions, now);
    } else if is_served && fleet.all_have_loaded(&candidate.sha256) && fleet.all_follow(sequence) {
        memory.promote(now);
    }
}

/// The plan that servers shall follow: the live one as long as it says the right thing.
fn plan(
    memory: &Memory,
    fleet: Fleet<'_>,
    status: &RankingModelStatus,
    salt: &str,
    bundles: &[ModelReference],
) -> Option<TrafficPlan> {
    let live = fleet.observed.plan.as_ref();
    let serving = traffic(memory, fleet)?;
    // A verdict is recorded first: what is still in the servers' template may be served on until the next pass.
    debug_assert!(bundles.iter().any(|bundle| bundle.sha256 == serving.sha256));
    let known = status
        .serving
        .as_ref()
        .map_or(0, |serving| serving.plan_sequence);
    let newest = live
        .map_or(0, |plan| plan.sequence)
        .max(known)
        .max(fleet.newest_sequence());
    let wanted = TrafficPlan::sole(newest.saturating_add(1), &serving.sha256, salt);
    match live {
        Some(live) if live.says_the_same(&wanted) => Some(live.clone()),
        _ => Some(wanted),
    }
}

/// The model that shall have all traffic.
fn traffic<'a>(memory: &'a Memory, fleet: Fleet<'_>) -> Option<&'a ModelReference> {
    let (Some(stable), Some(candidate)) = (&memory.stable, &memory.candidate) else {
        return memory.stable.as_ref().or(memory.candidate.as_ref());
    };
    let live = fleet.observed.plan.as_ref().and_then(TrafficPlan::serving);
    let is_shifted = live == Some(&candidate.sha256);
    let is_loaded = fleet.is_settled() && fleet.all_have_loaded(&candidate.sha256);
    let shifts = is_shifted || is_loaded || is_stable_lost(fleet, &stable.sha256);
    Some(if shifts { candidate } else { stable })
}

/// Whether no server is ready, and the stable model is why: then there is nothing to protect.
fn is_stable_lost(fleet: Fleet<'_>, stable: &str) -> bool {
    let is_terminal =
        |trouble: Trouble| trouble.severity == Severity::Terminal && !trouble.is_crash;
    fleet.ready() == 0 && fleet.trouble(Some(stable)).is_some_and(is_terminal)
}

fn note_weight(memory: &mut Memory, plan: Option<&TrafficPlan>) {
    let (Some(candidate), Some(rollout)) = (&memory.candidate, &mut memory.rollout) else {
        return;
    };
    rollout.weight = plan
        .and_then(|plan| plan.weights.get(&candidate.sha256).copied())
        .unwrap_or(0);
}

/// The replica count to set: at the Deployment's creation, and always where nobody else scales. An autoscaler leaves none
/// at none, so a count of none that we had set, or that a HorizontalPodAutoscaler finds, is raised first.
fn replicas(serving: &Serving, deployment: Option<&DeploymentView>) -> Option<i32> {
    match (serving.autoscaling.mode, deployment) {
        (AutoscalingMode::Fixed, Some(deployment))
            if deployment.wanted == serving.replicas
                && deployment.scaled == Some(serving.replicas) =>
        {
            None
        }
        (AutoscalingMode::Fixed, _) => Some(serving.replicas),
        (mode, Some(deployment))
            if deployment.scaled.is_some_and(|scaled| {
                deployment.wanted > 0 || (mode == AutoscalingMode::External && scaled > 0)
            }) =>
        {
            None
        }
        _ => Some(serving.autoscaling.min_replicas),
    }
}

/// Whether the spec is in effect. What came into effect stays so while pods come and go with the load.
fn is_in_effect(
    model: &RankingModel,
    status: &RankingModelStatus,
    memory: &Memory,
    target: Result<&ModelReference, &Unresolved>,
    fleet: Fleet<'_>,
    plan: Option<&TrafficPlan>,
) -> bool {
    let (Ok(target), Some(stable), None, Some(plan)) =
        (target, &memory.stable, &memory.candidate, plan)
    else {
        return false;
    };
    let is_rolled_back = memory
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.outcome == RolloutOutcome::RolledBack);
    let is_stable_served =
        fleet.observed.plan.as_ref() == Some(plan) && plan.serving() == Some(&stable.sha256);
    if stable.sha256 != target.sha256
        || is_rolled_back
        || !is_stable_served
        || !has_wanted_count(model, fleet)
    {
        return false;
    }
    let was_in_effect =
        condition::find(&status.conditions, condition::READY).is_some_and(|ready| {
            ready.status == "True" && ready.observed_generation == model.metadata.generation
        }) && status.stable.as_ref().map(|stable| &stable.sha256) == Some(&stable.sha256);
    if was_in_effect {
        return fleet.is_still_settled(minimum(&model.spec.serving, fleet))
            && !fleet.any_lags(plan.sequence);
    }
    let is_served = fleet.all_have_loaded(&stable.sha256) || fleet.is_empty();
    fleet.is_settled() && is_served && fleet.all_follow(plan.sequence)
}

/// Whether whoever scales has brought the Deployment to what the spec allows.
fn has_wanted_count(model: &RankingModel, fleet: Fleet<'_>) -> bool {
    let serving = &model.spec.serving;
    let Some(deployment) = &fleet.observed.deployment else {
        return false;
    };
    let bounds = serving.autoscaling.min_replicas..=serving.autoscaling.max_replicas;
    match serving.autoscaling.mode {
        AutoscalingMode::Fixed => deployment.wanted == serving.replicas,
        AutoscalingMode::Managed => bounds.contains(&deployment.wanted),
        // Whatever it wants, once the count is its own.
        AutoscalingMode::External => replicas(serving, Some(deployment)).is_none(),
    }
}

/// Fewest ready servers with which a service that was in effect is still called so.
fn minimum(serving: &Serving, fleet: Fleet<'_>) -> i32 {
    let deployment = fleet.observed.deployment.as_ref();
    match serving.autoscaling.mode {
        AutoscalingMode::Fixed => serving.replicas,
        AutoscalingMode::Managed => serving.autoscaling.min_replicas,
        // One, unless whoever scales wants none.
        AutoscalingMode::External => deployment.map_or(1, |deployment| deployment.wanted.min(1)),
    }
}

fn serving(
    model: &RankingModel,
    status: &RankingModelStatus,
    fleet: Fleet<'_>,
    plan: Option<&TrafficPlan>,
) -> ServingStatus {
    let name = model.metadata.name.as_deref().unwrap_or_default();
    let namespace = model.metadata.namespace.as_deref().unwrap_or_default();
    let selector = labels::selector(name, labels::Component::Ranking);
    let selector: Vec<_> = selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let known = status.serving.clone().unwrap_or_default();
    let verified = fleet
        .followed_by_all()
        .unwrap_or(known.verified_plan_sequence);
    let sequence = plan.map_or(known.plan_sequence, |plan| plan.sequence);
    ServingStatus {
        replicas: fleet
            .observed
            .deployment
            .as_ref()
            .map_or(0, |deployment| deployment.replicas),
        ready_replicas: fleet.ready(),
        selector: selector.join(","),
        url: format!("http://{}.{namespace}.svc:8080", names::serving(name)),
        plan_sequence: sequence,
        verified_plan_sequence: verified.min(sequence),
    }
}

fn requeue(
    standing: &Standing<'_>,
    status: &RankingModelStatus,
    is_plan_new: bool,
    fleet: Fleet<'_>,
    now: Timestamp,
) -> Requeue {
    let after = |delay: SignedDuration| Requeue::At(now.saturating_add(delay).unwrap_or(now));
    let is_verdict_new = status.rollout.as_ref().map(|rollout| rollout.outcome)
        != standing
            .memory
            .rollout
            .as_ref()
            .map(|rollout| rollout.outcome);
    let has_servers = standing.memory.stable.is_some() || standing.memory.candidate.is_some();
    if is_verdict_new && status.rollout.is_some() {
        return Requeue::Now;
    }
    if is_plan_new {
        return Requeue::Verify;
    }
    if has_servers && fleet.is_empty() {
        // Nobody can confirm anything: the Deployment's watch tells when somebody scales it.
        return if standing.in_effect {
            Requeue::Steady
        } else {
            Requeue::Watch
        };
    }
    if standing.is_shifted || !standing.is_plan_verified && has_servers {
        return Requeue::Verify;
    }
    if !has_servers {
        return Requeue::Watch;
    }
    let is_waiting = standing.memory.candidate.is_some()
        || !(standing.in_effect || standing.is_held() && fleet.is_settled());
    match standing.trouble {
        Some(_) if is_waiting => after(TROUBLED_POLL),
        None if is_waiting || fleet.any_is_silent() => after(POLL),
        _ => Requeue::Steady,
    }
}
