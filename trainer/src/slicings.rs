//! The groupings of test queries in which a model is measured beside the whole: by how frequent a
//! query is, and by what the data says of searches.

use std::sync::Arc;

use searchop_ranking::metrics::slices::{Frequency, Slicing};

use crate::data::ShownLists;

/// What the queries are grouped by, as far as the data says it.
#[must_use]
pub fn slicings(lists: &ShownLists) -> Vec<Slicing> {
    [
        by_frequency(lists),
        by_name("intent", &lists.intents),
        by_name("segment", &lists.segments),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn by_name(name: &str, of_query: &[Option<Arc<str>>]) -> Option<Slicing> {
    of_query.iter().any(Option::is_some).then(|| Slicing {
        name: name.to_owned(),
        of_query: of_query
            .iter()
            .map(|slice| slice.as_deref().map(str::to_owned))
            .collect(),
        first: Vec::new(),
    })
}

fn by_frequency(lists: &ShownLists) -> Option<Slicing> {
    let name = |frequency: &Option<Frequency>| frequency.map(|it| it.name().to_owned());
    lists
        .frequencies
        .iter()
        .any(Option::is_some)
        .then(|| Slicing {
            name: "frequency".to_owned(),
            of_query: lists.frequencies.iter().map(name).collect(),
            first: Frequency::EVERY.map(|it| it.name().to_owned()).to_vec(),
        })
}
