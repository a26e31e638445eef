//! Each objective learns, and gives the same model however often and by however many threads.

use super::*;

#[test]
fn every_objective_repeats_its_model_and_each_is_another() {
    let example = example(60, 0);
    let trained = |objective: Objective, seed: u32, threads: usize| {
        let configuration = TrainingConfiguration {
            objective,
            seed,
            ..configuration(threads)
        };
        let model = train(&configuration, &names(), &example, None, |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
        let mut low = example.row(0);
        let mut high = low.clone();
        low[0] = 0.01;
        high[0] = 0.99;
        let scores = predict(&model.text, &[low, high], COLUMNS).unwrap();
        assert!(scores[0] < scores[1], "{objective}: {scores:?}");
        trees_of(&model.text).to_owned()
    };
    let mut models = Vec::new();
    for objective in Objective::EVERY {
        let model = trained(objective, 42, 1);
        for threads in [1, 2, 5] {
            assert!(
                model == trained(objective, 42, threads),
                "{objective} with {threads} threads"
            );
        }
        assert!(model.contains(&format!("objective={}", objective.lightgbm_name())));
        models.push(model);
    }
    models.dedup();
    assert_eq!(models.len(), 3);
    assert!(
        models[1] != trained(Objective::RankXendcg, 43, 1),
        "its noise has a seed"
    );
}

#[test]
fn objectives_are_read_by_name() {
    for objective in Objective::EVERY {
        assert_eq!(objective.to_string().parse(), Ok(objective));
    }
    for text in ["regression", "Lambdarank", "lambda_rank", ""] {
        let error = text.parse::<Objective>().expect_err(text).to_string();
        assert!(error.contains(&format!("{text:?}")), "{error}");
    }
}

#[test]
fn a_bundle_says_what_decided_its_model() {
    let configuration = TrainingConfiguration {
        objective: Objective::Pointwise,
        position_bias: Some(PositionBias {
            regularization: 0.5,
        }),
        monotone: BTreeMap::from([
            ("f1".to_owned(), Direction::Increasing),
            ("f3".to_owned(), Direction::Decreasing),
        ]),
        categorical: BTreeSet::from(["f2".to_owned(), "f0".to_owned()]),
        ..configuration(1)
    };
    let named = configuration.named_parameters();
    for (name, value) in [
        ("lightgbm_objective", "regression"),
        ("position_bias", "Unbiased"),
        ("lambdarank_position_bias_regularization", "0.5"),
        ("monotone_constraints", "f1=Increasing,f3=Decreasing"),
        ("categorical_feature", "f0,f2"),
    ] {
        assert_eq!(named.get(name).map(String::as_str), Some(value), "{name}");
    }
}
