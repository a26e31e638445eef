//! A bundle measured again.

use std::collections::BTreeSet;

use clap::Parser;
use searchop_ranking::bundle::MetricsTable;
use searchop_trainer::cli::{Command, CommandLine};
use searchop_trainer::evaluate::evaluate;
use searchop_trainer::job::Job;
use searchop_trainer::progress::Progress;
use serde_json::Value;

use crate::place::{Place, svmlight, train};

/// The whole table of a measurement, of which the result file has only the headline.
async fn measured_again(place: &Place, arguments: &[&str]) -> MetricsTable {
    let (store, work) = (place.path("store"), place.path("work"));
    let (store, work) = (store.display().to_string(), work.display().to_string());
    let common = [
        "searchop-trainer",
        "--store",
        &store,
        "--work-directory",
        &work,
        "evaluate",
    ];
    let typed = CommandLine::try_parse_from(common.iter().chain(arguments)).unwrap();
    let Command::Evaluate(options) = typed.command else {
        panic!("not evaluate");
    };
    let job = Job::new(&typed.job, Progress::silent()).unwrap();
    evaluate(&job, &options).await.unwrap().metrics
}

/// The text of a file of the trained bundle.
fn published(place: &Place, trained: &Value, file: &str) -> String {
    let digest = trained["model"]["sha256"].as_str().unwrap();
    let path = place.path(&format!("store/artifacts/{digest}/files/{file}"));
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn measuring_a_bundle_again_gives_the_figures_of_its_training_to_the_last_bit() {
    let place = Place::new();
    let dataset = place.dataset();
    let rows = format!("SvmLight={}", place.write("rows", &svmlight(60)));
    let validation = svmlight(12).replace("qid:", "qid:9").replace(".5", ".25");
    let validation = format!("Validation={}", place.write("validation", &validation));
    let of_dataset = ["--dataset-uri", &dataset];
    let of_rows = ["--input", &rows, "--feature-numbering", "OneBased"];
    let of_both = [&of_rows[..], &["--input", &validation]].concat();
    let by_query = ["--split-mode", "Query", "--test-fraction", "0.35"];
    let stopping = [
        "--early-stopping-metric",
        "ndcg@5",
        "--early-stopping-rounds",
        "5",
        "--parameter",
        "min_data_in_leaf=2",
    ];
    for (source, split) in [
        (&of_dataset[..], [&["--seed", "9"][..], &[]].concat()),
        (&of_dataset[..], [&by_query[..], &stopping].concat()),
        (&of_rows[..], [&by_query[..], &["--seed", "3"]].concat()),
        (&of_both[..], [&stopping[..], &["--seed", "5"]].concat()),
    ] {
        let trained = place.succeed(&train(&[source, &split].concat()));
        let uri = trained["model"]["uri"].as_str().unwrap();
        let arguments = [&["--bundle-uri", uri][..], source].concat();
        let again = measured_again(&place, &arguments).await;
        assert_eq!(
            again.to_canonical_json(),
            published(&place, &trained, "metrics.json"),
            "{split:?}"
        );
        let evaluated = place.succeed(&[&["evaluate"][..], &arguments].concat());
        assert_eq!(evaluated["metrics"], trained["metrics"]);
        // Slices are for programs that read the table; what the operator reads stays short.
        let slicings: BTreeSet<&str> = again.slices.iter().map(|it| &*it.slicing).collect();
        if source == of_dataset {
            assert_eq!(slicings, ["frequency", "intent", "segment"].into());
        } else {
            assert!(slicings.is_empty(), "{slicings:?}");
        }
        assert!(!trained.to_string().contains("slice"), "{trained}");
    }
}

#[test]
fn other_data_is_measured_only_when_that_is_asked_for() {
    let place = Place::new();
    let input = |name: &str, text: &str| format!("SvmLight={}", place.write(name, text));
    let rows = input("rows", &svmlight(60));
    let trained = place.succeed(&train(&[
        "--input",
        &rows,
        "--feature-numbering",
        "OneBased",
        "--parameter",
        "min_data_in_leaf=2",
    ]));
    let bundle = trained["model"]["uri"].as_str().unwrap();
    let other = input("other", &svmlight(20));
    let arguments = [
        "evaluate",
        "--bundle-uri",
        bundle,
        "--input",
        &other,
        "--feature-numbering",
        "OneBased",
    ];
    let message = place.refused(&arguments, "InvalidData");
    let digest = trained["datasetSha256"].as_str().unwrap();
    assert!(
        message.contains(digest) && message.contains("--other-data"),
        "{message}"
    );
    let with = |more: &[&'static str]| [&arguments[..], more].concat();
    let all = place.succeed(&with(&["--other-data"]));
    assert_eq!(all["metrics"][0]["queries"], 20);
    let part = place.succeed(&with(&["--other-data", "--split-mode", "Query"]));
    assert!(part["metrics"][0]["queries"].as_u64().unwrap() < 20);
    let mut counted_otherwise = with(&["--other-data"]);
    counted_otherwise[6] = "ZeroBased";
    let message = place.refused(&counted_otherwise, "InvalidData");
    assert!(
        message.contains("of the bundle is f1, but that of the rows is f0"),
        "{message}"
    );
    let (code, _) = place.run(&with(&["--split-mode", "Query"]));
    assert_eq!(code, 2, "without --other-data the split is the bundle's");
}

#[test]
fn two_bundles_are_compared_query_by_query_and_reported() {
    let place = Place::new();
    let dataset = place.dataset();
    let first = place.succeed(&train(&["--dataset-uri", &dataset]));
    let second = place.succeed(&train(&[
        "--dataset-uri",
        &dataset,
        "--learning-rate",
        "0.001",
    ]));
    let page = published(&place, &first, "report.html");
    for part in [
        "<h2>Metrics</h2>",
        "<h2>Slices</h2>",
        "<h2>Importance</h2>",
        "<h2>Queries</h2>",
    ] {
        assert!(page.contains(part), "{part} is not in the bundle's report");
    }
    let uri = |trained: &Value| trained["model"]["uri"].as_str().unwrap().to_owned();
    let (one, other) = (uri(&first), uri(&second));
    let report = place.path("report.html").display().to_string();
    let compare = |bundle: &str, against: &str| {
        place.succeed(&[
            "evaluate",
            "--bundle-uri",
            bundle,
            "--dataset-uri",
            &dataset,
            "--against-uri",
            against,
            "--report",
            &report,
        ])
    };
    let found = compare(&one, &other)["comparison"].clone();
    let back = compare(&other, &one)["comparison"].clone();
    let number = |found: &Value, name: &str| found[name].as_f64().unwrap();
    assert_eq!(found["againstSha256"], second["model"]["sha256"]);
    assert_eq!(found["metric"], "ndcg@10");
    assert_eq!(number(&found, "difference"), -number(&back, "difference"));
    assert_eq!(found["pValue"], back["pValue"]);
    assert!(number(&found, "pValue") > 0.0 && number(&found, "pValue") <= 1.0);
    let same = compare(&one, &one)["comparison"].clone();
    assert_eq!(
        (number(&same, "difference"), number(&same, "pValue")),
        (0.0, 1.0)
    );
    let page = std::fs::read_to_string(&report).unwrap();
    let digest = first["model"]["sha256"].as_str().unwrap();
    assert!(page.contains(&format!("<th scope=\"row\">model {}</th>", &digest[..8])));
    // The same model on the same rows is explained as it was when it was trained.
    let importance = |page: &str| {
        let section = page.split("<h2>Importance</h2>").nth(1).unwrap();
        section.split("</section>").next().unwrap().to_owned()
    };
    let trained = published(&place, &first, "report.html");
    assert_eq!(importance(&page), importance(&trained));
    assert!(trained.contains(" test rows"), "it is of the test rows");
}

#[test]
fn data_of_another_kind_than_the_bundle_ranks_is_refused() {
    let place = Place::new();
    let dataset = place.dataset();
    let trained = place.succeed(&train(&["--dataset-uri", &dataset]));
    let bundle = trained["model"]["uri"].as_str().unwrap();
    let rows = place.write("rows", &svmlight(20));
    let input = format!("SvmLight={rows}");
    let message = place.refused(
        &[
            "evaluate",
            "--bundle-uri",
            bundle,
            "--input",
            &input,
            "--feature-numbering",
            "OneBased",
            "--other-data",
        ],
        "InvalidData",
    );
    assert!(message.contains("ranks items of a catalogue"), "{message}");
}
