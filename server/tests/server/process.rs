//! The real program through sockets: its life, its plan, its bad clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use searchop_server::digest::Digest;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bundles;
use crate::program::{Server, client, post, wait};

const REQUEST: &str =
    r#"{"candidates":[{"id":"a","features":[0,0,0]},{"id":"b","features":[2,0,0]}]}"#;

/// Counts of a load.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    answered: AtomicUsize,
    failures: std::sync::Mutex<Vec<String>>,
}

impl Load {
    /// Sends requests one after another; with a new connection each, or over one that is kept.
    async fn run(self: Arc<Self>, port: u16, keep_connection: bool, models: Vec<String>) {
        let mut http = client();
        while !self.stop.load(Ordering::Relaxed) {
            if !keep_connection {
                http = client();
            }
            let outcome =
                post(&http, port, "/v1/rank", REQUEST)
                    .await
                    .and_then(|(status, body)| {
                        let model = body["model"]["sha256"].as_str().unwrap_or_default();
                        let right =
                            status == StatusCode::OK && models.iter().any(|known| known == model);
                        if right {
                            Ok(())
                        } else {
                            Err(format!("{status} {body}"))
                        }
                    });
            match outcome {
                Ok(()) => drop(self.answered.fetch_add(1, Ordering::Relaxed)),
                Err(failure) => self.failures.lock().unwrap().push(failure),
            }
        }
    }

    fn start(self: &Arc<Self>, port: u16, digests: &[&Digest]) -> Vec<tokio::task::JoinHandle<()>> {
        let models: Vec<String> = digests.iter().map(ToString::to_string).collect();
        (0..4)
            .map(|number| tokio::spawn(Arc::clone(self).run(port, number % 2 == 0, models.clone())))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_the_server_is_told_to_stop_and_it_exits_with_0() {
    let directory = tempfile::tempdir().unwrap();
    let digest = bundles::upward().write(directory.path());
    let flags = [
        "--single",
        "--shutdown-grace-milliseconds",
        "1000",
        "--drain-timeout-milliseconds",
        "10000",
    ];
    let mut server = Server::start(directory.path(), &[&digest], &flags);
    server.wait_until_ready().await;

    let load = Arc::new(Load::default());
    let tasks = load.start(server.port, &[&digest]);
    // Half a request, whose rest comes when the server has stopped accepting.
    let mut slow = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let head = format!(
        "POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        REQUEST.len()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(&REQUEST.as_bytes()[..10]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    server.terminate();
    let told = Instant::now();
    let http = client();
    while server.admin(&http, "/readyz").await.0 == StatusCode::OK {
        assert!(
            told.elapsed() < Duration::from_millis(500),
            "ready long after SIGTERM"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = load.answered.load(Ordering::Relaxed);
    // The cluster stops sending some time after the server became unready.
    tokio::time::sleep(Duration::from_millis(500)).await;
    load.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(
        load.answered.load(Ordering::Relaxed) > before,
        "requests were answered while unready"
    );
    assert_eq!(*load.failures.lock().unwrap(), [] as [String; 0]);

    while TcpStream::connect(("127.0.0.1", server.port)).await.is_ok() {
        assert!(told.elapsed() < Duration::from_secs(5), "still accepts");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        server.admin(&http, "/livez").await.0,
        StatusCode::OK,
        "alive while it drains"
    );
    slow.write_all(&REQUEST.as_bytes()[10..]).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains(digest.as_str()));
    assert_eq!(server.exit_code(), Some(0));
    wait("the last line", || server.logged("message", "drained"));
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_up_the_exit() {
    let directory = tempfile::tempdir().unwrap();
    let digest = bundles::upward().write(directory.path());
    let flags = [
        "--single",
        "--shutdown-grace-milliseconds",
        "0",
        "--drain-timeout-milliseconds",
        "300",
    ];
    let mut server = Server::start(directory.path(), &[&digest], &flags);
    let mut stuck = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    stuck.write_all(b"POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let told = Instant::now();
    server.terminate();
    assert_eq!(server.exit_code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_the_plan_changes_under_load() {
    let directory = tempfile::tempdir().unwrap();
    let (up, down) = (
        bundles::upward().write(directory.path()),
        bundles::downward().write(directory.path()),
    );
    let plan_file = directory.path().join("plan.json");
    let write_plan = |sequence: usize| {
        let (first, second) = if sequence.is_multiple_of(2) {
            (100, 0)
        } else {
            (0, 100)
        };
        let plan = json!({ "sequence": sequence, "weights": { up.as_str(): first, down.as_str(): second }, "salt": "s" });
        std::fs::write(plan_file.with_extension("next"), plan.to_string()).unwrap();
        std::fs::rename(plan_file.with_extension("next"), &plan_file).unwrap();
    };
    write_plan(0);
    let flags = [
        "--plan",
        plan_file.to_str().unwrap(),
        "--plan-interval-milliseconds",
        "5",
    ];
    let server = Server::start(directory.path(), &[&up, &down], &flags);
    server.wait_until_ready().await;
    let load = Arc::new(Load::default());
    let tasks = load.start(server.port, &[&up, &down]);
    let http = client();
    for sequence in 1..=21 {
        write_plan(sequence);
        loop {
            let (_, text) = server.admin(&http, "/tracks").await;
            let report: serde_json::Value = serde_json::from_str(&text).unwrap();
            if report["plan"]["sequence"] == sequence {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // What is asked after the plan is reported is answered by it.
        let (_, body) = server.post(&http, "/v1/rank", REQUEST).await.unwrap();
        let expected = if sequence.is_multiple_of(2) {
            &up
        } else {
            &down
        };
        assert_eq!(
            body["model"]["sha256"],
            expected.as_str(),
            "plan {sequence}"
        );
    }
    load.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(load.answered.load(Ordering::Relaxed) > 100);
    assert_eq!(*load.failures.lock().unwrap(), [] as [String; 0]);
}

#[tokio::test]
async fn a_corrupt_candidate_is_reported_while_the_other_serves() {
    let directory = tempfile::tempdir().unwrap();
    let (up, down) = (
        bundles::upward().write(directory.path()),
        bundles::downward().write(directory.path()),
    );
    std::fs::write(
        directory.path().join(down.as_str()).join("model.txt"),
        "tree\n",
    )
    .unwrap();
    // The corrupt one first: --single would give it all traffic, the plan does not.
    let plan_file = directory.path().join("plan.json");
    std::fs::write(
        &plan_file,
        json!({ "sequence": 1, "weights": { up.as_str(): 100 }, "salt": "s" }).to_string(),
    )
    .unwrap();
    let server = Server::start(
        directory.path(),
        &[&down, &up],
        &["--plan", plan_file.to_str().unwrap()],
    );
    server.wait_until_ready().await;
    wait("the failure in the log", || {
        server.logged("reason", "DigestMismatch")
    });
    let http = client();
    let (status, text) = server.admin(&http, "/tracks").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        text.contains(r#""state":"Failed","reason":"DigestMismatch""#),
        "{text}"
    );
    let (status, body) = server.post(&http, "/v1/rank", REQUEST).await.unwrap();
    assert_eq!(
        (status, body["model"]["sha256"].as_str()),
        (StatusCode::OK, Some(up.as_str()))
    );
}

#[tokio::test]
async fn feedback_is_one_line_in_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let digest = bundles::upward().write(directory.path());
    let server = Server::start(directory.path(), &[&digest], &["--single"]);
    let impression = "01890a5d-ac96-774b-bcce-b302099a8057";
    let feedback = json!({ "impressionId": impression, "events": [{ "type": "click", "id": "b", "position": 1 }] });
    let (status, _) = server
        .post(&client(), "/v1/feedback", &feedback.to_string())
        .await
        .unwrap();
    assert_eq!(status, StatusCode::ACCEPTED);
    let line = wait("the line", || server.logged("impression_id", impression));
    assert_eq!(line["target"], "searchop::feedback");
    let events: serde_json::Value = serde_json::from_str(line["events"].as_str().unwrap()).unwrap();
    assert_eq!(events, feedback["events"]);
}

/// Sends bytes, and reads until the server closes.
async fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    read.expect("the server closes the connection").unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn slow_and_oversized_clients_are_answered_and_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let digest = bundles::upward().write(directory.path());
    let flags = [
        "--single",
        "--request-timeout-milliseconds",
        "300",
        "--idle-timeout-milliseconds",
        "300",
    ];
    let server = Server::start(directory.path(), &[&digest], &flags);
    server.wait_until_ready().await;

    let head = "POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let slow = exchange(
        &server,
        format!("{head}content-length: 100\r\n\r\n{{").as_bytes(),
    )
    .await;
    assert!(
        slow.starts_with("HTTP/1.1 408 ") && slow.contains("RequestTimeout"),
        "{slow}"
    );
    assert_eq!(
        exchange(&server, b"POST /v1/rank HTTP/1.1\r\nhost: ").await,
        "",
        "half a head is not answered"
    );
    let nonsense = exchange(&server, b"\x16\x03\x01 hello\r\n\r\n").await;
    assert!(nonsense.starts_with("HTTP/1.1 400 "), "{nonsense}");

    let long_head = format!("{head}x-padding: {}\r\n\r\n", "x".repeat(20 * 1024));
    let long_head = exchange(&server, long_head.as_bytes()).await;
    assert!(long_head.starts_with("HTTP/1.1 431 "), "{long_head}");
    // Longer than what is read at once.
    let padded = format!("{REQUEST}{}", " ".repeat(100 * 1024));
    let (status, _) = server.post(&client(), "/v1/rank", &padded).await.unwrap();
    assert_eq!(status, StatusCode::OK);

    let length = 10 * 1024 * 1024;
    let mut large =
        format!("{head}content-length: {length}\r\nconnection: close\r\n\r\n").into_bytes();
    large.resize(large.len() + length, b' ');
    let large = exchange(&server, &large).await;
    assert!(
        large.starts_with("HTTP/1.1 413 ") && large.contains("BodyTooLarge"),
        "{large}"
    );
    let (status, _) = server.post(&client(), "/v1/rank", REQUEST).await.unwrap();
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_connection_too_many_is_refused_and_the_next_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let digest = bundles::upward().write(directory.path());
    let server = Server::start(
        directory.path(),
        &[&digest],
        &["--single", "--maximum-connections", "1"],
    );
    let open = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let refused = exchange(&server, b"").await;
    assert!(
        refused.starts_with("HTTP/1.1 503 ") && refused.contains("Overloaded"),
        "{refused}"
    );
    drop(open);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (status, _) = server.post(&client(), "/v1/rank", REQUEST).await.unwrap();
    assert_eq!(status, StatusCode::OK);
}
