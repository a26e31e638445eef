//! The truth behind the clicks: how much a product attracts a shopper who searches.
//!
//! Written to judgements, never to anything that features are made of.

use crate::generate::drift::Today;
use crate::generate::lexicon::LEAVES;
use crate::generate::queries::{Intent, Wish};
use crate::generate::random::{Stream, fixed_normal};
use crate::generate::world::{HiddenItem, World};

/// What one shopper likes.
pub(super) struct Taste {
    seed: u64,
    user: u64,
    price_level: f64,
}

impl Taste {
    pub(super) fn of(seed: u64, user: u64) -> Self {
        let price_level = 0.7 * Stream::new(seed, "user", user).normal();
        Self {
            seed,
            user,
            price_level,
        }
    }

    fn for_item(&self, item: &HiddenItem, today: &Today) -> f64 {
        let brand = 0.8 * fixed_normal([self.seed, 1, self.user, item.brand as u64]);
        let distance = item.price_level_on(today) - self.price_level;
        brand - 0.3 * distance * distance
    }
}

/// How well a product answers a wish, 0 to 1.
fn answer(wish: &Wish, item_number: usize, world: &World) -> f64 {
    let item = &world.hidden[item_number];
    let meant = &world.hidden[wish.example];
    let category = category_closeness(meant.leaf, item.leaf);
    let same_brand = item.brand == meant.brand;
    match wish.intent {
        Intent::Category => category,
        Intent::Trait(wanted) => {
            category
                * if item.traits.contains(&wanted) {
                    1.0
                } else {
                    0.5
                }
        }
        Intent::Brand => {
            if same_brand {
                0.9
            } else {
                0.1
            }
        }
        Intent::BrandInCategory => match (same_brand, category) {
            (true, 1.0) => 1.0,
            (true, _) => 0.3 + 0.4 * category,
            (false, _) => 0.45 * category,
        },
        Intent::Product if item_number == wish.example => 1.2,
        Intent::Product => category * if same_brand { 0.6 } else { 0.3 },
        Intent::Price(direction) => {
            let fit = direction * item.price_level;
            category
                * if fit > 0.5 {
                    1.0
                } else if fit > -0.3 {
                    0.6
                } else {
                    0.2
                }
        }
    }
}

fn category_closeness(meant: usize, other: usize) -> f64 {
    let (meant, other) = (&LEAVES[meant].path, &LEAVES[other].path);
    if meant == other {
        1.0
    } else if meant[..2] == other[..2] {
        0.35
    } else {
        0.0
    }
}

/// What is equal for all shoppers on one day, in units of the logistic scale.
pub(super) fn appeal(
    seed: u64,
    wish_number: usize,
    wish: &Wish,
    item_number: usize,
    world: &World,
    today: &Today,
) -> f64 {
    let item = &world.hidden[item_number];
    // What makes a product right for a wish and nobody wrote down.
    let unsaid = fixed_normal([seed, 2, wish_number as u64, item_number as u64]);
    let stock = if item.stock.has(today.day) { 0.0 } else { -1.2 };
    let fashion = today.fashion * fixed_normal([seed, 3, item.brand as u64, 0]);
    3.2 * answer(wish, item_number, world) - 5.9 + 0.6 * item.quality
        - 0.2 * item.price_level_on(today)
        + 0.5 * unsaid
        + stock
        + fashion
}

/// The probability that a shopper who looks at the product opens it.
pub(super) fn attraction(appeal: f64, taste: &Taste, item: &HiddenItem, today: &Today) -> f64 {
    logistic(appeal + taste.for_item(item, today))
}

/// The grade of a judgement, 0 to 3, from the appeal to all.
pub(super) fn grade(appeal: f64) -> u32 {
    match appeal {
        appeal if appeal > -1.7 => 3,
        appeal if appeal > -2.4 => 2,
        appeal if appeal > -3.4 => 1,
        _ => 0,
    }
}

pub(super) fn logistic(value: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-value))
}
