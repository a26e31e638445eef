//! Bounds the pages of a Parquet file before they are read: the library makes room for whatever size
//! a page says it has. It is taken at its word; what lies is left to the bounds of the process.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

const MEBIBYTE: u64 = 1024 * 1024;
/// Largest page that is read, compressed or not. Usual are 1 MiB; some writers make one page of all
/// values of a row group.
const MAXIMUM_PAGE_BYTES: u64 = 128 * MEBIBYTE;
/// Most that the pages of all columns, which are in memory together, may take.
const MAXIMUM_BYTES: u64 = 1024 * MEBIBYTE;

/// Longest start of a page's header that has its sizes: three fields of at most 11 bytes.
const HEADER_START: u64 = 33;
/// What the header says of a page that is a dictionary.
const DICTIONARY_PAGE: i64 = 2;

/// A file whose pages are looked at before they are read.
pub(super) struct BoundedFile {
    file: File,
    pages: Arc<Pages>,
}

impl BoundedFile {
    pub(super) fn new(file: File, pages: Arc<Pages>) -> Self {
        Self { file, pages }
    }
}

impl Length for BoundedFile {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for BoundedFile {
    type T = Chain<Cursor<Vec<u8>>, BufReader<File>>;

    // The library reads a page's header by this, from its first byte, and what follows by the other.
    // Of a header that it had read ahead it asks for what follows by both.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut input = self.file.get_read(start)?;
        let mut header = Vec::new();
        (&mut input).take(HEADER_START).read_to_end(&mut header)?;
        self.pages.look(|columns| columns.begin(start, &header))?;
        Ok(Cursor::new(header).chain(input))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.pages.look(|columns| columns.go_on(start))?;
        self.file.get_bytes(start, length)
    }
}

/// The pages that are in memory, by column.
#[derive(Default)]
pub(super) struct Pages {
    columns: OnceLock<Columns>,
    refusal: OnceLock<String>,
}

struct Columns {
    names: Vec<String>,
    /// Where column chunks start, and the places of their columns.
    starts: Vec<(u64, usize)>,
    sizes: Mutex<Vec<ColumnSize>>,
}

/// What a column has in memory.
#[derive(Clone, Default)]
struct ColumnSize {
    /// Bytes of its page of values and of its dictionary.
    pages: [u64; 2],
    /// Where a header should be that is none.
    no_header: Option<u64>,
}

impl Pages {
    /// Begins to look at pages, once it is known where they are.
    pub(super) fn watch(&self, metadata: &ParquetMetaData) {
        let schema = metadata.file_metadata().schema_descr();
        let names: Vec<String> = schema
            .columns()
            .iter()
            .map(|it| it.path().string())
            .collect();
        let mut starts: Vec<(u64, usize)> = metadata
            .row_groups()
            .iter()
            .flat_map(|group| group.columns().iter().enumerate())
            .filter_map(|(place, chunk)| {
                let first = chunk.data_page_offset();
                let first = chunk.dictionary_page_offset().unwrap_or(first);
                Some((u64::try_from(first).ok()?, place))
            })
            .collect();
        starts.sort_unstable();
        // It is called once for a file.
        let _ = self.columns.set(Columns {
            sizes: Mutex::new(vec![ColumnSize::default(); names.len()]),
            names,
            starts,
        });
    }

    /// Why a page was not read, if one was not.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refusal.get().map(String::as_str)
    }

    /// Looks, and keeps what is refused.
    fn look(&self, at: impl FnOnce(&Columns) -> std::result::Result<(), String>) -> Result<()> {
        let Some(columns) = self.columns.get() else {
            return Ok(());
        };
        at(columns).map_err(|refusal| {
            let refusal = self.refusal.get_or_init(|| refusal);
            ParquetError::General(refusal.clone())
        })
    }
}

impl Columns {
    /// Looks at what may be a page's header.
    fn begin(&self, start: u64, header: &[u8]) -> std::result::Result<(), String> {
        let (column, name) = self.column(start)?;
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(page) = PageSize::read(header) else {
            sizes[column].no_header = Some(start);
            return Ok(());
        };
        if page.bytes > MAXIMUM_PAGE_BYTES {
            return Err(format!(
                "column {name}: a page takes {} MiB, at most {} MiB are read",
                page.bytes / MEBIBYTE,
                MAXIMUM_PAGE_BYTES / MEBIBYTE
            ));
        }
        sizes[column].pages[usize::from(page.is_dictionary)] = page.bytes;
        let all: u64 = sizes.iter().flat_map(|size| size.pages).sum();
        if all > MAXIMUM_BYTES {
            return Err(format!(
                "column {name}: with this one the pages of all columns take {} MiB, at most {} MiB are \
                 read",
                all / MEBIBYTE,
                MAXIMUM_BYTES / MEBIBYTE
            ));
        }
        Ok(())
    }

    /// Lets what follows a header be read.
    fn go_on(&self, start: u64) -> std::result::Result<(), String> {
        let (column, name) = self.column(start)?;
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        match sizes[column].no_header.take() {
            Some(place) if place != start => {
                Err(format!("column {name}: a page has a damaged header"))
            }
            _ => Ok(()),
        }
    }

    /// The column that has what starts at a place of the file.
    fn column(&self, start: u64) -> std::result::Result<(usize, &str), String> {
        let chunk = self.starts.partition_point(|chunk| chunk.0 <= start);
        chunk
            .checked_sub(1)
            .and_then(|chunk| {
                let column = self.starts[chunk].1;
                Some((column, self.names.get(column)?.as_str()))
            })
            .ok_or_else(|| "the Parquet file is damaged: a page is in no column".to_owned())
    }
}

/// What the start of a page's header says.
#[derive(Debug, PartialEq, Eq)]
struct PageSize {
    is_dictionary: bool,
    /// Compressed or not, whichever is more.
    bytes: u64,
}

impl PageSize {
    /// Reads the three fields that stand first: kind, size, and compressed size, in Thrift's compact
    /// protocol.
    fn read(header: &[u8]) -> Option<Self> {
        /// A 32-bit number whose field follows the one before.
        const NEXT_NUMBER: u8 = 0x15;
        let mut bytes = header.iter().copied();
        let mut number = || (bytes.next()? == NEXT_NUMBER).then(|| zigzag(&mut bytes))?;
        let kind = number()?;
        let size = u64::try_from(number()?).ok()?;
        let compressed = u64::try_from(number()?).ok()?;
        Some(Self {
            is_dictionary: kind == DICTIONARY_PAGE,
            bytes: size.max(compressed),
        })
    }
}

/// A number in groups of 7 bits, the lowest first, its sign in the lowest bit.
fn zigzag(bytes: &mut impl Iterator<Item = u8>) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = bytes.next()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let magnitude = i64::try_from(value >> 1).ok()?;
            return Some(if value & 1 == 0 {
                magnitude
            } else {
                !magnitude
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stand_at_the_start_of_a_header() {
        let page = |is_dictionary, bytes| {
            Some(PageSize {
                is_dictionary,
                bytes,
            })
        };
        assert_eq!(
            PageSize::read(&[0x15, 0, 0x15, 10, 0x15, 8]),
            page(false, 5)
        );
        let dictionary = [0x15, 4, 0x15, 10, 0x15, 0x80, 0x02];
        assert_eq!(PageSize::read(&dictionary), page(true, 128));
        for damaged in [
            &[][..],
            &[0x15, 0, 0x15, 10],
            &[0x15, 0, 0x15, 10, 0x15, 0x80],
            &[0x15, 0, 0x15, 9, 0x15, 8],
            &[0x05, 2, 0, 0x15, 10, 0x15, 8],
            &[0x15, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x15, 10, 0x15, 8],
        ] {
            assert_eq!(PageSize::read(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn what_follows_no_header_is_not_read_unless_the_header_was_before() {
        let columns = Columns {
            names: vec!["grade".to_owned()],
            starts: vec![(4, 0)],
            sizes: Mutex::new(vec![ColumnSize::default()]),
        };
        let header = [0x15, 0, 0x15, 10, 0x15, 8];
        assert_eq!(columns.begin(4, &header), Ok(()));
        assert_eq!(columns.begin(30, b"values"), Ok(()));
        assert_eq!(columns.go_on(30), Ok(()));
        assert_eq!(columns.begin(50, b"values"), Ok(()));
        assert_eq!(
            columns.go_on(70),
            Err("column grade: a page has a damaged header".to_owned())
        );
        assert!(columns.begin(3, &header).is_err());
    }

    #[test]
    fn what_all_pages_take_is_bounded_and_a_page_follows_the_one_before() {
        let names: Vec<String> = (0..20).map(|column| format!("c{column}")).collect();
        let columns = Columns {
            starts: (0..20)
                .map(|column| (column as u64 * 100, column))
                .collect(),
            sizes: Mutex::new(vec![ColumnSize::default(); 20]),
            names,
        };
        // 100 MiB.
        let header = [0x15, 0, 0x15, 0x80, 0x80, 0x80, 0x64, 0x15, 0];
        for _ in 0..20 {
            assert_eq!(columns.begin(150, &header), Ok(()));
        }
        for column in 2..11 {
            assert_eq!(columns.begin(column * 100 + 7, &header), Ok(()));
        }
        let refusal = columns.begin(1_900, &header).expect_err("too much");
        assert_eq!(
            refusal,
            "column c19: with this one the pages of all columns take 1100 MiB, at most 1024 MiB are read"
        );
    }
}
