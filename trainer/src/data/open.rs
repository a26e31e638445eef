//! Opens files that may be compressed: by their first bytes, whatever they are called.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use searchop_ranking::input::InputError;

use crate::failure::Failure;

/// What a Parquet file starts with.
const PARQUET_START: &[u8] = b"PAR1";

/// Opens the file of an input. Decompression is streaming.
///
/// # Errors
/// The disk, or a kind of file that is not read.
pub(super) fn open(name: &str, path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let failed = |error: &io::Error| Failure::local_file(format!("read input {name}"), error);
    let mut file = BufReader::new(File::open(path).map_err(|error| failed(&error))?);
    let start = file.fill_buf().map_err(|error| failed(&error))?;
    if start.starts_with(b"\x1f\x8b") {
        return Ok(Box::new(BufReader::new(MultiGzDecoder::new(file))));
    }
    if is_zstd(start) {
        let decoder = ZstdDecoder::new(file).map_err(|error| failed(&error))?;
        return Ok(Box::new(BufReader::new(decoder)));
    }
    if start.starts_with(PARQUET_START) {
        return Err(Failure::data(format!(
            "input {name}: is a Parquet file where a text is expected; where the input may be one, end \
             its name in .parquet or state the format Parquet"
        )));
    }
    Ok(Box::new(file))
}

/// Whether a file is a Parquet file, by its first bytes; `what` is what messages call it.
///
/// # Errors
/// The disk.
pub(super) fn is_parquet(what: &str, path: &Path) -> Result<bool, Failure> {
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| {
            file.take(PARQUET_START.len() as u64)
                .read_to_end(&mut start)
        })
        .map_err(|error| Failure::local_file(format!("read {what}"), &error))?;
    Ok(start == PARQUET_START)
}

/// Whether bytes start a frame of zstd, or one to be skipped, which some tools write first.
fn is_zstd(start: &[u8]) -> bool {
    match start {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => true,
        [first, 0x2a, 0x4d, 0x18, ..] => first & 0xf0 == 0x50,
        _ => false,
    }
}

/// All frames of zstd, one after the other. The library bounds the window, so the memory, at 128 MiB.
struct ZstdDecoder<R: BufRead> {
    frames: zstd::stream::read::Decoder<'static, R>,
}

impl<R: BufRead> ZstdDecoder<R> {
    fn new(input: R) -> io::Result<Self> {
        let frames = zstd::stream::read::Decoder::with_buffer(input)?;
        Ok(Self { frames })
    }
}

impl<R: BufRead> Read for ZstdDecoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.frames.read(buffer).map_err(|error| {
            // The library's own errors have no kind; those of the disk have a number.
            if error.kind() == ErrorKind::Other && error.raw_os_error().is_none() {
                io::Error::new(ErrorKind::InvalidData, format!("corrupt zstd: {error}"))
            } else {
                error
            }
        })
    }
}

/// Whether reading failed for what the file holds, as the decompressor says it, and not for the disk.
pub(super) fn is_of_content(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof
    )
}

/// What failed while reading an input.
pub(super) fn failed(name: &str, error: InputError) -> Failure {
    unusable(&format!("input {name}"), error)
}

/// What failed while reading a file that messages call `what`.
pub(super) fn unusable(what: &str, error: InputError) -> Failure {
    match error {
        InputError::Io { source, .. } if !is_of_content(&source) => {
            Failure::local_file(format!("read {what}"), &source)
        }
        error => Failure::data(format!("{what}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn opened(bytes: &[u8]) -> Result<io::Result<String>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let mut text = String::new();
        let read = open("Events", &path)?.read_to_string(&mut text);
        Ok(read.map(|_| text))
    }

    fn text(bytes: &[u8]) -> String {
        opened(bytes).unwrap().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressions_are_known_by_their_bytes() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"a\nb\n").unwrap();
        // Two members or frames one after the other are one file.
        for twice in [
            encoder.finish().unwrap().repeat(2),
            zstd(b"a\nb\n").repeat(2),
        ] {
            assert_eq!(text(&twice), "a\nb\na\nb\n");
        }
        let skipped_first = [b"\x50\x2a\x4d\x18\x02\0\0\0xy".as_slice(), &zstd(b"a\n")].concat();
        assert_eq!(text(&skipped_first), "a\n");
        assert_eq!(text(&zstd(b"")), "");
        assert_eq!(text(b"a\n"), "a\n");
        assert_eq!(text(b""), "");
    }

    #[test]
    fn a_disk_that_fails_is_not_taken_for_bad_data() {
        const INPUT_OUTPUT_ERROR: i32 = 5;
        let source = io::Error::from_raw_os_error(INPUT_OUTPUT_ERROR);
        let failure = unusable("queries.parquet", InputError::Io { line: 1, source });
        assert_eq!((failure.retryable, failure.exit_code()), (true, 75));
        assert!(failure.message.contains("queries.parquet"), "{failure}");
    }

    #[test]
    fn what_is_not_read_is_named() {
        let failure = opened(b"PAR1\x15").expect_err("refused");
        assert!(failure.message.contains("Parquet"), "{failure}");
        assert_eq!(failure.exit_code(), 65);
    }

    #[test]
    fn zstd_that_ends_early_or_is_damaged_is_bad_data_of_the_input() {
        let lines: String = (0..40_000_u32)
            .map(|line| format!("{}\n", line.wrapping_mul(2_654_435_761)))
            .collect();
        let whole = zstd(lines.as_bytes());
        assert_eq!(text(&whole), lines);
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        let trailing = [whole.as_slice(), b"something else"].concat();
        for bytes in [&whole[..whole.len() / 2], &whole[..6], &damaged, &trailing] {
            let source = opened(bytes).unwrap().expect_err("it is damaged");
            let failure = failed("Events", InputError::Io { line: 7, source });
            assert!(
                failure.message.starts_with("input Events: line 7: "),
                "{failure}"
            );
            assert_eq!((failure.retryable, failure.exit_code()), (false, 65));
        }
    }
}
