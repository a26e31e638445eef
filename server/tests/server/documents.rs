//! What is said about the API and the metrics is what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::stream;
use searchop_server::api::state::Limits;
use searchop_server::scoring_pool::ScoringPool;
use searchop_server::{api, app};
use serde_json::{Value, json};

use crate::bundles;
use crate::harness::{serving, with_limits};

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "head", "options", "patch"];

async fn document() -> Value {
    let server = serving(&[bundles::with_catalogue()]);
    let answer = server.get("/openapi.json").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    answer.json()
}

fn documented_paths(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &Value| {
        item.as_object()
            .unwrap()
            .keys()
            .filter(|key| METHODS.contains(&key.as_str()))
            .cloned()
            .collect()
    };
    paths
        .iter()
        .map(|(path, item)| (path.clone(), methods(item)))
        .collect()
}

#[tokio::test]
async fn every_documented_operation_is_routed_and_no_other_method_is() {
    let server = serving(&[bundles::with_catalogue()]);
    for (path, methods) in documented_paths(&document().await) {
        for method in METHODS {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(&path);
            let answer = server.send(request.body(Body::empty()).unwrap()).await;
            // A route for GET answers HEAD too.
            let expected =
                methods.contains(method) || (method == "head" && methods.contains("get"));
            let routed = answer.status != 404 && answer.status != 405;
            assert_eq!(
                routed, expected,
                "{method} {path} answered {}",
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn every_route_is_documented() {
    let server = serving(&[]);
    // The router names its routes only in its debug output.
    let shown = format!("{:?}", app(Arc::clone(&server.state)));
    let routed: BTreeSet<String> = shown
        .split('"')
        .filter(|part| part.starts_with('/') && part.len() > 1 && !part.contains("__private"))
        .map(str::to_owned)
        .collect();
    let documented: BTreeSet<String> = documented_paths(&document().await).into_keys().collect();
    assert_eq!(routed, documented);
    let expected = [
        "/openapi.json",
        "/v1/explain",
        "/v1/feedback",
        "/v1/models/{sha256}/report",
        "/v1/rank",
        "/v1/search",
    ];
    assert_eq!(
        documented.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    let document = document().await;
    let text = document.to_string();
    let mut references = 0;
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{pointer} leads nowhere"
        );
        references += 1;
    }
    assert!(references > 5, "the document refers to its schemas");
    assert_eq!(document["info"]["title"], "SearchOp ranking");
    let fields = document["components"]["schemas"]["RankRequest"]["properties"]
        .as_object()
        .unwrap();
    assert_eq!(
        fields.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        ["candidates", "context", "limit", "query"].into()
    );
    assert_eq!(
        document,
        serde_json::to_value(api::openapi::document()).unwrap()
    );
}

/// Every value in the document that is under this key.
fn values_under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key));
            fields
                .values()
                .for_each(|field| values_under(field, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| values_under(item, key, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_array_in_the_document_says_what_its_items_are() {
    let document = document().await;
    let mut items = Vec::new();
    values_under(&document, "items", &mut items);
    assert!(items.len() >= 5, "{items:?}");
    for item in items {
        assert!(
            item["$ref"].is_string() || item["type"].is_string() || item["type"].is_array(),
            "{item}"
        );
    }
    let features = &document["components"]["schemas"]["InlineFeatures"]["oneOf"];
    assert_eq!(
        features[1]["items"]["type"],
        json!(["number", "null"]),
        "a row may leave values out"
    );
}

/// Requests to each operation, and the status that they are answered with.
const REQUESTS: [(&str, &str, &str, u16); 28] = [
    (
        "post",
        "/v1/rank",
        r#"{"query":"a","candidates":[{"id":"shoe-1"}]}"#,
        200,
    ),
    ("post", "/v1/rank", "{", 400),
    ("post", "/v1/rank", "slow", 408),
    ("post", "/v1/rank", "long", 413),
    ("post", "/v1/rank", "text", 415),
    ("post", "/v1/rank", "{}", 422),
    (
        "post",
        "/v1/explain",
        r#"{"query":"a","candidates":[{"id":"shoe-1"}]}"#,
        200,
    ),
    ("post", "/v1/explain", "{", 400),
    ("post", "/v1/explain", "slow", 408),
    ("post", "/v1/explain", "long", 413),
    ("post", "/v1/explain", "text", 415),
    ("post", "/v1/explain", "{}", 422),
    ("get", "/v1/search?q=shoes", "", 200),
    ("get", "/v1/search", "", 422),
    ("post", "/v1/search", r#"{"query":"shoes"}"#, 200),
    ("post", "/v1/search", "{", 400),
    ("post", "/v1/search", "slow", 408),
    ("post", "/v1/search", "long", 413),
    ("post", "/v1/search", "text", 415),
    ("post", "/v1/search", "{}", 422),
    (
        "post",
        "/v1/feedback",
        r#"{"impressionId":"01890a5d-ac96-774b-bcce-b302099a8057","events":[{"type":"click","id":"a","position":1}]}"#,
        202,
    ),
    ("post", "/v1/feedback", "{", 400),
    ("post", "/v1/feedback", "slow", 408),
    ("post", "/v1/feedback", "long", 413),
    ("post", "/v1/feedback", "text", 415),
    ("post", "/v1/feedback", "{}", 422),
    ("get", "/v1/models/{sha256}/report", "", 422),
    ("get", "/openapi.json", "", 200),
];

#[tokio::test]
async fn every_answer_is_documented() {
    let limits = Limits {
        body_bytes: 1_000,
        request_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let pool = ScoringPool::new(4, 1, Duration::from_secs(30));
    let server = with_limits(&[bundles::with_catalogue()], limits, pool);
    let document = document().await;
    let documented = |method: &str, path: &str| -> BTreeSet<String> {
        let path = path.split('?').next().unwrap();
        let responses = document["paths"][path][method]["responses"].as_object();
        responses.unwrap().keys().cloned().collect()
    };
    for (method, path, body, status) in REQUESTS {
        let media_type = if body == "text" {
            "text/plain"
        } else {
            "application/json"
        };
        let body = match body {
            "slow" => Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()),
            "long" => Body::from(vec![b' '; 2_000]),
            body => Body::from(body),
        };
        let request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(path)
            .header("content-type", media_type);
        let answer = server.send(request.body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        assert!(
            documented(method, path).contains(&status.to_string()),
            "{method} {path} may answer {status}"
        );
    }
    // What a handler's panic, a lack of memory and a full pool are answered with.
    for (method, path) in [
        ("post", "/v1/rank"),
        ("post", "/v1/explain"),
        ("get", "/v1/search"),
        ("post", "/v1/search"),
        ("post", "/v1/feedback"),
    ] {
        for status in ["500", "503"] {
            assert!(
                documented(method, path).contains(status),
                "{method} {path} may answer {status}"
            );
        }
    }
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_metric_is_there() {
    let server = serving(&[bundles::dense([1.0, 2.0, 3.0])]);
    let row = |value: f64| json!({ "id": value.to_string(), "features": [value, 0, 0] });
    assert_eq!(
        server
            .rank(&json!({ "candidates": [row(0.0), row(1.0)] }))
            .await
            .status,
        200
    );
    let text = server.admin("/metrics").await.text;
    let exposed: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let documented: BTreeSet<&str> = include_str!("../../src/metrics/mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .map(|line| line.split('`').next().unwrap())
        .map(|name| name.trim_end_matches("_total").trim_end_matches("_info"))
        .collect();
    assert_eq!(exposed, documented);
    assert!(text.ends_with("# EOF\n"));

    let digest = bundles::dense([1.0, 2.0, 3.0]).digest();
    for line in [
        "searchop_server_requests_total{route=\"/v1/rank\",status=\"2xx\"} 1".to_owned(),
        "searchop_server_ready 1".to_owned(),
        "searchop_server_plan_sequence 0".to_owned(),
        format!("searchop_server_ranked_total{{model=\"{digest}\"}} 1"),
        format!("searchop_server_scored_candidates_total{{model=\"{digest}\"}} 2"),
        format!("searchop_server_plan_weight_percent{{model=\"{digest}\"}} 100"),
        format!("searchop_server_track_state{{model=\"{digest}\",state=\"Ready\"}} 1"),
    ] {
        assert!(
            text.lines().any(|shown| shown == line),
            "{line} is not in\n{text}"
        );
    }
}

#[tokio::test]
async fn paths_as_sent_do_not_become_labels() {
    let server = serving(&[]);
    for path in ["/a", "/b", "/v1/rank/c"] {
        server.get(path).await;
    }
    let text = server.admin("/metrics").await.text;
    assert!(
        text.contains(r#"searchop_server_requests_total{route="unmatched",status="4xx"} 3"#),
        "{text}"
    );
}
