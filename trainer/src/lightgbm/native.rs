//! The calls into LightGBM's C interface, and nothing else: this is the only file of the project
//! with unsafe code.
//!
//! The safe crate `lightgbm3` cannot set query groups on a dataset made from memory and hides
//! the evaluation of single iterations, both of which ranking needs. What keeps these calls
//! sound:
//! - a handle is created by exactly one constructor here, is never null afterwards and never
//!   copied, and is freed exactly once, by `Drop`;
//! - a booster keeps pointers to its datasets, which is why its lifetime is tied to theirs;
//! - every buffer's length is checked against what LightGBM will read or write before the call;
//! - handles are raw pointers, so neither type is `Send` or `Sync`: the thread that creates one
//!   owns it.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;

use lightgbm3_sys as sys;

use super::error::LightGbmError;
use super::matrix::Matrix;

const FLOAT32: c_int = sys::C_API_DTYPE_FLOAT32 as c_int;
const FLOAT64: c_int = sys::C_API_DTYPE_FLOAT64 as c_int;
const INT32: c_int = sys::C_API_DTYPE_INT32 as c_int;
const INT64: c_int = sys::C_API_DTYPE_INT64 as c_int;
const PREDICT_NORMAL: c_int = sys::C_API_PREDICT_NORMAL as c_int;
const IMPORTANCE_BY_SPLITS: c_int = sys::C_API_FEATURE_IMPORTANCE_SPLIT as c_int;

/// Turns a return code into a result; `doing` names the call for the message.
fn check(code: c_int, doing: &'static str) -> Result<(), LightGbmError> {
    if code == 0 {
        return Ok(());
    }
    // SAFETY: LightGBM returns a pointer to a thread-local, NUL-terminated buffer that stays
    // valid until this thread's next failing call; it is copied at once.
    let message = unsafe { CStr::from_ptr(sys::LGBM_GetLastError()) };
    Err(LightGbmError::Refused {
        doing,
        message: message.to_string_lossy().trim().to_owned(),
    })
}

fn c_text(text: &str, what: &'static str) -> Result<CString, LightGbmError> {
    CString::new(text).map_err(|_| LightGbmError::NulCharacter { what })
}

fn c_length(length: usize, what: &'static str) -> Result<c_int, LightGbmError> {
    c_int::try_from(length).map_err(|_| LightGbmError::TooLarge { what, length })
}

fn long_length(length: usize, what: &'static str) -> Result<i64, LightGbmError> {
    i64::try_from(length).map_err(|_| LightGbmError::TooLarge { what, length })
}

/// Binned rows with labels and query groups.
#[derive(Debug)]
pub(super) struct Dataset {
    handle: sys::DatasetHandle,
    rows: usize,
}

impl Drop for Dataset {
    fn drop(&mut self) {
        // SAFETY: the handle came from a successful creation and is freed only here.
        unsafe { sys::LGBM_DatasetFree(self.handle) };
    }
}

impl Dataset {
    /// Bins rows; with a `reference`, into the reference's bins (validation sets need that).
    ///
    /// # Errors
    /// LightGBM refuses the rows or the parameters.
    pub(super) fn new(
        rows: &Matrix<'_>,
        parameters: &str,
        reference: Option<&Dataset>,
    ) -> Result<Self, LightGbmError> {
        let parameters = c_text(parameters, "the parameters")?;
        let mut handle: sys::DatasetHandle = ptr::null_mut();
        let reference = reference.map_or(ptr::null_mut(), |dataset| dataset.handle);
        let code = match rows {
            // SAFETY: `DenseRows` guarantees rows × columns values in row order. LightGBM reads them
            // during the call only.
            Matrix::Dense(dense) => unsafe {
                sys::LGBM_DatasetCreateFromMat(
                    dense.values().as_ptr().cast::<c_void>(),
                    FLOAT64,
                    c_length(rows.len(), "the number of rows")?,
                    c_length(rows.columns(), "the number of features")?,
                    1,
                    parameters.as_ptr(),
                    reference,
                    &raw mut handle,
                )
            },
            // SAFETY: `SparseRows` guarantees one more start than rows, starts that ascend from 0 to
            // the number of values, and as many columns as values, each below `columns()`. LightGBM
            // reads them during the call only.
            Matrix::Sparse(sparse) => unsafe {
                sys::LGBM_DatasetCreateFromCSR(
                    sparse.starts().as_ptr().cast::<c_void>(),
                    INT64,
                    sparse.column_numbers().as_ptr(),
                    sparse.values().as_ptr().cast::<c_void>(),
                    FLOAT64,
                    long_length(sparse.starts().len(), "the number of rows")?,
                    long_length(sparse.values().len(), "the number of values")?,
                    long_length(rows.columns(), "the number of features")?,
                    parameters.as_ptr(),
                    reference,
                    &raw mut handle,
                )
            },
        };
        check(code, "create a dataset")?;
        Ok(Self {
            handle,
            rows: rows.len(),
        })
    }

    /// One label a row.
    ///
    /// # Errors
    /// The number of labels is not the number of rows, or LightGBM refuses.
    pub(super) fn set_labels(&mut self, labels: &[f32]) -> Result<(), LightGbmError> {
        self.require_rows(labels.len(), "labels")?;
        self.set_field(
            c"label",
            labels.as_ptr().cast::<c_void>(),
            labels.len(),
            FLOAT32,
        )
    }

    /// Rows of each query, in row order.
    ///
    /// # Errors
    /// The groups do not add up to the rows, or LightGBM refuses.
    pub(super) fn set_groups(&mut self, groups: &[i32]) -> Result<(), LightGbmError> {
        let covered = groups
            .iter()
            .map(|rows| usize::try_from(*rows).unwrap_or(0))
            .sum();
        self.require_rows(covered, "rows of all query groups")?;
        self.set_field(
            c"group",
            groups.as_ptr().cast::<c_void>(),
            groups.len(),
            INT32,
        )
    }

    /// The position at which each row was shown.
    ///
    /// # Errors
    /// The number of positions is not the number of rows, or LightGBM refuses.
    pub(super) fn set_positions(&mut self, positions: &[i32]) -> Result<(), LightGbmError> {
        self.require_rows(positions.len(), "positions")?;
        self.set_field(
            c"position",
            positions.as_ptr().cast::<c_void>(),
            positions.len(),
            INT32,
        )
    }

    fn require_rows(&self, found: usize, what: &'static str) -> Result<(), LightGbmError> {
        if found == self.rows {
            Ok(())
        } else {
            Err(LightGbmError::Length {
                what,
                expected: self.rows,
                found,
            })
        }
    }

    fn set_field(
        &mut self,
        name: &CStr,
        data: *const c_void,
        length: usize,
        kind: c_int,
    ) -> Result<(), LightGbmError> {
        let length = c_length(length, "a field's length")?;
        // SAFETY: callers pass a slice's pointer and length with the type they name here;
        // LightGBM copies the values during the call.
        let code =
            unsafe { sys::LGBM_DatasetSetField(self.handle, name.as_ptr(), data, length, kind) };
        check(code, "set a dataset's field")
    }

    /// Names of the features, in column order, as [`column_name`] writes them.
    ///
    /// # Errors
    /// A name with a NUL, or another number of names than of columns.
    pub(super) fn set_feature_names(&mut self, names: &[String]) -> Result<(), LightGbmError> {
        let names = names
            .iter()
            .map(|name| c_text(&column_name(name), "a feature's name"))
            .collect::<Result<Vec<_>, _>>()?;
        let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let length = c_length(pointers.len(), "the number of feature names")?;
        // SAFETY: `pointers` has `length` pointers to NUL-terminated texts which `names` keeps
        // alive over the call; LightGBM copies them and compares the number with its columns.
        let code =
            unsafe { sys::LGBM_DatasetSetFeatureNames(self.handle, pointers.as_mut_ptr(), length) };
        check(code, "set feature names")
    }
}

/// A feature's name as LightGBM takes it, which knows neither blanks nor the special characters of
/// JSON: bytes other than ASCII letters, digits and `-._` as `%` with two hexadecimal digits.
fn column_name(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | 0) {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
    }
    written
}

/// A model under training, or one read from text.
#[derive(Debug)]
pub(super) struct Booster<'data> {
    handle: sys::BoosterHandle,
    datasets: PhantomData<&'data Dataset>,
}

impl Drop for Booster<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle came from a successful creation and is freed only here, before
        // the datasets it points to (their lifetime is longer).
        unsafe { sys::LGBM_BoosterFree(self.handle) };
    }
}

impl<'data> Booster<'data> {
    /// Begins training on `data`.
    ///
    /// # Errors
    /// LightGBM refuses the data or the parameters.
    pub(super) fn new(data: &'data Dataset, parameters: &str) -> Result<Self, LightGbmError> {
        let parameters = c_text(parameters, "the parameters")?;
        let mut handle: sys::BoosterHandle = ptr::null_mut();
        // SAFETY: the dataset's handle is valid and outlives the booster by `'data`.
        let code =
            unsafe { sys::LGBM_BoosterCreate(data.handle, parameters.as_ptr(), &raw mut handle) };
        check(code, "begin training")?;
        Ok(Self {
            handle,
            datasets: PhantomData,
        })
    }

    /// A model from LightGBM's text format, for prediction.
    ///
    /// # Errors
    /// LightGBM cannot read the text.
    pub(super) fn from_text(text: &str) -> Result<Booster<'static>, LightGbmError> {
        let text = c_text(text, "the model text")?;
        let mut handle: sys::BoosterHandle = ptr::null_mut();
        let mut iterations: c_int = 0;
        // SAFETY: a NUL-terminated text that is read during the call.
        let code = unsafe {
            sys::LGBM_BoosterLoadModelFromString(
                text.as_ptr(),
                &raw mut iterations,
                &raw mut handle,
            )
        };
        check(code, "read a model text")?;
        Ok(Booster {
            handle,
            datasets: PhantomData,
        })
    }

    /// Adds the validation set; its metrics are those of [`Booster::evaluate_validation`].
    ///
    /// # Errors
    /// LightGBM refuses it.
    pub(super) fn add_validation(&mut self, data: &'data Dataset) -> Result<(), LightGbmError> {
        // SAFETY: both handles are valid, and the dataset outlives the booster by `'data`.
        let code = unsafe { sys::LGBM_BoosterAddValidData(self.handle, data.handle) };
        check(code, "add validation data")
    }

    /// Adds one tree; true if no split could be found and none was added.
    ///
    /// # Errors
    /// LightGBM fails.
    pub(super) fn update(&mut self) -> Result<bool, LightGbmError> {
        let mut without_split: c_int = 0;
        // SAFETY: a valid handle and one integer to write.
        let code = unsafe { sys::LGBM_BoosterUpdateOneIter(self.handle, &raw mut without_split) };
        check(code, "add a tree")?;
        Ok(without_split != 0)
    }

    /// Trees so far.
    ///
    /// # Errors
    /// LightGBM fails.
    pub(super) fn trees(&self) -> Result<u32, LightGbmError> {
        let mut trees: c_int = 0;
        // SAFETY: a valid handle and one integer to write.
        let code = unsafe { sys::LGBM_BoosterNumberOfTotalModel(self.handle, &raw mut trees) };
        check(code, "count the trees")?;
        Ok(u32::try_from(trees).unwrap_or(0))
    }

    /// The metric values of the validation set, in the order of the metric's positions.
    ///
    /// # Errors
    /// LightGBM fails.
    pub(super) fn evaluate_validation(&self) -> Result<Vec<f64>, LightGbmError> {
        let mut count: c_int = 0;
        // SAFETY: a valid handle and one integer to write.
        let code = unsafe { sys::LGBM_BoosterGetEvalCounts(self.handle, &raw mut count) };
        check(code, "count the metrics")?;
        let mut values = vec![0.0_f64; usize::try_from(count).unwrap_or(0)];
        let mut written: c_int = 0;
        // SAFETY: LightGBM writes as many values as it counted above: every dataset of a
        // booster has the metrics of its parameters. Dataset 1 is the first validation set.
        let code = unsafe {
            sys::LGBM_BoosterGetEval(self.handle, 1, &raw mut written, values.as_mut_ptr())
        };
        check(code, "evaluate")?;
        values.truncate(usize::try_from(written).unwrap_or(0));
        Ok(values)
    }

    /// The first `iterations` trees (`None`: all) in LightGBM's text format.
    ///
    /// # Errors
    /// LightGBM fails, or the text is not UTF-8.
    pub(super) fn to_text(&self, iterations: Option<u32>) -> Result<String, LightGbmError> {
        let iterations = match iterations {
            Some(iterations) => c_int::try_from(iterations).unwrap_or(c_int::MAX),
            None => -1,
        };
        let mut buffer: Vec<u8> = vec![0; 1 << 20];
        loop {
            let mut needed: i64 = 0;
            // SAFETY: LightGBM writes at most the buffer's length, and otherwise only says how
            // much it needs.
            let code = unsafe {
                sys::LGBM_BoosterSaveModelToString(
                    self.handle,
                    0,
                    iterations,
                    IMPORTANCE_BY_SPLITS,
                    long_length(buffer.len(), "the model text")?,
                    &raw mut needed,
                    buffer.as_mut_ptr().cast::<c_char>(),
                )
            };
            check(code, "write the model text")?;
            let needed = usize::try_from(needed).unwrap_or(0);
            if needed <= buffer.len() {
                break;
            }
            buffer.resize(needed, 0);
        }
        let text =
            CStr::from_bytes_until_nul(&buffer).map_err(|_| LightGbmError::NulCharacter {
                what: "the model text",
            })?;
        text.to_str()
            .map(str::to_owned)
            .map_err(|_| LightGbmError::NotText)
    }

    /// Scores dense rows, each `columns` long, with one thread.
    ///
    /// # Errors
    /// Rows of another length, or LightGBM fails.
    pub(super) fn predict(
        &self,
        rows: &[Vec<f64>],
        columns: usize,
    ) -> Result<Vec<f64>, LightGbmError> {
        if let Some(row) = rows.iter().find(|row| row.len() != columns) {
            return Err(LightGbmError::Length {
                what: "values in a row to score",
                expected: columns,
                found: row.len(),
            });
        }
        let values: Vec<f64> = rows.iter().flatten().copied().collect();
        self.predict_matrix(&values, columns)
    }

    /// Scores a row-major matrix of `columns` columns with one thread.
    ///
    /// # Errors
    /// The values are not whole rows, or LightGBM fails.
    pub(super) fn predict_matrix(
        &self,
        values: &[f64],
        columns: usize,
    ) -> Result<Vec<f64>, LightGbmError> {
        let rows = values.len().checked_div(columns).unwrap_or(0);
        if rows * columns != values.len() {
            return Err(LightGbmError::Length {
                what: "values in the rows to score",
                expected: rows * columns,
                found: values.len(),
            });
        }
        let mut predictions: i64 = 0;
        // SAFETY: a valid handle and one integer to write.
        let code = unsafe {
            sys::LGBM_BoosterCalcNumPredict(
                self.handle,
                c_length(rows, "the number of rows")?,
                PREDICT_NORMAL,
                0,
                -1,
                &raw mut predictions,
            )
        };
        check(code, "count the scores")?;
        // A model of several classes has more than one score for a row.
        if predictions != long_length(rows, "the number of rows")? {
            return Err(LightGbmError::Length {
                what: "scores",
                expected: rows,
                found: usize::try_from(predictions).unwrap_or(0),
            });
        }
        let mut scores = vec![0.0_f64; rows];
        let mut written: i64 = 0;
        // SAFETY: `values` has rows × columns values in row order, `scores` a place for each of
        // the scores counted above. LightGBM itself refuses rows with another number of columns
        // than the model has features.
        let code = unsafe {
            sys::LGBM_BoosterPredictForMat(
                self.handle,
                values.as_ptr().cast::<c_void>(),
                FLOAT64,
                c_length(rows, "the number of rows")?,
                c_length(columns, "the number of features")?,
                1,
                PREDICT_NORMAL,
                0,
                -1,
                c"num_threads=1".as_ptr(),
                &raw mut written,
                scores.as_mut_ptr(),
            )
        };
        check(code, "score rows")?;
        scores.truncate(usize::try_from(written).unwrap_or(0));
        Ok(scores)
    }
}

/// Limits LightGBM to `threads` threads until dropped, everywhere in this process.
#[derive(Debug)]
pub(super) struct ThreadLimit(());

impl ThreadLimit {
    pub(super) fn new(threads: c_int) -> Self {
        // SAFETY: sets one global integer.
        unsafe { sys::LGBM_SetMaxThreads(threads) };
        Self(())
    }
}

impl Drop for ThreadLimit {
    fn drop(&mut self) {
        // SAFETY: as above; −1 means no limit.
        unsafe { sys::LGBM_SetMaxThreads(-1) };
    }
}
