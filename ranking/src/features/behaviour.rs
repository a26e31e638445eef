//! Behaviour statistics: how often items were shown, clicked and bought before a snapshot.
//!
//! What features read is the frozen [`BehaviourTable`], the same type in training and in serving.
//! Counting over time is in `replay`, rates and smoothing are in `rates`.

use std::collections::HashMap;
use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, ItemIndex};
use crate::features::rates::ItemBehaviour;
use crate::features::tally::{Counts, DecayedCounts, Tally};

/// Fewest impressions of an item for a query that are kept: below, the rate says nothing.
pub const MINIMUM_PAIR_IMPRESSIONS: u32 = 3;
/// Most query-item pairs in a table; the bar of impressions rises until they fit.
pub const MAXIMUM_PAIRS: usize = 1_000_000;

/// Why a `behaviour.json` could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BehaviourError {
    /// It is no JSON of the expected shape, or could not be read or written at all.
    #[error("behaviour table: {0}")]
    Json(#[from] serde_json::Error),
    /// It counts an item that the catalogue does not have, or has it twice.
    #[error("behaviour table, field {field}: {message}")]
    Invalid {
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        message: String,
    },
}

/// Counts of items and of query-item pairs, all from before one moment, and what features make of
/// those of items.
#[derive(Debug, Clone, PartialEq)]
pub struct BehaviourTable {
    snapshot: i64,
    totals: Tally,
    minimum_pair_impressions: u32,
    /// By place in the catalogue; an item never shown has no counts.
    items: Vec<Option<ShownItem>>,
    /// By query key, each list by item.
    pairs: HashMap<String, Vec<(ItemIndex, Tally)>>,
}

/// An item that was shown before.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ShownItem {
    tally: Tally,
    /// Made of the tally once, not for each list that the item is on.
    behaviour: ItemBehaviour,
}

impl ShownItem {
    fn new(tally: Tally, totals: &Tally) -> Self {
        Self {
            behaviour: ItemBehaviour::new(&tally, totals),
            tally,
        }
    }
}

/// The table's form in `behaviour.json`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BehaviourFile {
    snapshot: i64,
    totals: Counts,
    decayed_totals: DecayedCounts,
    minimum_pair_impressions: u32,
    items: Vec<ItemEntry>,
    queries: Vec<QueryEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ItemEntry {
    item_id: String,
    counts: Counts,
    decayed: DecayedCounts,
}

impl ItemEntry {
    fn tally(&self) -> Tally {
        Tally {
            counts: self.counts,
            decayed: self.decayed,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QueryEntry {
    query: String,
    items: Vec<ItemEntry>,
}

impl BehaviourTable {
    /// A table of nothing, for a catalogue without a past.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            snapshot: 0,
            totals: Tally::default(),
            minimum_pair_impressions: MINIMUM_PAIR_IMPRESSIONS,
            items: Vec::new(),
            pairs: HashMap::new(),
        }
    }

    /// A table of what was counted; the lists of `pairs` are in the order of items.
    pub(super) fn new(
        snapshot: i64,
        totals: Tally,
        minimum_pair_impressions: u32,
        items: impl IntoIterator<Item = Option<Tally>>,
        pairs: HashMap<String, Vec<(ItemIndex, Tally)>>,
    ) -> Self {
        let shown = |tally: Option<Tally>| Some(ShownItem::new(tally?, &totals));
        let items = items.into_iter().map(shown).collect();
        Self {
            snapshot,
            totals,
            minimum_pair_impressions,
            items,
            pairs,
        }
    }

    /// Fewest impressions of the pairs that were kept.
    #[must_use]
    pub fn minimum_pair_impressions(&self) -> u32 {
        self.minimum_pair_impressions
    }

    /// All counts are from before this moment, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn snapshot(&self) -> i64 {
        self.snapshot
    }

    /// Counts over all items.
    #[must_use]
    pub fn totals(&self) -> Tally {
        self.totals
    }

    /// Counts of one item, if it was ever shown.
    #[must_use]
    pub fn item(&self, item: ItemIndex) -> Option<&Tally> {
        Some(&self.shown(item)?.tally)
    }

    /// The behaviour columns of one item, if it was ever shown.
    pub(super) fn behaviour(&self, item: ItemIndex) -> Option<&ItemBehaviour> {
        Some(&self.shown(item)?.behaviour)
    }

    fn shown(&self, item: ItemIndex) -> Option<&ShownItem> {
        self.items.get(item.as_usize())?.as_ref()
    }

    /// Counts of the items shown often enough for a query key, by item.
    #[must_use]
    pub fn pairs(&self, query_key: &str) -> &[(ItemIndex, Tally)] {
        self.pairs.get(query_key).map_or(&[], Vec::as_slice)
    }

    /// Number of query-item pairs kept.
    #[must_use]
    pub fn pair_count(&self) -> usize {
        self.pairs.values().map(Vec::len).sum()
    }

    /// Writes JSON; equal tables of equal catalogues give equal bytes.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(
        &self,
        catalogue: &Catalogue,
        output: &mut impl Write,
    ) -> Result<(), BehaviourError> {
        let entry = |item: ItemIndex, tally: &Tally| ItemEntry {
            item_id: catalogue.product(item).item_id.clone(),
            counts: tally.counts,
            decayed: tally.decayed,
        };
        let mut queries: Vec<QueryEntry> = self
            .pairs
            .iter()
            .map(|(query, pairs)| QueryEntry {
                query: query.clone(),
                items: pairs
                    .iter()
                    .map(|(item, tally)| entry(*item, tally))
                    .collect(),
            })
            .collect();
        queries.sort_unstable_by(|left, right| left.query.cmp(&right.query));
        let items = catalogue
            .places()
            .filter_map(|item| Some(entry(item, self.item(item)?)))
            .collect();
        let file = BehaviourFile {
            snapshot: self.snapshot,
            totals: self.totals.counts,
            decayed_totals: self.totals.decayed,
            minimum_pair_impressions: self.minimum_pair_impressions,
            items,
            queries,
        };
        Ok(serde_json::to_writer(output, &file)?)
    }

    /// Reads what [`BehaviourTable::write`] wrote, against the same catalogue.
    ///
    /// # Errors
    /// No such JSON, an item that the catalogue does not have, or one that is there twice.
    pub fn read(input: impl Read, catalogue: &Catalogue) -> Result<Self, BehaviourError> {
        let file: BehaviourFile = serde_json::from_reader(input)?;
        let find = |field: String, id: &str| {
            catalogue.find(id).ok_or_else(|| BehaviourError::Invalid {
                field,
                message: format!("{id:?} is not in the catalogue"),
            })
        };
        let totals = Tally {
            counts: file.totals,
            decayed: file.decayed_totals,
        };
        let mut items = vec![None; catalogue.len()];
        for (number, entry) in file.items.into_iter().enumerate() {
            let field = format!("items[{number}].itemId");
            let item = find(field.clone(), &entry.item_id)?;
            let shown = ShownItem::new(entry.tally(), &totals);
            if items[item.as_usize()].replace(shown).is_some() {
                return Err(BehaviourError::Invalid {
                    field,
                    message: format!("{:?} is there twice", entry.item_id),
                });
            }
        }
        let mut pairs = HashMap::with_capacity(file.queries.len());
        for (number, entry) in file.queries.into_iter().enumerate() {
            let mut list = Vec::with_capacity(entry.items.len());
            for (place, item) in entry.items.iter().enumerate() {
                let field = format!("queries[{number}].items[{place}].itemId");
                list.push((find(field, &item.item_id)?, item.tally()));
            }
            list.sort_unstable_by_key(|pair| pair.0);
            let field = format!("queries[{number}].query");
            if list.windows(2).any(|two| two[0].0 == two[1].0) {
                return Err(BehaviourError::Invalid {
                    field,
                    message: "an item is there twice".into(),
                });
            }
            if let Some(_repeated) = pairs.insert(entry.query, list) {
                return Err(BehaviourError::Invalid {
                    field,
                    message: "the query is there twice".into(),
                });
            }
        }
        Ok(Self {
            snapshot: file.snapshot,
            totals,
            minimum_pair_impressions: file.minimum_pair_impressions,
            items,
            pairs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Product;
    use crate::events::Action;
    use crate::features::replay::BehaviourCounter;

    const DAY: i64 = 20_000;

    fn catalogue_of(ids: &[&str]) -> Catalogue {
        let mut catalogue = Catalogue::new();
        for id in ids {
            let json = format!(r#"{{"item_id":"{id}","title":"a thing"}}"#);
            let product: Product = serde_json::from_str(&json).expect("a product");
            catalogue.insert(product).expect("a new id");
        }
        catalogue
    }

    fn counter_with(catalogue: &Catalogue, impressions: &[(u32, u32, u32)]) -> BehaviourCounter {
        let mut counter = BehaviourCounter::new(catalogue.len());
        for (query, item, times) in impressions {
            for _ in 0..*times {
                counter.add(*query, ItemIndex(*item), Action::Impression, DAY);
            }
        }
        counter
    }

    #[test]
    fn a_pair_that_was_rarely_shown_is_left_out_of_the_table() {
        let catalogue = catalogue_of(&["a", "b"]);
        let counter = counter_with(
            &catalogue,
            &[
                (0, 0, MINIMUM_PAIR_IMPRESSIONS),
                (0, 1, MINIMUM_PAIR_IMPRESSIONS - 1),
            ],
        );
        let table = counter.freeze(7, DAY, &["shoe".into()]);
        assert_eq!(
            table
                .pairs("shoe")
                .iter()
                .map(|pair| pair.0)
                .collect::<Vec<_>>(),
            [ItemIndex(0)]
        );
        assert_eq!(
            table
                .item(ItemIndex(1))
                .map(|tally| tally.counts.impressions),
            Some(MINIMUM_PAIR_IMPRESSIONS - 1)
        );
    }

    #[test]
    fn the_bar_of_impressions_rises_until_the_pairs_fit() {
        let catalogue = catalogue_of(&["a", "b", "c"]);
        let counter = counter_with(&catalogue, &[(0, 0, 5), (0, 1, 9), (0, 2, 6)]);
        let table = counter.freeze_bounded(7, DAY, &["shoe".into()], 1);
        assert_eq!(table.pair_count(), 1);
        assert_eq!(table.pairs("shoe")[0].0, ItemIndex(1));
        assert_eq!(table.minimum_pair_impressions(), 7);
    }

    #[test]
    fn a_table_reads_back_equal_and_writes_the_same_bytes() {
        let catalogue = catalogue_of(&["b", "a", "c"]);
        let counter = counter_with(&catalogue, &[(0, 0, 5), (1, 1, 9), (1, 0, 4)]);
        // Three days later, so that decayed counts are no whole numbers.
        let keys = ["shoe".into(), "red shoe".into()];
        let table = counter.freeze(1_700_000_000_000, DAY + 3, &keys);
        let mut bytes = Vec::new();
        table.write(&catalogue, &mut bytes).expect("written");
        let read = BehaviourTable::read(bytes.as_slice(), &catalogue).expect("read");
        assert_eq!(read, table);
        let mut again = Vec::new();
        read.write(&catalogue, &mut again).expect("written");
        assert_eq!(again, bytes);
    }

    #[test]
    fn a_table_of_another_catalogue_is_refused_with_the_field() {
        let catalogue = catalogue_of(&["a", "b"]);
        let mut bytes = Vec::new();
        counter_with(&catalogue, &[(0, 1, 5)])
            .freeze(7, DAY, &["x".into()])
            .write(&catalogue, &mut bytes)
            .expect("written");
        let error =
            BehaviourTable::read(bytes.as_slice(), &catalogue_of(&["a"])).expect_err("b is gone");
        assert_eq!(
            error.to_string(),
            "behaviour table, field items[0].itemId: \"b\" is not in the catalogue"
        );
    }
}
