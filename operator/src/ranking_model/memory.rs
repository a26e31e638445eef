//! What was decided before: the part of the status that later decisions build on, and how it changes when `spec.model`
//! does. Pure.
//!
//! What serves is what the live plan says; the status gives it a name. Both together survive a crash between any two writes.

use super::observed::Observed;
use super::resolve::{Unresolved, short};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use searchop_crds::condition::whole_seconds;
use searchop_crds::reason::RankingModelReason;
use searchop_crds::{
    HistoryEntry, ModelReference, RankingModelStatus, RejectedModel, RolloutOutcome, RolloutStatus,
};

/// Most entries of the status' lists.
const KEPT: usize = 10;
/// Longest message of a rejected model, in characters. Each takes at most four bytes of the API's limit, which counts characters.
const MESSAGE_LIMIT: usize = 1_000;

/// What was decided before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) stable: Option<ModelReference>,
    pub(crate) candidate: Option<ModelReference>,
    pub(crate) previous: Option<ModelReference>,
    pub(crate) rollout: Option<RolloutStatus>,
    pub(crate) rejected: Vec<RejectedModel>,
    pub(crate) history: Vec<HistoryEntry>,
}

/// What the cluster tells a memory that turns to another model.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// The digest in the live plan.
    pub(crate) serving: Option<&'a str>,
    /// Whether a ready server may have answered requests with the model of the live plan.
    pub(crate) may_be_served: bool,
    /// Whether a pod cannot start because of the store: then a new place of the stable model is taken on.
    pub(crate) is_store_in_the_way: bool,
    /// Digest of the pod template with one model alone: what an attempt with that model depends on.
    pub(crate) conditions_of: &'a dyn Fn(&ModelReference) -> String,
}

impl Memory {
    /// The memory in the status; where the status was lost, what the live plan and Deployment tell.
    pub(crate) fn recall(
        status: &RankingModelStatus,
        observed: &Observed,
        target: Result<&ModelReference, &Unresolved>,
    ) -> Self {
        let mut memory = Self {
            stable: status.stable.clone(),
            candidate: status.candidate.clone(),
            previous: status.previous.clone(),
            rollout: status.rollout.clone(),
            rejected: status.rejected.clone(),
            history: status.history.clone(),
        };
        if memory.stable.is_none() && memory.candidate.is_none() {
            memory.reconstruct(observed, target);
        }
        memory
    }

    fn reconstruct(&mut self, observed: &Observed, target: Result<&ModelReference, &Unresolved>) {
        let (Some(plan), Some(deployment)) = (&observed.plan, &observed.deployment) else {
            return;
        };
        let Some(serving) = plan.serving() else {
            return;
        };
        // A plan whose model no server has loaded protects nothing, unless there is nothing else to go to.
        let is_worth_keeping = deployment.ready > 0 || target.is_err();
        let Some(uri) = deployment.bundles.get(serving).filter(|_| is_worth_keeping) else {
            return;
        };
        self.stable = Some(unnamed(serving, uri));
        self.previous = deployment
            .bundles
            .iter()
            .find(|(sha256, _)| {
                sha256.as_str() != serving
                    && target.ok().map(|target| &target.sha256) != Some(*sha256)
            })
            .map(|(sha256, uri)| unnamed(sha256, uri));
    }

    /// Whether the servers are already told to serve the candidate.
    pub(crate) fn is_shifted(&self, serving: Option<&str>) -> bool {
        match (&self.stable, &self.candidate) {
            (Some(_), Some(candidate)) => serving == Some(&candidate.sha256),
            _ => false,
        }
    }

    /// Turns to the model that the spec names now.
    pub(crate) fn turn_to(
        &mut self,
        target: Result<&ModelReference, &Unresolved>,
        scene: Scene<'_>,
        generation: i64,
        now: Timestamp,
    ) {
        let is_shifted = self.is_shifted(scene.serving);
        let is_on_its_way = match (&self.candidate, target) {
            // Once it has the traffic its place is known to be good.
            (Some(candidate), Ok(target)) => {
                candidate.sha256 == target.sha256 && (is_shifted || candidate.uri == target.uri)
            }
            _ => false,
        };
        if is_on_its_way {
            refresh(&mut self.candidate, target, false);
            return;
        }
        self.supersede(scene, now);
        let Ok(target) = target else { return };
        let is_stable = self
            .stable
            .as_ref()
            .is_some_and(|stable| stable.sha256 == target.sha256);
        if is_stable {
            refresh(&mut self.stable, Ok(target), scene.is_store_in_the_way);
            // A refused model may be tried again after the spec has named another one.
            self.rollout = self
                .rollout
                .take()
                .filter(|rollout| rollout.outcome != RolloutOutcome::RolledBack);
        } else if self
            .refusal_of(target, &(scene.conditions_of)(target))
            .is_none()
        {
            self.start(target, generation, now);
        }
    }

    /// Why the spec's model is not tried again, if the newest rollout brought it and was rolled back. `conditions` is the
    /// digest of the pod template with this model alone: the same model on other servers, or from a store that is reached in
    /// another way, is another attempt.
    pub(crate) fn refusal_of(
        &self,
        target: &ModelReference,
        conditions: &str,
    ) -> Option<&RejectedModel> {
        let rollout = self
            .rollout
            .as_ref()
            .filter(|rollout| rollout.outcome == RolloutOutcome::RolledBack)?;
        self.rejected.iter().find(|rejected| {
            rejected.rollout_id == rollout.id
                && rejected.sha256 == target.sha256
                && rejected.uri == target.uri
                && rejected.template_sha256.as_deref() == Some(conditions)
        })
    }

    fn start(&mut self, target: &ModelReference, generation: i64, now: Timestamp) {
        let digits: String = target.sha256.chars().take(8).collect();
        self.candidate = Some(target.clone());
        self.rollout = Some(RolloutStatus {
            id: format!("{generation}-{digits}"),
            sha256: target.sha256.clone(),
            outcome: RolloutOutcome::InProgress,
            weight: 0,
            verified_weight: 0,
            started_at: Time(whole_seconds(now)),
            ended_at: None,
        });
    }

    fn supersede(&mut self, scene: Scene<'_>, now: Timestamp) {
        let Some(candidate) = &self.candidate else {
            return;
        };
        let has_traffic = scene.serving == Some(&candidate.sha256);
        if self.stable.is_none() && has_traffic && scene.may_be_served {
            // The edit came before the first model's promotion was noted. What serves is never taken away.
            self.promote(now);
            return;
        }
        if self.is_shifted(scene.serving) {
            self.previous = self.stable.take();
            self.stable = self.candidate.clone();
        }
        self.end(RolloutOutcome::Superseded, now);
    }

    /// The candidate serves on every server.
    pub(crate) fn promote(&mut self, now: Timestamp) {
        let Some(candidate) = self.candidate.clone() else {
            return;
        };
        self.previous = self.stable.replace(candidate);
        if let Some(rollout) = &mut self.rollout {
            rollout.weight = 100;
            rollout.verified_weight = 100;
        }
        self.end(RolloutOutcome::Succeeded, now);
    }

    /// The candidate is refused; what serves stays. `conditions` is as for [`Self::refusal_of`].
    pub(crate) fn roll_back(
        &mut self,
        reason: RankingModelReason,
        message: &str,
        conditions: String,
        now: Timestamp,
    ) {
        let (Some(candidate), Some(rollout)) = (self.candidate.clone(), self.rollout.clone())
        else {
            return;
        };
        // Where it was the way back, there is none: servers need not hold what is refused.
        self.previous
            .take_if(|previous| previous.sha256 == candidate.sha256);
        self.rejected.insert(
            0,
            RejectedModel {
                sha256: candidate.sha256,
                template_sha256: Some(conditions),
                uri: candidate.uri,
                rollout_id: rollout.id,
                reason: reason.as_str().to_owned(),
                message: message.chars().take(MESSAGE_LIMIT).collect(),
                at: Time(whole_seconds(now)),
            },
        );
        self.rejected.truncate(KEPT);
        if let Some(rollout) = &mut self.rollout {
            rollout.weight = 0;
        }
        self.end(RolloutOutcome::RolledBack, now);
    }

    fn end(&mut self, outcome: RolloutOutcome, now: Timestamp) {
        let Some(candidate) = self.candidate.take() else {
            return;
        };
        let Some(rollout) = &mut self.rollout else {
            return;
        };
        rollout.outcome = outcome;
        rollout.ended_at = Some(Time(whole_seconds(now)));
        self.history.insert(
            0,
            HistoryEntry {
                rollout_id: rollout.id.clone(),
                name: candidate.name,
                sha256: candidate.sha256,
                outcome,
                at: Time(whole_seconds(now)),
            },
        );
        self.history.truncate(KEPT);
    }

    /// Digests of the bundles that a new server waits for: what serves and what is on its way, but not what is kept for the
    /// way back.
    pub(crate) fn awaited(&self) -> Vec<String> {
        let mut digests: Vec<_> = self
            .stable
            .iter()
            .chain(&self.candidate)
            .map(|model| model.sha256.clone())
            .collect();
        digests.sort();
        digests.dedup();
        digests
    }

    /// The bundles that servers shall hold, by digest: in a rollout stable and candidate, otherwise stable and previous, so
    /// that the end of a rollout changes no pod.
    pub(crate) fn bundles(&self) -> Vec<ModelReference> {
        let beside = self
            .candidate
            .as_ref()
            .or(self.previous.as_ref().filter(|_| self.stable.is_some()));
        let mut bundles: Vec<_> = self.stable.iter().chain(beside).cloned().collect();
        bundles.sort_by(|left, right| left.sha256.cmp(&right.sha256));
        bundles.dedup_by(|left, right| left.sha256 == right.sha256);
        bundles
    }
}

/// Takes on the spec's name of the same model, its metric where the spec's source tells one, and its place if it `moves`. A
/// digest names the same bytes wherever they are, so that servers which have them are not restarted for another place.
fn refresh(
    known: &mut Option<ModelReference>,
    target: Result<&ModelReference, &Unresolved>,
    moves: bool,
) {
    let (Some(known), Ok(target)) = (known, target) else {
        return;
    };
    let metric = target.ndcg_at_10.clone().or(known.ndcg_at_10.take());
    *known = ModelReference {
        name: target.name.clone(),
        sha256: target.sha256.clone(),
        uri: if moves { &target.uri } else { &known.uri }.clone(),
        ndcg_at_10: metric,
    };
}

fn unnamed(sha256: &str, uri: &str) -> ModelReference {
    ModelReference {
        name: short(sha256),
        sha256: sha256.to_owned(),
        uri: uri.to_owned(),
        ndcg_at_10: None,
    }
}
