//! A request to measure a bundle.

use crate::cli::{EvaluateOptions, SplitModeOption};

use super::{
    DEFAULT_FOLDS, DataSource, InputFile, LogRows, RequestError, SplitChoice, artifact, split,
};

/// What to measure, and on what.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluateRequest {
    /// The bundle.
    pub bundle: InputFile,
    /// Another one to compare it with.
    pub against: Option<InputFile>,
    /// Where rows come from.
    pub source: DataSource,
    /// How they are made of a log; `None` as for the training.
    pub log: Option<LogRows>,
    /// On which of their queries.
    pub queries: MeasuredQueries,
}

/// Which queries are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MeasuredQueries {
    /// Those that the training measured, of the data that the bundle was trained on.
    OfTraining,
    /// Of any data, those that this split is to test on; all of them for `None`.
    Chosen(SplitChoice),
}

impl TryFrom<&EvaluateOptions> for EvaluateRequest {
    type Error = RequestError;

    fn try_from(options: &EvaluateOptions) -> Result<Self, RequestError> {
        let source = DataSource::try_from(&options.source)?;
        let log = LogRows::read(&options.source, &source)?;
        if log.is_some() && !options.other_data {
            return Err(RequestError::LogRowsOfTraining);
        }
        let queries = if options.other_data {
            let default_mode = if source.has_validation() {
                SplitModeOption::Provided
            } else {
                SplitModeOption::None
            };
            let mode = options.split_mode.unwrap_or(default_mode);
            if mode == SplitModeOption::KFold {
                return Err(RequestError::Split {
                    mode: "KFold",
                    message: "folds are for training; a bundle is one model",
                });
            }
            MeasuredQueries::Chosen(split(mode, options.test_fraction, DEFAULT_FOLDS, &source)?)
        } else {
            MeasuredQueries::OfTraining
        };
        Ok(Self {
            bundle: artifact(
                &options.bundle_uri,
                options.bundle_sha256.as_deref(),
                "--bundle-sha256",
            )?,
            against: options
                .against_uri
                .as_ref()
                .map(|uri| artifact(uri, None, "--against-uri"))
                .transpose()?,
            source,
            log,
            queries,
        })
    }
}
