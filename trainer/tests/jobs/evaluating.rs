//! A bundle measured again.

use crate::place::{Place, svmlight, train};

#[test]
fn evaluating_a_bundle_on_its_own_test_queries_gives_its_own_figures() {
    let place = Place::new();
    let dataset = place.dataset();
    let trained = place.succeed(&train(&["--dataset-uri", &dataset]));
    let bundle = trained["model"]["uri"].as_str().unwrap();
    let evaluated = place.succeed(&[
        "evaluate",
        "--bundle-uri",
        bundle,
        "--dataset-uri",
        &dataset,
    ]);
    assert_eq!(evaluated["metrics"], trained["metrics"]);
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
        ],
        "InvalidData",
    );
    assert!(message.contains("ranks items of a catalogue"), "{message}");
}
