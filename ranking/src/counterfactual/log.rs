//! A log of choices as JSON Lines: one choice a line, the choices of a unit in any order.

use std::collections::HashMap;
use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::{ChoiceLog, CounterfactualError, LoggedChoice, check_choice};
use crate::events::MAXIMUM_ID_BYTES;
use crate::json_lines::{self, FieldError, JsonLinesError, Record, check_text};

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChoiceRecord {
    /// What is drawn whole, such as a search; without it the choice is one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    reward: f64,
    logged_probability: f64,
    target_probability: f64,
}

impl ChoiceRecord {
    fn choice(&self) -> LoggedChoice {
        LoggedChoice {
            reward: self.reward,
            logged_probability: self.logged_probability,
            target_probability: self.target_probability,
        }
    }
}

impl Record for ChoiceRecord {
    fn check(&self) -> Result<(), FieldError> {
        if let Some(unit) = &self.unit {
            check_text("unit", unit, 1, MAXIMUM_ID_BYTES)?;
        }
        check_choice(0, &self.choice()).map_err(|error| match error {
            CounterfactualError::Value {
                what,
                value,
                problem,
                ..
            } => FieldError::new(what, format!("{value} {problem}")),
            other => FieldError::new(".", other.to_string()),
        })
    }
}

/// The choices of a log, those of one unit together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupedChoices {
    /// The choices.
    pub choices: Vec<LoggedChoice>,
    /// Unit `i` has the choices `boundaries[i]..boundaries[i + 1]`.
    pub boundaries: Vec<usize>,
}

impl GroupedChoices {
    /// The log to estimate from, its units drawn whole.
    #[must_use]
    pub fn log(&self) -> ChoiceLog<'_> {
        ChoiceLog {
            choices: &self.choices,
            boundaries: Some(&self.boundaries),
        }
    }
}

/// Reads a log: on each line `reward`, `logged_probability`, `target_probability` and, where
/// choices belong together, `unit`. Units stand in the order of their first choice.
///
/// # Errors
/// The first line that is no choice, with its field.
pub fn read_log(input: impl BufRead) -> Result<GroupedChoices, JsonLinesError> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut units: Vec<Vec<LoggedChoice>> = Vec::new();
    json_lines::read(input, |_, record: ChoiceRecord| {
        let choice = record.choice();
        let place = record
            .unit
            .map(|unit| *places.entry(unit).or_insert(units.len()));
        match place.and_then(|place| units.get_mut(place)) {
            Some(unit) => unit.push(choice),
            None => units.push(vec![choice]),
        }
        Ok(())
    })?;
    let mut grouped = GroupedChoices {
        choices: Vec::new(),
        boundaries: vec![0],
    };
    for unit in units {
        grouped.choices.extend(unit);
        grouped.boundaries.push(grouped.choices.len());
    }
    Ok(grouped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_of_a_unit_are_brought_together() {
        let line = |unit: &str, reward: f64| {
            format!(
                r#"{{{unit}"reward":{reward},"logged_probability":0.5,"target_probability":1}}"#
            )
        };
        let text = [
            line(r#""unit":"a","#, 1.0),
            line("", 2.0),
            line(r#""unit":"b","#, 3.0),
            line(r#""unit":"a","#, 4.0),
            line("", 5.0),
        ]
        .join("\n");
        let log = read_log(text.as_bytes()).unwrap();
        let rewards: Vec<f64> = log.choices.iter().map(|choice| choice.reward).collect();
        assert_eq!(rewards, [1.0, 4.0, 2.0, 3.0, 5.0]);
        assert_eq!(log.boundaries, [0, 2, 3, 4, 5]);
        assert_eq!(read_log(&b""[..]).unwrap().boundaries, [0]);
    }

    #[test]
    fn a_line_that_is_no_choice_is_named_with_its_field() {
        for (fields, expected) in [
            (
                r#""reward":1,"logged_probability":0,"target_probability":1"#,
                "line 2, field logged_probability: 0 is not above 0 and at most 1",
            ),
            (
                r#""reward":1,"logged_probability":1,"target_probability":2"#,
                "line 2, field target_probability: 2 is not between 0 and 1",
            ),
            (
                r#""reward":1,"logged_probability":1"#,
                "line 2, field .: missing field `target_probability`",
            ),
            (
                r#""unit":" ","reward":1,"logged_probability":1,"target_probability":1"#,
                "line 2, field unit: must not be empty",
            ),
        ] {
            let good = r#"{"reward":1,"logged_probability":1,"target_probability":1}"#;
            let text = format!("{good}\n{{{fields}}}\n");
            let error = read_log(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
