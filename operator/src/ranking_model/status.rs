//! The status after a decision. Pure; writing it is the core's.

use super::decide::Decision;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::events::EventType;
use searchop_crds::reason::RankingModelReason as Reason;
use searchop_crds::{RankingModelStatus, condition};

/// The status that follows from `before` and the decision.
pub(crate) fn status(
    before: &RankingModelStatus,
    decision: &Decision,
    generation: i64,
    now: Timestamp,
) -> RankingModelStatus {
    let memory = decision.memory.clone();
    RankingModelStatus {
        observed_generation: Some(generation),
        conditions: condition::merge(&before.conditions, &decision.findings, generation, now),
        stable: memory.stable,
        candidate: memory.candidate,
        previous: memory.previous,
        rollout: memory.rollout,
        rejected: memory.rejected,
        history: memory.history,
        serving: Some(decision.serving.clone()),
    }
}

/// Whether a condition's new reason is worth an Event, and of which weight: a warning is for what a person should look at.
pub(crate) fn classify(reason: &str) -> Option<EventType> {
    match Reason::parse(reason)? {
        Reason::Resolved | Reason::ServersReady | Reason::NoModel | Reason::NoServerReady => None,
        Reason::TrainingRunNotComplete
        | Reason::Deploying
        | Reason::RollingOut
        | Reason::Shifting
        | Reason::Updating
        | Reason::InEffect
        | Reason::Promoted => Some(EventType::Normal),
        _ => Some(EventType::Warning),
    }
}
