//! The traffic plan as an object: what the servers' mounted file says. Pure; writing it is `apply`, and what it shall say
//! is `decide`.

use k8s_openapi::api::core::v1::ConfigMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Key of the plan in its ConfigMap, and name of the mounted file.
pub(crate) const PLAN_FILE: &str = "plan.json";
/// Key with the digest of the bundle that has all traffic: the init step of a new pod requires this one.
pub(crate) const REQUIRED: &str = "required";
/// Key with the digests, separated by commas, for which the init step of a new pod waits while the store does not answer.
pub(crate) const AWAITED: &str = "awaited";

/// Which share of the traffic each bundle gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrafficPlan {
    /// Number of the plan. It only grows, so that a server's report says which plan it follows.
    pub(crate) sequence: i64,
    /// Percent of the traffic by digest. They sum to 100.
    pub(crate) weights: BTreeMap<String, i32>,
    /// Makes the assignment of one service independent of another's: the owner's UID.
    #[serde(default)]
    pub(crate) salt: String,
}

impl TrafficPlan {
    /// All traffic to one bundle.
    pub(crate) fn sole(sequence: i64, sha256: &str, salt: &str) -> Self {
        Self {
            sequence,
            weights: BTreeMap::from([(sha256.to_owned(), 100)]),
            salt: salt.to_owned(),
        }
    }

    /// The plan in a ConfigMap; `None` when there is none that a server would follow.
    pub(crate) fn read(config: &ConfigMap) -> Option<Self> {
        let text = config.data.as_ref()?.get(PLAN_FILE)?;
        let plan: Self = serde_json::from_str(text).ok()?;
        // A plan that was damaged by hand is replaced by one with a new number.
        (holds(config, &plan.data()) && plan.serving().is_some()).then_some(plan)
    }

    /// The bundle that has all traffic, when one has.
    pub(crate) fn serving(&self) -> Option<&str> {
        self.weights
            .iter()
            .find(|(_, weight)| **weight == 100)
            .map(|(sha256, _)| sha256.as_str())
    }

    /// What the ConfigMap's data says of the plan.
    pub(crate) fn data(&self) -> BTreeMap<String, String> {
        let text = serde_json::to_string(self).expect("a plan has nothing that JSON cannot say");
        let required = self.serving().unwrap_or_default().to_owned();
        BTreeMap::from([
            (PLAN_FILE.to_owned(), text),
            (REQUIRED.to_owned(), required),
        ])
    }

    /// Whether both say the same to a server, whatever their numbers.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.weights == other.weights && self.salt == other.salt
    }
}

/// Whether the ConfigMap says all of `wanted`. Further keys are somebody else's and mean nothing to servers.
pub(crate) fn holds(config: &ConfigMap, wanted: &BTreeMap<String, String>) -> bool {
    wanted
        .iter()
        .all(|(key, value)| config.data.as_ref().and_then(|data| data.get(key)) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> ConfigMap {
        ConfigMap {
            data: Some(BTreeMap::from([
                (PLAN_FILE.to_owned(), text.to_owned()),
                (REQUIRED.to_owned(), "aa".to_owned()),
            ])),
            ..ConfigMap::default()
        }
    }

    #[test]
    fn a_plan_is_read_back_as_it_was_written() {
        let plan = TrafficPlan::sole(7, "aa", "uid");
        let written = ConfigMap {
            data: Some(plan.data()),
            ..ConfigMap::default()
        };
        assert_eq!(TrafficPlan::read(&written), Some(plan.clone()));
        assert_eq!(
            plan.data()[PLAN_FILE],
            r#"{"sequence":7,"weights":{"aa":100},"salt":"uid"}"#
        );
        assert_eq!(plan.data()[REQUIRED], "aa");
    }

    #[test]
    fn a_key_of_somebody_else_is_no_damage() {
        let mut written = config(r#"{"sequence":1,"weights":{"aa":100},"salt":""}"#);
        let data = written.data.get_or_insert_default();
        data.insert("theirs".to_owned(), "note".to_owned());
        assert!(TrafficPlan::read(&written).is_some());
        let wanted = TrafficPlan::sole(1, "aa", "").data();
        assert!(holds(&written, &wanted));
        let more = BTreeMap::from([(AWAITED.to_owned(), "aa".to_owned())]);
        assert!(!holds(&written, &more));
    }

    #[test]
    fn what_was_not_written_by_us_is_no_plan() {
        assert!(
            TrafficPlan::read(&config(r#"{"sequence":1,"weights":{"aa":100},"salt":""}"#))
                .is_some()
        );
        for text in [
            "",
            "{}",
            r#"{"sequence":1,"weights":{"bb":100},"salt":""}"#,
            r#"{"sequence":1,"weights":{"aa":90}}"#,
            r#"{"sequence":1,"weights":{"aa":-1,"bb":101}}"#,
        ] {
            assert_eq!(TrafficPlan::read(&config(text)), None, "{text}");
        }
        assert_eq!(TrafficPlan::read(&ConfigMap::default()), None);
    }
}
