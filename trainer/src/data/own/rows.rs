//! From own data to labelled rows: of judgements where there are any, else of the log.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use searchop_ranking::baselines::Baseline;
use searchop_ranking::bundle::FeatureSchema;
use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::features::{
    BehaviourTable, FeatureContext, JournalBuilder, TrainingRows, judged_rows, training_rows,
};
use searchop_ranking::input::BadLines;
use searchop_ranking::judgements::JudgementList;

use super::OwnData;
use crate::data::dataset::{
    data, left_out as left_out_of_rows, notes as notes_of_causes, shown_lists, write_behaviour,
};
use crate::data::randomised::Propensities;
use crate::data::search_slices::SearchSlices;
use crate::data::{Data, DataFound, Features};
use crate::failure::Failure;
use crate::request::LogRows;

/// Makes rows; writes the catalogue and the behaviour table to the two paths.
pub(super) fn rows(
    own: OwnData,
    catalogue: PathBuf,
    behaviour: PathBuf,
    log_rows: LogRows,
) -> Result<Data, Failure> {
    let options = log_rows.training_options();
    let mut notes = notes_of(&own);
    let mut found = DataFound::of(&own);
    let OwnData {
        catalogue: products,
        judgements,
        log,
        ..
    } = own;
    write_catalogue(&products, &catalogue)?;
    let slices = log.as_ref().map_or_else(SearchSlices::default, |log| {
        SearchSlices::of(log.clean.searches())
    });
    let propensities = log.as_ref().map_or_else(Propensities::default, |log| {
        Propensities::of(log.clean.searches())
    });
    let journal = log.map(|log| {
        let mut builder = JournalBuilder::new(&products);
        for search in log.clean.searches() {
            builder.add_search(search);
        }
        for event in log.clean.events() {
            builder.add_event(&event);
        }
        builder.finish()
    });
    let context = FeatureContext::new(Arc::new(products));
    // Serving is at the end of the data: everything up to there is known then.
    let table = journal
        .as_ref()
        .map_or_else(BehaviourTable::empty, |journal| {
            let snapshot = options.snapshots.holding(journal.end());
            journal.behaviour_before(context.catalogue(), options.snapshots, snapshot)
        });
    write_behaviour(&table, context.catalogue(), &behaviour)?;
    let features = Features::QueryItem {
        catalogue,
        behaviour,
        log: judgements.is_none().then_some(log_rows),
        schema: Box::new(FeatureSchema::of_context(&context)),
    };
    if let Some(judgements) = judgements {
        let made = judged_rows(&context, &judgements, &table);
        found.leave_out("JudgementOfUnknownItem", made.unknown_items);
        found.leave_out("JudgedQueryWithoutItems", made.queries_without_items);
        notes.extend(left_out(
            made.unknown_items,
            "judgements left out: the catalogue lacks their item",
        ));
        notes.extend(left_out(
            made.queries_without_items,
            "judged queries left out: the catalogue has none of their items",
        ));
        require_rows(&made.rows, "no judgement is of an item of the catalogue")?;
        let baselines = [Baseline::Popularity, Baseline::Bm25];
        let data = data(
            made.rows,
            context.catalogue(),
            None,
            features,
            &baselines,
            (notes, found),
        )?;
        return Ok(Data {
            timestamps: None,
            label_gains: stated_gains(&judgements),
            ..data
        });
    }
    let Some(journal) = journal else {
        return Err(Failure::internal("there are neither judgements nor a log"));
    };
    let made = training_rows(&context, &journal, &options);
    let causes = left_out_of_rows(&journal.notes, &made);
    for cause in &causes {
        found.leave_out(cause.kind, cause.count);
    }
    notes.extend(notes_of_causes(&causes));
    require_rows(
        &made,
        &format!(
            "of {} searches {} show nothing of the catalogue and after {} nothing was clicked, put in \
             a cart or bought",
            journal.notes.searches, made.searches_without_items, made.searches_without_feedback
        ),
    )?;
    let baselines = [Baseline::Popularity, Baseline::Retrieval, Baseline::Bm25];
    let lists = shown_lists(&made, &journal, &slices, context.catalogue());
    let randomised = propensities.lists(&context, &journal, &options)?;
    let data = data(
        made,
        context.catalogue(),
        Some(lists),
        features,
        &baselines,
        (notes, found),
    )?;
    Ok(Data { randomised, ..data })
}

fn require_rows(rows: &TrainingRows, cause: &str) -> Result<(), Failure> {
    if rows.is_empty() {
        return Err(Failure::data(format!("the data makes no rows: {cause}")));
    }
    Ok(())
}

/// The gains of the labels up to the highest, unless they are 2^label - 1.
fn stated_gains(judgements: &JudgementList) -> Option<Vec<f64>> {
    let gains = judgements.label_gains();
    // Labels that no document has do not count: theirs are only filled in.
    let is_usual = judgements
        .queries()
        .iter()
        .flat_map(|query| &query.items)
        .all(|item| {
            gains
                .get(usize::from(item.label))
                .is_some_and(|gain| *gain == f64::from((1_u32 << item.label) - 1))
        });
    (!is_usual).then(|| gains.to_vec())
}

fn write_catalogue(catalogue: &Catalogue, path: &Path) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::local_file("write catalogue.jsonl", error);
    let mut output = BufWriter::new(File::create(path).map_err(|error| failed(&error))?);
    catalogue
        .write(&mut output)
        .map_err(|error| failed(&std::io::Error::other(error)))?;
    output.flush().map_err(|error| failed(&error))
}

/// What was found in own data and what was done with it, one sentence for each kind; what cost
/// most rows comes first.
pub(crate) fn notes_of(own: &OwnData) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(bad_lines("the catalogue", &own.catalogue_notes.bad_lines));
    notes.extend(left_out(
        own.catalogue_notes.repeated,
        "products left out: repeats of an earlier one",
    ));
    if let Some(list) = &own.judgements {
        notes.extend(bad_lines("the judgements", &list.notes.bad_lines));
        notes.extend(left_out(
            list.notes.repeated,
            "judgements left out: repeats of an earlier one",
        ));
        for (field, rows) in &list.notes.ignored_fields {
            notes.push(format!("field {field:?} of {rows} judgements is not read"));
        }
    }
    if let Some(log) = &own.log {
        notes.extend(bad_lines("the log", &log.bad_lines));
        let mut found: Vec<_> = log.clean.dirt.found().collect();
        found.sort_by_key(|(_, count)| std::cmp::Reverse(count.left_out));
        for (kind, count) in found {
            notes.push(format!(
                "{} {kind:?}: {}",
                count.searches + count.events,
                kind.treatment()
            ));
        }
    }
    notes
}

fn bad_lines(of: &str, bad: &BadLines) -> Option<String> {
    let first = bad.examples().first()?;
    Some(format!(
        "{} bad lines of {of} passed over ({bad}); the first is {first}",
        bad.total()
    ))
}

fn left_out(count: u64, what: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {what}"))
}
