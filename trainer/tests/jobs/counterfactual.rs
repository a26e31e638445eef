//! Estimates from a log with propensities.

use crate::place::Place;

#[test]
fn a_log_is_read_and_a_policy_that_it_says_little_of_is_inconclusive() {
    let place = Place::new();
    let line = |unit: usize, reward: u8, logged: f64| {
        format!(
            "{{\"unit\":\"{unit}\",\"reward\":{reward},\"logged_probability\":{logged},\"target_probability\":0.5}}\n"
        )
    };
    let mut text: String = (0..600)
        .map(|choice| line(choice / 2, u8::from(choice % 5 == 0), 0.5))
        .collect();
    let good = place.write("good.jsonl", &text);
    let found = place.succeed(&["counterfactual", "--log", &good]);
    assert_eq!(
        (&found["choices"], &found["units"]),
        (&600.into(), &300.into())
    );
    assert_eq!(found["inversePropensity"]["value"], 0.2);
    assert_eq!(found["reliability"]["verdict"], "conclusive");
    text += &line(1_000, 1, 1e-6);
    let dominated = place.write("dominated.jsonl", &text);
    let found = place.succeed(&["counterfactual", "--log", &dominated]);
    assert_eq!(found["reliability"]["verdict"], "inconclusive");
    assert_eq!(found["reliability"]["of"], "effectiveSampleSize");
    text += "{\"reward\":1}\n";
    let broken = place.write("broken.jsonl", &text);
    let message = place.refused(&["counterfactual", "--log", &broken], "InvalidData");
    assert!(message.contains("line 602"), "{message}");
}
