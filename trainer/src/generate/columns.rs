//! Columns of Parquet in the making: the values of one row group until they are written.

use std::fs::File;
use std::io::BufWriter;

use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedRowGroupWriter;

/// A row group that is being written.
pub(super) type RowGroup<'file> = SerializedRowGroupWriter<'file, BufWriter<File>>;

/// Numbers or flags, one a row or none.
pub(super) struct Values<T: DataType> {
    values: Vec<T::T>,
    definitions: Vec<i16>,
}

impl<T: DataType> Default for Values<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            definitions: Vec::new(),
        }
    }
}

impl<T: DataType> Values<T> {
    /// Adds the value of a row.
    pub(super) fn push(&mut self, value: Option<T::T>) {
        self.definitions.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    /// Writes the next column of a row group.
    pub(super) fn write(&mut self, group: &mut RowGroup<'_>) -> Result<()> {
        write::<T>(group, &self.values, &self.definitions, &[])?;
        self.values.clear();
        self.definitions.clear();
        Ok(())
    }
}

/// Texts, one a row or none, or a list of them a row.
#[derive(Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

impl Texts {
    /// Adds the text of a row.
    pub(super) fn push(&mut self, text: Option<&str>) {
        self.push_list(text);
    }

    /// Adds the list of a row.
    pub(super) fn push_list<'a>(&mut self, list: impl IntoIterator<Item = &'a str>) {
        let first = self.ends.len();
        for text in list {
            self.definitions.push(1);
            self.repetitions.push(i16::from(self.ends.len() > first));
            self.bytes.extend_from_slice(text.as_bytes());
            self.ends.push(self.bytes.len());
        }
        if self.ends.len() == first {
            self.definitions.push(0);
            self.repetitions.push(0);
        }
    }

    /// Writes the next column of a row group.
    pub(super) fn write(&mut self, group: &mut RowGroup<'_>) -> Result<()> {
        // All values are parts of one allocation.
        let bytes = ByteArray::from(std::mem::take(&mut self.bytes));
        let mut start = 0;
        let values: Vec<ByteArray> = self
            .ends
            .drain(..)
            .map(|end| {
                let value = bytes.slice(start, end - start);
                start = end;
                value
            })
            .collect();
        write::<ByteArrayType>(group, &values, &self.definitions, &self.repetitions)?;
        self.definitions.clear();
        self.repetitions.clear();
        Ok(())
    }
}

/// Levels are passed on where the column's schema has any.
fn write<T: DataType>(
    group: &mut RowGroup<'_>,
    values: &[T::T],
    definitions: &[i16],
    repetitions: &[i16],
) -> Result<()> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("a table has more columns than its schema".into()))?;
    let writer = column.typed::<T>();
    let schema = writer.get_descriptor();
    let definitions = (schema.max_def_level() > 0).then_some(definitions);
    let repetitions = (schema.max_rep_level() > 0).then_some(repetitions);
    writer.write_batch(values, definitions, repetitions)?;
    column.close()
}
