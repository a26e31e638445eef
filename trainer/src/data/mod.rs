//! From a request's data source to labelled rows: fetching with every byte verified, then reading
//! or computing. It neither splits nor trains.

mod dataset;
mod found;
mod joined_log;
mod matrix;
mod open;
mod own;
mod parquet_json;
mod parquet_pages;
mod parquet_rows;
mod randomised;
mod search_slices;
mod serving_files;
mod svmlight_files;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use searchop_artifacts::{ArtifactRepository, ArtifactUri, Kind, Owner};
use searchop_ranking::bundle::FeatureSchema;
use searchop_ranking::metrics::slices::Frequency;
use searchop_ranking::svmlight::RankingRows;

pub use dataset::{
    CATALOGUE_FILE, DATASET_FORMAT_VERSION, EVENTS_FILE, JUDGEMENTS_FILE, QUERIES_FILE,
};
pub use found::DataFound;
pub(crate) use own::notes_of;
pub use own::{LocalOwnFiles, OwnData, OwnLog};
#[cfg(test)]
pub(crate) use parquet_rows::ParquetRows;
pub use randomised::RandomisedRows;

use crate::failure::Failure;
use crate::job::{Job, blocking};
use crate::progress::Stage;
use crate::request::{DataSource, LogRows};
use own::JoinedOwnData;
use serving_files::ServingFiles;
use svmlight_files::LocalFiles;

/// Labelled rows and what is known of them.
#[derive(Debug)]
pub struct Data {
    /// All rows but provided test rows.
    pub rows: RankingRows,
    /// The Validation input.
    pub provided_test: Option<RankingRows>,
    /// For each query of `rows`, what must not stand on both sides of a split by query.
    pub query_keys: Vec<String>,
    /// For each query of `rows`, when it was, in milliseconds since 1970; rows in time order.
    pub timestamps: Option<Vec<i64>>,
    /// Scores of simple rankings for each row of `rows`, by name, as far as the data allows.
    pub baselines: BTreeMap<String, Vec<f64>>,
    /// How people call what is in `rows`, where they are lists that were shown.
    pub lists: Option<ShownLists>,
    /// Lists that chance put in their order, where a log says so.
    pub randomised: Option<RandomisedRows>,
    /// What kind of features the rows have.
    pub features: Features,
    /// What each label is worth in NDCG, where it is not 2^label - 1.
    pub label_gains: Option<Vec<f64>>,
    /// What was left out of the data and why, for people.
    pub notes: Vec<String>,
    /// The same in numbers; rows of features have none.
    pub found: Option<DataFound>,
}

/// Lists that were shown, as people know them.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownLists {
    /// What was typed, for each query.
    pub queries: Vec<String>,
    /// How frequent what it searched for is among all searches of the data, for each query;
    /// `None` where everything is equally frequent.
    pub frequencies: Vec<Option<Frequency>>,
    /// What it was for, where the data says so, for each query.
    pub intents: Vec<Option<Arc<str>>>,
    /// Which group of people searched, where the data says so, for each query.
    pub segments: Vec<Option<Arc<str>>>,
    /// The item's title, for each row.
    pub titles: Vec<Arc<str>>,
    /// The position at which it was shown, from 1, for each row.
    pub positions: Vec<u32>,
}

impl ShownLists {
    /// The lists of these queries, in this order; `rows` are those that the lists are of.
    #[must_use]
    pub fn select(&self, rows: &RankingRows, queries: &[usize]) -> Self {
        let of_rows = || queries.iter().flat_map(|query| rows.query_rows(*query));
        Self {
            queries: queries.iter().map(|it| self.queries[*it].clone()).collect(),
            frequencies: queries.iter().map(|it| self.frequencies[*it]).collect(),
            intents: queries.iter().map(|it| self.intents[*it].clone()).collect(),
            segments: queries
                .iter()
                .map(|it| self.segments[*it].clone())
                .collect(),
            titles: of_rows().map(|row| self.titles[row].clone()).collect(),
            positions: of_rows().map(|row| self.positions[row]).collect(),
        }
    }
}

/// What kind of features rows have.
#[derive(Debug)]
pub enum Features {
    /// Numbered columns, given inline when serving.
    Dense {
        /// The number of the first column in the files, 0 or 1: features are named by it.
        first: usize,
    },
    /// Named features of a query and an item, computed when serving from these files.
    QueryItem {
        /// `catalogue.jsonl`.
        catalogue: PathBuf,
        /// `behaviour.json`: what is known of the past at the end of the data.
        behaviour: PathBuf,
        /// How the rows were made, if they were made of a log.
        log: Option<LogRows>,
        /// What they are.
        schema: Box<FeatureSchema>,
    },
}

impl Features {
    /// What the columns of `feature_count` are.
    #[must_use]
    pub fn schema(&self, feature_count: usize) -> FeatureSchema {
        match self {
            Self::Dense { first } => FeatureSchema::dense_from(*first, feature_count),
            Self::QueryItem { schema, .. } => schema.as_ref().clone(),
        }
    }
}

/// Takes rows as they are made, query by query.
pub trait QueryWriter: Send + 'static {
    /// Takes the rows of one query: a label for each, and their values row-major. `total` is the
    /// number of rows of all queries.
    ///
    /// # Errors
    /// They cannot be written.
    fn write(&mut self, labels: &[u8], values: &[f64], total: u64) -> Result<(), Failure>;
}

/// All rows went through a writer.
#[derive(Debug)]
pub struct Written<W> {
    /// It.
    pub writer: W,
    /// What the columns are.
    pub schema: FeatureSchema,
    /// What was left out of the data and why, for people.
    pub notes: Vec<String>,
}

impl Data {
    fn write_queries<W: QueryWriter>(
        self,
        open: impl FnOnce(&FeatureSchema) -> Result<W, Failure>,
    ) -> Result<Written<W>, Failure> {
        let rows = &self.rows;
        let schema = self.features.schema(rows.feature_count());
        let mut writer = open(&schema)?;
        let total = rows.row_count() as u64;
        let mut values = Vec::new();
        for query in 0..rows.query_count() {
            let of_query = rows.query_rows(query);
            let labels = &rows.labels()[of_query.clone()];
            values.resize(of_query.len() * rows.feature_count(), 0.0);
            for (row, values) in of_query.zip(values.chunks_exact_mut(rows.feature_count())) {
                rows.copy_row(row, values);
            }
            writer.write(labels, &values, total)?;
        }
        Ok(Written {
            writer,
            schema,
            notes: self.notes,
        })
    }
}

/// A data source whose digest is known.
#[derive(Debug)]
pub enum ResolvedSource {
    /// A dataset artifact; it is not fetched yet.
    Dataset {
        /// Its address.
        uri: ArtifactUri,
        /// Its store.
        repository: ArtifactRepository,
    },
    /// Input files; they are fetched, for a digest that is not given cannot be known otherwise.
    Files(LocalFiles),
    /// Own data; it is fetched for the same reason.
    Own(Box<LocalOwnFiles>),
}

impl ResolvedSource {
    /// Finds out what the data is.
    ///
    /// # Errors
    /// An input that is not there, is not what its digest promises, or what the store says.
    pub async fn new(job: &Job, source: &DataSource) -> Result<Self, Failure> {
        job.progress.begin(Stage::Download);
        match source {
            DataSource::Dataset(artifact) => {
                let (uri, repository) = job.locate(artifact).await?;
                Ok(Self::Dataset { uri, repository })
            }
            DataSource::SvmLight(files) => Ok(Self::Files(LocalFiles::fetch(job, files).await?)),
            DataSource::Own(files) => {
                Ok(Self::Own(Box::new(LocalOwnFiles::fetch(job, files).await?)))
            }
        }
    }

    /// The dataset's digest; of input files, one made of theirs and of how they are read.
    #[must_use]
    pub fn sha256(&self) -> String {
        match self {
            Self::Dataset { uri, .. } => uri.sha256.to_string(),
            Self::Files(files) => files.digest().to_string(),
            Self::Own(files) => files.digest().to_string(),
        }
    }

    /// Records that `owner` needs the dataset, if it is in the owner's own store: elsewhere it is
    /// not this program's to keep or purge.
    ///
    /// # Errors
    /// What the store says.
    pub async fn refer(&self, own: &ArtifactRepository, owner: &Owner) -> Result<(), Failure> {
        if let Self::Dataset { uri, repository } = self
            && repository.store().uri() == own.store().uri()
        {
            own.refer(uri.sha256, owner).await?;
        }
        Ok(())
    }

    /// Fetches what is not fetched yet, and reads or computes the rows; `log` says how, of a log.
    ///
    /// # Errors
    /// Data that cannot be used (file, line and field are named), and what the store says.
    pub async fn load(self, job: &Job, log: LogRows) -> Result<Data, Failure> {
        let files = ServingFiles::of(job);
        match self {
            Self::Dataset { uri, repository } => {
                let folder = fetch_dataset(job, repository, &uri).await?;
                blocking(move || dataset::join(&folder)?.into_data(files, log)).await
            }
            Self::Files(inputs) => {
                job.progress.begin(Stage::Features);
                blocking(move || inputs.load()).await
            }
            Self::Own(inputs) => {
                job.progress.begin(Stage::Features);
                blocking(move || match own::join(inputs.read()?)? {
                    JoinedOwnData::Judged(judged) => {
                        judged.into_data(files, log.training_options().snapshots)
                    }
                    JoinedOwnData::Logged(joined) => joined.into_data(files, log),
                })
                .await
            }
        }
    }

    /// As [`Self::load`], but the rows only pass through: those of a log are never in memory together.
    /// `open` makes the writer once the data is known to make rows.
    ///
    /// # Errors
    /// As [`Self::load`], and what the writer says.
    pub async fn write_queries<W: QueryWriter>(
        self,
        job: &Job,
        log: LogRows,
        open: impl FnOnce(&FeatureSchema) -> Result<W, Failure> + Send + 'static,
    ) -> Result<Written<W>, Failure> {
        let files = ServingFiles::of(job);
        match self {
            Self::Dataset { uri, repository } => {
                let folder = fetch_dataset(job, repository, &uri).await?;
                blocking(move || dataset::join(&folder)?.write_queries(log, open)).await
            }
            Self::Files(inputs) => {
                job.progress.begin(Stage::Features);
                blocking(move || inputs.load()?.write_queries(open)).await
            }
            Self::Own(inputs) => {
                job.progress.begin(Stage::Features);
                blocking(move || match own::join(inputs.read()?)? {
                    JoinedOwnData::Judged(judged) => judged
                        .into_data(files, log.training_options().snapshots)?
                        .write_queries(open),
                    JoinedOwnData::Logged(joined) => joined.write_queries(log, open),
                })
                .await
            }
        }
    }

    /// Fetches and reads everything to look at it: what files of own data and datasets hold, and
    /// the rows that datasets and rows of features make.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn read(
        self,
        job: &Job,
        log: LogRows,
    ) -> Result<(Option<OwnData>, Option<Data>), Failure> {
        match self {
            Self::Own(files) => {
                job.progress.begin(Stage::Features);
                let own = blocking(move || files.read()).await?;
                Ok((Some(own), None))
            }
            Self::Dataset { uri, repository } => {
                let folder = fetch_dataset(job, repository, &uri).await?;
                let files = ServingFiles::of(job);
                blocking(move || {
                    let own = dataset::as_own_data(&folder)?;
                    let data = dataset::join(&folder)?.into_data(files, log)?;
                    Ok((Some(own), Some(data)))
                })
                .await
            }
            files @ Self::Files(_) => Ok((None, Some(files.load(job, log).await?))),
        }
    }
}

async fn fetch_dataset(
    job: &Job,
    repository: ArtifactRepository,
    uri: &ArtifactUri,
) -> Result<PathBuf, Failure> {
    let folder = job.work_path("dataset");
    job.fetch(repository, uri.sha256, Kind::Dataset, &folder)
        .await?;
    job.progress.begin(Stage::Features);
    Ok(folder)
}
