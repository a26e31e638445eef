//! Rows that are all in memory, with what is known of them.

use std::collections::HashMap;
use std::sync::Arc;

use searchop_ranking::baselines::Baseline;
use searchop_ranking::catalogue::{Catalogue, ItemIndex};
use searchop_ranking::features::{Journal, TrainingRows};
use searchop_ranking::metrics::slices::{Frequency, frequency_slices};
use searchop_ranking::svmlight::RankingRows;

use super::search_slices::SearchSlices;
use super::{Data, DataFound, Features, ShownLists};
use crate::failure::Failure;

/// A label of the feature kernel as rows keep it.
pub(super) fn label(label: u32) -> Result<u8, Failure> {
    u8::try_from(label)
        .map_err(|error| Failure::internal(format!("a label of the feature kernel: {error}")))
}

/// Rows with what is known of them. Random is no baseline here: it needs nothing but rows and is
/// added where rows are measured.
pub(super) fn data(
    made: TrainingRows,
    catalogue: &Catalogue,
    lists: Option<ShownLists>,
    features: Features,
    baselines: &[Baseline],
    (notes, found): (Vec<String>, DataFound),
) -> Result<Data, Failure> {
    let baselines = baselines
        .iter()
        .map(|baseline| {
            (
                baseline.name().to_owned(),
                baseline.scores(&made, catalogue, 0),
            )
        })
        .collect();
    let labels = made.labels.iter().copied().map(label);
    let labels = labels.collect::<Result<Vec<_>, _>>()?;
    let sizes: Vec<usize> = made.searches.iter().map(|search| search.rows).collect();
    let identifiers = made
        .searches
        .iter()
        .map(|search| search.query_id.clone())
        .collect();
    let rows =
        RankingRows::from_dense(labels, &sizes, identifiers, made.feature_count, made.values)
            .map_err(Failure::internal)?;
    Ok(Data {
        rows,
        provided_test: None,
        query_keys: made
            .searches
            .iter()
            .map(|search| search.query_key.clone())
            .collect(),
        timestamps: Some(
            made.searches
                .iter()
                .map(|search| search.timestamp)
                .collect(),
        ),
        baselines,
        lists,
        features,
        label_gains: None,
        randomised: None,
        notes,
        found: Some(found),
    })
}

/// How frequent each query key is among all searches; empty where all are equally frequent.
fn frequencies(journal: &Journal) -> HashMap<&str, Frequency> {
    let mut searches: HashMap<&str, u64> = HashMap::new();
    for search in journal.searches() {
        *searches
            .entry(journal.query_key(search.query_key()))
            .or_default() += 1;
    }
    let (keys, counts): (Vec<&str>, Vec<u64>) = searches.into_iter().unzip();
    let slices = frequency_slices(&counts).unwrap_or_default();
    keys.into_iter().zip(slices).collect()
}

pub(super) fn shown_lists(
    made: &TrainingRows,
    journal: &Journal,
    slices: &SearchSlices,
    catalogue: &Catalogue,
) -> ShownLists {
    let frequencies = frequencies(journal);
    // Items are in many lists: each title is held once.
    let mut titles: HashMap<ItemIndex, Arc<str>> = HashMap::new();
    let mut title = |item: &ItemIndex| {
        titles
            .entry(*item)
            .or_insert_with(|| catalogue.product(*item).title.as_str().into())
            .clone()
    };
    let frequency = |key: &String| frequencies.get(key.as_str()).copied();
    let (intents, segments) = made
        .searches
        .iter()
        .map(|search| <(_, _)>::from(slices.get(&search.query_id)))
        .unzip();
    ShownLists {
        queries: made.searches.iter().map(|it| it.query.clone()).collect(),
        frequencies: made
            .searches
            .iter()
            .map(|it| frequency(&it.query_key))
            .collect(),
        intents,
        segments,
        titles: made.items.iter().map(&mut title).collect(),
        positions: made.positions.clone(),
    }
}
