//! The area under the ROC curve of one query.

/// The probability that a relevant document scores above one that is not relevant, both drawn
/// at random from the query's documents; equal scores count half.
///
/// `None` where no such pair is: all documents are relevant, or none is. Unlike the other
/// metrics it needs the scores, not only the order: a model that gives every document the same
/// score has 0.5, whatever the order of its input.
///
/// # Panics
/// When there is not one score for each label.
#[must_use]
pub fn area_under_curve(scores: &[f64], labels: &[u8], relevant_from: u8) -> Option<f64> {
    assert_eq!(scores.len(), labels.len(), "one score for each label");
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|first, second| scores[*first].total_cmp(&scores[*second]));
    // Twice the number of pairs in the right order, counted whole: no rounding.
    let (mut won, mut irrelevant_below) = (0_u64, 0_u64);
    let mut relevant = 0_u64;
    // `==`, so that 0 and -0 are equal.
    for tied in order.chunk_by(|first, second| scores[*first] == scores[*second]) {
        let relevant_here = tied
            .iter()
            .filter(|row| labels[**row] >= relevant_from)
            .count() as u64;
        let irrelevant_here = tied.len() as u64 - relevant_here;
        won += relevant_here * (2 * irrelevant_below + irrelevant_here);
        irrelevant_below += irrelevant_here;
        relevant += relevant_here;
    }
    let pairs = relevant * irrelevant_below;
    (pairs > 0).then(|| won as f64 / (2 * pairs) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::area_under_curve;

    #[test]
    fn it_is_the_share_of_pairs_in_the_right_order_and_ties_count_half() {
        for (scores, labels, expected) in [
            (&[0.9, 0.5, 0.1][..], &[1, 0, 0][..], Some(1.0)),
            (&[0.9, 0.5, 0.1], &[0, 0, 1], Some(0.0)),
            (&[0.9, 0.5, 0.1], &[0, 1, 0], Some(0.5)),
            (&[0.5, 0.5, 0.5], &[3, 0, 0], Some(0.5)),
            (&[0.0, -0.0], &[1, 0], Some(0.5)),
            (&[0.5, 0.5, 0.1], &[1, 0, 0], Some(0.75)),
            (&[f64::INFINITY, f64::NEG_INFINITY], &[1, 0], Some(1.0)),
            (&[0.1, 0.2], &[1, 1], None),
            (&[0.1, 0.2], &[0, 0], None),
            (&[], &[], None),
        ] {
            assert_eq!(area_under_curve(scores, labels, 1), expected, "{scores:?}");
        }
        assert_eq!(area_under_curve(&[0.2, 0.1], &[1, 2], 2), Some(0.0));
    }

    proptest! {
        #[test]
        fn it_is_what_counting_every_pair_gives(
            rows in prop::collection::vec((0_u8..5, 0_u8..3), 0..30),
        ) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let labels: Vec<u8> = rows.iter().map(|row| row.1).collect();
            let (mut sum, mut pairs) = (0.0, 0.0);
            for good in rows.iter().filter(|row| row.1 > 0) {
                for bad in rows.iter().filter(|row| row.1 == 0) {
                    pairs += 1.0;
                    sum += match good.0.cmp(&bad.0) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            let expected = (pairs > 0.0).then_some(sum / pairs);
            prop_assert_eq!(area_under_curve(&scores, &labels, 1), expected);
        }
    }
}
