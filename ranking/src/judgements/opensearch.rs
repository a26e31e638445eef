//! OpenSearch's judgement lists: one JSON document, read as a stream.
//!
//! The lists are in `judgmentRatings`, at the top as they are imported, or in the `_source` of search
//! hits as the API answers.

use std::cell::Cell;
use std::fmt;
use std::io::{BufRead, Read};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::input::{BadLineKind, Complaint, InputError};

use super::list::{FieldNames, ListBuilder, RawJudgement};
use super::readers::Name;

/// Reads one document.
pub(super) fn read(input: impl BufRead, list: &mut ListBuilder<'_>) -> Result<(), InputError> {
    let line = Rc::new(Cell::new(1_u64));
    let reader = CountedLines {
        input,
        line: Rc::clone(&line),
    };
    let mut state = State {
        list,
        line,
        refused: None,
        found: false,
    };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let read = Document(&mut state)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    if let Some(refused) = state.refused {
        return Err(refused);
    }
    read.map_err(|error| {
        let line = error.line() as u64;
        if error.is_io() {
            return InputError::Io {
                line,
                source: error.into(),
            };
        }
        let told = error.to_string();
        let told = told.split(" at line ").next().unwrap_or_default();
        let message = format!("{told} (column {})", error.column());
        Complaint::new(BadLineKind::Malformed, ".", message)
            .on_line(line)
            .into()
    })?;
    if state.found {
        return Ok(());
    }
    let message = "there is no judgmentRatings, so this is no judgement list of OpenSearch";
    Err(InputError::Whole(message.to_owned()))
}

/// Counts the lines that were read.
struct CountedLines<R> {
    input: R,
    line: Rc<Cell<u64>>,
}

impl<R: Read> Read for CountedLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.input.read(buffer)?;
        let ends = buffer[..bytes].iter().filter(|byte| **byte == b'\n');
        self.line.set(self.line.get() + ends.count() as u64);
        Ok(bytes)
    }
}

struct State<'a, 'b> {
    list: &'a mut ListBuilder<'b>,
    line: Rc<Cell<u64>>,
    /// Why reading ended, where it is not the JSON's fault.
    refused: Option<InputError>,
    found: bool,
}

impl State<'_, '_> {
    /// Counts a bad entry; `Err` ends the reading.
    fn complain<E: serde::de::Error>(&mut self, line: u64, complaint: Complaint) -> Result<(), E> {
        let added = self.list.bad_lines().add(complaint.on_line(line));
        added.map_err(|refused| {
            self.refused = Some(refused);
            E::custom("refused")
        })
    }
}

/// An object that has the lists, or has it in its `hits` or `_source`; or an array of such.
struct Document<'s, 'a, 'b>(&'s mut State<'a, 'b>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a judgement list of OpenSearch")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "judgmentRatings" => {
                    self.0.found = true;
                    map.next_value_seed(Queries(&mut *self.0))?;
                }
                "hits" | "_source" => map.next_value_seed(Document(&mut *self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence
            .next_element_seed(Document(&mut *self.0))?
            .is_some()
        {}
        Ok(())
    }
}

/// The array `judgmentRatings`.
struct Queries<'s, 'a, 'b>(&'s mut State<'a, 'b>);

impl<'de> DeserializeSeed<'de> for Queries<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Queries<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of queries with their ratings")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        let line = Rc::clone(&self.0.line);
        let mut place = 0;
        while let Some(query) = sequence.next_element_seed(OneQuery(&line))? {
            self.add_query(place, query)?;
            place += 1;
        }
        Ok(())
    }
}

impl Queries<'_, '_, '_> {
    fn add_query<E: serde::de::Error>(&mut self, place: usize, query: RatedQuery) -> Result<(), E> {
        let path = format!("judgmentRatings[{place}]");
        let query_name = format!("{path}.query");
        let Some(text) = query.query else {
            return self.0.complain(query.line, Complaint::missing(query_name));
        };
        let Some(ratings) = query.ratings else {
            let name = format!("{path}.ratings");
            return self.0.complain(query.line, Complaint::missing(name));
        };
        for (number, (line, rating)) in ratings.into_iter().enumerate() {
            let item_name = format!("{path}.ratings[{number}].docId");
            let grade_name = format!("{path}.ratings[{number}].rating");
            let item_id = rating.doc_id.map(Name::into_text).unwrap_or_default();
            let grade = rating.rating.map(Name::into_text).unwrap_or_default();
            let judgement = RawJudgement {
                query: &text,
                item_id: &item_id,
                grade: &grade,
            };
            let names = FieldNames {
                query: &query_name,
                item_id: &item_name,
                grade: &grade_name,
            };
            if let Err(complaint) = self.0.list.add(line, judgement, names) {
                self.0.complain(line, complaint)?;
            }
        }
        Ok(())
    }
}

/// A query and its ratings, each with the line on which it starts.
#[derive(Default)]
struct RatedQuery {
    line: u64,
    query: Option<String>,
    ratings: Option<Vec<(u64, Rating)>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rating {
    #[serde(default)]
    doc_id: Option<Name>,
    #[serde(default)]
    rating: Option<Name>,
}

struct OneQuery<'l>(&'l Cell<u64>);

impl<'de> DeserializeSeed<'de> for OneQuery<'_> {
    type Value = RatedQuery;

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<RatedQuery, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneQuery<'_> {
    type Value = RatedQuery;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with query and ratings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RatedQuery, A::Error> {
        let mut query = RatedQuery {
            line: self.0.get(),
            ..RatedQuery::default()
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "query" => query.query = map.next_value()?,
                "ratings" => query.ratings = Some(map.next_value_seed(Ratings(self.0))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(query)
    }
}

struct Ratings<'l>(&'l Cell<u64>);

impl<'de> DeserializeSeed<'de> for Ratings<'_> {
    type Value = Vec<(u64, Rating)>;

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Ratings<'_> {
    type Value = Vec<(u64, Rating)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of objects with docId and rating")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut ratings = Vec::new();
        while let Some(rating) = sequence.next_element_seed(OneRating(self.0))? {
            ratings.push(rating);
        }
        Ok(ratings)
    }
}

struct OneRating<'l>(&'l Cell<u64>);

impl<'de> DeserializeSeed<'de> for OneRating<'_> {
    type Value = (u64, Rating);

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        let line = self.0.get();
        Ok((line, Rating::deserialize(input)?))
    }
}
