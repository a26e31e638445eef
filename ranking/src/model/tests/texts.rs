//! Texts of models: what normalising leaves of them, and that no text makes a reader fail.

use proptest::prelude::*;

use super::*;
use crate::model::numbers::Number;

#[test]
fn normalising_removes_what_names_a_machine_and_nothing_else() {
    let parameters = |threads: u32, data: &str| {
        format!(
            "{HAND_MADE}\nparameters:\n[objective: lambdarank]\n[data: {data}]\n[num_threads: {threads}]\n[seed: 42]\n\nend of parameters\n"
        )
    };
    let first = normalise(&parameters(4, "/tmp/a"));
    assert_eq!(first, normalise(&parameters(16, "/home/b")));
    assert_eq!(
        first,
        normalise(&first),
        "normalising twice changes nothing"
    );
    assert_eq!(first, normalise(&first.replace('\n', "\r\n")));
    // However many.
    assert_eq!(first, normalise(&first.replace('\n', "\r\r\n")));
    assert!(first.contains("[seed: 42]") && first.contains("end of parameters"));
    assert!(!first.contains("num_threads") && !first.contains("/tmp/a"));
    assert_eq!(RankingModel::parse(&first), RankingModel::parse(HAND_MADE));
    let with_parser = format!("{HAND_MADE}\nparser:\n{{\"file\":\"/tmp/x\"}}\nend of parser\n");
    assert_eq!(normalise(&with_parser), normalise(HAND_MADE));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A mutated model either scores every row without a panic or is refused.
    #[test]
    fn mutated_models_never_panic(
        fixture in 0_usize..5,
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            Just(String::new()), "[0-9]{1,12}", "-[0-9]{1,20}", "[ =\n.e-]", "(nan|inf|1e999|Tree=0|\u{fffd})",
        ], 0_usize..6), 1..5),
    ) {
        let mut text = if fixture == 4 { HAND_MADE } else { FIXTURES[fixture].1 }.to_owned();
        for (position, insert, removed) in edits {
            let start = position.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, &insert);
            }
        }
        if let Ok(model) = RankingModel::parse(&text) {
            for value in [0.0, 1.5, -3.0, 40.0, f64::NAN, f64::INFINITY, -1e300] {
                let row = vec![value; model.feature_count()];
                let score = model.score(&row);
                prop_assert_eq!(score_rows(&model, &row)[0].to_bits(), score.to_bits());
                let _ = model.contributions(&row);
            }
        }
    }

    /// Numbers in every notation are read as the standard reader reads them, to the last bit,
    /// and no other text is taken for numbers.
    #[test]
    fn numbers_are_what_the_standard_reader_says(
        words in prop::collection::vec(
            prop_oneof![
                8 => (-1e3_f64..1e3).prop_map(|number| number.to_string()),
                8 => (-1.0_f64..1.0, -12_i32..3).prop_map(|(number, power)| format!("{number}e{power:03}")),
                4 => (any::<u64>(), 0_usize..30).prop_map(|(digits, places)| {
                    let digits = format!("{digits:031}");
                    format!("{}.{}", &digits[..31 - places], &digits[31 - places..])
                }),
                // Halves between neighbouring numbers, and what is next to them.
                8 => (0_u64..1 << 53, 1_usize..11, -1_i64..=1).prop_map(|(half, places, off)| {
                    let five = 5_u128.pow(places as u32) * u128::from(half * 2 + 1);
                    let digits = format!("{:040}", five.checked_add_signed(off.into()).unwrap_or(1));
                    format!("{}.{}", &digits[..40 - places], &digits[40 - places..])
                }),
                2 => any::<f64>().prop_map(|number| format!("{number:e}")),
                2 => any::<f64>().prop_map(|number| number.to_string()),
                1 => "-?[0-9]{1,22}",
                1 => "-?[0-9]{0,2}[.]?[0-9]{0,3}(e[-+]?[0-9]{0,3})?",
                1 => "[-+0-9.einfa:/ ]{0,9}",
            ],
            1..12,
        ),
    ) {
        let text = words.join(" ");
        let expected: Option<Vec<u64>> = text
            .split_ascii_whitespace()
            .map(|word| word.parse().ok().map(f64::to_bits))
            .collect();
        let mut values = Vec::new();
        if f64::read_all(&text, &mut values) {
            prop_assert_eq!(Some(values.into_iter().map(f64::to_bits).collect::<Vec<u64>>()), expected);
        } else {
            prop_assert!(expected.is_none() || text.split(' ').any(str::is_empty));
        }
    }

    /// Whole numbers of every length are read as the standard reader reads them, and no
    /// other text is taken for numbers.
    #[test]
    fn whole_numbers_are_what_the_standard_reader_says(
        words in prop::collection::vec(
            prop_oneof![
                4 => any::<i64>().prop_map(|number| number.to_string()),
                8 => (-20_000_000_i64..20_000_000).prop_map(|number| number.to_string()),
                8 => (-200_i64..200).prop_map(|number| number.to_string()),
                1 => "[-+0-9a:/ ]{0,9}",
            ],
            1..12,
        ),
    ) {
        let text = words.join(" ");
        let expected: Option<Vec<i64>> =
            text.split_ascii_whitespace().map(|word| word.parse().ok()).collect();
        let mut values = Vec::new();
        if i64::read_all(&text, &mut values) {
            prop_assert_eq!(Some(values), expected);
        } else {
            // It may deny what is unusual, and then each word is read.
            prop_assert!(expected.is_none() || text.split(' ').any(str::is_empty));
        }
    }
}
