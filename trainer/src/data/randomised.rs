//! Lists that chance put in their order: what is needed to tell what another order would have earned.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use searchop_ranking::events::Search;
use searchop_ranking::features::{FeatureContext, Journal, TrainingOptions, rows_of_searches};
use searchop_ranking::split::{Side, side_of};
use searchop_ranking::svmlight::RankingRows;

use crate::failure::Failure;
use crate::request::SplitChoice;

/// The most such lists that make rows: of more, a sample by a hash of their ids.
const MOST_LISTS: usize = 20_000;

/// The propensities of the searches that have any.
#[derive(Debug, Default)]
pub(super) struct Propensities {
    /// By the hash of the query id: of millions of searches the ids are too much.
    of_search: HashMap<u64, Box<[f64]>>,
}

impl Propensities {
    /// Adds a search, of which the journal says whether its id is new. Of searches with one id none
    /// is used: which list was shown is not known.
    pub(super) fn add_search(&mut self, search: &Search, is_new: bool) {
        if is_new {
            self.add(&search.query_id, &search.query_attributes.propensities);
        } else {
            self.of_search.remove(&key(&search.query_id));
        }
    }

    /// Adds what is known of a search whose id is new, which may be nothing.
    pub(super) fn add(&mut self, query_id: &str, propensities: &[f64]) {
        match self.of_search.entry(key(query_id)) {
            // Two ids of one hash: neither is used.
            Entry::Occupied(mut known) => *known.get_mut() = Box::default(),
            Entry::Vacant(place) if !propensities.is_empty() => {
                place.insert(propensities.into());
            }
            Entry::Vacant(_) => {}
        }
    }

    fn get(&self, query_id: &str) -> &[f64] {
        self.of_search
            .get(&key(query_id))
            .map_or(&[], |propensities| propensities)
    }

    /// The lists of the journal whose propensities are known, clicked or not; `None` without any.
    pub(super) fn lists(
        &self,
        context: &FeatureContext,
        journal: &Journal,
        options: &TrainingOptions,
    ) -> Result<Option<RandomisedRows>, Failure> {
        if self.of_search.is_empty() {
            return Ok(None);
        }
        let most = options.maximum_searches.unwrap_or(MOST_LISTS);
        let options = TrainingOptions {
            maximum_searches: Some(most.min(MOST_LISTS)),
            ..*options
        };
        let made = rows_of_searches(context, journal, &options, |query_id| {
            !self.get(query_id).is_empty()
        });
        if made.is_empty() {
            return Ok(None);
        }
        let sizes: Vec<usize> = made.searches.iter().map(|search| search.rows).collect();
        let names = made.searches.iter().map(|it| it.query_id.clone()).collect();
        // A click, whatever more came of it.
        let clicks = made.labels.iter().map(|it| u8::from(*it > 0)).collect();
        let rows = RankingRows::from_dense(clicks, &sizes, names, made.feature_count, made.values)
            .map_err(Failure::internal)?;
        let lists = made.searches.iter().enumerate();
        // A list of which an item is not in the catalogue has a place that no model can fill.
        let complete: Vec<usize> = lists
            .filter(|(list, search)| {
                let shown = u32::try_from(self.get(&search.query_id).len()).unwrap_or(u32::MAX);
                let positions = made.positions[rows.query_rows(*list)].iter().copied();
                positions.eq(1..=shown)
            })
            .map(|(list, _)| list)
            .collect();
        let searches = complete.iter().map(|list| &made.searches[*list]);
        if complete.is_empty() {
            return Ok(None);
        }
        Ok(Some(RandomisedRows {
            propensities: searches
                .clone()
                .flat_map(|search| self.get(&search.query_id))
                .copied()
                .collect(),
            query_keys: searches
                .clone()
                .map(|search| search.query_key.clone())
                .collect(),
            timestamps: searches.map(|search| search.timestamp).collect(),
            rows: rows.select_queries(&complete).map_err(Failure::internal)?,
        }))
    }
}

fn key(query_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    query_id.hash(&mut hasher);
    hasher.finish()
}

/// Lists whose items came to stand at their places with known probabilities. All of a sample of
/// them, whether anything was clicked or not.
#[derive(Clone, Debug)]
pub struct RandomisedRows {
    /// The items, a query for each list, in the order shown; the label is 1 where one was clicked.
    pub rows: RankingRows,
    /// The probability of each item's place, for each row.
    pub propensities: Vec<f64>,
    /// What each list was searched for by.
    query_keys: Vec<String>,
    /// When each was shown, in milliseconds since 1970.
    timestamps: Vec<i64>,
}

impl RandomisedRows {
    /// Those of which nothing was learned with a split by time, whose first test query was at
    /// `first_of_test`, or by query; all without a split. What came of a list decides nothing of it,
    /// or the estimate would be biased. `None` where there are none, and with other splits.
    ///
    /// # Errors
    /// None that data can cause.
    pub fn held_back(
        &self,
        split: SplitChoice,
        seed: u32,
        first_of_test: Option<i64>,
    ) -> Result<Option<Self>, Failure> {
        let is_held_back = |list: &usize| match split {
            SplitChoice::Time { .. } => {
                first_of_test.is_some_and(|first| self.timestamps[*list] >= first)
            }
            SplitChoice::Query { test_fraction } => {
                side_of(&self.query_keys[*list], u64::from(seed), test_fraction) == Side::Test
            }
            SplitChoice::None => true,
            SplitChoice::KFold { .. } | SplitChoice::Provided => false,
        };
        let lists: Vec<usize> = (0..self.rows.query_count()).filter(is_held_back).collect();
        if lists.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            propensities: lists
                .iter()
                .flat_map(|list| &self.propensities[self.rows.query_rows(*list)])
                .copied()
                .collect(),
            query_keys: lists
                .iter()
                .map(|list| self.query_keys[*list].clone())
                .collect(),
            timestamps: lists.iter().map(|list| self.timestamps[*list]).collect(),
            rows: self
                .rows
                .select_queries(&lists)
                .map_err(Failure::internal)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use searchop_ranking::catalogue::Catalogue;
    use searchop_ranking::events::{Action, Event, EventAttributes, EventObject, QueryAttributes};
    use searchop_ranking::features::JournalBuilder;

    use super::*;

    const START: i64 = 1_800_000_000_000;

    fn search(id: &str, text: &str, shown: &[&str], propensities: &[f64]) -> Search {
        Search {
            query_id: id.to_owned(),
            client_id: String::new(),
            user_query: text.to_owned(),
            query_attributes: QueryAttributes {
                propensities: propensities.to_vec(),
                ..QueryAttributes::default()
            },
            timestamp: START + 1_000 * id.parse::<i64>().unwrap(),
            query_response_hit_ids: shown.iter().map(|&id| id.to_owned()).collect(),
        }
    }

    fn lists(searches: &[Search], options: &TrainingOptions) -> Option<RandomisedRows> {
        let catalogue = [
            r#"{"item_id":"a","title":"red boot"}"#,
            r#"{"item_id":"b","title":"blue boot"}"#,
        ];
        let catalogue = Catalogue::read(catalogue.join("\n").as_bytes()).unwrap();
        let click = Event {
            action_name: Action::Click,
            query_id: "1".to_owned(),
            client_id: String::new(),
            session_id: String::new(),
            timestamp: START + 1_500,
            event_attributes: EventAttributes {
                object: EventObject {
                    object_id: "a".to_owned(),
                },
                position: None,
            },
        };
        let mut builder = JournalBuilder::new(&catalogue);
        let mut propensities = Propensities::default();
        for search in searches {
            let is_new = builder.add_search(search);
            propensities.add_search(search, is_new);
        }
        builder.add_event(&click);
        let journal = builder.finish();
        let context = FeatureContext::new(Arc::new(catalogue));
        propensities.lists(&context, &journal, options).unwrap()
    }

    fn searches() -> Vec<Search> {
        vec![
            search("1", "boot", &["b", "a"], &[0.25, 0.5]),
            search("2", "boot", &["a", "b"], &[]),
            search("3", "red", &["a", "b"], &[0.75, 0.125]),
            search("4", "red", &["a", "gone"], &[0.5, 0.5]),
            search("5", "boot", &["a", "b"], &[0.5, 0.5]),
            search("5", "boot", &["b", "a"], &[0.5, 0.5]),
            search("6", "boot", &["a", "b"], &[]),
            search("6", "boot", &["b", "a"], &[0.5, 0.5]),
        ]
    }

    #[test]
    fn whole_lists_with_propensities_are_taken_clicked_or_not() {
        let found = lists(&searches(), &TrainingOptions::default()).unwrap();
        assert_eq!(found.rows.query_identifiers(), ["1", "3"]);
        assert_eq!(found.rows.labels(), [0, 1, 0, 0]);
        assert_eq!(found.propensities, [0.25, 0.5, 0.75, 0.125]);
        let one = TrainingOptions {
            maximum_searches: Some(1),
            ..TrainingOptions::default()
        };
        assert_eq!(lists(&searches()[..3], &one).unwrap().rows.query_count(), 1);
        assert!(lists(&searches()[1..2], &one).is_none());
        assert!(lists(&searches()[3..4], &one).is_none());
    }

    #[test]
    fn what_is_held_back_does_not_depend_on_clicks() {
        let all = lists(&searches(), &TrainingOptions::default()).unwrap();
        let names = |split, first_of_test| {
            let held_back = all.held_back(split, 7, first_of_test).unwrap();
            held_back.map(|it| (it.rows.query_identifiers().to_vec(), it.propensities))
        };
        let time = SplitChoice::Time { test_fraction: 0.5 };
        let (held_back, propensities) = names(time, Some(START + 3_000)).unwrap();
        assert_eq!(
            (held_back, propensities),
            (vec!["3".to_owned()], vec![0.75, 0.125])
        );
        assert_eq!(names(time, Some(START + 9_000)), None);
        assert_eq!(names(SplitChoice::None, None).unwrap().0.len(), 2);
        assert_eq!(names(SplitChoice::KFold { folds: 2 }, None), None);
        let all_by_query = SplitChoice::Query { test_fraction: 1.0 };
        assert_eq!(names(all_by_query, None).unwrap().0.len(), 2);
        assert_eq!(names(SplitChoice::Query { test_fraction: 0.0 }, None), None);
    }
}
