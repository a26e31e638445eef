//! Model texts: whatever the text, reading it gives a model or an error. A model scores its rows
//! with the same bits in every way and with every set of instructions, and explains them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use searchop_ranking::model::{RankingModel, normalise};

/// Rows that are scored; more than a group has.
const ROWS: usize = 70;

/// Values that every model is asked for.
const VALUES: [f64; 12] = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    33.0,
    1e-35,
    -1e-36,
    2_147_483_648.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -1e300,
];

/// Values for rows: those above, and the numbers of the text with their neighbours.
fn values(text: &str) -> Vec<f64> {
    let mut values = VALUES.to_vec();
    let words = text.split([' ', '\n', '=']);
    for number in words.filter_map(|word| word.parse::<f64>().ok()).take(400) {
        values.extend([number, number.next_up(), number.next_down()]);
    }
    values
}

fuzz_target!(|text: &str| {
    let normal = normalise(text);
    assert_eq!(normalise(&normal), normal);
    let Ok(model) = RankingModel::parse(text) else {
        return;
    };
    let values = values(text);
    let width = model.feature_count();
    // Strides that share no divisor with most lengths, so that rows differ.
    let value = |index: usize| values[(index * 7_919 + index / width * 31) % values.len()];
    let rows: Vec<f64> = (0..ROWS * width).map(value).collect();
    let expected: Vec<u64> = rows
        .chunks_exact(width)
        .map(|row| model.score(row).to_bits())
        .collect();
    for (way, scores) in model.score_rows_in_every_way(&rows) {
        let scores: Vec<u64> = scores.into_iter().map(f64::to_bits).collect();
        assert_eq!(scores, expected, "{way}");
    }
    for row in rows.chunks_exact(width).take(4) {
        assert_eq!(model.contributions(row).len(), width + 1);
    }
});
