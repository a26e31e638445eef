//! What a file's name says of its compression.

/// The name without the ending of a compression that is read.
pub(crate) fn without_compression(name: &str) -> &str {
    [".gz", ".zst"]
        .into_iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name)
}
