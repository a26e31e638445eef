//! One row of a log: which fields it has and of which type, without judging what they say.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::events::{MAXIMUM_ID_BYTES, check_propensities};
use crate::input::Complaint;
use crate::json_lines::check_text;

/// A value of any type; objects are not kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Loose {
    /// Not there, or null.
    #[default]
    Absent,
    Text(String),
    Integer(i64),
    Float(f64),
    List(Vec<Loose>),
    /// A flag or an object.
    Other,
}

impl Loose {
    /// The text, or the digits of a whole number; `None` for nothing or blanks.
    pub(super) fn as_name(
        &self,
        field: &str,
        maximum: usize,
    ) -> Result<Option<Cow<'_, str>>, Complaint> {
        let name = match self {
            Self::Absent => return Ok(None),
            Self::Text(text) => Cow::from(text.trim()),
            Self::Integer(number) => Cow::from(number.to_string()),
            Self::Float(_) | Self::List(_) | Self::Other => {
                let message = "is neither a text nor a whole number";
                return Err(Complaint::invalid(field, message));
            }
        };
        check_text(field, &name, 0, maximum)?;
        Ok((!name.is_empty()).then_some(name))
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Loose;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("any value")
            }
            fn visit_unit<E>(self) -> Result<Loose, E> {
                Ok(Loose::Absent)
            }
            fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
                Ok(Loose::Text(text.to_owned()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Loose, E> {
                Ok(Loose::Integer(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
                Ok(i64::try_from(number).map_or(Loose::Float(number as f64), Loose::Integer))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Loose, E> {
                Ok(Loose::Float(number))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
                Ok(Loose::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Loose, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = sequence.next_element()? {
                    list.push(value);
                }
                Ok(Loose::List(list))
            }
        }
        input.deserialize_any(Any)
    }
}

/// A part that should be an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Part<T> {
    /// Not there, or null.
    #[default]
    Absent,
    Given(T),
    /// Something else than an object.
    Other,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Part<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_unit<E>(self) -> Result<Part<T>, E> {
                Ok(Part::Absent)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Part<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Part::Given)
            }
            fn visit_str<E>(self, _: &str) -> Result<Part<T>, E> {
                Ok(Part::Other)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Part<T>, E> {
                Ok(Part::Other)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Part<T>, E> {
                Ok(Part::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Part<T>, E> {
                Ok(Part::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Part<T>, E> {
                Ok(Part::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Part<T>, A::Error> {
                while sequence.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Part::Other)
            }
        }
        input.deserialize_any(Object(PhantomData))
    }
}

/// The fields of a line that are read: of a search, of an event, or of a bulk action.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRow {
    pub(super) action_name: Loose,
    pub(super) query_id: Loose,
    pub(super) client_id: Loose,
    pub(super) session_id: Loose,
    pub(super) user_query: Loose,
    pub(super) query_attributes: Part<RawQueryAttributes>,
    pub(super) timestamp: Loose,
    pub(super) query_response_hit_ids: Loose,
    pub(super) event_attributes: Part<RawAttributes>,
    index: Part<BulkAction>,
    create: Part<BulkAction>,
    update: Part<BulkAction>,
    delete: Part<BulkAction>,
    _index: Loose,
    _source: Option<Box<RawRow>>,
}

/// Whatever a shop keeps there: only these are read, and of names nothing is refused.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawQueryAttributes {
    intent: Loose,
    segment: Loose,
    propensities: Loose,
}

impl Part<RawQueryAttributes> {
    /// The propensities, if there are any; `shown` items are in the list.
    pub(super) fn propensities(&self, shown: usize) -> Result<Box<[f64]>, Complaint> {
        const FIELD: &str = "query_attributes.propensities";
        let list = match self {
            Self::Given(attributes) => &attributes.propensities,
            Self::Absent | Self::Other => return Ok(Box::default()),
        };
        let list = match list {
            Loose::Absent => return Ok(Box::default()),
            Loose::List(list) => list,
            _ => return Err(Complaint::invalid(FIELD, "is no array of numbers")),
        };
        let number = |(place, value): (usize, &Loose)| match value {
            Loose::Integer(number) => Ok(*number as f64),
            Loose::Float(number) => Ok(*number),
            _ => Err(Complaint::invalid(
                format!("{FIELD}[{place}]"),
                "is no number",
            )),
        };
        let numbers: Vec<f64> = list
            .iter()
            .enumerate()
            .map(number)
            .collect::<Result<_, _>>()?;
        check_propensities(&numbers, shown)?;
        Ok(numbers.into())
    }

    /// Intent and segment, where they are names.
    pub(super) fn names(&self) -> [Option<Cow<'_, str>>; 2] {
        let Self::Given(RawQueryAttributes {
            intent, segment, ..
        }) = self
        else {
            return [None, None];
        };
        [intent, segment].map(|name| {
            name.as_name("query_attributes", MAXIMUM_ID_BYTES)
                .ok()
                .flatten()
        })
    }
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawAttributes {
    pub(super) object: Part<RawObject>,
    pub(super) position: Part<RawPosition>,
    pub(super) session_id: Loose,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawObject {
    pub(super) object_id: Loose,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPosition {
    pub(super) ordinal: Loose,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct BulkAction {
    _index: Loose,
}

/// Which kind of rows an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Search,
    Event,
}

impl RowKind {
    fn of_index(name: &Loose) -> Option<Self> {
        match name {
            Loose::Text(name) if name.contains("ubi_queries") => Some(Self::Search),
            Loose::Text(name) if name.contains("ubi_events") => Some(Self::Event),
            _ => None,
        }
    }
}

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    /// A bulk action that announces the next line, and for which index.
    Announces(Option<RowKind>),
    /// A bulk action that deletes.
    Deletes,
    /// A bulk action that changes a row in part: such logs cannot be read.
    Updates,
    /// None of the fields that are read.
    Nothing,
    Search(RawRow, Option<RowKind>),
    Event(RawRow, Option<RowKind>),
}

impl RawRow {
    /// Says what the line is, by its fields.
    pub(super) fn classify(self) -> Line {
        let has_own_fields = self.query_id != Loose::Absent
            || self.action_name != Loose::Absent
            || self.timestamp != Loose::Absent
            || self.user_query != Loose::Absent;
        if !has_own_fields {
            if let Part::Given(action) = &self.index {
                return Line::Announces(RowKind::of_index(&action._index));
            }
            if let Part::Given(action) = &self.create {
                return Line::Announces(RowKind::of_index(&action._index));
            }
            if matches!(self.update, Part::Given(_)) {
                return Line::Updates;
            }
            if matches!(self.delete, Part::Given(_)) {
                return Line::Deletes;
            }
        }
        // A hit of a search in OpenSearch has its row within.
        let (row, index) = if has_own_fields {
            (self, None)
        } else {
            match self._source {
                Some(source) => (*source, RowKind::of_index(&self._index)),
                None => return Line::Nothing,
            }
        };
        if row.action_name == Loose::Absent {
            Line::Search(row, index)
        } else {
            Line::Event(row, index)
        }
    }
}
