//! Small conversions to feature values.

/// 1 for true, 0 for false.
pub(super) fn flag(value: bool) -> f64 {
    if value { 1.0 } else { 0.0 }
}

/// `part / whole`; NaN of nothing.
pub(super) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        f64::NAN
    } else {
        part as f64 / whole as f64
    }
}
