//! Where rows come from: a dataset, rows of features, or own data.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::{NumberingOption, SourceOptions};

use super::RequestError;
use super::own::{OWN_INPUTS, OwnFiles};

/// A file in a store and, if it is pinned, its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Address.
    pub uri: String,
    /// Lower-case hexadecimal SHA-256.
    pub sha256: Option<String>,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum DataSource {
    /// A dataset artifact.
    Dataset(InputFile),
    /// SVMlight files.
    SvmLight(SvmLightFiles),
    /// A catalogue with judgements or a log.
    Own(Box<OwnFiles>),
}

/// The files of SVMlight data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SvmLightFiles {
    /// Rows.
    pub rows: InputFile,
    /// Group sizes, if the rows have no `qid:`.
    pub groups: Option<InputFile>,
    /// Validation rows.
    pub validation: Option<InputFile>,
    /// Their group sizes.
    pub validation_groups: Option<InputFile>,
    /// From 0 or from 1.
    pub numbering: Numbering,
}

/// Where feature numbers start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Numbering {
    /// From 0.
    ZeroBased,
    /// From 1.
    OneBased,
}

fn digest(text: &str, what: &str) -> Result<String, RequestError> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == 64 && text.bytes().all(is_digit) {
        Ok(text.to_owned())
    } else {
        Err(RequestError::Digest {
            what: what.to_owned(),
            text: text.to_owned(),
        })
    }
}

/// A file of an artifact or input: `URI` or `URI#sha256=HEX`.
fn input_file(text: &str, what: &str) -> Result<InputFile, RequestError> {
    let (uri, sha256) = match text.split_once("#sha256=") {
        Some((uri, hex)) => (uri, Some(digest(hex, what)?)),
        None => (text, None),
    };
    if uri.is_empty() {
        return Err(RequestError::InputShape {
            text: format!("{what}={text}"),
        });
    }
    Ok(InputFile {
        uri: uri.to_owned(),
        sha256,
    })
}

/// An artifact by address and, optionally, digest.
///
/// # Errors
/// The digest is none.
pub fn artifact(uri: &str, sha256: Option<&str>, what: &str) -> Result<InputFile, RequestError> {
    let mut file = input_file(uri, what)?;
    if let Some(hex) = sha256 {
        file.sha256 = Some(digest(hex, what)?);
    }
    Ok(file)
}

/// Names of the inputs that are rows of features.
const ROW_INPUTS: [&str; 4] = ["SvmLight", "Groups", "Validation", "ValidationGroups"];

/// The inputs by name.
#[derive(Default)]
pub(super) struct NamedInputs {
    files: BTreeMap<&'static str, InputFile>,
}

impl NamedInputs {
    fn read(texts: &[String]) -> Result<Self, RequestError> {
        let mut inputs = Self::default();
        for text in texts {
            let (name, uri) = text
                .split_once('=')
                .ok_or_else(|| RequestError::InputShape { text: text.clone() })?;
            let name = ROW_INPUTS
                .into_iter()
                .chain(OWN_INPUTS)
                .find(|known| *known == name)
                .ok_or_else(|| RequestError::InputName {
                    name: name.to_owned(),
                })?;
            let file = input_file(uri, name)?;
            if inputs.files.insert(name, file).is_some() {
                return Err(RequestError::InputTwice { name });
            }
        }
        Ok(inputs)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<InputFile> {
        self.files.remove(name)
    }
}

impl TryFrom<&SourceOptions> for DataSource {
    type Error = RequestError;

    fn try_from(options: &SourceOptions) -> Result<Self, RequestError> {
        if let Some(uri) = &options.dataset_uri {
            if options.feature_numbering.is_some() {
                return Err(RequestError::NumberingWithoutRows);
            }
            let dataset = artifact(uri, options.dataset_sha256.as_deref(), "--dataset-sha256")?;
            return Ok(DataSource::Dataset(dataset));
        }
        let mut inputs = NamedInputs::read(&options.input)?;
        if let Some(own) = OwnFiles::read(options, &mut inputs)? {
            if options.feature_numbering.is_some() {
                return Err(RequestError::NumberingWithoutRows);
            }
            if let Some(name) = ROW_INPUTS.into_iter().find(|name| inputs.has(name)) {
                let needs = "SvmLight";
                return Err(RequestError::InputAlone { name, needs });
            }
            return Ok(DataSource::Own(Box::new(own)));
        }
        let Some(rows) = inputs.take("SvmLight") else {
            let alone = ROW_INPUTS.into_iter().find(|name| inputs.has(name));
            return Err(match alone {
                Some(name) => RequestError::InputAlone {
                    name,
                    needs: "SvmLight",
                },
                None => RequestError::NoData,
            });
        };
        if inputs.has("ValidationGroups") && !inputs.has("Validation") {
            return Err(RequestError::InputAlone {
                name: "ValidationGroups",
                needs: "Validation",
            });
        }
        Ok(DataSource::SvmLight(SvmLightFiles {
            rows,
            groups: inputs.take("Groups"),
            validation: inputs.take("Validation"),
            validation_groups: inputs.take("ValidationGroups"),
            numbering: match options.feature_numbering {
                Some(NumberingOption::ZeroBased) => Numbering::ZeroBased,
                Some(NumberingOption::OneBased) => Numbering::OneBased,
                None => return Err(RequestError::NoNumbering),
            },
        }))
    }
}

impl DataSource {
    pub(super) fn has_validation(&self) -> bool {
        matches!(self, Self::SvmLight(files) if files.validation.is_some())
    }

    pub(super) fn has_times(&self) -> bool {
        match self {
            Self::Dataset(_) => true,
            Self::SvmLight(_) => false,
            Self::Own(files) => files.has_times(),
        }
    }
}
