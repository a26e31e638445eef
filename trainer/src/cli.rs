//! The command line: what was typed, by name and type, nothing more. Whether the values make
//! sense together is decided in `request`, so that a Job's bad parameter is told in its result
//! file like every other failure.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Generates demo datasets, trains and evaluates ranking models, and purges artifacts.
#[derive(Clone, Debug, Parser)]
#[command(name = "searchop-trainer", version, propagate_version = true)]
pub struct CommandLine {
    /// Options of every subcommand.
    #[command(flatten)]
    pub job: JobOptions,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every subcommand. An empty text counts as absent: manifests write optional values
/// that way.
#[derive(Args, Clone, Debug)]
pub struct JobOptions {
    /// Where artifacts are: s3://bucket/prefix, file:///folder or a folder.
    #[arg(long, global = true, env = "SEARCHOP_STORE", value_name = "URI")]
    pub store: Option<String>,
    /// Write the result message (JSON) to this file, on success and on failure.
    #[arg(long, global = true, env = "SEARCHOP_RESULT_FILE", value_name = "FILE")]
    pub result_file: Option<OsString>,
    /// Answer GET /progress on this port.
    #[arg(
        long,
        global = true,
        env = "SEARCHOP_PROGRESS_PORT",
        value_name = "PORT"
    )]
    pub progress_port: Option<u16>,
    /// Folder for files in work; default: a new one in the system's temporary folder.
    #[arg(
        long,
        global = true,
        env = "SEARCHOP_WORK_DIRECTORY",
        value_name = "FOLDER"
    )]
    pub work_directory: Option<OsString>,
    /// Threads for training; default: the CPU quota of the control group, else all processors.
    /// The model does not depend on it.
    #[arg(long, global = true, env = "SEARCHOP_THREADS", value_name = "N")]
    pub threads: Option<usize>,
}

/// The subcommands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make a demo dataset and publish it.
    Generate(GenerateOptions),
    /// Write a dataset's feature matrix as SVMlight text, with .query and names files.
    Features(FeaturesOptions),
    /// Train a ranking model, measure it beside baselines and publish its bundle.
    Train(TrainOptions),
    /// Measure a published bundle on given data.
    Evaluate(EvaluateOptions),
    /// Estimate from logged propensities what another policy would have earned.
    Counterfactual(CounterfactualOptions),
    /// Tell what data holds and what is wrong with it, before anything is trained.
    Check(CheckOptions),
    /// Delete what only this owner refers to.
    Purge(PurgeOptions),
}

/// Options of `generate`.
#[derive(Args, Clone, Debug)]
pub struct GenerateOptions {
    /// Who the dataset belongs to: kind.namespace.name.uid, lower case.
    #[arg(long, default_value = "local")]
    pub owner: String,
    /// The same seed and sizes give the same dataset.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Products in the catalogue.
    #[arg(long, default_value_t = 2_000)]
    pub products: u64,
    /// People who search.
    #[arg(long, default_value_t = 5_000)]
    pub users: u64,
    /// Events to record.
    #[arg(long, default_value_t = 100_000)]
    pub events: u64,
    /// A change of the shop: NewCategory, PriceShift, TasteShift or BrokenFeed, the first day on
    /// which it is so (2 to 30), and its strength in percent (1 to 100). Repeat for each kind.
    #[arg(long, value_name = "KIND:DAY:PERCENT")]
    pub drift: Vec<String>,
}

/// Where rows come from; of `features`, `train` and `evaluate`.
#[derive(Args, Clone, Debug, Default)]
pub struct SourceOptions {
    /// A dataset artifact: <store>/artifacts/<digest>.
    #[arg(long, value_name = "URI", conflicts_with = "input")]
    pub dataset_uri: Option<String>,
    /// The digest the dataset must have.
    #[arg(long, value_name = "HEX", requires = "dataset_uri")]
    pub dataset_sha256: Option<String>,
    /// An input file: SvmLight, Groups, Validation or ValidationGroups of rows of features; Catalogue,
    /// with Judgements (and Topics), or with Events (and Queries), or with both, of own data.
    /// Repeat for each.
    #[arg(long, value_name = "NAME=URI[#sha256=HEX]")]
    pub input: Vec<String>,
    /// Whether SVMlight feature numbers start from 0 or from 1.
    #[arg(long, value_enum, value_name = "NUMBERING")]
    pub feature_numbering: Option<NumberingOption>,
    /// How a Catalogue (JsonLines, Csv, Parquet) or Judgements (Csv, Tsv, JsonLines, TrecQrels,
    /// OpenSearch, Parquet) are written. Default: what the file's name says. Repeat for each.
    #[arg(long, value_name = "NAME=FORMAT")]
    pub input_format: Vec<String>,
    /// What the grades of judgements mean, such as Exact=3:1,Substitute=2:0.1: label and gain.
    /// Default: grades are labels from 0 to 30, with the gain 2^label - 1.
    #[arg(long, value_name = "GRADE=LABEL[:GAIN],...")]
    pub grades: Option<String>,
    /// What the log calls an impression, click, add_to_cart or purchase, beside these very names.
    /// Repeat for each.
    #[arg(long, value_name = "NAME=ACTION")]
    pub action: Vec<String>,
    /// Seconds by which an event may be earlier than its search and still be taken for an event
    /// after it. Default: 60.
    #[arg(long, value_name = "SECONDS")]
    pub clock_skew: Option<u32>,
    /// The language of the catalogue and the queries, such as German: whose plurals and other forms of
    /// a word are one term. Default: English.
    #[arg(long, value_name = "LANGUAGE")]
    pub language: Option<String>,
    /// Bad lines that are passed over and counted, in each of catalogue, judgements and log.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub bad_lines: u64,
    /// Seconds by which the behaviour table is older than the midnight UTC at which serving takes it
    /// up. Of a dataset or a log. Default: 86400, one day; `evaluate` has the bundle's own.
    #[arg(long, value_name = "SECONDS")]
    pub snapshot_lag: Option<u32>,
    /// Most searches of a dataset or a log that make rows; of more, a sample by a hash of their ids.
    /// Default: all; `evaluate` has the bundle's own.
    #[arg(long, value_name = "N")]
    pub max_searches: Option<u32>,
    /// How many of the newest events of who searches the caller sends with a request, at most 50. Rows
    /// of a dataset or a log are made with as many. Default: 0, none; `evaluate` has the bundle's own.
    #[arg(long, value_name = "N")]
    pub recent_events: Option<u8>,
}

/// Where rows come from and how they are split; of `train`.
#[derive(Args, Clone, Debug, Default)]
pub struct DataOptions {
    /// Where rows come from.
    #[command(flatten)]
    pub source: SourceOptions,
    /// How test queries are chosen. Default: Time for a dataset, Provided with a Validation
    /// input, else Query.
    #[arg(long, value_enum, value_name = "MODE")]
    pub split_mode: Option<SplitModeOption>,
    /// Which part of the queries is for testing, with Time and Query.
    #[arg(long, default_value = "0.2", value_name = "FRACTION")]
    pub test_fraction: f64,
    /// How many folds, with KFold. Default: 5.
    #[arg(long, value_name = "N")]
    pub folds: Option<u32>,
    /// Seed of the split by query, of training and of the intervals.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

/// Numbering of SVMlight features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum NumberingOption {
    /// The first feature is 0.
    ZeroBased,
    /// The first feature is 1.
    OneBased,
}

/// How test queries are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum SplitModeOption {
    /// The last searches are for testing.
    Time,
    /// A part of the queries, chosen by a hash, is for testing.
    Query,
    /// All queries are for testing, each by a model that was trained on the other folds; the model
    /// that is published is trained on all of them. For small data.
    KFold,
    /// The Validation input is for testing.
    Provided,
    /// Everything is for training; nothing is measured.
    None,
}

/// Options of `features`.
#[derive(Args, Clone, Debug)]
pub struct FeaturesOptions {
    /// What to compute the features of.
    #[command(flatten)]
    pub source: SourceOptions,
    /// Folder to write to; it is created.
    #[arg(long, value_name = "FOLDER")]
    pub output: PathBuf,
}

/// Options of `check`.
#[derive(Args, Clone, Debug)]
pub struct CheckOptions {
    /// What to look at.
    #[command(flatten)]
    pub source: SourceOptions,
}

/// Options of `train`.
#[derive(Args, Clone, Debug)]
pub struct TrainOptions {
    /// Who the bundle belongs to: kind.namespace.name.uid, lower case.
    #[arg(long, default_value = "local")]
    pub owner: String,
    /// What to train on.
    #[command(flatten)]
    pub data: DataOptions,
    /// What is optimised: lambdarank, rank_xendcg, or pointwise, the squared error of each label.
    #[arg(long, default_value = "lambdarank")]
    pub objective: String,
    /// Trees.
    #[arg(long, default_value_t = 300)]
    pub num_iterations: u32,
    /// Leaves of one tree.
    #[arg(long, default_value_t = 31)]
    pub num_leaves: u32,
    /// Shrinkage.
    #[arg(long, default_value = "0.05")]
    pub learning_rate: f64,
    /// Stop when this metric (ndcg@K or map@K) on validation queries gets no better.
    #[arg(long, requires = "early_stopping_rounds", value_name = "METRIC")]
    pub early_stopping_metric: Option<String>,
    /// Iterations without a better value before stopping.
    #[arg(long, requires = "early_stopping_metric", value_name = "N")]
    pub early_stopping_rounds: Option<u32>,
    /// Unbiased: learn how much each shown position adds to what is clicked, and leave it out of
    /// the model. With lambdarank, on labels from events.
    #[arg(long, value_enum, value_name = "MODE", default_value = "None")]
    pub position_bias: PositionBiasOption,
    /// Weight of the squared bias of a position, with --position-bias Unbiased. Default: 0.
    #[arg(long, value_name = "WEIGHT")]
    pub position_bias_regularization: Option<f64>,
    /// How the score may move with a feature: FEATURE=Increasing or FEATURE=Decreasing. Repeat for
    /// each.
    #[arg(long, value_name = "FEATURE=DIRECTION")]
    pub monotone_constraint: Vec<String>,
    /// A feature of SvmLight rows whose values are numbers of categories. Repeat for each.
    #[arg(long, value_name = "FEATURE")]
    pub categorical_feature: Vec<String>,
    /// What becomes of the training when a given feature alone ranks nearly as the labels do.
    #[arg(long, value_enum, value_name = "MODE", default_value = "Fail")]
    pub leak_guard: LeakGuardOption,
    /// A further parameter by LightGBM's name. Repeat for each.
    #[arg(long, value_name = "NAME=VALUE")]
    pub parameter: Vec<String>,
}

/// What becomes of a training with a feature that seems to be made from the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum LeakGuardOption {
    /// It fails and names the feature.
    Fail,
    /// It goes on, with a note.
    Warn,
}

/// What is done about people acting most on what was shown first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum PositionBiasOption {
    /// Nothing.
    None,
    /// The bias of each position is learned and left out of the model.
    Unbiased,
}

/// Options of `evaluate`. Alone, it repeats the measurement of the training, whose split and seed
/// the bundle knows.
#[derive(Args, Clone, Debug)]
pub struct EvaluateOptions {
    /// The bundle: <store>/artifacts/<digest>.
    #[arg(long, value_name = "URI")]
    pub bundle_uri: String,
    /// The digest the bundle must have.
    #[arg(long, value_name = "HEX")]
    pub bundle_sha256: Option<String>,
    /// Another bundle to compare it with, query by query: <store>/artifacts/<digest>.
    #[arg(long, value_name = "URI")]
    pub against_uri: Option<String>,
    /// Write the report to this file, an HTML page.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// What to measure it on: the data that it was trained on, unless --other-data is given.
    #[command(flatten)]
    pub source: SourceOptions,
    /// Measure on other data than the bundle was trained on, or on other queries of the same: on
    /// the Validation input if there is one, else on all queries unless --split-mode is given.
    #[arg(long)]
    pub other_data: bool,
    /// How test queries of other data are chosen.
    #[arg(long, value_enum, value_name = "MODE", requires = "other_data")]
    pub split_mode: Option<SplitModeOption>,
    /// Which part of the queries of other data is for testing, with Time and Query.
    #[arg(
        long,
        default_value = "0.2",
        value_name = "FRACTION",
        requires = "split_mode"
    )]
    pub test_fraction: f64,
}

/// Options of `counterfactual`.
#[derive(Args, Clone, Debug)]
pub struct CounterfactualOptions {
    /// The log, JSON Lines: reward, logged_probability, target_probability and, for choices that
    /// belong together, unit.
    #[arg(long, value_name = "FILE")]
    pub log: PathBuf,
    /// Cut weights above this in the clipped estimate; default: the square root of the number of
    /// choices.
    #[arg(long, value_name = "WEIGHT")]
    pub clip: Option<f64>,
    /// Seed of the intervals.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

/// Options of `purge`.
#[derive(Args, Clone, Debug)]
pub struct PurgeOptions {
    /// Whose results and references to delete.
    #[arg(long)]
    pub owner: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn the_operator_s_arguments_are_understood() {
        let typed = CommandLine::try_parse_from([
            "searchop-trainer",
            "train",
            "--owner",
            "trainingrun.shop.a.1",
            "--input",
            "SvmLight=s3://b/rank.train",
            "--input",
            "Groups=s3://b/rank.train.query",
            "--feature-numbering",
            "ZeroBased",
            "--split-mode",
            "Query",
            "--test-fraction",
            "0.2",
            "--objective",
            "lambdarank",
            "--num-iterations",
            "300",
            "--num-leaves",
            "31",
            "--learning-rate",
            "0.05",
            "--seed",
            "42",
            "--early-stopping-metric",
            "ndcg@10",
            "--early-stopping-rounds",
            "30",
            "--parameter",
            "bagging_freq=1",
            "--parameter",
            "lambda_l1=0.1",
            "--progress-port",
            "8081",
        ])
        .expect("valid");
        assert_eq!(typed.job.progress_port, Some(8081));
        let Command::Train(train) = typed.command else {
            panic!("not train");
        };
        assert_eq!(train.data.split_mode, Some(SplitModeOption::Query));
        assert_eq!(
            train.data.source.feature_numbering,
            Some(NumberingOption::ZeroBased)
        );
        assert_eq!(train.parameter, ["bagging_freq=1", "lambda_l1=0.1"]);
    }

    #[test]
    fn empty_options_are_understood() {
        let arguments = [
            "searchop-trainer",
            "purge",
            "--owner",
            "local",
            "--result-file",
            "",
            "--work-directory",
            "",
        ];
        assert!(CommandLine::try_parse_from(arguments).is_ok());
    }

    #[test]
    fn a_dataset_and_inputs_together_are_wrong_usage() {
        let typed = CommandLine::try_parse_from([
            "searchop-trainer",
            "train",
            "--dataset-uri",
            "x",
            "--input",
            "SvmLight=y",
        ]);
        assert_eq!(typed.expect_err("conflict").exit_code(), 2);
    }
}
