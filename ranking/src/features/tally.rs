//! Counts of what was done with something: all that there ever were, and decayed ones, in which
//! what is long ago counts little.

use serde::{Deserialize, Serialize};

use crate::events::Action;
use crate::features::schedule::{DAY_MILLISECONDS, SnapshotSchedule};

/// Days after which an event counts half.
pub const HALF_LIFE_DAYS: u32 = 7;

/// How often something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Times shown.
    pub impressions: u32,
    /// Times clicked.
    pub clicks: u32,
    /// Times put in the cart.
    pub carts: u32,
    /// Times bought.
    pub purchases: u32,
}

impl Counts {
    fn add(&mut self, action: Action) {
        let count = match action {
            Action::Impression => &mut self.impressions,
            Action::Click => &mut self.clicks,
            Action::AddToCart => &mut self.carts,
            Action::Purchase => &mut self.purchases,
        };
        *count = count.saturating_add(1);
    }
}

/// How often something happened, an event of each day weighing 2^(-age in days /
/// [`HALF_LIFE_DAYS`]); the last day before the snapshot has age 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecayedCounts {
    /// Weight of the times shown.
    pub impressions: f64,
    /// Weight of the clicks.
    pub clicks: f64,
    /// Weight of the times put in the cart.
    pub carts: f64,
    /// Weight of the purchases.
    pub purchases: f64,
}

/// Both kinds of counts, as of one snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// All that there ever were.
    pub counts: Counts,
    /// What is long ago counts little.
    pub decayed: DecayedCounts,
}

/// The day of a moment, on which counts of equal age are: days end with the snapshots.
pub(super) fn day_of(timestamp: i64, snapshots: SnapshotSchedule) -> i64 {
    (timestamp + snapshots.lag()).div_euclid(DAY_MILLISECONDS)
}

/// A tally that grows as time goes on. Events of one day only add whole numbers, and days are
/// decayed one after the other, so the sums depend on the days of the events alone: not on the
/// events' order within a day, and not on the snapshots in between.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GrowingTally {
    counts: Counts,
    /// Decayed counts of the days before `day`, as of `day`.
    before: DecayedCounts,
    /// Counts of `day`.
    today: Counts,
    day: i64,
}

impl GrowingTally {
    /// Adds an event of a day, which is none before the last one.
    pub(super) fn add(&mut self, day: i64, action: Action) {
        if day != self.day {
            self.before = self.decayed(day);
            self.today = Counts::default();
            self.day = day;
        }
        self.counts.add(action);
        self.today.add(action);
    }

    /// Times shown, ever.
    pub(super) fn impressions(&self) -> u32 {
        self.counts.impressions
    }

    /// The tally as of a day.
    pub(super) fn as_of(&self, day: i64) -> Tally {
        Tally {
            counts: self.counts,
            decayed: self.decayed(day),
        }
    }

    fn decayed(&self, day: i64) -> DecayedCounts {
        // Days are whole numbers far below 2^53.
        let age = (day - self.day) as f64;
        let weight = libm::exp2(-age / f64::from(HALF_LIFE_DAYS));
        let of = |before: f64, today: u32| (before + f64::from(today)) * weight;
        DecayedCounts {
            impressions: of(self.before.impressions, self.today.impressions),
            clicks: of(self.before.clicks, self.today.clicks),
            carts: of(self.before.carts, self.today.carts),
            purchases: of(self.before.purchases, self.today.purchases),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(events: &[(i64, Action)]) -> GrowingTally {
        let mut tally = GrowingTally::default();
        for (day, action) in events {
            tally.add(*day, *action);
        }
        tally
    }

    #[test]
    fn a_click_counts_half_after_the_half_life_and_a_quarter_after_two() {
        let half_life = i64::from(HALF_LIFE_DAYS);
        let grown = tally(&[
            (20_000, Action::Click),
            (20_000 + half_life, Action::Click),
            (20_000 + half_life, Action::Purchase),
        ]);
        let now = grown.as_of(20_000 + 2 * half_life);
        assert_eq!(now.decayed.clicks, 0.25 + 0.5);
        assert_eq!(now.decayed.purchases, 0.5);
        assert_eq!((now.counts.clicks, now.counts.purchases), (2, 1));
        assert_eq!(grown.as_of(20_000 + half_life).decayed.clicks, 1.5);
    }

    #[test]
    fn sums_are_those_of_whole_days_to_the_last_bit() {
        let days = [(100, 3), (101, 5), (104, 1), (111, 70), (150, 2)];
        let mut grown = GrowingTally::default();
        let mut by_day = 0.0;
        let mut last = 0;
        for (day, clicks) in days {
            for _ in 0..clicks {
                grown.add(day, Action::Click);
                // Asked for in between, which changes nothing.
                let _ = grown.as_of(day);
            }
            by_day = by_day * libm::exp2(-((day - last) as f64) / 7.0) + f64::from(clicks);
            last = day;
        }
        let sum = grown.as_of(150).decayed.clicks;
        assert_eq!(sum.to_bits(), by_day.to_bits());
    }

    #[test]
    fn days_end_with_the_snapshots() {
        let snapshots = SnapshotSchedule::with_lag(DAY_MILLISECONDS / 4);
        let snapshot = snapshots.serving_at(50 * DAY_MILLISECONDS);
        assert_eq!(
            day_of(snapshot, snapshots),
            day_of(snapshot - 1, snapshots) + 1
        );
        let of_previous = day_of(snapshot - DAY_MILLISECONDS, snapshots);
        assert_eq!(of_previous, day_of(snapshot - 1, snapshots));
    }
}
