//! Model bundles: the files a trained model is published as, and the check of
//! them before use.
//!
//! A bundle is a folder. `model.txt` is the model, `features.json` says what its
//! features are, `parity.json` holds rows with their scores, `metrics.json` how
//! good it is and `report.html` tells people; a catalogue and behaviour may stand beside them. Where the folder
//! comes from, and that its bytes are the right ones, is the artifact store's part.

mod canonical;
mod load;
mod metadata;
mod metrics_table;
mod parity;
mod schema;

#[cfg(test)]
mod tests;

pub use canonical::{canonical_json, sha256_of_canonical_json};
pub use load::{Bundle, SelfCheckError};
pub use metadata::{BundleMetadata, BundleVersions, HeadlineMetric};
pub use metrics_table::{
    METRICS_FORMAT_VERSION, MetricReport, MetricsTable, RankingFigure, SliceMetric, SliceReport,
};
pub use parity::{PARITY_ROWS_MINIMUM, ParitySample, ParitySampleError, choose_parity_rows};
pub use schema::{
    FEATURES_FORMAT_VERSION, FeatureSchema, OLDEST_FEATURES_FORMAT_VERSION, SchemaError,
    SchemaFeature, SchemaKind,
};

/// The version of the bundle's layout: the manifest's `formatVersion`.
pub const BUNDLE_FORMAT_VERSION: u32 = 1;
/// LightGBM's text model, normalised.
pub const MODEL_FILE: &str = "model.txt";
/// The [`FeatureSchema`].
pub const FEATURES_FILE: &str = "features.json";
/// The [`ParitySample`].
pub const PARITY_FILE: &str = "parity.json";
/// The [`MetricsTable`].
pub const METRICS_FILE: &str = "metrics.json";
/// The [`Report`](crate::report::Report) for people.
pub const REPORT_FILE: &str = "report.html";
/// The products, if the model ranks a catalogue.
pub const CATALOGUE_FILE: &str = "catalogue.jsonl";
/// What people did before the snapshot, if the model uses it.
pub const BEHAVIOUR_FILE: &str = "behaviour.json";
