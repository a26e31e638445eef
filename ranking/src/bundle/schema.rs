//! `features.json`: what the columns of a model's rows are, and the language in
//! which texts are read. How columns are computed is in `features`.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::canonical::{canonical_json, sha256_of_canonical_json};
use crate::features::{
    self, ATTRIBUTE_DESCRIPTION, ATTRIBUTE_PREFIX, FEATURE_COUNT, FeatureContext, FeatureType,
    MonotoneConstraint,
};
use crate::svmlight::FEATURE_COUNT_LIMIT;
use crate::text::{Language, UnknownLanguage};

/// The version of `features.json` that is written.
pub const FEATURES_FORMAT_VERSION: u32 = 2;
/// The oldest version that is read. It has no language, types and constraints: all are at their defaults.
pub const OLDEST_FEATURES_FORMAT_VERSION: u32 = 1;

/// What the columns of a model's rows are, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeatureSchema {
    /// From [`OLDEST_FEATURES_FORMAT_VERSION`] to [`FEATURES_FORMAT_VERSION`].
    pub format_version: u32,
    /// Where the values come from.
    pub kind: SchemaKind,
    /// The language of the catalogue and the queries, where features are computed from texts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub language: Language,
    /// The columns.
    pub features: Vec<SchemaFeature>,
}

/// Where a row's values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SchemaKind {
    /// From the caller, as they are.
    Dense,
    /// Computed from a query and an item by this crate's [`features`].
    QueryItem,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchemaFeature {
    /// The name under which callers give it and reports show it.
    pub name: String,
    /// What its values are.
    #[serde(default, rename = "type", skip_serializing_if = "is_default")]
    pub feature_type: FeatureType,
    /// The value where none is given; `null` is missing, which is NaN in a row.
    #[serde(default)]
    pub default: Option<f64>,
    /// How the model's scores follow it, if that was asked for in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monotone_constraint: Option<MonotoneConstraint>,
    /// What it measures, with its unit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// Why a text is not a schema that is understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A version of the format that is not known.
    #[error(
        "formatVersion: {0} is not known; {OLDEST_FEATURES_FORMAT_VERSION} to {FEATURES_FORMAT_VERSION} are"
    )]
    UnknownFormatVersion(String),
    /// A kind that is not known.
    #[error("kind: {0:?} is not known; \"Dense\" and \"QueryItem\" are")]
    UnknownKind(String),
    /// A language that is not known.
    #[error(transparent)]
    UnknownLanguage(#[from] UnknownLanguage),
    /// Not JSON, or not its fields.
    #[error("{0}")]
    Malformed(String),
    /// A list of features that cannot be.
    #[error("features: {0}")]
    Features(String),
    /// Features that this version computes otherwise: the first difference.
    #[error("features[{column}]: {difference}")]
    NotAsComputed {
        /// The column, from 0.
        column: usize,
        /// What the schema has there, and what this version computes.
        difference: String,
    },
}

impl FeatureSchema {
    /// The schema of rows that are given: `f0`, `f1`, … with 0 where nothing is
    /// given, as SVMlight has it.
    #[must_use]
    pub fn dense(feature_count: usize) -> Self {
        Self::dense_from(0, feature_count)
    }

    /// The same, with the numbers that the features have in their files: `first` is
    /// that of the first column.
    #[must_use]
    pub fn dense_from(first: usize, feature_count: usize) -> Self {
        let feature = |number| SchemaFeature {
            name: format!("f{number}"),
            feature_type: FeatureType::Numeric,
            default: Some(0.0),
            monotone_constraint: None,
            description: String::new(),
        };
        Self {
            format_version: FEATURES_FORMAT_VERSION,
            kind: SchemaKind::Dense,
            language: Language::default(),
            features: (first..first + feature_count).map(feature).collect(),
        }
    }

    /// The schema of the features that this version computes for a query and an item of any
    /// catalogue in English.
    #[must_use]
    pub fn query_item() -> Self {
        Self::query_item_with(Language::default(), &[])
    }

    /// The schema of the features that a context computes.
    #[must_use]
    pub fn of_context(context: &FeatureContext) -> Self {
        Self::query_item_with(context.catalogue().language(), context.attributes())
    }

    fn query_item_with(language: Language, attributes: &[String]) -> Self {
        let declared = features::definitions().iter().map(|it| SchemaFeature {
            name: it.name.to_owned(),
            feature_type: it.feature_type,
            default: it.default,
            monotone_constraint: None,
            description: it.description.to_owned(),
        });
        let features = declared.chain(attributes.iter().map(|it| attribute(it)));
        Self {
            format_version: FEATURES_FORMAT_VERSION,
            kind: SchemaKind::QueryItem,
            language,
            features: features.collect(),
        }
    }

    /// The attributes of the catalogue that are columns, in their order: what
    /// [`FeatureContext::with_attributes`] takes.
    #[must_use]
    pub fn attributes(&self) -> Vec<String> {
        let names = self.features.iter().skip(FEATURE_COUNT).filter_map(|it| {
            let name = it.name.strip_prefix(ATTRIBUTE_PREFIX)?;
            Some(name.to_owned())
        });
        match self.kind {
            SchemaKind::Dense => Vec::new(),
            SchemaKind::QueryItem => names.collect(),
        }
    }

    /// Reads and checks a schema.
    ///
    /// # Errors
    /// Names the version, kind, field or feature that is not understood.
    pub fn parse(json: &[u8]) -> Result<Self, SchemaError> {
        let value: serde_json::Value = serde_json::from_slice(json)
            .map_err(|error| SchemaError::Malformed(error.to_string()))?;
        // Before the rest: another version or kind may well have other fields.
        let version = value.get("formatVersion").cloned().unwrap_or_default();
        let known = u64::from(OLDEST_FEATURES_FORMAT_VERSION)..=u64::from(FEATURES_FORMAT_VERSION);
        if !version.as_u64().is_some_and(|it| known.contains(&it)) {
            return Err(SchemaError::UnknownFormatVersion(version.to_string()));
        }
        if let Some(kind) = value.get("kind").and_then(serde_json::Value::as_str)
            && !["Dense", "QueryItem"].contains(&kind)
        {
            return Err(SchemaError::UnknownKind(kind.to_owned()));
        }
        if let Some(language) = value.get("language").and_then(serde_json::Value::as_str) {
            language.parse::<Language>()?;
        }
        let schema: Self = serde_json::from_value(value)
            .map_err(|error| SchemaError::Malformed(error.to_string()))?;
        schema.check()?;
        Ok(schema)
    }

    fn check(&self) -> Result<(), SchemaError> {
        let count = self.features.len();
        if count == 0 || count > FEATURE_COUNT_LIMIT {
            return Err(SchemaError::Features(format!(
                "has {count} entries instead of 1 to {FEATURE_COUNT_LIMIT}"
            )));
        }
        let mut names = HashSet::new();
        for (column, feature) in self.features.iter().enumerate() {
            if feature.name.is_empty() || !names.insert(feature.name.as_str()) {
                return Err(SchemaError::Features(format!(
                    "the name of column {column} is empty or there twice"
                )));
            }
        }
        match self.kind {
            SchemaKind::Dense => Ok(()),
            SchemaKind::QueryItem => self.check_as_computed(),
        }
    }

    /// The kernel computes all columns in one order, and a model reads them by
    /// position. So nothing may differ: not even a description, which is all that
    /// tells of another meaning under the same name. A monotone constraint is the
    /// model's own. After the declared columns any attribute may follow: the
    /// kernel computes those that the schema names.
    fn check_as_computed(&self) -> Result<(), SchemaError> {
        let computed = Self::query_item_with(self.language, &self.attributes()).features;
        let longer = self.features.len().max(computed.len());
        let found = (0..longer).find_map(|column| {
            difference(self.features.get(column), computed.get(column))
                .map(|difference| SchemaError::NotAsComputed { column, difference })
        });
        found.map_or(Ok(()), Err)
    }

    /// The text of `features.json`: canonical, so that its own digest is
    /// [`sha256`](Self::sha256).
    #[must_use]
    pub fn to_canonical_json(&self) -> String {
        canonical_json(self).expect("a schema has only string keys")
    }

    /// The SHA-256 of its canonical JSON, as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256_of_canonical_json(self).expect("a schema has only string keys")
    }

    /// The column of a name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.features
            .iter()
            .position(|feature| feature.name == name)
    }

    /// A row in which nothing is given: each column's default, NaN where it is missing.
    #[must_use]
    pub fn default_row(&self) -> Vec<f64> {
        self.features
            .iter()
            .map(|feature| feature.default.unwrap_or(f64::NAN))
            .collect()
    }
}

/// The column of a catalogue's attribute.
fn attribute(name: &str) -> SchemaFeature {
    SchemaFeature {
        name: format!("{ATTRIBUTE_PREFIX}{name}"),
        feature_type: FeatureType::Numeric,
        default: None,
        monotone_constraint: None,
        description: ATTRIBUTE_DESCRIPTION.to_owned(),
    }
}

/// Whether a field can be left out: so a schema of version 1 keeps its digest.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How a feature differs from the one that this version computes in its place, in words.
fn difference(given: Option<&SchemaFeature>, computed: Option<&SchemaFeature>) -> Option<String> {
    let (given, computed) = match (given, computed) {
        (Some(given), Some(computed)) => (given, computed),
        (Some(given), None) => {
            return Some(format!("this version does not compute {:?}", given.name));
        }
        (None, computed) => {
            return computed.map(|computed| {
                format!(
                    "is missing; this version computes {:?} there",
                    computed.name
                )
            });
        }
    };
    // By bits: 0 and -0 have different digests.
    let bits = |default: Option<f64>| default.map(f64::to_bits);
    let default = |default: Option<f64>| default.map_or("none".to_owned(), |it| format!("{it:?}"));
    if given.name != computed.name {
        Some(format!(
            "is {:?}, but this version computes {:?} there",
            given.name, computed.name
        ))
    } else if given.feature_type != computed.feature_type {
        Some(format!(
            "{:?} is {:?}, but this version computes it {:?}",
            given.name, given.feature_type, computed.feature_type
        ))
    } else if bits(given.default) != bits(computed.default) {
        Some(format!(
            "the default of {:?} is {}, but this version's is {}",
            given.name,
            default(given.default),
            default(computed.default)
        ))
    } else if given.description != computed.description {
        Some(format!(
            "{:?} is {:?}, but this version computes {:?}",
            given.name, given.description, computed.description
        ))
    } else {
        None
    }
}
