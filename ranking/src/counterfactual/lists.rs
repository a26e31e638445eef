//! Choices of whole lists: at each place of a list that was logged, the item that stood there.

use super::LoggedChoice;
use super::log::GroupedChoices;

/// Lists that were put in their order by chance, each item of a list at each place with a known
/// probability.
#[derive(Debug, Clone, Copy)]
pub struct RandomisedLists<'a> {
    /// List `i` has the rows `boundaries[i]..boundaries[i + 1]`, in the order in which it was shown.
    pub boundaries: &'a [usize],
    /// The probability with which the item stood at its place, for each row.
    pub propensities: &'a [f64],
    /// What came of it, such as 1 for a click, for each row.
    pub rewards: &'a [f64],
    /// The score of the ranking in question, for each row.
    pub scores: &'a [f64],
}

impl RandomisedLists<'_> {
    /// The choices of the lists, each list a unit. The ranking in question puts the highest score
    /// first, and equal scores in random order: so an item has its place with probability 1 divided
    /// by how many have its score, if the place is one of theirs, else 0.
    ///
    /// An estimate from them takes what an item earns at a place for independent of what stands
    /// around it: the item-position model of clicks (Li et al., Offline Evaluation of Ranking
    /// Policies with Click Models, 2018).
    ///
    /// # Panics
    /// When there is not one value for each row.
    #[must_use]
    pub fn choices(&self) -> GroupedChoices {
        let mut grouped = GroupedChoices {
            choices: Vec::with_capacity(self.scores.len()),
            boundaries: self.boundaries.to_vec(),
        };
        for list in self.boundaries.windows(2) {
            let rows = list[0]..list[1];
            let mut descending = self.scores[rows.clone()].to_vec();
            descending.sort_unstable_by(|first, second| second.total_cmp(first));
            for (place, row) in rows.enumerate() {
                let score = self.scores[row];
                let better = descending.partition_point(|other| *other > score);
                let not_worse = descending.partition_point(|other| *other >= score);
                let target_probability = if (better..not_worse).contains(&place) {
                    1.0 / (not_worse - better) as f64
                } else {
                    0.0
                };
                grouped.choices.push(LoggedChoice {
                    reward: self.rewards[row],
                    logged_probability: self.propensities[row],
                    target_probability,
                });
            }
        }
        grouped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counterfactual::{EstimationOptions, Reliability, estimate};
    use crate::generate::random::Stream;
    use crate::metrics::statistics::Bootstrap;

    #[test]
    fn an_item_has_its_place_if_its_score_does_and_equal_scores_share_theirs() {
        let lists = RandomisedLists {
            boundaries: &[0, 3, 3, 7],
            propensities: &[0.5, 0.25, 0.25, 0.1, 0.1, 0.1, 0.1],
            rewards: &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            scores: &[1.0, 3.0, 2.0, 5.0, -0.0, 7.0, 0.0],
        };
        let grouped = lists.choices();
        assert_eq!(grouped.boundaries, [0, 3, 3, 7]);
        let targets: Vec<f64> = grouped
            .choices
            .iter()
            .map(|choice| choice.target_probability)
            .collect();
        // In the second list the items of score 0 share the last two places.
        assert_eq!(targets, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]);
        assert_eq!(grouped.choices[0].logged_probability, 0.5);
        assert_eq!(grouped.choices[4].reward, 1.0);
    }

    /// Lists of five items in uniformly random order. An item `i` is clicked at place `p` with
    /// probability `(i + 1) / 10 / (p + 1)`.
    struct Shop {
        rewards: Vec<f64>,
        /// For each row, which item it is.
        items: Vec<usize>,
    }

    const ITEMS: usize = 5;

    fn click_probability(item: usize, place: usize) -> f64 {
        (item + 1) as f64 / 10.0 / (place + 1) as f64
    }

    fn shop(lists: usize, seed: u64) -> Shop {
        let mut stream = Stream::new(seed, "lists", 0);
        let mut shop = Shop {
            rewards: Vec::new(),
            items: Vec::new(),
        };
        for _ in 0..lists {
            let mut order: Vec<usize> = (0..ITEMS).collect();
            for place in (1..ITEMS).rev() {
                order.swap(place, stream.below(place + 1));
            }
            for (place, item) in order.into_iter().enumerate() {
                let is_clicked = stream.chance(click_probability(item, place));
                shop.rewards.push(f64::from(u8::from(is_clicked)));
                shop.items.push(item);
            }
        }
        shop
    }

    #[test]
    fn the_estimate_for_a_ranking_is_what_it_would_have_earned() {
        let score = |item: &usize| *item as f64;
        // The best item first: the truth is the mean over its places.
        let truth = (0..ITEMS)
            .map(|place| click_probability(ITEMS - 1 - place, place))
            .sum::<f64>()
            / ITEMS as f64;
        let logs = 200;
        let lists = 400;
        let (mut covered, mut covered_by_logged) = (0, 0);
        for seed in 0..logs {
            let shop = shop(lists, seed);
            let scores: Vec<f64> = shop.items.iter().map(score).collect();
            let boundaries: Vec<usize> = (0..=lists).map(|list| list * ITEMS).collect();
            let propensities = vec![1.0 / ITEMS as f64; scores.len()];
            let grouped = RandomisedLists {
                boundaries: &boundaries,
                propensities: &propensities,
                rewards: &shop.rewards,
                scores: &scores,
            }
            .choices();
            let log = grouped.log();
            let options = EstimationOptions {
                clip: None,
                bootstrap: Bootstrap::seeded(seed),
            };
            let found = estimate(&log, &options).unwrap();
            assert_eq!(found.reliability, Reliability::Conclusive);
            let covers = |low: f64, high: f64| usize::from(low <= truth && truth <= high);
            let ips = found.inverse_propensity;
            covered += covers(ips.low, ips.high);
            covered_by_logged += covers(found.logged.low, found.logged.high);
        }
        // 95 % intervals, up to what is left to chance in 200 logs.
        assert!((180..=198).contains(&covered), "{covered} of {logs} cover");
        assert!(
            covered_by_logged < 20,
            "the logged order earns what the ranking does: nothing is tested"
        );
    }
}
