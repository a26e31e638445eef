//! Small bundles, written by hand into a directory: a dense one, one with a catalogue, broken ones.

use std::path::Path;

use searchop_ranking::bundle::{
    BundleMetadata, BundleVersions, CATALOGUE_FILE, FEATURES_FILE, FeatureSchema, HeadlineMetric,
    MODEL_FILE, PARITY_FILE, ParitySample, canonical_json,
};
use searchop_ranking::model::RankingModel;
use searchop_server::digest::Digest;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Files of a bundle, before they are written.
pub(crate) struct BundleFiles {
    pub files: Vec<(String, Vec<u8>)>,
    pub kind: &'static str,
    pub format_version: u32,
    pub metadata: serde_json::Value,
}

/// A model of `names`, whose only split feature is `names[split]`: `leaves` are the scores up to
/// 0.5, up to 1.5, and above. Every tree is the same one.
pub(crate) fn model_text(names: &[String], split: usize, leaves: [f64; 3], trees: usize) -> String {
    let infos = vec!["[0:9]"; names.len()].join(" ");
    let [low, middle, high] = leaves;
    let mut text = format!(
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx={}\n\
         objective=lambdarank\nfeature_names={}\nfeature_infos={infos}\n\n",
        names.len() - 1,
        names.join(" "),
    );
    for tree in 0..trees {
        text.push_str(&format!(
            "Tree={tree}\nnum_leaves=3\nnum_cat=0\nsplit_feature={split} {split}\nsplit_gain=1 1\n\
             threshold=0.5 1.5\ndecision_type=2 2\nleft_child=-1 -2\nright_child=1 -3\n\
             leaf_value={low:?} {middle:?} {high:?}\nis_linear=0\nshrinkage=1\n\n\n"
        ));
    }
    text + "end of trees\n"
}

/// A bundle whose features come with the request: `f0`, `f1`, `f2`. Only `f0` counts.
pub(crate) fn dense(leaves: [f64; 3]) -> BundleFiles {
    dense_of_trees(leaves, 1)
}

/// Puts the highest candidate first.
pub(crate) fn upward() -> BundleFiles {
    dense([1.0, 2.0, 3.0])
}

/// Puts the highest candidate last.
pub(crate) fn downward() -> BundleFiles {
    dense([3.0, 2.0, 1.0])
}

/// As [`dense`], with the same tree several times.
pub(crate) fn dense_of_trees(leaves: [f64; 3], trees: usize) -> BundleFiles {
    let schema = FeatureSchema::dense(3);
    let names: Vec<String> = schema
        .features
        .iter()
        .map(|feature| feature.name.clone())
        .collect();
    bundle(
        &schema,
        &model_text(&names, 0, leaves, trees),
        trees,
        vec![],
    )
}

/// A bundle of this model, whose features come with the request.
pub(crate) fn of_model(text: &str) -> BundleFiles {
    let model = RankingModel::parse(text).expect("a model of the tests");
    let schema = FeatureSchema::dense(model.feature_count());
    bundle(&schema, text, model.tree_count(), vec![])
}

/// The products of [`with_catalogue`]: the cheapest shoe comes last by text.
pub(crate) const CATALOGUE: &str = r#"{"item_id":"shoe-1","title":"Running shoes","brand":"Fleet","price":90.0}
{"item_id":"shoe-2","title":"Running shoes, red","brand":"Fleet","price":3.0}
{"item_id":"shoe-3","title":"Shoes for running on long wet forest trails","price":0.5}
{"item_id":"lamp-1","title":"Desk lamp","brand":"Lumen","price":20.0}
"#;

/// A bundle that computes features: the cheaper, the better (split at prices of 0.65 and 3.48).
pub(crate) fn with_catalogue() -> BundleFiles {
    of_catalogue("log_price", [3.0, 2.0, 1.0])
}

/// A bundle that computes features, of which only this one counts: `leaves` are the scores up to
/// 0.5, up to 1.5, and above.
pub(crate) fn of_catalogue(feature: &str, leaves: [f64; 3]) -> BundleFiles {
    let schema = FeatureSchema::query_item();
    let names: Vec<String> = schema
        .features
        .iter()
        .map(|feature| feature.name.clone())
        .collect();
    let split = schema.column(feature).expect("a feature of that name");
    let model = model_text(&names, split, leaves, 1);
    bundle(
        &schema,
        &model,
        1,
        vec![(CATALOGUE_FILE.to_owned(), CATALOGUE.into())],
    )
}

/// As [`with_catalogue`], without the catalogue.
pub(crate) fn without_catalogue() -> BundleFiles {
    let mut bundle = with_catalogue();
    bundle.files.retain(|(path, _)| path != CATALOGUE_FILE);
    bundle
}

fn bundle(
    schema: &FeatureSchema,
    model: &str,
    trees: usize,
    others: Vec<(String, Vec<u8>)>,
) -> BundleFiles {
    let parsed = RankingModel::parse(model).expect("the text above is a model");
    let row = |number: usize| vec![number as f64 / 64.0; schema.features.len()];
    let rows: Vec<Vec<f64>> = (0..64).map(row).collect();
    let scores = rows.iter().map(|row| parsed.score(row)).collect();
    let parity = ParitySample::new(&rows, scores).expect("64 finite rows");
    let metadata = BundleMetadata {
        feature_schema_sha256: schema.sha256(),
        dataset_sha256: "0".repeat(64),
        objective: "lambdarank".into(),
        seed: 1,
        parameters: [].into(),
        trees,
        versions: BundleVersions {
            trainer: "0.1.0".into(),
            lightgbm: "4.6.0".into(),
        },
        metrics: vec![HeadlineMetric {
            name: "ndcg@10".into(),
            value: "0.41".into(),
            low: "0.40".into(),
            high: "0.42".into(),
            queries: 500,
            baselines: [].into(),
        }],
    };
    let mut files = vec![
        (MODEL_FILE.to_owned(), model.as_bytes().to_vec()),
        (
            FEATURES_FILE.to_owned(),
            canonical_json(schema).unwrap().into_bytes(),
        ),
        (
            PARITY_FILE.to_owned(),
            canonical_json(&parity).unwrap().into_bytes(),
        ),
    ];
    files.extend(others);
    BundleFiles {
        files,
        kind: "ModelBundle",
        format_version: 1,
        metadata: serde_json::to_value(metadata).unwrap(),
    }
}

impl BundleFiles {
    /// The manifest's bytes.
    pub(crate) fn manifest(&self) -> Vec<u8> {
        let mut files: Vec<_> = self
            .files
            .iter()
            .map(|(path, content)| {
                json!({ "path": path, "sha256": hex::encode(Sha256::digest(content)), "sizeBytes": content.len() })
            })
            .collect();
        files.sort_by_key(|file| file["path"].as_str().unwrap().to_owned());
        let manifest = json!({
            "kind": self.kind, "formatVersion": self.format_version, "files": files, "metadata": self.metadata,
        });
        canonical_json(&manifest).unwrap().into_bytes()
    }

    /// The bundle's name.
    pub(crate) fn digest(&self) -> Digest {
        hex::encode(Sha256::digest(self.manifest()))
            .parse()
            .unwrap()
    }

    /// Writes the bundle into `<bundles>/<digest>`, as the init step does.
    pub(crate) fn write(&self, bundles: &Path) -> Digest {
        let digest = self.digest();
        let directory = bundles.join(digest.as_str());
        std::fs::create_dir_all(&directory).unwrap();
        for (path, content) in &self.files {
            std::fs::write(directory.join(path), content).unwrap();
        }
        std::fs::write(directory.join("manifest.json"), self.manifest()).unwrap();
        digest
    }

    /// Writes the bundle into `<store>/artifacts/<digest>`, as the trainer does.
    pub(crate) fn publish(&self, store: &Path) -> Digest {
        let digest = self.digest();
        let directory = store.join("artifacts").join(digest.as_str());
        std::fs::create_dir_all(directory.join("files")).unwrap();
        for (path, content) in &self.files {
            std::fs::write(directory.join("files").join(path), content).unwrap();
        }
        std::fs::write(directory.join("manifest.json"), self.manifest()).unwrap();
        digest
    }
}
