//! Which queries are shown.

use std::collections::HashSet;

/// How many improved and how many hurt queries a report shows.
pub const MOST_CHANGED: usize = 20;

/// The places of the queries that the model improves most, and of those that it hurts most, each at
/// most `limit`, the largest change first and equal ones in their order. A text is in each list
/// once. All slices are in the order of the queries.
#[must_use]
pub fn most_changed(
    model: &[Option<f64>],
    other: &[Option<f64>],
    texts: &[String],
    limit: usize,
) -> (Vec<usize>, Vec<usize>) {
    let mut changes: Vec<(usize, f64)> = model
        .iter()
        .zip(other)
        .enumerate()
        .filter_map(|(query, (model, other))| Some((query, (*model)? - (*other)?)))
        .collect();
    // Stable, so that equal changes stay in their order.
    changes.sort_by(|first, second| second.1.total_cmp(&first.1));
    let chosen = |in_order: &mut dyn Iterator<Item = &(usize, f64)>| {
        let mut seen = HashSet::new();
        in_order
            .map(|(query, _)| *query)
            .filter(|query| seen.insert(texts[*query].as_str()))
            .take(limit)
            .collect()
    };
    let improved = chosen(&mut changes.iter().take_while(|change| change.1 > 0.0));
    changes.sort_by(|first, second| first.1.total_cmp(&second.1));
    let hurt = chosen(&mut changes.iter().take_while(|change| change.1 < 0.0));
    (improved, hurt)
}

#[cfg(test)]
mod tests {
    use super::most_changed;

    #[test]
    fn the_largest_changes_come_first_and_a_text_once() {
        let model = [
            Some(0.9),
            Some(0.9),
            Some(0.1),
            Some(0.5),
            None,
            Some(0.4),
            Some(0.2),
        ];
        let other = [
            Some(0.1),
            Some(0.5),
            Some(0.9),
            Some(0.5),
            Some(1.0),
            Some(0.2),
            Some(0.4),
        ];
        let texts = ["a", "b", "c", "d", "e", "a", "f"].map(str::to_owned);
        let (improved, hurt) = most_changed(&model, &other, &texts, 20);
        assert_eq!((improved, hurt), (vec![0, 1], vec![2, 6]));
        let (improved, hurt) = most_changed(&model, &other, &texts, 1);
        assert_eq!((improved, hurt), (vec![0], vec![2]));
        assert_eq!(most_changed(&[], &[], &[], 5), (vec![], vec![]));
    }
}
