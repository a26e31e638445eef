//! Which of LightGBM's parameters a run may set beyond the named flags, and within which bounds.
//! Everything else is refused by name: a misspelt parameter must not silently train another
//! model. It does not know which value is sensible for which data.

use std::collections::BTreeMap;

use thiserror::Error;

/// At most this many parameters in one run.
pub const MAXIMUM_PARAMETERS: usize = 32;

/// What a parameter's value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Values {
    Integer {
        minimum: i64,
        maximum: i64,
    },
    /// `minimum` itself is allowed only where `inclusive`.
    Number {
        minimum: f64,
        maximum: f64,
        inclusive: bool,
    },
    Boolean,
}

const fn integer(minimum: i64, maximum: i64) -> Values {
    Values::Integer { minimum, maximum }
}

const fn at_least_zero(maximum: f64) -> Values {
    Values::Number {
        minimum: 0.0,
        maximum,
        inclusive: true,
    }
}

const fn above_zero(maximum: f64) -> Values {
    Values::Number {
        minimum: 0.0,
        maximum,
        inclusive: false,
    }
}

/// LightGBM's own names, in alphabetical order. Its aliases are left out on purpose: two names
/// for one parameter could contradict each other.
const ALLOWED: &[(&str, Values)] = &[
    ("bagging_fraction", above_zero(1.0)),
    ("bagging_freq", integer(0, 10_000)),
    ("cat_l2", at_least_zero(1e6)),
    ("cat_smooth", at_least_zero(1e6)),
    ("extra_trees", Values::Boolean),
    ("feature_fraction", above_zero(1.0)),
    ("feature_fraction_bynode", above_zero(1.0)),
    ("lambda_l1", at_least_zero(1e6)),
    ("lambda_l2", at_least_zero(1e6)),
    ("lambdarank_norm", Values::Boolean),
    ("lambdarank_truncation_level", integer(1, 10_000)),
    ("max_bin", integer(2, 4_095)),
    ("max_delta_step", at_least_zero(1e6)),
    ("max_depth", integer(-1, 64)),
    ("min_data_in_bin", integer(1, 1_000_000)),
    ("min_data_in_leaf", integer(0, 10_000_000)),
    ("min_gain_to_split", at_least_zero(1e9)),
    ("min_sum_hessian_in_leaf", at_least_zero(1e9)),
    ("path_smooth", at_least_zero(1e6)),
    ("sigmoid", above_zero(1_000.0)),
];

/// A parameter that is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ParameterError {
    /// Not `NAME=VALUE`.
    #[error("parameter {text:?}: expected NAME=VALUE")]
    NotAPair {
        /// What was given.
        text: String,
    },
    /// A name that is not on the list.
    #[error("parameter {name:?} is not allowed; allowed are {allowed}")]
    Unknown {
        /// What was given.
        name: String,
        /// The allowed names, joined.
        allowed: String,
    },
    /// A flag of its own exists for it.
    #[error("parameter {name:?} is set by {flag}, not by --parameter")]
    HasOwnFlag {
        /// What was given.
        name: String,
        /// The flag to use.
        flag: &'static str,
    },
    /// The same name twice.
    #[error("parameter {name:?} is given twice")]
    Twice {
        /// What was given.
        name: String,
    },
    /// A value that cannot be read or is out of bounds.
    #[error("parameter {name:?}: {value:?} is not {expected}")]
    Value {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// More than [`MAXIMUM_PARAMETERS`].
    #[error("{count} parameters given; at most {MAXIMUM_PARAMETERS} are allowed")]
    TooMany {
        /// How many were given.
        count: usize,
    },
}

/// Names that look like parameters but have flags of their own.
const OWN_FLAGS: &[(&str, &str)] = &[
    ("objective", "--objective"),
    ("num_iterations", "--num-iterations"),
    ("num_leaves", "--num-leaves"),
    ("learning_rate", "--learning-rate"),
    ("seed", "--seed"),
    ("early_stopping_round", "--early-stopping-rounds"),
    ("metric", "--early-stopping-metric"),
    ("eval_at", "--early-stopping-metric"),
    (
        "lambdarank_position_bias_regularization",
        "--position-bias-regularization",
    ),
    ("monotone_constraints", "--monotone-constraint"),
    ("categorical_feature", "--categorical-feature"),
];

/// Checked parameters by name; the values are in one canonical spelling, so that `0.10` and
/// `0.1` are the same run.
pub type Parameters = BTreeMap<String, String>;

/// Reads `NAME=VALUE` texts.
///
/// # Errors
/// The first text that is no pair, names no allowed parameter, repeats one, or has a value out
/// of bounds.
pub fn parse_parameters<'a>(
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<Parameters, ParameterError> {
    let mut parameters = Parameters::new();
    for text in texts {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| ParameterError::NotAPair {
                text: text.to_owned(),
            })?;
        let value = canonical_value(name, value)?;
        if parameters.insert(name.to_owned(), value).is_some() {
            return Err(ParameterError::Twice {
                name: name.to_owned(),
            });
        }
    }
    if parameters.len() > MAXIMUM_PARAMETERS {
        return Err(ParameterError::TooMany {
            count: parameters.len(),
        });
    }
    Ok(parameters)
}

fn canonical_value(name: &str, value: &str) -> Result<String, ParameterError> {
    if let Some((_, flag)) = OWN_FLAGS.iter().find(|(own, _)| *own == name) {
        return Err(ParameterError::HasOwnFlag {
            name: name.to_owned(),
            flag,
        });
    }
    let Some((_, values)) = ALLOWED.iter().find(|(allowed, _)| *allowed == name) else {
        let allowed: Vec<_> = ALLOWED.iter().map(|(allowed, _)| *allowed).collect();
        return Err(ParameterError::Unknown {
            name: name.to_owned(),
            allowed: allowed.join(", "),
        });
    };
    let refused = |expected: String| ParameterError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        expected,
    };
    match *values {
        Values::Integer { minimum, maximum } => value
            .parse::<i64>()
            .ok()
            .filter(|number| (minimum..=maximum).contains(number))
            .map(|number| number.to_string())
            .ok_or_else(|| refused(format!("a whole number from {minimum} to {maximum}"))),
        Values::Number {
            minimum,
            maximum,
            inclusive,
        } => value
            .parse::<f64>()
            .ok()
            .filter(|number| {
                *number <= maximum && (*number > minimum || (inclusive && *number == minimum))
            })
            // Adding zero turns -0 into 0.
            .map(|number| format!("{}", number + 0.0))
            .ok_or_else(|| {
                let bound = if inclusive {
                    "at least"
                } else {
                    "greater than"
                };
                refused(format!("a number {bound} {minimum} and at most {maximum}"))
            }),
        Values::Boolean => match value {
            "true" | "false" => Ok(value.to_owned()),
            _ => Err(refused("true or false".to_owned())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<String, ParameterError> {
        parse_parameters([text]).map(|parameters| {
            let (name, value) = parameters.into_iter().next().expect("one parameter");
            format!("{name}={value}")
        })
    }

    #[test]
    fn allowed_parameters_within_bounds_are_taken_in_one_spelling() {
        for (given, taken) in [
            ("bagging_fraction=0.90", "bagging_fraction=0.9"),
            ("bagging_freq=1", "bagging_freq=1"),
            ("min_sum_hessian_in_leaf=5.0", "min_sum_hessian_in_leaf=5"),
            ("lambda_l2=1e-3", "lambda_l2=0.001"),
            ("lambda_l1=-0", "lambda_l1=0"),
            ("extra_trees=true", "extra_trees=true"),
            ("max_depth=-1", "max_depth=-1"),
        ] {
            assert_eq!(one(given).as_deref(), Ok(taken), "{given}");
        }
    }

    #[test]
    fn values_out_of_bounds_are_refused_with_the_bounds() {
        for given in [
            "bagging_fraction=0",
            "bagging_fraction=1.5",
            "bagging_fraction=NaN",
            "lambda_l1=-0.1",
            "lambda_l1=inf",
            "max_bin=1",
            "max_bin=2.5",
            "min_data_in_leaf=-1",
            "extra_trees=yes",
            "max_depth=",
            "min_data_in_leaf=5 objective=binary",
        ] {
            let error = one(given).expect_err(given).to_string();
            let name = given.split('=').next().expect("a name");
            assert!(error.contains(name) && error.contains("is not"), "{error}");
        }
    }

    #[test]
    fn a_parameter_that_is_not_on_the_list_is_refused_by_name() {
        for name in [
            "bagging_fracton",
            "machines",
            "num_threads",
            "input_model",
            "data",
            "",
            "Max_bin",
        ] {
            let error = one(&format!("{name}=1")).expect_err(name).to_string();
            assert!(
                error.contains(&format!("{name:?} is not allowed")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_parameter_with_a_flag_of_its_own_names_the_flag() {
        let error = one("num_leaves=63").expect_err("has a flag").to_string();
        assert!(error.contains("--num-leaves"), "{error}");
    }

    #[test]
    fn repeated_and_broken_parameters_are_refused() {
        assert_eq!(
            parse_parameters(["max_bin=63", "max_bin=63"]),
            Err(ParameterError::Twice {
                name: "max_bin".into()
            })
        );
        assert_eq!(
            one("max_bin"),
            Err(ParameterError::NotAPair {
                text: "max_bin".into()
            })
        );
    }

    #[test]
    fn the_list_is_the_one_that_is_checked_at_admission() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../config/crd/bases/searchop.dev_trainingruns.yaml");
        // YAML may break the rule over lines.
        let text = std::fs::read_to_string(file).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, rule) = text
            .split_once("self.all(name, name in [")
            .expect("the rule is there");
        let (names, _) = rule.split_once(']').expect("the list ends");
        let names: Vec<_> = names
            .split(',')
            .map(|name| name.trim().trim_matches(['\'', '"']))
            .collect();
        let allowed: Vec<_> = ALLOWED.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, allowed);
    }

    #[test]
    fn the_list_is_sorted_and_has_no_name_with_a_flag() {
        assert!(ALLOWED.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(
            OWN_FLAGS
                .iter()
                .all(|(own, _)| ALLOWED.iter().all(|(name, _)| name != own))
        );
        assert!(ALLOWED.len() <= MAXIMUM_PARAMETERS);
    }
}
