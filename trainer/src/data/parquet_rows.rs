//! The rows of a Parquet file as JSON objects, so that one reader knows what fields mean. Row groups
//! are read one after the other, and of each only some pages are in memory.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::reader::RowIter;
use searchop_ranking::input::{
    BadLineKind, Complaint, InputError, JsonRecords, NumberedLine, Unit,
};
use searchop_ranking::json_lines::MAXIMUM_LINE_BYTES;

use super::open::is_parquet;
use super::parquet_json::Columns;
use super::parquet_pages::{BoundedFile, Pages};
use crate::failure::Failure;

/// Most values of a column that fit into a row: as JSON each takes three bytes or more.
const MAXIMUM_ROW_VALUES: i64 = MAXIMUM_LINE_BYTES as i64 / 3;

/// The rows of a Parquet file.
pub(crate) struct ParquetRows {
    rows: RowIter<'static>,
    columns: Columns,
    pages: Arc<Pages>,
    row: u64,
    text: String,
}

impl ParquetRows {
    /// Opens a file; `what` is what messages call it.
    ///
    /// # Errors
    /// The disk, a file that is none of Parquet, a compression or a type that is not read.
    pub(crate) fn open(what: &str, path: &Path) -> Result<Self, Failure> {
        let refuse = |cause: String| Failure::data(format!("{what}: {cause}"));
        if !is_parquet(what, path)? {
            return Err(refuse(
                "is no Parquet file; what compresses one is within the file".to_owned(),
            ));
        }
        let file = File::open(path)
            .map_err(|error| Failure::local_file(format!("read {what}"), &error))?;
        let pages = Arc::new(Pages::default());
        let file = BoundedFile::new(file, pages.clone());
        let opened = catch_unwind(AssertUnwindSafe(|| SerializedFileReader::new(file)))
            .map_err(|_| refuse("is a damaged Parquet file".to_owned()))?;
        let reader = opened.map_err(|error| match into_disk_error(error) {
            Ok(error) => Failure::local_file(format!("read {what}"), &error),
            Err(error) => refuse(format!("is a damaged Parquet file: {}", excerpt(&error))),
        })?;
        require_readable(reader.metadata()).map_err(refuse)?;
        pages.watch(reader.metadata());
        let columns = Columns::of(reader.metadata().file_metadata().schema());
        Ok(Self {
            rows: RowIter::from_file_into(Box::new(reader)),
            columns,
            pages,
            row: 0,
            text: String::new(),
        })
    }
}

impl JsonRecords for ParquetRows {
    const UNIT: Unit = Unit::Row;

    fn next_record(&mut self) -> Result<Option<NumberedLine<&str>>, InputError> {
        self.row += 1;
        let row = self.row;
        let pages = &self.pages;
        let damaged = |cause: &str| {
            InputError::Whole(match pages.refusal() {
                Some(refusal) => refusal.to_owned(),
                None => format!("row {row}: the Parquet file is damaged{cause}"),
            })
        };
        // The library panics on some files that no writer should have written.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let read = self.rows.next()?;
            Some(read.map(|read| self.columns.object(read)))
        }))
        .map_err(|_| damaged(", or of a kind that is not read"))?;
        let Some(read) = read else {
            return Ok(None);
        };
        let object = read.map_err(|error| match into_disk_error(error) {
            Ok(source) => InputError::Io { line: row, source },
            Err(error) => damaged(&format!(": {}", excerpt(&error))),
        })?;
        let text = object.and_then(|object| {
            let text = object.to_string();
            if text.len() > MAXIMUM_LINE_BYTES {
                let message = format!("longer than {MAXIMUM_LINE_BYTES} bytes as JSON");
                return Err(Complaint::new(BadLineKind::TooLong, ".", message));
            }
            Ok(text)
        });
        let text = match text {
            Ok(text) => {
                self.text = text;
                Ok(self.text.as_str())
            }
            Err(complaint) => Err(complaint.at(Unit::Row, row)),
        };
        Ok(Some((row, text)))
    }
}

/// Says no, by the column's name, to what would fail at its first value, and to rows that would be
/// built in vain.
fn require_readable(metadata: &ParquetMetaData) -> Result<(), String> {
    for group in metadata.row_groups() {
        for column in group.columns() {
            let name = column.column_path().string();
            let (values, rows) = (column.num_values(), group.num_rows());
            if values > rows.saturating_mul(MAXIMUM_ROW_VALUES) {
                return Err(format!(
                    "column {name} has {values} values in {rows} rows; a row may have {MAXIMUM_LINE_BYTES} \
                     bytes as JSON"
                ));
            }
            let compression = match column.compression() {
                Compression::UNCOMPRESSED
                | Compression::SNAPPY
                | Compression::GZIP(_)
                | Compression::ZSTD(_) => None,
                Compression::LZO => Some("LZO"),
                Compression::BROTLI(_) => Some("Brotli"),
                Compression::LZ4 | Compression::LZ4_RAW => Some("LZ4"),
            };
            if let Some(compression) = compression {
                return Err(format!(
                    "column {name} is compressed by {compression}; write it with Snappy, gzip or zstd"
                ));
            }
            if column.column_descr().converted_type() == ConvertedType::INTERVAL {
                return Err(format!(
                    "column {name} is of the type INTERVAL, which is not read"
                ));
            }
        }
    }
    Ok(())
}

/// The disk's error, if it is one.
fn into_disk_error(error: ParquetError) -> Result<io::Error, ParquetError> {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) if error.raw_os_error().is_some() => Ok(*error),
            Ok(error) => Err(ParquetError::External(error)),
            Err(cause) => Err(ParquetError::External(cause)),
        },
        error => Err(error),
    }
}

/// The library's message may hold a value of any length.
fn excerpt(error: &ParquetError) -> String {
    error.to_string().chars().take(160).collect()
}
