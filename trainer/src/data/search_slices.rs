//! What the data says of each search beside its text: its intent, and the segment of who searched.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use searchop_ranking::events::{QueryAttributes, Search};

/// Intent and segment of the searches that have any.
#[derive(Debug, Default)]
pub(super) struct SearchSlices {
    /// Few names are in many searches: each is held once.
    numbers: HashMap<Arc<str>, u16>,
    names: Vec<Arc<str>>,
    /// Numbers of names by the hash of the query id: of millions of searches the ids are too much.
    of_search: HashMap<u64, [Option<u16>; 2]>,
}

impl SearchSlices {
    /// Adds a search. Of searches with one query id the first counts.
    pub(super) fn add(&mut self, search: &Search) {
        let QueryAttributes {
            intent, segment, ..
        } = &search.query_attributes;
        self.add_names(&search.query_id, [intent.as_deref(), segment.as_deref()]);
    }

    /// Adds intent and segment of a search.
    pub(super) fn add_names(&mut self, query_id: &str, names: [Option<&str>; 2]) {
        let both = names.map(|name| self.number(name?));
        if both.iter().any(Option::is_some) {
            self.of_search.entry(key(query_id)).or_insert(both);
        }
    }

    /// Intent and segment of a search.
    pub(super) fn get(&self, query_id: &str) -> [Option<Arc<str>>; 2] {
        let both = self.of_search.get(&key(query_id)).copied();
        both.unwrap_or_default()
            .map(|number| number.map(|number| self.names[usize::from(number)].clone()))
    }

    /// The number of a name; `None` for blanks, and once there are more names than slices could ever be.
    fn number(&mut self, name: &str) -> Option<u16> {
        let name = name.trim();
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = u16::try_from(self.names.len()).ok()?;
        if name.is_empty() {
            return None;
        }
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        Some(number)
    }
}

fn key(query_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    query_id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_search_of_an_id_says_what_it_is_for() {
        let search = |id: &str, intent: Option<&str>, segment: Option<&str>| Search {
            query_id: id.to_owned(),
            client_id: String::new(),
            user_query: String::new(),
            query_attributes: QueryAttributes {
                intent: intent.map(str::to_owned),
                segment: segment.map(str::to_owned),
                propensities: Vec::new(),
            },
            timestamp: 0,
            query_response_hit_ids: Vec::new(),
        };
        let mut slices = SearchSlices::default();
        for search in [
            search("a", Some("brand"), Some(" ")),
            search("a", Some("price"), None),
            search("b", None, Some("brand ")),
            search("c", None, None),
        ] {
            slices.add(&search);
        }
        let brand = Some(Arc::from("brand"));
        assert_eq!(slices.get("a"), [brand.clone(), None]);
        assert_eq!(slices.get("b"), [None, brand]);
        assert_eq!(slices.get("c"), [None, None]);
        assert_eq!(slices.get("d"), [None, None]);
    }
}
