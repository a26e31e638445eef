//! Decimal numbers, as JSON and models have them, to the nearest `f64`: the bits that `str::parse` gives.
//!
//! Most numbers have few digits and no exponent. They are read eight digits at a time, and without branches on what
//! nothing can foresee: the sign, the number of digits, where the point stands. Numbers of up to 19 digits are a whole
//! number of 64 bits, times or divided by a power of ten. What is left goes to `str::parse`.

/// Powers of ten that are exact as `f64`.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Powers of ten that are exact in 64 bits.
const WHOLE_TENS: [u64; 20] = powers::<20>(10);
/// Powers of five that are exact in 63 bits.
const FIVES: [u64; 28] = powers::<28>(5);
/// Of the powers of five from the first on: the upper 64 bits of its reciprocal, cut off, and how often that was
/// doubled to be whole.
const RECIPROCALS: [(u64, u32); 28] = {
    let mut reciprocals = [(0, 0); 28];
    let mut power = 1;
    while power < reciprocals.len() {
        let doublings = 127 - FIVES[power].leading_zeros();
        let reciprocal = (1_u128 << doublings) / FIVES[power] as u128;
        reciprocals[power] = (reciprocal as u64, doublings);
        power += 1;
    }
    reciprocals
};
/// Up to here every whole number is exact as `f64`.
const EXACT: u64 = 1 << 53;
/// As many digits as are exact in 64 bits whatever they are.
const MOST_DIGITS: usize = 19;
/// A longer exponent is left to `str::parse`.
const MOST_EXPONENT_DIGITS: usize = 4;
/// Eight times the digit 0.
const ZEROS: u64 = 0x3030_3030_3030_3030;
/// All bits of a byte but its highest, eight times.
const LOWER: u64 = 0x7f7f_7f7f_7f7f_7f7f;

const fn powers<const COUNT: usize>(base: u64) -> [u64; COUNT] {
    let mut powers = [1; COUNT];
    let mut place = 1;
    while place < COUNT {
        powers[place] = powers[place - 1] * base;
        place += 1;
    }
    powers
}

/// The number that `text` has from `at` on, as JSON writes numbers, and where it ends. `None` when there is none, or
/// one that is not finite as `f64`.
#[inline(always)]
#[must_use]
pub fn number(text: &[u8], at: usize) -> Option<(f64, usize)> {
    usual(text, at).or_else(|| any(text, at))
}

/// As [`number`], for what most numbers are: up to 7 digits, a point and up to 16 digits, with at least 24 bytes from
/// `at` on and 8 before it. Anything else may be denied.
#[inline(always)]
fn usual(text: &[u8], at: usize) -> Option<(f64, usize)> {
    let chunk: &[u8; 24] = text.get(at..)?.first_chunk()?;
    let [first, second, third] = [0, 8, 16].map(|from| word(chunk, from).unwrap_or(0) ^ ZEROS);
    let negative = u64::from(chunk[0] == b'-');
    let sign = negative as u32;

    // A bit for each byte of the first eight that is no digit, without the sign.
    let others = other_bytes(first) & !(negative << 7);
    let whole_end = others.trailing_zeros() / 8;
    let has_point = chunk[whole_end as usize] == b'.';
    let point = u32::from(has_point);
    let behind = others & others.wrapping_sub(1);
    let (behind_first, behind_second) = (other_bytes(second), other_bytes(third));
    let mut length = 16 + behind_second.trailing_zeros() / 8;
    length = if behind_first == 0 {
        length
    } else {
        8 + behind_first.trailing_zeros() / 8
    };
    length = if behind == 0 {
        length
    } else {
        behind.trailing_zeros() / 8
    };
    length = if has_point { length } else { whole_end };

    let whole = whole_end.wrapping_sub(sign);
    let fraction = length.wrapping_sub(whole_end).wrapping_sub(point);
    let next = chunk.get(length as usize).copied().unwrap_or(b'e');
    let starts_with_zero = (first >> (8 * sign)) & 0xff == 0;
    // One branch for all, which is never taken where numbers are alike.
    let is_unusual = (others == 0)
        | (whole == 0)
        | (point > fraction)
        | (fraction > 16)
        | (starts_with_zero & (whole > 1))
        | (next | 0x20 == b'e');
    if is_unusual {
        return None;
    }

    let end = at.wrapping_add(length as usize);
    let unsigned = first & !(negative.wrapping_mul(0xff));
    let whole_value = eight_digits(unsigned << ((64 - 8 * whole_end) & 63));
    let mut value = last_digits(text, end, fraction.min(8))?;
    if fraction > 8 {
        if whole + fraction > MOST_DIGITS as u32 {
            return None;
        }
        let upper = last_digits(text, end - 8, fraction - 8)?;
        value = value.wrapping_add(upper.wrapping_mul(WHOLE_TENS[8]));
    }
    let scale = *WHOLE_TENS.get(fraction as usize)?;
    let significand = whole_value.wrapping_mul(scale).wrapping_add(value);
    let magnitude = if significand <= EXACT {
        significand as f64 / TENS[fraction as usize]
    } else {
        quotient(significand, fraction as usize)?
    };
    let value = f64::from_bits(magnitude.to_bits() | negative << 63);
    Some((value, end))
}

#[inline(always)]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let chunk = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*chunk))
}

/// The number of the last `count` digits, at most 8, before `end`.
#[inline(always)]
fn last_digits(text: &[u8], end: usize, count: u32) -> Option<u64> {
    let digits = word(text, end.checked_sub(8)?)? ^ ZEROS;
    let unwanted = u64::MAX.checked_shr(8 * count).unwrap_or(0);
    Some(eight_digits(digits & !unwanted))
}

/// As [`number`], whatever it looks like.
fn any(text: &[u8], at: usize) -> Option<(f64, usize)> {
    let mut digits = Digits {
        bytes: text,
        at,
        value: 0,
        count: 0,
    };
    let negative = text.get(at) == Some(&b'-');
    digits.at += usize::from(negative);
    if text.get(digits.at) == Some(&b'0') {
        digits.at += 1;
        // No number starts with a zero and goes on with a digit.
        if text.get(digits.at).is_some_and(u8::is_ascii_digit) {
            return None;
        }
    } else if digits.take() == 0 {
        return None;
    }
    let mut exponent = 0_i64;
    if text.get(digits.at) == Some(&b'.') {
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
    if matches!(text.get(digits.at), Some(b'e' | b'E')) {
        digits.at += 1;
        let below = text.get(digits.at) == Some(&b'-');
        digits.at += usize::from(matches!(text.get(digits.at), Some(b'-' | b'+')));
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
        None => std::str::from_utf8(text.get(at..end)?).ok()?.parse().ok()?,
    };
    value.is_finite().then_some((value, end))
}

/// `significand` times ten to the power of `exponent`, where that is exact but for one rounding.
fn short(significand: u64, exponent: i64) -> Option<f64> {
    let power = usize::try_from(exponent.unsigned_abs()).ok()?;
    if significand == 0 {
        Some(0.0)
    } else if significand <= EXACT && power < TENS.len() {
        let exact = significand as f64;
        Some(if exponent < 0 {
            exact / TENS[power]
        } else {
            exact * TENS[power]
        })
    } else if exponent < 0 {
        quotient(significand, power)
    } else {
        let product = u128::from(significand) * u128::from(*WHOLE_TENS.get(power)?);
        Some(product as f64)
    }
}

/// `significand / 10^power` for a significand that is not 0 and a power that is not 0 either.
#[inline]
fn quotient(significand: u64, power: usize) -> Option<f64> {
    let &(reciprocal, doublings) = RECIPROCALS.get(power)?;
    let lift = significand.leading_zeros();
    let product = u128::from(significand << lift) * u128::from(reciprocal);
    // What was cut off from the reciprocal adds less than 1 to this, and so does the lower half.
    let high = (product >> 64) as u64;
    // 53 bits are kept, and what is behind them decides.
    let dropped = 11 - high.leading_zeros();
    let half = 1_u64 << (dropped - 1);
    let rest = high & (2 * half - 1);
    let kept = high >> dropped;
    let is_sure = rest + 2 <= half || rest > half;
    if !is_sure {
        return divided(significand, power);
    }
    let rounded = (kept + u64::from(rest > half)) as f64;
    let halvings = i64::from(lift + doublings) + power as i64 - i64::from(64 + dropped);
    Some(rounded * power_of_two(halvings)?)
}

/// As [`quotient`], by division.
///
/// The whole part of the quotient, scaled by a power of two, has 62 to 64 bits. Where something is left over, its last
/// bit is set: far below the 53 bits that are kept, that alone decides how a half is rounded.
#[cold]
fn divided(significand: u64, power: usize) -> Option<f64> {
    let five = *FIVES.get(power)?;
    let lift = significand.leading_zeros();
    let shift = 63 - five.leading_zeros();
    let dividend = u128::from(significand << lift) << shift;
    let whole = u64::try_from(dividend / u128::from(five)).ok()?;
    let is_whole = u128::from(whole).wrapping_mul(u128::from(five)) == dividend;
    let rounded = (whole | u64::from(!is_whole)) as f64;
    Some(rounded * power_of_two(i64::from(lift + shift) + power as i64)?)
}

/// One halved so many times, which are few enough for products with it to be far from the smallest numbers.
#[inline]
fn power_of_two(halvings: i64) -> Option<f64> {
    let exponent = u64::try_from(1023 - halvings).ok()?;
    Some(f64::from_bits(exponent << 52))
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
    fn take(&mut self) -> usize {
        let start = self.at;
        while let Some(chunk) = word(self.bytes, self.at) {
            let chunk = chunk ^ ZEROS;
            let count = (other_bytes(chunk).trailing_zeros() / 8) as usize;
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

/// The highest bit of each of eight bytes that is no digit; each byte was combined with [`ZEROS`], so that a digit is
/// its value and anything else is at least 10.
#[inline]
fn other_bytes(chunk: u64) -> u64 {
    const UP_FROM_TEN: u64 = 0x7676_7676_7676_7676;
    // No byte carries into the next: 0x7f + 0x76 is below 0x100.
    (((chunk & LOWER) + UP_FROM_TEN) | chunk) & !LOWER
}

/// The number of eight digits, the first of them in the lowest byte, each as its value: by twos, fours, then all.
#[inline]
pub(crate) fn eight_digits(digits: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
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
        // Alone, and where other text is around it.
        let start = "[1.5,0.25,";
        for (before, after) in [("", ""), (start, ",1.25,2,3,4.5,6,7,8,9]"), (start, "]}")] {
            let around = format!("{before}{text}{after}");
            let found = number(around.as_bytes(), before.len());
            if expected.is_finite() {
                let (value, end) = found.unwrap_or_else(|| panic!("{text} is a number"));
                assert_eq!(
                    (value.to_bits(), end),
                    (expected.to_bits(), before.len() + text.len()),
                    "{text}: {value:?} instead of {expected:?}"
                );
            } else {
                assert_eq!(found, None, "{text}");
            }
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
            for after in ["", ",1.25,2,3,4.5,6,7,8,9]"] {
                let around = format!("[1.5,0.25,{text}{after}");
                let end = number(around.as_bytes(), 10).map(|(_, end)| end - 10);
                assert!(end.is_none_or(|end| end < text.len()), "{around}: {end:?}");
            }
        }
        assert_eq!(number(b"0x10", 0), Some((0.0, 1)));
        assert_eq!(number(b"1", 5), None, "behind the end");
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
