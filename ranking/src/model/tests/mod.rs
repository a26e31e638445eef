//! Tests of the parser's refusals, of normalising, and of what models mean.

mod lightgbm;
mod texts;

use super::{ModelError, RankingModel, normalise};

/// Name, model, scores with rows, contributions.
const FIXTURES: [(&str, &str, &str, &str); 4] = [
    (
        "categorical",
        include_str!("../../../tests/fixtures/categorical.model.txt"),
        include_str!("../../../tests/fixtures/categorical.scores.txt"),
        include_str!("../../../tests/fixtures/categorical.contributions.txt"),
    ),
    (
        "zero-as-missing",
        include_str!("../../../tests/fixtures/zero-as-missing.model.txt"),
        include_str!("../../../tests/fixtures/zero-as-missing.scores.txt"),
        include_str!("../../../tests/fixtures/zero-as-missing.contributions.txt"),
    ),
    (
        "no-missing",
        include_str!("../../../tests/fixtures/no-missing.model.txt"),
        include_str!("../../../tests/fixtures/no-missing.scores.txt"),
        include_str!("../../../tests/fixtures/no-missing.contributions.txt"),
    ),
    (
        "random-forest",
        include_str!("../../../tests/fixtures/random-forest.model.txt"),
        include_str!("../../../tests/fixtures/random-forest.scores.txt"),
        include_str!("../../../tests/fixtures/random-forest.contributions.txt"),
    ),
];

/// One tree over two features: a numerical split, and below it a categorical one
/// whose set is {1, 33}.
const HAND_MADE: &str = "tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=lambdarank
feature_names=price colour=name
feature_infos=[0:1] 1:33
tree_sizes=1

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
threshold=0.5 0
decision_type=2 1
left_child=1 -2
right_child=-1 -3
leaf_value=0.25 1 -2
cat_boundaries=0 2
cat_threshold=2 2
is_linear=0
shrinkage=1


end of trees
";

fn refusal(text: &str) -> String {
    RankingModel::parse(text)
        .expect_err("the text must be refused")
        .to_string()
}

fn refusal_after(from: &str, to: &str) -> String {
    assert!(HAND_MADE.contains(from), "the test changes something");
    refusal(&HAND_MADE.replacen(from, to, 1))
}

fn score_rows(model: &RankingModel, rows: &[f64]) -> Vec<f64> {
    let mut scores = vec![f64::NAN; rows.len() / model.feature_count()];
    model.score_rows(rows, &mut model.scratch(), &mut scores);
    scores
}

#[test]
fn a_tree_that_does_not_count_its_rows_counts_its_leaves() {
    // The root has three leaves; 0.25, 1 and -2 are as likely.
    let contributions = RankingModel::parse(HAND_MADE)
        .unwrap()
        .contributions(&[0.6, 0.0]);
    // Not knowing the colour, the price alone takes the expected -0.25 to 0.25; the colour
    // says nothing on this side, but -1.5 or 0 of what the other side would be.
    assert!((contributions[2] + 0.25).abs() < 1e-15);
    assert!((contributions.iter().sum::<f64>() - 0.25).abs() < 1e-15);
    let counted = HAND_MADE.replace(
        "is_linear",
        "leaf_count=1 1 1\ninternal_count=3 2\nis_linear",
    );
    let counted = RankingModel::parse(&counted).unwrap();
    assert_eq!(counted.contributions(&[0.6, 0.0]), contributions);
    let unreached = HAND_MADE.replace(
        "is_linear",
        "leaf_count=9 0 0\ninternal_count=9 0\nis_linear",
    );
    let unreached = RankingModel::parse(&unreached).unwrap();
    assert_eq!(unreached.contributions(&[0.6, 0.0]), contributions);
}

#[test]
fn a_hand_made_tree_walks_to_the_leaf_its_text_says() {
    let model = RankingModel::parse(HAND_MADE).unwrap();
    assert_eq!(model.feature_names(), ["price", "colour=name"]);
    assert_eq!(model.objective(), Some("lambdarank"));
    for (row, expected) in [
        ([0.6, 1.0], 0.25),
        ([0.5, 1.0], 1.0),
        ([0.5, 33.9], 1.0),
        ([0.5, 32.0], -2.0),
        ([0.5, 64.0], -2.0),
        ([0.5, -1.0], -2.0),
        ([f64::NAN, f64::NAN], -2.0),
    ] {
        assert_eq!(model.score(&row), expected, "{row:?}");
    }
    assert_eq!(score_rows(&model, &[0.6, 1.0, 0.5, 1.0]), [0.25, 1.0]);
}

#[test]
fn a_value_within_lightgbms_zero_is_compared_as_zero() {
    let edge = f64::from(1e-35_f32);
    // Right of the first split is 0.25; left of it, category 0 has -2.
    for (threshold, value, expected) in [
        (-edge, -edge, 0.25),
        (5e-36, 7e-36, -2.0),
        (-5e-36, -7e-36, 0.25),
    ] {
        let text = HAND_MADE.replace("threshold=0.5 0", &format!("threshold={threshold:e} 0"));
        // What LightGBM 4.7.0 does with these: right, left, right.
        assert_eq!(
            RankingModel::parse(&text).unwrap().score(&[value, 0.0]),
            expected,
            "{threshold:e}"
        );
    }
}

#[test]
fn a_tree_of_one_leaf_and_a_model_of_no_tree_score() {
    let header = HAND_MADE.split("tree_sizes").next().unwrap();
    let stump = format!(
        "{header}\nTree=0\nnum_leaves=1\nnum_cat=0\nsplit_feature=\nleaf_value=0.5\n\nend of trees\n"
    );
    assert_eq!(RankingModel::parse(&stump).unwrap().score(&[0.0, 0.0]), 0.5);
    let empty = format!("{header}tree_sizes=\n\nend of trees\n");
    assert_eq!(
        RankingModel::parse(&empty)
            .unwrap()
            .score(&[0.0, 0.0])
            .to_bits(),
        0.0_f64.to_bits()
    );
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    assert!(matches!(
        RankingModel::parse("{}"),
        Err(ModelError::NotAModel { .. })
    ));
    assert!(matches!(
        RankingModel::parse(""),
        Err(ModelError::NotAModel { .. })
    ));
    for (from, to, expected) in [
        (
            "version=v4",
            "version=v5",
            "version: the format \"v5\" is not known; v2, v3 and v4 are",
        ),
        (
            "num_class=1",
            "num_class=5",
            "num_class: the model gives 5 outputs a row (multiclass); a ranking model gives one",
        ),
        (
            "num_tree_per_iteration=1",
            "num_tree_per_iteration=3",
            "num_tree_per_iteration: the model gives 3 outputs a row (multiclass); a ranking model gives one",
        ),
        (
            "is_linear=0",
            "is_linear=1",
            "tree 0: is_linear: trees with linear leaves are not supported",
        ),
        (
            "shrinkage=1",
            "quantised=1",
            "tree 0: quantised: is not a known field",
        ),
        (
            "label_index=0",
            "linkage=0",
            "linkage: is not a known field",
        ),
        (
            "decision_type=2 1",
            "decision_type=14 1",
            "tree 0: decision_type: value 0 is 14, which has no known meaning",
        ),
        (
            "decision_type=2 1",
            "decision_type=2 -127",
            "tree 0: decision_type: value 1 is -127, which has no known meaning",
        ),
    ] {
        assert_eq!(refusal_after(from, to), expected);
    }
}

#[test]
fn a_damaged_model_is_refused_with_its_tree_and_field() {
    for (from, to, expected) in [
        ("version=v4\n", "", "version: is missing from the header"),
        (
            "max_feature_idx=1",
            "max_feature_idx=2",
            "feature_names: has 2 names, but max_feature_idx says 3 features",
        ),
        (
            "max_feature_idx=1",
            "max_feature_idx=18446744073709551615",
            "feature_names: has 2 names, but max_feature_idx says 18446744073709551615 features",
        ),
        (
            "tree_sizes=1",
            "tree_sizes=1 1",
            "tree_sizes: names 2 trees, but the text has 1",
        ),
        ("Tree=0", "Tree=1", "tree 0: Tree: is numbered \"1\""),
        ("num_leaves=3", "num_leaves=0", "tree 0: num_leaves: is 0"),
        (
            "num_leaves=3",
            "num_leaves=-3",
            "tree 0: num_leaves: \"-3\" is not a count",
        ),
        (
            "num_leaves=3",
            "num_leaves=4000000000000",
            "tree 0: leaf_value: has 3 values instead of 4000000000000",
        ),
        (
            "num_leaves=3",
            "num_leaves=3\nnum_leaves=3",
            "tree 0: num_leaves: is there twice",
        ),
        (
            "split_feature=0 1",
            "split_feature=0 2",
            "tree 0: split_feature: value 1 is 2, but there are 2 features",
        ),
        (
            "split_feature=0 1",
            "split_feature=0 -1",
            "tree 0: split_feature: value 1 is -1, but there are 2 features",
        ),
        (
            "split_feature=0 1",
            "split_feature=0",
            "tree 0: split_feature: has 1 values instead of 2",
        ),
        (
            "threshold=0.5 0",
            "threshold=nan 0",
            "tree 0: threshold: value 0 is not a number",
        ),
        (
            "threshold=0.5 0",
            "threshold=x 0",
            "tree 0: threshold: value 0 is \"x\", which is not a number of its kind",
        ),
        (
            "threshold=0.5 0",
            "threshold=0.5 1",
            "tree 0: threshold: value 1 is 1, but the tree has 1 sets of categories",
        ),
        (
            "threshold=0.5 0",
            "threshold=0.5 0.5",
            "tree 0: threshold: value 1 is 0.5, but the tree has 1 sets of categories",
        ),
        (
            "threshold=0.5 0",
            "threshold=0.5 nan",
            "tree 0: threshold: value 1 is NaN, but the tree has 1 sets of categories",
        ),
        (
            "num_cat=1",
            "num_cat=0",
            "tree 0: threshold: value 1 is 0, but the tree has 0 sets of categories",
        ),
        (
            "num_cat=1",
            "num_cat=18446744073709551615",
            "tree 0: num_cat: is too large",
        ),
        (
            "left_child=1 -2",
            "left_child=0 -2",
            "tree 0: left_child: value 0 leads to split 0, which is reached twice",
        ),
        (
            "left_child=1 -2",
            "left_child=2 -2",
            "tree 0: left_child: value 0 is 2, but there are 2 splits",
        ),
        (
            "left_child=1 -2",
            "left_child=1 1",
            "tree 0: left_child: value 1 leads to split 1, which is reached twice",
        ),
        (
            "left_child=1 -2",
            "left_child=-2 -2",
            "tree 0: left_child: split 1 is not reached from the root",
        ),
        (
            "right_child=-1 -3",
            "right_child=-1 -4",
            "tree 0: right_child: value 1 is -4, but there are 3 leaves",
        ),
        (
            "right_child=-1 -3",
            "right_child=-1 -2",
            "tree 0: right_child: value 1 leads to leaf 1, which is reached twice",
        ),
        (
            "right_child=-1 -3",
            "right_child=-1 -9223372036854775808",
            "tree 0: right_child: value 1 is -9223372036854775808, but there are 3 leaves",
        ),
        (
            "leaf_value=0.25 1 -2",
            "leaf_value=0.25 inf -2",
            "tree 0: leaf_value: value 1 is not finite",
        ),
        (
            "cat_boundaries=0 2",
            "cat_boundaries=1 2",
            "tree 0: cat_boundaries: the first value is not 0",
        ),
        (
            "cat_boundaries=0 2",
            "cat_boundaries=0 -2",
            "tree 0: cat_boundaries: value 1 is smaller than the one before it",
        ),
        (
            "cat_boundaries=0 2",
            "cat_boundaries=0 3",
            "tree 0: cat_threshold: has 2 values, but cat_boundaries ends at 3",
        ),
        (
            "is_linear=0",
            "leaf_count=1 2",
            "tree 0: leaf_count: has 2 values instead of 3",
        ),
        (
            "is_linear=0",
            "internal_count=1 -1",
            "tree 0: internal_count: value 1 is -1, which is no count",
        ),
        (
            "cat_threshold=2 2",
            "cat_threshold=2 4294967296",
            "tree 0: cat_threshold: value 1 is \"4294967296\", which is not a number of its kind",
        ),
    ] {
        assert_eq!(refusal_after(from, to), expected, "{from} -> {to}");
    }
}

#[test]
fn a_detached_cycle_is_refused() {
    let text = HAND_MADE
        .replace("num_leaves=3\nnum_cat=1", "num_leaves=4\nnum_cat=0")
        .replace("split_feature=0 1", "split_feature=0 0 0")
        .replace("threshold=0.5 0", "threshold=0 0 0")
        .replace("decision_type=2 1", "decision_type=2 2 2")
        .replace("left_child=1 -2", "left_child=-1 2 1")
        .replace("right_child=-1 -3", "right_child=-2 -3 -4")
        .replace("leaf_value=0.25 1 -2", "leaf_value=0 0 0 0");
    assert_eq!(
        refusal(&text),
        "tree 0: left_child: split 1 is not reached from the root"
    );
}

#[test]
fn a_very_deep_tree_neither_overflows_the_stack_nor_fails() {
    let leaves = 100_000;
    let join = |values: &mut dyn Iterator<Item = i64>| {
        values.map(|v| v.to_string()).collect::<Vec<_>>().join(" ")
    };
    let header = HAND_MADE.split("tree_sizes").next().unwrap();
    let splits = leaves - 1;
    let left = join(&mut (1..=splits).map(|index| if index == splits { -leaves } else { index }));
    let text = format!(
        "{header}\nTree=0\nnum_leaves={leaves}\nnum_cat=0\nsplit_feature={}\nthreshold={}\nleft_child={left}\nright_child={}\nleaf_value={}\n\nend of trees\n",
        join(&mut (0..splits).map(|_| 0)),
        join(&mut (0..splits).map(|_| 1)),
        join(&mut (1..=splits).map(|index| -index)),
        join(&mut (0..leaves)),
    );
    let model = RankingModel::parse(&text).unwrap();
    assert_eq!(model.score(&[0.0, 0.0]), (leaves - 1) as f64);
    assert_eq!(score_rows(&model, &[0.0, 0.0]), [(leaves - 1) as f64]);
    assert_eq!(model.contributions(&[0.0, 0.0]).len(), 3);
}
