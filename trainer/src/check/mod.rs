//! `check`: what data holds and what is wrong with it, told before anyone trains. Nothing is
//! trained or published.

mod findings;

use crate::cli::CheckOptions;
use crate::data::{Data, OwnData, ResolvedSource, notes_of};
use crate::failure::Failure;
use crate::job::{Job, blocking};
use crate::outcome::{CheckSuccess, CheckedCounts, Success, bounded_notes};
use crate::progress::Stage;
use crate::request::FeaturesRequest;

/// The result message and all that was found.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// The result message.
    pub success: Success,
    /// A text for people.
    pub text: String,
    /// What was left out or looks wrong.
    pub notes: Vec<String>,
}

/// Looks at data.
///
/// # Errors
/// Data that cannot be read at all (input, line and field are named), and what the store says.
pub async fn check(job: &Job, options: &CheckOptions) -> Result<CheckReport, Failure> {
    let request = FeaturesRequest::try_from(&options.source).map_err(Failure::parameters)?;
    let source = ResolvedSource::new(job, &request.source).await?;
    let dataset_sha256 = source.sha256();
    let found = match source {
        ResolvedSource::Own(files) => {
            job.progress.begin(Stage::Features);
            blocking(move || Ok(of_own_data(&files.read()?))).await?
        }
        other => of_rows(&other.load(job, request.log).await?),
    };
    let Found {
        counts,
        lines,
        notes,
    } = found;
    let success = Success::Check(CheckSuccess {
        dataset_sha256,
        checked: counts,
        notes: bounded_notes(&notes),
    });
    Ok(CheckReport {
        success,
        text: lines.join("\n"),
        notes,
    })
}

/// What was found.
struct Found {
    counts: CheckedCounts,
    lines: Vec<String>,
    notes: Vec<String>,
}

fn of_own_data(own: &OwnData) -> Found {
    let dirt = own.log.as_ref().map(|log| &log.clean.dirt);
    let judgements = own.judgements.as_ref();
    let bad_lines = [
        Some(&own.catalogue_notes.bad_lines),
        judgements.map(|list| &list.notes.bad_lines),
        own.log.as_ref().map(|log| &log.bad_lines),
    ];
    let mut notes = findings::warnings(own);
    notes.extend(notes_of(own));
    Found {
        counts: CheckedCounts {
            products: own.catalogue.len() as u64,
            judgements: judgements.map_or(0, |list| list.notes.judgements),
            searches: dirt.map_or(0, |dirt| dirt.searches),
            events: dirt.map_or(0, |dirt| dirt.events),
            rows: 0,
            bad_lines: bad_lines.into_iter().flatten().map(|bad| bad.total()).sum(),
        },
        lines: findings::lines(own),
        notes,
    }
}

/// Rows of features, and datasets, which this program wrote itself: what they make.
fn of_rows(data: &Data) -> Found {
    let rows = &data.rows;
    let mut labels = [0_u64; 256];
    for label in rows.labels() {
        labels[usize::from(*label)] += 1;
    }
    let of_labels: Vec<String> = (0..)
        .zip(labels)
        .filter(|(_, count)| *count > 0)
        .map(|(label, count): (usize, u64)| format!("{label}: {count}"))
        .collect();
    let mut sizes: Vec<usize> = rows.group_sizes().collect();
    sizes.sort_unstable();
    let lines = vec![
        format!(
            "rows         {} of {} queries, {} features",
            rows.row_count(),
            rows.query_count(),
            rows.feature_count()
        ),
        format!("  by query   {}", findings::spread(&sizes)),
        format!("  labels     {}", of_labels.join(", ")),
    ];
    Found {
        counts: CheckedCounts {
            rows: rows.row_count() as u64,
            ..CheckedCounts::default()
        },
        lines,
        notes: data.notes.clone(),
    }
}
