//! Tests of the bundle's files and of its self-check, on a folder written here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::catalogue::Catalogue;
use crate::features::{FeatureContext, FeatureType, MonotoneConstraint};
use crate::model::RankingModel;
use crate::text::Language;

const MODEL: &str = include_str!("../../tests/fixtures/categorical.model.txt");
const SCORES: &str = include_str!("../../tests/fixtures/categorical.scores.txt");

/// A folder of its own for each test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn of_bundle(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("searchop-bundle-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        folder.write(MODEL_FILE, MODEL);
        folder.write(FEATURES_FILE, &FeatureSchema::dense(5).to_canonical_json());
        folder.write(PARITY_FILE, &sample().to_canonical_json());
        folder
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).unwrap();
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.0.join(file)).unwrap();
        assert!(text.contains(from), "the test changes something");
        self.write(file, &text.replacen(from, to, 1));
    }

    fn load(&self) -> Result<Bundle, SelfCheckError> {
        Bundle::load(&self.0, &serde_json::to_value(metadata()).unwrap())
    }

    fn refusal(&self) -> (&'static str, String) {
        let error = self.load().expect_err("the bundle must be refused");
        (error.reason(), error.to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Rows of LightGBM's own scores, some with missing values, none infinite.
fn sample() -> ParitySample {
    let (mut rows, mut scores) = (Vec::new(), Vec::new());
    for line in SCORES.lines().take(40) {
        let (score, row) = line.split_once('\t').unwrap();
        scores.push(score.parse().unwrap());
        rows.push(
            row.split(' ')
                .map(|value| value.parse().unwrap())
                .collect::<Vec<f64>>(),
        );
    }
    assert!(
        rows.iter().flatten().any(|value| value.is_nan()),
        "the sample has missing values"
    );
    ParitySample::new(&rows, scores).unwrap()
}

fn metadata() -> BundleMetadata {
    BundleMetadata {
        feature_schema_sha256: FeatureSchema::dense(5).sha256(),
        dataset_sha256: "0".repeat(64),
        objective: "lambdarank".to_owned(),
        seed: 3,
        parameters: BTreeMap::new(),
        trees: 6,
        versions: BundleVersions {
            trainer: "0.1.0".to_owned(),
            lightgbm: "4.7.0".to_owned(),
        },
        metrics: Vec::new(),
    }
}

#[test]
fn a_bundle_that_is_as_published_passes_its_self_check() {
    let folder = Folder::of_bundle("passes");
    let bundle = folder.load().unwrap();
    assert_eq!(
        (bundle.model.tree_count(), bundle.parity.row_count()),
        (6, 40)
    );
    assert_eq!(bundle.schema, FeatureSchema::dense(5));
    assert_eq!(bundle.metadata, metadata());
    assert_eq!(bundle.parity, sample(), "floats survive the file");
}

#[test]
fn each_damage_is_refused_with_its_reason() {
    let schema = FeatureSchema::dense(5).sha256();
    let refusal = |name: &str, file: &str, from: &str, to: &str| {
        let folder = Folder::of_bundle(name);
        folder.change(file, from, to);
        folder.refusal()
    };
    let (reason, message) = refusal("schema", FEATURES_FILE, "\"f1\"", "\"g1\"");
    assert_eq!(reason, "SchemaMismatch");
    assert!(
        message.ends_with(&format!("but the manifest has {schema}")),
        "{message}"
    );
    assert_eq!(
        refusal(
            "version",
            FEATURES_FILE,
            "\"formatVersion\":2",
            "\"formatVersion\":3"
        ),
        (
            "SchemaUnknown",
            "features.json: formatVersion: 3 is not known; 1 to 2 are".to_owned()
        )
    );
    assert_eq!(
        refusal("kind", FEATURES_FILE, "Dense", "Graph"),
        (
            "SchemaUnknown",
            "features.json: kind: \"Graph\" is not known; \"Dense\" and \"QueryItem\" are"
                .to_owned()
        )
    );
    let (reason, message) = refusal("field", FEATURES_FILE, "\"kind\"", "\"unit\":1,\"kind\"");
    assert_eq!(reason, "SchemaUnknown");
    assert!(message.contains("unknown field `unit`"), "{message}");
    let (reason, message) = refusal("leaf", MODEL_FILE, "leaf_value=", "leaf_value=1 ");
    assert_eq!(reason, "ModelInvalid");
    assert!(
        message.starts_with("model.txt: tree 0: leaf_value: "),
        "{message}"
    );
    assert_eq!(
        refusal(
            "parity-field",
            PARITY_FILE,
            "\"rows\"",
            "\"more\":1,\"rows\""
        )
        .0,
        "FileInvalid"
    );

    let first = sample().rows().next().unwrap().1;
    let next = f64::from_bits(first.to_bits() + 1);
    let (reason, message) = refusal(
        "parity",
        PARITY_FILE,
        &format!("{first:?}"),
        &format!("{next:?}"),
    );
    assert_eq!(reason, "ParityMismatch");
    assert_eq!(
        message,
        format!("parity.json: row 0 scores {first:?}, but the trainer's score is {next:?}")
    );
}

#[test]
fn files_that_are_missing_or_belong_to_another_model_are_refused() {
    for file in [MODEL_FILE, FEATURES_FILE, PARITY_FILE] {
        let folder = Folder::of_bundle(&format!("missing-{file}"));
        std::fs::remove_file(folder.0.join(file)).unwrap();
        assert_eq!(
            folder.refusal(),
            ("FileMissing", format!("{file}: is missing from the bundle"))
        );
    }
    let folder = Folder::of_bundle("count");
    let schema = FeatureSchema::dense(6);
    folder.write(FEATURES_FILE, &schema.to_canonical_json());
    let load = |metadata: BundleMetadata| {
        Bundle::load(&folder.0, &serde_json::to_value(metadata).unwrap())
            .expect_err("the bundle must be refused")
    };
    let error = load(BundleMetadata {
        feature_schema_sha256: schema.sha256(),
        ..metadata()
    });
    assert!(
        matches!(
            error,
            SelfCheckError::FeatureCountMismatch {
                model: 5,
                schema: 6
            }
        ),
        "{error}"
    );
    folder.write(FEATURES_FILE, &FeatureSchema::dense(5).to_canonical_json());
    let error = load(BundleMetadata {
        trees: 7,
        ..metadata()
    });
    assert!(
        matches!(
            error,
            SelfCheckError::TreeCountMismatch {
                model: 6,
                metadata: 7
            }
        ),
        "{error}"
    );
    let error =
        Bundle::load(&folder.0, &json!({"trees": 6})).expect_err("the metadata must be refused");
    assert_eq!(error.reason(), "MetadataInvalid");
    assert_eq!(
        Bundle::check_format_version(2)
            .expect_err("unknown")
            .reason(),
        "UnknownFormat"
    );
    assert!(
        Bundle::load(
            Path::new("/nonexistent/bundle"),
            &serde_json::to_value(metadata()).unwrap()
        )
        .is_err()
    );
}

#[test]
fn a_sample_that_proves_nothing_is_refused() {
    let row = vec![0.0; 5];
    assert!(matches!(
        ParitySample::new(&vec![row.clone(); 31], vec![0.0; 31]),
        Err(ParitySampleError::Size {
            rows: 31,
            scores: 31
        })
    ));
    assert!(matches!(
        ParitySample::new(&vec![row.clone(); 32], vec![0.0; 31]),
        Err(ParitySampleError::Size {
            rows: 32,
            scores: 31
        })
    ));
    let infinite = vec![vec![f64::INFINITY; 5]; 32];
    assert!(matches!(
        ParitySample::new(&infinite, vec![0.0; 32]),
        Err(ParitySampleError::NotFinite { row: 0 })
    ));
    let narrow = ParitySample::new(&vec![vec![0.0; 4]; 32], vec![0.0; 32]).unwrap();
    let model = RankingModel::parse(MODEL).unwrap();
    assert!(matches!(
        narrow.check(&model),
        Err(ParitySampleError::Width {
            row: 0,
            found: 4,
            expected: 5
        })
    ));
}

#[test]
fn a_sample_is_spread_over_all_rows() {
    let rows = choose_parity_rows(1_000, 64);
    assert_eq!((rows.len(), rows[0], rows[63]), (64, 0, 999));
    assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(choose_parity_rows(5, 8).len(), PARITY_ROWS_MINIMUM);
    assert!(choose_parity_rows(5, 8).iter().all(|row| *row < 5));
    assert!(choose_parity_rows(0, 8).is_empty());
}

#[test]
fn the_schema_of_computed_features_is_what_this_version_computes() {
    let schema = FeatureSchema::query_item();
    let text = schema.to_canonical_json();
    assert_eq!(FeatureSchema::parse(text.as_bytes()).unwrap(), schema);
    let row = schema.default_row();
    let column = schema.column("bm25_title").unwrap();
    assert_eq!(row[column], 0.0);
    assert!(row[schema.column("log_price").unwrap()].is_nan());
    let twice = canonical_json(&FeatureSchema::dense(2))
        .unwrap()
        .replace("f1", "f0");
    assert!(matches!(
        FeatureSchema::parse(twice.as_bytes()),
        Err(SchemaError::Features(_))
    ));
}

#[test]
fn a_schema_that_differs_in_anything_from_what_is_computed_is_refused_by_its_first_difference() {
    let refusal = |change: &dyn Fn(&mut Vec<SchemaFeature>)| {
        let mut schema = FeatureSchema::query_item();
        change(&mut schema.features);
        FeatureSchema::parse(schema.to_canonical_json().as_bytes())
            .expect_err("the schema must be refused")
            .to_string()
    };
    assert_eq!(
        refusal(&|features| features[0].name = "bm26_title".to_owned()),
        r#"features[0]: is "bm26_title", but this version computes "bm25_title" there"#
    );
    assert_eq!(
        refusal(&|features| features.swap(3, 4)),
        r#"features[3]: is "all_coverage", but this version computes "title_coverage" there"#
    );
    assert_eq!(
        refusal(&|features| features[0].default = None),
        r#"features[0]: the default of "bm25_title" is none, but this version's is 0.0"#
    );
    assert_eq!(
        refusal(&|features| features[0].default = Some(-0.0)),
        r#"features[0]: the default of "bm25_title" is -0.0, but this version's is 0.0"#
    );
    assert_eq!(
        refusal(&|features| features[0].feature_type = FeatureType::Categorical),
        r#"features[0]: "bm25_title" is Categorical, but this version computes it Numeric"#
    );
    assert_eq!(
        refusal(&|features| features[1].description = "length".to_owned()),
        r#"features[1]: "bm25_description" is "length", but this version computes "BM25 of the query's terms in the description""#
    );
    let last = FeatureSchema::query_item().features.len() - 1;
    let name = &FeatureSchema::query_item().features[last].name;
    assert_eq!(
        refusal(&|features| features.truncate(last)),
        format!(r#"features[{last}]: is missing; this version computes "{name}" there"#)
    );
    let another = SchemaFeature {
        name: "margin".to_owned(),
        feature_type: FeatureType::Numeric,
        default: None,
        monotone_constraint: None,
        description: String::new(),
    };
    assert_eq!(
        refusal(&|features| features.push(another.clone())),
        format!(
            r#"features[{}]: this version does not compute "margin""#,
            last + 1
        )
    );
}

#[test]
fn attributes_and_a_language_are_part_of_the_schema_and_its_digest() {
    let line = r#"{"item_id":"a","title":"Lampe","attributes":{"watt":5,"colour":"rot"}}"#;
    let catalogue = Catalogue::read(line.as_bytes()).unwrap();
    let of =
        |catalogue: Catalogue| FeatureSchema::of_context(&FeatureContext::new(Arc::new(catalogue)));
    let english = of(catalogue.clone());
    let german = of(catalogue.in_language(Language::German));
    assert_ne!(german.sha256(), english.sha256());
    assert_ne!(english.sha256(), FeatureSchema::query_item().sha256());
    let text = german.to_canonical_json();
    let read = FeatureSchema::parse(text.as_bytes()).unwrap();
    assert_eq!(read, german);
    assert_eq!(
        (read.language, read.attributes()),
        (Language::German, vec!["watt".to_owned()])
    );
    assert!(german.default_row()[german.column("attribute:watt").unwrap()].is_nan());
    let other = text.replace("German", "Klingon");
    let error = FeatureSchema::parse(other.as_bytes()).expect_err("not known");
    assert!(
        error
            .to_string()
            .starts_with(r#"language "Klingon" is not known"#),
        "{error}"
    );
    let other = text.replace("as the catalogue has it", "squared");
    let error = FeatureSchema::parse(other.as_bytes()).expect_err("computed otherwise");
    assert!(
        error
            .to_string()
            .contains(r#""attribute:watt" is "the item's"#),
        "{error}"
    );
}

#[test]
fn a_schema_keeps_the_digest_it_had_in_version_1_and_a_constraint_is_the_models_own() {
    let old = FeatureSchema {
        format_version: 1,
        ..FeatureSchema::dense(1)
    };
    let text = r#"{"features":[{"default":0.0,"name":"f0"}],"formatVersion":1,"kind":"Dense"}"#;
    assert_eq!(old.to_canonical_json(), text);
    assert_eq!(FeatureSchema::parse(text.as_bytes()), Ok(old));
    let error = FeatureSchema::parse(text.replace(":1,", ":3,").as_bytes()).expect_err("too new");
    assert_eq!(
        error.to_string(),
        "formatVersion: 3 is not known; 1 to 2 are"
    );
    let mut constrained = FeatureSchema::query_item();
    constrained.features[0].monotone_constraint = Some(MonotoneConstraint::Increasing);
    let text = constrained.to_canonical_json();
    assert!(
        text.contains(r#""monotoneConstraint":"Increasing""#),
        "{text}"
    );
    assert_eq!(FeatureSchema::parse(text.as_bytes()), Ok(constrained));
}

#[test]
fn canonical_json_sorts_keys_at_every_depth_and_keeps_floats() {
    let value =
        json!({"b": [{"z": 0.1, "a": "\u{e4}\n"}], "a": {"é": -0.0, "d": null}, "B": 1e300});
    let text = canonical_json(&value).unwrap();
    assert_eq!(
        text,
        "{\"B\":1e+300,\"a\":{\"d\":null,\"é\":-0.0},\"b\":[{\"a\":\"ä\\n\",\"z\":0.1}]}"
    );
    assert_eq!(
        sha256_of_canonical_json(&json!({})).unwrap(),
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    );
}
