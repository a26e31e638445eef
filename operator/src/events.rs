//! Kubernetes Events: told on transitions of conditions, never on every reconcile.
//!
//! [`transitions`] is pure and finds what is worth telling; [`Events`] writes. A failure to write is logged and swallowed:
//! Events are for people, and no state depends on them.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// Longest note that the API accepts, in bytes.
const NOTE_LIMIT: usize = 1_024;

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// Whether a person should look.
    pub type_: EventType,
    /// The condition's reason.
    pub reason: String,
    /// What happened, for people.
    pub note: String,
}

/// What to tell of the change from `before` to `after`: one happening for each reason that a condition has newly taken on.
/// `classify` gives a reason's weight, or `None` for reasons that are not worth an Event.
#[must_use]
pub fn transitions(
    before: &[Condition],
    after: &[Condition],
    classify: fn(&str) -> Option<EventType>,
) -> Vec<Happening> {
    let mut happenings: Vec<Happening> = Vec::new();
    for condition in after {
        let was_so = before.iter().any(|earlier| {
            earlier.type_ == condition.type_
                && earlier.status == condition.status
                && earlier.reason == condition.reason
        });
        let is_told = happenings
            .iter()
            .any(|happening| happening.reason == condition.reason);
        let Some(type_) = classify(&condition.reason) else {
            continue;
        };
        if !was_so && !is_told {
            happenings.push(Happening {
                type_,
                reason: condition.reason.clone(),
                note: condition.message.clone(),
            });
        }
    }
    happenings
}

/// Writes Events, and merges repeated ones.
#[derive(Clone)]
pub struct Events(Recorder);

impl Events {
    /// Events that name this operator and its pod as their source.
    #[must_use]
    pub fn new(client: Client, pod_name: &str) -> Self {
        Self(Recorder::new(
            client,
            Reporter {
                controller: "searchop.dev/operator".to_owned(),
                instance: Some(pod_name.to_owned()),
            },
        ))
    }

    /// Tells what happened to the object, and in which child or other object, if in one.
    pub async fn tell(
        &self,
        object: &ObjectReference,
        related: Option<ObjectReference>,
        happening: &Happening,
    ) {
        let event = Event {
            type_: happening.type_,
            reason: happening.reason.clone(),
            note: Some(shortened(&happening.note)),
            action: "Reconcile".to_owned(),
            secondary: related,
        };
        if let Err(error) = self.0.publish(&event, object).await {
            tracing::warn!(%error, reason = happening.reason, "event was not recorded");
        }
    }
}

fn shortened(note: &str) -> String {
    if note.len() <= NOTE_LIMIT {
        return note.to_owned();
    }
    let end = (0..=NOTE_LIMIT)
        .rev()
        .find(|&end| note.is_char_boundary(end))
        .unwrap_or(0);
    note[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Condition {
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        }
    }

    fn all(reason: &str) -> Option<EventType> {
        (reason != "Quiet").then_some(EventType::Normal)
    }

    #[test]
    fn a_message_alone_is_no_transition() {
        let before = [condition("Complete", "False", "Running", "at 5 %")];
        let after = [condition("Complete", "False", "Running", "at 6 %")];
        assert!(transitions(&before, &after, all).is_empty());
    }

    #[test]
    fn a_new_reason_is_told_once_even_if_two_conditions_have_it() {
        let after = [
            condition("Complete", "False", "InvalidData", "line 3"),
            condition("Failed", "True", "InvalidData", "line 3"),
            condition("Suspended", "False", "Quiet", ""),
        ];
        let told = transitions(&[], &after, all);
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].reason.as_str(), told[0].note.as_str()),
            ("InvalidData", "line 3")
        );
    }
}
