//! Parser of LightGBM's text format. It finds the fields; `tree` checks what the
//! trees mean. What follows the trees (importances, parameters) is not read.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::error::{ModelError, excerpt};
use super::tree::{Tree, TreeFields};
use super::{MODEL_TEXT_BYTES_LIMIT, RankingModel};

const HEADER_FIELDS: [&str; 11] = [
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "average_output",
    "feature_names",
    "monotone_constraints",
    "feature_infos",
    "tree_sizes",
];

const TREE_FIELDS: [&str; 22] = [
    "num_leaves",
    "num_cat",
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "leaf_value",
    "leaf_weight",
    "leaf_count",
    "internal_value",
    "internal_weight",
    "internal_count",
    "cat_boundaries",
    "cat_threshold",
    "is_linear",
    "leaf_const",
    "num_features",
    "leaf_features",
    "leaf_coeff",
    "shrinkage",
];

type Fields<'text> = BTreeMap<&'text str, &'text str>;

/// Reads a whole model text.
pub(super) fn parse(text: &str) -> Result<RankingModel, ModelError> {
    if text.len() > MODEL_TEXT_BYTES_LIMIT {
        return Err(ModelError::TooLarge {
            bytes: text.len(),
            limit: MODEL_TEXT_BYTES_LIMIT,
        });
    }
    let mut lines = text.lines().peekable();
    let first = lines.next().unwrap_or_default();
    if first != "tree" {
        return Err(ModelError::NotAModel {
            found: excerpt(first),
        });
    }
    let mut header = Fields::new();
    while let Some(line) = lines.next_if(|line| !starts_tree(line) && *line != "end of trees") {
        if !line.is_empty() {
            add_field(&mut header, line, &HEADER_FIELDS)
                .map_err(|(field, problem)| ModelError::Header { field, problem })?;
        }
    }
    let feature_names = check_header(&header)?;

    let mut trees = Vec::new();
    loop {
        while lines.next_if(|line| line.is_empty()).is_some() {}
        let Some(line) = lines.next_if(|line| starts_tree(line)) else {
            break;
        };
        let position = trees.len();
        let refuse = |(field, problem): (String, String)| ModelError::Tree {
            tree: position,
            field,
            problem,
        };
        if line != format!("Tree={position}") {
            return Err(refuse((
                "Tree".to_owned(),
                format!("is numbered {:?}", excerpt(&line["Tree=".len()..])),
            )));
        }
        let mut fields = Fields::new();
        while let Some(line) = lines.next_if(|line| !line.is_empty() && !starts_tree(line)) {
            add_field(&mut fields, line, &TREE_FIELDS).map_err(refuse)?;
        }
        trees.push(read_tree(&fields, position, feature_names.len())?);
    }
    if let Some(sizes) = header.get("tree_sizes") {
        let named = sizes.split_ascii_whitespace().count();
        if named != trees.len() {
            let problem = format!("names {named} trees, but the text has {}", trees.len());
            return Err(ModelError::Header {
                field: "tree_sizes".to_owned(),
                problem,
            });
        }
    }
    Ok(RankingModel {
        feature_names,
        objective: header
            .get("objective")
            .map(|objective| (*objective).to_owned()),
        average_output: header.contains_key("average_output"),
        trees,
    })
}

fn starts_tree(line: &str) -> bool {
    line.starts_with("Tree=")
}

fn add_field<'text>(
    fields: &mut Fields<'text>,
    line: &'text str,
    known: &[&str],
) -> Result<(), (String, String)> {
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    if !known.contains(&name) {
        return Err((excerpt(name), "is not a known field".to_owned()));
    }
    if fields.insert(name, value).is_some() {
        return Err((name.to_owned(), "is there twice".to_owned()));
    }
    Ok(())
}

/// Checks the header and gives the names of the features.
fn check_header(header: &Fields<'_>) -> Result<Vec<String>, ModelError> {
    let refuse = |field: &str, problem: String| ModelError::Header {
        field: field.to_owned(),
        problem,
    };
    let required = |field: &str| {
        header
            .get(field)
            .copied()
            .ok_or_else(|| refuse(field, "is missing from the header".to_owned()))
    };
    let number = |field: &str| {
        let written = required(field)?;
        written
            .trim()
            .parse::<u64>()
            .map_err(|_| refuse(field, format!("{:?} is not a count", excerpt(written))))
    };
    let version = required("version")?;
    if !["v2", "v3", "v4"].contains(&version) {
        return Err(ModelError::UnknownVersion {
            found: excerpt(version),
        });
    }
    for field in ["num_class", "num_tree_per_iteration"] {
        let outputs = if field == "num_class" || header.contains_key(field) {
            number(field)?
        } else {
            1
        };
        match outputs {
            0 => return Err(refuse(field, "is 0".to_owned())),
            1 => {}
            outputs => return Err(ModelError::Multiclass { field, outputs }),
        }
    }
    let feature_count = number("max_feature_idx")?.saturating_add(1);
    let names: Vec<String> = required("feature_names")?
        .split(' ')
        .filter(|n| !n.is_empty())
        .map(str::to_owned)
        .collect();
    if names.len() as u64 != feature_count {
        return Err(refuse(
            "feature_names",
            format!(
                "has {} names, but max_feature_idx says {feature_count} features",
                names.len()
            ),
        ));
    }
    Ok(names)
}

fn read_tree(
    fields: &Fields<'_>,
    position: usize,
    feature_count: usize,
) -> Result<Tree, ModelError> {
    let refuse = |field: &str, problem: String| ModelError::Tree {
        tree: position,
        field: field.to_owned(),
        problem,
    };
    let leaf_count =
        count(fields, "num_leaves").map_err(|problem| refuse("num_leaves", problem))?;
    if leaf_count == 0 {
        return Err(refuse("num_leaves", "is 0".to_owned()));
    }
    if fields
        .get("is_linear")
        .is_some_and(|value| value.trim() != "0")
    {
        return Err(ModelError::LinearTree { tree: position });
    }
    let category_split_count =
        count(fields, "num_cat").map_err(|problem| refuse("num_cat", problem))?;
    fn array<T: FromStr>(
        fields: &Fields<'_>,
        field: &str,
        length: usize,
    ) -> Result<Vec<T>, String> {
        // Nothing to read, and older writers leave such a field out.
        if length == 0 {
            return Ok(Vec::new());
        }
        let written = fields.get(field).ok_or_else(|| "is missing".to_owned())?;
        let found = written.split_ascii_whitespace().count();
        if found != length {
            return Err(format!("has {found} values instead of {length}"));
        }
        let parse = |(index, text): (usize, &str)| {
            text.parse().map_err(|_| {
                format!(
                    "value {index} is {:?}, which is not a number of its kind",
                    excerpt(text)
                )
            })
        };
        written
            .split_ascii_whitespace()
            .enumerate()
            .map(parse)
            .collect()
    }
    macro_rules! read {
        ($field:literal, $length:expr) => {
            array(fields, $field, $length).map_err(|problem| refuse($field, problem))?
        };
    }
    let leaf_value = read!("leaf_value", leaf_count);
    let splits = leaf_count - 1;
    let mut tree = TreeFields {
        category_split_count: if splits == 0 { 0 } else { category_split_count },
        split_feature: read!("split_feature", splits),
        threshold: read!("threshold", splits),
        left_child: read!("left_child", splits),
        right_child: read!("right_child", splits),
        leaf_value,
        ..TreeFields::default()
    };
    tree.decision_type = if fields.contains_key("decision_type") {
        read!("decision_type", splits)
    } else {
        vec![0; splits]
    };
    if tree.category_split_count > 0 {
        let boundaries = category_split_count
            .checked_add(1)
            .ok_or_else(|| refuse("num_cat", "is too large".to_owned()))?;
        tree.category_boundaries = read!("cat_boundaries", boundaries);
        let words = fields
            .get("cat_threshold")
            .map_or(0, |written| written.split_ascii_whitespace().count());
        tree.category_bits = read!("cat_threshold", words);
    }
    Tree::build(&tree, feature_count).map_err(|(field, problem)| refuse(field, problem))
}

fn count(fields: &Fields<'_>, field: &str) -> Result<usize, String> {
    let written = fields.get(field).ok_or_else(|| "is missing".to_owned())?;
    written
        .trim()
        .parse()
        .map_err(|_| format!("{:?} is not a count", excerpt(written)))
}
