//! Loading a bundle's folder, and the self-check without which it is not used.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::metadata::BundleMetadata;
use super::parity::{ParitySample, ParitySampleError};
use super::schema::{FeatureSchema, SchemaError};
use super::{BUNDLE_FORMAT_VERSION, FEATURES_FILE, MODEL_FILE, PARITY_FILE};
use crate::model::{MODEL_TEXT_BYTES_LIMIT, ModelError, RankingModel};

const JSON_BYTES_LIMIT: usize = 256 << 20;

/// A loaded bundle whose self-check passed.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The model.
    pub model: RankingModel,
    /// What its features are.
    pub schema: FeatureSchema,
    /// What the manifest tells of it.
    pub metadata: BundleMetadata,
    /// The rows it was checked with.
    pub parity: ParitySample,
}

/// Why a bundle is not used.
#[derive(Debug, thiserror::Error)]
pub enum SelfCheckError {
    /// A version of the layout that is not known.
    #[error(
        "formatVersion: the bundle has version {found}, but only {BUNDLE_FORMAT_VERSION} is known"
    )]
    UnknownFormat {
        /// The version in the manifest.
        found: u32,
    },
    /// The manifest's metadata are not those of a bundle.
    #[error("metadata: {problem}")]
    MetadataInvalid {
        /// What is wrong.
        problem: String,
    },
    /// A file is not there.
    #[error("{file}: is missing from the bundle")]
    FileMissing {
        /// Its name.
        file: &'static str,
    },
    /// A file cannot be read, for a reason that may pass.
    #[error("{}: cannot read: {source}", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// A file is larger than is read, or no text.
    #[error("{file}: {problem}")]
    FileInvalid {
        /// Its name.
        file: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The model is damaged or of a kind that cannot rank.
    #[error("{MODEL_FILE}: {0}")]
    ModelInvalid(#[from] ModelError),
    /// The schema is not understood.
    #[error("{FEATURES_FILE}: {0}")]
    SchemaUnknown(#[from] SchemaError),
    /// The schema is not the one that the manifest names.
    #[error("{FEATURES_FILE}: the schema's digest is {actual}, but the manifest has {expected}")]
    SchemaMismatch {
        /// The digest in the manifest.
        expected: String,
        /// The digest of the schema.
        actual: String,
    },
    /// The model has not as many features as the schema.
    #[error("the model has {model} features, but the schema has {schema}")]
    FeatureCountMismatch {
        /// Features of the model.
        model: usize,
        /// Features of the schema.
        schema: usize,
    },
    /// The model has not as many trees as the manifest says.
    #[error("the model has {model} trees, but the manifest has {metadata}")]
    TreeCountMismatch {
        /// Trees of the model.
        model: usize,
        /// Trees in the manifest.
        metadata: usize,
    },
    /// A row scores otherwise here than where the model was trained.
    #[error("{PARITY_FILE}: row {row} scores {actual:?}, but the trainer's score is {expected:?}")]
    ParityMismatch {
        /// The position of the row, from 0.
        row: usize,
        /// The trainer's score.
        expected: f64,
        /// The score here.
        actual: f64,
    },
    /// The sample proves nothing.
    #[error("{PARITY_FILE}: {0}")]
    ParitySampleInvalid(ParitySampleError),
}

impl SelfCheckError {
    /// The error as one word, for conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UnknownFormat { .. } => "UnknownFormat",
            Self::MetadataInvalid { .. } => "MetadataInvalid",
            Self::FileMissing { .. } => "FileMissing",
            Self::Unreadable { .. } => "Unreadable",
            Self::FileInvalid { .. } => "FileInvalid",
            Self::ModelInvalid(_) => "ModelInvalid",
            Self::SchemaUnknown(_) => "SchemaUnknown",
            Self::SchemaMismatch { .. } => "SchemaMismatch",
            Self::FeatureCountMismatch { .. } => "FeatureCountMismatch",
            Self::TreeCountMismatch { .. } => "TreeCountMismatch",
            Self::ParityMismatch { .. } => "ParityMismatch",
            Self::ParitySampleInvalid(_) => "ParitySampleInvalid",
        }
    }
}

impl Bundle {
    /// Refuses a layout that is not known, before any file of it is read.
    ///
    /// # Errors
    /// [`SelfCheckError::UnknownFormat`].
    pub fn check_format_version(found: u32) -> Result<(), SelfCheckError> {
        if found == BUNDLE_FORMAT_VERSION {
            Ok(())
        } else {
            Err(SelfCheckError::UnknownFormat { found })
        }
    }

    /// Loads the bundle in a folder and checks it: the schema is understood and
    /// has the digest of the manifest, model and schema have as many features,
    /// and every row of the sample scores with the trainer's bits.
    ///
    /// `manifest_metadata` is the `metadata` of the bundle's manifest. That the
    /// files have their digests is checked where they are fetched.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn load(
        folder: &Path,
        manifest_metadata: &serde_json::Value,
    ) -> Result<Self, SelfCheckError> {
        let metadata: BundleMetadata =
            serde_json::from_value(manifest_metadata.clone()).map_err(|error| {
                SelfCheckError::MetadataInvalid {
                    problem: error.to_string(),
                }
            })?;
        let schema = FeatureSchema::parse(&read(folder, FEATURES_FILE, JSON_BYTES_LIMIT)?)?;
        let actual = schema.sha256();
        if actual != metadata.feature_schema_sha256 {
            return Err(SelfCheckError::SchemaMismatch {
                expected: metadata.feature_schema_sha256,
                actual,
            });
        }
        let text =
            String::from_utf8(read(folder, MODEL_FILE, MODEL_TEXT_BYTES_LIMIT)?).map_err(|_| {
                SelfCheckError::FileInvalid {
                    file: MODEL_FILE,
                    problem: "is not UTF-8".to_owned(),
                }
            })?;
        let model = RankingModel::parse(&text)?;
        if model.feature_count() != schema.features.len() {
            let (model, schema) = (model.feature_count(), schema.features.len());
            return Err(SelfCheckError::FeatureCountMismatch { model, schema });
        }
        if model.tree_count() != metadata.trees {
            return Err(SelfCheckError::TreeCountMismatch {
                model: model.tree_count(),
                metadata: metadata.trees,
            });
        }
        let parity: ParitySample =
            serde_json::from_slice(&read(folder, PARITY_FILE, JSON_BYTES_LIMIT)?).map_err(
                |error| SelfCheckError::FileInvalid {
                    file: PARITY_FILE,
                    problem: error.to_string(),
                },
            )?;
        parity.check(&model).map_err(|error| match error {
            ParitySampleError::Score {
                row,
                expected,
                actual,
            } => SelfCheckError::ParityMismatch {
                row,
                expected,
                actual,
            },
            other => SelfCheckError::ParitySampleInvalid(other),
        })?;
        Ok(Self {
            model,
            schema,
            metadata,
            parity,
        })
    }
}

fn read(folder: &Path, file: &'static str, limit: usize) -> Result<Vec<u8>, SelfCheckError> {
    let path = folder.join(file);
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => SelfCheckError::FileMissing { file },
        _ => SelfCheckError::Unreadable {
            path: path.clone(),
            source,
        },
    };
    let mut bytes = Vec::new();
    let opened = File::open(&path).map_err(unreadable)?;
    opened
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > limit {
        return Err(SelfCheckError::FileInvalid {
            file,
            problem: format!("is larger than {limit} bytes"),
        });
    }
    Ok(bytes)
}
