//! Counterfactual estimates and click rates on a real shop's impressions: the small Open Bandit
//! Dataset, where `SEARCHOP_TEST_DATA` has it.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use searchop_ranking::counterfactual::{
    ChoiceLog, EstimationOptions, LoggedChoice, Reliability, Shortage, estimate,
};
use searchop_ranking::metrics::Proportion;
use searchop_ranking::metrics::statistics::Bootstrap;

#[path = "jobs/test_data.rs"]
mod test_data;

use test_data::test_data;

struct Impression {
    item: u32,
    position: usize,
    is_clicked: bool,
    propensity: f64,
}

fn impressions(folder: &Path, policy: &str, campaign: &str) -> Vec<Impression> {
    let path = folder.join(format!("{policy}/{campaign}/{campaign}.csv.gz"));
    let lines = BufReader::new(MultiGzDecoder::new(File::open(path).unwrap())).lines();
    lines
        .skip(1)
        .map(|line| {
            let line = line.unwrap();
            let fields: Vec<&str> = line.split(',').take(6).collect();
            Impression {
                item: fields[2].parse().unwrap(),
                position: fields[3].parse().unwrap(),
                is_clicked: fields[4] == "1",
                propensity: fields[5].parse().unwrap(),
            }
        })
        .collect()
}

/// The number after `name` in a line of the reference, without its unit.
fn told(line: &str, name: &str) -> f64 {
    let rest = &line[line.find(name).unwrap() + name.len()..];
    let number = rest.trim_start_matches([' ', '[']);
    let end = number.find(|it: char| !it.is_ascii_digit() && it != '.');
    number[..end.unwrap_or(number.len())].parse().unwrap()
}

#[test]
fn estimates_on_a_real_shop_have_the_reference_s_figures() {
    let Some(folder) = test_data("obd-zozo") else {
        return;
    };
    let reference = std::fs::read_to_string(folder.join("reference.txt")).unwrap();
    for campaign in ["all", "men", "women"] {
        let of_campaign = reference.split(&format!("== {campaign}:")).nth(1).unwrap();
        let line = of_campaign
            .lines()
            .find(|line| line.contains("IPS"))
            .unwrap();
        let random = impressions(&folder, "random", campaign);
        let items = random.iter().map(|it| it.item).max().unwrap() + 1;
        let choices: Vec<LoggedChoice> = impressions(&folder, "bts", campaign)
            .iter()
            .map(|it| LoggedChoice {
                reward: f64::from(u8::from(it.is_clicked)),
                logged_probability: it.propensity,
                target_probability: 1.0 / f64::from(items),
            })
            .collect();
        let log = ChoiceLog {
            choices: &choices,
            boundaries: None,
        };
        let options = EstimationOptions {
            clip: None,
            bootstrap: Bootstrap::seeded(1),
        };
        let found = estimate(&log, &options).unwrap();
        eprintln!("{campaign}: {found:#?}");
        let percent = |value: f64| format!("{:.4}", value * 100.0);
        let ips = found.inverse_propensity;
        assert_eq!(percent(ips.value), format!("{:.4}", told(line, ": IPS")));
        let self_normalised = found.self_normalised.unwrap();
        assert_eq!(
            percent(self_normalised.value),
            format!("{:.4}", told(line, "SNIPS"))
        );
        assert_eq!(
            format!("{:.4}", found.mean_weight),
            format!("{:.4}", told(line, "mean weight"))
        );
        assert_eq!(
            format!("{:.0}", found.effective_sample_size),
            format!("{:.0}", told(line, "ESS"))
        );
        // The reference drew other resamples.
        let (low, high) = (told(line, "["), told(line, "%, "));
        for (end, expected) in [(ips.low, low), (ips.high, high)] {
            let apart = (end * 100.0 - expected).abs();
            assert!(
                apart < 0.06 * (high - low),
                "{campaign}: {end} for {expected} %"
            );
        }
        let truth = told(line, "on-policy truth") / 100.0;
        if campaign == "women" {
            assert!(matches!(
                found.reliability,
                Reliability::Inconclusive {
                    of: Shortage::EffectiveSampleSize,
                    ..
                }
            ));
        } else {
            assert_eq!(found.reliability, Reliability::Conclusive);
            assert!((ips.low..=ips.high).contains(&truth), "{campaign}: {ips:?}");
        }
    }
}

#[test]
fn click_rates_by_position_have_the_reference_s_counts_and_hold_them() {
    let Some(folder) = test_data("obd-zozo") else {
        return;
    };
    let reference = std::fs::read_to_string(folder.join("reference.txt")).unwrap();
    for campaign in ["all", "men", "women"] {
        for policy in ["random", "bts"] {
            let of_campaign = reference.split(&format!("== {campaign}:")).nth(1).unwrap();
            let line = of_campaign
                .lines()
                .skip(1)
                .find(|line| line.trim_start().starts_with(policy))
                .unwrap();
            let mut positions = [Proportion::default(); 3];
            for impression in impressions(&folder, policy, campaign) {
                let position = &mut positions[impression.position - 1];
                position.of += 1;
                position.hits += u64::from(impression.is_clicked);
            }
            for position in positions {
                let expected = format!("({}/{})", position.hits, position.of);
                assert!(line.contains(&expected), "{expected} is not in {line}");
                let interval = position.interval().unwrap();
                let rate = position.value().unwrap();
                assert!(0.0 < interval.low && interval.low < rate && rate < interval.high);
            }
        }
    }
}
