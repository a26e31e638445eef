//! Logs of lists that chance put in their order: what the model's order would have earned.

use std::fmt::Write as _;

use searchop_ranking::bundle::MetricsTable;
use searchop_ranking::counterfactual::Reliability;
use serde_json::json;

use crate::place::{Place, train};

const SHOWN: usize = 6;

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }
}

/// Forty products: every second one is a boot, and those are wanted, the red ones most.
fn catalogue() -> String {
    let mut text = "item_id,title,price\n".to_owned();
    for number in 0..40 {
        let kind = if number % 2 == 0 { "boot" } else { "sock" };
        let colour = if number % 4 == 0 { "red" } else { "blue" };
        writeln!(text, "p{number},{colour} {kind} {number},{number}.5").unwrap();
    }
    text
}

/// A log of searches for boots, and the clicks on each list in time order. Lists are in uniformly
/// random order, and say so if they have propensities.
fn log(searches: usize, has_propensities: bool) -> (String, Vec<usize>) {
    let mut dice = Dice(7);
    let (mut text, mut clicks) = (String::new(), Vec::new());
    for search in 0..searches {
        let at = 1_737_000_000_000_i64 + search as i64 * 1_000_000;
        let first = dice.below(40);
        let mut shown: Vec<usize> = (0..SHOWN).map(|step| (first + step * 7) % 40).collect();
        for place in (1..SHOWN).rev() {
            shown.swap(place, dice.below(place + 1));
        }
        let names: Vec<String> = shown.iter().map(|number| format!("p{number}")).collect();
        let mut row = json!({"query_id": format!("q{search}"), "user_query": format!("red boot {}", search % 100),
            "timestamp": at, "query_response_hit_ids": names});
        if has_propensities {
            let propensities = [1.0 / SHOWN as f64; SHOWN];
            row["query_attributes"] = json!({ "propensities": propensities });
        }
        writeln!(text, "{row}").unwrap();
        let mut clicked = 0;
        for (place, (number, name)) in shown.iter().zip(&names).enumerate() {
            let percent = match number % 4 {
                0 => 70,
                2 => 30,
                _ => 4,
            };
            if dice.below(100 * (place + 1)) < percent {
                let row = json!({"action_name": "click", "query_id": format!("q{search}"), "timestamp": at + 400,
                    "event_attributes": {"object": {"object_id": name}}});
                writeln!(text, "{row}").unwrap();
                clicked += 1;
            }
        }
        clicks.push(clicked);
    }
    (text, clicks)
}

fn inputs(place: &Place, log: &str) -> [String; 4] {
    let catalogue = format!("Catalogue={}", place.write("products.csv", &catalogue()));
    let events = format!("Events={}", place.write("log.ndjson", log));
    [
        "--input".to_owned(),
        catalogue,
        "--input".to_owned(),
        events,
    ]
}

fn trained(place: &Place, log: &str, more: &[&str]) -> (String, MetricsTable) {
    let inputs = inputs(place, log);
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let trained = place.succeed(&train(&[&inputs, more].concat()));
    let digest = trained["model"]["sha256"].as_str().unwrap();
    let file = place.path(&format!("store/artifacts/{digest}/files/metrics.json"));
    let table = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    (trained["model"]["uri"].as_str().unwrap().to_owned(), table)
}

#[test]
fn a_model_is_told_what_its_order_would_have_earned_of_held_back_lists() {
    let place = Place::new();
    let (text, clicks) = log(3_000, true);
    for split in [&[][..], &["--split-mode", "Query"]] {
        let (uri, table) = trained(&place, &text, split);
        let found = table.counterfactual.as_ref().unwrap();
        let lists = found.units;
        assert_eq!(found.choices, lists * SHOWN);
        assert_eq!(found.reliability, Reliability::Conclusive, "{found:?}");
        if split.is_empty() {
            // All of the last lists are there, those without a click as well.
            let last = &clicks[clicks.len() - lists..];
            assert!(last.contains(&0), "no list is without a click");
            let earned = last.iter().sum::<usize>() as f64 / found.choices as f64;
            assert!((found.logged.value - earned).abs() < 1e-12, "{found:?}");
            let tested = table.queries.len();
            assert!((tested + 1..1_000).contains(&lists), "{lists} of {tested}");
        }
        // The model puts first what people want, and lists are looked at from the top.
        assert!(
            found.inverse_propensity.low > found.logged.high,
            "{found:?}"
        );
        assert!((found.mean_weight - 1.0).abs() < 0.3, "{found:?}");
        let digest = uri.rsplit('/').next().unwrap();
        let page = place.path(&format!("store/artifacts/{digest}/files/report.html"));
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains("<h2>Counterfactual estimate</h2>"));

        let inputs = inputs(&place, &text);
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let again = [&["evaluate", "--bundle-uri", &uri][..], &inputs].concat();
        let output = place.command(&again).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let line = format!("inverse propensity   {:.6}", found.inverse_propensity.value);
        assert!(told.contains(&line), "{line} is not in {told}");
    }
}

#[test]
fn few_lists_are_inconclusive_and_none_are_not_applicable() {
    let place = Place::new();
    let (_, table) = trained(&place, &log(400, true).0, &[]);
    let found = table.counterfactual.unwrap();
    assert!(
        matches!(found.reliability, Reliability::Inconclusive { .. }),
        "{found:?}"
    );
    let (text, _) = log(400, false);
    let (uri, table) = trained(&place, &text, &[]);
    assert_eq!(table.counterfactual, None);
    let inputs = inputs(&place, &text);
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let again = [&["evaluate", "--bundle-uri", &uri][..], &inputs].concat();
    let output = place.command(&again).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains(
            "clicks by item shown: not applicable: no list with propensities was held back"
        ),
        "{told}"
    );
}
