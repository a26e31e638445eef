//! Reads a body of the usual shape: the known fields, each once, with values of their types.
//!
//! `None` says that it has to be read by other means, not that it is wrong.

use std::borrow::Cow;

use searchop_ranking::decimal;

use super::{CandidateBody, FeaturesBody, RankBody};
use crate::api::messages::Context;

/// Room for so many candidates is made at first.
const FIRST_CANDIDATES: usize = 128;

/// A body, if it has the usual shape.
pub(super) fn read(text: &str) -> Option<RankBody<'_>> {
    let mut reader = Reader { text, at: 0 };
    let mut body = RankBody::default();
    let (mut query, mut context, mut candidates, mut limit) = (None, None, None, None);
    reader.blanks();
    reader.object(|reader, name| match name.as_ref() {
        "query" => once(&mut query, reader.optional(Reader::string)?),
        "context" => once(&mut context, reader.context()?),
        "candidates" => once(&mut candidates, reader.candidates(&mut body)?),
        "limit" => once(&mut limit, reader.optional(Reader::whole_number)?),
        _ => None,
    })?;
    reader.blanks();
    if reader.at != text.len() {
        return None;
    }
    body.query = query.flatten();
    body.context = context.unwrap_or_default();
    body.candidates = candidates?;
    body.limit = limit.flatten();
    Some(body)
}

/// Keeps a value, if it is the first.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A place in a text. Each value is read from its first byte on.
struct Reader<'text> {
    text: &'text str,
    at: usize,
}

impl<'text> Reader<'text> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    fn blanks(&mut self) {
        self.at = behind_blanks(self.text.as_bytes(), self.at);
    }

    fn null(&mut self) -> bool {
        let is_null = self
            .text
            .as_bytes()
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(b"null"));
        self.at += if is_null { 4 } else { 0 };
        is_null
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.null() {
            Some(None)
        } else {
            read(self).map(Some)
        }
    }

    /// An object, whose values are read by `field` from their names.
    fn object(
        &mut self,
        mut field: impl FnMut(&mut Self, Cow<'text, str>) -> Option<()>,
    ) -> Option<()> {
        self.expect(b'{')?;
        self.blanks();
        if self.take(b'}') {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.blanks();
            self.expect(b':')?;
            self.blanks();
            field(self, name)?;
            self.blanks();
            if self.take(b'}') {
                return Some(());
            }
            self.expect(b',')?;
            self.blanks();
        }
    }

    /// An array, whose items are read by `item`.
    fn array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'[')?;
        self.blanks();
        if self.take(b']') {
            return Some(());
        }
        loop {
            item(self)?;
            self.blanks();
            if self.take(b']') {
                return Some(());
            }
            self.expect(b',')?;
            self.blanks();
        }
    }

    /// A string, borrowed where it has no escapes.
    fn string(&mut self) -> Option<Cow<'text, str>> {
        self.expect(b'"')?;
        let start = self.at;
        self.at = next_special(self.text.as_bytes(), start)?;
        if self.take(b'"') {
            return self.text.get(start..self.at - 1).map(Cow::Borrowed);
        }
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                // Control characters: not a string.
                _ => return None,
            }
            self.at = next_special(self.text.as_bytes(), self.at)?;
        }
        self.at += 1;
        let quoted = self.text.get(start - 1..self.at)?;
        serde_json::from_str(quoted).ok().map(Cow::Owned)
    }

    fn whole_number(&mut self) -> Option<u64> {
        let digits = self.text.as_bytes().get(self.at..)?;
        let count = digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let has_leading_zero = count > 1 && digits.first() == Some(&b'0');
        if has_leading_zero || matches!(digits.get(count), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        let value = self.text.get(self.at..self.at + count)?.parse().ok()?;
        self.at += count;
        Some(value)
    }

    /// By serde, for it is small and of other people's making.
    fn context(&mut self) -> Option<Context> {
        if self.peek() != Some(b'{') {
            return None;
        }
        let rest = self.text.get(self.at..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        let context = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(context)
    }

    fn candidates(&mut self, body: &mut RankBody<'text>) -> Option<Vec<CandidateBody<'text>>> {
        // Most bodies are little else than candidates; the shortest have some 16 bytes.
        let most = (self.text.len() - self.at) / 16;
        let mut candidates = Vec::with_capacity(most.min(FIRST_CANDIDATES));
        self.array(|reader| {
            let (mut id, mut features) = (None, None);
            reader.object(|reader, name| match name.as_ref() {
                "id" => once(&mut id, reader.string()?),
                "features" => once(&mut features, reader.features(body)?),
                _ => None,
            })?;
            candidates.push(CandidateBody {
                id: id?,
                features: features.unwrap_or(FeaturesBody::Absent),
            });
            Some(())
        })?;
        Some(candidates)
    }

    fn features(&mut self, body: &mut RankBody<'text>) -> Option<FeaturesBody> {
        match self.peek()? {
            b'[' => {
                let start = body.values.len();
                self.row(body)?;
                Some(FeaturesBody::Row(start..body.values.len()))
            }
            b'{' => {
                let start = body.named.len();
                self.object(|reader, name| {
                    body.named.push((name, reader.number()?));
                    Some(())
                })?;
                Some(FeaturesBody::Named(start..body.named.len()))
            }
            _ => self.null().then_some(FeaturesBody::Absent),
        }
    }

    /// An array of feature values. As [`array`](Self::array) would, but the place stays in a register: nearly all of a
    /// body is this.
    fn row(&mut self, body: &mut RankBody<'text>) -> Option<()> {
        let bytes = self.text.as_bytes();
        self.expect(b'[')?;
        let mut at = behind_blanks(bytes, self.at);
        if bytes.get(at) == Some(&b']') {
            self.at = at + 1;
            return Some(());
        }
        loop {
            let (value, end) = match decimal::number(bytes, at) {
                Some(found) => found,
                None if bytes.get(at..)?.starts_with(b"null") => {
                    body.has_absent_values = true;
                    (f64::NAN, at + 4)
                }
                None => return None,
            };
            body.values.push(value);
            at = behind_blanks(bytes, end);
            match bytes.get(at)? {
                b',' => at = behind_blanks(bytes, at + 1),
                b']' => {
                    self.at = at + 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<f64> {
        let (value, end) = decimal::number(self.text.as_bytes(), self.at)?;
        self.at = end;
        Some(value)
    }
}

/// Where the next byte that is not blank is, from `at` on.
#[inline]
fn behind_blanks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Where the next quote, backslash or control character is, from `at` on.
pub(crate) fn next_special(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(chunk) = bytes.get(at..)?.first_chunk::<8>() {
        let found = special_bytes(u64::from_le_bytes(*chunk));
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?;
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    rest.iter().position(is_special).map(|place| at + place)
}

/// Not 0 when one of the eight bytes is a quote, a backslash or a control character; the lowest bit
/// that is set is in the first of them.
fn special_bytes(chunk: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    // A byte below 2^7 that borrows when the bound is taken off it is below the bound. A borrow
    // shows up in bytes further up only, which the first one found does not depend on.
    let below = |chunk: u64, bound: u64| chunk.wrapping_sub(bound * ONES) & !chunk & HIGH;
    let equal = |byte: u64| below(chunk ^ (byte * ONES), 1);
    below(chunk, 0x20) | equal(u64::from(b'"')) | equal(u64::from(b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_is() {
        for special in ["\"", "\\", "\n", "\u{0}", "\u{1f}"] {
            for place in 0..30 {
                for around in ["a", " ", "\u{7f}", "é", "!"] {
                    let before = around.repeat(place);
                    let text = format!("{before}{special}\"\\{before}");
                    let found = next_special(text.as_bytes(), 0);
                    assert_eq!(found, Some(before.len()), "{text:?}");
                    assert_eq!(next_special(before.as_bytes(), 0), None);
                }
            }
        }
        assert_eq!(next_special(b"abc", 4), None);
    }

    #[test]
    fn bodies_of_the_usual_shape_are_read_here() {
        for text in [
            r#"{"candidates":[]}"#,
            " { \"candidates\" : [ ] , \"limit\" : 7 } \n",
            r#"{"query":"red \"shoes\" é","context":{"sessionKey":"u"},"limit":18446744073709551615,
                "candidates":[{"id":"a"},{"id":"b","features":null},{"features":[1,null, -2.5e3],"id":"c"},
                              {"id":"d","features":{"price":1,"pri\u0063e":2.5}},{"id":"e","features":[]},{"id":"f","features":{}}]}"#,
            r#"{"query":null,"limit":null,"context":{},"candidates":[{"id":""}]}"#,
        ] {
            assert!(read(text).is_some(), "{text}");
        }
    }
}
