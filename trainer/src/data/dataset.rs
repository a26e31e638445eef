//! Dataset artifacts: catalogue, searches and events, from which the ranking crate computes
//! features as of what was known at each search. Only reading and putting together is here.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use searchop_ranking::baselines::Baseline;
use searchop_ranking::bundle::FeatureSchema;
use searchop_ranking::catalogue::{Catalogue, ItemIndex};
use searchop_ranking::catalogue_files::{CatalogueFormat, read_catalogue};
use searchop_ranking::events::{Event, Search};
use searchop_ranking::features::{
    BehaviourTable, FeatureContext, Journal, JournalBuilder, JournalNotes, TrainingRows,
    training_rows,
};
use searchop_ranking::json_lines::{self, JsonLinesError};
use searchop_ranking::judgements::{GradeMap, JudgementFormat, JudgementOptions, read_judgements};
use searchop_ranking::metrics::slices::{Frequency, frequency_slices};
use searchop_ranking::svmlight::RankingRows;
use searchop_ranking::ubi::{UbiLog, UbiOptions};

use super::open::{failed, is_of_content, open};
use super::randomised::Propensities;
use super::search_slices::SearchSlices;
use super::{Data, DataFound, Features, OwnData, OwnLog, ShownLists};
use crate::failure::Failure;
use crate::request::LogRows;

/// The version of the dataset format that is written and read.
pub const DATASET_FORMAT_VERSION: u32 = 1;

/// Reads a fetched dataset and computes its rows; writes the behaviour table to `behaviour`.
pub(super) fn load(folder: &Path, behaviour: PathBuf, log: LogRows) -> Result<Data, Failure> {
    let catalogue_path = folder.join("catalogue.jsonl");
    let catalogue = read_file(folder, "catalogue.jsonl", Catalogue::read)?;
    if catalogue.is_empty() {
        return Err(Failure::data("catalogue.jsonl: there are no products"));
    }
    let Log {
        journal,
        slices,
        propensities,
        events: events_read,
    } = read_log(folder, &catalogue)?;
    let context = FeatureContext::new(Arc::new(catalogue));
    let options = log.training_options();
    let made = training_rows(&context, &journal, &options);
    if made.is_empty() {
        return Err(Failure::data(format!(
            "the dataset makes no rows: of {} searches {} show nothing of the catalogue and after {} \
             nothing was clicked, put in a cart or bought",
            journal.notes.searches, made.searches_without_items, made.searches_without_feedback,
        )));
    }
    // Serving is at the end of the data: everything up to there is known then.
    let snapshot = options.snapshots.holding(journal.end());
    let table = journal.behaviour_before(context.catalogue(), options.snapshots, snapshot);
    write_behaviour(&table, context.catalogue(), &behaviour)?;
    let left_out = left_out(&journal.notes, &made);
    let mut found = DataFound {
        products: context.catalogue().len() as u64,
        searches: journal.notes.searches,
        events: events_read,
        ..DataFound::default()
    };
    for cause in &left_out {
        found.leave_out(cause.kind, cause.count);
    }
    let lists = shown_lists(&made, &journal, &slices, context.catalogue());
    let randomised = propensities.lists(&context, &journal, &options)?;
    let data = data(
        made,
        context.catalogue(),
        Some(lists),
        Features::QueryItem {
            catalogue: catalogue_path,
            behaviour,
            log: Some(log),
            schema: Box::new(FeatureSchema::of_context(&context)),
        },
        &[Baseline::Popularity, Baseline::Retrieval, Baseline::Bm25],
        (notes(&left_out), found),
    )?;
    Ok(Data { randomised, ..data })
}

/// Reads a fetched dataset as own data, which has the same formats, to look at it.
pub(super) fn as_own_data(folder: &Path) -> Result<OwnData, Failure> {
    let opened = |name: &str| {
        let found = existing(folder, name)?;
        let input = open(&found, &folder.join(&found))?;
        Ok::<_, Failure>((found, input))
    };
    let (found, input) = opened("catalogue.jsonl")?;
    let (catalogue, catalogue_notes) = read_catalogue(input, CatalogueFormat::JsonLines, 0)
        .map_err(|error| failed(&found, error))?;
    let mut log = UbiLog::new(UbiOptions::default());
    for name in ["queries.jsonl", "events.jsonl"] {
        let (found, input) = opened(name)?;
        log.read(input).map_err(|error| failed(&found, error))?;
    }
    let judgements = match existing(folder, "judgements.jsonl") {
        Ok(found) => {
            let input = open(&found, &folder.join(&found))?;
            let options = JudgementOptions {
                format: JudgementFormat::JsonLines,
                grades: &GradeMap::whole_numbers(),
                topics: None,
                allowed_bad_lines: 0,
            };
            Some(read_judgements(input, &options).map_err(|error| failed(&found, error))?)
        }
        Err(_) => None,
    };
    Ok(OwnData {
        catalogue,
        catalogue_notes,
        judgements,
        log: Some(OwnLog {
            bad_lines: log.bad_lines().clone(),
            bulk_actions: log.bulk_actions(),
            clean: log.finish(),
        }),
    })
}

/// Searches and events, and what is known of searches beside.
struct Log {
    journal: Journal,
    slices: SearchSlices,
    propensities: Propensities,
    /// How many events were read.
    events: u64,
}

/// Joins searches and events as they are read: there may be more than fit into memory as text.
fn read_log(folder: &Path, catalogue: &Catalogue) -> Result<Log, Failure> {
    let mut builder = JournalBuilder::new(catalogue);
    let mut slices = SearchSlices::default();
    let mut propensities = Propensities::default();
    let mut events = 0;
    read_file(folder, "queries.jsonl", |input| {
        json_lines::read::<Search>(input, |_, search| {
            builder.add_search(&search);
            slices.add(&search);
            propensities.add(&search);
            Ok(())
        })
    })?;
    if builder.searches() == 0 {
        return Err(Failure::data("queries.jsonl: there are no searches"));
    }
    read_file(folder, "events.jsonl", |input| {
        json_lines::read::<Event>(input, |_, event| {
            builder.add_event(&event);
            events += 1;
            Ok(())
        })
    })?;
    Ok(Log {
        journal: builder.finish(),
        slices,
        propensities,
        events,
    })
}

pub(super) fn write_behaviour(
    table: &BehaviourTable,
    catalogue: &Catalogue,
    path: &Path,
) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::local_file("write behaviour.json", error);
    let mut output = BufWriter::new(File::create(path).map_err(|error| failed(&error))?);
    table
        .write(catalogue, &mut output)
        .map_err(|error| failed(&std::io::Error::other(error)))?;
    output.flush().map_err(|error| failed(&error))
}

/// Rows with what is known of them. Random is no baseline here: it needs nothing but rows and is
/// added where rows are measured.
pub(super) fn data(
    made: TrainingRows,
    catalogue: &Catalogue,
    lists: Option<ShownLists>,
    features: Features,
    baselines: &[Baseline],
    (notes, found): (Vec<String>, DataFound),
) -> Result<Data, Failure> {
    let baselines = baselines
        .iter()
        .map(|baseline| {
            (
                baseline.name().to_owned(),
                baseline.scores(&made, catalogue, 0),
            )
        })
        .collect();
    let labels = made
        .labels
        .iter()
        .map(|label| u8::try_from(*label))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::internal(format!("a label of the feature kernel: {error}")))?;
    let sizes: Vec<usize> = made.searches.iter().map(|search| search.rows).collect();
    let identifiers = made
        .searches
        .iter()
        .map(|search| search.query_id.clone())
        .collect();
    let rows =
        RankingRows::from_dense(labels, &sizes, identifiers, made.feature_count, made.values)
            .map_err(Failure::internal)?;
    Ok(Data {
        rows,
        provided_test: None,
        query_keys: made
            .searches
            .iter()
            .map(|search| search.query_key.clone())
            .collect(),
        timestamps: Some(
            made.searches
                .iter()
                .map(|search| search.timestamp)
                .collect(),
        ),
        baselines,
        lists,
        randomised: None,
        features,
        label_gains: None,
        notes,
        found: Some(found),
    })
}

/// How frequent each query key is among all searches; empty where all are equally frequent.
fn frequencies(journal: &Journal) -> HashMap<&str, Frequency> {
    let mut searches: HashMap<&str, u64> = HashMap::new();
    for search in journal.searches() {
        *searches
            .entry(journal.query_key(search.query_key()))
            .or_default() += 1;
    }
    let (keys, counts): (Vec<&str>, Vec<u64>) = searches.into_iter().unzip();
    let slices = frequency_slices(&counts).unwrap_or_default();
    keys.into_iter().zip(slices).collect()
}

pub(super) fn shown_lists(
    made: &TrainingRows,
    journal: &Journal,
    slices: &SearchSlices,
    catalogue: &Catalogue,
) -> ShownLists {
    let frequencies = frequencies(journal);
    // Items are in many lists: each title is held once.
    let mut titles: HashMap<ItemIndex, Arc<str>> = HashMap::new();
    let mut title = |item: &ItemIndex| {
        titles
            .entry(*item)
            .or_insert_with(|| catalogue.product(*item).title.as_str().into())
            .clone()
    };
    let frequency = |key: &String| frequencies.get(key.as_str()).copied();
    let (intents, segments) = made
        .searches
        .iter()
        .map(|search| <(_, _)>::from(slices.get(&search.query_id)))
        .unzip();
    ShownLists {
        queries: made.searches.iter().map(|it| it.query.clone()).collect(),
        frequencies: made
            .searches
            .iter()
            .map(|it| frequency(&it.query_key))
            .collect(),
        intents,
        segments,
        titles: made.items.iter().map(&mut title).collect(),
        positions: made.positions.clone(),
    }
}

/// The file `name`, or `name.gz`.
fn existing(folder: &Path, name: &str) -> Result<String, Failure> {
    let compressed = format!("{name}.gz");
    [name.to_owned(), compressed.clone()]
        .into_iter()
        .find(|name| folder.join(name).is_file())
        .ok_or_else(|| Failure::data(format!("the dataset has neither {name} nor {compressed}")))
}

/// Opens `name`, or `name.gz`, and reads it.
fn read_file<T>(
    folder: &Path,
    name: &str,
    read: impl FnOnce(Box<dyn BufRead>) -> Result<T, JsonLinesError>,
) -> Result<T, Failure> {
    let found = existing(folder, name)?;
    let file = File::open(folder.join(&found))
        .map_err(|error| Failure::local_file(format!("read {found}"), &error))?;
    let input: Box<dyn BufRead> = if found != name {
        Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file))))
    } else {
        Box::new(BufReader::new(file))
    };
    read(input).map_err(|error| match error {
        JsonLinesError::Io { source, .. } if !is_of_content(&source) => {
            Failure::local_file(format!("read {found}"), &source)
        }
        error => Failure::data(format!("{found}: {error}")),
    })
}

/// A cause to leave something out of rows.
pub(super) struct Cause {
    /// Its name, in status.
    pub(super) kind: &'static str,
    /// How much was left out for it.
    pub(super) count: u64,
    what: &'static str,
}

/// What was left out, one line for each cause.
pub(super) fn notes(left_out: &[Cause]) -> Vec<String> {
    left_out
        .iter()
        .map(|cause| format!("{} {}", cause.count, cause.what))
        .collect()
}

/// What was left out, for each cause that occurred.
pub(super) fn left_out(journal: &JournalNotes, rows: &TrainingRows) -> Vec<Cause> {
    [
        (
            "RepeatedSearch",
            journal.repeated_searches,
            "searches left out: their id was there before",
        ),
        (
            "SearchWithoutItems",
            rows.searches_without_items,
            "searches left out: they show nothing of the catalogue",
        ),
        (
            "SearchWithoutFeedback",
            rows.searches_without_feedback,
            "searches left out: nothing was done after them",
        ),
        (
            "SearchBeyondMaximum",
            rows.searches_beyond_maximum,
            "searches left out: they are more than --max-searches",
        ),
        (
            "UnknownOrRepeatedItem",
            journal.unknown_or_repeated_shown_items,
            "shown items left out: not in the catalogue, or twice in one list",
        ),
        (
            "EventOfUnrecordedSearch",
            journal.events_without_search,
            "events left out: their search is not there",
        ),
        (
            "EventWithoutImpression",
            journal.events_without_impression,
            "events left out: their search did not show the item",
        ),
        (
            "EventBeforeSearch",
            journal.events_before_search,
            "events left out: they are from before their search",
        ),
        (
            "RepeatedAction",
            journal.repeated_events,
            "events left out: repeats of the same action",
        ),
    ]
    .into_iter()
    .filter(|(_, count, _)| *count > 0)
    .map(|(kind, count, what)| Cause { kind, count, what })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn reading(read: impl FnOnce() -> std::io::Error) -> Failure {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("queries.jsonl"), "{}").unwrap();
        read_file(folder.path(), "queries.jsonl", |_| {
            let source = read();
            Err::<(), _>(JsonLinesError::Io { line: 1, source })
        })
        .expect_err("it cannot be read")
    }

    #[test]
    fn a_disk_that_fails_is_not_taken_for_bad_data() {
        const INPUT_OUTPUT_ERROR: i32 = 5;
        let failure = reading(|| std::io::Error::from_raw_os_error(INPUT_OUTPUT_ERROR));
        assert_eq!((failure.retryable, failure.exit_code()), (true, 75));
        assert!(failure.message.contains("queries.jsonl"), "{failure}");
    }

    #[test]
    fn what_cannot_be_decompressed_is_bad_data() {
        let mut compressed = Vec::new();
        let mut encoder =
            flate2::write::GzEncoder::new(&mut compressed, flate2::Compression::default());
        encoder.write_all(&[b'x'; 10_000]).unwrap();
        encoder.finish().unwrap();
        let mut damaged = compressed.clone();
        damaged[12] ^= 0xff;
        for bytes in [&compressed[..20], &damaged, b"no gzip, but long enough"] {
            let failure = reading(|| {
                MultiGzDecoder::new(bytes)
                    .read_to_end(&mut Vec::new())
                    .expect_err("it is damaged")
            });
            assert_eq!(
                (failure.reason, failure.retryable),
                (crate::failure::Reason::InvalidData, false),
                "{failure}"
            );
        }
    }
}
