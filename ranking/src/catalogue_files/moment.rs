//! When a product was listed, as people write it.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use serde::Deserialize;

/// A time, a date (its start) or milliseconds since 1970; without a zone it is UTC.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Moment(i64);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a whole number")]
enum Written {
    Number(i64),
    Text(String),
}

impl Moment {
    /// Milliseconds since 1970-01-01 UTC.
    pub(super) fn milliseconds(self) -> i64 {
        self.0
    }
}

/// Nearer to 1970 a number is a year, a date without hyphens, or one of seconds.
const LEAST_MILLISECONDS: u64 = 100_000_000_000;

fn is_plausible(milliseconds: i64) -> bool {
    milliseconds.unsigned_abs() >= LEAST_MILLISECONDS
}

impl TryFrom<Written> for Moment {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Number(milliseconds) if is_plausible(milliseconds) => Ok(Self(milliseconds)),
            Written::Number(number) => number.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(milliseconds) = text.parse()
            && is_plausible(milliseconds)
        {
            return Ok(Self(milliseconds));
        }
        let zoneless = || text.parse::<DateTime>().ok();
        let day = || Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0));
        let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
            let read = zoneless().or_else(day)?;
            Offset::UTC.to_timestamp(read).ok()
        });
        timestamp.map(|it| Self(it.as_millisecond())).ok_or_else(|| {
            let excerpt: String = text.chars().take(40).collect();
            format!(
                "{excerpt:?} is no time such as 2025-01-31T12:00:00Z, no date such as 2025-01-31 and no \
                 number of milliseconds since 1970"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_near_1970_is_no_time() {
        let milliseconds = |text: &str| text.parse::<Moment>().map(Moment::milliseconds);
        assert_eq!(milliseconds("1738281600000"), Ok(1_738_281_600_000));
        assert_eq!(milliseconds("2025-01-31"), Ok(1_738_281_600_000));
        for text in ["2025", "1738281600", "-1"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
        assert!(Moment::try_from(Written::Number(1_738_281_600)).is_err());
    }
}
