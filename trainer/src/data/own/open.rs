//! Opens files that may be compressed: by their first bytes, whatever they are called.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use searchop_ranking::input::InputError;

use crate::failure::Failure;

/// Opens the file of an input.
///
/// # Errors
/// The disk, or a kind of file that is not read.
pub(super) fn open(name: &str, path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let failed = |error: &std::io::Error| Failure::local_file(format!("read input {name}"), error);
    let mut file = BufReader::new(File::open(path).map_err(|error| failed(&error))?);
    let start = file.fill_buf().map_err(|error| failed(&error))?;
    let refuse = |what: &str| Err(Failure::data(format!("input {name}: {what}")));
    if start.starts_with(b"\x1f\x8b") {
        return Ok(Box::new(BufReader::new(MultiGzDecoder::new(file))));
    }
    if start.starts_with(b"\x28\xb5\x2f\xfd") {
        return refuse("is compressed by zstd, which is not read; use gzip");
    }
    if start.starts_with(b"PAR1") {
        return refuse("is a Parquet file, which is not read; export JSON Lines or CSV");
    }
    Ok(Box::new(file))
}

/// What failed while reading an input.
pub(super) fn failed(name: &str, error: InputError) -> Failure {
    use std::io::ErrorKind;
    match error {
        // What the file holds, as the decompressor says it, is the data's fault and not the disk's.
        InputError::Io { source, .. }
            if !matches!(
                source.kind(),
                ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof
            ) =>
        {
            Failure::local_file(format!("read input {name}"), &source)
        }
        error => Failure::data(format!("input {name}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    fn opened(bytes: &[u8]) -> Result<String, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let mut text = String::new();
        open("Events", &path)?.read_to_string(&mut text).unwrap();
        Ok(text)
    }

    #[test]
    fn gzip_is_known_by_its_bytes_and_what_is_not_read_is_named() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"a\nb\n").unwrap();
        // Two members one after the other are one file.
        let twice = encoder.finish().unwrap().repeat(2);
        assert_eq!(opened(&twice).unwrap(), "a\nb\na\nb\n");
        assert_eq!(opened(b"a\n").unwrap(), "a\n");
        assert_eq!(opened(b"").unwrap(), "");
        for (bytes, expected) in [
            (&b"\x28\xb5\x2f\xfd\x00"[..], "zstd"),
            (&b"PAR1\x15"[..], "Parquet"),
        ] {
            let failure = opened(bytes).expect_err("refused");
            assert!(failure.message.contains(expected), "{failure}");
            assert_eq!(failure.exit_code(), 65);
        }
    }
}
