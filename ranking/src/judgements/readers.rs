//! The formats of judgements that are read line by line.

use std::collections::HashMap;
use std::io::BufRead;
use std::str::FromStr;

use serde::Deserialize;

use crate::events::MAXIMUM_QUERY_BYTES;
use crate::input::{
    BadLineKind, Complaint, Delimiter, InputError, JsonRecords, Lines, Table, Unit, parse_json,
    without_compression,
};

use super::grades::GradeMap;
use super::list::{FieldNames, JudgementList, ListBuilder, OWN_NAMES, RawJudgement};
use super::opensearch;

/// How judgements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgementFormat {
    /// A table with a header that names `query`, `item_id` and `grade`, in any order.
    Csv,
    /// The same with tabs.
    Tsv,
    /// A JSON object a line, with the fields `query`, `item_id` and `grade`.
    JsonLines,
    /// TREC's qrels: `TOPIC ITERATION ITEM GRADE`, separated by blanks.
    TrecQrels,
    /// One JSON document of OpenSearch's Search Relevance Workbench, with `judgmentRatings`.
    OpenSearch,
}

impl JudgementFormat {
    /// All formats.
    pub const EVERY: [Self; 5] = [
        Self::Csv,
        Self::Tsv,
        Self::JsonLines,
        Self::TrecQrels,
        Self::OpenSearch,
    ];

    /// The format that a file's name speaks of; a compression's ending is passed over.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = without_compression(&name);
        let last = name.rsplit('/').next().unwrap_or_default();
        match last.rsplit_once('.').map_or(last, |(_, ending)| ending) {
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "qrels" | "qrel" => Some(Self::TrecQrels),
            "json" => Some(Self::OpenSearch),
            _ if last.starts_with("qrels") => Some(Self::TrecQrels),
            _ => None,
        }
    }
}

impl FromStr for JudgementFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::EVERY
            .into_iter()
            .find(|format| format!("{format:?}") == text)
            .ok_or_else(|| {
                format!(
                    "{text:?} is not a format of judgements; known are Csv, Tsv, JsonLines, TrecQrels, OpenSearch"
                )
            })
    }
}

/// The text of each TREC topic by its number or name.
pub type Topics = HashMap<String, String>;

/// How to read judgements.
#[derive(Debug, Clone)]
pub struct JudgementOptions<'a> {
    /// How they are written.
    pub format: JudgementFormat,
    /// What grades mean.
    pub grades: &'a GradeMap,
    /// For qrels: the topics' texts. Without them a topic's number is its text.
    pub topics: Option<&'a Topics>,
    /// Bad lines that are passed over.
    pub allowed_bad_lines: u64,
}

/// Reads judgements.
///
/// # Errors
/// More bad lines than allowed, each with its line and field; a header without a needed column;
/// a JSON document that is no judgement list; bytes that cannot be read.
pub fn read_judgements(
    input: impl BufRead,
    options: &JudgementOptions<'_>,
) -> Result<JudgementList, InputError> {
    let mut list = ListBuilder::new(options.grades, Unit::Line, options.allowed_bad_lines);
    match options.format {
        JudgementFormat::Csv => read_table(input, Delimiter::Comma, &mut list)?,
        JudgementFormat::Tsv => read_table(input, Delimiter::Tab, &mut list)?,
        JudgementFormat::JsonLines => read_records(Lines::new(input), &mut list)?,
        JudgementFormat::TrecQrels => read_qrels(input, options.topics, &mut list)?,
        JudgementFormat::OpenSearch => opensearch::read(input, &mut list)?,
    }
    Ok(list.finish())
}

/// Reads judgements of objects with the fields of JSON Lines.
///
/// # Errors
/// More bad ones than allowed, each with its number and field, or what cannot be read further.
pub fn read_judgement_records<R: JsonRecords>(
    records: R,
    grades: &GradeMap,
    allowed_bad_records: u64,
) -> Result<JudgementList, InputError> {
    let mut list = ListBuilder::new(grades, R::UNIT, allowed_bad_records);
    read_records(records, &mut list)?;
    Ok(list.finish())
}

fn read_table(
    input: impl BufRead,
    delimiter: Delimiter,
    list: &mut ListBuilder<'_>,
) -> Result<(), InputError> {
    let mut table = Table::new(input, delimiter)?;
    let query = table.required_column("query")?;
    let item_id = table.required_column("item_id")?;
    let grade = table.required_column("grade")?;
    let mut rows = 0;
    while let Some(row) = table.next_row()? {
        rows += 1;
        let used = row.and_then(|row| {
            let judgement = RawJudgement {
                query: &row.values[query],
                item_id: &row.values[item_id],
                grade: &row.values[grade],
            };
            list.add(row.line, judgement, OWN_NAMES)
                .map_err(|complaint| complaint.on_line(row.line))
        });
        if let Err(bad) = used {
            list.bad_lines().add(bad)?;
        }
    }
    for (place, name) in table.columns().iter().enumerate() {
        if ![query, item_id, grade].contains(&place) {
            list.ignore_field(name, rows);
        }
    }
    Ok(())
}

/// A judgement as a JSON object.
#[derive(Deserialize)]
struct JsonJudgement {
    query: String,
    item_id: Name,
    grade: Name,
    #[serde(flatten)]
    ignored: HashMap<String, serde::de::IgnoredAny>,
}

/// A text, or a number that stands for its digits.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a number")]
pub(super) enum Name {
    Text(String),
    Number(serde_json::Number),
}

impl Name {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

fn read_records<R: JsonRecords>(
    mut records: R,
    list: &mut ListBuilder<'_>,
) -> Result<(), InputError> {
    while let Some((line, text)) = records.next_record()? {
        let used = match text {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => parse_json::<JsonJudgement>(text)
                .and_then(|row| {
                    let (item_id, grade) = (row.item_id.into_text(), row.grade.into_text());
                    let judgement = RawJudgement {
                        query: &row.query,
                        item_id: &item_id,
                        grade: &grade,
                    };
                    list.add(line, judgement, OWN_NAMES)?;
                    for name in row.ignored.keys() {
                        list.ignore_field(name, 1);
                    }
                    Ok(())
                })
                .map_err(|complaint| complaint.at(R::UNIT, line)),
            Err(bad) => Err(bad),
        };
        if let Err(bad) = used {
            list.bad_lines().add(bad)?;
        }
    }
    Ok(())
}

fn read_qrels(
    input: impl BufRead,
    topics: Option<&Topics>,
    list: &mut ListBuilder<'_>,
) -> Result<(), InputError> {
    const NAMES: FieldNames<'static> = FieldNames {
        query: "topic",
        item_id: "item",
        grade: "grade",
    };
    let mut lines = Lines::new(input);
    while let Some((line, text)) = lines.next_line()? {
        let used = match text {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => add_qrel(line, text, topics, list, NAMES)
                .map_err(|complaint| complaint.on_line(line)),
            Err(bad) => Err(bad),
        };
        if let Err(bad) = used {
            list.bad_lines().add(bad)?;
        }
    }
    Ok(())
}

fn add_qrel(
    line: u64,
    text: &str,
    topics: Option<&Topics>,
    list: &mut ListBuilder<'_>,
    names: FieldNames<'_>,
) -> Result<(), Complaint> {
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let [topic, _iteration, item_id, grade] = fields[..] else {
        let message = format!(
            "{} fields, but a qrel has 4: topic, iteration, item, grade",
            fields.len()
        );
        return Err(Complaint::new(BadLineKind::Malformed, ".", message));
    };
    let query = match topics {
        None => topic,
        Some(topics) => topics.get(topic).ok_or_else(|| {
            let topic: String = topic.chars().take(40).collect();
            Complaint::invalid(names.query, format!("{topic:?} is not among the topics"))
        })?,
    };
    let judgement = RawJudgement {
        query,
        item_id,
        grade,
    };
    list.add(line, judgement, names)
}

/// Reads the texts of topics: a line is the topic's number or name, a tab, and its text.
///
/// # Errors
/// The first line that has no tab, no topic or no text, or repeats a topic.
pub fn read_topics(input: impl BufRead) -> Result<Topics, InputError> {
    let mut topics = Topics::new();
    let mut lines = Lines::new(input);
    while let Some((line, text)) = lines.next_line()? {
        let text = text?;
        if text.trim().is_empty() {
            continue;
        }
        let refuse = |complaint: Complaint| InputError::Line(complaint.on_line(line));
        let (topic, query) = text.split_once('\t').ok_or_else(|| {
            let message = "is not a topic, a tab and the topic's text";
            refuse(Complaint::new(BadLineKind::Malformed, ".", message))
        })?;
        let (topic, query) = (topic.trim(), query.trim());
        for (name, value) in [("topic", topic), ("text", query)] {
            if value.is_empty() {
                return Err(refuse(Complaint::missing(name)));
            }
            crate::json_lines::check_text(name, value, 1, MAXIMUM_QUERY_BYTES)
                .map_err(|error| refuse(error.into()))?;
        }
        if topics.insert(topic.to_owned(), query.to_owned()).is_some() {
            let message = format!("topic {topic:?} is there twice");
            return Err(refuse(Complaint::new(
                BadLineKind::Contradiction,
                "topic",
                message,
            )));
        }
    }
    Ok(topics)
}
