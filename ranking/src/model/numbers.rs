//! Reads the numbers of arrays, of which a model is nearly all made.

use crate::decimal::{self, eight_digits};

/// A kind of number that arrays hold.
pub(super) trait Number: Sized {
    /// Reads one word.
    fn read(word: &str) -> Option<Self>;

    /// The number that the text begins with, up to a space or the end, and its length.
    fn read_first(text: &[u8]) -> Option<(Self, usize)> {
        first_word(text)
    }

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
}

impl Number for f64 {
    fn read(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    fn read_first(text: &[u8]) -> Option<(Self, usize)> {
        decimal::number(text, 0)
            .filter(|(_, end)| matches!(text.get(*end), None | Some(b' ')))
            .or_else(|| first_word(text))
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
    fn read_first(text: &[u8]) -> Option<(Self, usize)> {
        let small = text.first_chunk().and_then(|chunk| small_number(*chunk));
        small.or_else(|| first_word(text))
    }
}

/// The word that the text begins with, up to a space or the end, as a number, and its length.
fn first_word<T: Number>(text: &[u8]) -> Option<(T, usize)> {
    // Words are too short for a search that is fast in long texts.
    let length = text
        .iter()
        .position(|byte| *byte == b' ')
        .unwrap_or(text.len());
    let number = T::read(std::str::from_utf8(&text[..length]).ok()?)?;
    Some((number, length))
}

/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

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
    let value = eight_digits(values) as i64;
    Some((
        if is_negative == 1 { -value } else { value },
        length as usize,
    ))
}
