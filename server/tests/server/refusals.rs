//! Hostile and mistaken requests: each is a 4xx that names the field, none is a 5xx.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::stream;
use searchop_server::api::state::Limits;
use searchop_server::scoring_pool::ScoringPool;
use serde_json::json;

use crate::bundles;
use crate::harness::{Harness, serving, with_body_memory, with_limits};

fn dense_server() -> Harness {
    serving(&[bundles::dense([1.0, 2.0, 3.0])])
}

fn refusal(status: u16, code: &str, field: &str) -> (u16, String, String) {
    (status, code.to_owned(), field.to_owned())
}

#[tokio::test]
async fn what_is_wrong_with_a_list_is_named() {
    let server = dense_server();
    let long = "x".repeat(257);
    let nested = "[".repeat(500_000);
    for (body, status, code, field) in [
        ("", 400, "MalformedJson", ""),
        ("{", 400, "MalformedJson", ""),
        ("[]", 422, "InvalidField", ""),
        ("null", 422, "InvalidField", ""),
        ("\u{0}", 400, "MalformedJson", ""),
        (nested.as_str(), 422, "InvalidField", "[0]"),
        ("{}", 422, "InvalidField", "candidates"),
        (
            r#"{"candidates":[{"features":{}}]}"#,
            422,
            "InvalidField",
            "candidates[0].id",
        ),
        (r#"{"candidates":{}}"#, 422, "InvalidField", "candidates"),
        (
            r#"{"candidates":[{"id":"a","features":[0,NaN,0]}]}"#,
            400,
            "MalformedJson",
            "candidates[0].features[1]",
        ),
        (
            r#"{"candidates":[{"id":"a","features":[0,"NaN",0]}]}"#,
            422,
            "InvalidField",
            "candidates[0].features[1]",
        ),
        (
            r#"{"candidates":[{"id":"a","features":[0,1e999,0]}]}"#,
            400,
            "MalformedJson",
            "candidates[0].features[1]",
        ),
        (
            r#"{"candidates":[{"id":"a","features":{"f0":Infinity}}]}"#,
            400,
            "MalformedJson",
            "candidates[0].features.f0",
        ),
        (
            r#"{"candidates":[{"id":"a","features":[1,2]}]}"#,
            422,
            "WrongFeatureCount",
            "candidates[0].features",
        ),
        (
            r#"{"candidates":[{"id":"a","features":[1,2,3,4]}]}"#,
            422,
            "WrongFeatureCount",
            "candidates[0].features",
        ),
        (
            r#"{"candidates":[{"id":"a","features":{}},{"id":"b","features":{"f9":1}}]}"#,
            422,
            "UnknownFeature",
            "candidates[1].features.f9",
        ),
        (
            r#"{"candidates":[{"id":"a","features":{"f1":1,"f1":2}}]}"#,
            422,
            "DuplicateFeature",
            "candidates[0].features.f1",
        ),
        (
            r#"{"candidates":[{"id":"a","features":{}},{"id":"b"}]}"#,
            422,
            "FeaturesRequired",
            "candidates[1].features",
        ),
        (
            r#"{"candidates":[{"id":"a","features":{}},{"id":"a","features":{}}]}"#,
            422,
            "DuplicateCandidate",
            "candidates[1].id",
        ),
        (
            r#"{"candidates":[{"id":" ","features":{}}]}"#,
            422,
            "InvalidField",
            "candidates[0].id",
        ),
        (
            &format!(r#"{{"candidates":[{{"id":"{long}","features":{{}}}}]}}"#),
            422,
            "InvalidField",
            "candidates[0].id",
        ),
        (
            r#"{"candidates":[{"id":"a","feature":{}}]}"#,
            422,
            "InvalidField",
            "candidates[0].feature",
        ),
        (
            r#"{"candidates":[],"limit":0}"#,
            422,
            "InvalidField",
            "limit",
        ),
        (
            r#"{"candidates":[],"limit":1.5}"#,
            422,
            "InvalidField",
            "limit",
        ),
        (
            r#"{"candidates":[],"query":""}"#,
            422,
            "InvalidField",
            "query",
        ),
        (
            r#"{"candidates":[],"context":{"sessionKey":5}}"#,
            422,
            "InvalidField",
            "context.sessionKey",
        ),
        (
            r#"{"candidates":[],"context":{"sessionKey":""}}"#,
            422,
            "InvalidField",
            "context.sessionKey",
        ),
    ] {
        let shown: String = body.chars().take(100).collect();
        let answer = server.post("/v1/rank", body.to_owned()).await;
        assert_eq!(
            answer.error(),
            refusal(status, code, field),
            "{shown}: {}",
            answer.text
        );
    }
    let invalid_text = server
        .post("/v1/rank", vec![b'{', b'"', 0xff, 0xfe, b'"'])
        .await;
    assert_eq!(invalid_text.error().0, 400);
}

#[tokio::test]
async fn a_model_that_reads_the_query_asks_for_it() {
    let server = serving(&[bundles::with_catalogue()]);
    let answer = server
        .rank(&json!({ "candidates": [{ "id": "shoe-1" }] }))
        .await;
    assert_eq!(answer.error(), refusal(422, "QueryRequired", "query"));
    let request = json!({ "query": "x".repeat(1_001), "candidates": [{ "id": "shoe-1" }] });
    assert_eq!(
        server.rank(&request).await.error(),
        refusal(422, "InvalidField", "query")
    );
    let answer = server
        .rank(&json!({ "query": "x", "candidates": [{ "id": "shoe-1", "features": [1] }] }))
        .await;
    assert_eq!(
        answer.error(),
        refusal(422, "WrongFeatureCount", "candidates[0].features")
    );
}

#[tokio::test]
async fn too_many_candidates_are_refused_and_as_many_as_allowed_are_ranked() {
    let server = dense_server();
    let request = |count: usize| {
        let candidates: Vec<_> = (0..count)
            .map(|n| json!({ "id": n.to_string(), "features": [] }))
            .collect();
        json!({ "candidates": candidates })
    };
    let answer = server.rank(&request(1_001)).await;
    assert_eq!(
        answer.error(),
        refusal(422, "TooManyCandidates", "candidates")
    );
    let within: Vec<_> = (0..1_000)
        .map(|n| json!({ "id": n.to_string(), "features": [n % 3, 0, 0] }))
        .collect();
    assert_eq!(
        server
            .rank(&json!({ "candidates": within }))
            .await
            .ids()
            .len(),
        1_000
    );

    let roomy = Limits {
        body_bytes: 64 * 1024 * 1024,
        ..Limits::default()
    };
    let roomy = with_limits(
        &[bundles::dense([1.0, 2.0, 3.0])],
        roomy,
        ScoringPool::new(4, 1, Duration::from_secs(30)),
    );
    let answer = roomy.rank(&request(100_000)).await;
    assert_eq!(
        answer.error(),
        refusal(422, "TooManyCandidates", "candidates")
    );
    assert_eq!(
        dense_server().rank(&request(100_000)).await.error(),
        refusal(413, "BodyTooLarge", "")
    );
}

#[tokio::test]
async fn a_body_too_long_is_refused_declared_or_not() {
    let server = dense_server();
    let declared = vec![b' '; 10 * 1024 * 1024];
    assert_eq!(
        server.post("/v1/rank", declared).await.error(),
        refusal(413, "BodyTooLarge", "")
    );

    let endless =
        stream::iter((0..10_240).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1024]))));
    assert_eq!(
        server
            .post("/v1/rank", Body::from_stream(endless))
            .await
            .error(),
        refusal(413, "BodyTooLarge", "")
    );
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let limits = Limits {
        request_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = with_limits(
        &[bundles::dense([1.0, 2.0, 3.0])],
        limits,
        ScoringPool::new(4, 1, Duration::from_secs(30)),
    );
    let stuck = stream::pending::<Result<Bytes, std::io::Error>>();
    let answer = server.post("/v1/rank", Body::from_stream(stuck)).await;
    assert_eq!(answer.error(), refusal(408, "RequestTimeout", ""));
}

#[tokio::test]
async fn bodies_that_there_is_no_memory_for_are_refused_until_there_is() {
    let server = with_body_memory(
        &[bundles::dense([1.0, 2.0, 3.0])],
        Limits::default(),
        ScoringPool::new(4, 1, Duration::from_secs(30)),
        1024 * 1024,
    );
    let request = json!({ "candidates": [{ "id": "a", "features": [0, 0, 0] }] });
    // It does not say how long it is, so it may take all there is.
    let (sender, waiting) = futures::channel::mpsc::unbounded::<Result<Bytes, std::io::Error>>();
    let first = server.post("/v1/rank", Body::from_stream(waiting));
    let meanwhile = async {
        let answer = server.rank(&request).await;
        assert_eq!(answer.error(), refusal(503, "Overloaded", ""));
        assert_eq!(answer.headers["retry-after"], "1");
        sender
            .unbounded_send(Ok(Bytes::from(request.to_string())))
            .unwrap();
        drop(sender);
    };
    let (first, ()) = futures::future::join(first, meanwhile).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(server.rank(&request).await.status, 200);
    let metrics = server.admin("/metrics").await.text;
    assert!(
        metrics.contains("searchop_server_overloaded_total 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn wrong_paths_methods_and_types_are_answered_in_the_same_shape() {
    let server = dense_server();
    assert_eq!(
        server.get("/v1/nothing").await.error(),
        refusal(404, "NotFound", "")
    );
    assert_eq!(
        server.get("/v1/rank").await.error(),
        refusal(405, "MethodNotAllowed", "")
    );
    let request = Request::post("/v1/rank")
        .header("content-type", "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    assert_eq!(
        server.send(request).await.error(),
        refusal(415, "UnsupportedMediaType", "")
    );
    let request = Request::post("/v1/rank").body(Body::from("{}")).unwrap();
    assert_eq!(
        server.send(request).await.error(),
        refusal(415, "UnsupportedMediaType", "")
    );
}

#[tokio::test]
async fn a_wrong_search_parameter_is_named() {
    let server = serving(&[bundles::with_catalogue()]);
    for (path, field) in [
        ("/v1/search", "q"),
        ("/v1/search?q=", "q"),
        ("/v1/search?q=a&limit=0", "limit"),
        ("/v1/search?q=a&limit=1e3", "limit"),
        ("/v1/search?q=a&ranker=none", "ranker"),
        ("/v1/search?q=a&page=2", "page"),
    ] {
        assert_eq!(
            server.get(path).await.error(),
            refusal(422, "InvalidField", field),
            "{path}"
        );
    }
}

#[tokio::test]
async fn wrong_feedback_is_named() {
    let server = dense_server();
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let event = json!({ "type": "click", "id": "a", "position": 1 });
    for (body, field) in [
        (
            json!({ "impressionId": "x", "events": [event] }),
            "impressionId",
        ),
        (json!({ "impressionId": id, "events": [] }), "events"),
        (
            json!({ "impressionId": id, "events": vec![event.clone(); 101] }),
            "events",
        ),
        (
            json!({ "impressionId": id, "events": [{ "type": "look", "id": "a", "position": 1 }] }),
            "events[0].type",
        ),
        (
            json!({ "impressionId": id, "events": [event, { "type": "cart", "id": "", "position": 1 }] }),
            "events[1].id",
        ),
        (
            json!({ "impressionId": id, "events": [{ "type": "cart", "id": "a", "position": 0 }] }),
            "events[0].position",
        ),
        (
            json!({ "impressionId": id, "events": [{ "type": "cart", "id": "a", "position": -1 }] }),
            "events[0].position",
        ),
        (json!({ "events": [event] }), "impressionId"),
        (
            json!({ "impressionId": id, "events": [{ "id": "a", "position": 1 }] }),
            "events[0].type",
        ),
    ] {
        let answer = server.post("/v1/feedback", body.to_string()).await;
        assert_eq!(
            answer.error(),
            refusal(422, "InvalidField", field),
            "{body}"
        );
    }
}
