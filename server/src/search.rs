//! Searches one bundle's catalogue: retrieval by text, then the model's order.
//!
//! Blocking, and pure but for the clock that its parts are timed by; choosing the bundle and falling
//! back is `answer`.

use std::time::{Duration, Instant};

use searchop_ranking::catalogue::ItemIndex;

use crate::api::error::{ApiError, ErrorCode};
use crate::api::messages::{
    Context, FoundItem, MAXIMUM_ID_BYTES, MAXIMUM_QUERY_BYTES, Ranker, SearchBody, check_text,
};
use crate::bundle::{Buffers, LoadedBundle, ServedCatalogue};
use crate::rank::{RankError, order_by_score, recent_events};

/// Results of a search that does not say how many.
const DEFAULT_LIMIT: usize = 10;

/// A checked search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRequest {
    /// What to search for.
    pub query: String,
    /// How many results to return.
    pub limit: usize,
    /// What puts them in order.
    pub ranker: Ranker,
    /// Who searches, and what they did lately.
    pub context: Context,
}

impl SearchRequest {
    /// Reads the parameters of a URL, which may ask for at most `maximum_results`.
    ///
    /// # Errors
    /// Names the first parameter that is missing, unknown, repeated or out of range.
    pub fn parse(
        parameters: Vec<(String, String)>,
        maximum_results: usize,
    ) -> Result<Self, ApiError> {
        let [mut query, mut limit, mut ranker, mut session_key] = [None, None, None, None];
        for (name, value) in parameters {
            let place = match name.as_str() {
                "q" => &mut query,
                "limit" => &mut limit,
                "ranker" => &mut ranker,
                "sessionKey" => &mut session_key,
                _ => {
                    let name: String = name.chars().take(64).collect();
                    return Err(invalid(
                        name,
                        "no such parameter; there are q, limit, ranker and sessionKey",
                    ));
                }
            };
            if place.replace(value).is_some() {
                return Err(invalid(name, "is given twice"));
            }
        }
        let query = query.ok_or_else(|| invalid("q", "is required"))?;
        check_text("q", &query, MAXIMUM_QUERY_BYTES)?;
        if let Some(session_key) = &session_key {
            check_text("sessionKey", session_key, MAXIMUM_ID_BYTES)?;
        }
        let limit = match limit {
            None => DEFAULT_LIMIT.min(maximum_results),
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=maximum_results).contains(limit))
                .ok_or_else(|| limit_out_of_range(maximum_results))?,
        };
        let ranker = match ranker.as_deref() {
            None | Some("model") => Ranker::Model,
            Some("retrieval") => Ranker::Retrieval,
            Some(_) => return Err(invalid("ranker", "want model or retrieval")),
        };
        let context = Context {
            session_key,
            recent_events: Vec::new(),
        };
        Ok(Self {
            query,
            limit,
            ranker,
            context,
        })
    }

    /// Checks a body, which may ask for at most `maximum_results`.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn of_body(body: SearchBody, maximum_results: usize) -> Result<Self, ApiError> {
        check_text("query", &body.query, MAXIMUM_QUERY_BYTES)?;
        body.context.check()?;
        let limit = match body.limit {
            None => DEFAULT_LIMIT.min(maximum_results),
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| (1..=maximum_results).contains(limit))
                .ok_or_else(|| limit_out_of_range(maximum_results))?,
        };
        Ok(Self {
            query: body.query,
            limit,
            ranker: body.ranker,
            context: body.context,
        })
    }
}

fn invalid(field: impl Into<String>, message: impl Into<String>) -> ApiError {
    ApiError::field(ErrorCode::InvalidField, field, message)
}

fn limit_out_of_range(maximum_results: usize) -> ApiError {
    let message = format!("want a whole number from 1 to {maximum_results}");
    invalid("limit", message)
}

/// What a search found, in retrieval order.
pub struct Found<'bundle> {
    catalogue: &'bundle ServedCatalogue,
    items: Vec<ItemIndex>,
}

impl Found<'_> {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn item(&self, place: usize, position: usize, score: Option<f64>) -> FoundItem {
        let product = self.catalogue.product(self.items[place]);
        FoundItem {
            id: product.item_id.clone(),
            title: product.title.clone(),
            brand: product.brand.clone(),
            price: product.price,
            score,
            position: count_from_one(position),
            retrieval_position: count_from_one(place),
        }
    }
}

fn count_from_one(place: usize) -> u32 {
    u32::try_from(place + 1).unwrap_or(u32::MAX)
}

/// Finds at most `depth` items by text relevance.
///
/// # Errors
/// When the bundle has no catalogue, or its index fails.
pub fn retrieve<'bundle>(
    bundle: &'bundle LoadedBundle,
    query: &str,
    depth: usize,
) -> Result<Found<'bundle>, RankError> {
    let catalogue = bundle.catalogue().ok_or_else(|| {
        let message =
            "the served model has no catalogue to search in; rank candidates by POST /v1/rank";
        ApiError::new(ErrorCode::CatalogueNotAvailable, message)
    })?;
    Ok(Found {
        catalogue,
        items: catalogue.retrieve(query, depth)?,
    })
}

/// The items as retrieval orders them, without scores.
pub fn in_retrieval_order(found: &Found<'_>) -> Vec<FoundItem> {
    (0..found.items.len())
        .map(|place| found.item(place, place, None))
        .collect()
}

/// The items as the model orders them, and how long their features took.
///
/// # Errors
/// When scoring fails.
pub fn ranked(
    bundle: &LoadedBundle,
    request: &SearchRequest,
    found: &Found<'_>,
) -> Result<(Vec<FoundItem>, Duration), RankError> {
    let started = Instant::now();
    let recent = recent_events(found.catalogue, &request.context);
    let (scores, features) = bundle.with_buffers(|buffers| {
        let Buffers {
            rows,
            scores,
            scratch,
        } = buffers;
        rows.values.clear();
        found
            .catalogue
            .append_rows(&request.query, recent, &found.items, &mut rows.values);
        let features = started.elapsed();
        bundle.score(&rows.values, scratch, scores)?;
        let scores: Vec<Option<f64>> = scores.iter().copied().map(Some).collect();
        Ok::<_, RankError>((scores, features))
    })?;
    let order = order_by_score(&scores);
    let items = order
        .into_iter()
        .enumerate()
        .map(|(position, place)| found.item(place, position, scores[place]));
    Ok((items.collect(), features))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::extract::parse_json;

    fn parse(parameters: &[(&str, &str)]) -> Result<SearchRequest, ApiError> {
        let owned = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        SearchRequest::parse(owned.collect(), 100)
    }

    #[test]
    fn a_search_needs_only_its_query() {
        let request = parse(&[("q", "red shoes")]).unwrap();
        assert_eq!((request.limit, request.ranker), (10, Ranker::Model));
        let request = parse(&[
            ("q", "a"),
            ("limit", "100"),
            ("ranker", "retrieval"),
            ("sessionKey", "s"),
        ])
        .unwrap();
        assert_eq!(
            (
                request.limit,
                request.ranker,
                request.context.session_key.as_deref()
            ),
            (100, Ranker::Retrieval, Some("s"))
        );
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let long = "x".repeat(1_001);
        for (parameters, field) in [
            (vec![], "q"),
            (vec![("q", " ")], "q"),
            (vec![("q", long.as_str())], "q"),
            (vec![("q", "a"), ("q", "b")], "q"),
            (vec![("q", "a"), ("limit", "0")], "limit"),
            (vec![("q", "a"), ("limit", "101")], "limit"),
            (vec![("q", "a"), ("limit", "-1")], "limit"),
            (vec![("q", "a"), ("limit", "many")], "limit"),
            (vec![("q", "a"), ("ranker", "random")], "ranker"),
            (vec![("q", "a"), ("sessionKey", "")], "sessionKey"),
            (vec![("q", "a"), ("limt", "5")], "limt"),
        ] {
            assert_eq!(
                parse(&parameters).unwrap_err().field.as_deref(),
                Some(field),
                "{parameters:?}"
            );
        }
    }

    fn of_body(text: &str) -> Result<SearchRequest, ApiError> {
        SearchRequest::of_body(parse_json(text.as_bytes())?, 100)
    }

    #[test]
    fn a_body_says_what_a_url_says_and_what_was_done_lately() {
        let request = of_body(r#"{"query": "red shoes"}"#).unwrap();
        assert_eq!(request, parse(&[("q", "red shoes")]).unwrap());
        let request = of_body(
            r#"{"query": "a", "limit": 100, "ranker": "retrieval", "context": {"sessionKey": "s",
                "recentEvents": [{"type": "cart", "id": "P1", "secondsAgo": 40}]}}"#,
        )
        .unwrap();
        assert_eq!((request.limit, request.ranker), (100, Ranker::Retrieval));
        assert_eq!(request.context.session_key.as_deref(), Some("s"));
        assert_eq!(request.context.recent_events[0].id, "P1");
    }

    #[test]
    fn a_wrong_field_of_a_body_is_named() {
        for (text, field) in [
            ("{}", "query"),
            (r#"{"query": " "}"#, "query"),
            (r#"{"query": "a", "limit": 0}"#, "limit"),
            (r#"{"query": "a", "limit": 101}"#, "limit"),
            (r#"{"query": "a", "limit": "many"}"#, "limit"),
            (r#"{"query": "a", "ranker": "random"}"#, "ranker"),
            (r#"{"query": "a", "candidates": []}"#, "candidates"),
            (
                r#"{"query": "a", "context": {"sessionKey": ""}}"#,
                "context.sessionKey",
            ),
            (
                r#"{"query": "a", "context": {"recentEvents": [{"type": "click", "id": "", "secondsAgo": 1}]}}"#,
                "context.recentEvents[0].id",
            ),
        ] {
            let error = of_body(text).expect_err(text);
            assert_eq!(error.field.as_deref(), Some(field), "{text}");
        }
    }
}
