//! The traffic plan: which share of sessions each bundle ranks.
//!
//! Parsing and assignment only, both pure. Following the plan's file is `plan_follower`; what
//! happens when an assigned bundle is unusable is `tracks`.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::digest::Digest;

/// A valid plan: integer weights in percent that sum to 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The operator's number for this plan. It is reported, never compared: whatever the file
    /// holds is followed.
    pub sequence: u64,
    /// Percent by bundle, summing to 100. A weight of 0 keeps a bundle loaded without traffic.
    pub weights: BTreeMap<Digest, u8>,
    /// Makes the assignment of one service independent of another's.
    pub salt: String,
}

/// Why a text is not a plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// Not JSON, or not of a plan's shape.
    #[error("the plan cannot be read: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Weights that do not share out all traffic.
    #[error("the plan's weights sum to {sum}, not to 100")]
    Sum {
        /// What they sum to.
        sum: u64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    sequence: u64,
    weights: BTreeMap<Digest, u8>,
    #[serde(default)]
    salt: String,
}

impl Plan {
    /// Reads `{"sequence": 7, "weights": {"<hex>": 100}, "salt": "<uid>"}`.
    ///
    /// # Errors
    /// When the text is not of that shape, or the weights do not sum to 100.
    pub fn parse(text: &[u8]) -> Result<Self, PlanError> {
        let file: PlanFile = serde_json::from_slice(text)?;
        let sum = file.weights.values().map(|weight| u64::from(*weight)).sum();
        if sum != 100 {
            return Err(PlanError::Sum { sum });
        }
        Ok(Self {
            sequence: file.sequence,
            weights: file.weights,
            salt: file.salt,
        })
    }

    /// All traffic to one bundle; sequence 0.
    pub fn single(digest: Digest) -> Self {
        Self {
            sequence: 0,
            weights: BTreeMap::from([(digest, 100)]),
            salt: String::new(),
        }
    }

    /// The bundle that ranks for `session_key`. Equal on every replica and after every restart,
    /// for it depends on the plan and the key alone.
    pub fn assign(&self, session_key: &str) -> &Digest {
        let bucket = bucket(&self.salt, session_key);
        let mut bound = 0;
        self.weights
            .iter()
            .find(|(_, weight)| {
                bound += u64::from(**weight);
                bucket < bound
            })
            .map(|(digest, _)| digest)
            .expect("the weights sum to 100 and the bucket is below 100")
    }

    /// Bundles with traffic, the largest share first.
    pub fn weighted(&self) -> Vec<&Digest> {
        let mut weighted: Vec<_> = self
            .weights
            .iter()
            .filter(|(_, weight)| **weight > 0)
            .collect();
        weighted.sort_by_key(|(_, weight)| std::cmp::Reverse(**weight));
        weighted.into_iter().map(|(digest, _)| digest).collect()
    }

    /// The bundle that a server cannot do without: the one with the largest share.
    pub fn stable(&self) -> &Digest {
        self.weighted()
            .first()
            .expect("the weights sum to 100, so one is above 0")
    }

    /// The bundle's share in percent; 0 when the plan does not name it.
    pub fn weight(&self, digest: &Digest) -> u8 {
        self.weights.get(digest).copied().unwrap_or(0)
    }
}

/// A number in 0..100, evenly spread over session keys. The zero byte keeps ("a", "bc") and
/// ("ab", "c") apart.
fn bucket(salt: &str, session_key: &str) -> u64 {
    let hash = Sha256::new()
        .chain_update(salt)
        .chain_update([0])
        .chain_update(session_key)
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    u64::from_be_bytes(first) % 100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: char) -> Digest {
        letter.to_string().repeat(64).parse().unwrap()
    }

    fn plan(weights: &[(char, u8)], salt: &str) -> Plan {
        let weights = weights
            .iter()
            .map(|(letter, weight)| (digest(*letter), *weight))
            .collect();
        Plan {
            sequence: 1,
            weights,
            salt: salt.into(),
        }
    }

    #[test]
    fn a_plan_is_read_from_its_json() {
        let text = format!(
            r#"{{"sequence":7,"weights":{{"{}":90,"{}":10}},"salt":"u"}}"#,
            digest('a'),
            digest('b')
        );
        let parsed = Plan::parse(text.as_bytes()).unwrap();
        assert_eq!(
            parsed,
            Plan {
                sequence: 7,
                ..plan(&[('a', 90), ('b', 10)], "u")
            }
        );
        assert_eq!(parsed.weighted(), [&digest('a'), &digest('b')]);
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        let a = digest('a');
        for text in [
            String::new(),
            "{}".into(),
            r#"{"sequence":1,"weights":{}}"#.into(),
            format!(r#"{{"sequence":1,"weights":{{"{a}":99}}}}"#),
            format!(r#"{{"sequence":1,"weights":{{"{a}":-100}}}}"#),
            format!(r#"{{"sequence":1,"weights":{{"{a}":99.5}}}}"#),
            format!(r#"{{"sequence":1,"weights":{{"{a}":356}}}}"#),
            r#"{"sequence":1,"weights":{"../etc/passwd":100}}"#.into(),
            format!(r#"{{"sequence":1,"weight":{{"{a}":100}}}}"#),
        ] {
            assert!(Plan::parse(text.as_bytes()).is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn shares_of_sessions_follow_the_weights() {
        let plan = plan(&[('a', 70), ('b', 30), ('c', 0)], "salt");
        let mut counts = BTreeMap::new();
        for session in 0..20_000 {
            *counts
                .entry(plan.assign(&format!("session-{session}")).clone())
                .or_insert(0_u32) += 1;
        }
        // 30 % of 20,000 has a standard deviation of 65 sessions.
        assert!(
            (5_700..=6_300).contains(&counts[&digest('b')]),
            "{counts:?}"
        );
        assert!(!counts.contains_key(&digest('c')));
    }

    #[test]
    fn a_session_stays_while_its_share_grows() {
        let before = plan(&[('a', 90), ('b', 10)], "salt");
        let after = plan(&[('a', 60), ('b', 40)], "salt");
        for session in 0..2_000 {
            let key = format!("session-{session}");
            if *before.assign(&key) == digest('b') {
                assert_eq!(
                    *after.assign(&key),
                    digest('b'),
                    "{key} left the growing track"
                );
            }
        }
    }

    #[test]
    fn another_salt_gives_another_assignment() {
        let (one, two) = (
            plan(&[('a', 50), ('b', 50)], "one"),
            plan(&[('a', 50), ('b', 50)], "two"),
        );
        let moved = (0..1_000)
            .filter(|n| one.assign(&n.to_string()) != two.assign(&n.to_string()))
            .count();
        assert!(
            (400..=600).contains(&moved),
            "{moved} of 1,000 sessions moved"
        );
    }
}
