//! Load: a bounded number of ranking requests at a constant rate, and what became of each.
//!
//! Requests start on schedule whether or not earlier ones were answered (open loop), so that a slow server cannot hide behind a
//! slow client. A request is never sent twice.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Header of a ranked answer that names the model's digest.
pub const MODEL_HEADER: &str = "x-searchop-model";

/// What to send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where `/v1/rank` is.
    pub url: Uri,
    /// Body of each request.
    pub body: Bytes,
    /// Number of requests.
    pub requests: u64,
    /// Requests a second.
    pub rate: f64,
    /// Bound on one request.
    pub timeout: Duration,
}

/// What became of the requests. Instants are milliseconds since 1970.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Requests sent.
    pub requests: u64,
    /// Answers with status 200.
    pub succeeded: u64,
    /// Everything else, by what it was.
    pub failures: BTreeMap<String, u64>,
    /// Answers by the model that ranked.
    pub models: BTreeMap<String, Answers>,
    /// Milliseconds from a request's scheduled start to the end of its answer.
    pub latency: Latency,
    /// Seconds from the first start to the last answer.
    pub seconds: f64,
}

/// Answers that one model ranked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answers {
    /// How many.
    pub count: u64,
    /// When the earliest of them was received.
    pub first_received: u64,
    /// When the latest of them was sent.
    pub last_sent: u64,
}

/// Milliseconds at quantiles.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

struct Outcome {
    model: Result<String, String>,
    sent: u64,
    received: u64,
    milliseconds: f64,
}

/// Sends the plan's requests and waits for all answers.
///
/// # Errors
/// When the plan's rate is not above 0. A failed request is counted, not an error.
pub async fn run(plan: &Plan) -> Result<Summary> {
    ensure!(plan.rate > 0.0, "the rate must be above 0");
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(plan.timeout));
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(256)
        .build(connector);
    let start = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    let mut summary = Summary::default();
    let mut latencies = Vec::new();
    for number in 0..plan.requests {
        let scheduled = start + Duration::from_secs_f64(number as f64 / plan.rate);
        tokio::time::sleep_until(scheduled.into()).await;
        running.spawn(one(client.clone(), plan.clone(), scheduled));
        while let Some(done) = running.try_join_next() {
            summary.add(
                done.context("a request's task ended by itself")?,
                &mut latencies,
            );
        }
    }
    while let Some(done) = running.join_next().await {
        summary.add(
            done.context("a request's task ended by itself")?,
            &mut latencies,
        );
    }
    summary.seconds = start.elapsed().as_secs_f64();
    summary.latency = latency(&mut latencies);
    Ok(summary)
}

async fn one(
    client: Client<HttpConnector, Full<Bytes>>,
    plan: Plan,
    scheduled: Instant,
) -> Outcome {
    let sent = now();
    let model = match tokio::time::timeout(plan.timeout, ask(client, &plan)).await {
        Ok(answer) => answer,
        Err(_) => Err("timeout".to_owned()),
    };
    Outcome {
        model,
        sent,
        received: now(),
        milliseconds: scheduled.elapsed().as_secs_f64() * 1e3,
    }
}

async fn ask(client: Client<HttpConnector, Full<Bytes>>, plan: &Plan) -> Result<String, String> {
    let request = Request::post(plan.url.clone())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(plan.body.clone()))
        .map_err(|error| error.to_string())?;
    let response = client
        .request(request)
        .await
        .map_err(|error| cause(&error))?;
    let status = response.status();
    let model = response
        .headers()
        .get(MODEL_HEADER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    response
        .into_body()
        .collect()
        .await
        .map_err(|error| cause(&error))?;
    match model {
        Some(model) if status == 200 => Ok(model),
        None if status == 200 => Err("an answer without a model".to_owned()),
        _ => Err(format!("status {}", status.as_u16())),
    }
}

/// The innermost cause: the outer ones say only that a request failed.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl Summary {
    fn add(&mut self, outcome: Outcome, latencies: &mut Vec<f64>) {
        self.requests += 1;
        match outcome.model {
            Ok(model) => {
                self.succeeded += 1;
                latencies.push(outcome.milliseconds);
                let answers = self.models.entry(model).or_insert(Answers {
                    count: 0,
                    first_received: u64::MAX,
                    last_sent: 0,
                });
                answers.count += 1;
                answers.first_received = answers.first_received.min(outcome.received);
                answers.last_sent = answers.last_sent.max(outcome.sent);
            }
            Err(failure) => *self.failures.entry(failure).or_default() += 1,
        }
    }
}

fn latency(latencies: &mut [f64]) -> Latency {
    latencies.sort_by(f64::total_cmp);
    let at = |quantile: f64| {
        let last = latencies.len().checked_sub(1)?;
        latencies
            .get((quantile * last as f64).round() as usize)
            .copied()
    };
    Latency {
        p50: at(0.50).unwrap_or_default(),
        p95: at(0.95).unwrap_or_default(),
        p99: at(0.99).unwrap_or_default(),
        max: at(1.0).unwrap_or_default(),
    }
}

/// Milliseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("this machine's clock is past 1970");
    u64::try_from(since.as_millis()).expect("the milliseconds fit for half a billion years")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_taken_from_the_sorted_latencies() {
        let mut latencies: Vec<f64> = (1..=101).rev().map(f64::from).collect();
        let latency = latency(&mut latencies);
        assert_eq!(
            (latency.p50, latency.p99, latency.max),
            (51.0, 100.0, 101.0)
        );
    }

    #[tokio::test]
    async fn a_refused_connection_is_a_failure_and_not_an_error() {
        let plan = Plan {
            url: "http://127.0.0.1:9/v1/rank".parse().unwrap(),
            body: Bytes::new(),
            requests: 3,
            rate: 1000.0,
            timeout: Duration::from_secs(2),
        };
        let summary = run(&plan).await.unwrap();
        assert_eq!((summary.requests, summary.succeeded), (3, 0));
        assert_eq!(summary.failures.values().sum::<u64>(), 3);
    }
}
