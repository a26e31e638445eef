//! The files of a dataset, written row group by row group: memory does not grow with their rows.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use searchop_ranking::catalogue::Product;
use searchop_ranking::events::{Event, Judgement, Search};
use searchop_ranking::generate::RowWriter;

use super::tables::{Events, Judgements, Products, Searches, Table};
use crate::data::{CATALOGUE_FILE, EVENTS_FILE, JUDGEMENTS_FILE, QUERIES_FILE};

/// Files of a dataset, in the order of [`DatasetFiles::create`].
pub(super) const FILES: [&str; 4] = [CATALOGUE_FILE, QUERIES_FILE, EVENTS_FILE, JUDGEMENTS_FILE];

/// Rows of one row group; a search takes some 700 bytes until its row group is written.
const ROW_GROUP_ROWS: usize = 32_768;

/// The level at which zstd takes about as long as making the rows does.
const ZSTD_LEVEL: i32 = 3;

/// The four files, being written.
pub(super) struct DatasetFiles {
    catalogue: TableFile<Products>,
    queries: TableFile<Searches>,
    events: TableFile<Events>,
    judgements: TableFile<Judgements>,
}

impl DatasetFiles {
    /// Creates the files in a folder.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let [catalogue, queries, events, judgements] = FILES.map(|name| folder.join(name));
        Ok(Self {
            catalogue: TableFile::create(&catalogue)?,
            queries: TableFile::create(&queries)?,
            events: TableFile::create(&events)?,
            judgements: TableFile::create(&judgements)?,
        })
    }

    /// Writes what is left, and the ends of the files.
    pub(super) fn finish(self) -> io::Result<()> {
        self.catalogue.finish()?;
        self.queries.finish()?;
        self.events.finish()?;
        self.judgements.finish()
    }
}

impl RowWriter for DatasetFiles {
    fn product(&mut self, product: &Product) -> io::Result<()> {
        self.catalogue.push(product)
    }
    fn search(&mut self, search: &Search) -> io::Result<()> {
        self.queries.push(search)
    }
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.events.push(event)
    }
    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()> {
        self.judgements.push(judgement)
    }
}

/// A table and its file.
struct TableFile<T> {
    writer: SerializedFileWriter<BufWriter<File>>,
    table: T,
    /// Rows of the row group in the making.
    rows: usize,
}

impl<T: Table> TableFile<T> {
    fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let writer = parse_message_type(T::SCHEMA)
            .and_then(|schema| {
                SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties::<T>()?))
            })
            .map_err(into_io_error)?;
        Ok(Self {
            writer,
            table: T::default(),
            rows: 0,
        })
    }

    fn push(&mut self, row: &T::Row) -> io::Result<()> {
        self.table.push(row);
        self.rows += 1;
        if self.rows == ROW_GROUP_ROWS {
            self.write_row_group().map_err(into_io_error)?;
        }
        Ok(())
    }

    fn write_row_group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        self.table.write(&mut group)?;
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.write_row_group().map_err(into_io_error)?;
        }
        self.writer.into_inner().map_err(into_io_error)?.flush()
    }
}

fn properties<T: Table>() -> Result<WriterProperties> {
    let distinct = T::DISTINCT.iter().map(|name| ColumnPath::from(*name));
    let properties = WriterProperties::builder()
        // The library's own version would make other bytes of the same rows.
        .set_created_by("searchop".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_column_encoding(ColumnPath::from("timestamp"), Encoding::DELTA_BINARY_PACKED);
    Ok(distinct
        .fold(properties, |properties, column| {
            properties.set_column_dictionary_enabled(column, false)
        })
        .build())
}

/// The disk's error as it is, so that a full disk is known as one.
fn into_io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(cause) => io::Error::other(cause),
        },
        error => io::Error::other(error),
    }
}
