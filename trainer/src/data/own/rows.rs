//! From own data to labelled rows: of judgements where there are any, else of the log.

use std::sync::Arc;

use searchop_ranking::baselines::Baseline;
use searchop_ranking::bundle::FeatureSchema;
use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::features::{
    BehaviourTable, FeatureContext, Journal, SnapshotSchedule, judged_rows,
};
use searchop_ranking::input::BadLines;
use searchop_ranking::judgements::JudgementList;

use super::OwnData;
use crate::data::joined_log::JoinedLog;
use crate::data::matrix::data;
use crate::data::randomised::Propensities;
use crate::data::search_slices::SearchSlices;
use crate::data::serving_files::ServingFiles;
use crate::data::{Data, DataFound, Features};
use crate::failure::Failure;

/// What rows are made of.
pub(in crate::data) enum JoinedOwnData {
    /// Judgements.
    Judged(Box<JudgedData>),
    /// A log.
    Logged(Box<JoinedLog>),
}

/// Judgements, and the log beside them if there is one.
pub(in crate::data) struct JudgedData {
    catalogue: Catalogue,
    judgements: JudgementList,
    journal: Option<Journal>,
    notes: Vec<String>,
    found: DataFound,
}

/// Joins the log with its catalogue.
pub(in crate::data) fn join(own: OwnData) -> Result<JoinedOwnData, Failure> {
    let notes = notes_of(&own);
    let found = DataFound::of(&own);
    let OwnData {
        catalogue,
        judgements,
        log,
        ..
    } = own;
    let mut slices = SearchSlices::default();
    let mut propensities = Propensities::default();
    let journal = log.map(|log| {
        // Beside judgements a log is only counted.
        if judgements.is_none() {
            for (query_id, names) in log.clean.slices() {
                slices.add_names(query_id, names);
            }
            for (query_id, known) in log.clean.propensities() {
                propensities.add(query_id, known);
            }
        }
        Journal::of_log(&catalogue, log.clean)
    });
    match (judgements, journal) {
        (Some(judgements), journal) => Ok(JoinedOwnData::Judged(Box::new(JudgedData {
            catalogue,
            judgements,
            journal,
            notes,
            found,
        }))),
        (None, Some(journal)) => Ok(JoinedOwnData::Logged(Box::new(JoinedLog::new(
            catalogue,
            journal,
            (slices, propensities),
            notes,
            found,
        )))),
        (None, None) => Err(Failure::internal("there are neither judgements nor a log")),
    }
}

impl JudgedData {
    /// Makes rows, and the files that serving needs.
    pub(in crate::data) fn into_data(
        self,
        files: ServingFiles,
        snapshots: SnapshotSchedule,
    ) -> Result<Data, Failure> {
        let Self {
            catalogue,
            judgements,
            journal,
            mut notes,
            mut found,
        } = self;
        let context = FeatureContext::new(Arc::new(catalogue));
        let catalogue = context.catalogue();
        // Serving is at the end of the data: everything up to there is known then.
        let table = journal.map_or_else(BehaviourTable::empty, |journal| {
            let snapshot = snapshots.holding(journal.end());
            journal.behaviour_before(catalogue, snapshots, snapshot)
        });
        files.write(catalogue, &table)?;
        let made = judged_rows(&context, &judgements, &table);
        found.leave_out("JudgementOfUnknownItem", made.unknown_items);
        found.leave_out("JudgedQueryWithoutItems", made.queries_without_items);
        notes.extend(left_out(
            made.unknown_items,
            "judgements left out: the catalogue lacks their item",
        ));
        notes.extend(left_out(
            made.queries_without_items,
            "judged queries left out: the catalogue has none of their items",
        ));
        if made.rows.is_empty() {
            return Err(Failure::data(
                "the data makes no rows: no judgement is of an item of the catalogue",
            ));
        }
        let features = Features::QueryItem {
            catalogue: files.catalogue,
            behaviour: files.behaviour,
            log: None,
            schema: Box::new(FeatureSchema::of_context(&context)),
        };
        let baselines = [Baseline::Popularity, Baseline::Bm25];
        let data = data(
            made.rows,
            catalogue,
            None,
            features,
            &baselines,
            (notes, found),
        )?;
        Ok(Data {
            timestamps: None,
            label_gains: stated_gains(&judgements),
            ..data
        })
    }
}

/// The gains of the labels up to the highest, unless they are 2^label - 1.
fn stated_gains(judgements: &JudgementList) -> Option<Vec<f64>> {
    let gains = judgements.label_gains();
    // Labels that no document has do not count: theirs are only filled in.
    let is_usual = judgements
        .queries()
        .iter()
        .flat_map(|query| &query.items)
        .all(|item| {
            gains
                .get(usize::from(item.label))
                .is_some_and(|gain| *gain == f64::from((1_u32 << item.label) - 1))
        });
    (!is_usual).then(|| gains.to_vec())
}

/// What was found in own data and what was done with it, one sentence for each kind; what cost
/// most rows comes first.
pub(crate) fn notes_of(own: &OwnData) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(bad_lines("the catalogue", &own.catalogue_notes.bad_lines));
    notes.extend(left_out(
        own.catalogue_notes.repeated,
        "products left out: repeats of an earlier one",
    ));
    if let Some(list) = &own.judgements {
        notes.extend(bad_lines("the judgements", &list.notes.bad_lines));
        notes.extend(left_out(
            list.notes.repeated,
            "judgements left out: repeats of an earlier one",
        ));
        for (field, rows) in &list.notes.ignored_fields {
            notes.push(format!("field {field:?} of {rows} judgements is not read"));
        }
    }
    if let Some(log) = &own.log {
        notes.extend(bad_lines("the log", &log.bad_lines));
        let mut found: Vec<_> = log.clean.dirt.found().collect();
        found.sort_by_key(|(_, count)| std::cmp::Reverse(count.left_out));
        for (kind, count) in found {
            notes.push(format!(
                "{} {kind:?}: {}",
                count.searches + count.events,
                kind.treatment()
            ));
        }
    }
    notes
}

fn bad_lines(of: &str, bad: &BadLines) -> Option<String> {
    let first = bad.examples().first()?;
    Some(format!(
        "{} bad lines of {of} passed over ({bad}); the first is {first}",
        bad.total()
    ))
}

fn left_out(count: u64, what: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {what}"))
}
