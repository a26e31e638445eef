use proptest::prelude::*;

use super::*;
use crate::catalogue::AttributeValue;

fn read(text: &str, format: CatalogueFormat) -> Result<Catalogue, String> {
    read_catalogue(text.as_bytes(), format, 0)
        .map(|(catalogue, _)| catalogue)
        .map_err(|error| error.to_string())
}

#[test]
fn both_formats_say_the_same() {
    let json = r#"{"item_id":"a","title":"Red boot","description":"Warm, dry","brand":"Tor","category":["Shoes","Boots"],"price":12.5,"list_price":25,"in_stock":true,"popularity":3,"listed_at":"2025-01-31","attributes":{"colour":"red","code":"007","size":42,"vegan":true}}
{"item_id":7,"title":"Sock","category":null,"attributes":{"size":null}}
{"item_id":"c","title":"Lace","category":"Shoes > Laces"}"#;
    let csv = "item_id,title,description,brand,category,price,list_price,in_stock,popularity,listed_at,attributes.size,attributes.colour,attributes.code,attributes\n\
        a,Red boot,\"Warm, dry\",Tor,Shoes > Boots,12.50,25,yes,3,1738281600000,42,red,007,\"{\"\"vegan\"\":true}\"\n\
        7,Sock,,,,,,,,,,,,\n\
        c,Lace,,,Shoes>Laces,,,,,,,,,\n";
    let catalogue = read(json, CatalogueFormat::JsonLines).expect("a catalogue");
    assert_eq!(read(csv, CatalogueFormat::Csv), Ok(catalogue.clone()));
    let boot = &catalogue.products()[0];
    assert_eq!(boot.attributes["size"], AttributeValue::Number(42.0));
    assert_eq!(boot.attributes["code"], AttributeValue::Text("007".into()));
    assert_eq!(boot.attributes["vegan"], AttributeValue::Flag(true));
    assert!(catalogue.find("7").is_some());
    assert_eq!(catalogue.products()[2].category, ["Shoes", "Laces"]);

    let mut written = Vec::new();
    catalogue.write(&mut written).expect("written");
    let strict = Catalogue::read(written.as_slice()).expect("the format of datasets");
    assert_eq!(strict, catalogue);
}

#[test]
fn what_is_wrong_is_told_with_line_and_field() {
    let json =
        |line: &str| read(&format!("\n{line}\n"), CatalogueFormat::JsonLines).expect_err("refused");
    assert_eq!(
        json(r#"{"item_id":"a"}"#),
        "line 2, field title: is missing or has no value"
    );
    assert_eq!(
        json(r#"{"item_id":"a","title":"x","price":-1}"#),
        "line 2, field price: -1 is not a number of at least 0"
    );
    let error = json(r#"{"item_id":"a","title":"x","attributes":{"sizes":[1,2]}}"#);
    assert!(
        error.starts_with(
            "line 2, field attributes.sizes: expected a text, a number or true or false"
        ),
        "{error}"
    );
    let error = json(r#"{"item_id":"a","title":"x","listed_at":"spring"}"#);
    assert!(
        error.starts_with("line 2, field listed_at: \"spring\" is no time"),
        "{error}"
    );
    let error = json(r#"{"item_id":"a","title":"x","colour":"red"}"#);
    assert!(
        error.starts_with("line 2, field colour: unknown field `colour`"),
        "{error}"
    );
    let csv = |text: &str| read(text, CatalogueFormat::Csv).expect_err("refused");
    assert_eq!(
        csv("item_id,title,colour\n"),
        "line 1, field colour: no such field; if it is an attribute, call the column attributes.colour"
    );
    assert_eq!(
        csv("item_id,title,price\na,x,12 EUR\n"),
        "line 2, field price: \"12 EUR\" is no number, such as 12.50"
    );
    assert_eq!(
        csv("item_id,title,price\na,x,NaN\n"),
        "line 2, field price: NaN is not a number of at least 0"
    );
    assert_eq!(
        csv("item_id,title,listed_at\na,x,spring\n"),
        "line 2, field listed_at: \"spring\" is no time such as 2025-01-31T12:00:00Z, no date such as 2025-01-31 and no number of milliseconds since 1970"
    );
    assert_eq!(
        csv("item_id,title,in_stock\na,x,maybe\n"),
        "line 2, field in_stock: \"maybe\" is none of true, false, yes, no, 1, 0"
    );
    assert_eq!(
        csv("item_id,title\n,x\n"),
        "line 2, field item_id: is missing or has no value"
    );
    assert_eq!(
        csv("item_id,name\n"),
        "line 1, field title: the header has no such column; it has item_id, name"
    );
    assert_eq!(
        csv("item_id,title,attributes,attributes.a\nx,y,\"{\"\"a\"\":1}\",2\n"),
        "line 2, field attributes.a: is given twice"
    );
}

#[test]
fn repeats_are_counted_and_contradictions_are_bad_lines() {
    let text = "item_id,title\na,x\na,x\na,y\nb,z\n";
    let (catalogue, notes) =
        read_catalogue(text.as_bytes(), CatalogueFormat::Csv, 1).expect("tolerated");
    assert_eq!((catalogue.len(), notes.repeated), (2, 1));
    assert_eq!(notes.bad_lines.to_string(), "1 Contradiction");
    assert_eq!(
        read(text, CatalogueFormat::Csv).expect_err("not tolerated"),
        "line 4, field item_id: \"a\" is already the id of product 1, which differs"
    );
}

#[test]
fn a_summary_counts_what_there_is() {
    let text = "item_id,title,price,in_stock,category,attributes.size\n\
        a,x,5,yes,A > B,1\nb,x,2.5,no,A,L\nc,y,,,A,\n";
    let catalogue = read(text, CatalogueFormat::Csv).expect("a catalogue");
    let summary = CatalogueSummary::of(&catalogue);
    assert_eq!(
        (summary.products, summary.in_stock, summary.categories),
        (3, 1, 2)
    );
    assert_eq!(summary.repeated_titles, 1);
    assert_eq!(
        summary.price,
        Some(Range {
            least: 2.5,
            greatest: 5.0
        })
    );
    assert_eq!(summary.popularity, None);
    assert_eq!(summary.with_field["price"], 2);
    assert_eq!(
        summary.attributes["size"],
        AttributeSummary {
            texts: 1,
            numbers: 1,
            flags: 0
        }
    );
}

#[test]
fn file_names_speak_of_their_format() {
    let format = CatalogueFormat::of_file_name;
    assert_eq!(format("a/Products.CSV.gz"), Some(CatalogueFormat::Csv));
    assert_eq!(
        format("Products.jsonl.zst"),
        Some(CatalogueFormat::JsonLines)
    );
    assert_eq!(format("x.ndjson"), Some(CatalogueFormat::JsonLines));
    assert_eq!(format("x.parquet"), None);
}

proptest! {
    #[test]
    fn any_text_gives_a_catalogue_or_an_error_but_never_a_panic(
        text in "((item_id,title,price,attributes.a\n)|(\\{\"item_id\":\"a\",\"title\":\"))?[ab,{}\\[\\]\":\n0-9é]{0,80}"
    ) {
        for format in [CatalogueFormat::JsonLines, CatalogueFormat::Csv] {
            if let Ok((catalogue, _)) = read_catalogue(text.as_bytes(), format, 1_000) {
                let mut written = Vec::new();
                catalogue.write(&mut written).expect("written");
                prop_assert_eq!(Catalogue::read(written.as_slice()).expect("a valid catalogue"), catalogue);
            }
        }
    }
}
