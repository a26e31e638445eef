//! Reads the numbers of arrays, of which a model is nearly all made.

/// A kind of number that arrays hold.
pub(super) trait Number: Sized {
    /// Reads one word.
    fn read(word: &str) -> Option<Self>;

    /// Appends the numbers of a text that are separated by spaces. Says whether it could,
    /// which it may deny of a text that [`read`](Self::read) can.
    fn read_all(written: &str, values: &mut Vec<Self>) -> bool {
        let mut rest = written.as_bytes();
        loop {
            let Some((value, length)) = Self::read_first(rest) else {
                return false;
            };
            values.push(value);
            match rest.get(length + 1..) {
                Some(behind) => rest = behind,
                None => return true,
            }
        }
    }

    /// The number that the text begins with, up to a space or the end, and its length.
    fn read_first(text: &[u8]) -> Option<(Self, usize)> {
        // Words are too short for a search that is fast in long texts.
        let length = text
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(text.len());
        let number = Self::read(std::str::from_utf8(&text[..length]).ok()?)?;
        Some((number, length))
    }
}

impl Number for f64 {
    fn read(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    fn read_all(written: &str, values: &mut Vec<Self>) -> bool {
        let mut rest = written.as_bytes();
        loop {
            let Some((value, length)) = decimal(rest).or_else(|| Self::read_first(rest)) else {
                return false;
            };
            values.push(value);
            match rest.get(length + 1..) {
                Some(behind) => rest = behind,
                None => return true,
            }
        }
    }
}

impl Number for u32 {
    fn read(word: &str) -> Option<Self> {
        word.parse().ok()
    }
}

impl Number for i64 {
    fn read(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    // Most of a model is small whole numbers: they are read a word at once.
    fn read_all(written: &str, values: &mut Vec<Self>) -> bool {
        let mut rest = written.as_bytes();
        while let Some(chunk) = rest.first_chunk() {
            match small_number(*chunk) {
                Some((value, length)) => {
                    values.push(value);
                    rest = &rest[length + 1..];
                }
                None => match Self::read_first(rest) {
                    Some((value, length)) => {
                        values.push(value);
                        match rest.get(length + 1..) {
                            Some(behind) => rest = behind,
                            None => return true,
                        }
                    }
                    None => return false,
                },
            }
        }
        loop {
            let Some((value, length)) = Self::read_first(rest) else {
                return false;
            };
            values.push(value);
            match rest.get(length + 1..) {
                Some(behind) => rest = behind,
                None => return true,
            }
        }
    }
}

/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The number with these digits, one a byte, of which the first is the lowest.
fn eight_digits(values: u64) -> u32 {
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) as u32
}

/// The number that the text begins with, and its length, if a space follows within the
/// eight bytes. There is no branch on what it is, which nothing could foresee.
fn small_number(text: [u8; 8]) -> Option<(i64, usize)> {
    let all = u64::from_le_bytes(text);
    let spaces = all ^ (ONES * b' ' as u64);
    // The lowest bit set here is that of the first space.
    let marks = spaces.wrapping_sub(ONES) & !spaces & ONES << 7;
    let length = marks.trailing_zeros() / 8;
    let is_negative = u32::from(text[0] == b'-');
    let digits = length.wrapping_sub(is_negative);
    if marks == 0 || !(1..=7).contains(&digits) {
        return None;
    }
    // The digits move to the upper end, in front of them zeros; the last is the highest byte.
    let places = 64 - 8 * digits;
    let aligned =
        (all >> (8 * is_negative)) << places | (ONES * b'0' as u64) & !(u64::MAX << places);
    let values = aligned ^ (ONES * b'0' as u64);
    if (values.wrapping_add(ONES * 6) | values) & (ONES * 0xf0) != 0 {
        return None;
    }
    let value = i64::from(eight_digits(values));
    Some((
        if is_negative == 1 { -value } else { value },
        length as usize,
    ))
}

/// The decimal number that the text begins with, up to a space or the end, and its length:
/// the nearest number to it, as the standard reader has. Knows what LightGBM writes but for
/// large and tiny numbers, and leaves the few that it cannot round for sure.
fn decimal(text: &[u8]) -> Option<(f64, usize)> {
    let is_negative = text.first() == Some(&b'-');
    let first = usize::from(is_negative);
    let (mut mantissa, mut end) = digits(text, first, 0)?;
    if end == first {
        return None;
    }
    let mut places = 0;
    if text.get(end) == Some(&b'.') {
        let first = end + 1;
        (mantissa, end) = digits(text, first, mantissa)?;
        places = end - first;
        if places == 0 {
            return None;
        }
    }
    if let [b'e', b'-', tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] = text[end..] {
        places += usize::from(tens - b'0') * 10 + usize::from(ones - b'0');
        end += 4;
    }
    if !matches!(text.get(end), None | Some(b' ')) {
        return None;
    }
    let value = quotient(mantissa, places)?;
    Some((if is_negative { -value } else { value }, end))
}

/// Appends the digits that stand in the text from `at` on to a number; gives it and where
/// they end. None if it gets too large.
fn digits(text: &[u8], mut at: usize, mut number: u64) -> Option<(u64, usize)> {
    const POWERS: [u64; 9] = [
        1,
        10,
        100,
        1_000,
        10_000,
        100_000,
        1_000_000,
        10_000_000,
        100_000_000,
    ];
    while let Some(chunk) = text[at..].first_chunk() {
        let values = u64::from_le_bytes(*chunk) ^ (ONES * b'0' as u64);
        // The lowest bits set here are those of the first byte that is no digit.
        let others = (values.wrapping_add(ONES * 6) | values) & (ONES * 0xf0);
        let count = others.trailing_zeros() / 8;
        if count == 0 {
            return Some((number, at));
        }
        // The digits move to the upper end, in front of them zeros.
        let values = values << (64 - 8 * count);
        number = number
            .checked_mul(POWERS[count as usize])?
            .checked_add(u64::from(eight_digits(values)))?;
        at += count as usize;
        if count < 8 {
            return Some((number, at));
        }
    }
    while let Some(byte @ b'0'..=b'9') = text.get(at).copied() {
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(byte - b'0'))?;
        at += 1;
    }
    Some((number, at))
}

/// The largest power of 5 that fits 64 bits.
const FIVES: usize = 27;

/// For powers of 5 from the first on: the 64 upper bits of its reciprocal, cut off, and how
/// often that was doubled to be whole.
const RECIPROCALS: [(u64, i32); FIVES + 1] = {
    let mut reciprocals = [(0, 0); FIVES + 1];
    let mut power = 5_u64;
    let mut index = 1;
    while index <= FIVES {
        let doublings = 63 + u64::BITS - power.leading_zeros();
        let reciprocal = (1_u128 << doublings) / power as u128;
        reciprocals[index] = (reciprocal as u64, doublings as i32);
        power = power.wrapping_mul(5);
        index += 1;
    }
    reciprocals
};

/// The number that is nearest to `mantissa` divided by so many tens, if that is sure.
fn quotient(mantissa: u64, places: usize) -> Option<f64> {
    if mantissa == 0 || places == 0 {
        return Some(mantissa as f64);
    }
    let &(reciprocal, doublings) = RECIPROCALS.get(places)?;
    let shift = mantissa.leading_zeros();
    let product = u128::from(mantissa << shift) * u128::from(reciprocal);
    // What was cut off from the reciprocal adds less than 1 to this, and so does the lower half.
    let high = (product >> 64) as u64;
    // 53 bits are kept.
    let dropped = 11 - high.leading_zeros();
    let half = 1_u64 << (dropped - 1);
    let rest = high & (2 * half - 1);
    let kept = high >> dropped;
    let rounded = if rest + 2 <= half {
        kept
    } else if rest > half {
        kept + 1
    } else {
        return None;
    };
    // Exact: a number of at most 53 bits and a power of two, far from the smallest.
    let exponent = (64 + dropped - shift) as i32 - doublings - places as i32;
    let scale = f64::from_bits(((1023 + exponent) as u64) << 52);
    Some(rounded as f64 * scale)
}
