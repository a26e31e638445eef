//! What another policy would have earned, estimated from a log with propensities. `counterfactual`
//! reads one local file, and neither needs a store nor publishes anything; a model is estimated where
//! it is measured, from the lists of its data that chance put in their order.

use std::fs::File;
use std::io::BufReader;

use searchop_ranking::counterfactual::{
    CounterfactualEstimate, Estimate, EstimationOptions, RandomisedLists, estimate, read_log,
};
use searchop_ranking::json_lines::JsonLinesError;
use searchop_ranking::metrics::statistics::Bootstrap;
use searchop_ranking::model::RankingModel;

use crate::cli::CounterfactualOptions;
use crate::evaluation::TestRows;
use crate::failure::Failure;
use crate::outcome::Success;
use crate::scoring::score_rows;

/// Reads the log and estimates.
///
/// # Errors
/// A file that cannot be read, a line that is no choice, and an empty log.
pub fn counterfactual(options: &CounterfactualOptions) -> Result<Success, Failure> {
    let name = options.log.display();
    let unreadable = |error: &std::io::Error| Failure::local_file(format!("read {name}"), error);
    let file = File::open(&options.log).map_err(|error| unreadable(&error))?;
    let grouped = read_log(BufReader::new(file)).map_err(|error| match &error {
        JsonLinesError::Io { source, .. } => unreadable(source),
        JsonLinesError::Invalid { .. } => Failure::data(format!("{name}: {error}")),
    })?;
    let log = grouped.log();
    let options = EstimationOptions {
        clip: options.clip,
        bootstrap: Bootstrap::seeded(options.seed),
    };
    let found =
        estimate(&log, &options).map_err(|error| Failure::data(format!("{name}: {error}")))?;
    Ok(Success::Counterfactual(Box::new(found)))
}

/// The clicks for each item shown if the model had ordered the held-back lists that chance put in
/// their order; `None` without such lists.
///
/// # Errors
/// The rows do not fit the model.
pub fn of_model(
    test: &TestRows,
    model: &RankingModel,
    seed: u32,
) -> Result<Option<CounterfactualEstimate>, Failure> {
    let Some(randomised) = &test.randomised else {
        return Ok(None);
    };
    let scores = score_rows(model, &randomised.rows, |_, _| ())?;
    let labels = randomised.rows.labels();
    let grouped = RandomisedLists {
        boundaries: randomised.rows.boundaries(),
        propensities: &randomised.propensities,
        rewards: &labels.iter().copied().map(f64::from).collect::<Vec<_>>(),
        scores: &scores,
    }
    .choices();
    let log = grouped.log();
    let options = EstimationOptions {
        clip: None,
        bootstrap: Bootstrap::seeded(u64::from(seed)),
    };
    estimate(&log, &options).map(Some).map_err(Failure::data)
}

/// The estimates for people, and whether they say anything.
#[must_use]
pub fn estimates(found: &CounterfactualEstimate) -> String {
    let line = |name: &str, estimate: Option<Estimate>| match estimate {
        None => format!("{name:<20} not applicable: every weight is 0"),
        Some(estimate) => format!(
            "{name:<20} {:.6} (95 %: {:.6} to {:.6})",
            estimate.value, estimate.low, estimate.high
        ),
    };
    [
        line("as logged", Some(found.logged)),
        line("inverse propensity", Some(found.inverse_propensity)),
        line("self-normalised", found.self_normalised),
        line(
            &format!("clipped at {:.1}", found.clip),
            Some(found.clipped),
        ),
        format!(
            "{} choices in {} units, effective sample size {:.0}, effective rewards {:.1}, mean weight \
             {:.4}, {} weights clipped",
            found.choices,
            found.units,
            found.effective_sample_size,
            found.effective_rewards,
            found.mean_weight,
            found.clipped_choices
        ),
        found.reliability.to_string(),
    ]
    .join("\n")
}
