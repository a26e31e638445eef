//! Lines of bounded length. One that is too long is skipped to its end, so that the next can be read.

use std::io::{BufRead, Read as _};

use super::bad_lines::{BadLine, BadLineKind, Complaint, InputError};
use crate::json_lines::MAXIMUM_LINE_BYTES;

/// A line's number from 1 and its text, or what is wrong with it.
pub type NumberedLine<T> = (u64, Result<T, BadLine>);

/// Reads one line after another.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads from the start.
    pub fn new(input: R) -> Self {
        Self {
            input,
            line: 0,
            buffer: Vec::new(),
        }
    }

    /// The next line and its number from 1, without its end; `None` after the last.
    ///
    /// # Errors
    /// The bytes cannot be read. A line that is too long or no UTF-8 is an error of that line alone.
    pub fn next_line(&mut self) -> Result<Option<NumberedLine<&str>>, InputError> {
        self.line += 1;
        let line = self.line;
        let failed = |source| InputError::Io { line, source };
        self.buffer.clear();
        let bytes = (&mut self.input)
            .take(MAXIMUM_LINE_BYTES as u64 + 1)
            .read_until(b'\n', &mut self.buffer)
            .map_err(failed)?;
        if bytes == 0 {
            return Ok(None);
        }
        if bytes > MAXIMUM_LINE_BYTES {
            if self.buffer.last() != Some(&b'\n') {
                self.skip_rest().map_err(failed)?;
            }
            let message = format!("longer than {MAXIMUM_LINE_BYTES} bytes");
            let complaint = Complaint::new(BadLineKind::TooLong, ".", message);
            return Ok(Some((line, Err(complaint.on_line(line)))));
        }
        let mut text = self.buffer.as_slice();
        // The mark that some editors put at the start of a file is no part of the data.
        if line == 1 {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        text = text.strip_suffix(b"\n").unwrap_or(text);
        text = text.strip_suffix(b"\r").unwrap_or(text);
        let text = std::str::from_utf8(text).map_err(|error| {
            let message = format!("no UTF-8 from byte {} on", error.valid_up_to() + 1);
            Complaint::new(BadLineKind::NotUtf8, ".", message).on_line(line)
        });
        Ok(Some((line, text)))
    }

    fn skip_rest(&mut self) -> std::io::Result<()> {
        loop {
            let buffered = match self.input.fill_buf() {
                Ok(buffered) => buffered,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = buffered.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffered.len(), |end| end + 1);
            self.input.consume(used);
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }
}
