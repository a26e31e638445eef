//! Ranks the candidates of one request with one bundle: rows, then their order by score.
//!
//! Pure and blocking; choosing the bundle and where this runs is `answer`.

use std::borrow::Cow;

use searchop_ranking::events::Action;
use searchop_ranking::features::RecentEvent;
use thiserror::Error;

use crate::api::body::{FeaturesBody, RankBody};
use crate::api::error::{ApiError, ErrorCode};
use crate::api::messages::{Context, FeedbackKind, RecentEventMessage};
use crate::bundle::{LoadedBundle, RowBuffers, ScoringError, ServedCatalogue};

/// Why a bundle did not rank a list.
#[derive(Debug, Error)]
pub enum RankError {
    /// The request does not fit the bundle: the client's to change.
    #[error("the request does not fit the model: {}", .0.message)]
    Request(ApiError),
    /// The bundle failed: another one may do.
    #[error(transparent)]
    Scoring(#[from] ScoringError),
}

impl From<ApiError> for RankError {
    fn from(error: ApiError) -> Self {
        Self::Request(error)
    }
}

/// A ranked list.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedList {
    /// The places of all candidates, best first, those without a score last.
    pub order: Vec<usize>,
    /// For each candidate its score, if it has one.
    pub scores: Vec<Option<f64>>,
    /// How many have a score.
    pub scored: usize,
}

/// The candidates by their scores, the highest first. Equal scores keep their order; those without a
/// row come last. `scores` has one for each candidate that `has_row`.
pub fn ranked_list(has_row: &[bool], scores: &[f64]) -> RankedList {
    let mut rows = scores.iter().copied();
    let scores: Vec<Option<f64>> = has_row
        .iter()
        .map(|has_row| if *has_row { rows.next() } else { None })
        .collect();
    RankedList {
        order: order_by_score(&scores),
        scored: scores.iter().flatten().count(),
        scores,
    }
}

/// Places by score, the highest first, equal scores in their order, places without a score last.
pub(crate) fn order_by_score(scores: &[Option<f64>]) -> Vec<usize> {
    let mut keyed: Vec<(i64, usize)> = scores
        .iter()
        .map(|score| score.map_or(i64::MAX, descending))
        .zip(0..)
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, place)| place).collect()
}

/// A number that is the smaller the higher the score, and below `i64::MAX` for any but NaN.
fn descending(score: f64) -> i64 {
    // Adding 0 makes -0 and 0 equal, as they are.
    let bits = (score + 0.0).to_bits().cast_signed();
    // Floats compare as their bits do, but that negative ones run the other way: as in `total_cmp`.
    let ascending = bits ^ ((bits >> 63) & i64::MAX);
    !ascending
}

/// The rows of a request's candidates, as one row-major matrix: what they brought, where that is all
/// there is to it, or what is made in `buffers`. Which candidates have a row is in
/// `buffers.has_row`; those that the model knows nothing about have none.
///
/// # Errors
/// When the request does not fit the bundle.
pub fn rows<'list>(
    bundle: &LoadedBundle,
    body: &'list RankBody<'_>,
    buffers: &'list mut RowBuffers,
) -> Result<&'list [f64], ApiError> {
    if body.is_matrix() {
        given_rows(bundle, body, buffers)
    } else {
        made_rows(bundle, body, buffers)?;
        Ok(&buffers.values)
    }
}

/// The rows of candidates that all brought whole ones.
fn given_rows<'list>(
    bundle: &LoadedBundle,
    body: &'list RankBody<'_>,
    buffers: &'list mut RowBuffers,
) -> Result<&'list [f64], ApiError> {
    for (place, candidate) in body.candidates.iter().enumerate() {
        if let FeaturesBody::Row(values) = &candidate.features {
            check_width(place, values.len(), bundle.feature_count())?;
        }
    }
    buffers.has_row.clear();
    buffers.has_row.resize(body.candidates.len(), true);
    if !body.has_absent_values {
        return Ok(&body.values);
    }
    buffers.values.clear();
    for row in body.values.chunks_exact(bundle.feature_count()) {
        let row = row.iter().zip(bundle.default_row());
        let present = row.map(|(value, default)| if value.is_nan() { *default } else { *value });
        buffers.values.extend(present);
    }
    Ok(&buffers.values)
}

/// Rows from the catalogue, with what candidates brought written over them.
fn made_rows(
    bundle: &LoadedBundle,
    body: &RankBody<'_>,
    buffers: &mut RowBuffers,
) -> Result<(), ApiError> {
    let width = bundle.feature_count();
    buffers.values.clear();
    computed_rows(bundle, body, buffers)?;
    if !buffers.has_row.iter().all(|has_row| *has_row) {
        let computed = std::mem::take(&mut buffers.values);
        let mut computed = computed.chunks_exact(width);
        for (candidate, has_row) in body.candidates.iter().zip(&mut buffers.has_row) {
            if *has_row {
                buffers.values.extend(computed.next().into_iter().flatten());
            } else if candidate.features != FeaturesBody::Absent {
                buffers.values.extend(bundle.default_row());
                *has_row = true;
            }
        }
    }
    let mut rows = buffers.values.chunks_exact_mut(width);
    for (place, candidate) in body.candidates.iter().enumerate() {
        let row = if buffers.has_row[place] {
            rows.next()
        } else {
            None
        };
        match (&candidate.features, row) {
            (FeaturesBody::Row(values), Some(row)) => {
                check_width(place, values.len(), width)?;
                let values = &body.values[values.clone()];
                for ((cell, value), default) in row.iter_mut().zip(values).zip(bundle.default_row())
                {
                    *cell = if value.is_nan() { *default } else { *value };
                }
            }
            (FeaturesBody::Named(named), Some(row)) => {
                let named = &body.named[named.clone()];
                write_named(bundle, place, named, row, &mut buffers.is_named)?;
            }
            (FeaturesBody::Absent, _) if !bundle.computes_features() => {
                let message =
                    "the served model ranks by inline features, so each candidate needs them";
                let field = format!("candidates[{place}].features");
                return Err(ApiError::field(ErrorCode::FeaturesRequired, field, message));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Appends the rows of the candidates that the bundle's catalogue has, one after another;
/// `buffers.has_row` says which those are.
fn computed_rows(
    bundle: &LoadedBundle,
    body: &RankBody<'_>,
    buffers: &mut RowBuffers,
) -> Result<(), ApiError> {
    let RowBuffers {
        has_row, values, ..
    } = buffers;
    has_row.clear();
    has_row.resize(body.candidates.len(), false);
    if !bundle.computes_features() {
        return Ok(());
    }
    let Some(query) = &body.query else {
        let message = "the served model computes features from the query";
        return Err(ApiError::field(ErrorCode::QueryRequired, "query", message));
    };
    let Some(catalogue) = bundle.catalogue() else {
        return Ok(());
    };
    let mut items = Vec::with_capacity(body.candidates.len());
    for (candidate, has_row) in body.candidates.iter().zip(has_row) {
        if let Some(item) = catalogue.find(&candidate.id) {
            items.push(item);
            *has_row = true;
        }
    }
    let recent = recent_events(catalogue, &body.context);
    catalogue.append_rows(query, recent, &items, values);
    Ok(())
}

/// What who searches did lately, as far as the catalogue has the items.
pub(crate) fn recent_events(catalogue: &ServedCatalogue, context: &Context) -> Vec<RecentEvent> {
    let known = |event: &RecentEventMessage| {
        Some(RecentEvent {
            item: catalogue.find(&event.id)?,
            action: match event.kind {
                FeedbackKind::Click => Action::Click,
                FeedbackKind::Cart => Action::AddToCart,
                FeedbackKind::Purchase => Action::Purchase,
            },
            seconds_ago: event.seconds_ago,
        })
    };
    context.recent_events.iter().filter_map(known).collect()
}

fn check_width(place: usize, values: usize, features: usize) -> Result<(), ApiError> {
    if values == features {
        return Ok(());
    }
    let message = format!("has {values} values, the model has {features} features");
    let field = format!("candidates[{place}].features");
    let code = ErrorCode::WrongFeatureCount;
    Err(ApiError::field(code, field, message))
}

fn write_named(
    bundle: &LoadedBundle,
    place: usize,
    named: &[(Cow<'_, str>, f64)],
    row: &mut [f64],
    is_named: &mut Vec<bool>,
) -> Result<(), ApiError> {
    is_named.clear();
    is_named.resize(row.len(), false);
    let mut expected = 0;
    for (name, value) in named {
        let field = || format!("candidates[{place}].features.{}", excerpt(name));
        let Some(index) = bundle.feature_index(name, expected) else {
            let message = "the served model does not have this feature";
            return Err(ApiError::field(ErrorCode::UnknownFeature, field(), message));
        };
        if std::mem::replace(&mut is_named[index], true) {
            let code = ErrorCode::DuplicateFeature;
            return Err(ApiError::field(code, field(), "is given twice"));
        }
        row[index] = *value;
        // Most clients name features in the order of the schema.
        expected = index + 1;
    }
    Ok(())
}

/// Names of clients go into messages shortened: an error answer is not longer than its request.
fn excerpt(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_score_comes_first_and_ties_keep_their_order() {
        assert_eq!(
            order_by_score(&[Some(1.0), Some(2.0), Some(1.0), Some(3.0)]),
            [3, 1, 0, 2]
        );
        assert_eq!(
            order_by_score(&[Some(-0.0), Some(0.0), Some(-0.0)]),
            [0, 1, 2]
        );
    }

    #[test]
    fn those_without_a_score_come_last_in_their_order() {
        assert_eq!(
            order_by_score(&[None, Some(-5.0), None, Some(4.0)]),
            [3, 1, 0, 2]
        );
        assert_eq!(order_by_score(&[None, None]), [0, 1]);
        assert_eq!(order_by_score(&[]), [] as [usize; 0]);
    }

    #[test]
    fn the_order_is_that_of_the_numbers() {
        let scores = [
            f64::MAX,
            f64::MIN,
            1e-310,
            -1e-310,
            0.0,
            -1.5,
            1.5,
            f64::MIN_POSITIVE,
        ];
        let mut expected: Vec<usize> = (0..scores.len()).collect();
        expected.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
        assert_eq!(order_by_score(&scores.map(Some)), expected);
    }

    #[test]
    fn a_candidate_without_a_row_takes_no_score() {
        let list = ranked_list(&[false, true, false, true], &[1.0, 2.0]);
        assert_eq!(list.scores, [None, Some(1.0), None, Some(2.0)]);
        assert_eq!((list.order, list.scored), (vec![3, 1, 0, 2], 2));
    }
}
