//! Training rows: what was shown, its features as of the serving snapshot of that day, and its label.
//!
//! It neither splits nor trains.

use crate::catalogue::ItemIndex;
use crate::events::Action;
use crate::features::behaviour::BehaviourTable;
use crate::features::definitions::FEATURE_COUNT;
use crate::features::journal::{Journal, JournalSearch};
use crate::features::kernel::FeatureContext;

/// One day, in milliseconds.
pub const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

/// How rows are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingOptions {
    /// How much older than the start of the day of a search its behaviour table is, in milliseconds.
    pub snapshot_lag: i64,
    /// How long after a search its clicks, carts and purchases make labels, in milliseconds.
    pub attribution_window: i64,
    /// Whether searches after which nothing happened make rows; they teach a ranker nothing.
    pub keep_searches_without_feedback: bool,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            snapshot_lag: DAY_MILLISECONDS,
            attribution_window: DAY_MILLISECONDS,
            keep_searches_without_feedback: false,
        }
    }
}

/// One search among the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingSearch {
    /// The search's id.
    pub query_id: String,
    /// What was typed.
    pub query: String,
    /// Sorted distinct terms of the query: equal for variants of one query.
    pub query_key: String,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// All its behaviour features are from before this moment.
    pub snapshot: i64,
    /// Number of its rows.
    pub rows: usize,
}

/// Rows of all searches, in time order of the searches and in shown order within one.
#[derive(Debug, Clone, Default)]
pub struct TrainingRows {
    /// The searches; their rows follow each other.
    pub searches: Vec<TrainingSearch>,
    /// Row-major, [`FEATURE_COUNT`] columns, NaN where missing.
    pub values: Vec<f64>,
    /// One for each row: 3 bought, 2 put in the cart, 1 clicked, 0 shown.
    pub labels: Vec<u32>,
    /// One for each row: the item.
    pub items: Vec<ItemIndex>,
    /// One for each row: the position at which it was shown, from 1.
    pub positions: Vec<u32>,
    /// Searches left out because nothing was shown.
    pub searches_without_items: u64,
    /// Searches left out because nothing happened after them.
    pub searches_without_feedback: u64,
}

impl TrainingRows {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The features of one row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * FEATURE_COUNT..(row + 1) * FEATURE_COUNT]
    }
}

/// The label of an item of a search's list.
fn label(search: &JournalSearch, item: ItemIndex, options: &TrainingOptions) -> u32 {
    let end = search.timestamp.saturating_add(options.attribution_window);
    let grades = search
        .outcomes
        .iter()
        .filter(|outcome| outcome.item == item && outcome.timestamp < end);
    let grade = grades.map(|outcome| match outcome.action {
        Action::Impression => 0,
        Action::Click => 1,
        Action::AddToCart => 2,
        Action::Purchase => 3,
    });
    grade.max().unwrap_or(0)
}

/// The moment of the table that serving would have had at `timestamp`.
fn snapshot_at(timestamp: i64, options: &TrainingOptions) -> i64 {
    timestamp.div_euclid(DAY_MILLISECONDS) * DAY_MILLISECONDS - options.snapshot_lag
}

/// Makes rows of a journal, replaying one behaviour table a day.
#[must_use]
pub fn training_rows(
    context: &FeatureContext,
    journal: &Journal,
    options: &TrainingOptions,
) -> TrainingRows {
    let mut rows = TrainingRows::default();
    let mut replay = journal.replay(context.catalogue());
    let mut table: Option<BehaviourTable> = None;
    for search in journal.searches() {
        if search.shown.is_empty() {
            rows.searches_without_items += 1;
            continue;
        }
        let items: Vec<ItemIndex> = search.shown.iter().map(|shown| shown.0).collect();
        let labels: Vec<u32> = items
            .iter()
            .map(|item| label(search, *item, options))
            .collect();
        if !options.keep_searches_without_feedback && labels.iter().all(|label| *label == 0) {
            rows.searches_without_feedback += 1;
            continue;
        }
        let snapshot = snapshot_at(search.timestamp, options);
        let table = match table.take() {
            Some(current) if current.snapshot() == snapshot => table.insert(current),
            _ => table.insert(replay.table_before(snapshot)),
        };
        let query = context.analyse(&search.query);
        rows.values.extend(context.compute(&query, &items, table));
        rows.searches.push(TrainingSearch {
            query_id: search.query_id.clone(),
            query: search.query.clone(),
            query_key: query.key,
            timestamp: search.timestamp,
            snapshot,
            rows: items.len(),
        });
        rows.labels.extend(labels);
        rows.items.extend(items);
        rows.positions
            .extend(search.shown.iter().map(|shown| shown.1));
    }
    rows
}
