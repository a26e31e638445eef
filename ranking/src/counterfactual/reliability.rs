//! When a log says too little of another policy: the rule, and nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Below this effective sample size the weights of few units decide, and no interval is to be
/// trusted.
pub const EFFECTIVE_SAMPLE_SIZE_NEEDED: f64 = 100.0;

/// Below this many effective rewards an interval drawn from the rewards that were seen is too
/// narrow for those that were not.
pub const EFFECTIVE_REWARDS_NEEDED: f64 = 5.0;

/// The mean weight is 1 but for chance. With more standard errors than this between them, the
/// logged probabilities are not those by which was chosen, or the other policy chooses what the
/// log could never have had.
pub const MEAN_WEIGHT_DEVIATIONS: f64 = 5.0;

/// Whether a log says enough of another policy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub enum Reliability {
    /// It does.
    Conclusive,
    /// It does not.
    Inconclusive {
        /// Of what there is not enough.
        of: Shortage,
        /// How much there is.
        have: f64,
        /// How much there would have to be.
        need: f64,
    },
}

/// Of what there is not enough. The first that applies is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shortage {
    /// The effective sample size.
    EffectiveSampleSize,
    /// The effective number of rewards.
    EffectiveRewards,
    /// The agreement of the mean weight with 1.
    MeanWeight,
}

impl fmt::Display for Reliability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Inconclusive { of, have, need } = self else {
            return formatter.write_str("conclusive");
        };
        match of {
            Shortage::EffectiveSampleSize => write!(
                formatter,
                "inconclusive: an effective sample size of {have:.0}, {need:.0} needed"
            ),
            Shortage::EffectiveRewards => write!(
                formatter,
                "inconclusive: {have:.1} effective rewards, {need:.0} needed"
            ),
            Shortage::MeanWeight => write!(
                formatter,
                "inconclusive: the mean weight is {have:.3} where chance allows {need:.3}: the \
                 logged probabilities are wrong, or the policy chooses what was never shown"
            ),
        }
    }
}

/// The rule.
pub(super) fn judge(
    effective_sample_size: f64,
    effective_rewards: f64,
    mean_weight: f64,
    standard_error_of_mean_weight: f64,
) -> Reliability {
    let allowed = MEAN_WEIGHT_DEVIATIONS * standard_error_of_mean_weight;
    let (of, have, need) = if effective_sample_size < EFFECTIVE_SAMPLE_SIZE_NEEDED {
        (
            Shortage::EffectiveSampleSize,
            effective_sample_size,
            EFFECTIVE_SAMPLE_SIZE_NEEDED,
        )
    } else if effective_rewards < EFFECTIVE_REWARDS_NEEDED {
        (
            Shortage::EffectiveRewards,
            effective_rewards,
            EFFECTIVE_REWARDS_NEEDED,
        )
    } else if (mean_weight - 1.0).abs() > allowed + 1e-9 {
        let nearest = 1.0 + allowed.copysign(mean_weight - 1.0);
        (Shortage::MeanWeight, mean_weight, nearest)
    } else {
        return Reliability::Conclusive;
    };
    Reliability::Inconclusive { of, have, need }
}
