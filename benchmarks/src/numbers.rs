//! Files of raw little-endian float64 values.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// All values of a file.
///
/// # Errors
/// The file cannot be read, or does not hold whole values.
pub fn read_doubles(path: &Path) -> Result<Vec<f64>> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let (values, rest) = bytes.as_chunks::<8>();
    ensure!(
        rest.is_empty(),
        "{} does not hold whole float64 values",
        path.display()
    );
    Ok(values
        .iter()
        .map(|bytes| f64::from_le_bytes(*bytes))
        .collect())
}

/// Writes the values.
///
/// # Errors
/// The file cannot be written.
pub fn write_doubles(path: &Path, values: &[f64]) -> Result<()> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
}
