//! Slices of queries: the frequent and the rare ones, or any other grouping that the caller has a
//! name for. What is measured in them is the caller's.

use std::collections::{BTreeMap, HashMap};

/// The most slices of one slicing; the queries of the smaller ones are put together.
pub const MAXIMUM_SLICES: usize = 12;

/// The name of the queries that are in none of the [`MAXIMUM_SLICES`] largest slices.
pub const OTHER: &str = "(other)";

/// Which part of all searches a query belongs to, by how often its text is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// The most frequent texts that make up the first third of searches.
    Head,
    /// The texts of the second third.
    Torso,
    /// The texts of the last third, and every text searched for once.
    Tail,
}

impl Frequency {
    /// All, the most frequent first.
    pub const EVERY: [Self; 3] = [Self::Head, Self::Torso, Self::Tail];

    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Torso => "torso",
            Self::Tail => "tail",
        }
    }
}

/// The frequency slice of each text, from how often it was searched for; in the same order.
///
/// Equally frequent texts are in one slice: that in which the middle of their searches falls
/// when searches are ordered by the frequency of their text. A text searched for once is in the
/// tail. `None` when all texts are equally frequent, as in judgements: then there are no slices.
#[must_use]
pub fn frequency_slices(counts: &[u64]) -> Option<Vec<Frequency>> {
    let mut texts_by_count: BTreeMap<u64, u64> = BTreeMap::new();
    for count in counts {
        *texts_by_count.entry(*count).or_default() += 1;
    }
    if texts_by_count.len() < 2 {
        return None;
    }
    let total: u64 = counts.iter().sum();
    let mut above = 0;
    let mut slices: HashMap<u64, Frequency> = HashMap::new();
    for (count, texts) in texts_by_count.into_iter().rev() {
        let here = count * texts;
        // The middle of these searches as a share of all, times 6 and the total: no rounding.
        let slice = match 3 * (2 * above + here) {
            _ if count <= 1 => Frequency::Tail,
            middle if middle < 2 * total => Frequency::Head,
            middle if middle < 4 * total => Frequency::Torso,
            _ => Frequency::Tail,
        };
        slices.insert(count, slice);
        above += here;
    }
    Some(counts.iter().map(|count| slices[count]).collect())
}

/// A grouping of queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Slicing {
    /// By what, such as `frequency` or `intent`.
    pub name: String,
    /// The slice of each query, in the order of the queries; `None` is in none.
    pub of_query: Vec<Option<String>>,
    /// Slices that come first, in this order, however large they are.
    pub first: Vec<String>,
}

/// The queries of one slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Its name.
    pub name: String,
    /// The places of its queries, rising.
    pub queries: Vec<usize>,
}

impl Slicing {
    /// The slices, after those named to come first those with the most queries (equal ones by
    /// name), at most [`MAXIMUM_SLICES`]; what is over is in one called [`OTHER`] at the end.
    #[must_use]
    pub fn slices(&self) -> Vec<Slice> {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (query, name) in self.of_query.iter().enumerate() {
            if let Some(name) = name {
                by_name.entry(name).or_default().push(query);
            }
        }
        let mut slices: Vec<Slice> = by_name
            .into_iter()
            .map(|(name, queries)| Slice {
                name: name.to_owned(),
                queries,
            })
            .collect();
        let place = |slice: &Slice| self.first.iter().position(|name| *name == slice.name);
        slices.sort_by_key(|slice| {
            let place = place(slice).unwrap_or(self.first.len());
            (place, std::cmp::Reverse(slice.queries.len()))
        });
        if slices.len() > MAXIMUM_SLICES {
            let rest = slices.split_off(MAXIMUM_SLICES - 1);
            let mut queries: Vec<usize> =
                rest.into_iter().flat_map(|slice| slice.queries).collect();
            queries.sort_unstable();
            slices.push(Slice {
                name: OTHER.to_owned(),
                queries,
            });
        }
        slices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_texts_are_the_head_and_texts_searched_once_the_tail() {
        use Frequency::{Head, Tail, Torso};
        // 30 of 90 searches, 10 + 10 + 10, and 30 texts once each.
        let mut counts = vec![10, 30, 10, 10];
        counts.extend([1; 30]);
        let slices = frequency_slices(&counts).unwrap();
        assert_eq!(slices[..4], [Torso, Head, Torso, Torso]);
        assert!(slices[4..].iter().all(|slice| *slice == Tail));
        // Few searches come again: what is searched once is the tail, however much it is.
        let mut counts = vec![1; 98];
        counts.push(2);
        let slices = frequency_slices(&counts).unwrap();
        assert_eq!((slices[0], slices[98]), (Tail, Head));
        assert_eq!(frequency_slices(&[1; 5]), None);
        assert_eq!(frequency_slices(&[7; 5]), None);
        assert_eq!(frequency_slices(&[]), None);
    }

    #[test]
    fn a_power_law_has_about_a_third_of_the_searches_in_each_slice() {
        let counts: Vec<u64> = (1..=2_000_u64).map(|rank| 20_000 / rank).collect();
        let slices = frequency_slices(&counts).unwrap();
        let total: u64 = counts.iter().sum();
        for slice in [Frequency::Head, Frequency::Torso, Frequency::Tail] {
            let searches: u64 = (0..counts.len())
                .filter(|text| slices[*text] == slice)
                .map(|text| counts[text])
                .sum();
            let share = searches as f64 / total as f64;
            assert!((0.25..0.42).contains(&share), "{slice:?} has {share}");
        }
        let head = slices.iter().filter(|slice| **slice == Frequency::Head);
        assert!(head.count() < 20);
    }

    #[test]
    fn queries_without_a_slice_are_in_none() {
        let slicing = Slicing {
            name: "intent".into(),
            of_query: [Some("brand"), None, Some("price"), Some("brand")]
                .map(|name| name.map(str::to_owned))
                .to_vec(),
            first: Vec::new(),
        };
        let slices = slicing.slices();
        let queries: Vec<_> = slices
            .iter()
            .map(|it| (it.name.as_str(), &it.queries[..]))
            .collect();
        assert_eq!(queries, [("brand", &[0, 3][..]), ("price", &[2][..])]);
    }

    #[test]
    fn slices_are_in_the_order_asked_for_and_then_by_size() {
        let names = ["tail", "x", "tail", "head", "y", "y", "tail"];
        let slicing = |first: &[&str]| Slicing {
            name: "frequency".into(),
            of_query: names.map(|name| Some(name.to_owned())).to_vec(),
            first: first.iter().map(|name| (*name).to_owned()).collect(),
        };
        let order = |slicing: Slicing| -> Vec<String> {
            slicing
                .slices()
                .into_iter()
                .map(|slice| slice.name)
                .collect()
        };
        assert_eq!(
            order(slicing(&["head", "torso", "tail"])),
            ["head", "tail", "y", "x"]
        );
        assert_eq!(order(slicing(&[])), ["tail", "y", "head", "x"]);
    }

    #[test]
    fn too_many_slices_are_put_together_and_no_query_is_lost() {
        let of_query = (0..100_usize)
            .map(|query| Some(format!("{:02}", query % 40 / (1 + query / 60))))
            .collect();
        let slices = Slicing {
            name: "segment".into(),
            of_query,
            first: Vec::new(),
        }
        .slices();
        assert_eq!(slices.len(), MAXIMUM_SLICES);
        assert_eq!(slices[MAXIMUM_SLICES - 1].name, OTHER);
        let mut all: Vec<usize> = slices.into_iter().flat_map(|slice| slice.queries).collect();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }
}
