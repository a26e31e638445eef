//! Own data: catalogue, judgements and logs as people have them.

use serde_json::Value;

use crate::place::{Place, train};

/// Forty products: every second one is a boot, every fourth one is red.
fn catalogue() -> String {
    let mut text = "item_id,title,category,price,in_stock,attributes.size\n".to_owned();
    for number in 0..40 {
        let kind = if number % 2 == 0 { "boot" } else { "sock" };
        let colour = if number % 4 == 0 { "red" } else { "blue" };
        text += &format!(
            "p{number},{colour} {kind} {number},Shoes > {kind}s,{number}.5,yes,{}\n",
            number % 7
        );
    }
    text
}

/// Sixty queries, each of ten items; what has the query's words is better.
fn judgements() -> String {
    let mut text = "query,item_id,grade\n".to_owned();
    for query in 0..60 {
        let kind = if query % 3 == 0 { "boot" } else { "sock" };
        for step in 0..10 {
            let item = (query * 7 + step) % 40;
            let is_kind = (item % 2 == 0) == (kind == "boot");
            let grade = match (is_kind, item % 4 == 0) {
                (true, true) => "Exact",
                (true, false) => "Substitute",
                _ => "Irrelevant",
            };
            text += &format!("red {kind} {query},p{item},{grade}\n");
        }
    }
    text
}

/// A bulk file of thirty days with all rows mixed, and one event of a search that nobody recorded.
fn log() -> String {
    let mut text = String::new();
    let mut row = |index: &str, row: Value| {
        text += &format!("{{\"index\":{{\"_index\":\"{index}\"}}}}\n{row}\n");
    };
    for search in 0..300 {
        let at = 1_737_000_000_000_i64 + search * 9_000_000;
        let kind = if search % 3 == 0 { "boot" } else { "sock" };
        let shown: Vec<String> = (0..8)
            .map(|step| format!("p{}", (search * 11 + step) % 40))
            .collect();
        let wanted = shown.iter().position(|item| {
            let number: i64 = item[1..].parse().unwrap();
            (number % 2 == 0) == (kind == "boot")
        });
        let clicked = &shown[wanted.unwrap()];
        row(
            "ubi_queries",
            serde_json::json!({"query_id": format!("q{search}"), "client_id": "c", "user_query": format!("{kind} {}", search % 20), "timestamp": at, "query_response_hit_ids": shown}),
        );
        row(
            "ubi_events",
            serde_json::json!({"action_name": "product_click", "query_id": format!("q{search}"), "client_id": "c", "timestamp": at - 400, "event_attributes": {"object": {"object_id": clicked}}}),
        );
    }
    row(
        "ubi_events",
        serde_json::json!({"action_name": "purchase", "query_id": "lost", "timestamp": "2025-01-20T00:00:00Z", "event_attributes": {"object": {"object_id": "p1"}}}),
    );
    text
}

#[test]
fn judgements_become_a_model_that_beats_chance() {
    let place = Place::new();
    let catalogue = format!("Catalogue={}", place.write("products.csv", &catalogue()));
    let judgements = format!(
        "Judgements={}",
        place.write("judgements.csv", &judgements())
    );
    let grades = "Exact=2:1,Substitute=1:0.1,Irrelevant=0:0";
    let mut arguments = train(&[
        "--input",
        &catalogue,
        "--input",
        &judgements,
        "--grades",
        grades,
        "--parameter",
        "min_data_in_leaf=5",
    ]);
    let result = place.succeed(&arguments);
    let metric = &result["metrics"][1];
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    assert_eq!(metric["name"], "ndcg@10");
    assert!(
        number(&metric["value"]) > number(&metric["baselines"]["random"]),
        "{metric}"
    );
    let names: Vec<&String> = metric["baselines"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["bm25", "popularity", "random"],
        "nothing was shown: there is no retrieval order"
    );
    let manifest = std::fs::read_to_string(place.path(&format!(
        "store/artifacts/{}/manifest.json",
        result["model"]["sha256"].as_str().unwrap()
    )))
    .unwrap();
    assert!(
        manifest.contains("\"label_gain\":\"0,0.1,1\""),
        "{manifest}"
    );
    let metrics = std::fs::read_to_string(place.path(&format!(
        "store/artifacts/{}/files/metrics.json",
        result["model"]["sha256"].as_str().unwrap()
    )))
    .unwrap();
    for measured_by in [
        "\"gain\":{\"Stated\":[",
        "gain as stated (0, 0.1, 1 for labels from 0)",
    ] {
        assert!(metrics.contains(measured_by), "{metrics:.500}");
    }

    // The same file with other grades is other data.
    for argument in arguments.iter_mut().filter(|argument| **argument == grades) {
        *argument = "Exact=3,Substitute=1,Irrelevant=0";
    }
    assert_ne!(
        place.succeed(&arguments)["datasetSha256"],
        result["datasetSha256"]
    );
}

#[test]
fn a_dirty_log_becomes_a_model_and_its_dirt_is_told() {
    let place = Place::new();
    let catalogue = format!("Catalogue={}", place.write("products.csv", &catalogue()));
    let events = format!("Events={}", place.write("log.ndjson", &log()));
    let source = [
        "--input",
        &catalogue,
        "--input",
        &events,
        "--action",
        "product_click=click",
    ];
    let result = place.succeed(&train(&source));
    assert_eq!(result["data"]["products"], 40);
    assert_eq!(result["data"]["searches"], 300);
    assert_eq!(result["data"]["leftOut"]["EventOfUnrecordedSearch"], 1);
    let names: Vec<&String> = result["metrics"][1]["baselines"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["bm25", "popularity", "random", "retrieval"]);

    let checked: Vec<&str> = ["check"].into_iter().chain(source).collect();
    let output = place.command(&checked).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "catalogue    40 products",
        "category   100.0 % of products, 2 different",
        "attribute \"size\": 40 numbers",
        "2025-01-16 to 2025-02-16",
        "300 searches, 300 of them with a list; 300 events: 300 Click",
        "unmatched  0.0 %",
        "ClockSkew",
    ] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
    let result = place.succeed(&checked);
    assert_eq!(result["datasetSha256"].as_str().map(str::len), Some(64));
    assert_eq!(result["checked"]["searches"], 300);
    assert_eq!(result["checked"]["products"], 40);
}

#[test]
fn judgements_and_a_log_together_give_labels_and_behaviour() {
    let place = Place::new();
    let inputs = [
        format!("Catalogue={}", place.write("products.csv", &catalogue())),
        format!(
            "Judgements={}",
            place.write("judgements.csv", &judgements())
        ),
        format!("Events={}", place.write("log.ndjson", &log())),
    ];
    let folder = place.path("features").display().to_string();
    let mut arguments = vec![
        "features",
        "--output",
        &folder,
        "--grades",
        "Exact=2,Substitute=1,Irrelevant=0",
        "--action",
        "product_click=click",
    ];
    for input in &inputs {
        arguments.extend(["--input", input]);
    }
    let result = place.succeed(&arguments);
    assert_eq!(
        (&result["rows"], &result["queries"]),
        (&600.into(), &60.into())
    );
    let names = std::fs::read_to_string(place.path("features/features.names")).unwrap();
    let clicks = names
        .lines()
        .position(|name| name == "item_clicks")
        .unwrap();
    let rows = std::fs::read_to_string(place.path("features/features.svmlight")).unwrap();
    let has_clicks = |row: &str| {
        row.contains(&format!(" {clicks}:")) && !row.contains(&format!(" {clicks}:nan"))
    };
    assert!(
        rows.lines().any(has_clicks),
        "the log's clicks are features"
    );
}

#[test]
fn what_is_wrong_is_told_by_input_line_and_field() {
    let place = Place::new();
    let catalogue = format!("Catalogue={}", place.write("products.csv", &catalogue()));
    let bad = place.write("bad.csv", "query,item_id,grade\na,p1,1\na,p2,x\n");
    let judgements = format!("Judgements={bad}");
    let arguments = train(&["--input", &catalogue, "--input", &judgements]);
    let message = place.refused(&arguments, "InvalidData");
    assert!(
        message.starts_with("input Judgements: line 3, field grade: \"x\" has no label"),
        "{message}"
    );
    let odd = place.write("odd.csv", &(self::judgements() + "red boot,p1,Odd\n"));
    let odd = format!("Judgements={odd}");
    let result = place.succeed(&train(&[
        "--input",
        &catalogue,
        "--input",
        &odd,
        "--grades",
        "Exact=2,Substitute=1,Irrelevant=0",
        "--parameter",
        "min_data_in_leaf=5",
        "--bad-lines",
        "1",
    ]));
    assert_eq!(
        result["data"]["badLines"],
        serde_json::json!({"InvalidField": 1})
    );
    let tolerated: Vec<&str> = [
        "check",
        "--input",
        &catalogue,
        "--input",
        &judgements,
        "--bad-lines",
        "1",
    ]
    .to_vec();
    let result = place.succeed(&tolerated);
    assert_eq!(result["checked"]["badLines"], 1);
    assert!(
        result["notes"][0]
            .as_str()
            .unwrap()
            .contains("line 3, field grade"),
        "{result}"
    );

    let strange = format!(
        "Judgements={}",
        place.write("strange.csv", "query,item_id,grade\na,x1,1\na,x2,0\n")
    );
    let message = place.refused(
        &train(&["--input", &catalogue, "--input", &strange]),
        "InvalidData",
    );
    assert_eq!(
        message,
        "the data makes no rows: no judgement is of an item of the catalogue"
    );
    let result = place.succeed(&["check", "--input", &catalogue, "--input", &strange]);
    assert_eq!(
        result["notes"][0],
        "100.0 % of the items in the judgements are not in the catalogue, such as \"x1\", \"x2\": is it the same id?"
    );
}

#[test]
fn rows_and_datasets_are_checked_by_what_they_make() {
    let place = Place::new();
    let rows = format!(
        "SvmLight={}",
        place.write("rows", &crate::place::svmlight(10))
    );
    let result = place.succeed(&["check", "--input", &rows, "--feature-numbering", "OneBased"]);
    assert_eq!(result["checked"]["rows"], 50);
    let dataset = place.dataset();
    let checked = ["check", "--dataset-uri", &dataset];
    let result = place.succeed(&checked);
    assert!(
        result["checked"]["rows"].as_u64().unwrap() > 100,
        "{result}"
    );
    assert_eq!(result["checked"]["products"], 200);
    assert_eq!(result["checked"]["badLines"], 0);
    for of in ["judgements", "searches", "events"] {
        assert!(
            result["checked"][of].as_u64().unwrap() > 100,
            "{of}: {result}"
        );
    }
    let text = String::from_utf8(place.command(&checked).output().unwrap().stdout).unwrap();
    for expected in [
        "catalogue    200 products",
        "  price      ",
        "judgements   ",
        "log          ",
        "  unmatched  0.0 %",
        "rows         ",
    ] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
}
