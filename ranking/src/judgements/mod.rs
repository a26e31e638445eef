//! Judgements as people have them: tables and JSON Lines with `query`, `item_id` and `grade`, TREC's
//! qrels, and OpenSearch's judgement lists.
//!
//! Which grade means which label and gain is stated by a [`GradeMap`]. No catalogue is known here.

mod grades;
mod list;
mod opensearch;
mod readers;

pub use grades::{Grade, GradeMap, GradeMapError};
pub use list::{JudgedItem, JudgedQuery, JudgementList, JudgementNotes, MAXIMUM_JUDGEMENTS};
pub use readers::{
    JudgementFormat, JudgementOptions, Topics, read_judgement_records, read_judgements, read_topics,
};

#[cfg(test)]
mod tests;
