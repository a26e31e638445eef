//! Own data as Parquet: the same rows as from the same data as JSON Lines.

use parquet::basic::{Compression, ZstdLevel};
use serde_json::{Value, json};

use crate::parquet_file::{Leaf, text, write};
use crate::place::Place;

const ITEMS: usize = 40;
const SEARCHES: i64 = 60;

fn price(item: usize) -> Option<f64> {
    (!item.is_multiple_of(5)).then_some(item as f64 + 0.5)
}

fn title(item: usize) -> String {
    let kind = if item.is_multiple_of(2) {
        "boot"
    } else {
        "sock"
    };
    format!("kind {} {kind} {item}", item % 4)
}

fn shown(search: i64) -> Vec<String> {
    // Every ninth search shows nothing.
    let shown = if search % 9 == 8 { 0 } else { 6 };
    (0..shown)
        .map(|step| format!("p{}", (search * 11 + step) % 40))
        .collect()
}

fn at(search: i64) -> i64 {
    1_737_000_000_000 + search * 9_000_000
}

/// The data as JSON Lines, and each row's click on the item shown third.
fn json_lines(place: &Place) -> [String; 3] {
    let lines = |rows: Vec<Value>| {
        rows.iter()
            .map(|row| format!("{row}\n"))
            .collect::<String>()
    };
    let products = (0..ITEMS).map(|item| {
        json!({"item_id": format!("p{item}"), "title": title(item), "price": price(item), "category": ["Shoes", format!("c{}", item % 3)], "attributes": {"size": item % 7, "colour": format!("k{}", item % 2)}})
    });
    let searches = (0..SEARCHES).map(|search| {
        json!({"query_id": format!("q{search}"), "user_query": format!("boot {}", search % 5), "timestamp": at(search), "query_response_hit_ids": shown(search)})
    });
    let clicks = (0..SEARCHES).map(|search| {
        json!({"action_name": "click", "query_id": format!("q{search}"), "timestamp": at(search) + 1_500, "event_attributes": {"object": {"object_id": format!("p{}", (search * 11 + 2) % 40)}, "position": {"ordinal": 3}}})
    });
    [
        format!(
            "Catalogue={}",
            place.write("products.jsonl", &lines(products.collect()))
        ),
        format!(
            "Queries={}",
            place.write("queries", &lines(searches.collect()))
        ),
        format!("Events={}", place.write("events", &lines(clicks.collect()))),
    ]
}

fn items() -> impl Iterator<Item = usize> + Clone {
    0..ITEMS
}

fn clicked() -> Leaf {
    text((0..SEARCHES).map(|search| format!("p{}", (search * 11 + 2) % 40)))
}

fn input(place: &Place, name: &str, file: &str, fields: &str, leaves: &[Leaf]) -> String {
    let path = place.path(file);
    write(&path, fields, leaves, Compression::SNAPPY);
    format!("{name}={}", path.display())
}

const CATALOGUE: &str = "optional binary item_id (UTF8); optional binary title (UTF8); optional double price; \
     optional group category (LIST) { repeated group list { optional binary element (UTF8); } }";

fn catalogue_leaves() -> Vec<Leaf> {
    vec![
        text(items().map(|item| format!("p{item}"))),
        text(items().map(title)),
        Leaf::Float(items().map(price).collect()),
        Leaf::Texts(
            items()
                .map(|item| vec!["Shoes".to_owned(), format!("c{}", item % 3)])
                .collect(),
        ),
    ]
}

/// Structs and lists, and times as timestamps of milliseconds.
fn nested(place: &Place) -> [String; 3] {
    let attributes =
        "optional group attributes { optional int64 size; optional binary colour (UTF8); }";
    let mut leaves = catalogue_leaves();
    leaves.extend([
        Leaf::Whole(items().map(|item| Some(item as i64 % 7)).collect()),
        text(items().map(|item| format!("k{}", item % 2))),
    ]);
    let catalogue = format!("{CATALOGUE} {attributes}");
    let times = |more: i64| Leaf::Whole((0..SEARCHES).map(|it| Some(at(it) + more)).collect());
    [
        input(place, "Catalogue", "products.parquet", &catalogue, &leaves),
        input(
            place,
            "Queries",
            "queries",
            "optional binary query_id (UTF8); optional binary user_query (UTF8); optional int64 timestamp (TIMESTAMP_MILLIS); \
             optional group query_response_hit_ids (LIST) { repeated group list { optional binary element (UTF8); } }",
            &[
                text((0..SEARCHES).map(|it| format!("q{it}"))),
                text((0..SEARCHES).map(|it| format!("boot {}", it % 5))),
                times(0),
                Leaf::Texts((0..SEARCHES).map(shown).collect()),
            ],
        ),
        input(
            place,
            "Events",
            "events",
            "optional binary action_name (UTF8); optional binary query_id (UTF8); optional int64 timestamp (TIMESTAMP_MILLIS); \
             optional group event_attributes { optional group object { optional binary object_id (UTF8); } \
             optional group position { optional int64 ordinal; } }",
            &[
                text((0..SEARCHES).map(|_| "click")),
                text((0..SEARCHES).map(|it| format!("q{it}"))),
                times(1_500),
                clicked(),
                Leaf::Whole(vec![Some(3); SEARCHES as usize]),
            ],
        ),
    ]
}

/// Flat columns with dots, texts of JSON, texts without a type, and times in microseconds.
fn flat(place: &Place) -> [String; 3] {
    let attributes = "optional double attributes.size; optional binary attributes.colour;";
    let mut leaves = catalogue_leaves();
    leaves.extend([
        Leaf::Float(items().map(|item| Some((item % 7) as f64)).collect()),
        text(items().map(|item| format!("k{}", item % 2))),
    ]);
    let catalogue = format!("{CATALOGUE} {attributes}");
    let times = |more: i64| {
        Leaf::Whole(
            (0..SEARCHES)
                .map(|it| Some((at(it) + more) * 1_000))
                .collect(),
        )
    };
    [
        input(place, "Catalogue", "products.parquet", &catalogue, &leaves),
        input(
            place,
            "Queries",
            "queries",
            "optional binary query_id; optional binary user_query; optional int64 timestamp (TIMESTAMP_MICROS); \
             optional binary query_response_hit_ids (UTF8);",
            &[
                text((0..SEARCHES).map(|it| format!("q{it}"))),
                text((0..SEARCHES).map(|it| format!("boot {}", it % 5))),
                times(0),
                text((0..SEARCHES).map(|it| json!(shown(it)))),
            ],
        ),
        input(
            place,
            "Events",
            "events",
            "optional binary action_name; optional binary query_id; optional int64 timestamp (TIMESTAMP_MICROS); \
             optional binary event_attributes.object.object_id; optional double event_attributes.position.ordinal;",
            &[
                text((0..SEARCHES).map(|_| "click")),
                text((0..SEARCHES).map(|it| format!("q{it}"))),
                times(1_500),
                clicked(),
                Leaf::Float(vec![Some(3.0); SEARCHES as usize]),
            ],
        ),
    ]
}

/// The files that `features` writes of the inputs.
fn features(place: &Place, inputs: &[String; 3]) -> Vec<String> {
    let folder = place.path("features").display().to_string();
    let mut arguments = vec!["features", "--output", &folder];
    for input in inputs {
        arguments.extend(["--input", input]);
    }
    let result = place.succeed(&arguments);
    assert!(
        result["rows"].as_u64().is_some_and(|rows| rows > 100),
        "{result}"
    );
    [
        "features.svmlight",
        "features.names",
        "features.svmlight.query",
    ]
    .iter()
    .filter_map(|name| std::fs::read_to_string(place.path("features").join(name)).ok())
    .collect()
}

#[test]
fn the_same_data_makes_the_same_rows() {
    let place = Place::new();
    let expected = features(&place, &json_lines(&place));
    assert!(expected.len() >= 2);
    let kinds: [fn(&Place) -> [String; 3]; 2] = [nested, flat];
    for write in kinds {
        let place = Place::new();
        assert_eq!(features(&place, &write(&place)), expected);
    }
}

const GRADES: &str = "optional binary query (UTF8); optional binary item_id (UTF8); optional double grade; optional binary judge (UTF8);";

fn grades(bad: &[usize]) -> Vec<Leaf> {
    vec![
        text(items().map(|_| "boot")),
        text(items().map(|item| format!("p{item}"))),
        Leaf::Float(
            items()
                .map(|item| (!bad.contains(&item)).then_some((item % 3) as f64))
                .collect(),
        ),
        text(items().map(|_| "me")),
    ]
}

#[test]
fn judgements_are_read_of_every_compression_and_bad_rows_are_told_by_row_and_column() {
    let place = Place::new();
    let [catalogue, ..] = nested(&place);
    let path = place.path("judged");
    let judgements = format!("Judgements={}", path.display());
    let arguments = [
        "check",
        "--input",
        &catalogue,
        "--input",
        &judgements,
        "--input-format",
        "Judgements=Parquet",
    ];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        write(&path, GRADES, &grades(&[]), compression);
        let result = place.succeed(&arguments);
        assert_eq!(result["checked"]["judgements"], 40, "{compression:?}");
        assert_eq!(
            result["notes"][0],
            "field \"judge\" of 40 judgements is not read"
        );
    }

    // Rows 10 and 20, each in a row group of its own.
    write(&path, GRADES, &grades(&[9, 19]), Compression::SNAPPY);
    let message = place.refused(&arguments, "InvalidData");
    assert!(
        message.starts_with("input Judgements: row 10, column grade: "),
        "{message}"
    );
    let tolerant: Vec<&str> = arguments
        .iter()
        .copied()
        .chain(["--bad-lines", "2"])
        .collect();
    let result = place.succeed(&tolerant);
    assert_eq!(result["checked"]["judgements"], 38);
    assert_eq!(result["checked"]["badLines"], 2);
    let note = result["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("2 bad lines of the judgements passed over")
            && note.contains("row 10, column grade"),
        "{note}"
    );
}

#[test]
fn what_is_no_sound_parquet_is_told_by_input() {
    let place = Place::new();
    let [catalogue, _, events] = nested(&place);
    let path = place.path("products.parquet");
    let whole = std::fs::read(&path).unwrap();
    let check = |catalogue: &str| {
        place.refused(
            &["check", "--input", catalogue, "--input", &events],
            "InvalidData",
        )
    };
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        check(&catalogue)
    };
    let message = refused(b"item_id,title\n");
    assert!(
        message.starts_with("input Catalogue: is no Parquet file"),
        "{message}"
    );
    let message = refused(&whole[..whole.len() - 9]);
    assert!(
        message.starts_with("input Catalogue: is a damaged Parquet file"),
        "{message}"
    );
    // Damage at many places: found, or without effect, but never a fault of the program.
    for place_of_damage in (4..whole.len() - 8).step_by(whole.len() / 24) {
        let mut bytes = whole.clone();
        bytes[place_of_damage] ^= 0x5a;
        std::fs::write(&path, &bytes).unwrap();
        let (code, result) = place.run(&["check", "--input", &catalogue, "--input", &events]);
        assert!([0, 65].contains(&code), "byte {place_of_damage}: {result}");
    }

    std::fs::write(&path, &whole).unwrap();
    let named = format!("Catalogue={}", place.path("products.csv").display());
    std::fs::copy(&path, place.path("products.csv")).unwrap();
    assert!(check(&named).contains("is a Parquet file where a text is expected"));

    let unknown = input(
        &place,
        "Catalogue",
        "unknown.parquet",
        "optional binary item_id (UTF8); optional binary title (UTF8); optional binary colour (UTF8);",
        &[text(["p1"]), text(["Boot"]), text(["red"])],
    );
    let message = check(&unknown);
    assert!(
        message.starts_with("input Catalogue: row 1, column colour: unknown field `colour`"),
        "{message}"
    );
}

#[test]
fn a_row_that_is_far_too_wide_is_refused_by_its_column_before_it_is_built() {
    let place = Place::new();
    let [catalogue, ..] = nested(&place);
    let path = place.path("judged");
    let check = || {
        let judgements = format!("Judgements={}", path.display());
        let arguments = [
            "check",
            "--input",
            &catalogue,
            "--input",
            &judgements,
            "--input-format",
            "Judgements=Parquet",
            // What is too wide for memory is no bad line.
            "--bad-lines",
            "5",
        ];
        place.refused(&arguments, "InvalidData")
    };
    let fields =
        "optional binary query (UTF8); optional binary item_id (UTF8); optional double grade;";
    let row = |query: String| {
        let grade = Leaf::Float(vec![Some(1.0)]);
        [text([query]), text(["p1"]), grade]
    };
    let wide = row("x".repeat(130 << 20));
    write(
        &path,
        fields,
        &wide,
        Compression::ZSTD(ZstdLevel::default()),
    );
    let length = std::fs::metadata(&path).unwrap().len();
    assert!(length < 1 << 20, "{length} bytes");
    assert_eq!(
        check(),
        "input Judgements: column query: a page takes 130 MiB, at most 128 MiB are read"
    );

    // Many values that hardly take room in the file.
    let fields = "optional group query (LIST) { repeated group list { optional binary element (UTF8); } } \
                  optional binary item_id (UTF8); optional double grade;";
    let mut leaves = row(String::new());
    leaves[0] = Leaf::Texts(vec![vec!["x".to_owned(); 400_000]]);
    write(&path, fields, &leaves, Compression::UNCOMPRESSED);
    assert_eq!(
        check(),
        "input Judgements: column query.list.element has 400000 values in 1 rows; a row may have 1048576 \
         bytes as JSON"
    );
}
