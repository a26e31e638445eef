//! When to stop adding trees: no better value of one metric on the validation set for a number
//! of rounds. Every metric that can be asked for is better when it is higher. It neither trains
//! nor evaluates.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// A metric of LightGBM that early stopping can watch, with its position: `ndcg@10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankingMetric {
    /// Which metric.
    pub kind: RankingMetricKind,
    /// How many results from the top count.
    pub position: NonZeroU32,
}

/// The metrics LightGBM computes for ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankingMetricKind {
    /// Normalised discounted cumulative gain.
    Ndcg,
    /// Mean average precision.
    Map,
}

impl RankingMetric {
    /// LightGBM's `metric`: it knows no name with a position in it, and evaluates nothing at
    /// all, silently, when it is given one.
    #[must_use]
    pub fn lightgbm_name(self) -> &'static str {
        match self.kind {
            RankingMetricKind::Ndcg => "ndcg",
            RankingMetricKind::Map => "map",
        }
    }
}

impl fmt::Display for RankingMetric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.lightgbm_name(), self.position)
    }
}

/// A text that names no metric for early stopping.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("early stopping metric {text:?}: expected ndcg@K or map@K with K from 1 to 1000")]
pub struct UnknownMetric {
    /// What was given.
    pub text: String,
}

impl FromStr for RankingMetric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownMetric {
            text: text.to_owned(),
        };
        let (name, position) = text.split_once('@').ok_or_else(unknown)?;
        let kind = match name {
            "ndcg" => RankingMetricKind::Ndcg,
            "map" => RankingMetricKind::Map,
            _ => return Err(unknown()),
        };
        let position = position
            .parse::<NonZeroU32>()
            .ok()
            .filter(|position| position.get() <= 1_000)
            .ok_or_else(unknown)?;
        Ok(Self { kind, position })
    }
}

/// What to stop by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyStopping {
    /// The metric to watch.
    pub metric: RankingMetric,
    /// Rounds without a better value after which training ends.
    pub rounds: NonZeroU32,
}

/// The best value so far and since when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watch {
    rounds: u32,
    round: u32,
    best: Option<Best>,
}

/// The best round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Its metric value.
    pub value: f64,
    /// Which round it was, from 1.
    pub round: u32,
    /// Trees in the model then.
    pub trees: u32,
}

impl Watch {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(rounds: NonZeroU32) -> Self {
        Self {
            rounds: rounds.get(),
            round: 0,
            best: None,
        }
    }

    /// The next round's value, and the trees in the model; true when training is to stop.
    ///
    /// Only a strictly higher value is better, so that of equal rounds the smallest model stays.
    pub fn stops_after(&mut self, value: f64, trees: u32) -> bool {
        self.round += 1;
        let best = match self.best {
            Some(best) if value.partial_cmp(&best.value) != Some(std::cmp::Ordering::Greater) => {
                best
            }
            _ => Best {
                value,
                round: self.round,
                trees,
            },
        };
        self.best = Some(best);
        self.round - best.round >= self.rounds
    }

    /// The best round; `None` before the first.
    #[must_use]
    pub fn best(&self) -> Option<Best> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).expect("not zero")
    }

    /// Feeds values until the watch stops; the rounds fed and the best round.
    fn run(patience: u32, values: &[f64]) -> (usize, u32) {
        let mut watch = Watch::new(rounds(patience));
        let mut fed = 0;
        for value in values {
            fed += 1;
            if watch.stops_after(*value, fed) {
                break;
            }
        }
        (fed as usize, watch.best().expect("fed").trees)
    }

    #[test]
    fn it_stops_after_the_rounds_without_a_higher_value() {
        assert_eq!(run(2, &[0.5, 0.6, 0.55, 0.59, 0.9]), (4, 2));
        assert_eq!(run(3, &[0.5, 0.6, 0.55, 0.59, 0.9, 0.1]), (6, 5));
    }

    #[test]
    fn it_keeps_the_best_and_not_the_worst_or_the_last() {
        assert_eq!(run(10, &[0.3, 0.7, 0.1, 0.2]), (4, 2));
    }

    #[test]
    fn an_equal_value_is_no_improvement() {
        assert_eq!(run(2, &[0.5, 0.5, 0.5, 0.9]), (3, 1));
    }

    #[test]
    fn a_value_that_is_no_number_never_becomes_the_best() {
        assert_eq!(run(2, &[0.5, f64::NAN, 0.6, 0.1]), (4, 3));
    }

    #[test]
    fn metric_names_are_read_and_others_are_refused() {
        let metric: RankingMetric = "ndcg@10".parse().expect("known");
        assert_eq!(
            (metric.lightgbm_name(), metric.position.get()),
            ("ndcg", 10)
        );
        assert_eq!(metric.to_string(), "ndcg@10");
        assert_eq!(
            "map@5"
                .parse::<RankingMetric>()
                .expect("known")
                .lightgbm_name(),
            "map"
        );
        for text in [
            "ndcg",
            "ndcg@",
            "ndcg@0",
            "ndcg@-1",
            "NDCG@5",
            "mrr@10",
            "ndcg@1001",
            "ndcg@5,10",
        ] {
            assert!(text.parse::<RankingMetric>().is_err(), "{text}");
        }
    }
}
