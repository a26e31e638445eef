//! The languages that a TrainingRun offers are those that the ranking crate knows.

#[test]
fn the_api_and_the_features_know_the_same_languages() {
    let offered: Vec<_> = searchop_crds::Language::EVERY
        .iter()
        .map(|language| language.name())
        .collect();
    let known: Vec<_> = searchop_ranking::text::Language::EVERY
        .iter()
        .map(|language| language.name())
        .collect();
    assert_eq!(offered, known);
}
