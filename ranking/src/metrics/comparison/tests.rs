//! Comparisons with values worked out by hand, and on simulated rankings.

use super::*;

fn values<'a>(of: &[(&'a str, &'a str, Option<f64>)]) -> Vec<QueryValue<'a>> {
    of.iter()
        .map(|(query, text, value)| QueryValue {
            query,
            text,
            value: *value,
        })
        .collect()
}

#[test]
fn queries_are_matched_by_name_and_those_without_a_partner_are_counted() {
    let first = values(&[
        ("1", "tea", Some(0.9)),
        ("2", "tea", Some(0.5)),
        ("3", "cup", None),
        ("4", "pot", Some(0.1)),
        ("5", "jug", Some(0.3)),
    ]);
    let second = values(&[
        ("5", "jug", Some(0.3)),
        ("4", "pot", Some(0.4)),
        ("3", "cup", Some(1.0)),
        ("1", "tea", Some(0.5)),
        ("6", "mug", Some(0.2)),
    ]);
    let comparison = compare(&first, &second, &Bootstrap::seeded(1)).unwrap();
    assert_eq!((comparison.queries, comparison.texts), (3, 3));
    assert_eq!((comparison.better, comparison.worse), (1, 1));
    assert_eq!(comparison.unmatched, 3);
    assert!((comparison.difference - 0.1 / 3.0).abs() < 1e-12);
    assert!((comparison.first - comparison.second - comparison.difference).abs() < 1e-12);
    // +0.4 and -0.3: of the four signs all reach 0.1.
    assert_eq!(comparison.p_value, 1.0);
    assert_eq!(
        compare(&first, &second, &Bootstrap::seeded(1)),
        Ok(comparison)
    );
}

#[test]
fn the_exact_test_counts_assignments_of_signs() {
    for (differences, expected) in [
        (&[0.1, 0.1, 0.1][..], 2.0 / 8.0),
        (&[0.3, 0.2, 0.1], 2.0 / 8.0),
        (&[0.3, -0.2, 0.1], 6.0 / 8.0),
        (&[-0.25, 0.0, 0.0], 1.0),
        (&[0.0, 0.0], 1.0),
    ] {
        let p_value = randomisation_test(differences, &Bootstrap::seeded(1));
        assert_eq!(p_value, expected, "{differences:?}");
    }
}

#[test]
fn a_drawn_test_agrees_with_the_exact_one_and_is_never_zero() {
    let differences: Vec<f64> = (0..12).map(|it| f64::from(it) / 10.0 - 0.3).collect();
    let exact = randomisation_test(&differences, &Bootstrap::seeded(1));
    let mut more = differences;
    // Too small to matter, but one more than are tried exactly.
    more.push(1e-9);
    let drawn = randomisation_test(&more, &Bootstrap::seeded(1));
    assert!((exact - drawn).abs() < 0.02, "{exact} {drawn}");
    let clear = randomisation_test(&[0.1; 100], &Bootstrap::seeded(1));
    assert_eq!(clear, 1.0 / 2_001.0);
}

#[test]
fn rankings_of_different_data_are_refused_by_name() {
    let one = values(&[("1", "tea", Some(0.9))]);
    let bootstrap = Bootstrap::seeded(1);
    let twice = values(&[("1", "tea", Some(0.9)), ("1", "tea", None)]);
    assert_eq!(
        compare(&one, &twice, &bootstrap),
        Err(ComparisonError::QueryTwice {
            query: "1".into(),
            which: "second"
        })
    );
    let other = values(&[("1", "cup", Some(0.9))]);
    assert!(
        compare(&one, &other, &bootstrap)
            .unwrap_err()
            .to_string()
            .contains(r#""tea" in one ranking and "cup" in the other"#)
    );
    let none = values(&[("1", "tea", None)]);
    assert_eq!(
        compare(&one, &none, &bootstrap),
        Err(ComparisonError::NothingInCommon)
    );
}

/// Uniform in [-1, 1), from coins.
fn noise(coins: &mut Coins) -> f64 {
    let bits = (0..20).fold(0_u32, |bits, _| bits << 1 | u32::from(coins.toss()));
    f64::from(bits) / f64::from(1 << 19) - 1.0
}

/// How many of 1,000 simulated comparisons have an interval without 0 and a p-value below 0.05.
/// 40 texts with 5 searches each differ by `shift` and noise that searches of a text share.
fn found_different(shift: f64) -> (usize, usize) {
    let texts: Vec<String> = (0..40).map(|text| text.to_string()).collect();
    let mut coins = Coins::seeded(7);
    let bootstrap = Bootstrap::seeded(3).with(400, 0.95);
    let (mut by_interval, mut by_test) = (0, 0);
    for _ in 0..1_000 {
        let mut pairs = Vec::new();
        for text in &texts {
            let shared = noise(&mut coins);
            for _ in 0..5 {
                pairs.push((text.as_str(), shift + shared + 0.2 * noise(&mut coins), 0.0));
            }
        }
        let comparison = of_pairs(&pairs, 0, &bootstrap);
        let interval = comparison.interval.unwrap();
        by_interval += usize::from(interval.low > 0.0 || interval.high < 0.0);
        by_test += usize::from(comparison.p_value < 0.05);
    }
    (by_interval, by_test)
}

#[test]
fn of_1000_comparisons_without_a_difference_about_one_in_twenty_finds_one() {
    let (by_interval, by_test) = found_different(0.0);
    assert!((30..=75).contains(&by_interval), "{by_interval}");
    assert!((30..=70).contains(&by_test), "{by_test}");
}

#[test]
fn a_clear_difference_is_found() {
    let (by_interval, by_test) = found_different(0.4);
    assert!(by_interval > 970, "{by_interval}");
    assert!(by_test > 970, "{by_test}");
}
