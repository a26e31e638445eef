//! The metrics of one query, from the labels of its ranked documents.

use super::area_under_curve::area_under_curve;
use super::conventions::{Conventions, EmptyQueries, Gain, Metric};

/// A metric of one query; `None` when the conventions leave the query out.
///
/// `ranked` are the labels of the ranked documents, best first; `judged` are the
/// labels of all documents known for the query, ranked or not, in any order: what
/// an ideal ranking would be made of. For rows that are all ranked they are the
/// same labels. The area under the curve is one of an order without ties: where there are scores,
/// [`evaluate`](super::evaluate) takes those.
#[must_use]
pub fn measure(
    metric: Metric,
    conventions: &Conventions,
    ranked: &[u8],
    judged: &[u8],
) -> Option<f64> {
    let is_relevant = |label: &u8| *label >= conventions.relevant_from;
    let relevant = judged.iter().filter(|label| is_relevant(label)).count();
    if relevant == 0 && metric != Metric::AreaUnderCurve {
        return match conventions.empty_queries {
            EmptyQueries::Skip => None,
            EmptyQueries::One => Some(1.0),
            EmptyQueries::Zero => Some(0.0),
        };
    }
    let found_in = |k: usize| {
        ranked
            .iter()
            .take(k)
            .filter(|label| is_relevant(label))
            .count() as f64
    };
    Some(match metric {
        Metric::Ndcg(cutoff) => {
            let cutoff = cutoff.map_or(usize::MAX, usize::from);
            let mut ideal = judged.to_vec();
            ideal.sort_unstable_by(|first, second| second.cmp(first));
            let ideal = discounted_gain(&ideal, cutoff, &conventions.gain);
            // With `relevant_from` 0, or with stated gains of 0, a query may count and still have
            // nothing to gain. Of the latter no order is better than another.
            if ideal == 0.0 {
                if matches!(conventions.gain, Gain::Stated(_))
                    && conventions.empty_queries == EmptyQueries::Skip
                {
                    return None;
                }
                0.0
            } else {
                discounted_gain(ranked, cutoff, &conventions.gain) / ideal
            }
        }
        Metric::AveragePrecision => {
            let ranks = ranked
                .iter()
                .enumerate()
                .filter(|(_, label)| is_relevant(label));
            let precisions = ranks
                .enumerate()
                .map(|(found, (rank, _))| (found + 1) as f64 / (rank + 1) as f64);
            precisions.sum::<f64>() / relevant as f64
        }
        Metric::ReciprocalRank => ranked
            .iter()
            .position(is_relevant)
            .map_or(0.0, |rank| 1.0 / (rank + 1) as f64),
        Metric::Recall(k) => found_in(k.get()) / relevant as f64,
        Metric::Precision(k) => found_in(k.get()) / k.get() as f64,
        Metric::AreaUnderCurve => {
            let places: Vec<f64> = (0..ranked.len()).rev().map(|place| place as f64).collect();
            area_under_curve(&places, ranked, conventions.relevant_from)?
        }
    })
}

fn discounted_gain(labels: &[u8], cutoff: usize, gain: &Gain) -> f64 {
    let ranked = labels.iter().take(cutoff).enumerate();
    // From libm, not the system's mathematics: the same bits on every machine.
    ranked
        .map(|(rank, label)| gain.of(*label) / libm::log2((rank + 2) as f64))
        .sum()
}
