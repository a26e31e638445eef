//! Features of a query and an item: one implementation for training and for serving.
//!
//! What is seen of the past comes from a [`BehaviourTable`] frozen at a snapshot. Training replays
//! the snapshots that serving would have had, so no feature knows its own future.
//! No model, no metric and no split is here.

mod behaviour;
mod definitions;
mod item;
mod journal;
mod judged;
mod kernel;
mod list;
mod numbers;
mod rates;
mod schedule;
mod text_match;
mod training;

pub use behaviour::{
    BehaviourError, BehaviourTable, Counts, MAXIMUM_PAIRS, MINIMUM_PAIR_IMPRESSIONS,
};
pub use definitions::{FEATURE_COUNT, FeatureDefinition, column, definitions};
pub use journal::{Journal, JournalNotes, JournalSearch, Outcome};
pub use judged::{JudgedRows, judged_rows};
pub use kernel::{AnalysedQuery, FeatureContext};
pub use schedule::{DAY_MILLISECONDS, SnapshotSchedule};
pub use training::{TrainingOptions, TrainingRows, TrainingSearch, training_rows};
