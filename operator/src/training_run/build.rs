//! Builds a TrainingRun's Job. Pure.

use crate::job::build::{self, Work};
use crate::job::execute::Start;
use crate::owner::Owner;
use crate::pods;
use crate::settings::Settings;
use crate::storage::Storage;
use crate::training_run::source::{Source, input_name};
use searchop_crds::labels::Component;
use searchop_crds::{
    DatasetSource, Direction, FeatureNumbering, GradeMeaning, InputFormat, LeakGuard, LogAction,
    Objective, PositionBiasMode, SplitMode, Trainer, TrainingRunSpec,
};

/// The Job that trains.
#[must_use]
pub fn train(
    owner: &Owner,
    spec: &TrainingRunSpec,
    source: &Source,
    attempt: i32,
    storage: &Storage,
    settings: &Settings,
) -> Box<Start> {
    let work = Work {
        component: Component::Train,
        account: Component::Train,
        attempt,
        image: &settings.trainer_image,
        arguments: arguments(owner, spec, source),
        storage,
        template: spec.template.as_ref(),
        resources: pods::resources(
            &[("cpu", "500m"), ("memory", "512Mi")],
            &[("cpu", "2"), ("memory", "2Gi")],
        ),
    };
    build::start(owner, &work)
}

/// The trainer's arguments. What the spec leaves out is left to the trainer, whose defaults depend on the data.
fn arguments(owner: &Owner, spec: &TrainingRunSpec, source: &Source) -> Vec<String> {
    let mut arguments = vec!["train".to_owned()];
    let mut add = |flag: &str, value: String| arguments.push(format!("{flag}={value}"));
    add("--owner", owner.in_store());
    match source {
        Source::Dataset { uri, sha256 } => {
            add("--dataset-uri", uri.clone());
            add("--dataset-sha256", sha256.clone());
        }
        Source::Files(files) => add_files(&mut add, files),
    }
    if let Some(seconds) = spec.dataset.snapshot_lag_seconds {
        add("--snapshot-lag", seconds.to_string());
    }
    if let Some(searches) = spec.dataset.max_searches {
        add("--max-searches", searches.to_string());
    }
    if let Some(events) = spec.dataset.recent_events {
        add("--recent-events", events.to_string());
    }
    if let Some(split) = &spec.split {
        add("--split-mode", split_name(split.mode).to_owned());
        add("--test-fraction", split.test_fraction.clone());
        if let Some(folds) = split.folds {
            add("--folds", folds.to_string());
        }
    }
    add_trainer(&mut add, &spec.trainer);
    arguments
}

/// The arguments that say how to train.
fn add_trainer(add: &mut impl FnMut(&str, String), trainer: &Trainer) {
    let objective = match trainer.objective {
        Objective::Lambdarank => "lambdarank",
        Objective::RankXendcg => "rank_xendcg",
        Objective::Pointwise => "pointwise",
    };
    add("--objective", objective.to_owned());
    add("--num-iterations", trainer.num_iterations.to_string());
    add("--num-leaves", trainer.num_leaves.to_string());
    add("--learning-rate", trainer.learning_rate.clone());
    add("--seed", trainer.seed.to_string());
    if let Some(early) = &trainer.early_stopping {
        add("--early-stopping-metric", early.metric.clone());
        add("--early-stopping-rounds", early.rounds.to_string());
    }
    if let Some(bias) = &trainer.position_bias
        && bias.mode == PositionBiasMode::Unbiased
    {
        add("--position-bias", "Unbiased".to_owned());
        add(
            "--position-bias-regularization",
            bias.regularization.clone(),
        );
    }
    if trainer.leak_guard == LeakGuard::Warn {
        add("--leak-guard", "Warn".to_owned());
    }
    for constraint in trainer.monotone_constraints.iter().flatten() {
        let direction = match constraint.direction {
            Direction::Increasing => "Increasing",
            Direction::Decreasing => "Decreasing",
        };
        let feature = &constraint.feature;
        add("--monotone-constraint", format!("{feature}={direction}"));
    }
    for feature in trainer.categorical_features.iter().flatten() {
        add("--categorical-feature", feature.clone());
    }
    for (name, value) in &trainer.parameters {
        add("--parameter", format!("{name}={value}"));
    }
}

/// The arguments that files stand for.
fn add_files(add: &mut impl FnMut(&str, String), files: &DatasetSource) {
    for input in files.inputs.iter().flatten() {
        let name = input_name(input.name);
        let digest = input
            .sha256
            .as_ref()
            .map_or(String::new(), |digest| format!("#sha256={digest}"));
        add("--input", format!("{name}={}{digest}", input.uri));
        if let Some(format) = input.format {
            add("--input-format", format!("{name}={}", format_name(format)));
        }
    }
    if let Some(numbering) = files.feature_numbering {
        add("--feature-numbering", numbering_name(numbering).to_owned());
    }
    if let Some(grades) = &files.grades {
        let grades: Vec<String> = grades.iter().map(grade_text).collect();
        add("--grades", grades.join(","));
    }
    for action in files.actions.iter().flatten() {
        let meaning = action_name(action.action);
        add("--action", format!("{}={meaning}", action.name));
    }
    if let Some(seconds) = files.clock_skew_seconds {
        add("--clock-skew", seconds.to_string());
    }
    if let Some(language) = files.language {
        add("--language", language.name().to_owned());
    }
    if let Some(lines) = files.bad_lines {
        add("--bad-lines", lines.to_string());
    }
}

fn grade_text(meaning: &GradeMeaning) -> String {
    let GradeMeaning { grade, label, gain } = meaning;
    match gain {
        Some(gain) => format!("{grade}={label}:{gain}"),
        None => format!("{grade}={label}"),
    }
}

fn action_name(action: LogAction) -> &'static str {
    match action {
        LogAction::Impression => "impression",
        LogAction::Click => "click",
        LogAction::AddToCart => "add_to_cart",
        LogAction::Purchase => "purchase",
    }
}

fn format_name(format: InputFormat) -> &'static str {
    match format {
        InputFormat::Csv => "Csv",
        InputFormat::Tsv => "Tsv",
        InputFormat::JsonLines => "JsonLines",
        InputFormat::TrecQrels => "TrecQrels",
        InputFormat::OpenSearch => "OpenSearch",
        InputFormat::Parquet => "Parquet",
    }
}

fn numbering_name(numbering: FeatureNumbering) -> &'static str {
    match numbering {
        FeatureNumbering::ZeroBased => "ZeroBased",
        FeatureNumbering::OneBased => "OneBased",
    }
}

fn split_name(mode: SplitMode) -> &'static str {
    match mode {
        SplitMode::Time => "Time",
        SplitMode::Query => "Query",
        SplitMode::KFold => "KFold",
        SplitMode::Provided => "Provided",
        SplitMode::None => "None",
    }
}
