//! Dataset artifacts: catalogue, searches and events as Parquet, from which the ranking crate computes
//! features as of what was known at each search. Only reading and joining is here.

use std::path::Path;

use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::catalogue_files::read_catalogue_records;
use searchop_ranking::events::{Event, Search};
use searchop_ranking::features::{Journal, JournalBuilder};
use searchop_ranking::input::read_records;
use searchop_ranking::judgements::{GradeMap, read_judgement_records};
use searchop_ranking::ubi::{UbiLog, UbiOptions};

use super::joined_log::JoinedLog;
use super::open::unusable;
use super::parquet_rows::ParquetRows;
use super::randomised::Propensities;
use super::search_slices::SearchSlices;
use super::{DataFound, OwnData, OwnLog};
use crate::failure::Failure;

/// The version of the dataset format that is written and read.
pub const DATASET_FORMAT_VERSION: u32 = 1;

/// The files of a dataset.
pub const CATALOGUE_FILE: &str = "catalogue.parquet";
/// Searches with the items shown.
pub const QUERIES_FILE: &str = "queries.parquet";
/// Clicks, carts and purchases.
pub const EVENTS_FILE: &str = "events.parquet";
/// The relevance behind them.
pub const JUDGEMENTS_FILE: &str = "judgements.parquet";

/// Reads a fetched dataset. Searches and events are joined as they are read: there may be more than
/// fit into memory as text.
pub(super) fn join(folder: &Path) -> Result<JoinedLog, Failure> {
    let rows = open(folder, CATALOGUE_FILE)?;
    let (catalogue, catalogue_notes) =
        read_catalogue_records(rows, 0).map_err(|error| unusable(CATALOGUE_FILE, error))?;
    if catalogue_notes.repeated > 0 {
        return Err(Failure::data(format!(
            "{CATALOGUE_FILE}: {} products have the id of another",
            catalogue_notes.repeated
        )));
    }
    if catalogue.is_empty() {
        return Err(Failure::data(format!(
            "{CATALOGUE_FILE}: there are no products"
        )));
    }
    let (journal, beside, events) = read_journal(folder, &catalogue)?;
    let found = DataFound {
        products: catalogue.len() as u64,
        searches: journal.notes.searches,
        events,
        ..DataFound::default()
    };
    Ok(JoinedLog::new(
        catalogue,
        journal,
        beside,
        Vec::new(),
        found,
    ))
}

/// Reads a fetched dataset as own data, which has the same columns, to look at it.
pub(super) fn as_own_data(folder: &Path) -> Result<OwnData, Failure> {
    let rows = open(folder, CATALOGUE_FILE)?;
    let (catalogue, catalogue_notes) =
        read_catalogue_records(rows, 0).map_err(|error| unusable(CATALOGUE_FILE, error))?;
    let mut log = UbiLog::new(UbiOptions::default());
    for name in [QUERIES_FILE, EVENTS_FILE] {
        log.read_records(open(folder, name)?)
            .map_err(|error| unusable(name, error))?;
    }
    let judgements = if folder.join(JUDGEMENTS_FILE).is_file() {
        let rows = open(folder, JUDGEMENTS_FILE)?;
        let read = read_judgement_records(rows, &GradeMap::whole_numbers(), 0);
        Some(read.map_err(|error| unusable(JUDGEMENTS_FILE, error))?)
    } else {
        None
    };
    Ok(OwnData {
        catalogue,
        catalogue_notes,
        judgements,
        log: Some(OwnLog {
            bad_lines: log.bad_lines().clone(),
            bulk_actions: log.bulk_actions(),
            clean: log.finish(),
        }),
    })
}

/// With what is known of searches beside, and the number of events.
fn read_journal(
    folder: &Path,
    catalogue: &Catalogue,
) -> Result<(Journal, (SearchSlices, Propensities), u64), Failure> {
    let mut builder = JournalBuilder::new(catalogue);
    let mut slices = SearchSlices::default();
    let mut propensities = Propensities::default();
    let mut events = 0;
    read_records::<Search, _>(open(folder, QUERIES_FILE)?, |search| {
        slices.add(&search);
        let is_new = builder.add_search(&search);
        propensities.add_search(&search, is_new);
    })
    .map_err(|error| unusable(QUERIES_FILE, error))?;
    if builder.searches() == 0 {
        return Err(Failure::data(format!(
            "{QUERIES_FILE}: there are no searches"
        )));
    }
    read_records::<Event, _>(open(folder, EVENTS_FILE)?, |event| {
        builder.add_event(&event);
        events += 1;
    })
    .map_err(|error| unusable(EVENTS_FILE, error))?;
    Ok((builder.finish(), (slices, propensities), events))
}

fn open(folder: &Path, name: &str) -> Result<ParquetRows, Failure> {
    let path = folder.join(name);
    if !path.is_file() {
        return Err(Failure::data(format!(
            "the dataset has no {name}; one of an earlier release has to be made anew"
        )));
    }
    ParquetRows::open(name, &path)
}
