//! The verdict: whether the model is better than the strongest ranking without it.

use super::Lift;
use super::html::{count, decimal, probability, range, signed};

/// What can be said of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictKind {
    /// Better: the interval of the difference is above 0.
    Better,
    /// Worse: the interval of the difference is below 0.
    Worse,
    /// The interval holds 0: these queries do not tell.
    Unclear,
    /// Nothing was measured.
    Unmeasured,
}

/// The verdict and the sentences that say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What can be said.
    pub kind: VerdictKind,
    /// In one sentence.
    pub sentence: String,
    /// The figures it rests on; empty when nothing was measured.
    pub grounds: String,
}

/// The lift over the strongest other ranking: the one with the highest mean; of equals, the first.
pub(super) fn against_strongest(lifts: &[Lift]) -> Option<&Lift> {
    lifts.iter().reduce(|strongest, lift| {
        if lift.comparison.second > strongest.comparison.second {
            lift
        } else {
            strongest
        }
    })
}

/// The verdict that lifts on a metric allow: over the strongest other ranking, so over all.
#[must_use]
pub fn verdict(metric: &str, lifts: &[Lift]) -> Verdict {
    let Some(lift) = against_strongest(lifts) else {
        return Verdict {
            kind: VerdictKind::Unmeasured,
            sentence: "Not measured: no test queries were held back.".to_owned(),
            grounds: String::new(),
        };
    };
    let comparison = &lift.comparison;
    let against = &lift.against;
    let (kind, sentence) = match comparison.interval {
        Some(interval) if interval.low > 0.0 => (
            VerdictKind::Better,
            format!("Better than {against}, the strongest ranking without it."),
        ),
        Some(interval) if interval.high < 0.0 => (
            VerdictKind::Worse,
            format!("Worse than {against}, the strongest ranking without it."),
        ),
        _ => (
            VerdictKind::Unclear,
            format!("Not told apart from {against}, the strongest ranking without it."),
        ),
    };
    let grounds = format!(
        "{metric} {} against {}: a difference of {} (95\u{a0}% interval {}), {}, over {} queries \
         with {} distinct texts.",
        decimal(comparison.first),
        decimal(comparison.second),
        signed(comparison.difference),
        range(comparison.interval, signed),
        probability(comparison.p_value),
        count(comparison.queries as u64),
        count(comparison.texts as u64),
    );
    Verdict {
        kind,
        sentence,
        grounds,
    }
}
