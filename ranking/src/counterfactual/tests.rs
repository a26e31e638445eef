//! Estimates worked out by hand, and simulated logs whose truth is known.

use super::*;
use crate::generate::random::Stream;

fn options(seed: u64) -> EstimationOptions {
    EstimationOptions {
        clip: None,
        bootstrap: Bootstrap::seeded(seed),
    }
}

fn choice(reward: f64, logged: f64, target: f64) -> LoggedChoice {
    LoggedChoice {
        reward,
        logged_probability: logged,
        target_probability: target,
    }
}

fn estimate_of(choices: &[LoggedChoice]) -> Result<CounterfactualEstimate, CounterfactualError> {
    let log = ChoiceLog {
        choices,
        boundaries: None,
    };
    estimate(&log, &options(1))
}

#[test]
fn estimates_have_the_values_of_a_worked_example() {
    let choices = [
        choice(1.0, 0.5, 0.25),
        choice(0.0, 0.5, 0.25),
        choice(1.0, 0.1, 0.3),
        choice(0.0, 0.5, 0.5),
    ];
    let found = estimate_of(&choices).unwrap();
    assert_eq!((found.choices, found.units, found.clip), (4, 4, 2.0));
    let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-12, "{value}");
    near(found.logged.value, 0.5);
    near(found.inverse_propensity.value, (0.5 + 3.0) / 4.0);
    near(found.self_normalised.unwrap().value, 3.5 / 5.0);
    near(found.clipped.value, (0.5 + 2.0) / 4.0);
    near(found.mean_weight, 1.25);
    near(
        found.effective_sample_size,
        25.0 / (0.25 + 0.25 + 9.0 + 1.0),
    );
    near(found.effective_rewards, 3.5 * 3.5 / (0.25 + 9.0));
    assert_eq!(found.clipped_choices, 1);
    assert_eq!(
        found.reliability.to_string(),
        "inconclusive: an effective sample size of 2, 100 needed"
    );
    assert_eq!(estimate_of(&choices).unwrap(), found);
}

#[test]
fn the_policy_that_logged_has_what_was_logged() {
    let choices: Vec<_> = (0..400_u32)
        .map(|place| choice(f64::from(u8::from(place % 4 == 0)), 0.3, 0.3))
        .collect();
    let found = estimate_of(&choices).unwrap();
    assert_eq!(found.inverse_propensity, found.logged);
    assert_eq!(found.self_normalised, Some(found.logged));
    assert_eq!(found.clipped, found.logged);
    assert_eq!(found.reliability, Reliability::Conclusive);
    assert!((found.effective_sample_size - 400.0).abs() < 1e-9);
}

#[test]
fn a_policy_that_chooses_nothing_of_the_log_is_inconclusive() {
    let found = estimate_of(&[choice(1.0, 0.5, 0.0); 500]).unwrap();
    assert_eq!(found.inverse_propensity.value, 0.0);
    assert_eq!(found.self_normalised, None);
    assert!(matches!(
        found.reliability,
        Reliability::Inconclusive {
            of: Shortage::EffectiveSampleSize,
            ..
        }
    ));
}

#[test]
fn numbers_that_cannot_be_are_refused_by_their_place() {
    let good = choice(1.0, 0.5, 0.5);
    for (bad, part) in [
        (
            choice(1.0, 0.0, 0.5),
            "choice 1: logged_probability 0 is not above 0",
        ),
        (choice(1.0, 1.5, 0.5), "logged_probability 1.5"),
        (choice(1.0, f64::NAN, 0.5), "logged_probability NaN"),
        (choice(1.0, 1e-101, 0.5), "too small to divide by"),
        (choice(1.0, 0.5, -0.1), "target_probability -0.1"),
        (choice(1.0, 0.5, f64::NAN), "target_probability NaN"),
        (choice(f64::INFINITY, 0.5, 0.5), "reward inf"),
    ] {
        let error = estimate_of(&[good, bad]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(estimate_of(&[]), Err(CounterfactualError::Empty));
    for boundaries in [&[][..], &[0, 1][..], &[1, 2][..], &[0, 2, 1, 2][..]] {
        let log = ChoiceLog {
            choices: &[good, good],
            boundaries: Some(boundaries),
        };
        let error = CounterfactualError::Boundaries { choices: 2 };
        assert_eq!(estimate(&log, &options(1)), Err(error));
    }
    let log = ChoiceLog {
        choices: &[good],
        boundaries: None,
    };
    let clip = EstimationOptions {
        clip: Some(0.0),
        ..options(1)
    };
    assert_eq!(estimate(&log, &clip), Err(CounterfactualError::Clip(0.0)));
}

const ITEMS: usize = 8;
const KINDS: usize = 5;

/// A shop in which both policies and the click rates are known.
struct Shop {
    logging: [[f64; ITEMS]; KINDS],
    target: [[f64; ITEMS]; KINDS],
    click: [[f64; ITEMS]; KINDS],
}

impl Shop {
    /// Policies prefer items by chance; `contrast` is by how much.
    fn new(seed: u64, contrast: f64) -> Self {
        let mut stream = Stream::new(seed, "shop", 0);
        let mut policy = || {
            [(); KINDS].map(|()| {
                let weights = [(); ITEMS].map(|()| libm::exp(contrast * stream.normal()));
                let sum: f64 = weights.iter().sum();
                weights.map(|weight| weight / sum)
            })
        };
        let (logging, target) = (policy(), policy());
        let click = [(); KINDS].map(|()| [(); ITEMS].map(|()| stream.between(0.02, 0.4)));
        Self {
            logging,
            target,
            click,
        }
    }

    fn truth(&self) -> f64 {
        let of_kind = |kind: usize| -> f64 {
            (0..ITEMS)
                .map(|item| self.target[kind][item] * self.click[kind][item])
                .sum()
        };
        (0..KINDS).map(of_kind).sum::<f64>() / KINDS as f64
    }

    /// `visits` of `choices` each, all of one kind.
    fn log(&self, number: u64, visits: usize, choices: usize) -> Vec<LoggedChoice> {
        let mut stream = Stream::new(11, "log", number);
        let mut log = Vec::with_capacity(visits * choices);
        for _ in 0..visits {
            let kind = stream.below(KINDS);
            for _ in 0..choices {
                let cumulative = crate::generate::random::cumulative(self.logging[kind]);
                let item = stream.weighted(&cumulative);
                let is_clicked = stream.chance(self.click[kind][item]);
                log.push(choice(
                    f64::from(u8::from(is_clicked)),
                    self.logging[kind][item],
                    self.target[kind][item],
                ));
            }
        }
        log
    }
}

/// Of 1,000 logs, in how many the interval holds the truth: inverse propensity, self-normalised,
/// clipped; and how many are conclusive.
fn coverage(shop: &Shop, visits: usize, choices: usize) -> [usize; 4] {
    let truth = shop.truth();
    let boundaries: Vec<usize> = (0..=visits).map(|visit| visit * choices).collect();
    let mut covered = [0; 4];
    for number in 0..1_000 {
        let log = shop.log(number, visits, choices);
        let options = EstimationOptions {
            clip: None,
            bootstrap: Bootstrap::seeded(number).with(400, 0.95),
        };
        let log = ChoiceLog {
            choices: &log,
            boundaries: Some(&boundaries),
        };
        let found = estimate(&log, &options).unwrap();
        let holds = |estimate: Estimate| (estimate.low..=estimate.high).contains(&truth);
        covered[0] += usize::from(holds(found.inverse_propensity));
        covered[1] += usize::from(found.self_normalised.is_some_and(holds));
        covered[2] += usize::from(holds(found.clipped));
        covered[3] += usize::from(found.reliability == Reliability::Conclusive);
    }
    covered
}

#[test]
fn intervals_cover_the_truth_in_93_to_97_percent_of_1000_logs() {
    for seed in [1, 2] {
        let covered = coverage(&Shop::new(seed, 0.4), 500, 1);
        eprintln!("covered by IPS, self-normalised, clipped; conclusive: {covered:?}");
        for (name, covered) in ["IPS", "self-normalised", "clipped"].iter().zip(covered) {
            assert!((930..=970).contains(&covered), "{name}: {covered} of 1000");
        }
        assert_eq!(covered[3], 1_000);
    }
}

#[test]
fn choices_of_one_visit_are_drawn_together() {
    let covered = coverage(&Shop::new(3, 0.4), 250, 4);
    assert!((930..=970).contains(&covered[0]), "{covered:?}");
}

#[test]
fn wrong_probabilities_are_noticed_by_the_mean_weight() {
    let shop = Shop::new(1, 0.6);
    let mut log = shop.log(1, 2_000, 1);
    assert_eq!(
        estimate_of(&log).unwrap().reliability,
        Reliability::Conclusive
    );
    for choice in &mut log {
        choice.logged_probability = 1.0 / ITEMS as f64 / 2.0;
    }
    let found = estimate_of(&log).unwrap();
    assert!(
        matches!(
            found.reliability,
            Reliability::Inconclusive {
                of: Shortage::MeanWeight,
                ..
            }
        ),
        "{found:?}"
    );
}

#[test]
fn one_weight_that_dominates_is_inconclusive_whatever_the_size_of_the_log() {
    let mut log = vec![choice(0.0, 0.5, 0.5); 20_000];
    log.extend([choice(1.0, 0.5, 0.5); 200]);
    assert_eq!(
        estimate_of(&log).unwrap().reliability,
        Reliability::Conclusive
    );
    log.push(choice(1.0, 1e-7, 0.5));
    let found = estimate_of(&log).unwrap();
    assert!(found.effective_sample_size < 2.0, "{found:?}");
    assert_ne!(found.reliability, Reliability::Conclusive);
    assert!(found.clipped.value < found.inverse_propensity.value / 100.0);
}
