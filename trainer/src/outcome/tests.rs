use super::*;

fn train_success(metrics: usize) -> Outcome {
    let baselines: BTreeMap<_, _> = ["random", "popularity", "retrieval", "bm25"]
        .map(|name| (name.to_owned(), "0.1234".to_owned()))
        .into();
    let metric = HeadlineMetric {
        name: "ndcg@10".into(),
        value: "0.4123".into(),
        low: "0.4".into(),
        high: "0.42".into(),
        queries: 500,
        baselines,
    };
    Outcome::Succeeded(Success::Train(Box::new(TrainSuccess {
        model: ModelReference {
            uri: "s3://bucket/prefix/artifacts/ab".into(),
            sha256: "ab".repeat(32),
            size_bytes: 12,
            format: "lightgbm-text-v4/1".into(),
            feature_schema_sha256: "cd".repeat(32),
            report_uri: None,
        },
        dataset_sha256: "ef".repeat(32),
        metrics: vec![metric; metrics],
        trees: 300,
        versions: BTreeMap::from([("trainer".to_owned(), "0.1.0".to_owned())]),
        reused: false,
        data: Some(DataFound {
            products: 40,
            bad_lines: BTreeMap::from([("Malformed".to_owned(), 2)]),
            left_out: BTreeMap::from([("RepeatedRow".to_owned(), 7)]),
            ..DataFound::default()
        }),
        notes: vec!["early stopping kept 12 of 300 trees".to_owned()],
    })))
}

#[test]
fn a_training_result_has_the_protocol_s_fields() {
    let value: serde_json::Value =
        serde_json::from_str(&train_success(1).to_json()).expect("valid JSON");
    assert_eq!(value["outcome"], "Succeeded");
    assert_eq!(value["model"]["format"], "lightgbm-text-v4/1");
    assert!(value["model"]["featureSchemaSha256"].is_string());
    assert!(value["datasetSha256"].is_string());
    assert_eq!(value["metrics"][0]["baselines"]["bm25"], "0.1234");
    assert_eq!(value["metrics"][0]["queries"], 500);
    assert_eq!(value["trees"], 300);
    assert_eq!(value["data"]["badLines"]["Malformed"], 2);
    assert_eq!(value["data"]["leftOut"]["RepeatedRow"], 7);
    assert_eq!(value["reused"], false);
    assert_eq!(
        value["notes"],
        serde_json::json!(["early stopping kept 12 of 300 trees"])
    );
}

#[test]
fn every_result_reads_back_as_what_was_written() {
    let outcomes = [
        train_success(4),
        Outcome::Succeeded(Success::Generate(GenerateSuccess {
            artifact: ArtifactReference {
                uri: "u".into(),
                sha256: "s".into(),
                size_bytes: 1,
            },
            counts: Counts {
                products: 1,
                queries: 2,
                users: 3,
                events: 4,
            },
            versions: BTreeMap::new(),
            reused: false,
        })),
        Outcome::Succeeded(Success::Purge(PurgeSuccess {
            purged: Purged { objects: 3 },
            retained: vec!["ab".into()],
        })),
        Outcome::from(&Failure::new(Reason::StorageUnfit, "ignores if-none-match")),
    ];
    for outcome in outcomes {
        let read: Outcome = serde_json::from_str(&outcome.to_json()).expect("reads back");
        assert_eq!(read, outcome);
    }
}

#[test]
fn notes_are_few_and_short_and_cut_between_characters() {
    let long = "ä".repeat(201);
    let fits = "ä".repeat(200);
    let cut = bounded_notes(&[long.clone(), fits.clone()]);
    assert_eq!(cut, [format!("{}…", "ä".repeat(199)), fits]);
    let seven: Vec<String> = (0..7).map(|note| note.to_string()).collect();
    assert_eq!(
        bounded_notes(&seven),
        ["0", "1", "2", "3", "3 further notes are in the Job's log"]
    );
    assert_eq!(bounded_notes(&seven[..5]), seven[..5]);
    // A result without notes is that of an earlier version, and reads.
    let text = train_success(1).to_json();
    let without = text.replace(r#","notes":["early stopping kept 12 of 300 trees"]"#, "");
    assert_ne!(text, without);
    assert!(serde_json::from_str::<Outcome>(&without).is_ok());
}

#[test]
fn notes_are_dropped_before_any_figure() {
    let mut outcome = train_success(4);
    let Outcome::Succeeded(Success::Train(train)) = &mut outcome else {
        panic!("not of training");
    };
    train.notes = bounded_notes(&vec!["\u{1}".repeat(300); 5]);
    let json = outcome.to_json();
    assert!(json.len() <= MAXIMUM_BYTES, "{} bytes", json.len());
    let value: serde_json::Value = serde_json::from_str(&json).expect("valid JSON");
    assert_eq!(value["metrics"][3]["baselines"]["bm25"], "0.1234");
    assert!(
        value["notes"]
            .as_array()
            .is_some_and(|notes| notes.len() < 5)
    );
}

#[test]
fn a_failure_says_whether_to_retry() {
    let json = Outcome::from(&Failure::new(Reason::StorageUnavailable, "no answer")).to_json();
    assert_eq!(
        json,
        r#"{"outcome":"Failed","retryable":true,"reason":"StorageUnavailable","message":"no answer"}"#
    );
}

#[test]
fn no_message_is_longer_than_a_termination_message() {
    for text in [
        "x".repeat(10_000),
        "ä".repeat(10_000),
        "\u{1}\"\n".repeat(5_000),
    ] {
        let json = Outcome::from(&Failure::new(Reason::InvalidData, text)).to_json();
        assert!(json.len() <= MAXIMUM_BYTES, "{} bytes", json.len());
        assert!(serde_json::from_str::<Outcome>(&json).is_ok());
    }
    let json = train_success(200).to_json();
    assert!(json.len() <= MAXIMUM_BYTES, "{} bytes", json.len());
    assert!(json.contains("\"sha256\":\"abab"));
}
