//! The parts of the benchmarks do what the driver takes for granted, at the smallest size.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use searchop_benchmarks::load::{self, Plan, Summary};
use searchop_benchmarks::messages::{Candidate, RankRequest, ranked};
use searchop_benchmarks::numbers::{read_doubles, write_doubles};
use searchop_benchmarks::parsing::ParserWorker;
use searchop_benchmarks::scorer::{Comparison, ScorerWorker, compare};
use searchop_benchmarks::{servers, worker};
use tokio::net::TcpListener;

const MODEL: &str = include_str!("../../ranking/tests/fixtures/categorical.model.txt");

fn body() -> Vec<u8> {
    let candidates = (0..3).map(|number| Candidate {
        id: format!("item-{number}"),
        features: Some(vec![f64::from(number), 0.5]),
    });
    let request = RankRequest {
        query: None,
        candidates: candidates.collect(),
    };
    serde_json::to_vec(&request).unwrap()
}

async fn load_an_echo(path: &str, mark: Option<&str>) -> Summary {
    load_an_echo_with(&[body(), body()], path, mark).await
}

async fn load_an_echo_with(bodies: &[Vec<u8>], path: &str, mark: Option<&str>) -> Summary {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async { axum::serve(listener, servers::echo()).await });
    let summary = load::run(Plan {
        address,
        messages: bodies
            .iter()
            .map(|body| load::post(address, path, body))
            .collect(),
        requests: 20,
        rate: 1_000.0,
        timeout: Duration::from_secs(10),
        connections: 4,
        mark: mark.map(str::to_owned),
    });
    let summary = summary.await.unwrap();
    server.abort();
    summary
}

#[tokio::test]
async fn every_request_is_answered_and_counted() {
    let summary = load_an_echo("/v1/rank", None).await;
    assert_eq!((summary.requests, summary.succeeded), (20, 20));
    assert!(summary.latency.max >= summary.latency.p50);
}

#[tokio::test]
async fn bodies_take_turns() {
    let bodies = [body(), b"{".to_vec(), body(), body()];
    let summary = load_an_echo_with(&bodies, "/v1/rank", None).await;
    assert_eq!((summary.requests, summary.succeeded), (20, 15));
    assert_eq!(summary.failures["status 400"], 5);
}

#[tokio::test]
async fn an_answer_without_the_mark_or_with_another_status_does_not_succeed() {
    let summary = load_an_echo("/v1/rank", Some("x-searchop-model")).await;
    assert_eq!((summary.succeeded, summary.unmarked), (0, 20));
    let summary = load_an_echo("/elsewhere", None).await;
    assert_eq!(summary.failures["status 404"], 20);
}

#[test]
fn the_parsers_agree_on_a_body() {
    let mut parser = ParserWorker::new(vec![body(), body()]).unwrap();
    parser.act(&["served", "3"]).unwrap();
    parser.act(&["serde", "3"]).unwrap();
    assert!(parser.act(&["other", "3"]).is_err());
    assert!(ParserWorker::new(vec![b"{}".to_vec()]).is_err());
}

#[test]
fn a_worker_scores_what_it_is_asked_and_differences_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let width = searchop_ranking::model::RankingModel::parse(MODEL)
        .unwrap()
        .feature_count();
    fs::write(place("0.txt"), MODEL).unwrap();
    let rows: Vec<f64> = (0..10 * width).map(|value| (value % 7) as f64).collect();
    write_doubles(&place("0.rows"), &rows).unwrap();

    let mut scorer = ScorerWorker::new(&place("0.txt"), &place("0.rows")).unwrap();
    let input = format!("score 0 10 3\ndump {} 10\n", place("0.scores").display());
    let mut output = Vec::new();
    worker::answer_lines(input.as_bytes(), &mut output, |words| scorer.act(words)).unwrap();
    assert_eq!(output, b"ready\ndone\ndone\n");
    assert!(scorer.act(&["score", "5", "6", "1"]).is_err());

    let found = |different| Comparison {
        models: 1,
        pairs: 10,
        different,
    };
    assert_eq!(compare(folder.path()).unwrap(), found(0));
    let mut scores = read_doubles(&place("0.scores")).unwrap();
    scores[4] += 1.0;
    write_doubles(Path::new(&place("0.scores")), &scores).unwrap();
    assert_eq!(compare(folder.path()).unwrap(), found(1));
}

#[test]
fn the_best_candidate_comes_first() {
    let request: RankRequest = serde_json::from_slice(&body()).unwrap();
    let answer = ranked(request.candidates, &[1.0, 3.0, 1.0]);
    let ids: Vec<&str> = answer.results.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["item-1", "item-0", "item-2"]);
}
