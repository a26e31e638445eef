//! When serving takes up a behaviour table, and of which moment that table is.

/// One day, in milliseconds.
pub const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

/// At each midnight UTC serving takes up a new behaviour table, of all that happened until the lag
/// before that midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotSchedule {
    lag: i64,
}

impl SnapshotSchedule {
    /// A schedule whose tables are `lag` milliseconds old when they are taken up; a negative lag is
    /// none.
    #[must_use]
    pub fn with_lag(lag: i64) -> Self {
        Self { lag: lag.max(0) }
    }

    /// How old a table is when it is taken up, in milliseconds.
    #[must_use]
    pub fn lag(self) -> i64 {
        self.lag
    }

    /// The snapshot of the table that serves at `timestamp`, both in milliseconds since 1970-01-01
    /// UTC.
    #[must_use]
    pub fn serving_at(self, timestamp: i64) -> i64 {
        timestamp.div_euclid(DAY_MILLISECONDS) * DAY_MILLISECONDS - self.lag
    }

    /// The first snapshot that holds all that happened before `end`, in milliseconds since
    /// 1970-01-01 UTC.
    #[must_use]
    pub fn holding(self, end: i64) -> i64 {
        let days = (end + self.lag + DAY_MILLISECONDS - 1).div_euclid(DAY_MILLISECONDS);
        days * DAY_MILLISECONDS - self.lag
    }
}

impl Default for SnapshotSchedule {
    /// A lag of one day.
    fn default() -> Self {
        Self::with_lag(DAY_MILLISECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = DAY_MILLISECONDS / 24;

    #[test]
    fn a_table_serves_from_midnight_to_midnight() {
        let schedule = SnapshotSchedule::with_lag(2 * HOUR);
        let midnight = 100 * DAY_MILLISECONDS;
        assert_eq!(
            schedule.serving_at(midnight - 1),
            midnight - DAY_MILLISECONDS - 2 * HOUR
        );
        assert_eq!(schedule.serving_at(midnight), midnight - 2 * HOUR);
        assert_eq!(
            schedule.serving_at(midnight + 23 * HOUR),
            midnight - 2 * HOUR
        );
    }

    #[test]
    fn the_last_table_holds_the_end_and_serves_from_the_lag_after_its_snapshot() {
        for lag in [0, 1, HOUR, DAY_MILLISECONDS, 5 * DAY_MILLISECONDS + HOUR] {
            let schedule = SnapshotSchedule::with_lag(lag);
            for end in [
                0,
                1,
                HOUR,
                7 * DAY_MILLISECONDS - lag,
                9 * DAY_MILLISECONDS + 5,
            ] {
                let snapshot = schedule.holding(end);
                assert!((end..end + DAY_MILLISECONDS).contains(&snapshot));
                assert_eq!(schedule.serving_at(snapshot + lag), snapshot);
            }
        }
    }
}
