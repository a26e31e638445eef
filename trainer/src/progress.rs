//! Where a Job is: one state that the pipeline updates, shown as a bar at a terminal and as a
//! plain line every few seconds in a pipe, and read by the progress server. It measures nothing
//! and knows nothing of what the stages do.

use std::io::{IsTerminal, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Seconds between two plain lines of one stage.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The stages of all subcommands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// A dataset is made.
    Generate,
    /// Preflight, the look for an earlier result, and fetching what is needed.
    Download,
    /// Rows are read or computed.
    Features,
    /// Trees are added.
    Train,
    /// Test rows are scored and measured.
    Evaluate,
    /// The result is published.
    Upload,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Download => "download",
            Self::Features => "features",
            Self::Train => "train",
            Self::Evaluate => "evaluate",
            Self::Upload => "upload",
        }
    }

    /// Where the stage lies in the whole Job, in percent: from, to. Training takes nearly all of
    /// the time; a Job that skips a stage jumps over its part.
    fn span(self) -> (f64, f64) {
        match self {
            Self::Generate => (0.0, 80.0),
            Self::Download => (0.0, 5.0),
            Self::Features => (5.0, 15.0),
            Self::Train => (15.0, 85.0),
            Self::Evaluate => (85.0, 95.0),
            Self::Upload => (95.0, 100.0),
        }
    }
}

/// What `GET /progress` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// The current stage.
    pub stage: Stage,
    /// Percent of the whole Job, 0 to 100; it never goes back.
    pub percent: u8,
    /// Trees added so far; only while training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// Trees asked for; only while training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u32>,
}

impl Snapshot {
    /// The plain line for this state.
    fn line(&self) -> String {
        let mut line = format!("{} {}%", self.stage.name(), self.percent);
        if let (Some(iteration), Some(iterations)) = (self.iteration, self.iterations) {
            line.push_str(&format!(" (iteration {iteration} of {iterations})"));
        }
        line
    }
}

/// The state of one Job; clones share it.
#[derive(Clone, Debug)]
pub struct Progress {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    snapshot: Snapshot,
    display: Display,
}

#[derive(Debug)]
enum Display {
    Bar(ProgressBar),
    Lines {
        printed: Option<(Instant, Snapshot)>,
    },
    Nothing,
}

impl Progress {
    /// A bar if standard error is a terminal, plain lines otherwise. Both go to standard error:
    /// standard output is for results.
    #[must_use]
    pub fn on_standard_error() -> Self {
        let display = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{msg:<36} {bar:40} {percent:>3}%  {elapsed}")
                .expect("the template is constant and valid");
            bar.set_style(style);
            Display::Bar(bar)
        } else {
            Display::Lines { printed: None }
        };
        Self::with_display(display)
    }

    /// Shows nothing; for tests and for use as a library.
    #[must_use]
    pub fn silent() -> Self {
        Self::with_display(Display::Nothing)
    }

    fn with_display(display: Display) -> Self {
        let snapshot = Snapshot {
            stage: Stage::Download,
            percent: 0,
            iteration: None,
            iterations: None,
        };
        Self {
            shared: Arc::new(Mutex::new(State { snapshot, display })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is plain data that is valid after every statement.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current state.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.state().snapshot
    }

    /// Begins a stage.
    pub fn begin(&self, stage: Stage) {
        self.at(stage, 0.0, None);
    }

    /// `done` of `total` equal parts of a stage are done.
    pub fn part(&self, stage: Stage, done: u64, total: u64) {
        #[allow(clippy::cast_precision_loss)]
        let fraction = if total == 0 {
            1.0
        } else {
            done as f64 / total as f64
        };
        self.at(stage, fraction, None);
    }

    /// A share of a stage, 0 to 1, is done.
    pub fn share(&self, stage: Stage, share: f64) {
        self.at(stage, share, None);
    }

    /// `iteration` of `iterations` trees are there.
    pub fn trained(&self, iteration: u32, iterations: u32) {
        let fraction = f64::from(iteration) / f64::from(iterations.max(1));
        self.at(Stage::Train, fraction, Some((iteration, iterations)));
    }

    /// Everything is done: the bar is removed.
    pub fn finish(&self) {
        let mut state = self.state();
        state.snapshot.percent = 100;
        if let Display::Bar(bar) = &state.display {
            bar.finish_and_clear();
        }
    }

    fn at(&self, stage: Stage, fraction: f64, iteration: Option<(u32, u32)>) {
        let mut state = self.state();
        let (from, to) = stage.span();
        let percent = from + (to - from) * fraction.clamp(0.0, 1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let percent = (percent as u8).max(state.snapshot.percent);
        state.snapshot = Snapshot {
            stage,
            percent,
            iteration: iteration.map(|(done, _)| done),
            iterations: iteration.map(|(_, total)| total),
        };
        let snapshot = state.snapshot;
        match &mut state.display {
            Display::Nothing => {}
            Display::Bar(bar) => {
                bar.set_position(u64::from(percent));
                bar.set_message(match iteration {
                    Some((done, total)) => format!("{} {done}/{total}", stage.name()),
                    None => stage.name().to_owned(),
                });
            }
            Display::Lines { printed } => {
                let now = Instant::now();
                if is_line_due(*printed, now, snapshot) {
                    *printed = Some((now, snapshot));
                    // Work goes on though nobody reads of it; `eprintln!` would panic.
                    let _ = writeln!(std::io::stderr(), "{}", snapshot.line());
                }
            }
        }
    }
}

/// A line is due for a new stage, and every [`LINE_INTERVAL`] if something changed.
fn is_line_due(printed: Option<(Instant, Snapshot)>, now: Instant, snapshot: Snapshot) -> bool {
    let Some((when, before)) = printed else {
        return true;
    };
    before.stage != snapshot.stage
        || (before != snapshot && now.duration_since(when) >= LINE_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_of_the_whole_job_and_never_goes_back() {
        let progress = Progress::silent();
        progress.begin(Stage::Download);
        assert_eq!(progress.snapshot().percent, 0);
        progress.part(Stage::Features, 1, 2);
        assert_eq!(progress.snapshot().percent, 10);
        progress.trained(150, 300);
        assert_eq!(progress.snapshot().percent, 50);
        progress.part(Stage::Features, 0, 2);
        assert_eq!(progress.snapshot().percent, 50);
        progress.begin(Stage::Upload);
        assert_eq!(progress.snapshot().percent, 95);
        progress.finish();
        assert_eq!(progress.snapshot().percent, 100);
    }

    #[test]
    fn iterations_are_told_only_while_training() {
        let progress = Progress::silent();
        progress.trained(3, 10);
        let json = serde_json::to_string(&progress.snapshot()).expect("serialises");
        assert_eq!(
            json,
            r#"{"stage":"train","percent":36,"iteration":3,"iterations":10}"#
        );
        assert_eq!(progress.snapshot().line(), "train 36% (iteration 3 of 10)");
        progress.begin(Stage::Evaluate);
        let json = serde_json::to_string(&progress.snapshot()).expect("serialises");
        assert_eq!(json, r#"{"stage":"evaluate","percent":85}"#);
    }

    #[test]
    fn a_part_of_nothing_is_all_of_it() {
        let progress = Progress::silent();
        progress.part(Stage::Upload, 0, 0);
        assert_eq!(progress.snapshot().percent, 100);
    }

    #[test]
    fn a_line_is_due_for_a_new_stage_and_then_every_few_seconds() {
        let start = Instant::now();
        let at = |stage, percent| Snapshot {
            stage,
            percent,
            iteration: None,
            iterations: None,
        };
        let before = Some((start, at(Stage::Train, 20)));
        assert!(is_line_due(None, start, at(Stage::Download, 0)));
        assert!(is_line_due(before, start, at(Stage::Evaluate, 20)));
        assert!(!is_line_due(
            before,
            start + Duration::from_secs(4),
            at(Stage::Train, 21)
        ));
        assert!(is_line_due(
            before,
            start + Duration::from_secs(5),
            at(Stage::Train, 21)
        ));
        assert!(!is_line_due(
            before,
            start + Duration::from_secs(9),
            at(Stage::Train, 20)
        ));
    }
}
