//! Features of texts and items: typos, phrases, languages, attributes, discounts and ages.

use std::sync::Arc;

use searchop_ranking::bundle::FeatureSchema;
use searchop_ranking::catalogue::{Catalogue, ItemIndex};
use searchop_ranking::features::{BehaviourTable, FEATURE_COUNT, FeatureContext, column};
use searchop_ranking::retrieval::RetrievalIndex;
use searchop_ranking::text::Language;

fn catalogue_of(lines: &[&str]) -> Catalogue {
    Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue")
}

/// The values of one feature for all items of a catalogue.
fn values(context: &FeatureContext, query: &str, name: &str) -> Vec<f64> {
    let items: Vec<ItemIndex> = context.catalogue().places().collect();
    let rows = context.compute(&context.analyse(query), &items, &BehaviourTable::empty());
    let column = column(name).expect("a feature");
    rows.chunks_exact(context.feature_count())
        .map(|row| row[column])
        .collect()
}

fn shop() -> FeatureContext {
    FeatureContext::new(Arc::new(catalogue_of(&[
        r#"{"item_id":"a","title":"Red leather jacket","brand":"Tor","price":60,"list_price":80,"listed_at":0}"#,
        r#"{"item_id":"b","title":"Leather red jacket","description":"weather proof","price":90}"#,
        r#"{"item_id":"c","title":"Desk lamp","price":10,"list_price":0,"attributes":{"watt":5,"colour":"red"}}"#,
    ])))
}

#[test]
fn pairs_of_neighbouring_terms_are_found_in_the_title() {
    let shop = shop();
    assert_eq!(
        values(&shop, "red leather", "title_bigrams"),
        [1.0, 0.0, 0.0]
    );
    assert_eq!(
        values(&shop, "buy red leather jacket", "title_bigrams"),
        [2.0 / 3.0, 0.0, 0.0]
    );
    assert!(
        values(&shop, "red", "title_bigrams")
            .iter()
            .all(|it| it.is_nan())
    );
}

#[test]
fn a_typo_counts_by_its_nearest_terms_and_only_where_the_catalogue_lacks_the_term() {
    let shop = shop();
    assert_eq!(values(&shop, "lether lamp", "unknown_terms"), [1.0; 3]);
    assert_eq!(
        values(&shop, "lether lamp", "title_coverage"),
        [0.0, 0.0, 0.5]
    );
    assert_eq!(
        values(&shop, "lether lamp", "corrected_title_coverage"),
        [0.5, 0.5, 0.5]
    );
    let typo = values(&shop, "lether", "correction_bm25f");
    let right = values(&shop, "leather", "bm25f");
    assert!(
        (typo[0] - 0.5 * right[0]).abs() < 1e-12,
        "{typo:?} {right:?}"
    );
    assert_eq!(typo[2], 0.0);
    // "weather" is one edit from "leather", but both are known.
    assert_eq!(values(&shop, "weather", "correction_bm25f"), [0.0; 3]);
    assert_eq!(
        values(&shop, "weather", "corrected_all_coverage"),
        [0.0, 1.0, 0.0]
    );
}

#[test]
fn rare_terms_weigh_more_in_the_coverage_by_frequency() {
    let shop = shop();
    let covered = values(&shop, "red lamp", "title_idf_coverage");
    assert!(covered[2] > 0.5 && covered[0] < 0.5, "{covered:?}");
    assert!((covered[0] + covered[2] - 1.0).abs() < 1e-12, "{covered:?}");
    let sum = values(&shop, "red lamp", "idf_sum")[0];
    let greatest = values(&shop, "red lamp", "idf_max")[0];
    assert!(greatest < sum && sum < 2.0 * greatest, "{sum} {greatest}");
    assert!(values(&shop, "sofa", "title_idf_coverage")[0].is_nan());
    assert_eq!(values(&shop, "sofa", "idf_sum"), [0.0; 3]);
}

#[test]
fn discounts_need_both_prices_and_attributes_are_missing_where_they_are_no_numbers() {
    let shop = shop();
    let discounts = values(&shop, "x", "discount");
    assert!((discounts[0] - 0.25).abs() < 1e-12);
    assert!(discounts[1].is_nan() && discounts[2].is_nan());
    assert_eq!(shop.attributes(), ["watt"]);
    let items: Vec<ItemIndex> = shop.catalogue().places().collect();
    let rows = shop.compute(&shop.analyse("x"), &items, &BehaviourTable::empty());
    let watt: Vec<f64> = rows
        .chunks_exact(FEATURE_COUNT + 1)
        .map(|row| row[FEATURE_COUNT])
        .collect();
    assert!(watt[0].is_nan() && watt[1].is_nan() && watt[2] == 5.0);
    // A model reads the columns of its schema, whatever the catalogue has besides.
    let none = FeatureContext::with_attributes(shop.catalogue().clone(), Vec::new());
    assert_eq!(none.feature_count(), FEATURE_COUNT);
    assert_eq!(FeatureSchema::of_context(&shop).attributes(), ["watt"]);
}

#[test]
fn rows_are_appended_to_a_buffer_and_do_not_depend_on_the_order_of_the_candidates() {
    let shop = shop();
    let query = shop.analyse("red lether jacket");
    let behaviour = BehaviourTable::empty();
    let bits = |rows: &[f64]| rows.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
    let forth = shop.compute(&query, &[0, 1, 2].map(ItemIndex), &behaviour);
    let mut rows = vec![1.0];
    shop.compute_into(&query, &[2, 0, 1].map(ItemIndex), &behaviour, &mut rows);
    let width = shop.feature_count();
    let moved: Vec<f64> = [1, 2, 0]
        .iter()
        .flat_map(|row| &rows[1 + row * width..1 + (row + 1) * width])
        .copied()
        .collect();
    assert_eq!(bits(&moved), bits(&forth));
    assert_eq!(rows[0], 1.0);
}

#[test]
fn a_german_catalogue_matches_plurals_and_umlauts_in_features_and_in_retrieval() {
    let lines = [
        r#"{"item_id":"a","title":"Stühle aus Holz"}"#,
        r#"{"item_id":"b","title":"Jacken für den Winter"}"#,
        r#"{"item_id":"c","title":"Lampe"}"#,
    ];
    let german = catalogue_of(&lines).in_language(Language::German);
    let index = RetrievalIndex::new(&german).expect("indexed");
    let found = |query: &str| -> Vec<u32> {
        let found = index.search(query, 10).expect("searched");
        found.iter().map(|it| it.0.0).collect()
    };
    let context = FeatureContext::new(Arc::new(german));
    for (query, item) in [
        ("stuhl", 0),
        ("STÜHLE", 0),
        ("Stuhle", 0),
        ("jacke", 1),
        ("Lampen", 2),
    ] {
        assert_eq!(found(query), [item], "{query}");
        let coverage = values(&context, query, "title_coverage");
        let mut expected = [0.0; 3];
        expected[item as usize] = 1.0;
        assert_eq!(coverage, expected, "{query}");
    }
    let english = FeatureContext::new(Arc::new(catalogue_of(&lines)));
    assert_eq!(values(&english, "jacke", "title_coverage"), [0.0; 3]);
    assert_eq!(english.analyse("Jacken").key, "jacken");
    assert_eq!(context.analyse("Jacken").key, context.analyse("jacke").key);
}

/// `docs/features.md` has one row for each feature. `SEARCHOP_WRITE_DOCS=1` writes them anew.
#[test]
fn the_document_names_every_feature() {
    const START: &str = "<!-- features -->\n";
    const END: &str = "<!-- end of features -->\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/features.md");
    let text = std::fs::read_to_string(path).expect("docs/features.md is there");
    let mut table =
        "| feature | what it is, in which unit | where nothing is known |\n|---|---|---|\n"
            .to_owned();
    for definition in searchop_ranking::features::definitions() {
        let unknown = definition
            .default
            .map_or("missing".to_owned(), |it| it.to_string());
        table += &format!(
            "| `{}` | {} | {unknown} |\n",
            definition.name, definition.description
        );
    }
    let start = text.find(START).expect("the table's start is marked") + START.len();
    let end = text.find(END).expect("the table's end is marked");
    if std::env::var_os("SEARCHOP_WRITE_DOCS").is_some() {
        let text = format!("{}{table}{}", &text[..start], &text[end..]);
        std::fs::write(path, text).expect("written");
    } else {
        assert_eq!(
            &text[start..end],
            table,
            "run the test with SEARCHOP_WRITE_DOCS=1"
        );
    }
}
