//! Condition types, and how a condition changes: Kubernetes' `metav1.Condition` rules in one pure function.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// Traffic is served now (RankingModel).
pub const AVAILABLE: &str = "Available";
/// The spec of the observed generation is fully in effect (RankingModel).
pub const READY: &str = "Ready";
/// The operator is moving the state towards the spec (RankingModel).
pub const PROGRESSING: &str = "Progressing";
/// `spec.model` was resolved to the digest of a bundle (RankingModel).
pub const MODEL_RESOLVED: &str = "ModelResolved";
/// The model that the spec names is the one that serves (RankingModel).
pub const PROMOTED: &str = "Promoted";
/// The result is there (DemoDataset, TrainingRun).
pub const COMPLETE: &str = "Complete";
/// There will be no result (DemoDataset, TrainingRun).
pub const FAILED: &str = "Failed";
/// Work is held by `spec.suspend` (TrainingRun).
pub const SUSPENDED: &str = "Suspended";
/// The object is being deleted, and why that takes time (DemoDataset, TrainingRun).
pub const DELETING: &str = "Deleting";

/// The condition types of DemoDataset and TrainingRun.
pub const OF_JOBS: &[&str] = &[COMPLETE, FAILED, SUSPENDED, DELETING];
/// The condition types of RankingModel.
pub const OF_RANKING_MODELS: &[&str] = &[READY, AVAILABLE, PROGRESSING, MODEL_RESOLVED, PROMOTED];

/// Longest message that the API accepts, in bytes.
const MESSAGE_LIMIT: usize = 32_768;

/// What a reconcile found out about one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// One of the constants of this module.
    pub type_: &'static str,
    /// `None` is "Unknown".
    pub status: Option<bool>,
    /// The reason's CamelCase name.
    pub reason: &'static str,
    /// For people: what is so, and what to do about it.
    pub message: String,
}

/// Merges findings into the conditions of an object's status.
///
/// A condition's `lastTransitionTime` changes only with its status; times are whole seconds, as the API stores them.
/// Conditions that no finding names are dropped. The order is that of the findings.
#[must_use]
pub fn merge(
    existing: &[Condition],
    findings: &[Finding],
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    findings
        .iter()
        .map(|finding| merge_one(existing, finding, generation, now))
        .collect()
}

/// As [`merge`], but conditions that no finding names stay as they are, and every condition keeps its place.
#[must_use]
pub fn update(
    existing: &[Condition],
    findings: &[Finding],
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let mut merged = merge(existing, findings, generation, now);
    let mut updated: Vec<_> = existing
        .iter()
        .map(|before| {
            let at = merged
                .iter()
                .position(|condition| condition.type_ == before.type_);
            at.map_or_else(|| before.clone(), |at| merged.remove(at))
        })
        .collect();
    updated.append(&mut merged);
    updated
}

fn merge_one(
    existing: &[Condition],
    finding: &Finding,
    generation: i64,
    now: Timestamp,
) -> Condition {
    let status = status_text(finding.status).to_owned();
    let before = existing
        .iter()
        .find(|condition| condition.type_ == finding.type_);
    let last_transition_time = match before {
        Some(before) if before.status == status => before.last_transition_time.clone(),
        _ => Time(whole_seconds(now)),
    };
    Condition {
        type_: finding.type_.to_owned(),
        status,
        reason: finding.reason.to_owned(),
        message: truncated(&finding.message),
        observed_generation: Some(generation),
        last_transition_time,
    }
}

/// The condition of that type, if it is there.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether the condition is there with status "True".
#[must_use]
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|condition| condition.status == "True")
}

/// The instant without its fraction of a second.
#[must_use]
pub fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second())
        .expect("a timestamp's second is within a timestamp's range")
}

fn status_text(status: Option<bool>) -> &'static str {
    match status {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    }
}

fn truncated(message: &str) -> String {
    if message.len() <= MESSAGE_LIMIT {
        return message.to_owned();
    }
    let end = (0..=MESSAGE_LIMIT)
        .rev()
        .find(|&end| message.is_char_boundary(end))
        .unwrap_or(0);
    message[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a valid second")
    }

    fn finding(status: bool, message: &str) -> Finding {
        Finding {
            type_: READY,
            status: Some(status),
            reason: "Testing",
            message: message.to_owned(),
        }
    }

    #[test]
    fn transition_time_changes_only_with_the_status() {
        let first = merge(&[], &[finding(false, "one")], 1, at(10));
        let same = merge(&first, &[finding(false, "two")], 2, at(20));
        assert_eq!(same[0].last_transition_time.0, at(10));
        assert_eq!(same[0].message, "two");
        assert_eq!(same[0].observed_generation, Some(2));
        let flipped = merge(&same, &[finding(true, "three")], 2, at(30));
        assert_eq!(flipped[0].last_transition_time.0, at(30));
    }

    #[test]
    fn a_condition_that_no_finding_names_is_dropped() {
        let first = merge(&[], &[finding(true, "")], 1, at(10));
        assert!(merge(&first, &[], 1, at(20)).is_empty());
    }

    #[test]
    fn an_update_keeps_what_no_finding_names() {
        let of = |type_: &'static str| Finding {
            type_,
            ..finding(true, "")
        };
        let first = merge(&[], &[of(READY), of(COMPLETE)], 1, at(10));
        let updated = update(&first, &[of(DELETING), of(COMPLETE)], 2, at(20));
        let told: Vec<_> = updated
            .iter()
            .map(|condition| (condition.type_.as_str(), condition.observed_generation))
            .collect();
        let wanted = [(READY, Some(1)), (COMPLETE, Some(2)), (DELETING, Some(2))];
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let merged = merge(&[], &[finding(true, &"ä".repeat(MESSAGE_LIMIT))], 1, at(10));
        assert!(merged[0].message.len() <= MESSAGE_LIMIT);
    }
}
