//! The demo shop: its products, and what about them shoppers feel and no feature sees.

use std::collections::BTreeMap;

use crate::catalogue::{AttributeValue, Catalogue, Product};
use crate::generate::drift::Today;
use crate::generate::lexicon::{BRANDS, COLOURS, LEAVES, Leaf, MODELS};
use crate::generate::random::{Stream, cumulative};
use crate::generate::sessions::DAYS;

/// Names of the attributes that products have; each lacks some.
pub const ATTRIBUTES: [&str; 3] = ["colour", "material", "feature"];

/// Brands that one department sells.
const BRANDS_BY_DEPARTMENT: usize = 14;

/// Share of products that are out of stock for some days.
const OUT_OF_STOCK_ONCE: f64 = 0.4;
/// Most days that a product is out of stock; 3 is the least.
const LONGEST_OUTAGE: usize = 12;

/// What is true of a product and only partly in the catalogue.
pub(super) struct HiddenItem {
    /// Number of its narrowest category in [`LEAVES`].
    pub(super) leaf: usize,
    /// Number of its brand in [`BRANDS`].
    pub(super) brand: usize,
    /// The name of its model, lower case.
    pub(super) model: String,
    /// Words that a query may ask for, lower case.
    pub(super) traits: [&'static str; 3],
    /// How good it is; mean 0, deviation about 1.
    pub(super) quality: f64,
    /// The logarithm of its first price in deviations from its category's median.
    pub(super) price_level: f64,
    /// When it can be had.
    pub(super) stock: Stock,
}

impl HiddenItem {
    /// The price level as shoppers feel it on a day: in deviations from the first day's median.
    pub(super) fn price_level_on(&self, today: &Today) -> f64 {
        self.price_level + today.price_shift / LEAVES[self.leaf].price_deviation
    }
}

/// When a product can be had: always, but for some days that many products are out of stock once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stock {
    /// The first day out of stock, from 0; may be before the data.
    from: i64,
    /// The first day in stock again.
    until: i64,
}

impl Stock {
    /// The stock of the `number`th product.
    fn new(seed: u64, number: u32) -> Self {
        let mut stream = Stream::new(seed, "stock", u64::from(number));
        if !stream.chance(OUT_OF_STOCK_ONCE) {
            return Self { from: 0, until: 0 };
        }
        let from = stream.below(DAYS as usize + LONGEST_OUTAGE) as i64 - LONGEST_OUTAGE as i64;
        let days = 3 + stream.below(LONGEST_OUTAGE - 2) as i64;
        Self {
            from,
            until: from + days,
        }
    }

    /// Whether it can be had on a day, from 0.
    pub(super) fn has(self, day: u32) -> bool {
        !(self.from..self.until).contains(&i64::from(day))
    }
}

/// The shop.
pub(super) struct World {
    pub(super) catalogue: Catalogue,
    pub(super) hidden: Vec<HiddenItem>,
}

impl World {
    /// `today` is the day that the catalogue is of.
    pub(super) fn new(seed: u64, products: u32, today: &Today) -> Self {
        let leaf_weights = cumulative(LEAVES.iter().map(|leaf| leaf.share));
        let brands: Vec<Brand> = (0..BRANDS.len())
            .map(|number| Brand::new(seed, number))
            .collect();
        let mut world = Self {
            catalogue: Catalogue::new(),
            hidden: Vec::new(),
        };
        for number in 0..products {
            let mut stream = Stream::new(seed, "product", u64::from(number));
            let leaf = stream.weighted(&leaf_weights);
            let stock = Stock::new(seed, number);
            let (product, hidden) = make(seed, number, leaf, &brands, stock, &mut stream);
            let product = Product {
                price: product
                    .price
                    .map(|price| rounded((price * libm::exp(today.price_shift)).max(1.0), 100.0)),
                in_stock: Some(stock.has(today.day)),
                ..product
            };
            world
                .catalogue
                .insert(product)
                .expect("numbers make ids that differ");
            world.hidden.push(hidden);
        }
        world
    }
}

/// A brand's standing.
struct Brand {
    quality: f64,
    price: f64,
}

impl Brand {
    fn new(seed: u64, number: usize) -> Self {
        let mut stream = Stream::new(seed, "brand", number as u64);
        let quality = stream.normal();
        // Better brands ask for more, on the whole.
        Self {
            quality,
            price: 0.35 * quality + 0.6 * stream.normal(),
        }
    }
}

/// The brand of a product: a few of its department's brands make most of the products.
fn choose_brand(seed: u64, leaf: &Leaf, stream: &mut Stream) -> usize {
    let department = LEAVES
        .iter()
        .position(|other| other.path[0] == leaf.path[0])
        .unwrap_or(0);
    let mut sold: Vec<usize> = (0..BRANDS.len()).collect();
    let mut order = Stream::new(seed, "department", department as u64);
    for place in 0..BRANDS_BY_DEPARTMENT {
        let other = place + order.below(sold.len() - place);
        sold.swap(place, other);
    }
    let weights = cumulative((0..BRANDS_BY_DEPARTMENT).map(|rank| 1.0 / (rank as f64 + 2.0)));
    sold[stream.weighted(&weights)]
}

/// A product, with its first price to the last digit and no stock, and what is hidden of it.
fn make(
    seed: u64,
    number: u32,
    leaf: usize,
    brands: &[Brand],
    stock: Stock,
    stream: &mut Stream,
) -> (Product, HiddenItem) {
    let kind = &LEAVES[leaf];
    let brand = choose_brand(seed, kind, stream);
    let standing = &brands[brand];
    let quality = 0.55 * standing.quality + 0.83 * stream.normal();
    let price_level = 0.5 * standing.price + 0.15 * quality + 0.8 * stream.normal();
    let model = format!("{} {}", stream.pick(MODELS), 10 * (1 + stream.below(99)));
    let colour = COLOURS[stream.weighted(&cumulative(
        (0..COLOURS.len()).map(|rank| 1.0 / (rank as f64 + 2.0)),
    ))];
    let material = *stream.pick(kind.materials);
    let feature = *stream.pick(kind.features);
    // Titles are written by people: the commonest word mostly, and not every word every time.
    let noun = if stream.chance(0.6) {
        kind.nouns[0]
    } else {
        *stream.pick(kind.nouns)
    };
    let mut words = vec![BRANDS[brand], &model];
    words.extend(stream.chance(0.55).then_some(feature));
    words.extend(stream.chance(0.45).then_some(material));
    words.push(noun);
    words.extend(stream.chance(0.5).then_some(colour));
    let title = capitalised(&words.join(" "));
    let price = kind.median_price * libm::exp(kind.price_deviation * price_level);
    // Sales follow quality, but fashion and age move them too.
    let sales = libm::exp(3.0 + 0.6 * quality + 0.9 * stream.normal());
    let description = stream
        .chance(0.96)
        .then(|| describe(kind, noun, [colour, material, feature], stream));
    let mut attributes = BTreeMap::new();
    for (name, value) in ATTRIBUTES.into_iter().zip([colour, material, feature]) {
        // Data about products has holes.
        if stream.chance(0.9) {
            attributes.insert(name.to_owned(), AttributeValue::Text(value.to_owned()));
        }
    }
    let product = Product {
        item_id: format!("P{:06}", number + 1),
        title,
        description,
        brand: stream.chance(0.98).then(|| BRANDS[brand].to_owned()),
        category: kind.path.iter().map(|&name| name.to_owned()).collect(),
        price: stream.chance(0.995).then_some(price),
        in_stock: None,
        popularity: stream.chance(0.97).then(|| rounded(sales, 1.0)),
        attributes,
        ..Product::default()
    };
    let traits = [colour, material, feature];
    (
        product,
        HiddenItem {
            leaf,
            brand,
            model: model.to_lowercase(),
            traits,
            quality,
            price_level,
            stock,
        },
    )
}

fn describe(
    kind: &Leaf,
    noun: &str,
    [colour, material, feature]: [&str; 3],
    stream: &mut Stream,
) -> String {
    // A mention of something else: text that matches and does not answer.
    let other = stream.pick(LEAVES).nouns[0];
    let opening = match stream.below(3) {
        0 => format!("A {feature} {noun} in {colour}, made of {material}."),
        1 => format!("This {noun} combines {material} with a {feature} design."),
        _ => format!(
            "{} for every day: {feature}, {colour} and easy to care for.",
            capitalised(noun)
        ),
    };
    let closing = match stream.below(4) {
        0 => format!(" Goes well with our {other}."),
        1 => format!(" Shoppers who liked this also looked for a {other}."),
        2 => format!(" Part of our {} range.", kind.path[1].to_lowercase()),
        _ => String::new(),
    };
    opening + &closing
}

/// The first letter of each word in upper case.
fn capitalised(text: &str) -> String {
    let mut start = true;
    text.chars()
        .map(|letter| {
            let written = if start {
                letter.to_ascii_uppercase()
            } else {
                letter
            };
            start = letter == ' ';
            written
        })
        .collect()
}

/// Rounded to one part in `parts`.
fn rounded(value: f64, parts: f64) -> f64 {
    libm::floor(value * parts + 0.5) / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_changes_and_the_catalogue_has_that_of_its_day() {
        let worlds = [0, DAYS - 1].map(|day| World::new(1, 1_000, &Today::of(day, &[])));
        for (world, day) in worlds.iter().zip([0, DAYS - 1]) {
            for (product, hidden) in world.catalogue.products().iter().zip(&world.hidden) {
                assert_eq!(product.in_stock, Some(hidden.stock.has(day)));
            }
        }
        let hidden = &worlds[0].hidden;
        let without = |day: u32| hidden.iter().filter(|item| !item.stock.has(day)).count();
        let counts: Vec<usize> = (0..DAYS).map(without).collect();
        assert!(
            counts.iter().all(|count| (30..110).contains(count)),
            "out of stock by day: {counts:?}"
        );
        let changes = |item: &&HiddenItem| item.stock.has(0) != item.stock.has(DAYS - 1);
        let changed = hidden.iter().filter(changes).count();
        assert!((60..220).contains(&changed), "{changed} of 1000 changed");
    }
}
