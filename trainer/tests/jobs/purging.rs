//! What is deleted, and what stays because somebody needs it.

use serde_json::Value;

use crate::place::{Place, train};

#[test]
fn purging_one_owner_keeps_what_another_refers_to() {
    let place = Place::new();
    let dataset = place.dataset();
    for owner in ["trainingrun.shop.a.1", "trainingrun.shop.b.2"] {
        place.succeed(&train(&["--dataset-uri", &dataset, "--owner", owner]));
    }
    let purge = |owner: &str| place.succeed(&["purge", "--owner", owner]);
    let result = purge("trainingrun.shop.a.1");
    assert_eq!(
        result["retained"].as_array().unwrap().len(),
        2,
        "dataset and bundle: {result}"
    );
    purge("demodataset.shop.storefront.1");
    assert!(place.path("store/artifacts").read_dir().unwrap().count() > 0);
    let last = purge("trainingrun.shop.b.2");
    assert!(last["purged"]["objects"].as_u64().unwrap() > 4, "{last}");
    assert_eq!(purge("trainingrun.shop.b.2")["purged"]["objects"], 0);
    let (code, result) = place.run(&train(&["--dataset-uri", &dataset]));
    assert_eq!(
        (code, &result["reason"]),
        (65, &Value::from("ArtifactNotFound")),
        "{result}"
    );
}
