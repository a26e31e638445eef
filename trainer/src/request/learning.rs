//! What is asked of training beside its sizes: position bias, and what is known of features.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::{PositionBiasOption, TrainOptions};
use crate::lightgbm::{Direction, Objective, PositionBias};

use super::{DataSource, RequestError};

/// No run may name more features.
const MAXIMUM_FEATURES: usize = 100;

/// What cannot be asked of training.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum LearningError {
    /// Position bias that cannot be learned.
    #[error("--position-bias Unbiased {0}")]
    PositionBias(&'static str),
    /// A regularization of nothing.
    #[error("--position-bias-regularization is for --position-bias Unbiased")]
    RegularizationAlone,
    /// A constraint that is none.
    #[error("--monotone-constraint {text:?}: {problem}")]
    Constraint {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A feature that cannot be one of categories.
    #[error("--categorical-feature {name:?}: {problem}")]
    Category {
        /// What was given.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Position bias to learn, if any.
pub(super) fn position_bias(
    options: &TrainOptions,
    objective: Objective,
    source: &DataSource,
) -> Result<Option<PositionBias>, RequestError> {
    let given = options.position_bias_regularization;
    match options.position_bias {
        PositionBiasOption::None if given.is_some() => {
            return Err(LearningError::RegularizationAlone.into());
        }
        PositionBiasOption::None => return Ok(None),
        PositionBiasOption::Unbiased => {}
    }
    let refused = |problem| Err(LearningError::PositionBias(problem).into());
    if objective != Objective::Lambdarank {
        return refused("is for --objective lambdarank");
    }
    if !source.has_times() {
        return refused(
            "needs labels from events: judgements and SvmLight rows have no shown position",
        );
    }
    let regularization = given.unwrap_or(0.0);
    // Written so that NaN is refused as well.
    if !(0.0..=1e6).contains(&regularization) {
        return Err(RequestError::Bound {
            flag: "--position-bias-regularization",
            value: regularization.to_string(),
            expected: "a number from 0 to 1000000",
        });
    }
    // Adding zero turns -0 into 0.
    Ok(Some(PositionBias {
        regularization: regularization + 0.0,
    }))
}

/// How the score may move with features, by their names.
pub(super) fn monotone(texts: &[String]) -> Result<BTreeMap<String, Direction>, LearningError> {
    let mut constraints = BTreeMap::new();
    for text in texts {
        let refused = |problem| LearningError::Constraint {
            text: text.clone(),
            problem,
        };
        let direction = |name: &str| match name {
            "Increasing" => Some(Direction::Increasing),
            "Decreasing" => Some(Direction::Decreasing),
            _ => None,
        };
        let (feature, direction) = text
            .rsplit_once('=')
            .and_then(|(feature, name)| Some((feature, direction(name)?)))
            .filter(|(feature, _)| !feature.is_empty())
            .ok_or_else(|| refused("expected FEATURE=Increasing or FEATURE=Decreasing"))?;
        if constraints.insert(feature.to_owned(), direction).is_some() {
            return Err(refused("the feature is given twice"));
        }
        if constraints.len() > MAXIMUM_FEATURES {
            return Err(refused("more than 100 features"));
        }
    }
    Ok(constraints)
}

/// Names of the features of categories.
pub(super) fn categorical(
    names: &[String],
    monotone: &BTreeMap<String, Direction>,
    source: &DataSource,
) -> Result<BTreeSet<String>, LearningError> {
    let mut categorical = BTreeSet::new();
    for name in names {
        let refused = |problem| LearningError::Category {
            name: name.clone(),
            problem,
        };
        if !matches!(source, DataSource::SvmLight(_)) {
            return Err(refused(
                "only SvmLight rows have features of categories; those of a catalogue are all numbers",
            ));
        }
        if monotone.contains_key(name) {
            return Err(refused(
                "it has a monotone constraint, and categories have no order",
            ));
        }
        if !categorical.insert(name.clone()) {
            return Err(refused("the feature is given twice"));
        }
        if categorical.len() > MAXIMUM_FEATURES {
            return Err(refused("more than 100 features"));
        }
    }
    Ok(categorical)
}
