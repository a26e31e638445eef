//! A small server that speaks enough of S3 to be wrong in chosen ways: it fails requests on demand,
//! damages bodies, and ignores what a careless server ignores. It checks no signatures.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use searchop_artifacts::{RetrySettings, S3Connection, S3Store, Sha256, TransferSettings};

pub(crate) const BUCKET: &str = "bucket";
pub(crate) const SECRET: &str = "canary-secret-key";

/// What a careless server gets wrong.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flaws {
    pub(crate) ignores_conditional_put: bool,
    pub(crate) ignores_conditional_completion: bool,
    pub(crate) ignores_checksums: bool,
    /// Refuses a wrong checksum but keeps the object.
    pub(crate) keeps_refused: bool,
    /// Says that a listing goes on without saying where.
    pub(crate) truncates_listings: bool,
}

/// What happens to one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// None: it takes the place of a request before the one that is meant.
    Pass,
    /// Answered with a status and an S3 error code, without effect.
    Refuse(u16, &'static str),
    /// Takes effect, but the answer is a 500.
    LoseAnswer,
    /// The body ends after so many bytes with the connection.
    CutBody(usize),
    /// The last byte of the body is another.
    DamageBody,
    /// The body consistently lacks its last byte.
    ShortenBody,
    /// One byte of the body at a time, with a pause.
    Trickle(Duration),
    /// Never answered.
    Hang,
}

#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) objects: BTreeMap<String, Bytes>,
    pub(crate) uploads: BTreeMap<String, (String, BTreeMap<u32, Bytes>)>,
    /// Method and path of every request, in order.
    pub(crate) requests: Vec<String>,
    /// The access key that signed each request.
    signers: Vec<String>,
    faults: Vec<(&'static str, Fault, usize)>,
    flaws: Flaws,
    next_upload: u32,
}

#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Contents>>);

pub(crate) struct S3Stub {
    shared: Shared,
    pub(crate) endpoint: String,
    pub(crate) credentials: tempfile::TempDir,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for S3Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl S3Stub {
    pub(crate) async fn start(flaws: Flaws) -> Self {
        let shared = Shared::default();
        shared.lock().flaws = flaws;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let credentials = tempfile::tempdir().unwrap();
        write_credentials(credentials.path());
        Self {
            shared,
            endpoint,
            credentials,
            server,
        }
    }

    /// Has `fault` happen to the next `times` requests that start with `request`, such as `"GET /"`.
    pub(crate) fn fail(&self, request: &'static str, fault: Fault, times: usize) {
        self.contents().faults.push((request, fault, times));
    }

    pub(crate) fn contents(&self) -> MutexGuard<'_, Contents> {
        self.shared.lock()
    }

    pub(crate) fn signers(&self) -> Vec<String> {
        self.contents().signers.clone()
    }

    pub(crate) fn count(&self, request: &str) -> usize {
        self.contents()
            .requests
            .iter()
            .filter(|line| line.starts_with(request))
            .count()
    }

    pub(crate) async fn store(&self) -> S3Store {
        self.store_with(quick_settings()).await
    }

    pub(crate) async fn store_with(&self, settings: TransferSettings) -> S3Store {
        let connection = connection(&self.endpoint, self.credentials.path());
        S3Store::open(&connection, BUCKET, "prefix", settings).await
    }
}

pub(crate) fn connection(endpoint: &str, credentials: &Path) -> S3Connection {
    S3Connection {
        endpoint: Some(endpoint.to_owned()),
        path_style: true,
        credentials_directory: Some(credentials.to_path_buf()),
        ..S3Connection::default()
    }
}

pub(crate) fn write_credentials(directory: &Path) {
    std::fs::write(directory.join("AWS_ACCESS_KEY_ID"), "test-access-key\n").unwrap();
    std::fs::write(directory.join("AWS_SECRET_ACCESS_KEY"), SECRET).unwrap();
}

/// Short enough for tests, with the same proportions.
pub(crate) fn quick_settings() -> TransferSettings {
    TransferSettings {
        multipart_threshold_bytes: 40,
        part_size_bytes: 16,
        connect_timeout: Duration::from_millis(500),
        read_timeout: Duration::from_millis(500),
        stall_timeout: Duration::from_millis(400),
        minimum_bytes_per_second: 1000,
        retry: RetrySettings {
            maximum_attempts: 4,
            first_pause: Duration::from_millis(1),
            maximum_pause: Duration::from_millis(5),
        },
        ..TransferSettings::default()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }
}

impl Contents {
    fn take_fault(&mut self, line: &str) -> Option<Fault> {
        let (_, fault, times) = self
            .faults
            .iter_mut()
            .find(|(request, _, times)| *times > 0 && line.starts_with(request))?;
        *times -= 1;
        Some(fault.clone())
    }

    fn checksum_is_wrong(&self, header: Option<&str>, body: &[u8]) -> bool {
        let digest = BASE64.encode(Sha256::of(body).as_bytes());
        !self.flaws.ignores_checksums && header.is_some_and(|header| header != digest)
    }
}

fn text(status: u16, body: String) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Body::from(body))
        .unwrap()
}

fn refusal(status: u16, code: &str) -> Response<Body> {
    text(
        status,
        format!("<Error><Code>{code}</Code><Message>as told</Message></Error>"),
    )
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let query: HashMap<String, String> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.replace("%2F", "/")))
        .collect();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let key = parts
        .uri
        .path()
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or_default()
        .1;
    let operation = match (
        parts.method.as_str(),
        query.contains_key("uploads"),
        query.get("uploadId"),
    ) {
        ("GET", true, _) => "LISTUPLOADS".to_owned(),
        ("POST", true, _) => "BEGIN".to_owned(),
        ("POST", _, Some(_)) => "COMPLETE".to_owned(),
        ("PUT", _, Some(_)) => "PART".to_owned(),
        ("DELETE", _, Some(_)) => "ABORT".to_owned(),
        ("GET", ..) if query.contains_key("list-type") => "LIST".to_owned(),
        (method, ..) => method.to_owned(),
    };
    let line = format!("{operation} /{key}");
    let fault = {
        let mut contents = shared.lock();
        contents.requests.push(line.clone());
        let signature = header("authorization").unwrap_or_default();
        let signer = signature.split_once("Credential=").unwrap_or_default().1;
        contents
            .signers
            .push(signer.split('/').next().unwrap_or_default().to_owned());
        contents.take_fault(&line)
    };
    match fault {
        Some(Fault::Refuse(status, code)) => return refusal(status, code),
        Some(Fault::Hang) => {
            std::future::pending::<()>().await;
        }
        _ => {}
    }
    let response = respond(
        &shared,
        &operation,
        key,
        &query,
        &body,
        header("if-none-match") == Some("*"),
        header("x-amz-checksum-sha256"),
    );
    match fault {
        None | Some(Fault::Pass) => response,
        Some(Fault::LoseAnswer) => refusal(500, "InternalError"),
        Some(fault) if parts.method == Method::GET => damage(response, &fault).await,
        _ => response,
    }
}

async fn damage(response: Response<Body>, fault: &Fault) -> Response<Body> {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let length = bytes.len();
    let respond = |length: usize, body: Body| {
        Response::builder()
            .header("content-length", length)
            .body(body)
            .unwrap()
    };
    match fault {
        Fault::CutBody(count) => {
            let parts = [Ok(bytes.slice(..*count)), Err(std::io::Error::other("cut"))];
            respond(length, Body::from_stream(stream::iter(parts)))
        }
        Fault::DamageBody => {
            let mut bytes = bytes.to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            respond(length, Body::from(bytes))
        }
        Fault::ShortenBody => respond(length - 1, Body::from(bytes.slice(..length - 1))),
        Fault::Trickle(pause) => {
            let pause = *pause;
            let parts = stream::iter(bytes).then(move |byte| async move {
                tokio::time::sleep(pause).await;
                Ok::<_, Infallible>(Bytes::from(vec![byte]))
            });
            respond(length, Body::from_stream(parts))
        }
        other => panic!("{other:?} is no damage to a body"),
    }
}

fn respond(
    shared: &Shared,
    operation: &str,
    key: &str,
    query: &HashMap<String, String>,
    body: &Bytes,
    if_absent: bool,
    checksum: Option<&str>,
) -> Response<Body> {
    let mut contents = shared.lock();
    let contents = &mut *contents;
    let flaws = contents.flaws;
    let upload = query
        .get("uploadId")
        .map(String::as_str)
        .unwrap_or_default();
    let ok = || text(200, String::new());
    match operation {
        "PUT" => {
            if if_absent && !flaws.ignores_conditional_put && contents.objects.contains_key(key) {
                return refusal(412, "PreconditionFailed");
            }
            let wrong = contents.checksum_is_wrong(checksum, body);
            if !wrong || flaws.keeps_refused {
                contents.objects.insert(key.to_owned(), body.clone());
            }
            if wrong {
                refusal(400, "BadDigest")
            } else {
                ok()
            }
        }
        "GET" | "HEAD" => match contents.objects.get(key) {
            None if operation == "HEAD" => text(404, String::new()),
            None => refusal(404, "NoSuchKey"),
            Some(bytes) if operation == "HEAD" => Response::builder()
                .header("content-length", bytes.len())
                .body(Body::empty())
                .unwrap(),
            Some(bytes) => Response::new(Body::from(bytes.clone())),
        },
        "DELETE" => {
            contents.objects.remove(key);
            text(StatusCode::NO_CONTENT.as_u16(), String::new())
        }
        "LIST" => list(contents, query),
        "BEGIN" => {
            contents.next_upload += 1;
            let id = format!("upload-{}", contents.next_upload);
            contents
                .uploads
                .insert(id.clone(), (key.to_owned(), BTreeMap::new()));
            text(
                200,
                format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ),
            )
        }
        "PART" => {
            if contents.checksum_is_wrong(checksum, body) {
                return refusal(400, "BadDigest");
            }
            let Some((_, parts)) = contents.uploads.get_mut(upload) else {
                return refusal(404, "NoSuchUpload");
            };
            parts.insert(query["partNumber"].parse().unwrap(), body.clone());
            Response::builder()
                .header("etag", "\"part\"")
                .body(Body::empty())
                .unwrap()
        }
        "COMPLETE" => {
            let taken = contents.objects.contains_key(key);
            if if_absent && !flaws.ignores_conditional_completion && taken {
                return refusal(412, "PreconditionFailed");
            }
            let Some((_, parts)) = contents.uploads.remove(upload) else {
                return refusal(404, "NoSuchUpload");
            };
            let whole: Vec<u8> = parts.into_values().flatten().collect();
            contents.objects.insert(key.to_owned(), whole.into());
            text(
                200,
                "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>".into(),
            )
        }
        "ABORT" => match contents.uploads.remove(upload) {
            Some(_) => text(204, String::new()),
            None => refusal(404, "NoSuchUpload"),
        },
        "LISTUPLOADS" => {
            let prefix = &query["prefix"];
            let uploads: String = contents
                .uploads
                .iter()
                .filter(|(_, (key, _))| key.starts_with(prefix.as_str()))
                .map(|(id, (key, _))| {
                    format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>")
                })
                .collect();
            text(
                200,
                format!(
                    "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{uploads}</ListMultipartUploadsResult>"
                ),
            )
        }
        other => panic!("unexpected request {other}"),
    }
}

fn list(contents: &Contents, query: &HashMap<String, String>) -> Response<Body> {
    let prefix = &query["prefix"];
    let page: usize = query["max-keys"].parse().unwrap();
    let start: usize = query
        .get("continuation-token")
        .map_or(0, |token| token.parse().unwrap());
    let keys: Vec<_> = contents
        .objects
        .iter()
        .filter(|(key, _)| key.starts_with(prefix.as_str()))
        .collect();
    let listed: String = keys
        .iter()
        .skip(start)
        .take(page)
        .map(|(key, bytes)| {
            format!(
                "<Contents><Key>{key}</Key><Size>{}</Size></Contents>",
                bytes.len()
            )
        })
        .collect();
    let more = start + page < keys.len();
    let token = if more && !contents.flaws.truncates_listings {
        format!(
            "<NextContinuationToken>{}</NextContinuationToken>",
            start + page
        )
    } else {
        String::new()
    };
    let truncated = more || contents.flaws.truncates_listings;
    text(
        200,
        format!(
            "<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{token}{listed}</ListBucketResult>"
        ),
    )
}
