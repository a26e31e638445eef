//! The tracks of one process: which bundles are loaded, what the plan says, and who ranks a request.
//!
//! A request takes one snapshot and keeps it, so it never sees half of a change. Loading is
//! `bundle`, the plan's file is `plan_follower`; nothing here waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

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

    /// What stands between this process and readiness; empty when it is ready.
    pub fn pending(&self) -> Vec<String> {
        let Some(plan) = &self.plan else {
            let reason = self.plan_error.as_deref().unwrap_or("not read yet");
            return vec![format!("plan: {reason}")];
        };
        plan.weighted()
            .into_iter()
            .filter_map(|digest| match self.tracks.get(digest) {
                Some(Track::Ready(_)) => None,
                Some(Track::Loading) => Some(format!("bundle {digest}: loading")),
                Some(Track::Failed(failure)) => Some(format!(
                    "bundle {digest}: {}: {}",
                    failure.reason, failure.message
                )),
                None => Some(format!(
                    "bundle {digest}: in the plan, but this server was not started with it"
                )),
            })
            .collect()
    }
}

/// The current snapshot, swapped as a whole.
#[derive(Debug)]
pub struct Tracks {
    current: ArcSwap<Snapshot>,
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
    }

    /// Notes that the plan's file is unusable; the last valid plan is followed on.
    pub fn refuse_plan(&self, error: &str) {
        self.change(|snapshot| snapshot.plan_error = Some(error.to_owned()));
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
