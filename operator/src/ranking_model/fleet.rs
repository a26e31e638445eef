//! What the servers as a whole have confirmed, and what is wrong with them. Pure questions about observed pods; what follows
//! from the answers is `decide`.

use super::observed::{DeploymentView, Observed, Pod, TrackState};
use super::trouble::{Severity, Trouble, reason_named};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use searchop_crds::ModelReference;
use searchop_crds::reason::RankingModelReason;

/// Longest time from the start of a serving container until it must be ready with its models.
const READY_DEADLINE: SignedDuration = SignedDuration::from_secs(300);

/// The servers, held against the template that they shall have.
#[derive(Clone, Copy)]
pub(crate) struct Fleet<'a> {
    pub(crate) observed: &'a Observed,
    /// Digest of the wanted template.
    pub(crate) template: &'a str,
    pub(crate) now: Timestamp,
}

impl<'a> Fleet<'a> {
    /// Pods that stay, whatever their template.
    fn staying(self) -> impl Iterator<Item = &'a Pod> {
        self.observed
            .pods
            .iter()
            .filter(|pod| !pod.is_terminating())
    }

    /// Pods that stay and have the wanted template.
    fn current(self) -> impl Iterator<Item = &'a Pod> {
        self.staying()
            .filter(move |pod| pod.template.as_deref() == Some(self.template))
    }

    /// Terminating pods that may still answer. One that should be gone by now is on a lost node: no Service sends to it.
    fn leaving(self) -> impl Iterator<Item = &'a Pod> {
        self.observed
            .pods
            .iter()
            .filter(move |pod| pod.gone_by.is_some_and(|gone_by| gone_by >= self.now))
    }

    /// Pods that are ready, whatever their template.
    pub(crate) fn ready(self) -> i32 {
        i32::try_from(self.staying().filter(|pod| pod.is_ready).count()).unwrap_or(i32::MAX)
    }

    /// Whether the Deployment has the wanted template and its controller has seen it.
    fn is_template_applied(self) -> bool {
        self.observed.deployment.as_ref().is_some_and(|deployment| {
            deployment.is_observed && deployment.template.as_deref() == Some(self.template)
        })
    }

    /// Whether every wanted pod is there with the wanted template and ready, and none with another template is left that
    /// might still answer.
    pub(crate) fn is_settled(self) -> bool {
        let Some(deployment) = &self.observed.deployment else {
            return false;
        };
        let is_complete =
            deployment.updated == deployment.wanted && deployment.replicas == deployment.wanted;
        let current = i32::try_from(self.current().count()).unwrap_or(i32::MAX);
        self.is_template_applied()
            && is_complete
            && current >= deployment.wanted
            && self
                .staying()
                .all(|pod| pod.is_ready && pod.template.as_deref() == Some(self.template))
            && self
                .leaving()
                .all(|pod| pod.template.as_deref() == Some(self.template))
    }

    /// Whether a service that was in effect may still be called so: pods come and go with the load, but enough are ready and
    /// none has another template.
    pub(crate) fn is_still_settled(self, minimum: i32) -> bool {
        self.is_template_applied()
            && self.ready() >= minimum
            && self
                .staying()
                .all(|pod| pod.template.as_deref() == Some(self.template))
    }

    /// Whether every server that stays has loaded the bundle, and there is one.
    pub(crate) fn all_have_loaded(self, sha256: &str) -> bool {
        self.staying().next().is_some() && self.staying().all(|pod| pod.has_loaded(sha256))
    }

    /// Whether a ready server has loaded the bundle and follows the plan.
    pub(crate) fn any_serves(self, sha256: &str, sequence: i64) -> bool {
        self.staying()
            .any(|pod| pod.is_ready && pod.has_loaded(sha256) && pod.follows() == Some(sequence))
    }

    /// Whether requests may have been answered with the bundle, which the live plan gives all traffic: a pod is ready, and
    /// says that it holds it, or says nothing and was made to hold it.
    pub(crate) fn may_serve(self, sha256: &str) -> bool {
        let deployment = self.observed.deployment.as_ref();
        let template = deployment
            .filter(|deployment| deployment.bundles.contains_key(sha256))
            .and_then(|deployment| deployment.template.as_ref());
        let is_made_for_it = |pod: &Pod| template.is_some() && pod.template.as_ref() == template;
        self.staying()
            .filter(|pod| pod.is_ready)
            .any(|pod| pod.has_loaded(sha256) || (pod.report.is_none() && is_made_for_it(pod)))
    }

    /// Whether a pod cannot start because of the store, or because of what is in it.
    pub(crate) fn is_store_in_the_way(self) -> bool {
        self.staying()
            .filter(|pod| !pod.is_ready)
            .filter_map(|pod| pod.trouble.as_ref())
            .any(|trouble| trouble.severity >= Severity::Retryable && !trouble.is_crash)
    }

    /// Whether there is no server and shall be none.
    pub(crate) fn is_empty(self) -> bool {
        let deployment = self.observed.deployment.as_ref();
        deployment.is_some_and(|deployment| deployment.wanted == 0)
            && self.staying().next().is_none()
    }

    /// Whether a server does not say which plan it follows.
    pub(crate) fn any_is_silent(self) -> bool {
        self.staying().any(|pod| pod.follows().is_none())
    }

    /// Whether every server that may answer follows the plan.
    pub(crate) fn all_follow(self, sequence: i64) -> bool {
        self.staying()
            .chain(self.leaving())
            .all(|pod| pod.follows() == Some(sequence))
    }

    /// Servers that follow an older plan and have not been told of this one.
    pub(crate) fn to_be_told(self, sequence: i64) -> Vec<&'a Pod> {
        self.staying()
            .filter(|pod| pod.told != Some(sequence))
            .filter(|pod| pod.follows().is_some_and(|follows| follows != sequence))
            .collect()
    }

    /// Whether a server says that it follows another plan.
    pub(crate) fn any_lags(self, sequence: i64) -> bool {
        self.staying()
            .any(|pod| pod.follows().is_some_and(|follows| follows != sequence))
    }

    /// The oldest plan that a server follows, if every server says.
    pub(crate) fn followed_by_all(self) -> Option<i64> {
        let sequences: Option<Vec<i64>> = self.staying().map(Pod::follows).collect();
        sequences?.into_iter().min()
    }

    /// The largest sequence number that any server has seen.
    pub(crate) fn newest_sequence(self) -> i64 {
        self.observed
            .pods
            .iter()
            .filter_map(|pod| pod.follows().max(pod.told))
            .max()
            .unwrap_or(0)
    }

    /// A metric of the bundle, as a server read it from the bundle.
    pub(crate) fn metric(self, sha256: &str, name: &str) -> Option<String> {
        self.staying()
            .filter_map(|pod| pod.track(sha256))
            .find_map(|track| track.metrics.get(name).cloned())
    }

    /// Why the candidate of a rollout that began at `since` is refused, while another model serves. `is_required` tells that
    /// pods need the candidate to start.
    pub(crate) fn failure_of(
        self,
        candidate: &ModelReference,
        since: Timestamp,
        is_required: bool,
    ) -> Option<Trouble> {
        self.current().find_map(|pod| {
            failed_track(pod, &candidate.sha256)
                .or_else(|| failed_start(pod, candidate, since, is_required))
                .or_else(|| self.overdue(pod, candidate, since))
        })
    }

    /// A server that had long enough for the candidate and has not loaded it. One that ran before the rollout began, because it
    /// held the candidate already, is given the same time; and one that is unready with the candidate loaded is so for another
    /// reason.
    fn overdue(self, pod: &Pod, candidate: &ModelReference, rollout: Timestamp) -> Option<Trouble> {
        let since = pod
            .serving_since
            .map(|since| since.max(rollout))
            .filter(|since| self.now.duration_since(*since) > READY_DEADLINE)?;
        let is_waiting = pod.report.is_some() && !pod.has_loaded(&candidate.sha256);
        is_waiting.then(|| Trouble {
            severity: Severity::Terminal,
            reason: RankingModelReason::DeadlineExceeded,
            message: format!(
                "a ranking server was not ready with the model within {} s",
                READY_DEADLINE.as_secs()
            ),
            at: Some(since),
            is_crash: false,
        })
    }

    /// The gravest thing that keeps servers from being ready with the model that has the traffic.
    pub(crate) fn trouble(self, serving: Option<&str>) -> Option<Trouble> {
        let refused = self.observed.deployment.as_ref().and_then(refusal);
        let of_pods = self
            .current()
            .filter(|pod| !pod.is_ready)
            .filter_map(|pod| {
                let failed = serving.and_then(|serving| failed_track(pod, serving));
                failed
                    .or_else(|| pod.trouble.clone())
                    .or_else(|| self.unreachable(pod))
            });
        // The first of equally grave ones, so that the condition does not flicker between pods.
        refused
            .into_iter()
            .chain(of_pods)
            .reduce(|first, other| {
                if other.severity > first.severity {
                    other
                } else {
                    first
                }
            })
            .or_else(|| self.current().find_map(|pod| self.unreachable(pod)))
    }

    /// A server that runs for long enough to answer and does not.
    fn unreachable(self, pod: &Pod) -> Option<Trouble> {
        let since = pod
            .serving_since
            .filter(|since| self.now.duration_since(*since) > SignedDuration::from_secs(30))?;
        pod.report.is_none().then(|| Trouble {
            severity: Severity::Blocked,
            reason: RankingModelReason::ServerUnreachable,
            message: "the admin port of a ranking server does not answer the operator: is a NetworkPolicy in the way?".to_owned(),
            at: Some(since),
            is_crash: false,
        })
    }
}

fn refusal(deployment: &DeploymentView) -> Option<Trouble> {
    deployment.refusal.as_ref().map(|message| Trouble {
        severity: Severity::Blocked,
        reason: RankingModelReason::PodsRefused,
        message: message.clone(),
        at: None,
        is_crash: false,
    })
}

fn failed_track(pod: &Pod, sha256: &str) -> Option<Trouble> {
    let track = pod
        .track(sha256)
        .filter(|track| track.state == TrackState::Failed)?;
    Some(Trouble {
        severity: Severity::Terminal,
        reason: reason_named(track.reason.as_deref().unwrap_or_default()),
        message: track.message.clone().unwrap_or_default(),
        at: None,
        is_crash: false,
    })
}

/// A server that crashes with the candidate beside the stable model, or an init step that needs the candidate and cannot
/// have it. An init step that fails for the stable model says nothing about the candidate.
fn failed_start(
    pod: &Pod,
    candidate: &ModelReference,
    since: Timestamp,
    is_required: bool,
) -> Option<Trouble> {
    let trouble = pod
        .trouble
        .as_ref()
        .filter(|trouble| trouble.severity == Severity::Terminal)?;
    let is_new = trouble.at.is_none_or(|at| at >= since);
    let is_candidates =
        trouble.is_crash || (is_required && trouble.message.contains(&candidate.sha256));
    (is_new && is_candidates).then(|| trouble.clone())
}
