//! A fixed number of requests at a constant rate, and what became of each.
//!
//! Requests start on schedule whether or not earlier ones were answered (open loop), and latency counts from the scheduled
//! start: waiting is never left out. The load generator of the stories asks for a model in each answer and starts to the
//! millisecond, which is too coarse for answers in a fraction of one; this one polls the last milliseconds, on a core of its
//! own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use crate::connection::{Connection, Head};

/// Before a scheduled start the clock is polled for so long; the runtime's timer ticks in milliseconds.
const POLLED: Duration = Duration::from_millis(2);

/// What to send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to.
    pub address: SocketAddr,
    /// Whole requests, head and body, which take turns; at least one.
    pub messages: Vec<Vec<u8>>,
    /// How many are sent.
    pub requests: u64,
    /// Requests a second.
    pub rate: f64,
    /// Bound on one request, waiting for a connection included.
    pub timeout: Duration,
    /// The most connections at a time; further requests wait.
    pub connections: usize,
    /// A header that only full answers have.
    pub mark: Option<String>,
}

/// What became of the requests.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Requests sent.
    pub requests: u64,
    /// Answers with status 200, and with the mark where one is asked for.
    pub succeeded: u64,
    /// Answers with status 200 without the mark.
    pub unmarked: u64,
    /// Everything else, by what it was.
    pub failures: BTreeMap<String, u64>,
    /// Milliseconds from a request's scheduled start to the end of its answer, of those that succeeded.
    pub latency: Quantiles,
    /// Milliseconds by which requests started late: what the generator itself adds.
    pub lateness: Quantiles,
    /// Seconds from the first scheduled start to the last one.
    pub scheduled_seconds: f64,
    /// Seconds from the first scheduled start to the end of the last answer.
    pub seconds: f64,
}

/// Milliseconds at quantiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// 1 in 100 takes longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

struct Outcome {
    answer: Result<Head, String>,
    late: f64,
    milliseconds: f64,
}

/// The bytes of a POST of JSON.
#[must_use]
pub fn post(address: SocketAddr, path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Sends the plan's requests and waits for all answers. A failed request is counted, not an error.
///
/// # Errors
/// When the plan's rate is not above 0, or it has no message or no connection.
pub async fn run(plan: Plan) -> Result<Summary> {
    ensure!(plan.rate > 0.0, "the rate must be above 0");
    ensure!(plan.connections > 0, "requests need a connection");
    ensure!(!plan.messages.is_empty(), "there is nothing to send");
    LocalSet::new().run_until(send(Rc::new(plan))).await
}

async fn send(plan: Rc<Plan>) -> Result<Summary> {
    let connections = Rc::new(Connections {
        idle: RefCell::default(),
        permits: Semaphore::new(plan.connections),
    });
    let mut running = JoinSet::new();
    let mut tally = Tally::default();
    let start = Instant::now();
    let turns = (0..plan.messages.len()).cycle();
    for (number, turn) in (0..plan.requests).zip(turns) {
        let scheduled = start + Duration::from_secs_f64(number as f64 / plan.rate);
        wait_until(scheduled).await;
        let request = one(Rc::clone(&plan), Rc::clone(&connections), turn, scheduled);
        running.spawn_local(request);
        while let Some(done) = running.try_join_next() {
            tally.add(done.context("a request's task ended by itself")?);
        }
    }
    let scheduled_seconds = start.elapsed().as_secs_f64();
    while let Some(done) = running.join_next().await {
        tally.add(done.context("a request's task ended by itself")?);
    }
    Ok(tally.into_summary(scheduled_seconds, start.elapsed().as_secs_f64()))
}

async fn wait_until(scheduled: Instant) {
    let ahead = scheduled.saturating_duration_since(Instant::now());
    if ahead > 2 * POLLED {
        tokio::time::sleep(ahead - POLLED).await;
    }
    // At least once, so that answers are read while requests are behind their schedule.
    loop {
        tokio::task::yield_now().await;
        if Instant::now() >= scheduled {
            return;
        }
    }
}

/// Open connections without a request.
struct Connections {
    idle: RefCell<Vec<Connection>>,
    permits: Semaphore,
}

async fn one(
    plan: Rc<Plan>,
    connections: Rc<Connections>,
    turn: usize,
    scheduled: Instant,
) -> Outcome {
    let milliseconds = |since: Instant| since.elapsed().as_secs_f64() * 1e3;
    let late = milliseconds(scheduled);
    let answer = match tokio::time::timeout(plan.timeout, ask(&plan, &connections, turn)).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("timeout".to_owned()),
    };
    Outcome {
        answer,
        late,
        milliseconds: milliseconds(scheduled),
    }
}

async fn ask(plan: &Plan, connections: &Connections, turn: usize) -> io::Result<Head> {
    let message = &plan.messages[turn];
    let permit = connections.permits.acquire().await;
    let _permit = permit.map_err(io::Error::other)?;
    let mark = plan.mark.as_deref();
    let idle = connections.idle.borrow_mut().pop();
    let earlier = match idle {
        None => None,
        Some(mut connection) => match connection.ask(message, mark).await {
            Ok(head) => Some((connection, head)),
            // The server closed it while it was idle: as any client does, try a new one.
            Err(error) if is_closed(&error) => None,
            Err(error) => return Err(error),
        },
    };
    let (connection, head) = match earlier {
        Some(answered) => answered,
        None => {
            let mut connection = Connection::open(plan.address).await?;
            let head = connection.ask(message, mark).await?;
            (connection, head)
        }
    };
    if !head.closes {
        connections.idle.borrow_mut().push(connection);
    }
    Ok(head)
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

#[derive(Default)]
struct Tally {
    summary: Summary,
    latencies: Vec<f64>,
    lateness: Vec<f64>,
}

impl Tally {
    fn add(&mut self, outcome: Outcome) {
        self.summary.requests += 1;
        self.lateness.push(outcome.late);
        match outcome.answer {
            Ok(head) if head.status == 200 && head.marked => self.summary.succeeded += 1,
            Ok(head) if head.status == 200 => self.summary.unmarked += 1,
            Ok(head) => return self.fail(format!("status {}", head.status)),
            Err(error) => return self.fail(error),
        }
        self.latencies.push(outcome.milliseconds);
    }

    fn fail(&mut self, failure: String) {
        *self.summary.failures.entry(failure).or_default() += 1;
    }

    fn into_summary(mut self, scheduled_seconds: f64, seconds: f64) -> Summary {
        Summary {
            latency: quantiles(&mut self.latencies),
            lateness: quantiles(&mut self.lateness),
            scheduled_seconds,
            seconds,
            ..self.summary
        }
    }
}

fn quantiles(values: &mut [f64]) -> Quantiles {
    values.sort_by(f64::total_cmp);
    let at = |quantile: f64| {
        let last = values.len().checked_sub(1)?;
        values
            .get((quantile * last as f64).round() as usize)
            .copied()
    };
    Quantiles {
        p50: at(0.5).unwrap_or_default(),
        p99: at(0.99).unwrap_or_default(),
        max: at(1.0).unwrap_or_default(),
    }
}
