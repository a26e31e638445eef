//! The words of the demo shop: categories, brands, colours. All brands are invented.

/// A narrowest category of the shop.
pub(super) struct Leaf {
    /// Path in the category tree, widest first.
    pub(super) path: [&'static str; 3],
    /// What its products are called, the commonest first.
    pub(super) nouns: &'static [&'static str],
    /// Median price.
    pub(super) median_price: f64,
    /// Deviation of the natural logarithm of the price.
    pub(super) price_deviation: f64,
    /// How much of the shop it is, relative to the others.
    pub(super) share: f64,
    /// What its products are made of.
    pub(super) materials: &'static [&'static str],
    /// What its products are good for.
    pub(super) features: &'static [&'static str],
}

const fn leaf(
    path: [&'static str; 3],
    nouns: &'static [&'static str],
    (median_price, price_deviation, share): (f64, f64, f64),
    materials: &'static [&'static str],
    features: &'static [&'static str],
) -> Leaf {
    Leaf {
        path,
        nouns,
        median_price,
        price_deviation,
        share,
        materials,
        features,
    }
}

const FABRICS: &[&str] = &["cotton", "wool", "linen", "fleece", "polyester"];
const LEATHERS: &[&str] = &["leather", "suede", "canvas", "mesh"];
const WOODS: &[&str] = &["oak", "walnut", "bamboo", "steel", "glass"];
const METALS: &[&str] = &["steel", "copper", "ceramic", "cast iron", "aluminium"];
const PLASTICS: &[&str] = &["plastic", "aluminium", "silicone", "rubber"];
const WEAR: &[&str] = &["slim", "loose", "hooded", "quilted", "striped", "thermal"];
const TRAIL: &[&str] = &[
    "waterproof",
    "lightweight",
    "breathable",
    "insulated",
    "cushioned",
];
const HOME: &[&str] = &[
    "foldable",
    "adjustable",
    "compact",
    "modern",
    "rustic",
    "stackable",
];
const COOKING: &[&str] = &[
    "nonstick",
    "induction",
    "compact",
    "dishwasher safe",
    "professional",
];
const DEVICES: &[&str] = &[
    "wireless",
    "bluetooth",
    "noise cancelling",
    "rechargeable",
    "portable",
    "compact",
];
const GARDEN: &[&str] = &[
    "cordless",
    "telescopic",
    "weatherproof",
    "compact",
    "heavy duty",
];
const PLAY: &[&str] = &["wooden", "educational", "magnetic", "musical", "washable"];

/// All narrowest categories.
pub(super) const LEAVES: &[Leaf] = &[
    leaf(
        ["Clothing", "Shoes", "Running Shoes"],
        &["running shoes", "trainers", "sneakers"],
        (85.0, 0.40, 1.6),
        LEATHERS,
        TRAIL,
    ),
    leaf(
        ["Clothing", "Shoes", "Hiking Boots"],
        &["hiking boots", "walking boots"],
        (120.0, 0.40, 1.0),
        LEATHERS,
        TRAIL,
    ),
    leaf(
        ["Clothing", "Shoes", "Sandals"],
        &["sandals", "slides"],
        (45.0, 0.45, 0.7),
        LEATHERS,
        TRAIL,
    ),
    leaf(
        ["Clothing", "Tops", "Shirts"],
        &["shirt", "blouse"],
        (35.0, 0.45, 1.3),
        FABRICS,
        WEAR,
    ),
    leaf(
        ["Clothing", "Tops", "Sweaters"],
        &["sweater", "jumper", "pullover"],
        (55.0, 0.45, 1.1),
        FABRICS,
        WEAR,
    ),
    leaf(
        ["Clothing", "Outerwear", "Rain Jackets"],
        &["rain jacket", "raincoat"],
        (95.0, 0.45, 0.9),
        FABRICS,
        TRAIL,
    ),
    leaf(
        ["Clothing", "Outerwear", "Winter Coats"],
        &["winter coat", "parka"],
        (160.0, 0.45, 0.9),
        FABRICS,
        WEAR,
    ),
    leaf(
        ["Clothing", "Accessories", "Backpacks"],
        &["backpack", "rucksack"],
        (60.0, 0.50, 1.0),
        LEATHERS,
        TRAIL,
    ),
    leaf(
        ["Clothing", "Accessories", "Belts"],
        &["belt"],
        (28.0, 0.45, 0.4),
        LEATHERS,
        WEAR,
    ),
    leaf(
        ["Home", "Furniture", "Office Chairs"],
        &["office chair", "desk chair"],
        (170.0, 0.55, 0.9),
        WOODS,
        HOME,
    ),
    leaf(
        ["Home", "Furniture", "Desks"],
        &["desk", "writing table"],
        (220.0, 0.50, 0.8),
        WOODS,
        HOME,
    ),
    leaf(
        ["Home", "Furniture", "Bookshelves"],
        &["bookshelf", "bookcase"],
        (110.0, 0.50, 0.7),
        WOODS,
        HOME,
    ),
    leaf(
        ["Home", "Lighting", "Desk Lamps"],
        &["desk lamp", "reading lamp"],
        (40.0, 0.50, 0.8),
        METALS,
        HOME,
    ),
    leaf(
        ["Home", "Lighting", "Floor Lamps"],
        &["floor lamp", "standing lamp"],
        (90.0, 0.50, 0.6),
        METALS,
        HOME,
    ),
    leaf(
        ["Home", "Bedding", "Blankets"],
        &["blanket", "throw"],
        (45.0, 0.45, 0.8),
        FABRICS,
        HOME,
    ),
    leaf(
        ["Home", "Bedding", "Pillows"],
        &["pillow", "cushion"],
        (30.0, 0.45, 0.8),
        FABRICS,
        HOME,
    ),
    leaf(
        ["Kitchen", "Cookware", "Frying Pans"],
        &["frying pan", "skillet"],
        (45.0, 0.50, 1.0),
        METALS,
        COOKING,
    ),
    leaf(
        ["Kitchen", "Cookware", "Saucepans"],
        &["saucepan", "cooking pot"],
        (50.0, 0.50, 0.8),
        METALS,
        COOKING,
    ),
    leaf(
        ["Kitchen", "Knives", "Chef Knives"],
        &["chef knife", "kitchen knife"],
        (65.0, 0.60, 0.7),
        METALS,
        COOKING,
    ),
    leaf(
        ["Kitchen", "Appliances", "Kettles"],
        &["electric kettle", "water boiler"],
        (48.0, 0.40, 0.8),
        METALS,
        COOKING,
    ),
    leaf(
        ["Kitchen", "Appliances", "Coffee Makers"],
        &["coffee maker", "coffee machine", "espresso machine"],
        (130.0, 0.65, 1.2),
        METALS,
        COOKING,
    ),
    leaf(
        ["Kitchen", "Tableware", "Mugs"],
        &["mug", "coffee cup"],
        (14.0, 0.40, 0.8),
        METALS,
        COOKING,
    ),
    leaf(
        ["Electronics", "Audio", "Headphones"],
        &["headphones", "headset"],
        (110.0, 0.65, 1.6),
        PLASTICS,
        DEVICES,
    ),
    leaf(
        ["Electronics", "Audio", "Speakers"],
        &["speaker", "soundbar"],
        (120.0, 0.65, 1.0),
        PLASTICS,
        DEVICES,
    ),
    leaf(
        ["Electronics", "Mobile", "Phone Cases"],
        &["phone case", "phone cover"],
        (19.0, 0.45, 1.5),
        PLASTICS,
        DEVICES,
    ),
    leaf(
        ["Electronics", "Mobile", "Power Banks"],
        &["power bank", "portable charger"],
        (35.0, 0.45, 1.0),
        PLASTICS,
        DEVICES,
    ),
    leaf(
        ["Electronics", "Computing", "Keyboards"],
        &["keyboard"],
        (75.0, 0.60, 0.9),
        PLASTICS,
        DEVICES,
    ),
    leaf(
        ["Electronics", "Computing", "Mice"],
        &["mouse", "trackball"],
        (40.0, 0.55, 0.8),
        PLASTICS,
        DEVICES,
    ),
    leaf(
        ["Garden", "Tools", "Hedge Trimmers"],
        &["hedge trimmer", "hedge cutter"],
        (110.0, 0.45, 0.5),
        PLASTICS,
        GARDEN,
    ),
    leaf(
        ["Garden", "Furniture", "Garden Chairs"],
        &["garden chair", "patio chair"],
        (65.0, 0.50, 0.6),
        WOODS,
        GARDEN,
    ),
    leaf(
        ["Toys", "Building", "Building Blocks"],
        &["building blocks", "brick set"],
        (35.0, 0.60, 0.9),
        PLASTICS,
        PLAY,
    ),
    leaf(
        ["Toys", "Games", "Puzzles"],
        &["jigsaw puzzle", "puzzle"],
        (18.0, 0.40, 0.8),
        WOODS,
        PLAY,
    ),
];

/// All brands; a department sells some of them.
pub(super) const BRANDS: &[&str] = &[
    "Alderon",
    "Bexley",
    "Corvane",
    "Dunmore",
    "Elvaro",
    "Fjordal",
    "Grenwick",
    "Halvik",
    "Istrel",
    "Jorvane",
    "Kestria",
    "Lumora",
    "Marlowe",
    "Nordvik",
    "Ovalis",
    "Pinehart",
    "Quillon",
    "Rovello",
    "Solvane",
    "Tarnby",
    "Umbrio",
    "Velkan",
    "Westmar",
    "Xandel",
    "Yarrow",
    "Zenthor",
    "Ashmoor",
    "Brindel",
    "Castora",
    "Drayton",
    "Everline",
    "Fenwood",
    "Galdor",
    "Hearthly",
    "Ironvale",
    "Juniper Co",
    "Kitewell",
    "Larkspur",
    "Monteva",
    "Nimbus",
];

/// Colours, commonest first.
pub(super) const COLOURS: &[&str] = &[
    "black", "white", "grey", "blue", "red", "green", "brown", "beige", "pink", "yellow", "orange",
    "purple",
];

/// First parts of the names of models.
pub(super) const MODELS: &[&str] = &[
    "Aero", "Atlas", "Boreal", "Cirrus", "Comet", "Delta", "Drift", "Echo", "Ember", "Flux",
    "Glide", "Harbor", "Ion", "Jet", "Kite", "Lynx", "Mesa", "Nova", "Orbit", "Pulse", "Quest",
    "Ridge", "Sierra", "Terra", "Vista",
];
