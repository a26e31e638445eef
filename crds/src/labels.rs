//! Labels and annotations that SearchOp puts on objects, and the names of its field managers and finalizer.

use std::collections::BTreeMap;

pub const NAME: &str = "app.kubernetes.io/name";
pub const INSTANCE: &str = "app.kubernetes.io/instance";
pub const COMPONENT: &str = "app.kubernetes.io/component";
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
pub const PART_OF: &str = "app.kubernetes.io/part-of";

/// Value of [`MANAGED_BY`] on every child.
pub const OPERATOR: &str = "searchop-operator";

/// Annotation of a child: digest of what the operator last applied, so that an unchanged child is not written again.
pub const APPLIED: &str = "searchop.dev/applied-sha256";
/// Annotation of a ranking pod: sequence number of the newest traffic plan; writing it makes the kubelet refresh the mount.
pub const PLAN_SEQUENCE: &str = "searchop.dev/plan-sequence";

/// Finalizer of the kinds that own an artifact in the store.
pub const FINALIZER: &str = "searchop.dev/artifact";

/// Field manager of the children.
pub const MANAGER: &str = "searchop-operator";
/// Field manager of the status.
pub const STATUS_MANAGER: &str = "searchop-operator/status";
/// Field manager of the Deployment's replica count.
pub const SCALE_MANAGER: &str = "searchop-operator/scale";
/// Field manager of the traffic plan.
pub const PLAN_MANAGER: &str = "searchop-operator/plan";
/// Field manager of the finalizer.
pub const FINALIZER_MANAGER: &str = "searchop-operator/finalizer";

/// What a child is for: the value of [`COMPONENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    Generate,
    Train,
    Purge,
    Ranking,
}

impl Component {
    /// Value of the label [`COMPONENT`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Train => "train",
            Self::Purge => "purge",
            Self::Ranking => "ranking",
        }
    }

    /// Value of the label [`NAME`]: the program that runs.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Generate | Self::Train | Self::Purge => "trainer",
            Self::Ranking => "ranking-server",
        }
    }
}

/// Labels that select the pods of one object's component. They never change.
#[must_use]
pub fn selector(instance: &str, component: Component) -> BTreeMap<String, String> {
    [
        (NAME, component.program()),
        (INSTANCE, instance),
        (COMPONENT, component.as_str()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

/// Labels of a child: [`selector`] and who made it.
#[must_use]
pub fn child(instance: &str, component: Component) -> BTreeMap<String, String> {
    let mut labels = selector(instance, component);
    labels.insert(MANAGED_BY.to_owned(), OPERATOR.to_owned());
    labels.insert(PART_OF.to_owned(), "searchop".to_owned());
    labels
}
