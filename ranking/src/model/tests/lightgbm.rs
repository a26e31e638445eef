//! Parity with LightGBM on the small models of `tests/fixtures`.

use super::{FIXTURES, score_rows};
use crate::model::RankingModel;

/// A row, and the score that LightGBM gave it.
fn case(line: &str) -> (Vec<f64>, f64) {
    let (score, row) = line.split_once('\t').unwrap();
    (numbers(row), score.parse().unwrap())
}

fn numbers(words: &str) -> Vec<f64> {
    words.split(' ').map(|word| word.parse().unwrap()).collect()
}

#[test]
fn scores_have_the_bits_of_lightgbm_on_every_kind_of_split_and_extreme_value() {
    for (name, text, cases, _) in FIXTURES {
        let model = RankingModel::parse(text).unwrap();
        assert_eq!(model.tree_count(), 6, "{name}");
        assert_eq!(model.averages_output(), name == "random-forest");
        let (rows, expected): (Vec<_>, Vec<_>) = cases.lines().map(case).unzip();
        let together = score_rows(&model, &rows.concat());
        for (line, (row, expected)) in rows.iter().zip(expected).enumerate() {
            for score in [model.score(row), score_rows(&model, row)[0], together[line]] {
                assert_eq!(
                    score.to_bits(),
                    expected.to_bits(),
                    "{name}, line {}: {row:?}",
                    line + 1
                );
            }
        }
    }
}

#[test]
fn contributions_are_those_of_lightgbm_and_add_up_to_the_score() {
    for (name, text, cases, contributions) in FIXTURES {
        let model = RankingModel::parse(text).unwrap();
        assert_eq!(cases.lines().count(), contributions.lines().count());
        for (line, (case_line, expected)) in cases.lines().zip(contributions.lines()).enumerate() {
            let (row, score) = case(case_line);
            let found = model.contributions(&row);
            let expected = numbers(expected);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() < 1e-10,
                    "{name}, line {}: {found} instead of {expected}",
                    line + 1
                );
            }
            assert!((found.iter().sum::<f64>() - score).abs() < 1e-10);
        }
    }
}
