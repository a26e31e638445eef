//! The body of `POST /v1/rank`, with its texts borrowed from the bytes and all feature values in one
//! buffer.
//!
//! # Layout
//! `document` reads a body of the usual shape, in one pass. What it does not take, for a fault or
//! for being unusual, is read by serde as [`RankRequest`], which names what is wrong; so there is one
//! definition of what a request is.

mod document;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

pub(crate) use document::next_special;

use super::error::{ApiError, ErrorCode};
use super::extract::parse_json;
use super::messages::{
    Context, InlineFeatures, MAXIMUM_ID_BYTES, MAXIMUM_QUERY_BYTES, RankRequest, check_text,
    text_fault,
};

/// A list to put in order. The fields are those of [`RankRequest`].
#[derive(Clone, Debug, Default)]
pub struct RankBody<'body> {
    /// What was searched for.
    pub query: Option<Cow<'body, str>>,
    /// About the search.
    pub context: Context,
    /// What to rank.
    pub candidates: Vec<CandidateBody<'body>>,
    /// How many results to return; all when absent.
    pub limit: Option<u64>,
    /// The feature arrays of the candidates, one after another; NaN stands for `null`. When every
    /// candidate has an array, this is the row-major matrix of the list.
    pub values: Vec<f64>,
    /// Whether `values` has a NaN.
    pub has_absent_values: bool,
    /// The features by name of the candidates, one candidate after another.
    pub named: Vec<(Cow<'body, str>, f64)>,
}

/// One thing to rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateBody<'body> {
    /// Unique in the request.
    pub id: Cow<'body, str>,
    /// Its feature values.
    pub features: FeaturesBody,
}

/// Where a candidate's feature values are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeaturesBody {
    /// It has none.
    Absent,
    /// An array: these of [`RankBody::values`].
    Row(Range<usize>),
    /// By name: these of [`RankBody::named`].
    Named(Range<usize>),
}

/// Reads the body of a rank request.
///
/// # Errors
/// What is wrong with it, with the path of the field at fault.
pub fn parse_rank(bytes: &[u8]) -> Result<RankBody<'_>, ApiError> {
    match std::str::from_utf8(bytes).ok().and_then(document::read) {
        Some(body) => Ok(body),
        None => reference(bytes),
    }
}

/// As [`parse_rank`], by serde alone: slower, with the same result.
///
/// # Errors
/// As [`parse_rank`].
pub fn reference(bytes: &[u8]) -> Result<RankBody<'static>, ApiError> {
    parse_json::<RankRequest>(bytes).map(RankBody::from)
}

impl RankBody<'_> {
    /// Checks what needs no model.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn check(&self, maximum_candidates: usize) -> Result<(), ApiError> {
        if let Some(query) = &self.query {
            check_text("query", query, MAXIMUM_QUERY_BYTES)?;
        }
        self.context.check()?;
        if self.limit == Some(0) {
            let message = "must be at least 1";
            return Err(ApiError::field(ErrorCode::InvalidField, "limit", message));
        }
        let count = self.candidates.len();
        if count > maximum_candidates {
            let message =
                format!("has {count} candidates, at most {maximum_candidates} are ranked");
            let code = ErrorCode::TooManyCandidates;
            return Err(ApiError::field(code, "candidates", message));
        }
        let mut first_places = HashMap::with_capacity_and_hasher(count, RandomState::default());
        for (place, candidate) in self.candidates.iter().enumerate() {
            let field = || format!("candidates[{place}].id");
            if let Some(message) = text_fault(&candidate.id, MAXIMUM_ID_BYTES) {
                return Err(ApiError::field(ErrorCode::InvalidField, field(), message));
            }
            if let Some(first) = first_places.insert(candidate.id.as_ref(), place) {
                let message = format!("is the id of candidates[{first}] already");
                let code = ErrorCode::DuplicateCandidate;
                return Err(ApiError::field(code, field(), message));
            }
        }
        Ok(())
    }

    /// Whether every candidate brings a whole row, so that nothing has to be computed.
    pub fn is_matrix(&self) -> bool {
        let is_row =
            |candidate: &CandidateBody<'_>| matches!(candidate.features, FeaturesBody::Row(_));
        self.candidates.iter().all(is_row)
    }

    /// The same, with texts of its own. The feature values are moved.
    pub fn into_owned(self) -> RankBody<'static> {
        let owned = |text: Cow<'_, str>| -> Cow<'static, str> { Cow::Owned(text.into_owned()) };
        RankBody {
            query: self.query.map(owned),
            context: self.context,
            candidates: self
                .candidates
                .into_iter()
                .map(|candidate| CandidateBody {
                    id: owned(candidate.id),
                    features: candidate.features,
                })
                .collect(),
            limit: self.limit,
            values: self.values,
            has_absent_values: self.has_absent_values,
            named: self
                .named
                .into_iter()
                .map(|(name, value)| (owned(name), value))
                .collect(),
        }
    }
}

impl From<RankRequest> for RankBody<'static> {
    fn from(request: RankRequest) -> Self {
        let mut body = Self {
            query: request.query.map(Cow::Owned),
            context: request.context,
            limit: request.limit,
            ..Self::default()
        };
        for candidate in request.candidates {
            let features = match candidate.features {
                None => FeaturesBody::Absent,
                Some(InlineFeatures::Row(row)) => {
                    let start = body.values.len();
                    body.has_absent_values |= row.contains(&None);
                    let values = row.into_iter().map(|value| value.unwrap_or(f64::NAN));
                    body.values.extend(values);
                    FeaturesBody::Row(start..body.values.len())
                }
                Some(InlineFeatures::Named(named)) => {
                    let start = body.named.len();
                    let named = named
                        .into_iter()
                        .map(|(name, value)| (Cow::Owned(name), value));
                    body.named.extend(named);
                    FeaturesBody::Named(start..body.named.len())
                }
            };
            body.candidates.push(CandidateBody {
                id: Cow::Owned(candidate.id),
                features,
            });
        }
        body
    }
}

/// By the bits of the values: 0 and -0 differ, and what is absent is equal.
impl PartialEq for RankBody<'_> {
    fn eq(&self, other: &Self) -> bool {
        let bits = |values: &[f64]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        let named = |body: &Self| {
            let named = body.named.iter();
            named
                .map(|(name, value)| (name.to_string(), value.to_bits()))
                .collect::<Vec<_>>()
        };
        self.query == other.query
            && self.context == other.context
            && self.candidates == other.candidates
            && self.limit == other.limit
            && bits(&self.values) == bits(&other.values)
            && self.has_absent_values == other.has_absent_values
            && named(self) == named(other)
    }
}
