//! A shop of outdoor goods as it might export it: its catalogue, what people did there, and what editors think of it.

use serde_json::{Value, json};

const KINDS: [&str; 6] = [
    "Trail Boot",
    "Running Shoe",
    "Rain Jacket",
    "Wool Sock",
    "Day Pack",
    "Camp Stove",
];
const COLOURS: [&str; 5] = ["Red", "Blue", "Green", "Black", "Yellow"];
const BRANDS: [&str; 4] = ["Tor", "Fellside", "Karst", "Moraine"];
const PRODUCTS: usize = KINDS.len() * COLOURS.len() * BRANDS.len() * 2;

/// The kinds of dirt that cost most rows of the log, which a run's status tells; there are others in it as well.
pub(crate) const DIRT: [&str; 2] = ["RepeatedRow", "EventWithoutQueryId"];

struct Product {
    kind: usize,
    colour: usize,
    brand: usize,
}

fn product(number: usize) -> Product {
    Product {
        kind: number % KINDS.len(),
        colour: number / KINDS.len() % COLOURS.len(),
        brand: number / (KINDS.len() * COLOURS.len()) % BRANDS.len(),
    }
}

/// Every kind in every colour of every brand, twice; JSON Lines.
pub(crate) fn catalogue() -> String {
    let mut text = String::new();
    for number in 0..PRODUCTS {
        let Product {
            kind,
            colour,
            brand,
        } = product(number);
        let row = json!({
            "item_id": format!("sku-{number}"),
            "title": format!("{} {} {} {number}", BRANDS[brand], COLOURS[colour], KINDS[kind]),
            "description": format!("A {} for every weather", KINDS[kind].to_lowercase()),
            "brand": BRANDS[brand],
            "category": ["Outdoor", KINDS[kind]],
            "price": 20.0 + (number * 37 % 180) as f64,
            "in_stock": number % 11 != 0,
            "popularity": number * 53 % 400,
            "attributes": {"colour": COLOURS[colour], "weight": 100 + number * 7 % 900},
        });
        text.push_str(&format!("{row}\n"));
    }
    text
}

/// What is searched for, by number: a colour and a kind, in the singular or the plural, and every third time with words of its
/// own, because most texts are rare.
fn query(number: usize) -> (usize, usize, String) {
    let (kind, colour) = (number % KINDS.len(), number / KINDS.len() % COLOURS.len());
    let plural = if number.is_multiple_of(2) { "s" } else { "" };
    let own = if (number / KINDS.len()).is_multiple_of(3) {
        format!(" for trip {number}")
    } else {
        String::new()
    };
    let text = format!("{} {}{plural}{own}", COLOURS[colour], KINDS[kind]).to_lowercase();
    (kind, colour, text)
}

/// Twelve products for a search: some of the kind, some of the colour, some of neither.
fn shown(search: usize) -> Vec<usize> {
    let (kind, _, _) = query(search);
    (0..12)
        .map(|place| {
            let any = search * 31 + place * 17;
            match place % 2 {
                0 => any * KINDS.len() % PRODUCTS + kind,
                _ => any % PRODUCTS,
            }
        })
        .collect()
}

/// 2: the kind in the colour; 1: the kind in another colour; 0: another kind.
fn grade(search: usize, number: usize) -> usize {
    let (kind, colour, _) = query(search);
    let product = product(number);
    match (product.kind == kind, product.colour == colour) {
        (true, true) => 2,
        (true, false) => 1,
        (false, _) => 0,
    }
}

/// Forty days of searches and events in one OpenSearch bulk file, with dirt.
pub(crate) fn dirty_log() -> String {
    let mut text = String::new();
    let mut row = |index: &str, row: &Value| {
        text.push_str(&format!("{}\n{row}\n", json!({"index": {"_index": index}})));
    };
    for search in 0..900_usize {
        let at = 1_737_000_000_000_i64 + i64::try_from(search).unwrap_or_default() * 3_840_000;
        let query_id = format!("q{search}");
        let items = shown(search);
        let ids: Vec<_> = items.iter().map(|number| format!("sku-{number}")).collect();
        row(
            "ubi_queries",
            &json!({"query_id": query_id, "client_id": format!("c{}", search % 70), "user_query": query(search).2,
                "timestamp": at, "query_response_hit_ids": ids}),
        );
        let event = |action: &str, at: i64, number: usize| {
            json!({"action_name": action, "query_id": query_id, "client_id": format!("c{}", search % 70),
                "timestamp": at, "event_attributes": {"object": {"object_id": format!("sku-{number}")}}})
        };
        // People click what they meant, mostly, and now and then on something else.
        let meant = items.iter().max_by_key(|number| grade(search, **number));
        let clicked = match search % 9 {
            0 => items[search % items.len()],
            _ => meant.copied().unwrap_or_default(),
        };
        // One clock in ten is late.
        let skew = if search % 10 == 0 { -800 } else { 4_000 };
        let click = event("product_click", at + skew, clicked);
        row("ubi_events", &click);
        if search % 4 == 0 {
            row("ubi_events", &event("purchase", at + 90_000, clicked));
        }
        match search % 50 {
            1 => row("ubi_events", &click),
            2 => row("ubi_events", &event("hover", at + 1_000, clicked)),
            3 => row("ubi_events", &{
                let mut event = event("product_click", at + 5_000, clicked);
                event["query_id"] = json!("nobody-recorded");
                event
            }),
            4 => row("ubi_events", &{
                let mut event = event("product_click", at + 6_000, clicked);
                if let Some(fields) = event.as_object_mut() {
                    fields.remove("query_id");
                }
                event
            }),
            _ => {}
        }
    }
    text
}

/// What editors think of twelve products for each of thirty searches.
pub(crate) fn judgements() -> String {
    let mut text = "query,item_id,grade\n".to_owned();
    for search in 0..KINDS.len() * COLOURS.len() * 2 {
        for number in shown(search) {
            let grade = ["Irrelevant", "Substitute", "Exact"][grade(search, number)];
            text.push_str(&format!("{},sku-{number},{grade}\n", query(search).2));
        }
    }
    text
}
