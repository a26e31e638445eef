//! The reading of lines. What the lines make up is in `rows`.

use std::collections::HashSet;
use std::io::{BufRead, Read};
use std::str::FromStr;

use super::rows::{RankingRows, RowsError};

/// The largest label: LightGBM's default gains end here, as 2^31 - 1 does.
pub const LABEL_LIMIT: u8 = 30;

/// The most features that are read unless the caller allows others.
pub const FEATURE_COUNT_LIMIT: usize = 100_000;

const LINE_BYTES_LIMIT: u64 = 16 << 20;
const QUERY_IDENTIFIER_BYTES_LIMIT: usize = 256;

/// What the first feature is called in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureNumbering {
    /// Number 0 is column 0.
    ZeroBased,
    /// Number 1 is column 0; number 0 is an error.
    OneBased,
}

impl FromStr for FeatureNumbering {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ZeroBased" => Ok(Self::ZeroBased),
            "OneBased" => Ok(Self::OneBased),
            _ => Err(format!(
                "{text:?} is not a feature numbering; ZeroBased and OneBased are"
            )),
        }
    }
}

impl std::fmt::Display for FeatureNumbering {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::ZeroBased => "ZeroBased",
            Self::OneBased => "OneBased",
        })
    }
}

/// Where the queries are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queries<'groups> {
    /// In the lines, as `qid:`.
    InLines,
    /// In a group file, as read by [`read_groups`]; then no line has a `qid:`.
    Groups(&'groups [usize]),
}

/// How to read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions<'groups> {
    /// What the first feature is called.
    pub numbering: FeatureNumbering,
    /// Where the queries are told.
    pub queries: Queries<'groups>,
    /// How many features a row has: further ones in the file are an error. For
    /// `None` it is one more than the file's highest column.
    pub feature_count: Option<usize>,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SvmLightError {
    /// The input broke off.
    #[error("line {line}: cannot read: {source}")]
    Read {
        /// The line, from 1.
        line: usize,
        /// What the input said.
        source: std::io::Error,
    },
    /// A line is not as it must be.
    #[error("line {line}: {problem}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The file and the group file do not fit.
    #[error(
        "the group file counts {grouped} rows in {queries} queries, but the data has {rows} rows (the last is line {last_line})"
    )]
    GroupsDoNotMatch {
        /// The sum of the group file.
        grouped: usize,
        /// How many queries it has.
        queries: usize,
        /// How many rows the data has.
        rows: usize,
        /// The line of the last row, from 1; 0 when there is none.
        last_line: usize,
    },
    /// The file has no rows, or no feature at all.
    #[error(transparent)]
    Rows(#[from] RowsError),
}

/// Reads a group file: how many rows each query has, one query a line, in order.
///
/// # Errors
/// Names the line that is not a count above 0.
pub fn read_groups(input: impl BufRead) -> Result<Vec<usize>, SvmLightError> {
    let mut groups = Vec::new();
    for_each_line(input, |text| {
        if !text.is_empty() {
            let size = text.parse().ok().filter(|size| *size > 0);
            groups.push(
                size.ok_or_else(|| format!("{:?} is not a number of rows above 0", excerpt(text)))?,
            );
        }
        Ok(())
    })?;
    Ok(groups)
}

/// Reads a file of rows. Features that a line does not name are 0.
///
/// # Errors
/// Names the line and what is wrong with it: a label that is not a whole number
/// from 0 to 30, a value that is `nan` or not finite, feature numbers that do not rise or
/// are out of bounds, rows of a query that do not stand together, a missing or a
/// surplus `qid:`, or groups that do not match the rows.
pub fn read(input: impl BufRead, options: &ReadOptions<'_>) -> Result<RankingRows, SvmLightError> {
    let mut rows = Rows::new(options);
    let mut line = 0;
    let mut last_line = 0;
    for_each_line(input, |text| {
        line += 1;
        if !text.is_empty() {
            last_line = line;
            rows.add(text)?;
        }
        Ok(())
    })?;
    rows.finish(last_line)
}

/// What was read so far.
struct Rows<'options> {
    options: &'options ReadOptions<'options>,
    feature_limit: usize,
    labels: Vec<u8>,
    sizes: Vec<usize>,
    identifiers: Vec<String>,
    finished_queries: HashSet<String>,
    highest_column: Option<u32>,
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl<'options> Rows<'options> {
    fn new(options: &'options ReadOptions<'options>) -> Self {
        Self {
            options,
            feature_limit: options.feature_count.unwrap_or(FEATURE_COUNT_LIMIT),
            labels: Vec::new(),
            sizes: Vec::new(),
            identifiers: Vec::new(),
            finished_queries: HashSet::new(),
            highest_column: None,
            starts: vec![0],
            columns: Vec::new(),
            values: Vec::new(),
        }
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let mut tokens = line.split_ascii_whitespace().peekable();
        let label = tokens.next().unwrap_or_default();
        self.labels.push(read_label(label)?);
        let query = tokens.next_if(|token| token.starts_with("qid:"));
        match (self.options.queries, query) {
            (Queries::InLines, Some(token)) => self.add_to_query(&token["qid:".len()..])?,
            (Queries::InLines, None) => {
                return Err("has no qid, and no group file is given".to_owned());
            }
            (Queries::Groups(_), Some(_)) => {
                return Err("has a qid although a group file is given".to_owned());
            }
            (Queries::Groups(_), None) => {}
        }
        let mut previous: Option<u32> = None;
        for token in tokens {
            let (column, value) = self.read_feature(token)?;
            match previous {
                Some(previous) if previous == column => {
                    return Err(format!("has the feature of {:?} twice", excerpt(token)));
                }
                Some(previous) if previous > column => {
                    return Err(format!(
                        "feature numbers must rise, but {:?} follows a higher one",
                        excerpt(token)
                    ));
                }
                _ => previous = Some(column),
            }
            self.columns.push(column);
            self.values.push(value);
        }
        self.highest_column = self.highest_column.max(previous);
        self.starts.push(self.columns.len());
        Ok(())
    }

    fn add_to_query(&mut self, identifier: &str) -> Result<(), String> {
        if identifier.is_empty() || identifier.len() > QUERY_IDENTIFIER_BYTES_LIMIT {
            return Err(format!(
                "the qid must have 1 to {QUERY_IDENTIFIER_BYTES_LIMIT} bytes"
            ));
        }
        match (self.identifiers.last(), self.sizes.last_mut()) {
            (Some(current), Some(size)) if current == identifier => *size += 1,
            (current, _) => {
                if let Some(current) = current {
                    self.finished_queries.insert(current.clone());
                }
                if self.finished_queries.contains(identifier) {
                    return Err(format!(
                        "the rows of query {:?} do not stand together: other queries come between",
                        excerpt(identifier)
                    ));
                }
                self.identifiers.push(identifier.to_owned());
                self.sizes.push(1);
            }
        }
        Ok(())
    }

    fn read_feature(&self, token: &str) -> Result<(u32, f64), String> {
        let malformed = || format!("{:?} is not feature:value", excerpt(token));
        let (number, value) = token.split_once(':').ok_or_else(malformed)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed());
        }
        let first = match self.options.numbering {
            FeatureNumbering::ZeroBased => 0,
            FeatureNumbering::OneBased => 1,
        };
        // Digits alone that do not fit are a number too large, which the limit refuses.
        let number: usize = number.parse().unwrap_or(usize::MAX);
        let column = number.checked_sub(first).ok_or_else(|| {
            format!(
                "{:?}: feature number 0, but numbers start at 1 (OneBased)",
                excerpt(token)
            )
        })?;
        let column = u32::try_from(column)
            .ok()
            .filter(|column| (*column as usize) < self.feature_limit);
        let column = column.ok_or_else(|| {
            format!(
                "{:?}: the feature number is above the last one, {}",
                excerpt(token),
                self.feature_limit - 1 + first
            )
        })?;
        let value: f64 = value.parse().map_err(|_| malformed())?;
        // LightGBM's own reader takes it for a missing value. No request can say "missing" for
        // such a feature, so a model that was trained on it would be served other rows.
        if value.is_nan() {
            return Err(format!(
                "{:?}: a missing value cannot be told; leave the feature out, which means 0",
                excerpt(token)
            ));
        }
        if !value.is_finite() {
            return Err(format!("{:?}: the value is not finite", excerpt(token)));
        }
        Ok((column, value))
    }

    fn finish(self, last_line: usize) -> Result<RankingRows, SvmLightError> {
        let (sizes, identifiers) = match self.options.queries {
            Queries::InLines => (self.sizes, self.identifiers),
            Queries::Groups(groups) => {
                let grouped = groups
                    .iter()
                    .fold(0_usize, |sum, size| sum.saturating_add(*size));
                if grouped != self.labels.len() {
                    let (queries, rows) = (groups.len(), self.labels.len());
                    return Err(SvmLightError::GroupsDoNotMatch {
                        grouped,
                        queries,
                        rows,
                        last_line,
                    });
                }
                (
                    groups.to_vec(),
                    (0..groups.len()).map(|query| query.to_string()).collect(),
                )
            }
        };
        let read_count = self.highest_column.map_or(0, |column| column as usize + 1);
        let feature_count = self.options.feature_count.unwrap_or(read_count);
        if feature_count == 0 && !self.labels.is_empty() {
            return Err(RowsError::Empty("features").into());
        }
        let compressed = (self.starts, self.columns, self.values);
        Ok(RankingRows::from_compressed(
            self.labels,
            &sizes,
            identifiers,
            feature_count,
            compressed,
        )?)
    }
}

fn read_label(text: &str) -> Result<u8, String> {
    let label: f64 = text
        .parse()
        .map_err(|_| format!("the label {:?} is not a number", excerpt(text)))?;
    if !label.is_finite() || label < 0.0 || label > f64::from(LABEL_LIMIT) || label.fract() != 0.0 {
        return Err(format!(
            "the label {:?} is not a whole number from 0 to {LABEL_LIMIT}",
            excerpt(text)
        ));
    }
    Ok(label as u8)
}

/// Calls `visit` with each line, without its comment and surrounding space.
fn for_each_line(
    mut input: impl BufRead,
    mut visit: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), SvmLightError> {
    let mut bytes = Vec::new();
    let mut line = 0;
    loop {
        line += 1;
        bytes.clear();
        let read = input
            .by_ref()
            .take(LINE_BYTES_LIMIT)
            .read_until(b'\n', &mut bytes);
        if read.map_err(|source| SvmLightError::Read { line, source })? == 0 {
            return Ok(());
        }
        let refuse = |problem: String| SvmLightError::Line { line, problem };
        if bytes.len() as u64 == LINE_BYTES_LIMIT && bytes.last() != Some(&b'\n') {
            return Err(refuse(format!("is longer than {LINE_BYTES_LIMIT} bytes")));
        }
        let content = bytes.split(|byte| *byte == b'#').next().unwrap_or_default();
        let text = std::str::from_utf8(content).map_err(|_| refuse("is not UTF-8".to_owned()))?;
        visit(text.trim()).map_err(refuse)?;
    }
}

/// The start of a piece of a line, short enough for a message.
fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}
