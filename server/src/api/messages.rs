//! Requests and answers of the public API, as they stand in JSON.
//!
//! Shapes and their checks that need no model; what needs one (feature names, arity, known items)
//! is `rank`.

use std::fmt;

use crate::impression::ImpressionId;
use searchop_ranking::features::{MAXIMUM_RECENT_EVENTS, MAXIMUM_RECENT_SECONDS};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::error::{ApiError, ErrorCode};
use crate::digest::Digest;

/// The longest query, in bytes.
pub const MAXIMUM_QUERY_BYTES: usize = 1_000;
/// The longest item id or session key, in bytes.
pub const MAXIMUM_ID_BYTES: usize = 256;
/// The most events in one feedback message.
pub const MAXIMUM_FEEDBACK_EVENTS: usize = 100;

/// A list to put in order.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RankRequest {
    /// What was searched for. Required by models that compute features from it.
    #[serde(default)]
    #[schema(max_length = 1000, example = "running shoes")]
    pub query: Option<String>,
    /// About the search, not about any candidate.
    #[serde(default)]
    pub context: Context,
    /// What to rank, in the order of your retrieval: list features compare with the first 16, and the
    /// order decides ties and is the answer when no model can rank.
    pub candidates: Vec<Candidate>,
    /// How many results to return; all when absent.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub limit: Option<u64>,
}

/// About the search, not about any candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Context {
    /// Keeps one person's searches on one model while two share the traffic. Without it each
    /// request is assigned by itself.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub session_key: Option<String>,
    /// What who searches did lately, the newest first, at most 50 events. Models that were trained
    /// with recent events learn tastes from them. Items that the catalogue does not have are passed
    /// over.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub recent_events: Vec<RecentEventMessage>,
}

/// Something that who searches did before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RecentEventMessage {
    /// What was done.
    #[serde(rename = "type")]
    pub kind: FeedbackKind,
    /// With which item.
    #[schema(min_length = 1, max_length = 256)]
    pub id: String,
    /// How long ago, in whole seconds: at most 30 days.
    #[schema(maximum = 2592000)]
    pub seconds_ago: u32,
}

impl Context {
    /// Checks what the shape alone does not.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn check(&self) -> Result<(), ApiError> {
        if let Some(session_key) = &self.session_key {
            check_text("context.sessionKey", session_key, MAXIMUM_ID_BYTES)?;
        }
        let refuse = |field: String, message: String| {
            Err(ApiError::field(ErrorCode::InvalidField, field, message))
        };
        if self.recent_events.len() > MAXIMUM_RECENT_EVENTS {
            let message = format!(
                "has {} events, at most {MAXIMUM_RECENT_EVENTS} are accepted",
                self.recent_events.len()
            );
            return refuse("context.recentEvents".into(), message);
        }
        let mut newer = 0;
        for (place, event) in self.recent_events.iter().enumerate() {
            let field = |name: &str| format!("context.recentEvents[{place}].{name}");
            check_text(&field("id"), &event.id, MAXIMUM_ID_BYTES)?;
            if event.seconds_ago > MAXIMUM_RECENT_SECONDS {
                let message = format!("is more than {MAXIMUM_RECENT_SECONDS}, which are 30 days");
                return refuse(field("secondsAgo"), message);
            }
            if event.seconds_ago < newer {
                let message = "is less than that of the event before; the newest comes first";
                return refuse(field("secondsAgo"), message.into());
            }
            newer = event.seconds_ago;
        }
        Ok(())
    }
}

/// One thing to rank: an item of the model's catalogue, or anything that brings its features.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Candidate {
    /// Unique in the request.
    #[schema(min_length = 1, max_length = 256, example = "B00123")]
    pub id: String,
    /// Feature values. Over an item of the catalogue they replace the computed ones.
    #[serde(default)]
    pub features: Option<InlineFeatures>,
}

/// Feature values by name (those left out have the schema's default), or as an array in the
/// schema's order (`null` has the default). All are finite: JSON knows no NaN.
#[derive(Clone, Debug, PartialEq)]
pub enum InlineFeatures {
    /// By name, in the order sent.
    Named(Vec<(String, f64)>),
    /// One for each feature of the schema, in its order.
    Row(Vec<Option<f64>>),
}

/// A ranked list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankResponse {
    /// Send it back with feedback about this list.
    #[schema(value_type = String, format = "uuid")]
    pub impression_id: ImpressionId,
    /// What ranked the list; `null` when no model did.
    pub model: Option<ModelReference>,
    /// Best first.
    pub results: Vec<RankedCandidate>,
    /// Whether the list stands in the order it was sent in, because no model could rank it.
    pub degraded: bool,
}

/// Names a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelReference {
    /// Digest of its bundle.
    #[schema(value_type = String)]
    pub sha256: Digest,
}

/// One candidate in its new place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankedCandidate {
    /// As sent.
    pub id: String,
    /// The model's score; `null` when it has none. Comparable only within one answer.
    pub score: Option<f64>,
    /// Place in the list, from 1.
    pub position: u32,
    /// Present and `false` when the model knows nothing about the candidate (not in its catalogue,
    /// and no features sent). Such candidates come last, in the order sent.
    #[serde(default = "known", skip_serializing_if = "is_known")]
    pub known: bool,
}

fn known() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_known(known: &bool) -> bool {
    *known
}

/// What puts retrieved items in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ranker {
    /// The model.
    #[default]
    Model,
    /// Text relevance alone: the order before the model.
    Retrieval,
}

/// What to search the catalogue for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SearchBody {
    /// What was typed.
    #[schema(max_length = 1000, example = "running shoes")]
    pub query: String,
    /// About the search, not about any item.
    #[serde(default)]
    pub context: Context,
    /// How many results to return, 1 to 100; 10 when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<u64>,
    /// What puts the results in order; `model` when absent.
    #[serde(default)]
    pub ranker: Ranker,
}

/// Items found for a query.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchResponse {
    /// Send it back with feedback about this list.
    #[schema(value_type = String, format = "uuid")]
    pub impression_id: ImpressionId,
    /// What ranked the list; `null` when no model did.
    pub model: Option<ModelReference>,
    /// As sent.
    pub query: String,
    /// What was asked to put the list in order.
    pub ranker: Ranker,
    /// How many items were retrieved and ranked.
    pub retrieved: u32,
    /// Best first.
    pub results: Vec<FoundItem>,
    /// Whether the list stands in retrieval order because the model could not rank it.
    pub degraded: bool,
}

/// One item found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundItem {
    /// Its id in the catalogue.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Who makes it, if known.
    pub brand: Option<String>,
    /// Its price in the catalogue's currency, if known.
    pub price: Option<f64>,
    /// The model's score; `null` in retrieval order.
    pub score: Option<f64>,
    /// Place in this list, from 1.
    pub position: u32,
    /// Place that text relevance alone gives it, from 1.
    pub retrieval_position: u32,
}

/// What people did with a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FeedbackRequest {
    /// From the answer that gave the list.
    #[schema(value_type = String, format = "uuid")]
    pub impression_id: ImpressionId,
    /// 1 to 100 events.
    #[schema(min_items = 1, max_items = 100)]
    pub events: Vec<FeedbackEvent>,
}

/// One act.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FeedbackEvent {
    /// What was done.
    #[serde(rename = "type")]
    pub kind: FeedbackKind,
    /// With which item.
    #[schema(min_length = 1, max_length = 256)]
    pub id: String,
    /// Where it stood, from 1.
    #[schema(minimum = 1)]
    pub position: u32,
}

/// What was done with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FeedbackKind {
    /// Looked at.
    Click,
    /// Put in the cart.
    Cart,
    /// Bought.
    Purchase,
}

/// Feedback that was taken.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FeedbackResponse {
    /// How many events were taken.
    pub accepted: usize,
}

impl FeedbackRequest {
    /// Checks what the shape alone does not.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn check(&self) -> Result<(), ApiError> {
        if self.events.is_empty() || self.events.len() > MAXIMUM_FEEDBACK_EVENTS {
            let message = format!(
                "has {} events, want 1 to {MAXIMUM_FEEDBACK_EVENTS}",
                self.events.len()
            );
            return Err(ApiError::field(ErrorCode::InvalidField, "events", message));
        }
        for (place, event) in self.events.iter().enumerate() {
            check_text(&format!("events[{place}].id"), &event.id, MAXIMUM_ID_BYTES)?;
            if event.position == 0 {
                let field = format!("events[{place}].position");
                return Err(ApiError::field(
                    ErrorCode::InvalidField,
                    field,
                    "positions count from 1",
                ));
            }
        }
        Ok(())
    }
}

/// Refuses blank and overlong texts.
pub(crate) fn check_text(field: &str, text: &str, maximum_bytes: usize) -> Result<(), ApiError> {
    match text_fault(text, maximum_bytes) {
        Some(message) => Err(ApiError::field(ErrorCode::InvalidField, field, message)),
        None => Ok(()),
    }
}

/// What is wrong with a text, if it is blank or overlong.
pub(crate) fn text_fault(text: &str, maximum_bytes: usize) -> Option<String> {
    if text.trim().is_empty() {
        Some("must not be blank".to_owned())
    } else if text.len() > maximum_bytes {
        let length = text.len();
        Some(format!(
            "is {length} bytes long, at most {maximum_bytes} are accepted"
        ))
    } else {
        None
    }
}

// By hand, not as an untagged enum: serde buffers those, and errors would no longer name the place
// inside of the array or object.
impl<'de> Deserialize<'de> for InlineFeatures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FeaturesVisitor;

        impl<'de> Visitor<'de> for FeaturesVisitor {
            type Value = InlineFeatures;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("feature values as an object by name, or as an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(entry) = map.next_entry::<String, f64>()? {
                    values.push(entry);
                }
                Ok(InlineFeatures::Named(values))
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut sequence: A,
            ) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = sequence.next_element::<Option<f64>>()? {
                    values.push(value);
                }
                Ok(InlineFeatures::Row(values))
            }
        }

        deserializer.deserialize_any(FeaturesVisitor)
    }
}

impl PartialSchema for InlineFeatures {
    fn schema() -> RefOr<Schema> {
        let number = || ObjectBuilder::new().schema_type(Type::Number);
        let number_or_null =
            || ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Number, Type::Null]));
        OneOfBuilder::new()
            .description(Some(
                "Feature values by name, or as an array in the schema's order, where null has the \
                 schema's default.",
            ))
            .item(ObjectBuilder::new().additional_properties(Some(
                AdditionalProperties::<Schema>::RefOr(number().into()),
            )))
            .item(ArrayBuilder::new().items(RefOr::T(Schema::from(number_or_null()))))
            .into()
    }
}

impl ToSchema for InlineFeatures {}
