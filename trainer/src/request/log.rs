//! How rows are made of a log of searches and events. It does not look at data.

use searchop_ranking::features::{MAXIMUM_RECENT_EVENTS, SnapshotSchedule, TrainingOptions};
use serde::{Deserialize, Serialize};

use crate::cli::SourceOptions;

use super::{DataSource, RequestError};

/// A lag of one day.
const DEFAULT_SNAPSHOT_LAG_SECONDS: u32 = 86_400;
/// The longest lag: 30 days.
const MAXIMUM_SNAPSHOT_LAG_SECONDS: u32 = 30 * 86_400;

/// How rows are made of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogRows {
    /// How old the behaviour table is when serving takes it up.
    pub snapshot_lag_seconds: u32,
    /// Most searches that make rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_searches: Option<u32>,
    /// How many recent events of who searches the caller sends.
    #[serde(default, skip_serializing_if = "is_none")]
    pub recent_events: u8,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_none(events: &u8) -> bool {
    *events == 0
}

impl Default for LogRows {
    fn default() -> Self {
        Self {
            snapshot_lag_seconds: DEFAULT_SNAPSHOT_LAG_SECONDS,
            max_searches: None,
            recent_events: 0,
        }
    }
}

impl LogRows {
    /// What the ranking crate is told.
    #[must_use]
    pub fn training_options(self) -> TrainingOptions {
        TrainingOptions {
            snapshots: SnapshotSchedule::with_lag(i64::from(self.snapshot_lag_seconds) * 1_000),
            // A number that is no `usize` bounds nothing.
            maximum_searches: self
                .max_searches
                .and_then(|most| usize::try_from(most).ok()),
            recent_events: usize::from(self.recent_events),
            ..TrainingOptions::default()
        }
    }

    /// Reads what was typed; `None` if nothing was.
    ///
    /// # Errors
    /// A number out of its bounds, or data that is no log.
    pub(super) fn read(
        options: &SourceOptions,
        source: &DataSource,
    ) -> Result<Option<Self>, RequestError> {
        let given = [
            (options.snapshot_lag.is_some(), "--snapshot-lag"),
            (options.max_searches.is_some(), "--max-searches"),
            (options.recent_events.is_some(), "--recent-events"),
        ];
        let Some((_, flag)) = given.into_iter().find(|(is_given, _)| *is_given) else {
            return Ok(None);
        };
        if !source.has_times() {
            return Err(RequestError::WithoutLog { flag });
        }
        let bound = |flag, value: u32, expected| RequestError::Bound {
            flag,
            value: value.to_string(),
            expected,
        };
        let snapshot_lag_seconds = options.snapshot_lag.unwrap_or(DEFAULT_SNAPSHOT_LAG_SECONDS);
        if snapshot_lag_seconds > MAXIMUM_SNAPSHOT_LAG_SECONDS {
            let expected = "at most 2592000 seconds, which are 30 days";
            return Err(bound("--snapshot-lag", snapshot_lag_seconds, expected));
        }
        if options.max_searches == Some(0) {
            return Err(bound("--max-searches", 0, "at least 1"));
        }
        let recent_events = options.recent_events.unwrap_or(0);
        if usize::from(recent_events) > MAXIMUM_RECENT_EVENTS {
            let value = u32::from(recent_events);
            return Err(bound("--recent-events", value, "at most 50"));
        }
        Ok(Some(Self {
            snapshot_lag_seconds,
            max_searches: options.max_searches,
            recent_events,
        }))
    }
}
