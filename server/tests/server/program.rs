//! The real program as a child process, and plain HTTP clients for it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use searchop_server::digest::Digest;
use serde_json::Value;

/// The program, which Cargo builds beside the tests. Its name has a hyphen, so the variable that
/// Cargo sets for it does not pass through a compiler wrapper that is a shell script.
pub(crate) fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("searchop-server")
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub port: u16,
    pub admin_port: u16,
    log: Arc<Mutex<Vec<Value>>>,
}

/// A client that keeps its connections.
pub(crate) type Http = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

impl Server {
    /// Starts `searchop-server serve` on ports of its own, and waits until it listens.
    pub(crate) fn start(bundles: &Path, digests: &[&Digest], more: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command.args([
            "serve",
            "--address",
            "127.0.0.1",
            "--port",
            "0",
            "--admin-port",
            "0",
            "--bundles-directory",
        ]);
        command
            .arg(bundles)
            .args(more)
            .env_remove("SEARCHOP_LOG")
            .env_remove("SEARCHOP_LOG_FORMAT");
        for digest in digests {
            command.args(["--bundle", digest.as_str()]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let value = serde_json::from_str(&line)
                    .unwrap_or_else(|_| panic!("not a JSON line: {line}"));
                written.lock().unwrap().push(value);
            }
        });
        let listening = wait("the server to listen", || {
            find(&log.lock().unwrap(), "message", "listening")
        });
        let port = |name: &str| {
            listening[name]
                .as_str()
                .unwrap()
                .rsplit_once(':')
                .unwrap()
                .1
                .parse()
                .unwrap()
        };
        Self {
            port: port("api"),
            admin_port: port("admin"),
            child,
            log,
        }
    }

    /// The first log line whose field has this value.
    pub(crate) fn logged(&self, field: &str, value: &str) -> Option<Value> {
        find(&self.log.lock().unwrap(), field, value)
    }

    pub(crate) fn terminate(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end, and gives the exit code.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        wait("the server to exit", || self.child.try_wait().unwrap()).code()
    }

    pub(crate) async fn wait_until_ready(&self) {
        let http = client();
        for _ in 0..1_000 {
            if self.admin(&http, "/readyz").await.0 == StatusCode::OK {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never ready: {}", self.admin(&http, "/readyz").await.1);
    }

    pub(crate) async fn admin(&self, http: &Http, path: &str) -> (StatusCode, String) {
        let uri = format!("http://127.0.0.1:{}{path}", self.admin_port);
        let response = http
            .request(Request::get(uri).body(Full::default()).unwrap())
            .await
            .unwrap();
        let status = response.status();
        (
            status,
            String::from_utf8(
                response
                    .into_body()
                    .collect()
                    .await
                    .unwrap()
                    .to_bytes()
                    .to_vec(),
            )
            .unwrap(),
        )
    }

    /// Posts JSON to the API.
    pub(crate) async fn post(
        &self,
        http: &Http,
        path: &str,
        body: &str,
    ) -> Result<(StatusCode, Value), String> {
        post(http, self.port, path, body).await
    }
}

pub(crate) async fn post(
    http: &Http,
    port: u16,
    path: &str,
    body: &str,
) -> Result<(StatusCode, Value), String> {
    let request = Request::post(format!("http://127.0.0.1:{port}{path}"))
        .header("content-type", "application/json")
        .body(Full::from(body.to_owned()))
        .unwrap();
    let response = http
        .request(request)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    let bytes = response
        .into_body()
        .collect()
        .await
        .map_err(|error| format!("{error:?}"))?
        .to_bytes();
    Ok((
        status,
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())?,
    ))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `searchop-server fetch` to its end, with no storage settings but those given.
pub(crate) fn fetch(
    into: &Path,
    result_file: &Path,
    bundles: &[String],
    required: &Digest,
    more: &[&str],
) -> Output {
    let mut command = Command::new(binary());
    command
        .arg("fetch")
        .arg("--into")
        .arg(into)
        .arg("--result-file")
        .arg(result_file);
    for bundle in bundles {
        command.args(["--bundle", bundle]);
    }
    command.args(["--required", required.as_str()]).args(more);
    command.output().unwrap()
}

fn find(log: &[Value], field: &str, value: &str) -> Option<Value> {
    log.iter().find(|line| line[field] == value).cloned()
}

/// Waits for something to be there.
pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
