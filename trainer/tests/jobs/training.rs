//! What training publishes, and what it finds of earlier attempts.

use serde_json::Value;

use crate::place::{Place, svmlight, train};

#[test]
fn a_dataset_becomes_a_bundle_that_does_not_depend_on_threads_or_on_where_it_was_made() {
    let (here, there) = (Place::new(), Place::new());
    let (first, second) = (here.dataset(), there.dataset());
    assert_ne!(first, second);
    assert_eq!(
        first.rsplit('/').next(),
        second.rsplit('/').next(),
        "the same seed, the same dataset"
    );
    let one = here.succeed(&train(&["--dataset-uri", &first, "--threads", "1"]));
    let two = there.succeed(&train(&["--dataset-uri", &second, "--threads", "2"]));
    assert_eq!(one["model"]["sha256"], two["model"]["sha256"]);
    assert_eq!(one["metrics"], two["metrics"]);
    assert_eq!(one["trees"], 20);
    assert_eq!(one["model"]["format"], "lightgbm-text-v4/1");
    let baselines = one["metrics"][0]["baselines"].as_object().unwrap();
    let names: Vec<_> = baselines.keys().map(String::as_str).collect();
    assert_eq!(names, ["bm25", "popularity", "random", "retrieval"]);
    let other = here.succeed(&train(&["--dataset-uri", &first, "--seed", "43"]));
    assert_ne!(one["model"]["sha256"], other["model"]["sha256"]);
}

#[test]
fn a_second_attempt_finds_the_first_one_s_result_unless_its_bundle_is_gone() {
    let place = Place::new();
    let dataset = place.dataset();
    let arguments = train(&["--dataset-uri", &dataset, "--owner", "trainingrun.shop.a.1"]);
    let first = place.succeed(&arguments);
    assert_eq!(first["reused"], false);
    let mut second = place.succeed(&arguments);
    assert_eq!(second["reused"], true);
    second["reused"] = false.into();
    assert_eq!(first, second);
    let digest = first["model"]["sha256"].as_str().unwrap();
    std::fs::remove_file(place.path(&format!("store/artifacts/{digest}/manifest.json"))).unwrap();
    assert_eq!(
        place.succeed(&arguments),
        first,
        "trained again, to the same digest"
    );
}

#[test]
fn rows_with_query_numbers_and_rows_with_a_group_file_give_the_same_model() {
    let place = Place::new();
    let with_numbers = svmlight(40);
    let without: String = with_numbers
        .lines()
        .map(|line| {
            let fields: Vec<_> = line
                .split(' ')
                .filter(|field| !field.starts_with("qid"))
                .collect();
            fields.join(" ") + "\n"
        })
        .collect();
    let numbered = format!("SvmLight={}", place.write("numbered", &with_numbers));
    let plain = format!("SvmLight={}", place.write("plain", &without));
    let groups = format!("Groups={}", place.write("groups", &"5\n".repeat(40)));
    let common = [
        "--feature-numbering",
        "OneBased",
        "--split-mode",
        "None",
        "--parameter",
        "min_data_in_leaf=2",
    ];
    let first = place.succeed(&train(&[&["--input", &numbered][..], &common].concat()));
    let second = place.succeed(&train(
        &[&["--input", &plain, "--input", &groups][..], &common].concat(),
    ));
    let model = |result: &Value| {
        let digest = result["model"]["sha256"].as_str().unwrap();
        std::fs::read(place.path(&format!("store/artifacts/{digest}/files/model.txt"))).unwrap()
    };
    assert_eq!(model(&first), model(&second));
    assert_eq!(first["metrics"], Value::Array(Vec::new()));
    assert_ne!(first["datasetSha256"], second["datasetSha256"]);
}

#[test]
fn constant_columns_and_single_document_queries_among_others_train() {
    let place = Place::new();
    let text = svmlight(60) + "1 qid:900 1:1\n0 qid:901 2:1\n";
    let input = format!("SvmLight={}", place.write("rows", &text));
    let result = place.succeed(&train(&[
        "--input",
        &input,
        "--feature-numbering",
        "OneBased",
        "--parameter",
        "min_data_in_leaf=2",
    ]));
    let names: Vec<_> = result["metrics"][0]["baselines"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["random"]);
    let notes: Vec<_> = result["notes"].as_array().unwrap().iter().collect();
    assert!(
        notes
            .iter()
            .any(|note| note.as_str().unwrap().contains("bm25 are not applicable")),
        "{notes:?}"
    );
}

#[test]
fn features_are_written_with_their_groups_and_names() {
    let place = Place::new();
    let dataset = place.dataset();
    let output = place.path("matrix");
    let result = place.succeed(&[
        "features",
        "--dataset-uri",
        &dataset,
        "--output",
        &output.display().to_string(),
    ]);
    let lines = |name: &str| {
        let text = std::fs::read_to_string(output.join(name)).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let rows: u64 = lines("features.svmlight.query")
        .iter()
        .map(|line| line.parse::<u64>().unwrap())
        .sum();
    assert_eq!(Value::from(rows), result["rows"]);
    assert_eq!(
        Value::from(lines("features.svmlight").len()),
        result["rows"]
    );
    assert_eq!(
        Value::from(lines("features.names").len()),
        result["features"]
    );
    assert!(lines("features.names").contains(&"bm25_title".to_owned()));
}

#[test]
fn features_have_the_numbers_of_their_files() {
    let place = Place::new();
    let one_based = svmlight(60);
    let zero_based = one_based
        .replace(" 1:", " 0:")
        .replace(" 2:", " 1:")
        .replace(" 3:", " 2:");
    let trained = |name: &str, text: &str, numbering: &str| {
        let input = format!("SvmLight={}", place.write(name, text));
        let result = place.succeed(&train(&[
            "--input",
            &input,
            "--feature-numbering",
            numbering,
        ]));
        let digest = result["model"]["sha256"].as_str().unwrap();
        let read = |file: &str| {
            let path = place.path(&format!("store/artifacts/{digest}/files/{file}"));
            std::fs::read_to_string(path).unwrap()
        };
        let schema: Value = serde_json::from_str(&read("features.json")).unwrap();
        let names: Vec<String> = schema["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feature| feature["name"].as_str().unwrap().to_owned())
            .collect();
        (names.join(" "), read("model.txt"))
    };
    let (names, model) = trained("one-based", &one_based, "OneBased");
    assert_eq!(names, "f1 f2 f3");
    assert!(model.contains("feature_names=f1 f2 f3"), "{model:.400}");
    let (names, _) = trained("zero-based", &zero_based, "ZeroBased");
    assert_eq!(names, "f0 f1 f2");
}

#[test]
fn objectives_constraints_and_position_bias_are_trained_by_and_recorded() {
    let place = Place::new();
    let rows = format!("SvmLight={}", place.write("rows", &svmlight(300)));
    let of_rows = ["--input", &rows, "--feature-numbering", "OneBased"];
    let small = ["--parameter", "min_data_in_leaf=2"];
    let metadata = |result: &Value| {
        let digest = result["model"]["sha256"].as_str().unwrap();
        let manifest = place.path(&format!("store/artifacts/{digest}/manifest.json"));
        let manifest: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
        manifest["metadata"].clone()
    };
    let mut digests = std::collections::BTreeSet::new();
    for objective in ["lambdarank", "rank_xendcg", "pointwise"] {
        let trained = |owner: &str| {
            let more = [&["--objective", objective, "--owner", owner][..], &small].concat();
            place.succeed(&train(&[&of_rows[..], &more].concat()))
        };
        let (first, second) = (
            trained("trainingrun.shop.a.1"),
            trained("trainingrun.shop.b.1"),
        );
        assert_eq!(first["model"], second["model"], "{objective}");
        assert_eq!(metadata(&first)["objective"], objective);
        digests.insert(first["model"]["sha256"].to_string());
    }
    assert_eq!(digests.len(), 3);

    let known = [
        "--monotone-constraint",
        "f1=Decreasing",
        "--categorical-feature",
        "f2",
    ];
    let trained = place.succeed(&train(&[&of_rows[..], &small, &known].concat()));
    let parameters = &metadata(&trained)["parameters"];
    assert_eq!(parameters["monotone_constraints"], "f1=Decreasing");
    assert_eq!(parameters["categorical_feature"], "f2");
    for (more, reason, expected) in [
        (
            ["--monotone-constraint", "f4=Increasing"],
            "InvalidParameters",
            "no feature is called \"f4\": there are 3, from \"f1\" to \"f3\"",
        ),
        (
            ["--categorical-feature", "price"],
            "InvalidParameters",
            "no feature is called \"price\"",
        ),
        (
            ["--categorical-feature", "f1"],
            "InvalidData",
            "the categorical feature \"f1\" is ",
        ),
    ] {
        let message = place.refused(&train(&[&of_rows[..], &more].concat()), reason);
        assert!(message.contains(expected), "{message}");
    }

    let dataset = place.dataset();
    let of_dataset = ["--dataset-uri", &dataset];
    let plain = place.succeed(&train(&of_dataset));
    let unbiased = [&of_dataset[..], &["--position-bias", "Unbiased"]].concat();
    let unbiased = place.succeed(&train(&unbiased));
    assert_ne!(plain["model"]["sha256"], unbiased["model"]["sha256"]);
    assert_eq!(
        metadata(&unbiased)["parameters"]["position_bias"],
        "Unbiased"
    );
    assert_eq!(metadata(&plain)["parameters"].get("position_bias"), None);
}
