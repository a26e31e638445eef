//! Asks a running Job's pod how far it is. No answer is no progress: it never fails or holds up a reconcile for more than
//! a second.

use crate::context::Context;
use crate::job::observe::ObservedJobs;
use crate::job::outcome::Phase;
use crate::pod_http::ADMIN_PORT;
use searchop_crds::ProgressStatus;
use serde::Deserialize;

/// Longest name of a stage that is taken over.
const STAGE_LIMIT: usize = 32;

/// A pod's answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Progress {
    /// What it does.
    #[serde(default)]
    pub stage: String,
    /// Percent of the whole Job.
    #[serde(default)]
    pub percent: f64,
    /// Boosting iterations that are done.
    #[serde(default)]
    pub iteration: Option<i32>,
}

/// Asks the newest work Job's pod, if that runs.
pub async fn of(context: &Context, jobs: &ObservedJobs) -> Option<Progress> {
    let Phase::Running { ip: Some(ip) } = &jobs.work.last()?.phase else {
        return None;
    };
    match context.pods.get(ip, ADMIN_PORT, "/progress").await {
        Ok(progress) => Some(progress),
        Err(error) => {
            tracing::debug!(ip, %error, "no progress");
            None
        }
    }
}

/// The progress to show: the answer if there is one, but within an attempt never less than was shown before.
#[must_use]
pub fn shown(
    before: Option<&ProgressStatus>,
    is_same_attempt: bool,
    answer: Option<&Progress>,
) -> Option<ProgressStatus> {
    let before = before.filter(|_| is_same_attempt);
    let Some(answer) = answer else {
        return before.cloned();
    };
    let least = before.map_or(0, |before| before.percent);
    // Below 100: that is shown once the result is known.
    let percent = answer.percent.clamp(0.0, 99.0) as i32;
    if percent < least {
        return before.cloned();
    }
    let stage: String = answer
        .stage
        .chars()
        .filter(|character| character.is_ascii_alphanumeric())
        .take(STAGE_LIMIT)
        .collect();
    Some(ProgressStatus {
        percent,
        stage: (!stage.is_empty()).then_some(stage),
        iteration: answer.iteration.filter(|iteration| *iteration >= 0),
    })
}

/// The progress of work that has its result.
#[must_use]
pub fn complete() -> ProgressStatus {
    ProgressStatus {
        percent: 100,
        stage: None,
        iteration: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(percent: i32) -> ProgressStatus {
        ProgressStatus {
            percent,
            stage: None,
            iteration: None,
        }
    }

    fn answer(percent: f64) -> Progress {
        Progress {
            stage: "train".to_owned(),
            percent,
            iteration: Some(3),
        }
    }

    #[test]
    fn percent_never_goes_back_within_an_attempt() {
        let shown_percent = |is_same: bool, percent: f64| {
            shown(Some(&status(40)), is_same, Some(&answer(percent))).map(|status| status.percent)
        };
        assert_eq!(shown_percent(true, 30.0), Some(40));
        assert_eq!(shown_percent(true, 50.4), Some(50));
        assert_eq!(shown_percent(false, 30.0), Some(30));
    }

    #[test]
    fn a_missing_or_mad_answer_does_no_harm() {
        assert_eq!(shown(Some(&status(40)), true, None), Some(status(40)));
        assert_eq!(shown(Some(&status(40)), false, None), None);
        for percent in [f64::NAN, f64::INFINITY, -5.0, 1e300] {
            let shown = shown(None, true, Some(&answer(percent))).expect("a status");
            assert!((0..100).contains(&shown.percent), "{percent}");
        }
    }
}
