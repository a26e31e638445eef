//! What a search engineer sees of `POST /v1/rank` and `/v1/search`.

use serde_json::{Value, json};

use crate::bundles;
use crate::harness::serving;

/// Candidates `a`, `b`, `c` of which `b` has the highest `f0`, then `c`, then `a`.
fn dense_request() -> Value {
    json!({ "candidates": [
        { "id": "a", "features": { "f0": 0.0 } },
        { "id": "b", "features": [2, 0, 0] },
        { "id": "c", "features": { "f0": 1.0, "f2": 7.5 } },
    ] })
}

#[tokio::test]
async fn candidates_come_back_in_the_order_of_their_scores() {
    let bundle = bundles::dense([0.1, 0.2, 0.30000000000000004]);
    let server = serving(&[bundle]);
    let digest = bundles::dense([0.1, 0.2, 0.30000000000000004]).digest();
    let answer = server.rank(&dense_request()).await;
    assert_eq!(answer.ids(), ["b", "c", "a"]);
    assert_eq!(answer.headers["x-searchop-model"], digest.as_str());
    let body = answer.json();
    assert_eq!(body["model"]["sha256"], digest.as_str());
    assert_eq!(body["degraded"], false);
    assert_eq!(body["impressionId"].as_str().unwrap().len(), 36);
    let expected = json!([
        { "id": "b", "score": 0.30000000000000004, "position": 1 },
        { "id": "c", "score": 0.2, "position": 2 },
        { "id": "a", "score": 0.1, "position": 3 },
    ]);
    assert_eq!(body["results"], expected, "the scores have all their bits");
}

#[tokio::test]
async fn a_limit_shortens_the_list_and_ties_keep_the_order_sent() {
    let server = serving(&[bundles::dense([1.0, 1.0, 1.0])]);
    let mut request = dense_request();
    assert_eq!(server.rank(&request).await.ids(), ["a", "b", "c"]);
    request["limit"] = json!(2);
    assert_eq!(server.rank(&request).await.ids(), ["a", "b"]);
    request["limit"] = json!(u64::MAX);
    assert_eq!(server.rank(&request).await.ids(), ["a", "b", "c"]);
}

#[tokio::test]
async fn an_absent_value_is_the_default_of_the_schema() {
    let server = serving(&[bundles::dense([3.0, 2.0, 1.0])]);
    let request = json!({ "candidates": [
        { "id": "one", "features": [1, 1, 1] },
        { "id": "null", "features": [null, 1, 1] },
        { "id": "none", "features": {} },
    ] });
    assert_eq!(server.rank(&request).await.ids(), ["null", "none", "one"]);
}

#[tokio::test]
async fn nothing_to_rank_is_an_empty_list() {
    let server = serving(&[bundles::dense([1.0, 2.0, 3.0])]);
    let answer = server.rank(&json!({ "candidates": [] })).await;
    assert_eq!(answer.ids(), [] as [&str; 0]);
    assert_eq!(answer.json()["degraded"], false);
}

#[tokio::test]
async fn items_of_the_catalogue_are_ranked_by_id() {
    let server = serving(&[bundles::with_catalogue()]);
    let request = json!({
        "query": "running shoes",
        "context": { "sessionKey": "somebody" },
        "candidates": [{ "id": "shoe-1" }, { "id": "shoe-2" }, { "id": "shoe-3" }],
    });
    let answer = server.rank(&request).await;
    assert_eq!(answer.ids(), ["shoe-3", "shoe-2", "shoe-1"]);
    assert_eq!(answer.json()["results"][0]["score"], 3.0);
}

#[tokio::test]
async fn an_item_that_the_model_does_not_know_comes_last_and_is_marked() {
    let server = serving(&[bundles::with_catalogue()]);
    let request = json!({
        "query": "running shoes",
        "candidates": [{ "id": "new-1" }, { "id": "shoe-1" }, { "id": "new-2" }, { "id": "shoe-2" }],
    });
    let answer = server.rank(&request).await;
    assert_eq!(answer.ids(), ["shoe-2", "shoe-1", "new-1", "new-2"]);
    let results = &answer.json()["results"];
    assert_eq!(
        results[2],
        json!({ "id": "new-1", "score": null, "position": 3, "known": false })
    );
    assert_eq!(results[0].get("known"), None);
    assert_eq!(answer.json()["degraded"], false);
}

#[tokio::test]
async fn a_list_of_unknown_items_keeps_its_order_and_is_degraded() {
    let server = serving(&[bundles::with_catalogue()]);
    let request = json!({ "query": "shoes", "candidates": [{ "id": "new-1" }, { "id": "new-2" }] });
    let answer = server.rank(&request).await;
    assert_eq!(answer.ids(), ["new-1", "new-2"]);
    assert_eq!(answer.json()["degraded"], true);
    assert_eq!(answer.json()["model"], Value::Null);
    assert!(!answer.headers.contains_key("x-searchop-model"));
    assert!(
        server
            .admin("/metrics")
            .await
            .text
            .contains(r#"degraded_total{cause="NothingKnown"} 1"#)
    );
}

#[tokio::test]
async fn inline_features_replace_computed_ones() {
    let server = serving(&[bundles::with_catalogue()]);
    let request = json!({
        "query": "running shoes",
        "candidates": [
            { "id": "shoe-3" },
            { "id": "shoe-1", "features": { "log_price": 1.0 } },
            { "id": "new", "features": { "log_price": 0.25 } },
            { "id": "shoe-2", "features": { "log_price": 9 } },
        ],
    });
    let answer = server.rank(&request).await;
    assert_eq!(answer.ids(), ["shoe-3", "new", "shoe-1", "shoe-2"]);
}

#[tokio::test]
async fn a_search_shows_the_order_before_and_after_the_model() {
    let server = serving(&[bundles::with_catalogue()]);
    let before = server
        .get("/v1/search?q=running%20shoes&ranker=retrieval")
        .await;
    assert_eq!(before.ids(), ["shoe-1", "shoe-2", "shoe-3"]);
    assert_eq!(before.json()["model"], Value::Null);
    assert_eq!(before.json()["degraded"], false);
    assert_eq!(before.json()["results"][0]["score"], Value::Null);

    let after = server.get("/v1/search?q=running%20shoes&limit=2").await;
    assert_eq!(after.ids(), ["shoe-3", "shoe-2"]);
    let body = after.json();
    let expected = json!({
        "id": "shoe-2", "title": "Running shoes, red", "brand": "Fleet", "price": 3.0, "score": 2.0,
        "position": 2, "retrievalPosition": 2,
    });
    assert_eq!(body["results"][1], expected);
    assert_eq!(body["results"][0]["retrievalPosition"], 3);
    assert_eq!(
        (&body["retrieved"], &body["query"]),
        (&json!(3), &json!("running shoes"))
    );
    assert_eq!(
        after.headers["x-searchop-model"],
        bundles::with_catalogue().digest().as_str()
    );
}

#[tokio::test]
async fn a_search_by_body_ranks_by_what_was_done_lately() {
    let server = serving(&[bundles::of_catalogue("recent_item_action", [1.0, 2.0, 3.0])]);
    let event = |kind: &str, id: &str| json!({ "type": kind, "id": id, "secondsAgo": 5 });
    let mut request = json!({
        "query": "running shoes",
        "context": { "recentEvents": [event("click", "shoe-2"), event("cart", "shoe-3")] },
    });
    let answer = server.post("/v1/search", request.to_string()).await;
    assert_eq!(answer.ids(), ["shoe-3", "shoe-2", "shoe-1"]);
    request["limit"] = json!(1);
    let answer = server.post("/v1/search", request.to_string()).await;
    assert_eq!(answer.ids(), ["shoe-3"]);
    request["ranker"] = json!("retrieval");
    let answer = server.post("/v1/search", request.to_string()).await;
    assert_eq!(answer.ids(), ["shoe-1"]);

    // Without, it is the search by URL.
    let request = json!({ "query": "running shoes" }).to_string();
    let by_body = server.post("/v1/search", request).await;
    let by_url = server.get("/v1/search?q=running%20shoes").await;
    assert_eq!(by_body.json()["results"], by_url.json()["results"]);
    assert_eq!(by_body.ids(), ["shoe-1", "shoe-2", "shoe-3"]);
}

#[tokio::test]
async fn a_search_that_finds_nothing_is_an_empty_list() {
    let server = serving(&[bundles::with_catalogue()]);
    for query in [
        "zeppelin",
        "%22%28%5B%2B-%7B",
        "AND%20OR%20NOT",
        "title:shoe%5E1e99",
        "%F0%9F%A5%BF",
    ] {
        let answer = server.get(&format!("/v1/search?q={query}")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["degraded"]),
            (200, &json!(false)),
            "{query}"
        );
    }
    assert_eq!(
        server.get("/v1/search?q=zeppelin").await.ids(),
        [] as [&str; 0]
    );
}

#[tokio::test]
async fn a_model_without_a_catalogue_cannot_be_searched() {
    for bundle in [
        bundles::dense([1.0, 2.0, 3.0]),
        bundles::without_catalogue(),
    ] {
        let server = serving(&[bundle]);
        let answer = server.get("/v1/search?q=shoes").await;
        assert_eq!(
            answer.error(),
            (409, "CatalogueNotAvailable".into(), String::new())
        );
    }
}

#[tokio::test]
async fn feedback_is_taken_and_counted() {
    let server = serving(&[bundles::dense([1.0, 2.0, 3.0])]);
    let impression = server.rank(&dense_request()).await.json()["impressionId"].clone();
    let feedback = json!({ "impressionId": impression, "events": [
        { "type": "click", "id": "b", "position": 1 },
        { "type": "purchase", "id": "b", "position": 1 },
    ] });
    let answer = server.post("/v1/feedback", feedback.to_string()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (202, json!({ "accepted": 2 }))
    );
    let metrics = server.admin("/metrics").await.text;
    assert!(
        metrics.contains(r#"searchop_server_feedback_events_total{type="purchase"} 1"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_models_report_is_a_page_that_loads_nothing() {
    let mut bundle = bundles::dense([1.0, 2.0, 3.0]);
    let page = "<!doctype html><title>é</title>".to_owned();
    bundle
        .files
        .push(("report.html".to_owned(), page.clone().into_bytes()));
    let plain = bundles::dense([3.0, 2.0, 1.0]);
    let (digest, without) = (bundle.digest(), plain.digest());
    let server = serving(&[bundle, plain]);
    let answer = server.get(&format!("/v1/models/{digest}/report")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, page.as_str())
    );
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(
        answer.headers["content-security-policy"],
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    );
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");

    let refusal = |status, code: &str, field: &str| (status, code.to_owned(), field.to_owned());
    for (digest, expected) in [
        (without.as_str(), refusal(404, "NotFound", "")),
        (&"0".repeat(64), refusal(404, "NotFound", "")),
        ("..", refusal(422, "InvalidField", "sha256")),
        ("%FF", refusal(422, "InvalidField", "sha256")),
    ] {
        let answer = server.get(&format!("/v1/models/{digest}/report")).await;
        assert_eq!(answer.error(), expected, "{digest}");
    }
}
