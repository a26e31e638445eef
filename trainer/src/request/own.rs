//! Own data: a catalogue with judgements, or with a log of searches and events, or with both.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use searchop_ranking::catalogue_files::CatalogueFormat;
use searchop_ranking::events::Action;
use searchop_ranking::judgements::{GradeMap, GradeMapError, JudgementFormat};
use searchop_ranking::text::{Language, UnknownLanguage};
use searchop_ranking::ubi::UbiOptions;
use thiserror::Error;

use crate::cli::SourceOptions;

use super::source::{InputFile, NamedInputs};

/// Most bad lines that may be passed over.
const MAXIMUM_BAD_LINES: u64 = 100_000;
/// Most seconds that a clock may differ.
const MAXIMUM_CLOCK_SKEW_SECONDS: u32 = 86_400;

/// Names of the inputs of own data.
pub(super) const OWN_INPUTS: [&str; 5] = ["Catalogue", "Judgements", "Topics", "Queries", "Events"];

/// Own data that cannot be read whatever is in the files.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum OwnDataError {
    /// An input without the one it belongs to.
    #[error("input {name:?} is given without input {needs:?}")]
    Alone {
        /// Which one.
        name: &'static str,
        /// What it belongs to.
        needs: &'static str,
    },
    /// A catalogue without anything to learn from.
    #[error("input \"Catalogue\" is given without input \"Judgements\" or \"Events\"")]
    NothingToLearnFrom,
    /// Rows of features and own data.
    #[error("input \"SvmLight\" cannot be given together with input {name:?}")]
    Mixed {
        /// The other one.
        name: &'static str,
    },
    /// A name that says nothing of the file's format.
    #[error(
        "input {name:?}: {uri:?} does not end like a known format; say --input-format {name}=FORMAT, where FORMAT is one of {formats}"
    )]
    UnknownFormat {
        /// Which input.
        name: &'static str,
        /// Its address.
        uri: String,
        /// What is known.
        formats: &'static str,
    },
    /// A format that is none, or of an input that has none.
    #[error("--input-format {text:?}: {message}")]
    Format {
        /// What was given.
        text: String,
        /// What is wrong.
        message: String,
    },
    /// A map of grades that is none.
    #[error("--grades: {0}")]
    Grades(#[from] GradeMapError),
    /// A language that is none.
    #[error("--language: {0}")]
    Language(#[from] UnknownLanguage),
    /// An action that is none.
    #[error(
        "--action {text:?}: expected NAME=ACTION, where ACTION is impression, click, add_to_cart or purchase"
    )]
    Action {
        /// What was given.
        text: String,
    },
    /// A number out of its bounds.
    #[error("{flag} {value} is more than {maximum}")]
    Bound {
        /// The flag.
        flag: &'static str,
        /// What was given.
        value: u64,
        /// What is allowed.
        maximum: u64,
    },
    /// An option of own data, without any.
    #[error("{flag} is for own data, which starts with --input Catalogue=URI")]
    WithoutCatalogue {
        /// The option.
        flag: &'static str,
    },
}

/// A file and its format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFile<F> {
    /// The file.
    pub file: InputFile,
    /// How it is written.
    pub format: FileFormat<F>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat<F> {
    /// A Parquet file: rows with the fields of JSON Lines.
    Parquet,
    /// A text of this format.
    Text(F),
}

impl<F> FileFormat<F> {
    /// The format that a file's name speaks of.
    fn of_file_name(name: &str, of_text: fn(&str) -> Option<F>) -> Option<Self> {
        if name.to_ascii_lowercase().ends_with(".parquet") {
            return Some(Self::Parquet);
        }
        of_text(name).map(Self::Text)
    }
}

impl<F: FromStr<Err = String>> FromStr for FileFormat<F> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "Parquet" {
            return Ok(Self::Parquet);
        }
        let format = text.parse().map(Self::Text);
        format.map_err(|message| format!("{message}, Parquet"))
    }
}

impl<F: fmt::Debug> fmt::Display for FileFormat<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parquet => formatter.write_str("Parquet"),
            Self::Text(format) => write!(formatter, "{format:?}"),
        }
    }
}

/// The files of own data, and how they are read.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnFiles {
    /// Products.
    pub catalogue: OwnFile<CatalogueFormat>,
    /// Judgements; labels are theirs if they are given.
    pub judgements: Option<OwnFile<JudgementFormat>>,
    /// Texts of the topics of qrels.
    pub topics: Option<InputFile>,
    /// `ubi_queries`.
    pub queries: Option<InputFile>,
    /// `ubi_events`, or both mixed.
    pub events: Option<InputFile>,
    /// What the grades of judgements mean.
    pub grades: GradeMap,
    /// How the log is read.
    pub log: UbiOptions,
    /// Bad lines that are passed over in each of catalogue, judgements and log.
    pub bad_lines: u64,
    /// The language of the catalogue and the queries.
    pub language: Language,
}

impl OwnFiles {
    /// Whether rows have a time.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.judgements.is_none()
    }

    /// What decides how the files are read, beside their bytes.
    #[must_use]
    pub fn reading(&self) -> String {
        let mut text = format!("catalogue={}\n", self.catalogue.format);
        if self.language != Language::default() {
            text += &format!("language={}\n", self.language);
        }
        if let Some(judgements) = &self.judgements {
            text += &format!("judgements={} grades={}\n", judgements.format, self.grades);
        }
        if self.events.is_some() {
            let UbiOptions {
                actions,
                maximum_clock_skew,
                ..
            } = &self.log;
            text += &format!("actions={actions:?} skew={maximum_clock_skew}\n");
        }
        text
    }

    /// `None` if no input of own data is given.
    pub(super) fn read(
        options: &SourceOptions,
        inputs: &mut NamedInputs,
    ) -> Result<Option<Self>, OwnDataError> {
        let Some(catalogue) = inputs.take("Catalogue") else {
            if let Some(name) = OWN_INPUTS.into_iter().find(|name| inputs.has(name)) {
                let needs = "Catalogue";
                return Err(OwnDataError::Alone { name, needs });
            }
            return refuse_options(options).map(|()| None);
        };
        if inputs.has("SvmLight") {
            let name = "Catalogue";
            return Err(OwnDataError::Mixed { name });
        }
        let formats = Formats::read(&options.input_format)?;
        let judgements = inputs.take("Judgements");
        let topics = inputs.take("Topics");
        let queries = inputs.take("Queries");
        let events = inputs.take("Events");
        for (name, is_given, needs, has_need) in [
            (
                "Topics",
                topics.is_some(),
                "Judgements",
                judgements.is_some(),
            ),
            ("Queries", queries.is_some(), "Events", events.is_some()),
        ] {
            if is_given && !has_need {
                return Err(OwnDataError::Alone { name, needs });
            }
        }
        if judgements.is_none() && events.is_none() {
            return Err(OwnDataError::NothingToLearnFrom);
        }
        let bad_lines = bounded("--bad-lines", options.bad_lines, MAXIMUM_BAD_LINES)?;
        Ok(Some(Self {
            catalogue: formats.catalogue(catalogue)?,
            judgements: judgements
                .map(|file| formats.judgements(file))
                .transpose()?,
            topics,
            queries,
            events,
            grades: match &options.grades {
                Some(text) => text.parse()?,
                None => GradeMap::whole_numbers(),
            },
            log: log_options(options, bad_lines)?,
            bad_lines,
            language: match &options.language {
                Some(name) => name.parse()?,
                None => Language::default(),
            },
        }))
    }
}

/// Options that only own data has.
fn refuse_options(options: &SourceOptions) -> Result<(), OwnDataError> {
    let given = [
        (options.grades.is_some(), "--grades"),
        (!options.input_format.is_empty(), "--input-format"),
        (!options.action.is_empty(), "--action"),
        (options.bad_lines > 0, "--bad-lines"),
        (options.clock_skew.is_some(), "--clock-skew"),
        (options.language.is_some(), "--language"),
    ];
    match given.into_iter().find(|(is_given, _)| *is_given) {
        Some((_, flag)) => Err(OwnDataError::WithoutCatalogue { flag }),
        None => Ok(()),
    }
}

fn bounded(flag: &'static str, value: u64, maximum: u64) -> Result<u64, OwnDataError> {
    if value > maximum {
        return Err(OwnDataError::Bound {
            flag,
            value,
            maximum,
        });
    }
    Ok(value)
}

fn log_options(options: &SourceOptions, bad_lines: u64) -> Result<UbiOptions, OwnDataError> {
    let mut log = UbiOptions {
        allowed_bad_lines: bad_lines,
        ..UbiOptions::default()
    };
    if let Some(seconds) = options.clock_skew {
        let maximum = u64::from(MAXIMUM_CLOCK_SKEW_SECONDS);
        bounded("--clock-skew", u64::from(seconds), maximum)?;
        log.maximum_clock_skew = i64::from(seconds) * 1_000;
    }
    for text in &options.action {
        let refuse = || OwnDataError::Action { text: text.clone() };
        let (name, action) = text.split_once('=').ok_or_else(refuse)?;
        let action = match action {
            "impression" => Action::Impression,
            "click" => Action::Click,
            "add_to_cart" => Action::AddToCart,
            "purchase" => Action::Purchase,
            _ => return Err(refuse()),
        };
        if name.trim().is_empty() {
            return Err(refuse());
        }
        log.actions.insert(name.trim().to_owned(), action);
    }
    Ok(log)
}

/// The formats that are stated.
struct Formats {
    by_name: BTreeMap<String, String>,
}

impl Formats {
    fn read(texts: &[String]) -> Result<Self, OwnDataError> {
        let mut by_name = BTreeMap::new();
        for text in texts {
            let refuse = |message: &str| OwnDataError::Format {
                text: text.clone(),
                message: message.to_owned(),
            };
            let (name, format) = text
                .split_once('=')
                .ok_or_else(|| refuse("expected NAME=FORMAT"))?;
            if !matches!(name, "Catalogue" | "Judgements") {
                return Err(refuse("only Catalogue and Judgements have several formats"));
            }
            if by_name.insert(name.to_owned(), format.to_owned()).is_some() {
                return Err(refuse("given twice"));
            }
        }
        Ok(Self { by_name })
    }

    fn catalogue(&self, file: InputFile) -> Result<OwnFile<CatalogueFormat>, OwnDataError> {
        let format = self.format("Catalogue", &file, CatalogueFormat::of_file_name)?;
        format
            .ok_or_else(|| OwnDataError::UnknownFormat {
                name: "Catalogue",
                uri: file.uri.clone(),
                formats: "JsonLines, Csv, Parquet",
            })
            .map(|format| OwnFile { file, format })
    }

    fn judgements(&self, file: InputFile) -> Result<OwnFile<JudgementFormat>, OwnDataError> {
        let format = self.format("Judgements", &file, JudgementFormat::of_file_name)?;
        format
            .ok_or_else(|| OwnDataError::UnknownFormat {
                name: "Judgements",
                uri: file.uri.clone(),
                formats: "Csv, Tsv, JsonLines, TrecQrels, OpenSearch, Parquet",
            })
            .map(|format| OwnFile { file, format })
    }

    /// What is stated, else what the file's name says.
    fn format<F: FromStr<Err = String>>(
        &self,
        name: &str,
        file: &InputFile,
        of_file_name: fn(&str) -> Option<F>,
    ) -> Result<Option<FileFormat<F>>, OwnDataError> {
        match self.by_name.get(name) {
            None => Ok(FileFormat::of_file_name(&file.uri, of_file_name)),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|message| OwnDataError::Format {
                    text: format!("{name}={text}"),
                    message,
                }),
        }
    }
}
