//! From what was typed to a checked request: every bound and every combination is decided here,
//! before anything is read or fetched. It does not look at data.

mod evaluation;
mod learning;
mod log;
mod own;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cli::{DataOptions, LeakGuardOption, SourceOptions, SplitModeOption, TrainOptions};
use crate::lightgbm::{
    Direction, EarlyStopping, Objective, PositionBias, UnknownMetric, UnknownObjective,
};
use crate::parameters::{ParameterError, Parameters, parse_parameters};

pub use evaluation::{EvaluateRequest, MeasuredQueries};
pub use learning::LearningError;
pub use log::LogRows;
pub use own::{FileFormat, OwnDataError, OwnFile, OwnFiles};
pub use source::{DataSource, InputFile, Numbering, SvmLightFiles, artifact};

/// A request that cannot be carried out whatever the data is.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum RequestError {
    /// Neither a dataset nor inputs.
    #[error(
        "nothing to read: give --dataset-uri, or --input SvmLight=URI, or --input Catalogue=URI with \
         Judgements or Events"
    )]
    NoData,
    /// An input that is not `NAME=URI`.
    #[error("input {text:?}: expected NAME=URI or NAME=URI#sha256=HEX")]
    InputShape {
        /// What was given.
        text: String,
    },
    /// An input name that is not known.
    #[error(
        "input {name:?} is not known; known are SvmLight, Groups, Validation, ValidationGroups, \
         Catalogue, Judgements, Topics, Queries, Events"
    )]
    InputName {
        /// What was given.
        name: String,
    },
    /// The same input name twice.
    #[error("input {name:?} is given twice")]
    InputTwice {
        /// Which one.
        name: &'static str,
    },
    /// An input without the one it belongs to.
    #[error("input {name:?} is given without input {needs:?}")]
    InputAlone {
        /// Which one.
        name: &'static str,
        /// What it belongs to.
        needs: &'static str,
    },
    /// Own data that cannot be read.
    #[error(transparent)]
    Own(#[from] OwnDataError),
    /// A digest that is none.
    #[error("{what}: {text:?} is not a digest of 64 lower-case hexadecimal digits")]
    Digest {
        /// What has it.
        what: String,
        /// What was given.
        text: String,
    },
    /// SVMlight without a numbering.
    #[error(
        "input \"SvmLight\" needs --feature-numbering ZeroBased or OneBased: the format does not say"
    )]
    NoNumbering,
    /// A numbering without SVMlight.
    #[error("--feature-numbering is for SvmLight inputs; a dataset has named features")]
    NumberingWithoutRows,
    /// An option of logs, for data that is none.
    #[error(
        "{flag} is for datasets and logs: SvmLight rows and judgements are not made from searches"
    )]
    WithoutLog {
        /// The flag.
        flag: &'static str,
    },
    /// An option of logs, for the data that a bundle was trained on.
    #[error(
        "--snapshot-lag, --max-searches and --recent-events are the bundle's own unless --other-data is given"
    )]
    LogRowsOfTraining,
    /// A split that the data cannot have.
    #[error("--split-mode {mode}: {message}")]
    Split {
        /// The mode.
        mode: &'static str,
        /// Why not.
        message: &'static str,
    },
    /// A number out of its bounds.
    #[error("{flag} {value} is not {expected}")]
    Bound {
        /// The flag.
        flag: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// An objective that is not known.
    #[error(transparent)]
    Objective(#[from] UnknownObjective),
    /// Position bias, constraints or categories that cannot be.
    #[error(transparent)]
    Learning(#[from] LearningError),
    /// Early stopping by an unknown metric.
    #[error(transparent)]
    Metric(#[from] UnknownMetric),
    /// Early stopping without validation queries.
    #[error(
        "early stopping needs validation queries: use --split-mode Time, Query, KFold or Provided"
    )]
    EarlyStoppingWithoutSplit,
    /// A further parameter that is refused.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}

/// How test queries are chosen; the fraction is that of the test queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all_fields = "camelCase")]
pub enum SplitChoice {
    /// The last ones.
    Time {
        /// Which part.
        test_fraction: f64,
    },
    /// By a hash of the query.
    Query {
        /// Which part.
        test_fraction: f64,
    },
    /// All queries, each by a model that was trained on the other folds.
    KFold {
        /// How many folds.
        folds: u32,
    },
    /// The validation input.
    Provided,
    /// No test queries.
    None,
}

/// What to read and how to split it.
#[derive(Clone, Debug, PartialEq)]
pub struct DataRequest {
    /// Where rows come from.
    pub source: DataSource,
    /// How they are made of a log.
    pub log: LogRows,
    /// How they are split.
    pub split: SplitChoice,
    /// Seed of the split by query and of the intervals.
    pub seed: u32,
}

/// What to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainRequest {
    /// What on.
    pub data: DataRequest,
    /// What is optimised.
    pub objective: Objective,
    /// Trees.
    pub num_iterations: u32,
    /// Leaves of one tree.
    pub num_leaves: u32,
    /// Shrinkage.
    pub learning_rate: f64,
    /// Checked further parameters.
    pub parameters: Parameters,
    /// Off unless asked for.
    pub early_stopping: Option<EarlyStopping>,
    /// Off unless asked for.
    pub position_bias: Option<PositionBias>,
    /// How the score may move with features, by their names.
    pub monotone: BTreeMap<String, Direction>,
    /// Names of the features of categories.
    pub categorical: BTreeSet<String>,
    /// What becomes of features that seem to be made from the labels.
    pub leak_guard: LeakGuard,
}

/// What becomes of a training with a feature that seems to be made from the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum LeakGuard {
    /// It fails.
    Fail,
    /// It is noted.
    Warn,
}

/// Folds unless others are asked for.
const DEFAULT_FOLDS: u32 = 5;

/// What to compute the features of.
#[derive(Clone, Debug, PartialEq)]
pub struct FeaturesRequest {
    /// Where rows come from.
    pub source: DataSource,
    /// How they are made of a log.
    pub log: LogRows,
}

impl TryFrom<&SourceOptions> for FeaturesRequest {
    type Error = RequestError;

    fn try_from(options: &SourceOptions) -> Result<Self, RequestError> {
        let source = DataSource::try_from(options)?;
        let log = LogRows::read(options, &source)?.unwrap_or_default();
        Ok(Self { source, log })
    }
}

fn split(
    mode: SplitModeOption,
    test_fraction: f64,
    folds: u32,
    source: &DataSource,
) -> Result<SplitChoice, RequestError> {
    let has_validation = source.has_validation();
    let refused = |mode, message| Err(RequestError::Split { mode, message });
    match mode {
        SplitModeOption::Time if !source.has_times() => {
            return refused("Time", "SvmLight rows and judgements have no time");
        }
        SplitModeOption::Provided if !has_validation => {
            return refused("Provided", "there is no input \"Validation\"");
        }
        SplitModeOption::Time
        | SplitModeOption::Query
        | SplitModeOption::KFold
        | SplitModeOption::None
            if has_validation =>
        {
            return refused(
                mode_name(mode),
                "an input \"Validation\" is given; leave it out or use Provided",
            );
        }
        _ => {}
    }
    // Written so that NaN is refused as well.
    if !(test_fraction > 0.0 && test_fraction < 1.0) {
        return Err(RequestError::Bound {
            flag: "--test-fraction",
            value: test_fraction.to_string(),
            expected: "greater than 0 and less than 1",
        });
    }
    Ok(match mode {
        SplitModeOption::Time => SplitChoice::Time { test_fraction },
        SplitModeOption::Query => SplitChoice::Query { test_fraction },
        SplitModeOption::KFold => SplitChoice::KFold {
            folds: bounded("--folds", folds, 2..=20, "from 2 to 20")?,
        },
        SplitModeOption::Provided => SplitChoice::Provided,
        SplitModeOption::None => SplitChoice::None,
    })
}

fn mode_name(mode: SplitModeOption) -> &'static str {
    match mode {
        SplitModeOption::Time => "Time",
        SplitModeOption::Query => "Query",
        SplitModeOption::KFold => "KFold",
        SplitModeOption::Provided => "Provided",
        SplitModeOption::None => "None",
    }
}

impl TryFrom<&DataOptions> for DataRequest {
    type Error = RequestError;

    fn try_from(options: &DataOptions) -> Result<Self, RequestError> {
        let source = DataSource::try_from(&options.source)?;
        let log = LogRows::read(&options.source, &source)?.unwrap_or_default();
        let default_mode = match (source.has_times(), source.has_validation()) {
            (true, _) => SplitModeOption::Time,
            (false, true) => SplitModeOption::Provided,
            (false, false) => SplitModeOption::Query,
        };
        let mode = options.split_mode.unwrap_or(default_mode);
        if options.folds.is_some() && mode != SplitModeOption::KFold {
            return Err(RequestError::Split {
                mode: mode_name(mode),
                message: "--folds is for KFold",
            });
        }
        let folds = options.folds.unwrap_or(DEFAULT_FOLDS);
        let split = split(mode, options.test_fraction, folds, &source)?;
        // LightGBM's seed is a signed 32-bit number.
        let seed = u32::try_from(options.seed)
            .ok()
            .filter(|seed| i32::try_from(*seed).is_ok())
            .ok_or_else(|| RequestError::Bound {
                flag: "--seed",
                value: options.seed.to_string(),
                expected: "at most 2147483647",
            })?;
        Ok(Self {
            source,
            log,
            split,
            seed,
        })
    }
}

fn bounded(
    flag: &'static str,
    value: u32,
    range: std::ops::RangeInclusive<u32>,
    expected: &'static str,
) -> Result<u32, RequestError> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(RequestError::Bound {
            flag,
            value: value.to_string(),
            expected,
        })
    }
}

impl TryFrom<&TrainOptions> for TrainRequest {
    type Error = RequestError;

    fn try_from(options: &TrainOptions) -> Result<Self, RequestError> {
        let data = DataRequest::try_from(&options.data)?;
        let objective = Objective::from_str(&options.objective)?;
        let monotone = learning::monotone(&options.monotone_constraint)?;
        let learning_rate = options.learning_rate;
        if !(learning_rate > 0.0 && learning_rate <= 1.0) {
            return Err(RequestError::Bound {
                flag: "--learning-rate",
                value: learning_rate.to_string(),
                expected: "greater than 0 and at most 1",
            });
        }
        let early_stopping = match (
            &options.early_stopping_metric,
            options.early_stopping_rounds,
        ) {
            (Some(metric), Some(rounds)) => {
                if data.split == SplitChoice::None {
                    return Err(RequestError::EarlyStoppingWithoutSplit);
                }
                let metric = FromStr::from_str(metric)?;
                let rounds = bounded(
                    "--early-stopping-rounds",
                    rounds,
                    1..=10_000,
                    "from 1 to 10000",
                )?;
                NonZeroU32::new(rounds).map(|rounds| EarlyStopping { metric, rounds })
            }
            _ => None,
        };
        Ok(Self {
            position_bias: learning::position_bias(options, objective, &data.source)?,
            categorical: learning::categorical(
                &options.categorical_feature,
                &monotone,
                &data.source,
            )?,
            monotone,
            leak_guard: match options.leak_guard {
                LeakGuardOption::Fail => LeakGuard::Fail,
                LeakGuardOption::Warn => LeakGuard::Warn,
            },
            data,
            objective,
            num_iterations: bounded(
                "--num-iterations",
                options.num_iterations,
                1..=10_000,
                "from 1 to 10000",
            )?,
            num_leaves: bounded(
                "--num-leaves",
                options.num_leaves,
                2..=4_096,
                "from 2 to 4096",
            )?,
            learning_rate,
            parameters: parse_parameters(options.parameter.iter().map(String::as_str))?,
            early_stopping,
        })
    }
}

#[cfg(test)]
mod tests;
