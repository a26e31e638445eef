//! Text and numbers as they stand in HTML.

use std::fmt;

use crate::metrics::statistics::Interval;

/// Foreign text for the inside of an element or of a quoted attribute: markup is escaped, and
/// control characters, also those that turn the direction of writing, are shown as U+FFFD.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                '\n' | '\t' => formatter.write_char(' ')?,
                '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    formatter.write_char(char::REPLACEMENT_CHARACTER)?;
                }
                control if control.is_control() => {
                    formatter.write_char(char::REPLACEMENT_CHARACTER)?;
                }
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Four decimals, as everywhere a metric is shown.
pub(super) fn decimal(value: f64) -> String {
    format!("{value:.4}")
}

/// Four decimals with a sign, a real minus for negative ones.
pub(super) fn signed(value: f64) -> String {
    let text = format!("{value:+.4}");
    match text.as_str() {
        "+0.0000" | "-0.0000" => "0.0000".to_owned(),
        _ => text.replace('-', "\u{2212}"),
    }
}

/// From low to high, or a dash where there is no interval.
pub(super) fn range(interval: Option<Interval>, number: fn(f64) -> String) -> String {
    interval.map_or("\u{2013}".to_owned(), |interval| {
        format!("{} to {}", number(interval.low), number(interval.high))
    })
}

/// A share in percent with two decimals.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2}\u{a0}%", share * 100.0)
}

/// Whole numbers with their thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A probability; small ones as what they are below.
pub(super) fn probability(value: f64) -> String {
    if value < 0.001 {
        "p\u{a0}<\u{a0}0.001".to_owned()
    } else {
        format!("p\u{a0}=\u{a0}{value:.3}")
    }
}
