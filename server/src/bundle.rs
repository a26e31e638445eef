//! One loaded bundle: verified, self-checked, ready to rank. Immutable once loaded.
//!
//! Scores rows, computes features and retrieves with what `searchop-ranking` has; which requests it
//! gets is `tracks`, what their rows are is `rank`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use searchop_ranking::bundle::{
    BEHAVIOUR_FILE, Bundle, CATALOGUE_FILE, FeatureSchema, REPORT_FILE, SchemaKind, SelfCheckError,
};
use searchop_ranking::catalogue::{Catalogue, ItemIndex, Product};
use searchop_ranking::features::{BehaviourTable, FeatureContext, RecentEvent};
use searchop_ranking::model::RankingModel;
use searchop_ranking::retrieval::{RetrievalError, RetrievalIndex};
use searchop_ranking::scorer::Scratch;
use thiserror::Error;

use crate::digest::Digest;
use crate::fetch::failure_file;
use crate::manifest::{self, ManifestError};
use crate::tracks::TrackFailure;

/// The most values that buffers keep their memory for between requests: 2 MiB of them.
const MOST_KEPT_VALUES: usize = 256 * 1024;
/// The longest note of a failed fetch that is read, in bytes.
const MAXIMUM_NOTE_BYTES: u64 = 64 * 1024;

/// A bundle that passed its self-check.
pub struct LoadedBundle {
    digest: Digest,
    metrics: BTreeMap<String, String>,
    model: RankingModel,
    /// What requests are ranked in, one at a time each; as many as ever were at once.
    buffers: Mutex<Vec<Buffers>>,
    kind: SchemaKind,
    default_row: Vec<f64>,
    feature_names: Vec<String>,
    feature_indices: HashMap<String, usize>,
    catalogue: Option<ServedCatalogue>,
    report: Option<Bytes>,
}

/// Memory that a request is ranked in, kept for the next one.
pub struct Buffers {
    /// Of its rows.
    pub rows: RowBuffers,
    /// A score for each row.
    pub scores: Vec<f64>,
    /// Of the scorer.
    pub scratch: Scratch,
}

/// Memory for the rows of a request.
#[derive(Debug, Default)]
pub struct RowBuffers {
    /// A row-major matrix.
    pub values: Vec<f64>,
    /// For each candidate, whether it has a row.
    pub has_row: Vec<bool>,
    /// For each feature, whether a candidate names it.
    pub is_named: Vec<bool>,
}

/// A bundle's catalogue, with all that features are computed from.
pub struct ServedCatalogue {
    context: FeatureContext,
    behaviour: BehaviourTable,
    index: RetrievalIndex,
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
    Retrieval(#[from] RetrievalError),
}

/// Why a bundle is unusable.
#[derive(Debug, Error)]
pub enum BundleError {
    /// It is not what its digest names.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its model, schema or scores are not what they should be.
    #[error(transparent)]
    SelfCheck(#[from] SelfCheckError),
    /// What it ranks cannot be understood.
    #[error("{file}: {message}")]
    Catalogue {
        /// The file.
        file: &'static str,
        /// What is wrong, with line or field.
        message: String,
    },
}

impl BundleError {
    /// The reason in PascalCase.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Manifest(error) => error.reason(),
            Self::SelfCheck(error) => error.reason(),
            Self::Catalogue { .. } => "CatalogueInvalid",
        }
    }
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
        let Bundle {
            model,
            schema,
            metadata,
            ..
        } = Bundle::load(&directory, &manifest.metadata)?;
        // Only what the manifest lists was verified.
        let catalogue =
            match schema.kind {
                SchemaKind::QueryItem if manifest.lists(CATALOGUE_FILE) => Some(
                    ServedCatalogue::load(&directory, &schema, manifest.lists(BEHAVIOUR_FILE))?,
                ),
                SchemaKind::QueryItem | SchemaKind::Dense => None,
            };
        let report = if manifest.lists(REPORT_FILE) {
            let path = directory.join(REPORT_FILE);
            let page = fs::read(&path).map_err(|source| ManifestError::Read { path, source })?;
            Some(page.into())
        } else {
            None
        };
        Ok(Self {
            digest: digest.clone(),
            metrics: metadata
                .metrics
                .into_iter()
                .map(|metric| (metric.name, metric.value))
                .collect(),
            model,
            buffers: Mutex::default(),
            kind: schema.kind,
            default_row: schema.default_row(),
            feature_indices: feature_indices(&schema),
            feature_names: schema
                .features
                .into_iter()
                .map(|feature| feature.name)
                .collect(),
            catalogue,
            report,
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

    /// How many trees its model has.
    pub fn tree_count(&self) -> usize {
        self.model.tree_count()
    }

    /// The features' names, in the order of a row.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// What each feature of a row adds to its score, and then the base value: exact SHAP values,
    /// which together are the score.
    pub fn contributions(&self, row: &[f64]) -> Vec<f64> {
        self.model.contributions(row)
    }

    /// The score that the model expects of a row of which nothing is known.
    pub fn base_value(&self) -> f64 {
        self.model.base_value()
    }

    /// The place of a feature in a row; found at once where it is the `expected` one.
    pub fn feature_index(&self, name: &str, expected: usize) -> Option<usize> {
        match self.feature_names.get(expected) {
            Some(feature) if feature == name => Some(expected),
            _ => self.feature_indices.get(name).copied(),
        }
    }

    /// A row about which nothing is known; NaN is "missing".
    pub fn default_row(&self) -> &[f64] {
        &self.default_row
    }

    /// Whether features come from query and item, rather than with the request.
    pub fn computes_features(&self) -> bool {
        self.kind == SchemaKind::QueryItem
    }

    /// The items that can be ranked by id and searched.
    pub fn catalogue(&self) -> Option<&ServedCatalogue> {
        self.catalogue.as_ref()
    }

    /// The page about its training, in HTML, if it has one.
    pub fn report(&self) -> Option<&Bytes> {
        self.report.as_ref()
    }

    /// Runs `work` with memory that other requests used before.
    pub fn with_buffers<T>(&self, work: impl FnOnce(&mut Buffers) -> T) -> T {
        let mut buffers = self.kept_buffers().pop().unwrap_or_else(|| Buffers {
            rows: RowBuffers::default(),
            scores: Vec::new(),
            scratch: self.model.scratch(),
        });
        let result = work(&mut buffers);
        if buffers.rows.values.capacity() <= MOST_KEPT_VALUES {
            self.kept_buffers().push(buffers);
        }
        result
    }

    fn kept_buffers(&self) -> MutexGuard<'_, Vec<Buffers>> {
        // What a panic left behind is whole: buffers are not among these while they are used.
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One score for each row of a row-major matrix of `feature_count` columns.
    ///
    /// # Errors
    /// When a score is not finite.
    pub fn score(
        &self,
        rows: &[f64],
        scratch: &mut Scratch,
        scores: &mut Vec<f64>,
    ) -> Result<(), ScoringError> {
        scores.clear();
        scores.resize(rows.len() / self.feature_count(), 0.0);
        self.model.score_rows(rows, scratch, scores);
        match scores.iter().position(|score| !score.is_finite()) {
            Some(row) => Err(ScoringError::NotFinite {
                row,
                score: scores[row],
            }),
            None => Ok(()),
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

fn feature_indices(schema: &FeatureSchema) -> HashMap<String, usize> {
    schema
        .features
        .iter()
        .enumerate()
        .map(|(index, feature)| (feature.name.clone(), index))
        .collect()
}

impl ServedCatalogue {
    fn load(
        directory: &Path,
        schema: &FeatureSchema,
        has_behaviour: bool,
    ) -> Result<Self, BundleError> {
        let catalogue = Catalogue::read(open(directory, CATALOGUE_FILE)?)
            .map_err(|error| invalid(CATALOGUE_FILE, &error))?
            .in_language(schema.language);
        let behaviour = if has_behaviour {
            BehaviourTable::read(open(directory, BEHAVIOUR_FILE)?, &catalogue)
                .map_err(|error| invalid(BEHAVIOUR_FILE, &error))?
        } else {
            BehaviourTable::empty()
        };
        let index =
            RetrievalIndex::new(&catalogue).map_err(|error| invalid(CATALOGUE_FILE, &error))?;
        Ok(Self {
            context: FeatureContext::with_attributes(Arc::new(catalogue), schema.attributes()),
            behaviour,
            index,
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

    /// Appends to `rows` those of the items as one list of candidates for the query of somebody with
    /// these recent events: a row-major matrix of the schema's columns.
    pub fn append_rows(
        &self,
        query: &str,
        recent: Vec<RecentEvent>,
        items: &[ItemIndex],
        rows: &mut Vec<f64>,
    ) {
        let query = self.context.analyse(query).with_recent(recent);
        self.context
            .compute_into(&query, items, &self.behaviour, rows);
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

fn open(directory: &Path, file: &'static str) -> Result<BufReader<fs::File>, BundleError> {
    let opened = fs::File::open(directory.join(file)).map_err(|error| invalid(file, &error))?;
    Ok(BufReader::new(opened))
}

fn invalid(file: &'static str, error: &dyn fmt::Display) -> BundleError {
    BundleError::Catalogue {
        file,
        message: error.to_string(),
    }
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
