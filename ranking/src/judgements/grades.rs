//! The map from the grades that people write to the labels that training takes and the gains that
//! metrics count.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::events::MAXIMUM_GRADE;

/// Most grades that a map may name.
const MAXIMUM_GRADES: usize = 100;

/// What a grade stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grade {
    /// 0 is useless, more is better, 30 is the most: LightGBM's labels end there.
    pub label: u8,
    /// What it is worth in NDCG, finite and at least 0.
    pub gain: f64,
}

/// Which label and gain each grade has.
///
/// Written as `GRADE=LABEL` or `GRADE=LABEL:GAIN`, separated by commas, such as
/// `Exact=3:1,Substitute=2:0.1,Complement=1:0.01,Irrelevant=0:0`. A gain that is not stated is
/// 2^label - 1. Grades that are numbers are compared as numbers (`100.000` is `100`), others
/// without regard to case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GradeMap {
    /// Empty: every whole number from 0 to 30 is its own label.
    grades: BTreeMap<GradeKey, Grade>,
    /// As they were written.
    names: Vec<String>,
}

/// A grade as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum GradeKey {
    /// Bits of a finite number that is not -0.
    Number(u64),
    Text(String),
}

impl GradeKey {
    fn new(grade: &str) -> Self {
        let grade = grade.trim();
        match grade.parse::<f64>() {
            // Adding 0 makes -0 the same as 0.
            Ok(number) if number.is_finite() => Self::Number((number + 0.0).to_bits()),
            _ => Self::Text(grade.to_lowercase()),
        }
    }
}

/// Why a text is no grade map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("grade map: {0}")]
pub struct GradeMapError(String);

impl GradeMap {
    /// Every whole number from 0 to 30 is its own label, with the gain 2^label - 1.
    #[must_use]
    pub fn whole_numbers() -> Self {
        Self::default()
    }

    /// What a grade stands for; `None` if the map does not say.
    #[must_use]
    pub fn find(&self, grade: &str) -> Option<Grade> {
        let key = GradeKey::new(grade);
        if !self.grades.is_empty() {
            return self.grades.get(&key).copied();
        }
        let GradeKey::Number(bits) = key else {
            return None;
        };
        let number = f64::from_bits(bits);
        let is_label = (0.0..=f64::from(MAXIMUM_GRADE)).contains(&number) && number.fract() == 0.0;
        is_label.then(|| Grade::with_default_gain(number as u8))
    }

    /// The gain of each label from 0 to the highest, as LightGBM's `label_gain` takes it. A label
    /// that no grade has gets the gain of the next lower one.
    #[must_use]
    pub fn label_gains(&self) -> Vec<f64> {
        if self.grades.is_empty() {
            return (0..=MAXIMUM_GRADE as u8).map(default_gain).collect();
        }
        let highest = self.grades.values().map(|grade| grade.label).max();
        let mut gains = Vec::new();
        let mut last = 0.0;
        for label in 0..=highest.unwrap_or_default() {
            let stated = self.grades.values().find(|grade| grade.label == label);
            last = stated.map_or(last, |grade| grade.gain);
            gains.push(last);
        }
        gains
    }

    /// The grades that the map names, in words.
    #[must_use]
    pub fn known(&self) -> String {
        if self.grades.is_empty() {
            format!("whole numbers from 0 to {MAXIMUM_GRADE}")
        } else {
            self.names.join(", ")
        }
    }

    fn add(&mut self, name: &str, grade: Grade) -> Result<(), String> {
        if self.grades.len() >= MAXIMUM_GRADES {
            return Err(format!("more than {MAXIMUM_GRADES} grades"));
        }
        for other in self.grades.values() {
            let (low, high) = if other.label < grade.label {
                (other, &grade)
            } else {
                (&grade, other)
            };
            if low.label == high.label && low.gain != high.gain {
                return Err(format!(
                    "label {} has the gains {} and {}",
                    low.label, low.gain, high.gain
                ));
            }
            if low.gain > high.gain {
                return Err(format!(
                    "label {} has a higher gain than label {}",
                    low.label, high.label
                ));
            }
        }
        if self.grades.insert(GradeKey::new(name), grade).is_some() {
            return Err(format!("grade {name:?} is there twice"));
        }
        self.names.push(name.to_owned());
        Ok(())
    }
}

impl Grade {
    fn with_default_gain(label: u8) -> Self {
        Self {
            label,
            gain: default_gain(label),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (label, gain) = match text.split_once(':') {
            Some((label, gain)) => (label, Some(gain)),
            None => (text, None),
        };
        let label = label
            .trim()
            .parse::<u8>()
            .ok()
            .filter(|label| u32::from(*label) <= MAXIMUM_GRADE)
            .ok_or_else(|| format!("{label:?} is not a label from 0 to {MAXIMUM_GRADE}"))?;
        let Some(gain) = gain else {
            return Ok(Self::with_default_gain(label));
        };
        let gain = gain
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|gain| gain.is_finite() && *gain >= 0.0)
            .ok_or_else(|| format!("{gain:?} is not a gain of at least 0"))?;
        Ok(Self { label, gain })
    }
}

fn default_gain(label: u8) -> f64 {
    f64::from((1_u32 << label) - 1)
}

impl FromStr for GradeMap {
    type Err = GradeMapError;

    fn from_str(text: &str) -> Result<Self, GradeMapError> {
        let mut map = Self::default();
        for entry in text.split(',') {
            let (name, grade) = entry.rsplit_once('=').ok_or_else(|| {
                GradeMapError(format!(
                    "{entry:?} is not GRADE=LABEL or GRADE=LABEL:GAIN, such as Exact=3:1"
                ))
            })?;
            let name = name.trim();
            if name.is_empty() {
                return Err(GradeMapError(format!("{entry:?} has no grade")));
            }
            Grade::parse(grade)
                .and_then(|grade| map.add(name, grade))
                .map_err(|message| GradeMapError(format!("{entry:?}: {message}")))?;
        }
        Ok(map)
    }
}

/// Writes what reads back to an equal map, with every gain; nothing for the whole numbers.
impl fmt::Display for GradeMap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.names.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            if let Some(grade) = self.find(name) {
                write!(formatter, "{comma}{name}={}:{}", grade.label, grade.gain)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_are_numbers_by_value_and_words_without_case() {
        let map: GradeMap = "100=3:1, Exact=3:1, 10=2:0.1, 1=1:.01, 0=0:0"
            .parse()
            .expect("a map");
        for grade in ["100.000", " 100", "1e2", "EXACT"] {
            assert_eq!(
                map.find(grade),
                Some(Grade {
                    label: 3,
                    gain: 1.0
                }),
                "{grade}"
            );
        }
        assert_eq!(map.find("-0").map(|grade| grade.label), Some(0));
        assert_eq!(map.find("50"), None);
        assert_eq!(map.label_gains(), [0.0, 0.01, 0.1, 1.0]);
        assert_eq!(map.to_string().parse(), Ok(map));
    }

    #[test]
    fn without_a_map_only_labels_are_grades() {
        let map = GradeMap::whole_numbers();
        assert_eq!(
            map.find("4.0"),
            Some(Grade {
                label: 4,
                gain: 15.0
            })
        );
        assert_eq!(
            map.find("30").map(|grade| grade.gain),
            Some(1_073_741_823.0)
        );
        for grade in ["31", "-1", "1.5", "100", "Exact", "NaN", "inf", ""] {
            assert_eq!(map.find(grade), None, "{grade}");
        }
        assert_eq!(map.label_gains().len(), 31);
    }

    #[test]
    fn a_gap_between_labels_takes_the_lower_gain() {
        let map: GradeMap = "good=4:8,bad=1:2".parse().expect("a map");
        assert_eq!(map.label_gains(), [0.0, 2.0, 2.0, 2.0, 8.0]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let error = |text: &str| text.parse::<GradeMap>().expect_err("refused").to_string();
        assert_eq!(
            error("Exact"),
            "grade map: \"Exact\" is not GRADE=LABEL or GRADE=LABEL:GAIN, such as Exact=3:1"
        );
        assert_eq!(
            error("a=31"),
            "grade map: \"a=31\": \"31\" is not a label from 0 to 30"
        );
        assert_eq!(
            error("a=3:x"),
            "grade map: \"a=3:x\": \"x\" is not a gain of at least 0"
        );
        assert_eq!(
            error("1=1,1.0=1"),
            "grade map: \"1.0=1\": grade \"1.0\" is there twice"
        );
        assert_eq!(
            error("a=1:2,b=1:3"),
            "grade map: \"b=1:3\": label 1 has the gains 3 and 2"
        );
        assert_eq!(
            error("a=1:2,b=2:1"),
            "grade map: \"b=2:1\": label 1 has a higher gain than label 2"
        );
        assert_eq!(error("=1"), "grade map: \"=1\" has no grade");
    }
}
