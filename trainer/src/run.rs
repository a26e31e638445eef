//! One run of the program: from the command line to the exit code. It tells the result in the
//! result file first and then to people, and ends when it is told to. Whatever happens, a panic
//! too, there is a result; that nobody reads what is printed does no harm.

use std::ffi::OsString;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::check::check;
use crate::cli::{Command, CommandLine};
use crate::counterfactual::{counterfactual, estimates};
use crate::evaluate::evaluate;
use crate::evaluation::table;
use crate::failure::{Failure, Reason};
use crate::features::features;
use crate::generate::generate;
use crate::job::Job;
use crate::outcome::{BundleComparison, Outcome, Success};
use crate::progress::Progress;
use crate::progress_server::serve;
use crate::purge::purge;
use crate::train::train;

/// How long work is waited for that was asked to end.
const END_WAIT: Duration = Duration::from_secs(5);

/// What a run that succeeded has to say.
#[derive(Clone, Debug)]
pub struct Report {
    /// The result message.
    pub success: Success,
    /// Text for people, on standard output.
    pub text: String,
}

/// A future whose type is not spelled out: those of whole subcommands, with transfers and retries
/// in them, are deeper than the compiler looks.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs the program with these arguments (the first is its name) and returns its exit code: 0,
/// 2 for wrong usage, else that of the failure's reason.
pub fn run(arguments: impl IntoIterator<Item = OsString> + 'static) -> Boxed<'static, u8> {
    Box::pin(run_to_end(arguments))
}

async fn run_to_end(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let typed = match CommandLine::try_parse_from(arguments) {
        Ok(typed) => typed,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            if error.use_stderr() {
                // A Job whose arguments are wrong has to say so like any other that failed.
                let file = std::env::var_os("SEARCHOP_RESULT_FILE")
                    .filter(|text| !text.is_empty())
                    .map(PathBuf::from);
                let message = error.to_string();
                tell_failure(
                    &Failure::new(Reason::InvalidParameters, message),
                    file.as_deref(),
                );
            } else {
                // Help and version are what was asked for.
                let _ = error.print();
            }
            return code;
        }
    };
    let result_file = typed
        .job
        .result_file
        .clone()
        .filter(|text| !text.is_empty())
        .map(PathBuf::from);
    let progress = Progress::on_standard_error();
    let result = guarded(run_command(typed, progress.clone())).await;
    progress.finish();
    match result {
        Ok(report) => {
            let outcome = Outcome::Succeeded(report.success);
            let written = write_outcome(&outcome, result_file.as_deref());
            // What cannot be printed is in the result file.
            let _ = writeln!(std::io::stdout(), "{}", report.text);
            match written {
                Ok(()) => 0,
                Err(failure) => {
                    complain(&failure);
                    failure.exit_code()
                }
            }
        }
        Err(failure) => {
            tell_failure(&failure, result_file.as_deref());
            failure.exit_code()
        }
    }
}

fn tell_failure(failure: &Failure, result_file: Option<&Path>) {
    let written = write_outcome(&Outcome::from(failure), result_file);
    complain(failure);
    if let Err(error) = written {
        complain(&error);
    }
}

/// To people. Standard error may be closed, which `eprintln!` would answer with a panic.
fn complain(error: &Failure) {
    let _ = writeln!(std::io::stderr(), "error: {error}");
}

/// The work, or what made it panic: a Job without a result tells the operator nothing.
async fn guarded<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut work = std::pin::pin!(work);
    // The future is not polled again after a panic, so nobody sees what it left half done.
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .unwrap_or_else(|cause| Poll::Ready(Err(Failure::panicked(cause.as_ref()))))
    })
    .await
}

fn write_outcome(outcome: &Outcome, file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else {
        return Ok(());
    };
    outcome
        .write(file)
        .map_err(|error| Failure::local_file(format!("write {}", file.display()), &error))
}

async fn run_command(typed: CommandLine, progress: Progress) -> Result<Report, Failure> {
    if let Some(port) = typed.job.progress_port {
        serve(port, progress.clone()).await?;
    }
    let job = Job::new(&typed.job, progress)?;
    let stop = job.stop.clone();
    let mut work = dispatch(&job, &typed.command);
    tokio::select! {
        result = &mut work => result,
        () = told_to_end() => {
            stop.ask();
            // Training looks at the wish after each tree. What does not look ends with the process.
            let _ = tokio::time::timeout(END_WAIT, &mut work).await;
            Err(Failure::interrupted())
        }
    }
}

/// Ends when the process is told to: as the first process of a container it would otherwise
/// ignore the signal and be killed half a minute later.
async fn told_to_end() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        // Without handlers the signals end the process as they always do.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Carries out one subcommand.
///
/// # Errors
/// Why it could not be carried out.
pub fn dispatch<'a>(job: &'a Job, command: &'a Command) -> Boxed<'a, Result<Report, Failure>> {
    Box::pin(carry_out(job, command))
}

async fn carry_out(job: &Job, command: &Command) -> Result<Report, Failure> {
    match command {
        Command::Generate(options) => {
            let success = generate(job, options).await?;
            Ok(Report {
                text: summary(&success),
                success,
            })
        }
        Command::Features(options) => {
            let (success, notes) = features(job, options).await?;
            Ok(Report {
                text: text(&notes, None, &success),
                success,
            })
        }
        Command::Train(options) => {
            let report = train(job, options).await?;
            let table = (!report.metrics.metrics.is_empty()).then(|| table(&report.metrics));
            Ok(Report {
                text: text(&report.notes, table, &report.success),
                success: report.success,
            })
        }
        Command::Evaluate(options) => {
            let report = evaluate(job, options).await?;
            let table = Some(table(&report.metrics));
            Ok(Report {
                text: text(&report.notes, table, &report.success),
                success: report.success,
            })
        }
        Command::Counterfactual(options) => {
            let success = counterfactual(options)?;
            Ok(Report {
                text: summary(&success),
                success,
            })
        }
        Command::Check(options) => {
            let report = check(job, options).await?;
            Ok(Report {
                text: text(&report.notes, Some(report.text), &report.success),
                success: report.success,
            })
        }
        Command::Purge(options) => {
            let success = purge(job, options).await?;
            Ok(Report {
                text: summary(&success),
                success,
            })
        }
    }
}

fn text(notes: &[String], table: Option<String>, success: &Success) -> String {
    let notes = notes.iter().map(|note| format!("note: {note}"));
    notes
        .chain(table)
        .chain([summary(success)])
        .collect::<Vec<_>>()
        .join("\n")
}

/// One line on how two bundles compare.
fn compared(found: &BundleComparison) -> String {
    let comparison = &found.comparison;
    let interval = comparison.interval.map_or_else(
        || "no interval".to_owned(),
        |interval| format!("95 %: {:+.4} to {:+.4}", interval.low, interval.high),
    );
    format!(
        "\nagainst model {}: {} {:.4} and {:.4}, difference {:+.4} ({interval}), p = {:.4} by \
         randomisation; better for {} and worse for {} of {} queries",
        found.against_sha256,
        found.metric,
        comparison.first,
        comparison.second,
        comparison.difference,
        comparison.p_value,
        comparison.better,
        comparison.worse,
        comparison.queries,
    )
}

/// One or two lines on what there is now.
fn summary(success: &Success) -> String {
    let reused = |reused: bool| {
        if reused {
            " (made by an earlier run)"
        } else {
            ""
        }
    };
    match success {
        Success::Train(train) => format!(
            "model {}{}\n{}, {} trees, {} bytes",
            train.model.sha256,
            reused(train.reused),
            train.model.uri,
            train.trees,
            train.model.size_bytes,
        ),
        Success::Generate(generate) => format!(
            "dataset {}{}\n{}, {} products, {} users, {} searches, {} events, {} bytes",
            generate.artifact.sha256,
            reused(generate.reused),
            generate.artifact.uri,
            generate.counts.products,
            generate.counts.users,
            generate.counts.queries,
            generate.counts.events,
            generate.artifact.size_bytes,
        ),
        Success::Purge(purge) => format!(
            "{} objects deleted, {} artifacts retained for other owners",
            purge.purged.objects,
            purge.retained.len(),
        ),
        Success::Evaluate(evaluate) => {
            let compared = evaluate
                .comparison
                .as_ref()
                .map_or_else(String::new, |found| compared(found));
            format!(
                "model {} on data {}{compared}",
                evaluate.bundle_sha256, evaluate.dataset_sha256
            )
        }
        Success::Counterfactual(estimate) => estimates(estimate),
        Success::Check(check) => format!("data {}", check.dataset_sha256),
        Success::Features(features) => format!(
            "{} rows of {} queries, {} features; schema {}",
            features.rows, features.queries, features.features, features.feature_schema_sha256,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::blocking;

    #[tokio::test]
    async fn a_panic_becomes_a_failure_that_names_it() {
        let here = guarded(async {
            tokio::task::yield_now().await;
            let row = 7;
            if row > 0 {
                panic!("row {row} is lost");
            }
            Ok(())
        })
        .await;
        let in_worker = guarded(blocking(|| -> Result<(), Failure> {
            std::panic::panic_any("the worker is lost")
        }))
        .await;
        for (result, expected) in [(here, "row 7 is lost"), (in_worker, "the worker is lost")] {
            let failure = result.expect_err("it panicked");
            assert!(failure.message.ends_with(expected), "{failure}");
            assert_eq!(
                (failure.reason, failure.exit_code()),
                (Reason::Internal, 70)
            );
        }
        assert_eq!(guarded(async { Ok(3) }).await, Ok(3));
    }
}
