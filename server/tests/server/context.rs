//! What who searches did lately, as the caller tells it with a request.

use std::sync::Arc;

use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::events::{
    Action, Event, EventAttributes, EventObject, QueryAttributes, Search,
};
use searchop_ranking::features::{FeatureContext, Journal, TrainingOptions, column, training_rows};
use searchop_server::api::body::RankBody;
use searchop_server::api::messages::RankRequest;
use searchop_server::bundle::{LoadedBundle, RowBuffers};
use searchop_server::rank::rows;
use serde_json::{Value, json};

use crate::bundles::{self, CATALOGUE};
use crate::harness::serving;

const START: i64 = 1_800_000_000_000;

fn search(query_id: &str, timestamp: i64, shown: &[&str]) -> Search {
    Search {
        query_id: query_id.to_owned(),
        client_id: "somebody".to_owned(),
        user_query: "running shoes".to_owned(),
        query_attributes: QueryAttributes::default(),
        timestamp,
        query_response_hit_ids: shown.iter().map(|&id| id.to_owned()).collect(),
    }
}

fn event(action_name: Action, query_id: &str, item_id: &str, timestamp: i64) -> Event {
    Event {
        action_name,
        query_id: query_id.to_owned(),
        client_id: "somebody".to_owned(),
        session_id: String::new(),
        timestamp,
        event_attributes: EventAttributes {
            object: EventObject {
                object_id: item_id.to_owned(),
            },
            position: None,
        },
    }
}

#[test]
fn a_request_with_recent_events_has_the_bits_of_the_training_s_replay() {
    let catalogue = Arc::new(Catalogue::read(CATALOGUE.as_bytes()).unwrap());
    let shown = ["shoe-1", "shoe-2", "shoe-3"];
    let searches = [
        search("first", START, &["shoe-1", "shoe-2", "lamp-1"]),
        search("second", START + 100_000, &shown),
    ];
    let events = [
        event(Action::Click, "first", "shoe-2", START + 5_000),
        event(Action::AddToCart, "first", "shoe-2", START + 9_500),
        event(Action::Purchase, "first", "lamp-1", START + 99_000),
        event(Action::Click, "second", "shoe-3", START + 101_000),
    ];
    let journal = Journal::new(&catalogue, &searches, &events);
    let options = TrainingOptions {
        recent_events: 20,
        ..TrainingOptions::default()
    };
    let trained = training_rows(&FeatureContext::new(catalogue), &journal, &options);
    let first = trained.len() - shown.len();

    let folder = tempfile::tempdir().unwrap();
    let digest = bundles::with_catalogue().write(folder.path());
    let bundle = LoadedBundle::load(folder.path(), &digest).unwrap();
    let candidates: Vec<Value> = shown.iter().map(|id| json!({ "id": id })).collect();
    let request: RankRequest = serde_json::from_value(json!({
        "query": "running shoes",
        "context": { "recentEvents": [
            { "type": "purchase", "id": "lamp-1", "secondsAgo": 1 },
            { "type": "click", "id": "an item of another shop", "secondsAgo": 50 },
            { "type": "cart", "id": "shoe-2", "secondsAgo": 90 },
            { "type": "click", "id": "shoe-2", "secondsAgo": 95 },
        ] },
        "candidates": candidates,
    }))
    .unwrap();
    let body = RankBody::from(request);
    body.check(100).unwrap();
    let mut buffers = RowBuffers::default();
    let served = rows(&bundle, &body, &mut buffers).unwrap();
    assert_eq!(served.len(), shown.len() * bundle.feature_count());
    let bits = |row: &[f64]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    for (place, row) in served.chunks_exact(bundle.feature_count()).enumerate() {
        assert_eq!(bits(row), bits(trained.row(first + place)), "{place}");
    }
    let brand = column("recent_brand_affinity").unwrap();
    let of_fleet = trained.row(first)[brand];
    assert_eq!(of_fleet, 0.5, "3 of 6 are of its brand");
}

#[tokio::test]
async fn recent_events_that_cannot_be_are_refused_by_name() {
    let server = serving(&[bundles::with_catalogue()]);
    let event = |seconds: i64| json!({ "type": "click", "id": "shoe-1", "secondsAgo": seconds });
    for (events, field) in [
        (vec![event(0); 51], "context.recentEvents"),
        (
            vec![event(0), event(9), event(8)],
            "context.recentEvents[2].secondsAgo",
        ),
        (vec![event(2_592_001)], "context.recentEvents[0].secondsAgo"),
        (vec![event(-1)], "context.recentEvents[0].secondsAgo"),
        (
            vec![json!({ "type": "click", "id": " ", "secondsAgo": 1 })],
            "context.recentEvents[0].id",
        ),
        (
            vec![json!({ "type": "view", "id": "a", "secondsAgo": 1 })],
            "context.recentEvents[0].type",
        ),
    ] {
        let request = json!({
            "query": "shoes",
            "context": { "recentEvents": events },
            "candidates": [{ "id": "shoe-1" }],
        });
        let answer = server.rank(&request).await;
        let expected = (422, "InvalidField".to_owned(), field.to_owned());
        assert_eq!(answer.error(), expected);
    }
    let request = json!({
        "query": "shoes",
        "context": { "recentEvents": vec![event(2_592_000); 50] },
        "candidates": [{ "id": "shoe-1" }],
    });
    assert_eq!(server.rank(&request).await.ids(), ["shoe-1"]);
}
