//! The demo shop: its products, and what about them shoppers feel and no feature sees.

use std::collections::BTreeMap;

use crate::catalogue::{AttributeValue, Catalogue, Product};
use crate::generate::lexicon::{BRANDS, COLOURS, LEAVES, Leaf, MODELS};
use crate::generate::random::{Stream, cumulative};

/// Brands that one department sells.
const BRANDS_BY_DEPARTMENT: usize = 14;

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
    /// The logarithm of its price in deviations from its category's median.
    pub(super) price_level: f64,
    /// Whether it can be had.
    pub(super) in_stock: bool,
}

/// The shop.
pub(super) struct World {
    pub(super) catalogue: Catalogue,
    pub(super) hidden: Vec<HiddenItem>,
}

impl World {
    pub(super) fn new(seed: u64, products: u32) -> Self {
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
            let (product, hidden) = make(seed, number, leaf, &brands, &mut stream);
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

fn make(
    seed: u64,
    number: u32,
    leaf: usize,
    brands: &[Brand],
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
    let in_stock = stream.chance(0.93);
    let description = stream
        .chance(0.96)
        .then(|| describe(kind, noun, [colour, material, feature], stream));
    let mut attributes = BTreeMap::new();
    for (name, value) in [
        ("colour", colour),
        ("material", material),
        ("feature", feature),
    ] {
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
        price: stream.chance(0.995).then(|| rounded(price.max(1.0), 100.0)),
        in_stock: Some(in_stock),
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
            in_stock,
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
