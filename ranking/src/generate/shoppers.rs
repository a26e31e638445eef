//! Who comes: segments of shoppers by activity, and robots.

use crate::generate::random::{Stream, cumulative};

/// Shares of the segments of shoppers, and how often they come.
const SEGMENTS: [(Segment, f64, f64); 3] = [
    (Segment::High, 0.1, 10.0),
    (Segment::Medium, 0.3, 3.0),
    (Segment::Low, 0.6, 1.0),
];
/// Robots of the shop.
const ROBOTS: usize = 20;

/// How active a shopper is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment {
    High,
    Medium,
    Low,
}

impl Segment {
    /// The name in the data.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// All shoppers.
pub(super) struct Shoppers {
    seed: u64,
    count: u32,
    /// Running sums of their activities.
    activities: Vec<f64>,
    shares: Vec<f64>,
}

impl Shoppers {
    pub(super) fn new(seed: u64, count: u32) -> Self {
        let mut shoppers = Self {
            seed,
            count,
            activities: Vec::new(),
            shares: cumulative(SEGMENTS.map(|(_, share, _)| share)),
        };
        let activity = |user: u32| shoppers.drawn(u64::from(user)).1;
        shoppers.activities = cumulative((0..count).map(activity));
        shoppers
    }

    /// The shopper of a visit, from 0.
    pub(super) fn draw(&self, stream: &mut Stream) -> u64 {
        stream.weighted(&self.activities) as u64
    }

    pub(super) fn segment(&self, user: u64) -> Segment {
        self.drawn(user).0
    }

    fn drawn(&self, user: u64) -> (Segment, f64) {
        let mut stream = Stream::new(self.seed, "activity", user);
        let (segment, _, activity) = SEGMENTS[stream.weighted(&self.shares)];
        (segment, activity)
    }

    /// The name of a shopper in the data.
    pub(super) fn name(user: u64) -> String {
        format!("U{:06}", user + 1)
    }

    /// The name of a robot: one of those after the shoppers' names.
    pub(super) fn robot_name(&self, stream: &mut Stream) -> String {
        Self::name(u64::from(self.count) + stream.below(ROBOTS) as u64)
    }
}
