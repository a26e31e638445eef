//! Training rows: what was shown, its features as of the serving snapshot of that day, and its label.
//!
//! It neither splits nor trains.

use std::convert::Infallible;

use sha2::{Digest as _, Sha256};

use crate::catalogue::ItemIndex;
use crate::events::Action;
use crate::features::behaviour::BehaviourTable;
use crate::features::journal::{Journal, JournalSearch};
use crate::features::kernel::FeatureContext;
use crate::features::replay::{RecentReplay, Replay};
use crate::features::schedule::{DAY_MILLISECONDS, SnapshotSchedule};

/// How rows are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingOptions {
    /// Which behaviour table a search has.
    pub snapshots: SnapshotSchedule,
    /// How long after a search its clicks, carts and purchases make labels, in milliseconds.
    pub attribution_window: i64,
    /// Whether searches after which nothing happened make rows; they teach a ranker nothing.
    pub keep_searches_without_feedback: bool,
    /// Most searches that make rows. Of more, those are kept whose ids have the smallest SHA-256: a
    /// sample that depends on nothing else. All are counted in behaviour tables.
    pub maximum_searches: Option<usize>,
    /// How many recent events of who searches the caller sends, the newest; 0 if it sends none.
    pub recent_events: usize,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            snapshots: SnapshotSchedule::default(),
            attribution_window: DAY_MILLISECONDS,
            keep_searches_without_feedback: false,
            maximum_searches: None,
            recent_events: 0,
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

/// How many searches make no rows, by the cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchesLeftOut {
    /// Nothing was shown.
    pub without_items: u64,
    /// Nothing happened after them.
    pub without_feedback: u64,
    /// There are more than the options allow.
    pub beyond_maximum: u64,
}

/// The rows of one search, in shown order.
#[derive(Debug)]
pub struct SearchRows<'a> {
    /// The search.
    pub search: TrainingSearch,
    /// One for each row: 3 bought, 2 put in the cart, 1 clicked, 0 shown.
    pub labels: &'a [u32],
    /// One for each row: the item.
    pub items: &'a [ItemIndex],
    /// One for each row: the position at which it was shown, from 1.
    pub positions: &'a [u32],
    /// Row-major, NaN where missing.
    pub values: &'a [f64],
}

/// Rows of all searches, in time order of the searches and in shown order within one.
#[derive(Debug, Clone, Default)]
pub struct TrainingRows {
    /// The searches; their rows follow each other.
    pub searches: Vec<TrainingSearch>,
    /// Number of columns.
    pub feature_count: usize,
    /// Row-major, NaN where missing.
    pub values: Vec<f64>,
    /// One for each row: 3 bought, 2 put in the cart, 1 clicked, 0 shown.
    pub labels: Vec<u32>,
    /// One for each row: the item.
    pub items: Vec<ItemIndex>,
    /// One for each row: the position at which it was shown, from 1.
    pub positions: Vec<u32>,
    /// Searches that made none.
    pub left_out: SearchesLeftOut,
}

impl TrainingRows {
    /// No rows yet, of the columns of a context.
    pub(super) fn of(context: &FeatureContext) -> Self {
        Self {
            feature_count: context.feature_count(),
            ..Self::default()
        }
    }

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
        &self.values[row * self.feature_count..(row + 1) * self.feature_count]
    }
}

/// The label of an item of a search's list.
fn label(search: &JournalSearch<'_>, item: ItemIndex, options: &TrainingOptions) -> u32 {
    let end = search
        .timestamp()
        .saturating_add(options.attribution_window);
    let grades = search
        .outcomes()
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

/// The searches that make rows, in time order.
#[derive(Debug)]
pub struct TrainingSearches<'a> {
    journal: &'a Journal,
    options: TrainingOptions,
    searches: Vec<JournalSearch<'a>>,
    /// Those that make none.
    pub left_out: SearchesLeftOut,
}

impl<'a> TrainingSearches<'a> {
    /// Chooses them.
    #[must_use]
    pub fn of(journal: &'a Journal, options: &TrainingOptions) -> Self {
        let mut left_out = SearchesLeftOut::default();
        let mut taken = Vec::new();
        for search in journal.searches() {
            let has_feedback = || {
                let mut outcomes = search.outcomes().iter();
                outcomes.any(|outcome| label(&search, outcome.item, options) > 0)
            };
            if search.items().is_empty() {
                left_out.without_items += 1;
            } else if options.keep_searches_without_feedback || has_feedback() {
                taken.push(search);
            } else {
                left_out.without_feedback += 1;
            }
        }
        Self::sampled(journal, options, taken, left_out)
    }

    /// Those that are wanted by their ids, whatever came of them.
    fn wanted(
        journal: &'a Journal,
        options: &TrainingOptions,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Self {
        let wanted = journal
            .searches()
            .filter(|search| !search.items().is_empty() && is_wanted(search.query_id()))
            .collect();
        Self::sampled(journal, options, wanted, SearchesLeftOut::default())
    }

    /// At most as many as the options say.
    fn sampled(
        journal: &'a Journal,
        options: &TrainingOptions,
        mut searches: Vec<JournalSearch<'a>>,
        mut left_out: SearchesLeftOut,
    ) -> Self {
        if let Some(maximum) = options.maximum_searches
            && searches.len() > maximum
        {
            left_out.beyond_maximum = (searches.len() - maximum) as u64;
            searches = sample(&searches, maximum);
        }
        Self {
            journal,
            options: *options,
            searches,
            left_out,
        }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.searches.len()
    }

    /// Whether there is none; then there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.searches.is_empty()
    }

    /// How many rows they make.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.searches.iter().map(|it| it.items().len()).sum()
    }

    /// Makes the rows of one search after the other, replaying one behaviour table a day. Memory is
    /// that of one search's rows.
    ///
    /// # Errors
    /// What `each` says; nothing further is made then.
    pub fn each<E>(
        &self,
        context: &FeatureContext,
        mut each: impl FnMut(SearchRows<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (journal, options) = (self.journal, &self.options);
        let mut replay = Replay::new(journal, context.catalogue(), options.snapshots);
        let people = (options.recent_events > 0).then(|| RecentReplay::new(journal));
        let mut table: Option<BehaviourTable> = None;
        let (mut labels, mut positions, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for search in &self.searches {
            let items = search.items();
            labels.clear();
            labels.extend(items.iter().map(|item| label(search, *item, options)));
            positions.clear();
            positions.extend(search.positions());
            let snapshot = options.snapshots.serving_at(search.timestamp());
            // An older one goes before the next is made: those of large catalogues are large.
            table = table.filter(|current| current.snapshot() == snapshot);
            let table = table.get_or_insert_with(|| replay.table_before(snapshot));
            let recent = people.as_ref().map_or_else(Vec::new, |people| {
                people.before(*search, options.recent_events)
            });
            let query = context.analyse(search.query()).with_recent(recent);
            values.clear();
            context.compute_into(&query, items, table, &mut values);
            each(SearchRows {
                search: TrainingSearch {
                    query_id: search.query_id().to_owned(),
                    query: search.query().to_owned(),
                    query_key: query.key,
                    timestamp: search.timestamp(),
                    snapshot,
                    rows: items.len(),
                },
                labels: &labels,
                items,
                positions: &positions,
                values: &values,
            })?;
        }
        Ok(())
    }
}

/// Those whose ids have the smallest SHA-256, in the order they had.
fn sample<'a>(searches: &[JournalSearch<'a>], maximum: usize) -> Vec<JournalSearch<'a>> {
    let mut hashes: Vec<([u8; 32], usize)> = searches
        .iter()
        .enumerate()
        .map(|(place, search)| (Sha256::digest(search.query_id()).into(), place))
        .collect();
    hashes.select_nth_unstable(maximum);
    hashes.truncate(maximum);
    let mut places: Vec<usize> = hashes.into_iter().map(|(_, place)| place).collect();
    places.sort_unstable();
    places.into_iter().map(|place| searches[place]).collect()
}

/// Makes all rows of a journal.
#[must_use]
pub fn training_rows(
    context: &FeatureContext,
    journal: &Journal,
    options: &TrainingOptions,
) -> TrainingRows {
    all_rows(context, &TrainingSearches::of(journal, options))
}

/// As [`training_rows`], of the searches that are wanted by their ids, whatever came of them.
#[must_use]
pub fn rows_of_searches(
    context: &FeatureContext,
    journal: &Journal,
    options: &TrainingOptions,
    is_wanted: impl Fn(&str) -> bool,
) -> TrainingRows {
    let wanted = TrainingSearches::wanted(journal, options, is_wanted);
    all_rows(context, &wanted)
}

fn all_rows(context: &FeatureContext, searches: &TrainingSearches<'_>) -> TrainingRows {
    let mut rows = TrainingRows::of(context);
    rows.left_out = searches.left_out;
    // The matrix is by far the largest of all: it is never copied to grow.
    let values = searches.row_count() * rows.feature_count;
    rows.values.reserve_exact(values);
    let Ok(()) = searches.each::<Infallible>(context, |made| {
        rows.searches.push(made.search);
        rows.labels.extend(made.labels);
        rows.items.extend(made.items);
        rows.positions.extend(made.positions);
        rows.values.extend(made.values);
        Ok(())
    });
    rows
}
