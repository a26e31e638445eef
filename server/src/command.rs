//! The command line: flags, their defaults and their units.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::digest::Digest;

/// Ranks candidates with learned models, and searches their catalogues.
#[derive(Debug, Parser)]
#[command(name = "searchop-server", version)]
pub struct Arguments {
    /// How log lines are written.
    #[arg(
        long,
        global = true,
        value_enum,
        env = "SEARCHOP_LOG_FORMAT",
        default_value = "json"
    )]
    pub log_format: LogFormat,
    /// What is logged, as tracing's filter: a level, or target=level pairs.
    #[arg(long, global = true, env = "SEARCHOP_LOG", default_value = "info")]
    pub log: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve bundles that are on the disk.
    Serve(ServeArguments),
    /// Bring bundles from the store to the disk, verified. The init step of a serving pod.
    Fetch(FetchArguments),
}

/// Flags of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArguments {
    /// Where the bundles are, each in a directory named by its digest.
    #[arg(long, value_name = "DIRECTORY")]
    pub bundles_directory: PathBuf,
    /// Digest of a bundle to load. May be given several times.
    #[arg(long = "bundle", value_name = "HEX", required = true)]
    pub bundles: Vec<Digest>,
    /// The traffic plan, followed while it changes. Without it, the only bundle has all traffic.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "single",
        conflicts_with = "single"
    )]
    pub plan: Option<PathBuf>,
    /// Serve without a plan: the first bundle has all traffic.
    #[arg(long)]
    pub single: bool,
    /// The address to listen on.
    #[arg(long, default_value = "0.0.0.0")]
    pub address: IpAddr,
    /// The port of the API.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// The port of probes, metrics and track states.
    #[arg(long, default_value_t = 8081)]
    pub admin_port: u16,
    /// The longest request body, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1024 * 1024)]
    pub maximum_body_bytes: usize,
    /// The most bytes of bodies at a time; a body that there is no room for is refused with 503. Not
    /// less than the longest body. What is made of a body takes some ten times its size at most.
    #[arg(long, value_name = "BYTES", default_value_t = 32 * 1024 * 1024)]
    pub maximum_bodies_bytes: usize,
    /// The most candidates of one request.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub maximum_candidates: usize,
    /// How many items a search retrieves for the model to rank.
    #[arg(long, value_name = "N", default_value = "200")]
    pub retrieval_depth: NonZeroUsize,
    /// The most connections at a time.
    #[arg(long, value_name = "N", default_value = "1024")]
    pub maximum_connections: NonZeroUsize,
    /// The most requests that wait for a score or are being scored; more are refused with 503.
    #[arg(long, value_name = "N", default_value = "256")]
    pub maximum_in_flight: NonZeroUsize,
    /// How many searches and long lists are ranked at the same time, on threads of their own; one for
    /// each core when absent. Short lists are ranked by the threads that read requests.
    #[arg(long, value_name = "N")]
    pub scoring_threads: Option<NonZeroUsize>,
    /// The longest time for a request's body to arrive, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 10_000)]
    pub request_timeout_milliseconds: u64,
    /// The longest time for scoring, waiting included, in milliseconds. Then the list is answered
    /// in the order it came in.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 2_000)]
    pub scoring_timeout_milliseconds: u64,
    /// The longest time that a connection may be idle or send its head, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 75_000)]
    pub idle_timeout_milliseconds: u64,
    /// How long to serve on after SIGTERM, while unready, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 5_000)]
    pub shutdown_grace_milliseconds: u64,
    /// The longest time to finish what is in flight after that, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 20_000)]
    pub drain_timeout_milliseconds: u64,
    /// How often the plan is read, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 500)]
    pub plan_interval_milliseconds: u64,
}

/// Flags of `fetch`. Where the store is and how to reach it comes from the environment.
#[derive(Clone, Debug, Args)]
pub struct FetchArguments {
    /// Where to put the bundles, each in a directory named by its digest.
    #[arg(long, value_name = "DIRECTORY")]
    pub into: PathBuf,
    /// A bundle to fetch, as `<uri>#sha256=<hex>`. May be given several times.
    #[arg(long = "bundle", value_name = "URI#sha256=HEX", required = true)]
    pub bundles: Vec<BundleSource>,
    /// Digest of a bundle without which there is nothing to serve. May be given several times.
    #[arg(
        long = "required",
        value_name = "HEX",
        required = true,
        value_delimiter = ','
    )]
    pub required: Vec<Digest>,
    /// Digests of the bundles that a store that does not answer is tried again for, until the step
    /// fails and is restarted; with commas or white space between. The others are then left out. All
    /// are awaited when it is not given, and a required one always is.
    #[arg(long, value_name = "HEX,HEX", env = "SEARCHOP_AWAITED")]
    pub awaited: Option<DigestList>,
    /// Where the result is written: the container's termination message.
    #[arg(
        long,
        value_name = "FILE",
        env = "SEARCHOP_RESULT_FILE",
        default_value = "/dev/termination-log"
    )]
    pub result_file: PathBuf,
    /// How long to try again when the store does not answer, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 30_000)]
    pub retry_milliseconds: u64,
}

/// Digests in one text, with commas or white space between; none in an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestList(pub Vec<Digest>);

impl std::str::FromStr for DigestList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(|letter: char| letter == ',' || letter.is_whitespace())
            .filter(|word| !word.is_empty())
            .map(|word| {
                word.parse::<Digest>()
                    .map_err(|error| format!("{word:?}: {error}"))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl FetchArguments {
    /// Whether there is nothing to serve without this bundle.
    pub fn is_required(&self, sha256: &Digest) -> bool {
        self.required.contains(sha256)
    }

    /// Whether a store that does not give this bundle now is to be tried again until it does.
    pub fn is_awaited(&self, sha256: &Digest) -> bool {
        self.is_required(sha256)
            || self
                .awaited
                .as_ref()
                .is_none_or(|awaited| awaited.0.contains(sha256))
    }
}

/// A bundle in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleSource {
    /// Where it is.
    pub uri: String,
    /// What it is.
    pub sha256: Digest,
}

impl std::str::FromStr for BundleSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (uri, digest) = text
            .rsplit_once("#sha256=")
            .ok_or_else(|| format!("{text:?} does not end with #sha256=<hex>"))?;
        if uri.is_empty() {
            return Err(format!("{text:?} has no URI"));
        }
        let sha256 = digest
            .parse::<Digest>()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            uri: uri.to_owned(),
            sha256,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_the_operator_are_understood() {
        let digest = "a".repeat(64);
        let serve = format!(
            "searchop-server serve --bundles-directory /bundles --bundle {digest} --bundle {digest} \
             --plan /etc/searchop/plan.json --port 8080 --admin-port 8081"
        );
        let Command::Serve(serve) =
            Arguments::try_parse_from(serve.split(' ').filter(|word| !word.is_empty()))
                .unwrap()
                .command
        else {
            panic!("not the command serve");
        };
        assert_eq!(serve.bundles.len(), 2);
        let fetch = format!(
            "searchop-server fetch --into /bundles --bundle s3://b/p/artifacts/{digest}#sha256={digest} --required {digest}"
        );
        let Command::Fetch(fetch) = Arguments::try_parse_from(fetch.split(' ')).unwrap().command
        else {
            panic!("not the command fetch");
        };
        assert_eq!(fetch.bundles[0].uri, format!("s3://b/p/artifacts/{digest}"));
        assert_eq!(fetch.bundles[0].sha256, fetch.required[0]);
    }

    #[test]
    fn awaited_bundles_are_listed_with_commas_or_white_space() {
        let digest = |letter: &str| letter.repeat(64).parse::<Digest>().unwrap();
        let (a, b) = (digest("a"), digest("b"));
        for text in [
            format!("{a},{b}"),
            format!("{a} {b}\n"),
            format!("\n{a},\n{b},"),
        ] {
            let list: DigestList = text.parse().unwrap();
            assert_eq!(list, DigestList(vec![a.clone(), b.clone()]), "{text:?}");
        }
        assert_eq!("".parse(), Ok(DigestList::default()));
        let error = format!("{a},bbb").parse::<DigestList>().unwrap_err();
        assert!(error.contains("\"bbb\""), "{error}");
    }

    #[test]
    fn a_required_bundle_is_awaited_and_all_are_without_a_list() {
        let digest = |letter: &str| letter.repeat(64).parse::<Digest>().unwrap();
        let (a, b, c) = (digest("a"), digest("b"), digest("c"));
        let awaited = |more: &[&str]| {
            let (source, required) = (format!("file:///s#sha256={a}"), a.to_string());
            let words = ["searchop-server", "fetch", "--into", "/b"];
            let given = ["--bundle", &source, "--required", &required];
            let words = words.iter().chain(&given).chain(more);
            let Command::Fetch(fetch) = Arguments::try_parse_from(words).unwrap().command else {
                panic!("not the command fetch");
            };
            [&a, &b, &c].map(|digest| fetch.is_awaited(digest))
        };
        assert_eq!(awaited(&[]), [true, true, true]);
        assert_eq!(awaited(&["--awaited", ""]), [true, false, false]);
        assert_eq!(awaited(&["--awaited", b.as_str()]), [true, true, false]);
    }

    #[test]
    fn a_bundle_without_its_digest_is_refused() {
        for text in [
            "s3://b/p",
            "#sha256=abc",
            "s3://b/p#sha256=abc",
            &format!("#sha256={}", "a".repeat(64)),
        ] {
            assert!(text.parse::<BundleSource>().is_err(), "{text} was accepted");
        }
    }
}
