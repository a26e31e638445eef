//! Every way of scoring, with every set of instructions that this processor has, against
//! the plain walk of the trees: equal in every bit.

use proptest::prelude::*;

use super::instructions::FEW;
use super::{LeastRows, Scorer};
use crate::model::tree::{Decision, Missing, Split, Tree, ZERO_MAGNITUDE};

/// Numbers from a seed (SplitMix64): a failing case is its seed.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A number that is not NaN, of any kind that thresholds and values have.
    fn number(&mut self) -> f64 {
        const EDGES: [f64; 16] = [
            0.0,
            -0.0,
            ZERO_MAGNITUDE,
            -ZERO_MAGNITUDE,
            5e-36,
            -5e-36,
            5e-324,
            -5e-324,
            f64::MAX,
            f64::MIN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1.000_000_018_002_509_5e-35,
            2_147_483_647.0,
            2_147_483_648.0,
            -1.0,
        ];
        let unit = self.bits() as f64 / u64::MAX as f64;
        match self.below(8) {
            0 => self.choose(&EDGES),
            1 => self.choose(&EDGES).next_up(),
            2 => self.choose(&EDGES).next_down(),
            3 => self.below(40) as f64 - 4.0,
            4 => (unit * 60.0 - 30.0).exp(),
            5 => {
                let any = f64::from_bits(self.bits());
                if any.is_nan() { 0.5 } else { any }
            }
            _ => unit * 8.0 - 4.0,
        }
    }
}

/// What random models are like.
#[derive(Debug, Clone, Copy)]
struct Shape {
    features: usize,
    trees: usize,
    leaves: usize,
    /// Thresholds are all different numbers of one range.
    spread: bool,
    /// One split in so many has a set of categories.
    categorical: usize,
}

const SHAPES: [Shape; 10] = [
    // Trees of a ranking model; a few features so that paths meet a feature again.
    shape(5, 20, 31, false, 6),
    shape(9, 7, 64, false, 5),
    shape(3, 40, 5, false, 3),
    // Several columns for a feature.
    shape(2, 9, 200, true, 1000),
    // Trees of several blocks, of all byte-sized leaf numbers and of more.
    shape(6, 5, 256, false, 8),
    shape(6, 3, 300, false, 8),
    // More columns than a byte can name.
    shape(30, 30, 64, true, 2),
    shape(1, 3, 1, false, 2),
    // As many leaves as are few, and one more.
    shape(4, 12, FEW, false, 6),
    shape(4, 12, FEW + 1, false, 6),
];

const fn shape(
    features: usize,
    trees: usize,
    leaves: usize,
    spread: bool,
    categorical: usize,
) -> Shape {
    Shape {
        features,
        trees,
        leaves,
        spread,
        categorical,
    }
}

fn random_tree(random: &mut Random, shape: Shape, thresholds: &[f64]) -> Tree {
    let leaves = if shape.leaves > 256 || random.chance(3) {
        shape.leaves
    } else {
        1 + random.below(shape.leaves)
    };
    // Long paths in some trees: only the latest leaf is split again.
    let deep = random.chance(5);
    let mut tree = Tree {
        splits: Vec::new(),
        leaves: vec![0.0],
        category_bits: Vec::new(),
        split_rows: Vec::new(),
        leaf_rows: Vec::new(),
    };
    while tree.leaves.len() < leaves {
        let leaf = if deep && random.below(20) > 0 {
            tree.leaves.len() - 1
        } else {
            random.below(tree.leaves.len())
        };
        let index = tree.splits.len() as i32;
        for split in &mut tree.splits {
            for child in [&mut split.left, &mut split.right] {
                if *child == !(leaf as i32) {
                    *child = index;
                }
            }
        }
        let (leaf, new) = (!(leaf as i32), !(tree.leaves.len() as i32));
        let (left, right) = if random.chance(2) {
            (leaf, new)
        } else {
            (new, leaf)
        };
        let decision = if random.chance(shape.categorical) {
            let first = tree.category_bits.len() as u32;
            for _ in 0..random.below(3) {
                tree.category_bits.push(random.bits() as u32);
            }
            Decision::Categorical {
                words: first..tree.category_bits.len() as u32,
            }
        } else {
            Decision::Numerical {
                threshold: if shape.spread {
                    random.bits() as f64 / u64::MAX as f64
                } else {
                    random.choose(thresholds)
                },
                missing: random.choose(&[Missing::Nothing, Missing::Zero, Missing::NotANumber]),
                default_left: random.chance(2),
            }
        };
        tree.splits.push(Split {
            feature: random.below(shape.features) as u32,
            left,
            right,
            decision,
        });
        tree.leaves.push(0.0);
    }
    tree.splits = ordered(&tree.splits);
    for value in &mut tree.leaves {
        *value = random.bits() as f64 / u64::MAX as f64 - 0.5;
    }
    tree.split_rows = tree
        .splits
        .iter()
        .map(|_| 1 + random.below(1000) as u32)
        .collect();
    tree.leaf_rows = vec![1; tree.leaves.len()];
    tree
}

/// The splits in the order that trees have them: those below a split behind it.
fn ordered(splits: &[Split]) -> Vec<Split> {
    let mut order = Vec::new();
    let mut pending: Vec<i32> = if splits.is_empty() {
        Vec::new()
    } else {
        vec![0]
    };
    while let Some(child) = pending.pop() {
        if let Some(split) = usize::try_from(child).ok().map(|index| &splits[index]) {
            order.push(child);
            pending.extend([split.right, split.left]);
        }
    }
    let moved = |child: i32| {
        let place = order.iter().position(|index| *index == child);
        place.map_or(child, |place| place as i32)
    };
    let split = |index: &i32| {
        let mut split = splits[*index as usize].clone();
        (split.left, split.right) = (moved(split.left), moved(split.right));
        split
    };
    order.iter().map(split).collect()
}

fn thresholds_of(trees: &[Tree]) -> Vec<f64> {
    trees
        .iter()
        .flat_map(|tree| &tree.splits)
        .filter_map(|split| match split.decision {
            Decision::Numerical { threshold, .. } => Some(threshold),
            Decision::Categorical { .. } => None,
        })
        .collect()
}

fn random_rows(random: &mut Random, shape: Shape, trees: &[Tree], count: usize) -> Vec<f64> {
    let thresholds = thresholds_of(trees);
    let value = |random: &mut Random| {
        let threshold = if thresholds.is_empty() {
            1.0
        } else {
            random.choose(&thresholds)
        };
        match random.below(8) {
            0 => f64::NAN,
            1 => -f64::NAN,
            2 => threshold,
            3 => threshold.next_up(),
            4 => threshold.next_down(),
            5 => random.below(70) as f64,
            _ => random.number(),
        }
    };
    let mut rows: Vec<f64> = (0..count * shape.features).map(|_| value(random)).collect();
    // Columns of one value, as those of a query are, and such that differ in one row.
    for feature in 0..shape.features.min(rows.len()) {
        let kind = random.below(6);
        if kind > 1 {
            continue;
        }
        let all = rows[feature];
        rows.iter_mut()
            .skip(feature)
            .step_by(shape.features)
            .for_each(|cell| *cell = all);
        if kind == 1 {
            let row = random.below(count);
            let cell = &mut rows[row * shape.features + feature];
            *cell = if random.below(2) == 0 {
                -all
            } else {
                value(random)
            };
        }
    }
    rows
}

fn check(trees: &[Tree], width: usize, rows: &[f64]) {
    let expected: Vec<u64> = rows
        .chunks_exact(width)
        .map(|row| trees.iter().fold(0.0, |sum, tree| sum + tree.predict(row)))
        .map(f64::to_bits)
        .collect();
    for (way, scores) in Scorer::score_in_every_way(trees, width, rows) {
        let scores: Vec<u64> = scores.into_iter().map(f64::to_bits).collect();
        assert_eq!(scores, expected, "{way}");
    }
}

fn check_random(shape: Shape, seed: u64, count: usize) {
    let random = &mut Random(seed);
    let thresholds: Vec<f64> = (0..40).map(|_| random.number()).collect();
    let trees: Vec<Tree> = (0..shape.trees)
        .map(|_| random_tree(random, shape, &thresholds))
        .collect();
    let rows = random_rows(random, shape, &trees, count);
    check(&trees, shape.features, &rows);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_way_of_scoring_has_the_bits_of_the_plain_walk(
        shape in prop::sample::select(&SHAPES[..]),
        seed in any::<u64>(),
        count in 1_usize..=200,
    ) {
        check_random(shape, seed, count);
    }
}

#[test]
fn all_counts_of_rows_have_the_bits_of_the_plain_walk() {
    for count in 0..=200 {
        check_random(SHAPES[0], 7, count);
    }
}

#[test]
fn shapes_reach_what_they_are_for() {
    let reached = |shape: Shape| {
        let random = &mut Random(3);
        let trees: Vec<Tree> = (0..shape.trees)
            .map(|_| random_tree(random, shape, &[0.5]))
            .collect();
        let (ranks, _) = super::columns::build(&trees, shape.features);
        (trees, ranks.column_count())
    };
    let (trees, columns) = reached(SHAPES[3]);
    assert!(thresholds_of(&trees).len() > 2 * 254 && columns > 2 * 6);
    assert!(reached(SHAPES[6]).1 > 256);
    assert!(
        reached(SHAPES[4])
            .0
            .iter()
            .any(|tree| tree.leaves.len() == 256)
    );
    assert!(
        reached(SHAPES[5])
            .0
            .iter()
            .all(|tree| tree.leaves.len() > 256)
    );
    for (shape, leaves) in [(SHAPES[8], FEW), (SHAPES[9], FEW + 1)] {
        let trees = reached(shape).0;
        assert!(trees.iter().any(|tree| tree.leaves.len() == leaves));
    }
}

#[test]
fn rows_are_grouped_from_where_that_is_cheaper() {
    let least = LeastRows {
        alone: 20,
        beside: 10,
    };
    let counts = [0, 19, 20, 64, 73, 74, 128, 300];
    let groups = counts.map(|rows| least.groups(rows));
    assert_eq!(groups, [0, 0, 1, 1, 1, 2, 2, 2]);
}

#[test]
fn a_model_of_no_tree_scores_zero() {
    check(&[], 3, &[1.0, f64::NAN, 0.0, 4.0, 5.0, 6.0]);
    check(&[], 3, &[]);
}

#[test]
fn a_chain_of_many_splits_is_laid_out_and_scored() {
    let splits = 20_000;
    let split = |index: i32| Split {
        feature: 0,
        left: if index + 1 == splits {
            !splits
        } else {
            index + 1
        },
        right: !index,
        decision: Decision::Numerical {
            threshold: 1e6 - f64::from(index),
            missing: Missing::Nothing,
            default_left: false,
        },
    };
    let tree = Tree {
        splits: (0..splits).map(split).collect(),
        leaves: (0..=splits).map(f64::from).collect(),
        category_bits: Vec::new(),
        split_rows: (0..splits)
            .map(|index| (splits - index + 1) as u32)
            .collect(),
        leaf_rows: vec![1; splits as usize + 1],
    };
    check(
        &[tree],
        1,
        &[0.0, 1e6, 1e6 - 0.5, 999_000.0, 985_000.5, f64::NAN, 2e6],
    );
}
