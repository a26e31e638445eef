//! Writes small Parquet files: every column is optional, in row groups of a few rows.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

/// Rows of one row group.
const GROUP_ROWS: usize = 7;

/// The values of a leaf, row by row.
#[derive(Clone, Debug)]
pub(crate) enum Leaf {
    Text(Vec<Option<String>>),
    Whole(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    /// A list of texts, or the keys or values of a map.
    Texts(Vec<Vec<String>>),
}

pub(crate) fn text<T: ToString>(values: impl IntoIterator<Item = T>) -> Leaf {
    Leaf::Text(values.into_iter().map(|it| Some(it.to_string())).collect())
}

impl Leaf {
    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    fn write(&self, start: usize, mut column: SerializedColumnWriter<'_>) {
        let end = self.len().min(start + GROUP_ROWS);
        let levels = |depth: i16, present: Vec<bool>| -> Vec<i16> {
            let level = |is_present: bool| if is_present { depth } else { 0 };
            present.into_iter().map(level).collect()
        };
        let bytes = |text: &String| ByteArray::from(text.as_str());
        match self {
            Self::Text(values) => {
                let values = &values[start..end];
                let present: Vec<ByteArray> = values.iter().flatten().map(bytes).collect();
                let column = column.typed::<ByteArrayType>();
                let depth = column.get_descriptor().max_def_level();
                let levels = levels(depth, values.iter().map(Option::is_some).collect());
                column.write_batch(&present, Some(&levels), None).unwrap();
            }
            Self::Whole(values) => {
                let values = &values[start..end];
                let present: Vec<i64> = values.iter().flatten().copied().collect();
                let column = column.typed::<Int64Type>();
                let depth = column.get_descriptor().max_def_level();
                let levels = levels(depth, values.iter().map(Option::is_some).collect());
                column.write_batch(&present, Some(&levels), None).unwrap();
            }
            Self::Float(values) => {
                let values = &values[start..end];
                let present: Vec<f64> = values.iter().flatten().copied().collect();
                let column = column.typed::<DoubleType>();
                let depth = column.get_descriptor().max_def_level();
                let levels = levels(depth, values.iter().map(Option::is_some).collect());
                column.write_batch(&present, Some(&levels), None).unwrap();
            }
            Self::Texts(lists) => {
                let column = column.typed::<ByteArrayType>();
                let depth = column.get_descriptor().max_def_level();
                let (mut levels, mut repeats, mut present) = (vec![], vec![], vec![]);
                for list in &lists[start..end] {
                    if list.is_empty() {
                        // The list is there, and nothing is in it.
                        levels.push(1);
                        repeats.push(0);
                    }
                    for (place, value) in list.iter().enumerate() {
                        levels.push(depth);
                        repeats.push(i16::from(place > 0));
                        present.push(bytes(value));
                    }
                }
                column
                    .write_batch(&present, Some(&levels), Some(&repeats))
                    .unwrap();
            }
        }
        column.close().unwrap();
    }
}

/// Writes the leaves, in the order of the schema: `fields` are those of a Parquet message type.
pub(crate) fn write(path: &Path, fields: &str, leaves: &[Leaf], compression: Compression) {
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {fields} }}")).unwrap());
    let properties = WriterProperties::builder().set_compression(compression);
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build())).unwrap();
    for start in (0..leaves[0].len()).step_by(GROUP_ROWS) {
        let mut group = writer.next_row_group().unwrap();
        for leaf in leaves {
            leaf.write(start, group.next_column().unwrap().unwrap());
        }
        assert!(
            group.next_column().unwrap().is_none(),
            "leaves for all columns"
        );
        group.close().unwrap();
    }
    writer.close().unwrap();
}
