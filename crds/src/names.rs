//! Names of the children, all derived from the owner's name.

/// Longest name that an owner may have, so that every child's name, the longest being a Job's `-generate-99999`, fits the 63
/// characters of a label.
pub const LONGEST_OWNER: usize = 48;

/// Name of the Job of one attempt: `NAME-COMPONENT-ATTEMPT`.
#[must_use]
pub fn job(owner: &str, component: crate::labels::Component, attempt: i32) -> String {
    format!("{owner}-{}-{attempt}", component.as_str())
}

/// Name of the ServiceAccount that the Jobs of an owner run as, when its storage names none: `NAME-COMPONENT`, with the
/// component of the owner's work, so that owners of two kinds and one name do not meet.
#[must_use]
pub fn job_service_account(owner: &str, work: crate::labels::Component) -> String {
    format!("{owner}-{}", work.as_str())
}

/// The number in the name of a Job that [`job`] has named, if it is one of that owner's name and component.
#[must_use]
pub fn job_attempt(name: &str, owner: &str, component: crate::labels::Component) -> Option<i32> {
    name.strip_prefix(owner)?
        .strip_prefix('-')?
        .strip_prefix(component.as_str())?
        .strip_prefix('-')?
        .parse()
        .ok()
}

/// Name of all serving children of a RankingModel but its plan.
#[must_use]
pub fn serving(owner: &str) -> String {
    format!("{owner}-ranking")
}

/// Name of the ConfigMap that holds a RankingModel's traffic plan.
#[must_use]
pub fn plan(owner: &str) -> String {
    format!("{owner}-ranking-plan")
}
