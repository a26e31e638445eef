//! Shows how an object gets on: a bar at a terminal, plain lines in a pipe.

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use searchop_crds::{DemoDataset, RankingModel, TrainingRun};
use searchop_e2e::cluster::Cluster;
use searchop_e2e::objects::{Kind, api, current_condition, summary};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(500);

/// Where progress is shown.
pub(crate) struct Progress {
    terminal: bool,
}

/// A kind that says how far it is.
pub(crate) trait Advancing: Kind {
    /// Percent, where it is known, and what is being done.
    fn state(&self, condition: &str) -> (Option<u64>, String);
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Shows progress until the condition is true for the newest generation.
    pub(crate) async fn follow<K: Advancing>(
        &self,
        cluster: &Cluster,
        namespace: &str,
        name: &str,
        condition: &str,
        bound: Duration,
    ) -> Result<K> {
        let start = Instant::now();
        let bar = if self.terminal {
            bar()
        } else {
            ProgressBar::hidden()
        };
        let title = format!("{} {name}", K::kind(&()));
        bar.set_prefix(title.clone());
        let mut said = String::new();
        loop {
            let object = match api::<K>(cluster, namespace).get(name).await {
                Ok(object) => object,
                // The API server may be briefly away.
                Err(error) if start.elapsed() > bound => {
                    bar.abandon();
                    return Err(error).with_context(|| title);
                }
                Err(_) => {
                    tokio::time::sleep(INTERVAL).await;
                    continue;
                }
            };
            let (percent, text) = object.state(condition);
            bar.set_position(percent.unwrap_or_else(|| bar.position()));
            bar.set_message(text.clone());
            bar.tick();
            if !self.terminal && said != text {
                println!(
                    "  {:>5.1} s  {title}: {text}",
                    start.elapsed().as_secs_f64()
                );
                said = text;
            }
            if current_condition(&object, condition)
                .is_some_and(|condition| condition.status == "True")
            {
                bar.finish_with_message(format!(
                    "{condition} after {:.0} s",
                    start.elapsed().as_secs_f64()
                ));
                return Ok(object);
            }
            let failed = current_condition(&object, "Failed")
                .is_some_and(|condition| condition.status == "True");
            if failed || start.elapsed() > bound {
                bar.abandon();
                bail!(
                    "{title} is not {condition}: {}",
                    summary(object.conditions())
                );
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("  {prefix:28} [{bar:30}] {percent:>3} % {msg}")
        .expect("the template is right");
    ProgressBar::new(100).with_style(style.progress_chars("=> "))
}

fn reason<K: Kind>(object: &K, condition: &str) -> String {
    match current_condition(object, condition) {
        Some(found) if found.message.is_empty() => found.reason.clone(),
        Some(found) => format!("{}: {}", found.reason, found.message),
        None => "waiting for the operator".to_owned(),
    }
}

fn done<K: Kind>(object: &K, condition: &str) -> bool {
    current_condition(object, condition).is_some_and(|condition| condition.status == "True")
}

impl Advancing for DemoDataset {
    fn state(&self, condition: &str) -> (Option<u64>, String) {
        let percent = self
            .status
            .as_ref()
            .and_then(|status| status.progress_percent)
            .and_then(|percent| u64::try_from(percent).ok());
        (
            if done(self, condition) {
                Some(100)
            } else {
                percent
            },
            reason(self, condition),
        )
    }
}

impl Advancing for TrainingRun {
    fn state(&self, condition: &str) -> (Option<u64>, String) {
        let progress = self
            .status
            .as_ref()
            .and_then(|status| status.progress.as_ref());
        let percent = progress.and_then(|progress| u64::try_from(progress.percent).ok());
        let text = match progress.filter(|_| !done(self, condition)) {
            Some(progress) => {
                let stage = progress.stage.clone().unwrap_or_default();
                progress.iteration.map_or_else(
                    || stage.clone(),
                    |iteration| format!("{stage}, iteration {iteration}"),
                )
            }
            None => reason(self, condition),
        };
        (
            if done(self, condition) {
                Some(100)
            } else {
                percent
            },
            text,
        )
    }
}

impl Advancing for RankingModel {
    fn state(&self, condition: &str) -> (Option<u64>, String) {
        (
            done(self, condition).then_some(100),
            reason(self, condition),
        )
    }
}
