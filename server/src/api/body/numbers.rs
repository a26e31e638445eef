//! Decimal numbers of JSON, to the nearest `f64`: the bits that `str::parse` gives.
//!
//! Most numbers have up to 19 digits and a small exponent. Their value is a whole number of 64 bits,
//! times or divided by a power of ten that is exact as well, so one operation that rounds correctly
//! is all that it takes. The others go to `str::parse`.

/// Powers of ten that are exact as `f64`.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Powers of five that are exact in 63 bits.
const FIVES: [u64; 28] = powers::<28>(5);
/// Powers of ten that are exact in 63 bits.
const WHOLE_TENS: [u64; 19] = powers::<19>(10);
/// Up to here every whole number is exact as `f64`.
const EXACT: u64 = 1 << 53;
/// As many digits as are exact in 64 bits whatever they are.
const MOST_DIGITS: usize = 19;
/// A longer exponent is left to `str::parse`.
const MOST_EXPONENT_DIGITS: usize = 4;

const fn powers<const COUNT: usize>(base: u64) -> [u64; COUNT] {
    let mut powers = [1; COUNT];
    let mut place = 1;
    while place < COUNT {
        powers[place] = powers[place - 1] * base;
        place += 1;
    }
    powers
}

/// The number that `text` starts with at `at`, and where it ends. `None` when there is no number of
/// JSON, or one that is not finite as `f64`.
#[inline]
pub(super) fn number(text: &str, at: usize) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    let mut digits = Digits {
        bytes,
        at,
        value: 0,
        count: 0,
    };
    let negative = bytes.get(at) == Some(&b'-');
    digits.at += usize::from(negative);
    if bytes.get(digits.at) == Some(&b'0') {
        digits.at += 1;
        // No number starts with a zero and goes on with a digit.
        if bytes.get(digits.at).is_some_and(u8::is_ascii_digit) {
            return None;
        }
    } else if digits.take() == 0 {
        return None;
    }
    let mut exponent = 0_i64;
    if bytes.get(digits.at) == Some(&b'.') {
        digits.at += 1;
        let start = digits.at;
        if digits.count == 0 {
            digits.skip_zeros();
        }
        digits.take();
        if digits.at == start {
            return None;
        }
        exponent = -i64::try_from(digits.at - start).ok()?;
    }
    let mut is_short = digits.count <= MOST_DIGITS;
    if matches!(bytes.get(digits.at), Some(b'e' | b'E')) {
        digits.at += 1;
        let below = bytes.get(digits.at) == Some(&b'-');
        digits.at += usize::from(matches!(bytes.get(digits.at), Some(b'-' | b'+')));
        let mut power = Digits {
            value: 0,
            count: 0,
            ..digits
        };
        power.take();
        if power.count == 0 {
            return None;
        }
        digits.at = power.at;
        if power.count > MOST_EXPONENT_DIGITS {
            is_short = false;
        } else {
            let power = i64::try_from(power.value).ok()?;
            exponent += if below { -power } else { power };
        }
    }
    let end = digits.at;
    let magnitude = if is_short {
        short(digits.value, exponent)
    } else {
        None
    };
    let value = match magnitude {
        Some(magnitude) if negative => -magnitude,
        Some(magnitude) => magnitude,
        None => text.get(at..end)?.parse().ok()?,
    };
    value.is_finite().then_some((value, end))
}

/// `significand` times ten to the power of `exponent`, where that is exact but for one rounding.
#[inline]
fn short(significand: u64, exponent: i64) -> Option<f64> {
    if significand == 0 {
        return Some(0.0);
    }
    let power = usize::try_from(exponent.unsigned_abs()).ok()?;
    if significand <= EXACT && power < TENS.len() {
        let exact = significand as f64;
        return Some(if exponent < 0 {
            exact / TENS[power]
        } else {
            exact * TENS[power]
        });
    }
    if exponent < 0 {
        quotient(significand, *FIVES.get(power)?, power)
    } else {
        let product = u128::from(significand) * u128::from(*WHOLE_TENS.get(power)?);
        Some(product as f64)
    }
}

/// `significand / (five * 2^power)` for a significand that is not 0 and a `five` below 2^63.
///
/// The whole part of the quotient, scaled by a power of two, has 62 to 64 bits. Where something is
/// left over, its last bit is set: far below the 53 bits that are kept, that alone decides how a
/// half is rounded.
#[inline]
fn quotient(significand: u64, five: u64, power: usize) -> Option<f64> {
    let lift = significand.leading_zeros();
    let shift = 63 - five.leading_zeros();
    let dividend = u128::from(significand << lift) << shift;
    let whole = u64::try_from(dividend / u128::from(five)).ok()?;
    let is_whole = u128::from(whole).wrapping_mul(u128::from(five)) == dividend;
    let rounded = (whole | u64::from(!is_whole)) as f64;
    // From 2^-153 to 2^0: exact, as the result is far from the smallest numbers.
    let scale = i64::from(lift + shift) + i64::try_from(power).ok()?;
    let scale = u64::try_from(1023 - scale).ok()?;
    Some(rounded * f64::from_bits(scale << 52))
}

/// Digits that are read.
#[derive(Clone, Copy)]
struct Digits<'text> {
    bytes: &'text [u8],
    at: usize,
    /// Modulo 2^64.
    value: u64,
    /// How many there are, without zeros that were skipped.
    count: usize,
}

impl Digits<'_> {
    /// Reads on while there are digits, and gives how many there are now.
    #[inline]
    fn take(&mut self) -> usize {
        let start = self.at;
        while let Some(chunk) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            let chunk = u64::from_le_bytes(*chunk) ^ ZEROS;
            let count = leading_digits(chunk);
            if count > 0 {
                // The digits to the upper end, behind zeros.
                let value = eight_digits(chunk << (64 - 8 * count));
                self.value = self
                    .value
                    .wrapping_mul(WHOLE_TENS[count])
                    .wrapping_add(value);
                self.at += count;
            }
            if count < 8 {
                self.count += self.at - start;
                return self.count;
            }
        }
        while let Some(digit) = self
            .bytes
            .get(self.at)
            .map(|byte| byte.wrapping_sub(b'0'))
            .filter(|digit| *digit < 10)
        {
            self.value = self.value.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
        self.count += self.at - start;
        self.count
    }

    fn skip_zeros(&mut self) {
        while self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        }
    }
}

/// Eight times the digit 0.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// How many of eight bytes are digits, from the lowest byte on; each was combined with [`ZEROS`], so
/// that a digit is its value and anything else is at least 10.
fn leading_digits(chunk: u64) -> usize {
    const LOWER: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    const UP_FROM_TEN: u64 = 0x7676_7676_7676_7676;
    // No byte carries into the next: 0x7f + 0x76 is below 0x100.
    let from_ten = ((chunk & LOWER) + UP_FROM_TEN) | chunk;
    ((from_ten & !LOWER).trailing_zeros() / 8) as usize
}

/// The number of eight digits, the first of them in the lowest byte: by twos, fours, then all.
fn eight_digits(chunk: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = chunk.wrapping_mul(10).wrapping_add(chunk >> 8);
    let first = (pairs & PAIRS).wrapping_mul(0x000f_4240_0000_0064);
    let second = ((pairs >> 16) & PAIRS).wrapping_mul(0x0000_2710_0000_0001);
    first.wrapping_add(second) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_exact(text: &str) {
        let expected: f64 = text.parse().unwrap();
        let found = number(text, 0);
        if expected.is_finite() {
            let (value, end) = found.unwrap_or_else(|| panic!("{text} is a number"));
            assert_eq!(
                (value.to_bits(), end),
                (expected.to_bits(), text.len()),
                "{text}: {value:?} instead of {expected:?}"
            );
        } else {
            assert_eq!(found, None, "{text}");
        }
    }

    #[test]
    fn numbers_at_the_edges_are_exact() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.0e5",
            "1",
            "9007199254740992",
            "9007199254740993",
            "9007199254740993e0",
            "9007199254740993.0",
            "900719925474099.35",
            "0.9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            "9999999999999999999e18",
            "9999999999999999999e-27",
            "9999999999999999999e-28",
            "1e22",
            "1e23",
            "9007199254740993e22",
            "1e308",
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "2.2250738585072011e-308",
            "5e-324",
            "2e-324",
            "1e-400",
            "1e999",
            "1e-99999",
            "0.00012345678901234567",
            "0.000000000000000000000000000012345678901234567",
            "0.1000000000000000055511151231257827021181583404541015625",
            "0.1000000000000000055511151231257827021181583404541015626",
            "123456789012345678901234567890",
            "4.5e+3",
            "4.5E-3",
        ] {
            assert_exact(text);
        }
    }

    #[test]
    fn halves_are_rounded_to_even() {
        // Between two neighbours of 2^53 and above; a digit far behind decides.
        for text in [
            "9007199254740993.000",
            "9007199254740993.001",
            "9007199254740992.999",
            "9007199254740995.000",
            "1801439850948198.5",
            "4503599627370497.5",
            "4503599627370498.5",
            "4503599627370497.501",
            "4503599627370497.499",
        ] {
            assert_exact(text);
        }
    }

    #[test]
    fn what_json_has_no_number_for_is_refused() {
        for text in [
            "",
            "-",
            "+1",
            ".5",
            "1.",
            "1.e5",
            "01",
            "-01",
            "00",
            "1e",
            "1e+",
            "1e-",
            "e5",
            "NaN",
            "Infinity",
            "-Infinity",
            "0x10",
            "--1",
            "a",
        ] {
            let end = number(text, 0).map(|(_, end)| end);
            assert!(end.is_none_or(|end| end < text.len()), "{text}: {end:?}");
        }
        assert_eq!(number("0x10", 0), Some((0.0, 1)));
        assert_eq!(number("1", 5), None, "behind the end");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_number_has_the_bits_of_the_standard_library(
            sign in "-?", whole in "0|[1-9][0-9]{0,21}", fraction in "(\\.0{0,12}[0-9]{1,21})?",
            exponent in "([eE][+-]?[0-9]{1,3})?",
        ) {
            assert_exact(&format!("{sign}{whole}{fraction}{exponent}"));
        }

        #[test]
        fn a_number_that_was_written_is_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                assert_exact(&format!("{value:?}"));
                assert_exact(&format!("{value:e}"));
            }
        }

        #[test]
        fn features_as_they_are_sent_are_read_back(value in -1000.0..1000.0_f64, places in 0..18_usize) {
            assert_exact(&format!("{value}"));
            assert_exact(&format!("{value:.places$}"));
        }
    }
}
