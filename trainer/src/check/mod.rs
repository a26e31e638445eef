//! `check`: what data holds and what is wrong with it, told before anyone trains. Nothing is
//! trained or published.

mod findings;

use crate::cli::CheckOptions;
use crate::data::{Data, DataFound, OwnData, ResolvedSource, notes_of};
use crate::failure::Failure;
use crate::job::Job;
use crate::outcome::{CheckSuccess, CheckedCounts, Success, bounded_notes};
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
    let (own, data) = source.read(job, request.log).await?;
    let own = own.as_ref().map(of_own_data);
    let rows = data.as_ref().map(of_rows);
    let Found {
        counts,
        lines,
        notes,
    } = own
        .into_iter()
        .chain(rows)
        .reduce(Found::and)
        .unwrap_or_default();
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
#[derive(Default)]
struct Found {
    counts: CheckedCounts,
    lines: Vec<String>,
    notes: Vec<String>,
}

impl Found {
    /// What a dataset's files hold, and the rows that they make.
    fn and(mut self, rows: Self) -> Self {
        self.counts.rows = rows.counts.rows;
        self.lines.extend(rows.lines);
        self.notes.extend(rows.notes);
        self
    }
}

fn of_own_data(own: &OwnData) -> Found {
    let found = DataFound::of(own);
    let mut notes = findings::warnings(own);
    notes.extend(notes_of(own));
    Found {
        counts: CheckedCounts {
            products: found.products,
            judgements: found.judgements,
            searches: found.searches,
            events: found.events,
            rows: 0,
            bad_lines: found.bad_lines_total(),
        },
        lines: findings::lines(own),
        notes,
    }
}

/// Rows of features, or those that a dataset makes.
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
