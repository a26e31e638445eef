//! Parser of LightGBM's text format. It finds the fields; `tree` checks what the
//! trees mean. What follows the trees (importances, parameters) is not read.

use super::build::{TreeFields, TreeProblem, build};
use super::error::{ModelError, excerpt};
use super::numbers::Number;
use super::tree::Tree;
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

/// What the fields that are known have, if they are there.
struct Fields<'text> {
    known: &'static [&'static str],
    values: Vec<Option<&'text str>>,
}

impl<'text> Fields<'text> {
    fn new(known: &'static [&'static str]) -> Self {
        Self {
            known,
            values: vec![None; known.len()],
        }
    }

    fn clear(&mut self) {
        self.values.fill(None);
    }

    fn get(&self, field: &str) -> Option<&'text str> {
        let place = self.known.iter().position(|known| *known == field)?;
        self.values[place]
    }

    fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    /// Takes up a line, or says which field has what wrong.
    fn add(&mut self, line: &'text str) -> Result<(), (String, String)> {
        let name = line.bytes().position(|byte| byte == b'=');
        let (name, value) = match name {
            Some(end) => (&line[..end], &line[end + 1..]),
            None => (line, ""),
        };
        let place = self.known.iter().position(|known| *known == name);
        let place = place.ok_or_else(|| (excerpt(name), "is not a known field".to_owned()))?;
        if self.values[place].replace(value).is_some() {
            return Err((name.to_owned(), "is there twice".to_owned()));
        }
        Ok(())
    }
}

/// Reads a whole model text.
pub(super) fn parse(text: &str) -> Result<RankingModel, ModelError> {
    if text.len() > MODEL_TEXT_BYTES_LIMIT {
        return Err(ModelError::TooLarge {
            bytes: text.len(),
            limit: MODEL_TEXT_BYTES_LIMIT,
        });
    }
    let mut lines = lines(text).peekable();
    let first = lines.next().unwrap_or_default();
    if first != "tree" {
        return Err(ModelError::NotAModel {
            found: excerpt(first),
        });
    }
    let mut header = Fields::new(&HEADER_FIELDS);
    while let Some(line) = lines.next_if(|line| !starts_tree(line) && *line != "end of trees") {
        if !line.is_empty() {
            header
                .add(line)
                .map_err(|(field, problem)| ModelError::Header { field, problem })?;
        }
    }
    let feature_names = check_header(&header)?;

    let mut trees = Vec::new();
    let mut fields = Fields::new(&TREE_FIELDS);
    let mut arrays = TreeFields::default();
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
        fields.clear();
        while let Some(line) = lines.next_if(|line| !line.is_empty() && !starts_tree(line)) {
            fields.add(line).map_err(refuse)?;
        }
        trees.push(read_tree(
            &fields,
            &mut arrays,
            position,
            feature_names.len(),
        )?);
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
    let objective = header.get("objective").map(str::to_owned);
    let average_output = header.has("average_output");
    Ok(RankingModel::new(
        feature_names,
        objective,
        average_output,
        trees,
    ))
}

/// The lines of a text, without what ends them. Most of a model's lines are not read but for
/// their ends, so these are searched for with wide registers.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr(b'\n', text.as_bytes());
        let line = &text[..end.unwrap_or(text.len())];
        rest = end
            .map(|end| &text[end + 1..])
            .filter(|text| !text.is_empty());
        Some(line.strip_suffix('\r').unwrap_or(line))
    })
}

fn starts_tree(line: &str) -> bool {
    line.starts_with("Tree=")
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
        let outputs = if field == "num_class" || header.has(field) {
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

/// Reads a tree from its fields. What the arrays hold before is nothing to it.
fn read_tree(
    fields: &Fields<'_>,
    arrays: &mut TreeFields,
    position: usize,
    feature_count: usize,
) -> Result<Tree, ModelError> {
    let refuse = |(field, problem): (&str, String)| ModelError::Tree {
        tree: position,
        field: field.to_owned(),
        problem,
    };
    if fields
        .get("is_linear")
        .is_some_and(|value| value.trim() != "0")
    {
        return Err(ModelError::LinearTree { tree: position });
    }
    read_arrays(fields, arrays).map_err(refuse)?;
    build(arrays, feature_count).map_err(refuse)
}

fn read_arrays(fields: &Fields<'_>, arrays: &mut TreeFields) -> Result<(), TreeProblem> {
    let leaves = count(fields, "num_leaves")?;
    if leaves == 0 {
        return Err(("num_leaves", "is 0".to_owned()));
    }
    let splits = leaves - 1;
    let category_split_count = count(fields, "num_cat")?;
    array(fields, "leaf_value", leaves, &mut arrays.leaf_value)?;
    array(fields, "split_feature", splits, &mut arrays.split_feature)?;
    array(fields, "threshold", splits, &mut arrays.threshold)?;
    array(fields, "left_child", splits, &mut arrays.left_child)?;
    array(fields, "right_child", splits, &mut arrays.right_child)?;
    if fields.has("decision_type") {
        array(fields, "decision_type", splits, &mut arrays.decision_type)?;
    } else {
        arrays.decision_type.clear();
        arrays.decision_type.resize(splits, 0);
    }
    // A tree of one leaf may be written with or without counts.
    for (field, length, counts) in [
        ("internal_count", splits, &mut arrays.internal_count),
        ("leaf_count", leaves, &mut arrays.leaf_count),
    ] {
        let is_there = splits > 0 && fields.has(field);
        array(fields, field, if is_there { length } else { 0 }, counts)?;
    }
    arrays.category_split_count = if splits == 0 { 0 } else { category_split_count };
    let (boundaries, words) = if arrays.category_split_count > 0 {
        let words = fields
            .get("cat_threshold")
            .map_or(0, |written| written.split_ascii_whitespace().count());
        let boundaries = category_split_count
            .checked_add(1)
            .ok_or_else(|| ("num_cat", "is too large".to_owned()))?;
        (boundaries, words)
    } else {
        (0, 0)
    };
    let (bounds, bits) = (&mut arrays.category_boundaries, &mut arrays.category_bits);
    array(fields, "cat_boundaries", boundaries, bounds)?;
    array(fields, "cat_threshold", words, bits)
}

/// Reads the numbers of a field, which must be as many as `length`, in place of `values`.
fn array<T: Number>(
    fields: &Fields<'_>,
    field: &'static str,
    length: usize,
    values: &mut Vec<T>,
) -> Result<(), TreeProblem> {
    values.clear();
    // Nothing to read, and older writers leave such a field out.
    if length == 0 {
        return Ok(());
    }
    let written = fields
        .get(field)
        .ok_or_else(|| (field, "is missing".to_owned()))?;
    if T::read_all(written, values) && values.len() == length {
        return Ok(());
    }
    // Once more, to say what is wrong if anything is.
    values.clear();
    let found = written.split_ascii_whitespace().count();
    if found != length {
        return Err((field, format!("has {found} values instead of {length}")));
    }
    for (index, word) in written.split_ascii_whitespace().enumerate() {
        let value = T::read(word).ok_or_else(|| {
            let word = excerpt(word);
            let problem = format!("value {index} is {word:?}, which is not a number of its kind");
            (field, problem)
        })?;
        values.push(value);
    }
    Ok(())
}

fn count(fields: &Fields<'_>, field: &'static str) -> Result<usize, TreeProblem> {
    let written = fields
        .get(field)
        .ok_or_else(|| (field, "is missing".to_owned()))?;
    written
        .trim()
        .parse()
        .map_err(|_| (field, format!("{:?} is not a count", excerpt(written))))
}
