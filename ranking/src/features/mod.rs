//! Features of a query and an item: one implementation for training and for serving.
//!
//! What is seen of the past comes from a [`BehaviourTable`] frozen at a snapshot. Training replays
//! the snapshots that serving would have had, so no feature knows its own future.
//! No model, no metric and no split is here.

mod behaviour;
mod definitions;
mod item;
mod journal;
mod journal_builder;
mod judged;
mod kernel;
mod list;
mod numbers;
mod rates;
mod recent;
mod replay;
mod schedule;
mod tally;
mod text_match;
mod training;

pub use behaviour::{BehaviourError, BehaviourTable, MAXIMUM_PAIRS, MINIMUM_PAIR_IMPRESSIONS};
pub use definitions::{
    ATTRIBUTE_DESCRIPTION, ATTRIBUTE_PREFIX, FEATURE_COUNT, FeatureDefinition, FeatureType,
    MonotoneConstraint, column, definitions,
};
pub use item::MAXIMUM_ATTRIBUTE_COLUMNS;
pub use journal::{Journal, JournalNotes, JournalSearch, Outcome};
pub use journal_builder::JournalBuilder;
pub use judged::{JudgedRows, judged_rows};
pub use kernel::{AnalysedQuery, FeatureContext};
pub use recent::{MAXIMUM_RECENT_EVENTS, MAXIMUM_RECENT_SECONDS, RecentEvent};
pub use schedule::{DAY_MILLISECONDS, SnapshotSchedule};
pub use tally::{Counts, DecayedCounts, HALF_LIFE_DAYS, Tally};
pub use training::{
    SearchRows, SearchesLeftOut, TrainingOptions, TrainingRows, TrainingSearch, TrainingSearches,
    rows_of_searches, training_rows,
};
