//! The readers of catalogue, searches, events and judgements name the line and the field at fault.

use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::events::{Action, Event, Search};
use searchop_ranking::input::{InputError, Lines, read_records};
use searchop_ranking::json_lines::{MAXIMUM_LINE_BYTES, Record};

fn read<T: Record>(text: &str) -> Result<Vec<T>, InputError> {
    let mut records = Vec::new();
    read_records(Lines::new(text.as_bytes()), |record| records.push(record))?;
    Ok(records)
}

fn catalogue_error(text: &str) -> String {
    Catalogue::read(text.as_bytes())
        .expect_err("refused")
        .to_string()
}

#[test]
fn a_catalogue_reads_what_it_wrote() {
    let text = concat!(
        r#"{"item_id":"a","title":"Lamp","description":"Bright","brand":"Lumora","category":["Home","Lamps"],"#,
        r#""price":12.5,"in_stock":false,"popularity":3.0,"attributes":{"colour":"red","dimmable":true,"watts":5.5}}"#,
        "\n",
        r#"{"item_id":"b","title":"Chair"}"#,
        "\n",
    );
    let catalogue = Catalogue::read(text.as_bytes()).expect("read");
    let mut written = Vec::new();
    catalogue.write(&mut written).expect("written");
    assert_eq!(String::from_utf8(written).expect("UTF-8"), text);
    assert_eq!(catalogue.find("b").map(|item| item.0), Some(1));
    assert_eq!(
        catalogue.product(catalogue.find("b").expect("there")).price,
        None
    );
}

#[test]
fn an_unreadable_product_is_refused_with_its_line_and_field() {
    let good = r#"{"item_id":"a","title":"Lamp"}"#;
    for (line, expected) in [
        (
            r#"{"item_id":"b"}"#,
            "line 3, field .: missing field `title` (column 15)",
        ),
        (
            r#"{"item_id":"b","title":"x","price":"9"}"#,
            "line 3, field price: invalid type: string \"9\", expected f64 (column 38)",
        ),
        (
            r#"{"item_id":"b","title":"x","price":-1}"#,
            "line 3, field price: -1 is not a number of at least 0",
        ),
        (
            r#"{"item_id":"b","title":" "}"#,
            "line 3, field title: must not be empty",
        ),
        (
            r#"{"item_id":"a","title":"x"}"#,
            "line 3, field item_id: \"a\" is already the id of product 1",
        ),
        (
            r#"{"item_id":"b","title":"x","category":["y",""]}"#,
            "line 3, field category[1]: must not be empty",
        ),
        (
            r#"{"item_id":"b","title":"x"} {}"#,
            "line 3, field .: more than one JSON value on the line",
        ),
    ] {
        // The empty line counts and is passed over.
        assert_eq!(
            catalogue_error(&format!("{good}\n\n{line}\n{good}")),
            expected
        );
    }
    let unknown = catalogue_error(r#"{"item_id":"b","title":"x","pricee":1}"#);
    assert!(
        unknown.starts_with("line 1, field pricee: unknown field `pricee`"),
        "{unknown}"
    );
}

#[test]
fn a_line_without_end_is_refused_instead_of_read_into_memory() {
    let endless = std::io::BufReader::new(std::io::repeat(b' '));
    let error = Catalogue::read(endless).expect_err("refused").to_string();
    assert_eq!(
        error,
        format!("line 1, field .: longer than {MAXIMUM_LINE_BYTES} bytes")
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_data() {
    let text =
        "\u{feff}{\"item_id\":\"a\",\"title\":\"x\"}\r\n{\"item_id\":\"b\",\"title\":\"y\"}\r\n";
    assert_eq!(Catalogue::read(text.as_bytes()).expect("read").len(), 2);
}

#[test]
fn searches_read_with_and_without_a_shown_list() {
    let text = concat!(
        r#"{"query_id":"q","client_id":"c","user_query":"lamp","timestamp":5,"query_response_hit_ids":["a","b"]}"#,
        "\n",
        r#"{"query_id":"r","user_query":"","timestamp":6,"application":"shop","query_attributes":{}}"#,
    );
    let searches = read::<Search>(text).expect("read");
    assert_eq!(searches[0].query_response_hit_ids, ["a", "b"]);
    assert!(searches[1].query_response_hit_ids.is_empty());
}

#[test]
fn an_unreadable_event_is_refused_with_its_line_and_field() {
    let event = |action: &str, timestamp: &str, object: &str| {
        format!(
            r#"{{"action_name":"{action}","query_id":"q","timestamp":{timestamp},"event_attributes":{{"object":{object},"position":{{"ordinal":1,"x":3}}}}}}"#
        )
    };
    let good = event(
        "add_to_cart",
        "7",
        r#"{"object_id":"a","object_id_field":"ean"}"#,
    );
    let events = read::<Event>(&good).expect("read");
    assert_eq!(
        (events[0].action_name, events[0].item_id()),
        (Action::AddToCart, "a")
    );
    let missing = r#"{"object_id_field":"ean"}"#;
    let cases = [
        (
            event("stare", "7", r#"{"object_id":"a"}"#),
            "field action_name: unknown variant `stare`",
        ),
        (
            event("click", "\"now\"", r#"{"object_id":"a"}"#),
            "field timestamp: invalid type: string \"now\"",
        ),
        (
            event("click", "-7", r#"{"object_id":"a"}"#),
            "field timestamp: -7 is not in milliseconds since 1970",
        ),
        (
            event("click", "7", missing),
            "field event_attributes.object.object_id: is missing or has no value",
        ),
        (
            event("click", "7", r#"{"object_id":""}"#),
            "field event_attributes.object.object_id: must not be empty",
        ),
    ];
    for (line, expected) in cases {
        let error = read::<Event>(&format!("{good}\n{line}"))
            .expect_err("refused")
            .to_string();
        assert!(error.starts_with(&format!("line 2, {expected}")), "{error}");
    }
    let zero = good.replace("\"ordinal\":1", "\"ordinal\":0");
    let error = read::<Event>(&zero).expect_err("refused").to_string();
    assert_eq!(
        error,
        "line 1, field event_attributes.position.ordinal: positions are counted from 1"
    );
}
