//! What shoppers look for, how often, and how they type it.

use std::collections::HashSet;

use crate::generate::lexicon::{BRANDS, LEAVES};
use crate::generate::random::{Stream, cumulative};
use crate::generate::world::{HiddenItem, World};

/// Exponent of the power law of frequencies.
const FREQUENCY_EXPONENT: f64 = 1.4;
/// How many ranks the head of the power law is flattened by: no query is a quarter of all.
const FREQUENCY_OFFSET: f64 = 3.0;

/// What a search is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Intent {
    /// Anything of a category.
    Category,
    /// Something of a category with this trait.
    Trait(&'static str),
    /// Anything of a brand.
    Brand,
    /// Something of a brand in a category.
    BrandInCategory,
    /// This one product.
    Product,
    /// Something of a category, low (-1) or high (1) in price.
    Price(f64),
}

impl Intent {
    /// The name in the data.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Trait(_) => "attribute",
            Self::Brand | Self::BrandInCategory => "brand",
            Self::Product => "product",
            Self::Price(_) => "price",
        }
    }
}

/// A thing that many people search for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// How it is typed by most.
    pub(super) text: String,
    /// What it is for.
    pub(super) intent: Intent,
    /// A product that answers it: its category, brand or itself is what is meant.
    pub(super) example: usize,
}

/// All wishes, the most frequent first, with the running sums of their frequencies.
pub(super) struct Wishes {
    pub(super) list: Vec<Wish>,
    pub(super) cumulative: Vec<f64>,
}

impl Wishes {
    pub(super) fn new(seed: u64, world: &World) -> Self {
        let count = (world.hidden.len() / 2).clamp(60, 20_000);
        let mut texts = HashSet::new();
        let mut keyed = Vec::new();
        for number in 0..count as u64 * 10 {
            let mut stream = Stream::new(seed, "wish", number);
            let example = stream.below(world.hidden.len());
            let (intent, text, weight) = invent(&world.hidden[example], &mut stream);
            if texts.insert(text.clone()) {
                let standing = weight * libm::exp(0.8 * stream.normal());
                keyed.push((
                    standing,
                    Wish {
                        text,
                        intent,
                        example,
                    },
                ));
            }
            if keyed.len() == count {
                break;
            }
        }
        keyed.sort_by(|left, right| right.0.total_cmp(&left.0));
        let list: Vec<Wish> = keyed.into_iter().map(|(_, wish)| wish).collect();
        let cumulative = cumulative((0..list.len()).map(frequency));
        Self { list, cumulative }
    }
}

/// How frequent the wish of a rank from 0 is, relative to the others: a power law.
pub(super) fn frequency(rank: usize) -> f64 {
    libm::pow(rank as f64 + 1.0 + FREQUENCY_OFFSET, -FREQUENCY_EXPONENT)
}

/// A wish around a product, and how common its kind is.
fn invent(item: &HiddenItem, stream: &mut Stream) -> (Intent, String, f64) {
    let kind = &LEAVES[item.leaf];
    let noun = *stream.pick(kind.nouns);
    let brand = BRANDS[item.brand].to_lowercase();
    let drawn = stream.uniform();
    if drawn < 0.22 {
        (Intent::Category, noun.to_owned(), 6.0)
    } else if drawn < 0.50 {
        let wanted = *stream.pick(&item.traits);
        (Intent::Trait(wanted), format!("{wanted} {noun}"), 2.0)
    } else if drawn < 0.58 {
        (Intent::Brand, brand, 3.0)
    } else if drawn < 0.76 {
        (Intent::BrandInCategory, format!("{brand} {noun}"), 1.5)
    } else if drawn < 0.93 {
        (Intent::Product, format!("{brand} {}", item.model), 0.7)
    } else if stream.chance(0.7) {
        (Intent::Price(-1.0), format!("cheap {noun}"), 2.0)
    } else {
        (Intent::Price(1.0), format!("premium {noun}"), 1.0)
    }
}

/// The text as one shopper types it: mostly as everybody does.
pub(super) fn typed(text: &str, stream: &mut Stream) -> String {
    let drawn = stream.uniform();
    if drawn < 0.04 {
        misspelt(text, stream)
    } else if drawn < 0.12 {
        with_other_number(text)
    } else if drawn < 0.16 {
        text.rsplit(' ').collect::<Vec<_>>().join(" ")
    } else if drawn < 0.20 {
        text.to_uppercase()
    } else {
        text.to_owned()
    }
}

/// One letter left out, doubled, or swapped with its neighbour.
fn misspelt(text: &str, stream: &mut Stream) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 4 {
        return text.to_owned();
    }
    let place = 1 + stream.below(letters.len() - 2);
    match stream.below(3) {
        0 => drop(letters.remove(place)),
        1 => letters.insert(place, letters[place]),
        _ => letters.swap(place, place + 1),
    }
    letters.into_iter().collect()
}

/// The last word in the plural, or in the singular if it was plural.
fn with_other_number(text: &str) -> String {
    match text.strip_suffix('s') {
        Some(singular) => singular.to_owned(),
        None => format!("{text}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_mostly_typed_as_it_is_and_else_in_every_way() {
        let text = "black running shoes";
        let mut stream = Stream::new(1, "typing", 0);
        let (mut shares, mut misspelt) = ([0_u32; 5], HashSet::new());
        for _ in 0..10_000 {
            let typed = typed(text, &mut stream);
            let place = match typed.as_str() {
                "black running shoes" => 0,
                "black running shoe" => 1,
                "shoes running black" => 2,
                "BLACK RUNNING SHOES" => 3,
                _ => 4,
            };
            shares[place] += 1;
            if place == 4 {
                misspelt.insert(typed);
            }
        }
        for (share, expected) in shares.into_iter().zip([8_000, 800, 400, 400, 400]) {
            assert!(share.abs_diff(expected) < 120, "{shares:?}");
        }
        assert!(misspelt.len() > 40, "{misspelt:?}");
    }
}
