//! Own data: fetched to the work folder, read by the ranking crate, and made into rows.

mod files;
mod rows;

use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::catalogue_files::CatalogueNotes;
use searchop_ranking::input::BadLines;
use searchop_ranking::judgements::JudgementList;
use searchop_ranking::ubi::CleanLog;

pub use files::LocalOwnFiles;
pub(crate) use rows::notes_of;
pub(super) use rows::{JoinedOwnData, join};

/// Own data as it was read.
#[derive(Debug)]
pub struct OwnData {
    /// The products.
    pub catalogue: Catalogue,
    /// What was left out of them.
    pub catalogue_notes: CatalogueNotes,
    /// What people judged.
    pub judgements: Option<JudgementList>,
    /// What people did.
    pub log: Option<OwnLog>,
}

/// A log as it was read.
#[derive(Debug)]
pub struct OwnLog {
    /// Searches and events, with all dirt treated.
    pub clean: CleanLog,
    /// Lines that were passed over.
    pub bad_lines: BadLines,
    /// Rows that were announced by a bulk action of OpenSearch.
    pub bulk_actions: u64,
}
