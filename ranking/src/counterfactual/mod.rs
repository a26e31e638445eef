//! What another policy would have earned, estimated from what a logged policy did: inverse
//! propensity scoring (IPS), self-normalised and clipped.
//!
//! An estimate is unbiased only if the logged probabilities are those by which was chosen, and
//! whatever the other policy would choose could have been logged. How much a log can say of
//! another policy is measured, and what it cannot say is [`Reliability::Inconclusive`].

mod lists;
mod log;
mod reliability;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use lists::RandomisedLists;
pub use log::{GroupedChoices, read_log};
pub use reliability::{
    EFFECTIVE_REWARDS_NEEDED, EFFECTIVE_SAMPLE_SIZE_NEEDED, MEAN_WEIGHT_DEVIATIONS, Reliability,
    Shortage,
};

use crate::metrics::statistics::{Bootstrap, Interval};

/// One logged choice, such as an item at a position, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoggedChoice {
    /// What it earned, such as 1 for a click.
    pub reward: f64,
    /// The probability with which it was chosen; above 0, at most 1.
    pub logged_probability: f64,
    /// The probability with which the policy in question would choose it.
    pub target_probability: f64,
}

/// A log of choices, those of one unit (a search, a visit) together.
#[derive(Debug, Clone, Copy)]
pub struct ChoiceLog<'log> {
    /// The choices.
    pub choices: &'log [LoggedChoice],
    /// Unit `i` has the choices `boundaries[i]..boundaries[i + 1]`; `None`: each is a unit of its
    /// own. Intervals draw units whole.
    pub boundaries: Option<&'log [usize]>,
}

/// How an estimate is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EstimationOptions {
    /// Weights above this are cut to it by the clipped estimator; `None`: the square root of the
    /// number of choices, so that its bias vanishes as the log grows.
    pub clip: Option<f64>,
    /// How intervals are drawn.
    pub bootstrap: Bootstrap,
}

/// A value for each choice with its percentile bootstrap interval over units.
///
/// On simulated shops the 95 % interval covers the truth in 93 to 95 % of logs; where clicks are
/// few or the policy is far from the one that was logged, in 91 to 93 %: skewed weights are
/// under-represented in any one log.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// The estimated mean reward of a choice of the policy in question.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
}

/// What a log says of another policy. The weight of a choice is its target probability divided by
/// its logged one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CounterfactualEstimate {
    /// Choices in the log.
    pub choices: usize,
    /// Units in the log.
    pub units: usize,
    /// The mean reward that was logged: of the logging policy, on its own data.
    pub logged: Estimate,
    /// The mean of weight times reward: unbiased, with the largest variance.
    pub inverse_propensity: Estimate,
    /// Divided by the mean weight: a little biased, and never beyond the rewards seen. `None`
    /// when every weight is 0.
    pub self_normalised: Option<Estimate>,
    /// With weights cut to `clip`: too low when rewards are positive, with the least variance. Its
    /// interval is one of the clipped mean and may miss the truth by that bias.
    pub clipped: Estimate,
    /// The weight to which larger ones were cut.
    pub clip: f64,
    /// How many choices have a larger weight.
    pub clipped_choices: usize,
    /// The mean weight: about 1 if the probabilities are right.
    pub mean_weight: f64,
    /// Kish's effective sample size over units: `(sum of weights)^2 / sum of squared weights`.
    pub effective_sample_size: f64,
    /// The same over weighted rewards: how many rewards decide the estimate.
    pub effective_rewards: f64,
    /// Whether the figures say anything.
    pub reliability: Reliability,
}

/// Why a log cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CounterfactualError {
    /// There is nothing in it.
    #[error("the log has no choices")]
    Empty,
    /// A number that cannot be; the choice's place in the log counts from 0.
    #[error("choice {place}: {what} {value} {problem}")]
    Value {
        /// Which choice, from 0.
        place: usize,
        /// Which number.
        what: &'static str,
        /// The number.
        value: f64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The boundaries do not rise from 0 to the number of choices.
    #[error("the boundaries of units do not rise from 0 to {choices}")]
    Boundaries {
        /// How many choices there are.
        choices: usize,
    },
    /// Weights cannot be cut to this.
    #[error("clip: {0} is not above 0")]
    Clip(f64),
}

/// Estimates what the policy whose probabilities are the target would have earned for each choice.
///
/// # Errors
/// An empty log, and the first choice with a number that cannot be: a logged probability of 0
/// cannot have been logged.
pub fn estimate(
    log: &ChoiceLog<'_>,
    options: &EstimationOptions,
) -> Result<CounterfactualEstimate, CounterfactualError> {
    let choices = log.choices;
    check(choices)?;
    let clip = options
        .clip
        .unwrap_or_else(|| libm::sqrt(choices.len() as f64));
    if clip.is_nan() || clip <= 0.0 {
        return Err(CounterfactualError::Clip(clip));
    }
    let each: Vec<usize>;
    let boundaries = match log.boundaries {
        Some(boundaries) => boundaries,
        None => {
            each = (0..=choices.len()).collect();
            &each
        }
    };
    let units = units(choices, boundaries, clip)?;
    let sums = units.iter().fold([0.0; SUMS], |mut sums, unit| {
        for (sum, value) in sums.iter_mut().zip(unit) {
            *sum += value;
        }
        sums
    });
    let drawn = options.bootstrap.sums(&units);
    let estimate = |statistic: fn(&[f64; SUMS]) -> f64| {
        let values: Vec<f64> = drawn
            .iter()
            .map(statistic)
            .filter(|it| !it.is_nan())
            .collect();
        let value = statistic(&sums);
        let interval = options.bootstrap.interval(values).unwrap_or(Interval {
            low: value,
            high: value,
        });
        Estimate {
            value,
            low: interval.low,
            high: interval.high,
        }
    };
    let mean_weight = sums[WEIGHT] / sums[COUNT];
    let effective_sample_size = effective(&units, WEIGHT);
    let effective_rewards = effective(&units, EARNED);
    Ok(CounterfactualEstimate {
        choices: choices.len(),
        units: units.len(),
        logged: estimate(|sums| sums[REWARD] / sums[COUNT]),
        inverse_propensity: estimate(|sums| sums[EARNED] / sums[COUNT]),
        self_normalised: (sums[WEIGHT] > 0.0).then(|| estimate(|sums| sums[EARNED] / sums[WEIGHT])),
        clipped: estimate(|sums| sums[CLIPPED] / sums[COUNT]),
        clip,
        clipped_choices: choices.iter().filter(|it| weight(it) > clip).count(),
        mean_weight,
        effective_sample_size,
        effective_rewards,
        reliability: reliability::judge(
            effective_sample_size,
            effective_rewards,
            mean_weight,
            standard_error_of_mean_weight(&units, mean_weight),
        ),
    })
}

/// What is summed over the choices of a unit.
const SUMS: usize = 5;
const COUNT: usize = 0;
const REWARD: usize = 1;
const WEIGHT: usize = 2;
/// Weight times reward.
const EARNED: usize = 3;
/// The same with the weight cut.
const CLIPPED: usize = 4;

/// No log that says anything has a weight anywhere near this.
const LARGEST_WEIGHT: f64 = 1e100;

fn weight(choice: &LoggedChoice) -> f64 {
    choice.target_probability / choice.logged_probability
}

/// The sums of each unit that has choices.
fn units(
    choices: &[LoggedChoice],
    boundaries: &[usize],
    clip: f64,
) -> Result<Vec<[f64; SUMS]>, CounterfactualError> {
    let rising = boundaries.windows(2).all(|pair| pair[0] <= pair[1]);
    if !rising || boundaries.first() != Some(&0) || boundaries.last() != Some(&choices.len()) {
        return Err(CounterfactualError::Boundaries {
            choices: choices.len(),
        });
    }
    let sums = |pair: &[usize]| {
        let mut sums = [0.0; SUMS];
        for choice in &choices[pair[0]..pair[1]] {
            let weight = weight(choice);
            sums[COUNT] += 1.0;
            sums[REWARD] += choice.reward;
            sums[WEIGHT] += weight;
            sums[EARNED] += weight * choice.reward;
            sums[CLIPPED] += weight.min(clip) * choice.reward;
        }
        sums
    };
    let with_choices = boundaries.windows(2).filter(|pair| pair[0] < pair[1]);
    Ok(with_choices.map(sums).collect())
}

/// Kish's effective sample size of one of the sums; 0 when all are 0.
fn effective(units: &[[f64; SUMS]], which: usize) -> f64 {
    let sum: f64 = units.iter().map(|unit| unit[which]).sum();
    let squares: f64 = units.iter().map(|unit| unit[which] * unit[which]).sum();
    if squares > 0.0 {
        sum * sum / squares
    } else {
        0.0
    }
}

fn standard_error_of_mean_weight(units: &[[f64; SUMS]], mean: f64) -> f64 {
    let choices: f64 = units.iter().map(|unit| unit[COUNT]).sum();
    let squares: f64 = units
        .iter()
        .map(|unit| unit[WEIGHT] - mean * unit[COUNT])
        .map(|residual| residual * residual)
        .sum();
    libm::sqrt(squares) / choices
}

fn check(choices: &[LoggedChoice]) -> Result<(), CounterfactualError> {
    if choices.is_empty() {
        return Err(CounterfactualError::Empty);
    }
    choices
        .iter()
        .enumerate()
        .try_for_each(|(place, choice)| check_choice(place, choice))
}

fn check_choice(place: usize, choice: &LoggedChoice) -> Result<(), CounterfactualError> {
    let refused = |what, value, problem| {
        Err(CounterfactualError::Value {
            place,
            what,
            value,
            problem,
        })
    };
    let (logged, target) = (choice.logged_probability, choice.target_probability);
    if !(logged > 0.0 && logged <= 1.0) {
        return refused("logged_probability", logged, "is not above 0 and at most 1");
    }
    if !(0.0..=1.0).contains(&target) {
        return refused("target_probability", target, "is not between 0 and 1");
    }
    // A probability may be above 0 and yet so small that sums of squared weights are no numbers.
    if weight(choice) > LARGEST_WEIGHT {
        return refused("logged_probability", logged, "is too small to divide by");
    }
    if !choice.reward.is_finite() {
        return refused("reward", choice.reward, "is not a finite number");
    }
    Ok(())
}
