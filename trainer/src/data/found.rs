//! How much data held, how much of it was left out and why: numbers by kind, for status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OwnData;

/// How much of what was found in a dataset or own data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataFound {
    /// Products of the catalogue.
    pub products: u64,
    /// Judgements that can be used.
    pub judgements: u64,
    /// Searches that can be used.
    pub searches: u64,
    /// Events that can be used.
    pub events: u64,
    /// Lines or rows that were passed over, by what is wrong with them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bad_lines: BTreeMap<String, u64>,
    /// What was left out though it could be read, by the kind of cause.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, u64>,
}

impl DataFound {
    /// What was found while own data was read.
    #[must_use]
    pub(crate) fn of(own: &OwnData) -> Self {
        let dirt = own.log.as_ref().map(|log| &log.clean.dirt);
        let judgements = own.judgements.as_ref();
        let mut found = Self {
            products: own.catalogue.len() as u64,
            judgements: judgements.map_or(0, |list| list.notes.judgements),
            searches: dirt.map_or(0, |dirt| dirt.searches),
            events: dirt.map_or(0, |dirt| dirt.events),
            ..Self::default()
        };
        let bad_lines = [
            Some(&own.catalogue_notes.bad_lines),
            judgements.map(|list| &list.notes.bad_lines),
            own.log.as_ref().map(|log| &log.bad_lines),
        ];
        for (kind, count) in bad_lines.into_iter().flatten().flat_map(|bad| bad.counts()) {
            *found.bad_lines.entry(format!("{kind:?}")).or_default() += count;
        }
        found.leave_out("RepeatedProduct", own.catalogue_notes.repeated);
        if let Some(list) = judgements {
            found.leave_out("RepeatedJudgement", list.notes.repeated);
        }
        for (kind, count) in dirt.into_iter().flat_map(|dirt| dirt.found()) {
            found.leave_out(&format!("{kind:?}"), count.left_out);
        }
        found
    }

    /// Counts what was left out for a cause.
    pub(crate) fn leave_out(&mut self, kind: &str, count: u64) {
        if count > 0 {
            *self.left_out.entry(kind.to_owned()).or_default() += count;
        }
    }

    /// All bad lines.
    #[must_use]
    pub fn bad_lines_total(&self) -> u64 {
        self.bad_lines.values().sum()
    }
}
