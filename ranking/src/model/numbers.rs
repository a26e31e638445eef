//! Reads the numbers of arrays, of which a model is nearly all made.

/// A kind of number that arrays hold.
pub(super) trait Number: Sized {
    /// Reads one word.
    fn read(word: &str) -> Option<Self>;

    /// Appends the numbers of a text that are separated by spaces. Says whether it could,
    /// which it may deny of a text that [`read`](Self::read) can.
    fn read_all(written: &str, values: &mut Vec<Self>) -> bool {
        let mut rest = written;
        loop {
            // Words are too short for a search that is fast in long texts.
            let end = rest.bytes().position(|byte| byte == b' ');
            match Self::read(&rest[..end.unwrap_or(rest.len())]) {
                Some(value) => values.push(value),
                None => return false,
            }
            match end {
                Some(end) => rest = &rest[end + 1..],
                None => return true,
            }
        }
    }
}

impl Number for f64 {
    fn read(word: &str) -> Option<Self> {
        word.parse().ok()
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
                None => match word(rest) {
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
            let Some((value, length)) = word(rest) else {
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

/// The number that the text begins with, up to a space or the end, and its length.
fn word(text: &[u8]) -> Option<(i64, usize)> {
    let length = text
        .iter()
        .position(|byte| *byte == b' ')
        .unwrap_or(text.len());
    let number = std::str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    Some((number, length))
}

/// The number that the text begins with, and its length, if a space follows within the
/// eight bytes. There is no branch on what it is, which nothing could foresee.
fn small_number(text: [u8; 8]) -> Option<(i64, usize)> {
    const ONES: u64 = 0x0101_0101_0101_0101;
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
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let eight = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) as u32;
    let value = i64::from(eight);
    Some((
        if is_negative == 1 { -value } else { value },
        length as usize,
    ))
}
