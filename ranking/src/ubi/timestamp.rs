//! Times as logs have them: texts with and without a zone, and numbers of several units.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::row::Loose;

/// Numbers below are seconds: as milliseconds they would be before March 1973.
const SECONDS_BELOW: f64 = 1e11;
/// Numbers from here on are microseconds: as milliseconds they would be after the year 5138.
const MICROSECONDS_FROM: f64 = 1e14;
/// Numbers from here on are nanoseconds.
const NANOSECONDS_FROM: f64 = 1e17;
/// The end of the year 9999, in milliseconds since 1970.
const END: i64 = 253_402_300_800_000;

/// A time and how it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Milliseconds since 1970-01-01 UTC, from 0 to the end of 9999.
    pub(super) milliseconds: i64,
    pub(super) is_text: bool,
    pub(super) is_other_unit: bool,
    pub(super) has_no_zone: bool,
}

/// Reads a time; `Ok(None)` if there is none.
pub(super) fn read_moment(value: &Loose) -> Result<Option<Moment>, String> {
    let moment = match value {
        Loose::Absent => return Ok(None),
        Loose::Text(text) if text.trim().is_empty() => return Ok(None),
        Loose::Text(text) => of_text(text.trim()),
        Loose::Integer(number) => of_number(*number as f64, false),
        Loose::Float(number) => of_number(*number, false),
        Loose::List(_) | Loose::Other => None,
    };
    let in_range = moment.filter(|moment| (0..END).contains(&moment.milliseconds));
    in_range.map(Some).ok_or_else(|| match value {
        Loose::Text(text) => {
            let excerpt: String = text.chars().take(40).collect();
            format!("{excerpt:?} is not a time from 1970 to 9999, such as 2025-01-31T12:00:00.000Z")
        }
        Loose::Integer(number) => format!("{number} is not a time from 1970 to 9999"),
        Loose::Float(number) => format!("{number} is not a time from 1970 to 9999"),
        _ => "is neither a text nor a number".to_owned(),
    })
}

fn of_text(text: &str) -> Option<Moment> {
    let moment = |milliseconds, has_no_zone| Moment {
        milliseconds,
        is_text: true,
        is_other_unit: false,
        has_no_zone,
    };
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(moment(timestamp.as_millisecond(), false));
    }
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number, true);
    }
    let time = text.parse::<DateTime>().ok()?;
    let timestamp = Offset::UTC.to_timestamp(time).ok()?;
    Some(moment(timestamp.as_millisecond(), true))
}

fn of_number(number: f64, is_text: bool) -> Option<Moment> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    let milliseconds = if number < SECONDS_BELOW {
        number * 1e3
    } else if number < MICROSECONDS_FROM {
        number
    } else if number < NANOSECONDS_FROM {
        number / 1e3
    } else {
        number / 1e6
    };
    // A number beyond i64 becomes its end, which is out of range.
    Some(Moment {
        milliseconds: milliseconds.floor() as i64,
        is_text,
        is_other_unit: !(SECONDS_BELOW..MICROSECONDS_FROM).contains(&number),
        has_no_zone: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<i64> {
        read_moment(&Loose::Text(text.into()))
            .ok()
            .flatten()
            .map(|moment| moment.milliseconds)
    }

    #[test]
    fn texts_of_many_kinds_are_times() {
        let same = 1_737_703_890_699;
        for written in [
            "2025-01-24T07:31:30.699Z",
            "2025-01-24T07:31:30.699+0000",
            "2025-01-24T08:31:30.699+01:00",
            "2025-01-24 07:31:30.699Z",
            "2025-01-24T07:31:30.699",
            " 2025-01-24 07:31:30.699999 ",
            "1737703890699",
        ] {
            assert_eq!(text(written), Some(same), "{written}");
        }
        assert_eq!(text("2025-01-24"), Some(1_737_676_800_000));
        for written in [
            "yesterday",
            "1969-12-31T23:59:59Z",
            "2025-13-01T00:00:00Z",
            "-1",
            "NaN",
            "9e99",
        ] {
            assert_eq!(text(written), None, "{written}");
        }
    }

    #[test]
    fn numbers_are_taken_by_their_size() {
        let number = |number: f64| read_moment(&Loose::Float(number)).ok().flatten();
        for (written, is_other_unit) in [
            (1_737_703_890.0, true),
            (1_737_703_890_000.0, false),
            (1_737_703_890_000_000.0, true),
            (1_737_703_890_000_000_000.0, true),
        ] {
            let moment = number(written).expect("a time");
            assert_eq!(moment.milliseconds, 1_737_703_890_000);
            assert_eq!(moment.is_other_unit, is_other_unit, "{written}");
        }
        for written in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(number(written), None, "{written}");
        }
    }

    #[test]
    fn nothing_is_no_time_and_no_error() {
        assert_eq!(read_moment(&Loose::Absent), Ok(None));
        assert_eq!(read_moment(&Loose::Text(" ".into())), Ok(None));
        assert!(read_moment(&Loose::Other).is_err());
    }
}
