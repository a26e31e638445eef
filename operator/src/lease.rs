//! Who leads: the rules of the Lease, without clock, client or task.
//!
//! A lease is over when it did not change for its duration *as seen here*: the holder's own times are never compared with a
//! local clock, so clocks that disagree do no harm (the same rule as client-go's).

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use std::time::{Duration, Instant};

/// What to do about the lease now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nobody holds it, or its holder stopped renewing: take it.
    Acquire,
    /// It is held by this process: renew it.
    Renew,
    /// Another process holds it.
    StandBy,
}

/// What one process has seen of the lease.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    seen: Option<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    spec: LeaseSpec,
    since: Instant,
}

impl Observer {
    /// Notes the lease as read at `now`.
    pub fn observe(&mut self, lease: Option<&Lease>, now: Instant) {
        let spec = lease.map(|lease| lease.spec.clone().unwrap_or_default());
        let is_same = match (&self.seen, &spec) {
            (Some(seen), Some(spec)) => seen.spec == *spec,
            _ => false,
        };
        if !is_same {
            self.seen = spec.map(|spec| Seen { spec, since: now });
        }
    }

    /// What `me` shall do at `now`. `duration` is how long a lease lasts if it does not say.
    #[must_use]
    pub fn evaluate(&self, me: &str, duration: Duration, now: Instant) -> Step {
        let Some(seen) = &self.seen else {
            return Step::Acquire;
        };
        match seen.spec.holder_identity.as_deref() {
            None | Some("") => Step::Acquire,
            Some(holder) if holder == me => Step::Renew,
            Some(_) => {
                let lasts = seen
                    .spec
                    .lease_duration_seconds
                    .and_then(|seconds| u64::try_from(seconds).ok())
                    .map_or(duration, Duration::from_secs);
                if now.saturating_duration_since(seen.since) >= lasts {
                    Step::Acquire
                } else {
                    Step::StandBy
                }
            }
        }
    }
}

/// The lease as `me` writes it to take or renew it. `live` is the lease as read; its resource version goes along, so that of
/// two processes that try at the same time one is refused. `now` is only for people to read.
#[must_use]
pub fn held(
    live: Option<&Lease>,
    name: &str,
    me: &str,
    duration: Duration,
    now: Timestamp,
) -> Lease {
    let before = live
        .and_then(|lease| lease.spec.clone())
        .unwrap_or_default();
    let is_mine = before.holder_identity.as_deref() == Some(me);
    let transitions = before.lease_transitions.unwrap_or(0);
    Lease {
        metadata: metadata(live, name),
        spec: Some(LeaseSpec {
            holder_identity: Some(me.to_owned()),
            lease_duration_seconds: Some(i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)),
            acquire_time: if is_mine {
                before.acquire_time
            } else {
                Some(MicroTime(now))
            },
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(if is_mine || live.is_none() {
                transitions
            } else {
                transitions + 1
            }),
            ..LeaseSpec::default()
        }),
    }
}

/// The lease as its holder writes it to give it up: the next process takes it without waiting.
#[must_use]
pub fn released(live: &Lease, name: &str, now: Timestamp) -> Lease {
    Lease {
        metadata: metadata(Some(live), name),
        spec: Some(LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            renew_time: Some(MicroTime(now)),
            acquire_time: None,
            ..live.spec.clone().unwrap_or_default()
        }),
    }
}

fn metadata(live: Option<&Lease>, name: &str) -> ObjectMeta {
    live.map_or_else(
        || ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        |lease| ObjectMeta {
            managed_fields: None,
            ..lease.metadata.clone()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Duration = Duration::from_secs(15);
    /// A holder stops writing this long after it began its last good renewal.
    const DEADLINE: Duration = Duration::from_secs(10);

    fn written(me: &str, second: i64) -> Lease {
        held(
            None,
            "lease",
            me,
            LASTS,
            Timestamp::from_second(second).expect("an instant"),
        )
    }

    #[test]
    fn an_absent_and_a_released_lease_are_taken_at_once() {
        let now = Instant::now();
        let mut observer = Observer::default();
        observer.observe(None, now);
        assert_eq!(observer.evaluate("a", LASTS, now), Step::Acquire);
        let free = released(&written("b", 1), "lease", Timestamp::UNIX_EPOCH);
        observer.observe(Some(&free), now);
        assert_eq!(observer.evaluate("a", LASTS, now), Step::Acquire);
    }

    #[test]
    fn another_holder_is_waited_for_as_long_as_its_lease_lasts_here() {
        let start = Instant::now();
        let mut observer = Observer::default();
        // Its clock is a year ahead, or behind: that does not matter.
        for second in [-31_536_000, 4_102_444_800] {
            let lease = written("b", second);
            observer.observe(Some(&lease), start);
            assert_eq!(
                observer.evaluate("a", LASTS, start + Duration::from_secs(14)),
                Step::StandBy
            );
            observer.observe(Some(&lease), start + Duration::from_secs(15));
            assert_eq!(
                observer.evaluate("a", LASTS, start + Duration::from_secs(15)),
                Step::Acquire
            );
        }
    }

    #[test]
    fn a_renewal_starts_the_wait_anew() {
        let start = Instant::now();
        let mut observer = Observer::default();
        observer.observe(Some(&written("b", 1)), start);
        observer.observe(Some(&written("b", 2)), start + Duration::from_secs(14));
        assert_eq!(
            observer.evaluate("a", LASTS, start + Duration::from_secs(20)),
            Step::StandBy
        );
    }

    #[test]
    fn transitions_count_changes_of_the_holder_only() {
        let now = Timestamp::UNIX_EPOCH;
        let first = held(None, "lease", "a", LASTS, now);
        let renewed = held(Some(&first), "lease", "a", LASTS, now);
        let taken = held(Some(&renewed), "lease", "b", LASTS, now);
        let count = |lease: &Lease| lease.spec.as_ref().and_then(|spec| spec.lease_transitions);
        assert_eq!(
            (count(&first), count(&renewed), count(&taken)),
            (Some(0), Some(0), Some(1))
        );
    }

    /// Two processes against one lease, second by second: `a` renews until it is paused, and writes whenever its gate is
    /// open. `skew` is how far apart they read the lease.
    fn seconds_when_both_may_write(pause: std::ops::Range<u64>, skew: u64) -> (usize, bool) {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let mut lease: Option<Lease> = None;
        let mut observers = [Observer::default(), Observer::default()];
        let mut open_until = [start, start];
        let (mut both, mut taken_over) = (0, false);
        for second in 0..120 {
            for (index, me) in ["a", "b"].into_iter().enumerate() {
                let is_paused = index == 0 && pause.contains(&second);
                if is_paused || second % 2 != (index as u64 * skew) % 2 {
                    continue;
                }
                let now = at(second);
                observers[index].observe(lease.as_ref(), now);
                if observers[index].evaluate(me, LASTS, now) != Step::StandBy {
                    let instant = Timestamp::from_second(i64::try_from(second).expect("small"))
                        .expect("an instant");
                    lease = Some(held(lease.as_ref(), "lease", me, LASTS, instant));
                    open_until[index] = now + DEADLINE;
                    taken_over |= index == 1;
                }
            }
            let writers = open_until
                .iter()
                .filter(|until| at(second) < **until)
                .count();
            both += usize::from(writers > 1);
        }
        (both, taken_over)
    }

    #[test]
    fn a_paused_leader_is_replaced_and_never_writes_beside_its_successor() {
        for skew in 0..2 {
            for length in [0, 5, 14, 16, 30, 60] {
                let (both, taken_over) = seconds_when_both_may_write(20..20 + length, skew);
                assert_eq!(both, 0, "pause of {length} s, skew {skew}");
                assert_eq!(taken_over, length >= 16, "pause of {length} s, skew {skew}");
            }
        }
    }
}
