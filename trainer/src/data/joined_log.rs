//! A log joined with its catalogue, from which rows are made: all at once to train on, or search by
//! search where they only pass through. Own data and datasets are the same from here on.

use std::sync::Arc;

use searchop_ranking::baselines::Baseline;
use searchop_ranking::bundle::FeatureSchema;
use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::features::{
    FeatureContext, Journal, JournalNotes, SearchesLeftOut, TrainingSearches, training_rows,
};

use super::matrix::{data, shown_lists};
use super::randomised::Propensities;
use super::search_slices::SearchSlices;
use super::serving_files::ServingFiles;
use super::{Data, DataFound, Features, QueryWriter, Written};
use crate::failure::Failure;
use crate::request::LogRows;

/// A log and its catalogue.
pub(super) struct JoinedLog {
    context: FeatureContext,
    journal: Journal,
    slices: SearchSlices,
    propensities: Propensities,
    /// What was left out before the join, for people and in numbers.
    notes: Vec<String>,
    found: DataFound,
}

impl JoinedLog {
    /// What was read and joined, and what was left out of it so far.
    pub(super) fn new(
        catalogue: Catalogue,
        journal: Journal,
        (slices, propensities): (SearchSlices, Propensities),
        notes: Vec<String>,
        found: DataFound,
    ) -> Self {
        Self {
            context: FeatureContext::new(Arc::new(catalogue)),
            journal,
            slices,
            propensities,
            notes,
            found,
        }
    }

    /// Makes all rows, and the files that serving needs.
    pub(super) fn into_data(self, files: ServingFiles, log: LogRows) -> Result<Data, Failure> {
        let Self {
            context,
            journal,
            slices,
            propensities,
            mut notes,
            mut found,
        } = self;
        let catalogue = context.catalogue();
        let options = log.training_options();
        let made = training_rows(&context, &journal, &options);
        require_rows(made.is_empty(), &journal, made.left_out)?;
        leave_out(&journal, made.left_out, &mut notes, &mut found);
        // Serving is at the end of the data: everything up to there is known then.
        let snapshot = options.snapshots.holding(journal.end());
        let table = journal.behaviour_before(catalogue, options.snapshots, snapshot);
        files.write(catalogue, &table)?;
        let lists = shown_lists(&made, &journal, &slices, catalogue);
        let randomised = propensities.lists(&context, &journal, &options)?;
        let data = data(
            made,
            catalogue,
            Some(lists),
            Features::QueryItem {
                catalogue: files.catalogue,
                behaviour: files.behaviour,
                log: Some(log),
                schema: Box::new(FeatureSchema::of_context(&context)),
            },
            &[Baseline::Popularity, Baseline::Retrieval, Baseline::Bm25],
            (notes, found),
        )?;
        Ok(Data { randomised, ..data })
    }

    /// Makes the rows of one search after the other; no two searches' rows are in memory together.
    pub(super) fn write_queries<W: QueryWriter>(
        self,
        log: LogRows,
        open: impl FnOnce(&FeatureSchema) -> Result<W, Failure>,
    ) -> Result<Written<W>, Failure> {
        let Self {
            context,
            journal,
            slices,
            propensities,
            mut notes,
            mut found,
        } = self;
        // Of millions of searches they are large, and no row has them.
        drop((slices, propensities));
        let schema = FeatureSchema::of_context(&context);
        let searches = TrainingSearches::of(&journal, &log.training_options());
        require_rows(searches.is_empty(), &journal, searches.left_out)?;
        let mut writer = open(&schema)?;
        let total = searches.row_count() as u64;
        let mut labels = Vec::new();
        searches.each(&context, |made| {
            labels.clear();
            for label in made.labels {
                labels.push(super::matrix::label(*label)?);
            }
            writer.write(&labels, made.values, total)
        })?;
        let left_out = searches.left_out;
        leave_out(&journal, left_out, &mut notes, &mut found);
        Ok(Written {
            writer,
            schema,
            notes,
        })
    }
}

fn require_rows(
    is_empty: bool,
    journal: &Journal,
    left_out: SearchesLeftOut,
) -> Result<(), Failure> {
    if !is_empty {
        return Ok(());
    }
    Err(Failure::data(format!(
        "the data makes no rows: of {} searches {} show nothing of the catalogue and after {} nothing \
         was clicked, put in a cart or bought",
        journal.notes.searches, left_out.without_items, left_out.without_feedback
    )))
}

fn leave_out(
    journal: &Journal,
    searches: SearchesLeftOut,
    notes: &mut Vec<String>,
    found: &mut DataFound,
) {
    for (kind, count, what) in causes(&journal.notes, searches) {
        if count > 0 {
            found.leave_out(kind, count);
            notes.push(format!("{count} {what}"));
        }
    }
}

/// The causes to leave something out: the name in status, how much, and what it is.
fn causes(
    journal: &JournalNotes,
    searches: SearchesLeftOut,
) -> [(&'static str, u64, &'static str); 9] {
    [
        (
            "RepeatedSearch",
            journal.repeated_searches,
            "searches left out: their id was there before",
        ),
        (
            "SearchWithoutItems",
            searches.without_items,
            "searches left out: they show nothing of the catalogue",
        ),
        (
            "SearchWithoutFeedback",
            searches.without_feedback,
            "searches left out: nothing was done after them",
        ),
        (
            "SearchBeyondMaximum",
            searches.beyond_maximum,
            "searches left out: they are more than --max-searches",
        ),
        (
            "UnknownOrRepeatedItem",
            journal.unknown_or_repeated_shown_items,
            "shown items left out: not in the catalogue, or twice in one list",
        ),
        (
            "EventOfUnrecordedSearch",
            journal.events_without_search,
            "events left out: their search is not there",
        ),
        (
            "EventWithoutImpression",
            journal.events_without_impression,
            "events left out: their search did not show the item",
        ),
        (
            "EventBeforeSearch",
            journal.events_before_search,
            "events left out: they are from before their search",
        ),
        (
            "RepeatedAction",
            journal.repeated_events,
            "events left out: repeats of the same action",
        ),
    ]
}
