//! The tracks of one process: which bundles are loaded, what the plan says, and who ranks a request.
//!
//! A request takes one snapshot and keeps it, so it never sees half of a change. Loading is
//! `bundle`, the plan's file is `plan_follower`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::bundle::LoadedBundle;
use crate::digest::Digest;
use crate::plan::Plan;

/// One bundle's state in this process.
#[derive(Clone, Debug)]
pub enum Track {
    /// Being read and checked.
    Loading,
    /// Passed its self-check.
    Ready(Arc<LoadedBundle>),
    /// Cannot be used.
    Failed(TrackFailure),
}

/// Why a bundle cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TrackFailure {
    /// For programs, in PascalCase.
    pub reason: String,
    /// For people.
    pub message: String,
}

impl Track {
    /// The state's name, as it stands on the admin port.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Loading => "Loading",
            Self::Ready(_) => "Ready",
            Self::Failed(_) => "Failed",
        }
    }

    /// The bundle, if it can rank.
    pub fn ready(&self) -> Option<&Arc<LoadedBundle>> {
        match self {
            Self::Ready(bundle) => Some(bundle),
            Self::Loading | Self::Failed(_) => None,
        }
    }
}

/// Plan and tracks at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The plan that is followed: the last valid one.
    pub plan: Option<Arc<Plan>>,
    /// What is wrong with the plan's file now, if anything.
    pub plan_error: Option<String>,
    /// Every bundle the process was started with.
    pub tracks: BTreeMap<Digest, Track>,
}

impl Snapshot {
    /// The bundles that may rank for a session, best first: the one the plan assigns, then the
    /// others with traffic by their share. Only usable ones; so an unusable assigned bundle never
    /// fails a request while another with traffic can rank it.
    ///
    /// A bundle without traffic ranks only when none with traffic is usable.
    pub fn candidates(&self, session_key: &str) -> Vec<Arc<LoadedBundle>> {
        let mut order: Vec<&Digest> = Vec::with_capacity(self.tracks.len());
        if let Some(plan) = &self.plan {
            let assigned = plan.assign(session_key);
            order.push(assigned);
            order.extend(
                plan.weighted()
                    .into_iter()
                    .filter(|digest| *digest != assigned),
            );
        }
        let usable = |digest: &Digest| self.tracks.get(digest).and_then(Track::ready).cloned();
        let with_traffic: Vec<_> = order.into_iter().filter_map(usable).collect();
        if with_traffic.is_empty() {
            self.tracks.keys().filter_map(usable).take(1).collect()
        } else {
            with_traffic
        }
    }

    /// What stands between this process and readiness; empty when it is ready. That is the stable
    /// bundle alone: what another one is to rank, the stable one ranks in its place.
    pub fn pending(&self) -> Vec<String> {
        let Some(plan) = &self.plan else {
            let reason = self.plan_error.as_deref().unwrap_or("not read yet");
            return vec![format!("plan: {reason}")];
        };
        let digest = plan.stable();
        let pending = match self.tracks.get(digest) {
            Some(Track::Ready(_)) => None,
            Some(Track::Loading) => Some("loading".to_owned()),
            Some(Track::Failed(failure)) => {
                Some(format!("{}: {}", failure.reason, failure.message))
            }
            None => Some("in the plan, but this server was not started with it".to_owned()),
        };
        pending
            .map(|reason| format!("bundle {digest}: {reason}"))
            .into_iter()
            .collect()
    }

    /// The bundle to load next: of those that are not loaded yet the one with the largest share, so
    /// that the stable one comes first. Equal shares keep the order of `digests`.
    pub fn next_to_load<'a>(&self, digests: &'a [Digest]) -> Option<&'a Digest> {
        let share = |digest: &Digest| self.plan.as_ref().map_or(0, |plan| plan.weight(digest));
        digests
            .iter()
            .filter(|digest| matches!(self.tracks.get(*digest), Some(Track::Loading)))
            .min_by_key(|digest| Reverse(share(digest)))
    }

    /// Whether the first look at the plan is over, with whatever result.
    fn has_looked_at_plan(&self) -> bool {
        self.plan.is_some() || self.plan_error.is_some()
    }

    /// The bundles that are still being loaded.
    pub fn loading(&self) -> Vec<Digest> {
        self.tracks
            .iter()
            .filter(|(_, track)| matches!(track, Track::Loading))
            .map(|(digest, _)| digest.clone())
            .collect()
    }
}

/// The current snapshot, swapped as a whole.
#[derive(Debug)]
pub struct Tracks {
    current: ArcSwap<Snapshot>,
    looked_at_plan: Notify,
}

impl Tracks {
    /// Every bundle loading, no plan yet.
    pub fn new(digests: impl IntoIterator<Item = Digest>) -> Self {
        let tracks = digests
            .into_iter()
            .map(|digest| (digest, Track::Loading))
            .collect();
        Self {
            current: ArcSwap::from_pointee(Snapshot {
                tracks,
                ..Snapshot::default()
            }),
            looked_at_plan: Notify::new(),
        }
    }

    /// The state of things now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Follows a plan from now on.
    pub fn follow(&self, plan: Plan) {
        let plan = Arc::new(plan);
        self.change(|snapshot| {
            snapshot.plan = Some(Arc::clone(&plan));
            snapshot.plan_error = None;
        });
        self.looked_at_plan.notify_waiters();
    }

    /// Notes that the plan's file is unusable; the last valid plan is followed on.
    pub fn refuse_plan(&self, error: &str) {
        self.change(|snapshot| snapshot.plan_error = Some(error.to_owned()));
        self.looked_at_plan.notify_waiters();
    }

    /// Completes once there is a plan, or it is known why there is none.
    pub async fn plan_is_known(&self) {
        loop {
            // Taken before the look, so that what happens in between is not missed.
            let looked = self.looked_at_plan.notified();
            if self.snapshot().has_looked_at_plan() {
                return;
            }
            looked.await;
        }
    }

    /// Notes how the loading of a bundle ended.
    pub fn set(&self, digest: &Digest, track: &Track) {
        self.change(|snapshot| {
            snapshot.tracks.insert(digest.clone(), track.clone());
        });
    }

    fn change(&self, change: impl Fn(&mut Snapshot)) {
        self.current.rcu(|current| {
            let mut next = Snapshot::clone(current);
            change(&mut next);
            next
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: char) -> Digest {
        letter.to_string().repeat(64).parse().unwrap()
    }

    fn failed() -> Track {
        Track::Failed(TrackFailure {
            reason: "ParityMismatch".into(),
            message: "for a test".into(),
        })
    }

    fn plan(weights: &[(char, u8)]) -> Plan {
        Plan {
            sequence: 1,
            weights: weights
                .iter()
                .map(|(letter, weight)| (digest(*letter), *weight))
                .collect(),
            salt: String::new(),
        }
    }

    #[test]
    fn bundles_are_loaded_by_their_share_and_then_in_the_order_given() {
        let digests = ['a', 'b', 'c', 'd'].map(digest);
        let order = |plan: Option<Plan>| {
            let tracks = Tracks::new(digests.iter().cloned());
            if let Some(plan) = plan {
                tracks.follow(plan);
            }
            let mut order = String::new();
            while let Some(next) = tracks.snapshot().next_to_load(&digests) {
                order.push_str(&next.as_str()[..1]);
                tracks.set(next, &failed());
            }
            order
        };
        assert_eq!(order(Some(plan(&[('c', 100)]))), "cabd");
        assert_eq!(order(Some(plan(&[('b', 10), ('d', 90), ('a', 0)]))), "dbac");
        assert_eq!(order(None), "abcd");
    }

    #[test]
    fn only_the_bundle_with_the_largest_share_keeps_a_server_from_being_ready() {
        let tracks = Tracks::new(['a', 'b'].map(digest));
        assert_eq!(tracks.snapshot().pending(), ["plan: not read yet"]);
        tracks.follow(plan(&[('a', 10), ('b', 90)]));
        let pending = |state: &str| vec![format!("bundle {}: {state}", digest('b'))];
        assert_eq!(tracks.snapshot().pending(), pending("loading"));
        tracks.set(&digest('b'), &failed());
        assert_eq!(
            tracks.snapshot().pending(),
            pending("ParityMismatch: for a test")
        );
    }

    #[tokio::test]
    async fn loading_waits_for_the_first_look_at_the_plan() {
        let tracks = Arc::new(Tracks::new([digest('a')]));
        let waiting = tokio::spawn({
            let tracks = Arc::clone(&tracks);
            async move { tracks.plan_is_known().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        tracks.refuse_plan("no such file");
        waiting.await.unwrap();
        tracks.plan_is_known().await;
    }
}
