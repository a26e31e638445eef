//! Several bundles in one process: self-checks, plans, failures, readiness, overload.

use std::sync::Arc;
use std::time::Duration;

use searchop_server::admin::{Readiness, Startup, TracksReport};
use searchop_server::api::state::Limits;
use searchop_server::digest::Digest;
use searchop_server::plan_follower;
use searchop_server::scoring_pool::ScoringPool;
use searchop_server::shutdown::Phase;
use searchop_server::tracks::Track;
use serde_json::{Value, json};

use crate::bundles::{self, BundleFiles};
use crate::harness::{Answer, Harness, serving, with_limits};

fn request(session: &str) -> Value {
    json!({
        "context": { "sessionKey": session },
        "candidates": [{ "id": "a", "features": [0, 0, 0] }, { "id": "b", "features": [2, 0, 0] }],
    })
}

fn model(answer: &Answer) -> String {
    answer
        .headers
        .get("x-searchop-model")
        .map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

async fn tracks(server: &Harness) -> TracksReport {
    serde_json::from_str(&server.admin("/tracks").await.text).unwrap()
}

async fn readiness(server: &Harness) -> (u16, Readiness) {
    let answer = server.admin("/readyz").await;
    (
        answer.status.as_u16(),
        serde_json::from_str(&answer.text).unwrap(),
    )
}

#[tokio::test]
async fn a_server_is_ready_when_the_stable_model_passed_its_checks() {
    let server = serving(&[bundles::upward(), bundles::downward()]);
    let (up, down) = (bundles::upward().digest(), bundles::downward().digest());
    assert_eq!(
        readiness(&server).await,
        (
            200,
            Readiness {
                ready: true,
                pending: vec![]
            }
        )
    );
    assert_eq!(server.admin("/livez").await.status.as_u16(), 200);

    server.state.tracks.set(&down, &Track::Loading);
    assert!(readiness(&server).await.1.ready, "the other has no traffic");
    server.follow(2, &[(&up, 90), (&down, 10)]);
    assert!(
        readiness(&server).await.1.ready,
        "the stable one stands in for it"
    );
    server.fail(&down, "ParityMismatch");
    assert!(readiness(&server).await.1.ready, "a failed candidate");

    server.state.tracks.set(&down, &Track::Loading);
    server.follow(2, &[(&up, 10), (&down, 90)]);
    let (status, waiting) = readiness(&server).await;
    assert_eq!(
        (status, waiting.pending),
        (503, vec![format!("bundle {down}: loading")])
    );
    server.fail(&down, "ParityMismatch");
    let (_, failed) = readiness(&server).await;
    assert_eq!(
        failed.pending,
        [format!("bundle {down}: ParityMismatch: for a test")]
    );
    server.follow(3, &[(&up, 100)]);
    assert!(
        readiness(&server).await.1.ready,
        "a failed candidate without traffic is in nobody's way"
    );

    let stranger: Digest = "f".repeat(64).parse().unwrap();
    server.follow(4, &[(&stranger, 100)]);
    let (_, unknown) = readiness(&server).await;
    assert!(
        unknown.pending[0].contains("was not started with it"),
        "{unknown:?}"
    );
    server.follow(5, &[(&up, 100)]);
    server.phase.send_replace(Phase::Leaving);
    assert_eq!(
        readiness(&server).await.1.pending,
        ["the server is shutting down"]
    );
}

#[tokio::test]
async fn a_start_is_over_when_no_bundle_is_being_loaded() {
    let server = serving(&[bundles::upward(), bundles::downward()]);
    let down = bundles::downward().digest();
    let startup = async || {
        let answer = server.admin("/startupz").await;
        let told: Startup = serde_json::from_str(&answer.text).unwrap();
        (answer.status.as_u16(), told.started, told.loading)
    };
    server.state.tracks.set(&down, &Track::Loading);
    assert_eq!(startup().await, (503, false, vec![down.clone()]));
    assert!(
        readiness(&server).await.1.ready,
        "it has nothing to wait for"
    );
    server.fail(&down, "ParityMismatch");
    assert_eq!(startup().await, (200, true, vec![]));
}

#[tokio::test]
async fn tracks_tell_state_weight_and_metrics() {
    let server = serving(&[bundles::upward(), bundles::downward()]);
    let (up, down) = (bundles::upward().digest(), bundles::downward().digest());
    server.fail(&down, "DigestMismatch");
    server.follow(7, &[(&up, 100), (&down, 0)]);
    let report = tracks(&server).await;
    assert_eq!(report.plan.sequence, Some(7));
    let track = |digest: &Digest| {
        report
            .tracks
            .iter()
            .find(|track| track.sha256 == *digest)
            .unwrap()
    };
    assert_eq!(
        (track(&up).state.as_str(), track(&up).weight),
        ("Ready", 100)
    );
    assert_eq!(track(&up).metrics["ndcg@10"], "0.41");
    let failed = track(&down);
    assert_eq!((failed.state.as_str(), failed.weight), ("Failed", 0));
    assert_eq!(failed.reason.as_deref(), Some("DigestMismatch"));
    assert_eq!(failed.message.as_deref(), Some("for a test"));
}

#[tokio::test]
async fn traffic_is_shared_by_weight_and_a_session_stays_on_its_model() {
    let server = serving(&[bundles::upward(), bundles::downward()]);
    let (up, down) = (bundles::upward().digest(), bundles::downward().digest());
    server.follow(2, &[(&up, 70), (&down, 30)]);
    let mut on_down = 0;
    for session in 0..400 {
        let first = server.rank(&request(&format!("s{session}"))).await;
        let again = server.rank(&request(&format!("s{session}"))).await;
        assert_eq!(model(&first), model(&again));
        let expected = if model(&first) == down.as_str() {
            ["a", "b"]
        } else {
            ["b", "a"]
        };
        assert_eq!(first.ids(), expected);
        on_down += usize::from(model(&first) == down.as_str());
    }
    // 30 % of 400 has a standard deviation of 9.
    assert!((75..=165).contains(&on_down), "{on_down} of 400 sessions");
}

#[tokio::test]
async fn a_failed_model_is_stood_in_for_by_the_other_with_traffic() {
    let server = serving(&[bundles::upward(), bundles::downward()]);
    let (up, down) = (bundles::upward().digest(), bundles::downward().digest());
    server.follow(2, &[(&up, 50), (&down, 50)]);
    server.fail(&down, "ParityMismatch");
    for session in 0..20 {
        let answer = server.rank(&request(&session.to_string())).await;
        assert_eq!(
            (model(&answer).as_str(), answer.json()["degraded"].as_bool()),
            (up.as_str(), Some(false))
        );
    }
}

/// A model whose scores overflow for `f0` above 1.5; the sample of its self-check stays below.
fn overflowing() -> BundleFiles {
    bundles::dense_of_trees([1.0, 2.0, f64::MAX], 2)
}

#[tokio::test]
async fn a_model_that_fails_on_a_request_is_stood_in_for_and_counted() {
    let server = serving(&[overflowing(), bundles::upward()]);
    let (over, up) = (overflowing().digest(), bundles::upward().digest());
    server.follow(2, &[(&over, 99), (&up, 1)]);
    let answer = server.rank(&request("somebody")).await;
    assert_eq!(
        (answer.ids(), model(&answer).as_str()),
        (vec!["b".to_owned(), "a".to_owned()], up.as_str())
    );
    let metrics = server.admin("/metrics").await.text;
    assert!(
        metrics.contains(&format!("scoring_failures_total{{model=\"{over}\"}} 1")),
        "{metrics}"
    );
}

#[tokio::test]
async fn when_every_model_fails_the_order_sent_is_the_answer() {
    let server = serving(&[overflowing()]);
    let answer = server.rank(&request("somebody")).await;
    assert_eq!(answer.ids(), ["a", "b"]);
    assert_eq!(
        (&answer.json()["degraded"], &answer.json()["model"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(
        answer.json()["results"][0],
        json!({ "id": "a", "score": null, "position": 1 })
    );
}

#[tokio::test]
async fn without_any_model_lists_keep_their_order_and_searches_are_told_to_wait() {
    let server = serving(&[]);
    let answer = server.rank(&request("somebody")).await;
    assert_eq!(
        (answer.ids(), &answer.json()["degraded"]),
        (vec!["a".to_owned(), "b".to_owned()], &json!(true))
    );
    let answer = server.get("/v1/search?q=a").await;
    assert_eq!(answer.error(), (503, "NotReady".into(), String::new()));
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test]
async fn a_full_server_answers_quickly_that_it_is() {
    let pool = ScoringPool::new(0, 1, Duration::from_secs(30));
    let server = with_limits(&[bundles::upward()], Limits::default(), pool);
    let answer = server.rank(&request("somebody")).await;
    assert_eq!(answer.error(), (503, "Overloaded".into(), String::new()));
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(
        server
            .admin("/metrics")
            .await
            .text
            .contains("searchop_server_overloaded_total 1")
    );
}

#[tokio::test]
async fn what_waited_too_long_keeps_the_order_sent() {
    let pool = ScoringPool::new(4, 1, Duration::ZERO);
    let server = with_limits(&[bundles::upward()], Limits::default(), pool);
    let answer = server.rank(&request("somebody")).await;
    assert_eq!(
        (answer.ids(), &answer.json()["degraded"]),
        (vec!["a".to_owned(), "b".to_owned()], &json!(true))
    );
    let metrics = server.admin("/metrics").await.text;
    assert!(
        metrics.contains(r#"degraded_total{cause="OverBudget"} 1"#),
        "{metrics}"
    );
}

/// A list that is too long to be ranked beside the reading of requests: the higher the number, the
/// better under [`many_trees`].
fn long_request() -> Value {
    let candidates: Vec<Value> = (0..1_000)
        .map(|number| json!({ "id": number.to_string(), "features": [number % 3, 0, 0] }))
        .collect();
    json!({ "candidates": candidates })
}

fn many_trees() -> BundleFiles {
    bundles::dense_of_trees([1.0, 2.0, 3.0], 400)
}

#[tokio::test]
async fn a_long_list_is_ranked_in_the_pool_as_a_short_one_is_beside_it() {
    let server = serving(&[many_trees()]);
    let long = server.rank(&long_request()).await;
    let mut expected: Vec<usize> = (0..1_000).collect();
    expected.sort_by_key(|number| 2 - number % 3);
    let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    assert_eq!(long.ids(), expected);
    assert_eq!(long.json()["results"][0]["score"], 1_200.0);

    let mut short = long_request();
    short["candidates"].as_array_mut().unwrap().truncate(3);
    let short = server.rank(&short).await;
    assert_eq!(short.ids(), ["2", "1", "0"]);
    assert_eq!(short.json()["results"][0]["score"], 1_200.0);
    assert_eq!(server.state.pool.in_flight(), 0);
}

#[tokio::test]
async fn a_long_list_that_is_too_late_keeps_the_order_sent() {
    // Without a thread, nothing in the pool is ever begun.
    let pool = ScoringPool::new(4, 0, Duration::from_millis(20));
    let server = with_limits(&[many_trees()], Limits::default(), pool);
    let answer = server.rank(&long_request()).await;
    let expected: Vec<String> = (0..1_000).map(|number: usize| number.to_string()).collect();
    assert_eq!(
        (answer.ids(), &answer.json()["degraded"]),
        (expected, &json!(true))
    );
}

/// More requests at once than there are places: as many as there are places are ranked, the others
/// are refused, and none waits for the ranking to be refused.
#[tokio::test]
async fn requests_beyond_the_places_are_refused_before_any_is_ranked() {
    let pool = ScoringPool::new(3, 1, Duration::from_secs(30));
    let server = with_limits(&[bundles::upward()], Limits::default(), pool);
    let request = request("somebody");
    let answers = futures::future::join_all((0..10).map(|_| server.rank(&request))).await;
    let statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert_eq!(statuses, [[200; 3].as_slice(), &[503; 7]].concat());
    for answer in &answers[3..] {
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert_eq!(server.state.pool.in_flight(), 0);
    assert_eq!(server.rank(&request).await.status, 200);
}

#[tokio::test]
async fn a_plan_is_followed_while_it_changes_and_a_broken_one_is_not() {
    let server = serving(&[bundles::upward(), bundles::downward()]);
    let (up, down) = (bundles::upward().digest(), bundles::downward().digest());
    let path = server.directory.path().join("plan.json");
    let state = Arc::clone(&server.state);
    let followed = path.clone();
    let follower = tokio::spawn(async move {
        plan_follower::follow(&followed, Duration::from_millis(5), &state.tracks).await;
    });
    let until = async |what: &str, condition: &dyn Fn(&TracksReport) -> bool| {
        for _ in 0..2_000 {
            if condition(&tracks(&server).await) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{what}: {:?}", tracks(&server).await);
    };
    until("a missing plan is reported", &|report| {
        report.plan.error.is_some()
    })
    .await;
    let plan = |sequence: u64, digest: &Digest| {
        format!(r#"{{"sequence":{sequence},"weights":{{"{digest}":100}},"salt":"s"}}"#)
    };
    std::fs::write(&path, plan(8, &down)).unwrap();
    until("the first plan", &|report| {
        report.plan.sequence == Some(8) && report.plan.error.is_none()
    })
    .await;
    assert_eq!(model(&server.rank(&request("s")).await), down.as_str());

    std::fs::write(&path, r#"{"sequence":9,"weights":{}}"#).unwrap();
    until("a broken plan", &|report| report.plan.error.is_some()).await;
    assert_eq!(
        tracks(&server).await.plan.sequence,
        Some(8),
        "the last valid plan stays"
    );
    assert_eq!(readiness(&server).await.0, 200);
    assert!(
        server
            .admin("/metrics")
            .await
            .text
            .contains("searchop_server_plan_valid 0")
    );

    // As the kubelet does it: another directory, and a link that is moved over.
    std::fs::write(path.with_extension("next"), plan(10, &up)).unwrap();
    std::fs::rename(path.with_extension("next"), &path).unwrap();
    until("the next plan", &|report| {
        report.plan.sequence == Some(10) && report.plan.error.is_none()
    })
    .await;
    assert_eq!(model(&server.rank(&request("s")).await), up.as_str());
    follower.abort();
}
