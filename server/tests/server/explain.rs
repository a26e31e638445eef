//! What a search engineer sees of `POST /v1/explain`.

use serde_json::{Value, json};

use crate::bundles;
use crate::harness::{Answer, serving};

const MODEL: &str = include_str!("../../../ranking/tests/fixtures/zero-as-missing.model.txt");
const SCORES: &str = include_str!("../../../ranking/tests/fixtures/zero-as-missing.scores.txt");

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is a number"))
}

/// Checks that everything that is explained adds up to its score.
fn adds_up(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    for result in answer["results"].as_array().unwrap() {
        let contributions = result["contributions"].as_array().unwrap();
        let magnitudes: Vec<f64> = contributions
            .iter()
            .map(|contribution| number(&contribution["contribution"]).abs())
            .collect();
        assert!(magnitudes.is_sorted_by(|first, second| first >= second));
        assert!(magnitudes.iter().all(|magnitude| *magnitude > 0.0));
        let sum = contributions
            .iter()
            .map(|contribution| number(&contribution["contribution"]))
            .sum::<f64>();
        let explained = number(&answer["baseValue"]) + sum + number(&result["others"]);
        assert!(
            (explained - number(&result["score"])).abs() < 1e-9,
            "{result}"
        );
    }
}

/// The rows of the test model that JSON can say, and their scores.
fn candidates() -> (Value, Vec<f64>) {
    let mut candidates = Vec::new();
    let mut scores = Vec::new();
    for line in SCORES.lines() {
        let (score, row) = line.split_once('\t').unwrap();
        let row: Vec<f64> = row.split(' ').map(|word| word.parse().unwrap()).collect();
        if row.iter().all(|value| value.is_finite()) {
            candidates.push(json!({ "id": candidates.len().to_string(), "features": row }));
            scores.push(score.parse().unwrap());
        }
    }
    (Value::from(candidates), scores)
}

#[tokio::test]
async fn inline_features_add_up_to_the_score_that_ranks() {
    let server = serving(&[bundles::of_model(MODEL)]);
    let (candidates, expected) = candidates();
    assert!(expected.len() > 40);
    for limit in [1, 100] {
        let request = json!({ "candidates": &candidates, "limit": limit });
        let ranked = server.rank(&request).await;
        for path in [
            "/v1/explain",
            "/v1/explain?top=1",
            "/v1/explain?top=18446744073709551615",
        ] {
            let explained = server.post(path, request.to_string()).await;
            adds_up(&explained);
            assert_eq!(explained.ids(), ranked.ids());
            assert_eq!(
                explained.headers["x-searchop-model"],
                ranked.headers["x-searchop-model"]
            );
            for result in explained.json()["results"].as_array().unwrap() {
                let place: usize = result["id"].as_str().unwrap().parse().unwrap();
                assert_eq!(number(&result["score"]), expected[place]);
                let count = result["contributions"].as_array().unwrap().len();
                match path {
                    "/v1/explain?top=1" => assert_eq!(count, 1),
                    "/v1/explain" => assert!((1..=10).contains(&count)),
                    _ => assert_eq!(result["others"], 0.0),
                }
            }
        }
    }
}

#[tokio::test]
async fn items_of_the_catalogue_are_explained_by_id() {
    let server = serving(&[bundles::with_catalogue()]);
    let request = json!({
        "query": "running shoes",
        "candidates": [{ "id": "new" }, { "id": "shoe-1" }, { "id": "shoe-3" }],
    });
    let answer = server.post("/v1/explain", request.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.ids(), ["shoe-3", "shoe-1", "new"]);
    let body = answer.json();
    assert_eq!(
        body["model"]["sha256"],
        bundles::with_catalogue().digest().as_str()
    );
    // The model's leaves are 3, 2 and 1, and only the price splits.
    assert!((number(&body["baseValue"]) - 2.0).abs() < 1e-9, "{body}");
    let [best, worst, unknown] = &body["results"].as_array().unwrap()[..] else {
        panic!("{body}");
    };
    for (result, score) in [(best, 3.0), (worst, 1.0)] {
        assert_eq!(
            (number(&result["score"]), &result["known"]),
            (score, &json!(true))
        );
        let contributions = result["contributions"].as_array().unwrap();
        assert_eq!(contributions.len(), 1, "{result}");
        assert_eq!(contributions[0]["feature"], "log_price");
        assert!((number(&contributions[0]["contribution"]) - (score - 2.0)).abs() < 1e-9);
    }
    let value = number(&best["contributions"][0]["value"]);
    assert!((value - 1.5_f64.ln()).abs() < 1e-6, "{value}");
    assert_eq!(
        unknown,
        &json!({ "id": "new", "score": null, "position": 3, "known": false, "contributions": [], "others": 0.0 })
    );
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused_by_name() {
    let server = serving(&[bundles::dense([1.0, 2.0, 3.0])]);
    let request = json!({ "candidates": [{ "id": "a", "features": [0, 0, 0] }] }).to_string();
    for (path, field) in [
        ("/v1/explain?top=0", "top"),
        ("/v1/explain?top=-1", "top"),
        ("/v1/explain?top=x", "top"),
        ("/v1/explain?top=1&top=2", "top"),
        ("/v1/explain?limit=1", "limit"),
    ] {
        let refused = server.post(path, request.clone()).await.error();
        assert_eq!(
            refused,
            (422, "InvalidField".into(), field.into()),
            "{path}"
        );
    }
    for (body, code, field) in [
        (
            json!({ "candidates": [], "limit": 101 }),
            "InvalidField",
            "limit",
        ),
        (
            json!({ "candidates": [], "limit": 0 }),
            "InvalidField",
            "limit",
        ),
        (
            json!({ "candidates": [{ "id": "a" }] }),
            "FeaturesRequired",
            "candidates[0].features",
        ),
        (
            json!({ "candidates": [{ "id": "a", "features": [0, 0] }] }),
            "WrongFeatureCount",
            "candidates[0].features",
        ),
    ] {
        let refused = server.post("/v1/explain", body.to_string()).await.error();
        assert_eq!(refused, (422, code.into(), field.into()), "{body}");
    }
    let unloaded = serving(&[]).post("/v1/explain", request).await.error();
    assert_eq!((unloaded.0, unloaded.1.as_str()), (503, "NotReady"));
}
