//! Which bundle `spec.model` names. Pure: the TrainingRun was read before.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use searchop_crds::reason::RankingModelReason;
use searchop_crds::{ModelReference, ModelSource, TrainingRun, condition};

/// Number of a digest's digits that stand for it in names.
const SHORT: usize = 12;
/// The metric in the model's column.
pub(crate) const HEADLINE_METRIC: &str = "ndcg@10";

/// Why `spec.model` names no bundle now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unresolved {
    pub(crate) reason: RankingModelReason,
    pub(crate) message: String,
}

/// The bundle that `spec.model` names. `run` is the TrainingRun of `trainingRunRef`, if it exists.
pub(crate) fn resolve(
    source: &ModelSource,
    run: Option<&TrainingRun>,
) -> Result<ModelReference, Unresolved> {
    match (&source.artifact, &source.training_run_ref) {
        (Some(artifact), _) => Ok(ModelReference {
            name: short(&artifact.sha256),
            sha256: artifact.sha256.clone(),
            uri: artifact.uri.clone(),
            ndcg_at_10: None,
        }),
        (None, Some(reference)) => model_of(&reference.name, run),
        (None, None) => Err(Unresolved {
            reason: RankingModelReason::NoModel,
            message: "spec.model names no model".to_owned(),
        }),
    }
}

/// A digest's first digits, as a name for people.
pub(crate) fn short(sha256: &str) -> String {
    sha256.chars().take(SHORT).collect()
}

fn model_of(name: &str, run: Option<&TrainingRun>) -> Result<ModelReference, Unresolved> {
    let Some(run) = run else {
        return Err(Unresolved {
            reason: RankingModelReason::TrainingRunNotFound,
            message: format!("TrainingRun {name} does not exist in this namespace"),
        });
    };
    let status = run.status.clone().unwrap_or_default();
    if let Some(model) = &status.model {
        return Ok(ModelReference {
            name: name.to_owned(),
            sha256: model.sha256.clone(),
            uri: model.uri.clone(),
            ndcg_at_10: status
                .metrics
                .iter()
                .find(|metric| metric.name == HEADLINE_METRIC)
                .map(|metric| metric.value.clone()),
        });
    }
    let failed = condition::find(&status.conditions, condition::FAILED)
        .filter(|failed| failed.status == "True");
    Err(match failed {
        Some(failed) => Unresolved {
            reason: RankingModelReason::TrainingRunFailed,
            message: format!(
                "TrainingRun {name} has failed: {}: {}",
                failed.reason, failed.message
            ),
        },
        None => Unresolved {
            reason: RankingModelReason::TrainingRunNotComplete,
            message: waiting(name, &status.conditions),
        },
    })
}

fn waiting(name: &str, conditions: &[Condition]) -> String {
    match condition::find(conditions, condition::COMPLETE) {
        Some(complete) => format!("TrainingRun {name} has no model yet: {}", complete.reason),
        None => format!("TrainingRun {name} has no model yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;
    use searchop_crds::{LocalReference, MetricStatus, ProducedModel, TrainingRunStatus};

    fn by_run() -> ModelSource {
        ModelSource {
            training_run_ref: Some(LocalReference {
                name: "storefront-001".to_owned(),
            }),
            artifact: None,
        }
    }

    fn run(status: TrainingRunStatus) -> TrainingRun {
        let manifest = serde_json::json!({
            "apiVersion": "searchop.dev/v1alpha1",
            "kind": "TrainingRun",
            "metadata": {"name": "storefront-001"},
            "spec": {
                "dataset": {"demoDatasetRef": {"name": "storefront"}},
                "split": {"mode": "Time"},
            },
        });
        let mut run: TrainingRun = serde_json::from_value(manifest).expect("a valid run");
        run.status = Some(status);
        run
    }

    fn failed() -> Condition {
        Condition {
            type_: condition::FAILED.to_owned(),
            status: "True".to_owned(),
            reason: "InvalidData".to_owned(),
            message: "line 3".to_owned(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn a_complete_run_gives_its_model_and_metric() {
        let status = TrainingRunStatus {
            model: Some(ProducedModel {
                uri: "s3://b/artifacts/ab".to_owned(),
                sha256: "ab".to_owned(),
                ..ProducedModel::default()
            }),
            metrics: vec![MetricStatus {
                name: "ndcg@10".to_owned(),
                value: "0.41".to_owned(),
                ..MetricStatus::default()
            }],
            ..TrainingRunStatus::default()
        };
        let model = resolve(&by_run(), Some(&run(status))).expect("resolved");
        assert_eq!(
            (model.name.as_str(), model.sha256.as_str()),
            ("storefront-001", "ab")
        );
        assert_eq!(model.ndcg_at_10.as_deref(), Some("0.41"));
    }

    #[test]
    fn a_run_without_a_model_says_why() {
        let cases = [
            (
                None,
                RankingModelReason::TrainingRunNotFound,
                "does not exist",
            ),
            (
                Some(TrainingRunStatus::default()),
                RankingModelReason::TrainingRunNotComplete,
                "no model yet",
            ),
            (
                Some(TrainingRunStatus {
                    conditions: vec![failed()],
                    ..TrainingRunStatus::default()
                }),
                RankingModelReason::TrainingRunFailed,
                "InvalidData: line 3",
            ),
        ];
        for (status, reason, text) in cases {
            let run = status.map(run);
            let unresolved = resolve(&by_run(), run.as_ref()).expect_err("unresolved");
            assert_eq!(unresolved.reason, reason);
            assert!(unresolved.message.contains(text), "{}", unresolved.message);
        }
    }
}
