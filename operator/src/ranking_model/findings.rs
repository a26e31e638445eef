//! What the conditions say: five findings from where things stand. Pure, and nothing else words a condition.

use super::memory::Memory;
use super::resolve::{Unresolved, short};
use super::trouble::{Severity, Trouble, reason_named};
use crate::error::Obstacle;
use searchop_crds::condition::{AVAILABLE, Finding, MODEL_RESOLVED, PROGRESSING, PROMOTED, READY};
use searchop_crds::reason::RankingModelReason as Reason;
use searchop_crds::{ModelReference, RejectedModel};

/// Where things stand after a decision.
pub(crate) struct Standing<'a> {
    pub(crate) target: Result<&'a ModelReference, &'a Unresolved>,
    /// Why the spec's model is refused, if it is.
    pub(crate) refusal: Option<&'a RejectedModel>,
    pub(crate) memory: &'a Memory,
    /// Whether the candidate has the traffic already.
    pub(crate) is_shifted: bool,
    /// Whether no server is known to follow another plan.
    pub(crate) is_plan_verified: bool,
    pub(crate) in_effect: bool,
    pub(crate) ready: i32,
    pub(crate) wanted: i32,
    /// Digest of the model that has the traffic in the live plan.
    pub(crate) serving: Option<&'a str>,
    pub(crate) trouble: Option<&'a Trouble>,
}

impl Standing<'_> {
    /// Whether nothing more happens until the spec or another object changes.
    pub(crate) fn is_held(&self) -> bool {
        self.target.is_err() || self.refusal.is_some()
    }

    fn phase(&self) -> Reason {
        match (&self.memory.stable, &self.memory.candidate) {
            (None, _) => Reason::Deploying,
            (Some(_), Some(_)) if self.is_shifted => Reason::Shifting,
            (Some(_), Some(_)) => Reason::RollingOut,
            (Some(_), None) if !self.is_plan_verified => Reason::Shifting,
            (Some(_), None) => Reason::Updating,
        }
    }

    /// What happens now, in a sentence.
    fn story(&self) -> String {
        let count = format!(
            "{} of {} ranking servers are ready",
            self.ready, self.wanted
        );
        match (&self.memory.stable, &self.memory.candidate) {
            (None, Some(candidate)) => {
                format!("deploying the first model, {}: {count}", candidate.name)
            }
            (Some(stable), Some(candidate)) if self.is_shifted => {
                format!(
                    "{} passed its self-check on every server and takes over from {}",
                    candidate.name, stable.name
                )
            }
            (Some(stable), Some(candidate)) => {
                format!(
                    "servers load {} while {} serves: {count}",
                    candidate.name, stable.name
                )
            }
            (Some(stable), None) => format!(
                "servers are brought to the spec while {} serves: {count}",
                stable.name
            ),
            (None, None) => "no model is deployed".to_owned(),
        }
    }

    /// The name of a model by its digest.
    fn name_of(&self, sha256: &str) -> String {
        [
            &self.memory.candidate,
            &self.memory.stable,
            &self.memory.previous,
        ]
        .into_iter()
        .flatten()
        .find(|model| model.sha256 == sha256)
        .map_or_else(|| short(sha256), |model| model.name.clone())
    }

    fn rolled_back(&self, refusal: &RejectedModel) -> String {
        let refused = self
            .target
            .map_or_else(|_| short(&refusal.sha256), |target| target.name.clone());
        let stable = self
            .memory
            .stable
            .as_ref()
            .map_or("nothing", |stable| stable.name.as_str());
        format!(
            "rollout {} of {refused} was rolled back: {}: {}; {stable} serves on; nothing is tried again until spec.model, spec.serving.template or spec.storage changes",
            refusal.rollout_id, refusal.reason, refusal.message
        )
    }
}

/// The conditions, Ready first.
pub(crate) fn findings(standing: &Standing<'_>) -> Vec<Finding> {
    vec![
        ready(standing),
        available(standing),
        progressing(standing),
        resolved(standing),
        promoted(standing),
    ]
}

/// The findings when a child could not be brought about: `message` names it.
pub(crate) fn obstructed(
    findings: Vec<Finding>,
    obstacle: Obstacle,
    message: &str,
) -> Vec<Finding> {
    let reason = match obstacle {
        Obstacle::Refused => Reason::ChildRefused,
        Obstacle::NameTaken => Reason::NameTaken,
    };
    findings
        .into_iter()
        .map(|told| match told.type_ {
            READY | PROGRESSING => finding(told.type_, false, reason, message.to_owned()),
            _ => told,
        })
        .collect()
}

fn finding(type_: &'static str, status: bool, reason: Reason, message: String) -> Finding {
    Finding {
        type_,
        status: Some(status),
        reason: reason.as_str(),
        message,
    }
}

fn ready(standing: &Standing<'_>) -> Finding {
    if let Err(unresolved) = standing.target {
        return finding(READY, false, unresolved.reason, unresolved.message.clone());
    }
    if standing.in_effect {
        let name = standing
            .memory
            .stable
            .as_ref()
            .map_or("", |stable| stable.name.as_str());
        return finding(
            READY,
            true,
            Reason::InEffect,
            format!("every ranking server serves {name}"),
        );
    }
    if let Some(refusal) = standing.refusal {
        return finding(
            READY,
            false,
            reason_named(&refusal.reason),
            standing.rolled_back(refusal),
        );
    }
    match standing.trouble {
        Some(trouble) => finding(READY, false, trouble.reason, told(trouble)),
        None => finding(READY, false, standing.phase(), standing.story()),
    }
}

/// A trouble's message with what to do about it, where there is something.
fn told(trouble: &Trouble) -> String {
    let advice = match trouble.severity {
        Severity::Terminal => "; edit the spec to go on",
        Severity::Retryable => "; tried again without end",
        Severity::Blocked => "",
    };
    format!("{}{advice}", trouble.message)
}

fn available(standing: &Standing<'_>) -> Finding {
    let has_servers = standing.memory.stable.is_some() || standing.memory.candidate.is_some();
    match (standing.serving, standing.ready) {
        (Some(serving), ready) if ready > 0 => {
            let message = format!(
                "{ready} of {} ranking servers are ready, serving {}",
                standing.wanted,
                standing.name_of(serving)
            );
            finding(AVAILABLE, true, Reason::ServersReady, message)
        }
        _ if has_servers => {
            let cause = standing
                .trouble
                .map(|trouble| format!(": {}: {}", trouble.reason.as_str(), trouble.message));
            finding(
                AVAILABLE,
                false,
                Reason::NoServerReady,
                format!("no ranking server is ready{}", cause.unwrap_or_default()),
            )
        }
        _ => finding(
            AVAILABLE,
            false,
            Reason::NoModel,
            "no model is deployed".to_owned(),
        ),
    }
}

fn progressing(standing: &Standing<'_>) -> Finding {
    if let Err(unresolved) = standing.target {
        return finding(
            PROGRESSING,
            false,
            unresolved.reason,
            unresolved.message.clone(),
        );
    }
    if standing.in_effect {
        return finding(
            PROGRESSING,
            false,
            Reason::InEffect,
            "nothing is to be done".to_owned(),
        );
    }
    if let Some(refusal) = standing.refusal {
        return finding(
            PROGRESSING,
            false,
            Reason::RolledBack,
            standing.rolled_back(refusal),
        );
    }
    match standing.trouble {
        Some(trouble) => finding(
            PROGRESSING,
            trouble.severity != Severity::Terminal,
            trouble.reason,
            told(trouble),
        ),
        None => finding(PROGRESSING, true, standing.phase(), standing.story()),
    }
}

fn resolved(standing: &Standing<'_>) -> Finding {
    match standing.target {
        Ok(target) => finding(
            MODEL_RESOLVED,
            true,
            Reason::Resolved,
            format!(
                "spec.model names {} ({})",
                target.name,
                short(&target.sha256)
            ),
        ),
        Err(unresolved) => finding(
            MODEL_RESOLVED,
            false,
            unresolved.reason,
            unresolved.message.clone(),
        ),
    }
}

fn promoted(standing: &Standing<'_>) -> Finding {
    let target = match standing.target {
        Ok(target) => target,
        Err(unresolved) => {
            return finding(
                PROMOTED,
                false,
                unresolved.reason,
                unresolved.message.clone(),
            );
        }
    };
    let is_stable = standing
        .memory
        .stable
        .as_ref()
        .is_some_and(|stable| stable.sha256 == target.sha256);
    if let Some(refusal) = standing.refusal {
        finding(
            PROMOTED,
            false,
            Reason::RolledBack,
            standing.rolled_back(refusal),
        )
    } else if is_stable
        && standing.memory.candidate.is_none()
        && standing.serving == Some(&target.sha256)
    {
        finding(
            PROMOTED,
            true,
            Reason::Promoted,
            format!("{} serves all traffic", target.name),
        )
    } else {
        finding(PROMOTED, false, standing.phase(), standing.story())
    }
}
