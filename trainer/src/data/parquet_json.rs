//! A row of a Parquet file as the JSON object that would say the same. Pure.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use searchop_ranking::input::Complaint;
use serde_json::{Map, Number, Value};

/// Columns that may hold the text of a JSON value, besides those whose type says so.
const JSON_TEXTS: [&str; 5] = [
    "attributes",
    "event_attributes",
    "event_attributes.object",
    "event_attributes.position",
    "query_response_hit_ids",
];

/// Whole numbers up to here are the same as floating point.
const MAXIMUM_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The columns of a file, in its order.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

/// A column of the outermost level.
#[derive(Debug)]
struct Column {
    /// Where its value stands in the object: `event_attributes.object.object_id` may be one column.
    path: Vec<String>,
    text: TextKind,
    /// Of times in a unit that the library hands over as bare numbers; else 1.
    per_millisecond: i64,
}

/// What the texts of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextKind {
    Text,
    Json,
    /// JSON if it starts as an object or a list does.
    PerhapsJson,
}

impl Columns {
    /// The columns of a schema.
    pub(super) fn of(schema: &Type) -> Self {
        Self(
            schema
                .get_fields()
                .iter()
                .map(|field| Column::of(field))
                .collect(),
        )
    }

    /// The object that a row is.
    ///
    /// # Errors
    /// Names the column.
    pub(super) fn object(&self, row: Row) -> Result<Value, Complaint> {
        let mut object = Map::new();
        for (column, (name, field)) in self.0.iter().zip(row.into_columns()) {
            let field = match field {
                Field::Long(number) => Field::Long(number.div_euclid(column.per_millisecond)),
                other => other,
            };
            let value = json(field)
                .and_then(|value| column.text.read(value))
                .map_err(|message| Complaint::invalid(&name, message))?;
            // A column that stands for a part of an object is not there when it is null.
            if value.is_null() && (column.path.len() > 1 || object.contains_key(&name)) {
                continue;
            }
            insert(&mut object, &column.path, value)
                .map_err(|()| Complaint::invalid(&name, "is given twice"))?;
        }
        Ok(Value::Object(object))
    }
}

impl Column {
    fn of(field: &Type) -> Self {
        let name = field.name();
        let parts: Vec<&str> = match name.split_once('.') {
            Some(("attributes", rest)) => vec!["attributes", rest],
            Some(("event_attributes", _)) => name.split('.').collect(),
            _ => vec![name],
        };
        let info = field.get_basic_info();
        let says_json = info.converted_type() == ConvertedType::JSON
            || info.logical_type_ref() == Some(&LogicalType::Json);
        Self {
            path: parts.into_iter().map(str::to_owned).collect(),
            per_millisecond: match (info.converted_type(), info.logical_type_ref()) {
                (ConvertedType::NONE, Some(LogicalType::Timestamp(time))) => match time.unit {
                    TimeUnit::NANOS => 1_000_000,
                    TimeUnit::MICROS => 1_000,
                    TimeUnit::MILLIS => 1,
                },
                _ => 1,
            },
            text: if says_json {
                TextKind::Json
            } else if JSON_TEXTS.contains(&name) {
                TextKind::PerhapsJson
            } else {
                TextKind::Text
            },
        }
    }
}

impl TextKind {
    fn read(self, value: Value) -> Result<Value, String> {
        let Value::String(text) = &value else {
            return Ok(value);
        };
        if self == Self::Text {
            return Ok(value);
        }
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        if self == Self::PerhapsJson && !text.trim_start().starts_with(['{', '[']) {
            return Ok(value);
        }
        serde_json::from_str(text).map_err(|error| {
            let told = error.to_string();
            let told = told.split(" at line ").next().unwrap_or_default();
            format!("is no JSON: {told} (character {})", error.column())
        })
    }
}

/// Puts a value at its path; `Err` if something stands there.
fn insert(object: &mut Map<String, Value>, path: &[String], value: Value) -> Result<(), ()> {
    let Some((first, rest)) = path.split_first() else {
        return Err(());
    };
    let Some(there) = object.get_mut(first).filter(|there| !there.is_null()) else {
        let mut value = value;
        for part in rest.iter().rev() {
            value = Value::Object(Map::from_iter([(part.clone(), value)]));
        }
        object.insert(first.clone(), value);
        return Ok(());
    };
    match (there, value) {
        (Value::Object(there), value) if !rest.is_empty() => insert(there, rest, value),
        (Value::Object(there), Value::Object(more)) => more
            .into_iter()
            .try_for_each(|(name, value)| insert(there, &[name], value)),
        _ => Err(()),
    }
}

/// A value as JSON would have it.
fn json(field: Field) -> Result<Value, String> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => flag.into(),
        Field::Byte(number) => number.into(),
        Field::Short(number) => number.into(),
        Field::Int(number) => number.into(),
        Field::Long(number) => number.into(),
        Field::UByte(number) => number.into(),
        Field::UShort(number) => number.into(),
        Field::UInt(number) => number.into(),
        Field::ULong(number) => number.into(),
        // The number that was meant is the one that is written shortest: 12.99 and not 12.989999771.
        Field::Float16(number) => shortest(&number.to_string())?,
        Field::Float(number) => shortest(&number.to_string())?,
        Field::Double(number) => of_number(number)?,
        decimal @ Field::Decimal(_) => shortest(&decimal.to_string())?,
        Field::Str(text) => text.into(),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => text.into(),
            Err(_) => return Err("is no UTF-8 text".to_owned()),
        },
        day @ (Field::Date(_) | Field::TimeMillis(_) | Field::TimeMicros(_)) => {
            day.to_string().into()
        }
        Field::TimestampMillis(milliseconds) => milliseconds.into(),
        Field::TimestampMicros(microseconds) => microseconds.div_euclid(1_000).into(),
        Field::Group(row) => {
            let fields = row.into_columns().into_iter();
            let fields = fields.map(|(name, field)| Ok((name, json(field)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        Field::ListInternal(list) => {
            let elements = list.elements().iter().cloned().map(json);
            Value::Array(elements.collect::<Result<_, String>>()?)
        }
        Field::MapInternal(map) => {
            let entries = map.entries().iter().cloned().map(|(key, value)| {
                let key = match json(key)? {
                    Value::String(key) => key,
                    Value::Null => return Err("has a key that is null".to_owned()),
                    key => key.to_string(),
                };
                Ok((key, json(value)?))
            });
            Value::Object(entries.collect::<Result<_, String>>()?)
        }
    })
}

/// The number that a text says; whole ones of any size stay exact.
fn shortest(text: &str) -> Result<Value, String> {
    // A decimal without places ends with its point.
    if let Ok(number) = text.trim_end_matches('.').parse::<i64>() {
        return Ok(number.into());
    }
    let number = text.parse().map_err(|_| format!("{text} is no number"))?;
    of_number(number)
}

/// Not a number is what many writers make of a missing one. A whole number is one, however it is
/// kept: columns with missing values often become floating point.
fn of_number(number: f64) -> Result<Value, String> {
    if number.is_nan() {
        return Ok(Value::Null);
    }
    if number.fract() == 0.0 && number.abs() <= MAXIMUM_WHOLE {
        return Ok((number as i64).into());
    }
    Number::from_f64(number)
        .map(Value::Number)
        .ok_or_else(|| "is infinite".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::data_type::{ByteArray, Decimal};
    use parquet::schema::parser::parse_message_type;
    use serde_json::json;

    use super::*;

    fn object(message: &str, fields: Vec<Field>) -> Result<Value, String> {
        let schema = Arc::new(parse_message_type(message).unwrap());
        let names = schema.get_fields().iter().map(|it| it.name().to_owned());
        let row = Row::new(names.zip(fields).collect());
        Columns::of(&schema)
            .object(row)
            .map_err(|complaint| format!("{}: {}", complaint.field, complaint.message))
    }

    fn text(text: &str) -> Field {
        Field::Str(text.to_owned())
    }

    #[test]
    fn numbers_are_what_a_person_would_write() {
        for (field, expected) in [
            (Field::Double(12.5), json!(12.5)),
            (Field::Double(3.0), json!(3)),
            (Field::Double(1e300), json!(1e300)),
            (Field::Double(f64::NAN), json!(null)),
            (Field::Float(12.99), json!(12.99)),
            (Field::ULong(u64::MAX), json!(u64::MAX)),
            (
                Field::Decimal(Decimal::from_i64(-1_250, 10, 2)),
                json!(-12.5),
            ),
            (
                Field::Decimal(Decimal::from_i64(9_007_199_254_740_993, 18, 0)),
                json!(9_007_199_254_740_993_i64),
            ),
            (
                Field::TimestampMillis(1_737_703_890_699),
                json!(1_737_703_890_699_i64),
            ),
            (
                Field::TimestampMicros(1_737_703_890_699_999),
                json!(1_737_703_890_699_i64),
            ),
            (Field::Date(20_112), json!("2025-01-24")),
            (Field::Bytes(ByteArray::from("a")), json!("a")),
        ] {
            assert_eq!(json(field.clone()), Ok(expected), "{field:?}");
        }
        assert!(json(Field::Float(f32::INFINITY)).is_err());
        assert!(json(Field::Bytes(ByteArray::from(vec![0xff]))).is_err());
    }

    #[test]
    fn parts_of_objects_are_columns_or_texts_of_json() {
        let flat = "message m { optional binary event_attributes.object.object_id (UTF8); \
                    optional int32 event_attributes.position.ordinal; optional binary a.b (UTF8); }";
        assert_eq!(
            object(flat, vec![text("p1"), Field::Int(3), text("c")]),
            Ok(
                json!({"event_attributes": {"object": {"object_id": "p1"}, "position": {"ordinal": 3}}, "a.b": "c"})
            )
        );
        assert_eq!(
            object(flat, vec![Field::Null, Field::Null, Field::Null]),
            Ok(json!({"a.b": null}))
        );
        let texts = "message m { optional binary attributes (UTF8); optional binary attributes.size (UTF8); \
                     optional binary other (JSON); }";
        assert_eq!(
            object(texts, vec![text("{\"a\":1}"), text("{42}"), text("[1]")]),
            Ok(json!({"attributes": {"a": 1, "size": "{42}"}, "other": [1]}))
        );
        assert_eq!(
            object(texts, vec![text("{\"size\":1}"), text("42"), text("")]),
            Err("attributes.size: is given twice".to_owned())
        );
        let broken = object(texts, vec![text("{\"a\""), Field::Null, Field::Null]);
        assert!(
            broken
                .as_ref()
                .is_err_and(|message| message.starts_with("attributes: is no JSON: EOF")),
            "{broken:?}"
        );
    }
}
