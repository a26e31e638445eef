//! One loaded bundle: verified, self-checked, ready to rank. Immutable once loaded.
//!
//! Scores rows, computes features and retrieves with what `searchop-ranking` has; which requests it
//! gets is `tracks`, what their rows are is `rank`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use searchop_ranking::catalogue::{Catalogue, ItemIndex, Product};
use searchop_ranking::features::{BehaviourTable, FeatureContext};
use searchop_ranking::model::RankingModel;
use searchop_ranking::retrieval::RetrievalIndex;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::digest::Digest;
use crate::fetch::failure_file;
use crate::manifest::{self, ManifestError};
use crate::tracks::TrackFailure;

/// The longest note of a failed fetch that is read, in bytes.
const MAXIMUM_NOTE_BYTES: u64 = 64 * 1024;

/// A bundle that passed its self-check.
pub struct LoadedBundle {
    digest: Digest,
    metrics: BTreeMap<String, String>,
    model: RankingModel,
    default_row: Vec<f64>,
    feature_indices: HashMap<String, usize>,
    computes_features: bool,
    catalogue: Option<ServedCatalogue>,
}

/// A bundle's catalogue, with all that features are computed from.
pub struct ServedCatalogue {
    context: FeatureContext,
    behaviour: BehaviourTable,
    index: RetrievalIndex,
    /// For each feature of the model, the kernel's column that it is.
    columns: Vec<usize>,
}

/// Why a bundle gave no scores.
#[derive(Debug, Error)]
pub enum ScoringError {
    /// A score that orders nothing.
    #[error("the score of row {row} is {score}")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// Its score.
        score: f64,
    },
    /// The search index failed.
    #[error(transparent)]
    Retrieval(#[from] searchop_ranking::retrieval::RetrievalError),
}

/// Why a bundle is unusable.
#[derive(Debug, Error)]
pub enum BundleError {
    /// It is not what its digest names.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file cannot be understood.
    #[error("{file}: {message}")]
    Invalid {
        /// The file.
        file: &'static str,
        /// What is wrong, with the field.
        message: String,
    },
    /// Its parts do not fit each other.
    #[error("the feature schema does not fit: {0}")]
    SchemaMismatch(String),
    /// It does not score as it did where it was trained.
    #[error("row {row} of the parity sample scores {actual:?}, not {expected:?}")]
    ParityFailed {
        /// The row, from 0.
        row: usize,
        /// The score when it was trained.
        expected: f64,
        /// The score here.
        actual: f64,
    },
}

impl BundleError {
    /// The reason in PascalCase.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Manifest(error) => error.reason(),
            Self::Invalid { .. } => "InvalidData",
            Self::SchemaMismatch(_) => "SchemaMismatch",
            Self::ParityFailed { .. } => "ParityFailed",
        }
    }
}

/// What `features.json` says.
#[derive(Debug, Deserialize)]
struct SchemaFile {
    kind: SchemaKind,
    features: Vec<SchemaFeature>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum SchemaKind {
    Dense,
    QueryItem,
}

#[derive(Debug, Deserialize)]
struct SchemaFeature {
    name: String,
    #[serde(default)]
    default: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct ParityFile {
    rows: Vec<Vec<Option<f64>>>,
    scores: Vec<f64>,
}

impl LoadedBundle {
    /// Reads the bundle in `<bundles>/<digest>`, and checks it: every byte by its digest, the
    /// schema against the model, the scores against those of the training.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn load(bundles: &Path, digest: &Digest) -> Result<Self, BundleError> {
        let directory = bundles.join(digest.as_str());
        let manifest = manifest::verify(&directory, digest)?;
        let schema_bytes = read(&directory, "features.json")?;
        let schema_sha256 = hex::encode(Sha256::digest(&schema_bytes));
        if manifest
            .metadata
            .feature_schema_sha256
            .as_ref()
            .is_some_and(|promised| *promised != schema_sha256)
        {
            return Err(BundleError::SchemaMismatch(
                "it is not the one of the manifest".to_owned(),
            ));
        }
        let schema: SchemaFile = parse("features.json", &schema_bytes)?;
        let model_text = String::from_utf8(read(&directory, "model.txt")?).map_err(|error| {
            BundleError::Invalid {
                file: "model.txt",
                message: error.to_string(),
            }
        })?;
        let model = RankingModel::parse(&model_text).map_err(|error| BundleError::Invalid {
            file: "model.txt",
            message: error.to_string(),
        })?;
        if model.feature_count() != schema.features.len() {
            let message = format!(
                "{} features, the model has {}",
                schema.features.len(),
                model.feature_count()
            );
            return Err(BundleError::SchemaMismatch(message));
        }
        check_parity(
            &model,
            &parse("parity.json", &read(&directory, "parity.json")?)?,
        )?;
        let feature_indices: HashMap<String, usize> = schema
            .features
            .iter()
            .enumerate()
            .map(|(index, feature)| (feature.name.clone(), index))
            .collect();
        if feature_indices.len() != schema.features.len() {
            return Err(BundleError::SchemaMismatch(
                "a feature stands in it twice".to_owned(),
            ));
        }
        let absent = if schema.kind == SchemaKind::Dense {
            0.0
        } else {
            f64::NAN
        };
        let computes_features = schema.kind == SchemaKind::QueryItem;
        let catalogue = if computes_features && directory.join("catalogue.jsonl").exists() {
            Some(ServedCatalogue::load(&directory, &schema)?)
        } else {
            None
        };
        Ok(Self {
            digest: digest.clone(),
            metrics: manifest.metadata.headline_metrics(),
            model,
            default_row: schema
                .features
                .iter()
                .map(|feature| feature.default.unwrap_or(absent))
                .collect(),
            feature_indices,
            computes_features,
            catalogue,
        })
    }

    /// The bundle's name.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Headline metrics of its training, by name.
    pub fn metrics(&self) -> &BTreeMap<String, String> {
        &self.metrics
    }

    /// How many values a row has.
    pub fn feature_count(&self) -> usize {
        self.default_row.len()
    }

    /// The place of a feature in a row.
    pub fn feature_index(&self, name: &str) -> Option<usize> {
        self.feature_indices.get(name).copied()
    }

    /// A row about which nothing is known; NaN is "missing".
    pub fn default_row(&self) -> &[f64] {
        &self.default_row
    }

    /// Whether features come from query and item, rather than with the request.
    pub fn computes_features(&self) -> bool {
        self.computes_features
    }

    /// The items that can be ranked by id and searched.
    pub fn catalogue(&self) -> Option<&ServedCatalogue> {
        self.catalogue.as_ref()
    }

    /// One score for each row of a row-major matrix of `feature_count` columns.
    ///
    /// # Errors
    /// When a score is not finite.
    pub fn score(&self, rows: &[f64]) -> Result<Vec<f64>, ScoringError> {
        let scores = self.model.score_rows(rows);
        match scores.iter().position(|score| !score.is_finite()) {
            Some(row) => Err(ScoringError::NotFinite {
                row,
                score: scores[row],
            }),
            None => Ok(scores),
        }
    }
}

impl fmt::Debug for LoadedBundle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LoadedBundle")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl ServedCatalogue {
    fn load(directory: &Path, schema: &SchemaFile) -> Result<Self, BundleError> {
        let column = |feature: &SchemaFeature| {
            searchop_ranking::features::column(&feature.name).ok_or_else(|| {
                BundleError::SchemaMismatch(format!(
                    "this server cannot compute the feature {:?}",
                    feature.name
                ))
            })
        };
        let columns = schema
            .features
            .iter()
            .map(column)
            .collect::<Result<Vec<usize>, _>>()?;
        let invalid = |file: &'static str| {
            move |error: &dyn fmt::Display| BundleError::Invalid {
                file,
                message: error.to_string(),
            }
        };
        let catalogue = Catalogue::read(BufReader::new(open(directory, "catalogue.jsonl")?))
            .map_err(|error| invalid("catalogue.jsonl")(&error))?;
        let catalogue = Arc::new(catalogue);
        let behaviour = if directory.join("behaviour.json").exists() {
            BehaviourTable::read(
                BufReader::new(open(directory, "behaviour.json")?),
                &catalogue,
            )
            .map_err(|error| invalid("behaviour.json")(&error))?
        } else {
            BehaviourTable::empty()
        };
        let index =
            RetrievalIndex::new(&catalogue).map_err(|error| invalid("catalogue.jsonl")(&error))?;
        Ok(Self {
            context: FeatureContext::new(catalogue),
            behaviour,
            index,
            columns,
        })
    }

    /// The item with this id.
    pub fn find(&self, id: &str) -> Option<ItemIndex> {
        self.context.catalogue().find(id)
    }

    /// The product of an item of this catalogue.
    pub fn product(&self, item: ItemIndex) -> &Product {
        self.context.catalogue().product(item)
    }

    /// A row for each item, as one list of candidates for the query.
    pub fn rows(&self, query: &str, items: &[ItemIndex]) -> Vec<Vec<f64>> {
        let analysed = self.context.analyse(query);
        self.context
            .compute(&analysed, items, &self.behaviour)
            .chunks_exact(searchop_ranking::features::FEATURE_COUNT)
            .map(|computed| {
                self.columns
                    .iter()
                    .map(|column| computed[*column])
                    .collect()
            })
            .collect()
    }

    /// The `depth` items nearest to the query by text, best first.
    ///
    /// # Errors
    /// When the search index fails.
    pub fn retrieve(&self, query: &str, depth: usize) -> Result<Vec<ItemIndex>, ScoringError> {
        Ok(self
            .index
            .search(query, depth)?
            .into_iter()
            .map(|(item, _)| item)
            .collect())
    }
}

fn check_parity(model: &RankingModel, parity: &ParityFile) -> Result<(), BundleError> {
    let invalid = |message: String| BundleError::Invalid {
        file: "parity.json",
        message,
    };
    if parity.rows.is_empty() || parity.rows.len() != parity.scores.len() {
        return Err(invalid(format!(
            "{} rows and {} scores",
            parity.rows.len(),
            parity.scores.len()
        )));
    }
    for (row, (values, expected)) in parity.rows.iter().zip(&parity.scores).enumerate() {
        if values.len() != model.feature_count() {
            return Err(invalid(format!("rows[{row}] has {} values", values.len())));
        }
        let values: Vec<f64> = values
            .iter()
            .map(|value| value.unwrap_or(f64::NAN))
            .collect();
        let actual = model.score(&values);
        if actual.to_bits() != expected.to_bits() {
            return Err(BundleError::ParityFailed {
                row,
                expected: *expected,
                actual,
            });
        }
    }
    Ok(())
}

/// What the track of an unusable bundle says. When the bundle is not on the disk, the init step has
/// noted why.
pub fn failure(bundles: &Path, digest: &Digest, error: &BundleError) -> TrackFailure {
    let noted = || {
        let path = failure_file(bundles, digest);
        let length = fs::metadata(&path).ok()?.len();
        if length > MAXIMUM_NOTE_BYTES {
            return None;
        }
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    };
    noted().unwrap_or_else(|| TrackFailure {
        reason: error.reason().to_owned(),
        message: error.to_string(),
    })
}

fn open(directory: &Path, file: &'static str) -> Result<fs::File, BundleError> {
    fs::File::open(directory.join(file)).map_err(|error| BundleError::Invalid {
        file,
        message: error.to_string(),
    })
}

fn read(directory: &Path, file: &'static str) -> Result<Vec<u8>, BundleError> {
    fs::read(directory.join(file)).map_err(|error| BundleError::Invalid {
        file,
        message: error.to_string(),
    })
}

fn parse<T: for<'de> Deserialize<'de>>(file: &'static str, bytes: &[u8]) -> Result<T, BundleError> {
    serde_json::from_slice(bytes).map_err(|error| BundleError::Invalid {
        file,
        message: error.to_string(),
    })
}
