//! Searches, what people did after them, and judgements, in the schema of OpenSearch's
//! User Behavior Insights (UBI).
//!
//! Fields that UBI has and nothing here reads are passed over. Joining and counting is in `features`.

use serde::{Deserialize, Serialize};

use crate::catalogue::MAXIMUM_ITEM_ID_BYTES;
use crate::json_lines::{FieldError, Record, check_text};

/// Longest query text, in bytes.
pub const MAXIMUM_QUERY_BYTES: usize = 2_000;
/// Longest id of a query, client or session, in bytes.
pub const MAXIMUM_ID_BYTES: usize = 256;
/// Most items that one search may have shown.
pub const MAXIMUM_SHOWN_ITEMS: usize = 10_000;
/// Highest grade of a judgement: LightGBM's labels end there.
pub const MAXIMUM_GRADE: u32 = 30;

/// One search and the list it showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Unique name of this search; events refer to it.
    pub query_id: String,
    /// Who searched.
    #[serde(default)]
    pub client_id: String,
    /// What was typed.
    pub user_query: String,
    /// What more is known of the search; nothing of it is a feature.
    #[serde(default, skip_serializing_if = "QueryAttributes::is_empty")]
    pub query_attributes: QueryAttributes,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Ids of the items shown, best first. Absent where impressions are events of their own.
    #[serde(default)]
    pub query_response_hit_ids: Vec<String>,
}

/// What a search is known by, to tell how good a ranking is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryAttributes {
    /// What it is for, such as `brand` or `category`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Which group of people the searcher is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Where chance decided the order of the list: for each item shown, the probability with which it
    /// came to stand at its place, above 0 and at most 1. Else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub propensities: Vec<f64>,
}

impl QueryAttributes {
    /// Whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.intent.is_none() && self.segment.is_none() && self.propensities.is_empty()
    }
}

impl Record for Search {
    fn check(&self) -> Result<(), FieldError> {
        check_text("query_id", &self.query_id, 1, MAXIMUM_ID_BYTES)?;
        check_text("client_id", &self.client_id, 0, MAXIMUM_ID_BYTES)?;
        check_text("user_query", &self.user_query, 0, MAXIMUM_QUERY_BYTES)?;
        let QueryAttributes {
            intent,
            segment,
            propensities,
        } = &self.query_attributes;
        for (field, name) in [
            ("query_attributes.intent", intent),
            ("query_attributes.segment", segment),
        ] {
            check_text(
                field,
                name.as_deref().unwrap_or_default(),
                0,
                MAXIMUM_ID_BYTES,
            )?;
        }
        check_propensities(propensities, self.query_response_hit_ids.len())?;
        check_timestamp(self.timestamp)?;
        if self.query_response_hit_ids.len() > MAXIMUM_SHOWN_ITEMS {
            let message = format!(
                "{} items, at most {MAXIMUM_SHOWN_ITEMS} are allowed",
                self.query_response_hit_ids.len()
            );
            return Err(FieldError::new("query_response_hit_ids", message));
        }
        for (position, id) in self.query_response_hit_ids.iter().enumerate() {
            if id.is_empty() || id.len() > MAXIMUM_ITEM_ID_BYTES {
                check_text(
                    &format!("query_response_hit_ids[{position}]"),
                    id,
                    1,
                    MAXIMUM_ITEM_ID_BYTES,
                )?;
            }
        }
        Ok(())
    }
}

/// Refuses propensities that are not one for each item shown, or no probabilities of what happened.
pub(crate) fn check_propensities(propensities: &[f64], shown: usize) -> Result<(), FieldError> {
    const FIELD: &str = "query_attributes.propensities";
    if !propensities.is_empty() && propensities.len() != shown {
        let message = format!("has {} numbers for {shown} items shown", propensities.len());
        return Err(FieldError::new(FIELD, message));
    }
    match propensities
        .iter()
        .position(|it| !(*it > 0.0 && *it <= 1.0))
    {
        Some(place) => Err(FieldError::new(
            format!("{FIELD}[{place}]"),
            format!("{} is not above 0 and at most 1", propensities[place]),
        )),
        None => Ok(()),
    }
}

/// What a person did with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was shown.
    Impression,
    /// It was opened.
    Click,
    /// It was put in the cart.
    AddToCart,
    /// It was bought.
    Purchase,
}

/// One thing a person did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What was done.
    pub action_name: Action,
    /// The search that it followed.
    pub query_id: String,
    /// Who did it.
    #[serde(default)]
    pub client_id: String,
    /// The visit it belongs to.
    #[serde(default)]
    pub session_id: String,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// With what.
    pub event_attributes: EventAttributes,
}

/// The part of an [`Event`] that says what it was done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventAttributes {
    /// The item.
    pub object: EventObject,
    /// Where in the list it stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<EventPosition>,
}

/// The item of an [`Event`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventObject {
    /// The product's `item_id`.
    pub object_id: String,
}

/// The place of an [`Event`]'s item in the list shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPosition {
    /// Counted from 1.
    pub ordinal: u32,
}

impl Event {
    /// The product's `item_id`.
    #[must_use]
    pub fn item_id(&self) -> &str {
        &self.event_attributes.object.object_id
    }
}

impl Record for Event {
    fn check(&self) -> Result<(), FieldError> {
        check_text("query_id", &self.query_id, 1, MAXIMUM_ID_BYTES)?;
        check_text("client_id", &self.client_id, 0, MAXIMUM_ID_BYTES)?;
        check_text("session_id", &self.session_id, 0, MAXIMUM_ID_BYTES)?;
        check_timestamp(self.timestamp)?;
        check_text(
            "event_attributes.object.object_id",
            self.item_id(),
            1,
            MAXIMUM_ITEM_ID_BYTES,
        )?;
        match self.event_attributes.position {
            Some(EventPosition { ordinal: 0 }) => Err(FieldError::new(
                "event_attributes.position.ordinal",
                "positions are counted from 1",
            )),
            _ => Ok(()),
        }
    }
}

/// How well an item answers a query, said by someone who knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The query's text.
    pub query: String,
    /// The product.
    pub item_id: String,
    /// 0 is useless, more is better, 30 is the most.
    pub grade: u32,
}

/// Times before 1970 or after 9999 are a wrong unit.
fn check_timestamp(milliseconds: i64) -> Result<(), FieldError> {
    const END_OF_9999: i64 = 253_402_300_800_000;
    if (0..END_OF_9999).contains(&milliseconds) {
        return Ok(());
    }
    Err(FieldError::new(
        "timestamp",
        format!("{milliseconds} is not in milliseconds since 1970"),
    ))
}
