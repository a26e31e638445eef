//! What was judged, by query. Reading is in `readers`.

use std::collections::{BTreeMap, HashMap};

use crate::catalogue::MAXIMUM_ITEM_ID_BYTES;
use crate::events::MAXIMUM_QUERY_BYTES;
use crate::input::{BadLineKind, BadLines, Complaint, Unit};
use crate::json_lines::check_text;

use super::grades::GradeMap;

/// Most judgements of one list.
pub const MAXIMUM_JUDGEMENTS: usize = 20_000_000;
/// Different spellings of grades and names of ignored fields that are counted one by one.
const MAXIMUM_COUNTED_NAMES: usize = 100;

/// An item judged for a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedItem {
    /// The product's `item_id`.
    pub item_id: String,
    /// 0 to 30.
    pub label: u8,
}

/// A query and its judged items, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedQuery {
    /// Its text.
    pub query: String,
    /// At least one.
    pub items: Vec<JudgedItem>,
}

/// What was found in the file and left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JudgementNotes {
    /// Judgements kept.
    pub judgements: u64,
    /// Judgements that say again what an earlier one said: left out.
    pub repeated: u64,
    /// How often each grade occurred, as it was written, up to 100 spellings.
    pub grades: BTreeMap<String, u64>,
    /// Fields that are not read, with how many rows have them, up to 100 names.
    pub ignored_fields: BTreeMap<String, u64>,
    /// Lines that were passed over.
    pub bad_lines: BadLines,
}

/// All judgements, by query, queries in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JudgementList {
    queries: Vec<JudgedQuery>,
    label_gains: Vec<f64>,
    /// What was found and left out.
    pub notes: JudgementNotes,
}

impl JudgementList {
    /// The judged queries.
    #[must_use]
    pub fn queries(&self) -> &[JudgedQuery] {
        &self.queries
    }

    /// What each label from 0 on is worth in NDCG.
    #[must_use]
    pub fn label_gains(&self) -> &[f64] {
        &self.label_gains
    }
}

/// A judgement as it stands in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawJudgement<'a> {
    pub(super) query: &'a str,
    pub(super) item_id: &'a str,
    pub(super) grade: &'a str,
}

/// What the fields are called where they come from, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldNames<'a> {
    pub(super) query: &'a str,
    pub(super) item_id: &'a str,
    pub(super) grade: &'a str,
}

/// `query`, `item_id` and `grade`.
pub(super) const OWN_NAMES: FieldNames<'static> = FieldNames {
    query: "query",
    item_id: "item_id",
    grade: "grade",
};

/// Collects judgements.
pub(super) struct ListBuilder<'a> {
    grades: &'a GradeMap,
    unit: Unit,
    list: JudgementList,
    query_places: HashMap<String, u32>,
    item_numbers: HashMap<String, u32>,
    /// By places of query and item: the label and the line that gave it.
    labels: HashMap<(u32, u32), (u8, u64)>,
}

impl<'a> ListBuilder<'a> {
    pub(super) fn new(grades: &'a GradeMap, unit: Unit, allowed_bad_lines: u64) -> Self {
        let mut list = JudgementList {
            label_gains: grades.label_gains(),
            ..JudgementList::default()
        };
        list.notes.bad_lines = BadLines::tolerating(allowed_bad_lines);
        Self {
            grades,
            unit,
            list,
            query_places: HashMap::new(),
            item_numbers: HashMap::new(),
            labels: HashMap::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        line: u64,
        raw: RawJudgement<'_>,
        names: FieldNames<'_>,
    ) -> Result<(), Complaint> {
        let query = raw.query.trim();
        let item_id = raw.item_id.trim();
        for (name, text) in [
            (names.query, query),
            (names.item_id, item_id),
            (names.grade, raw.grade.trim()),
        ] {
            if text.is_empty() {
                return Err(Complaint::missing(name));
            }
        }
        check_text(names.query, query, 1, MAXIMUM_QUERY_BYTES)?;
        check_text(names.item_id, item_id, 1, MAXIMUM_ITEM_ID_BYTES)?;
        let grade = self.grades.find(raw.grade).ok_or_else(|| {
            let known = self.grades.known();
            let excerpt: String = raw.grade.chars().take(40).collect();
            let message = format!(
                "{excerpt:?} has no label: known are {known}; the grade map says what others mean"
            );
            Complaint::invalid(names.grade, message)
        })?;
        if self.labels.len() >= MAXIMUM_JUDGEMENTS {
            let message = format!("more than {MAXIMUM_JUDGEMENTS} judgements");
            return Err(Complaint::invalid(".", message));
        }
        let query_place = self.query_place(query);
        let item = next_number(&mut self.item_numbers, item_id);
        if let Some((label, first)) = self.labels.get(&(query_place, item)) {
            if *label == grade.label {
                self.list.notes.repeated += 1;
                return Ok(());
            }
            let message = format!(
                "label {} for this query and item, but {} {first} says {label}",
                grade.label,
                self.unit.record()
            );
            return Err(Complaint::new(
                BadLineKind::Contradiction,
                names.grade,
                message,
            ));
        }
        self.labels.insert((query_place, item), (grade.label, line));
        self.list.queries[query_place as usize]
            .items
            .push(JudgedItem {
                item_id: item_id.to_owned(),
                label: grade.label,
            });
        self.list.notes.judgements += 1;
        count(&mut self.list.notes.grades, raw.grade.trim(), 1);
        Ok(())
    }

    pub(super) fn bad_lines(&mut self) -> &mut BadLines {
        &mut self.list.notes.bad_lines
    }

    pub(super) fn ignore_field(&mut self, name: &str, rows: u64) {
        count(&mut self.list.notes.ignored_fields, name, rows);
    }

    pub(super) fn finish(self) -> JudgementList {
        self.list
    }

    fn query_place(&mut self, query: &str) -> u32 {
        let place = next_number(&mut self.query_places, query);
        if place as usize == self.list.queries.len() {
            self.list.queries.push(JudgedQuery {
                query: query.to_owned(),
                items: Vec::new(),
            });
        }
        place
    }
}

/// The number of a name; a new name gets the next one.
fn next_number(numbers: &mut HashMap<String, u32>, name: &str) -> u32 {
    if let Some(number) = numbers.get(name) {
        return *number;
    }
    // MAXIMUM_JUDGEMENTS ends the reading long before numbers run out.
    let number = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    numbers.insert(name.to_owned(), number);
    number
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str, times: u64) {
    if let Some(count) = counts.get_mut(name) {
        *count += times;
    } else if counts.len() < MAXIMUM_COUNTED_NAMES {
        counts.insert(name.chars().take(40).collect(), times);
    }
}
