//! Names of the children, all derived from the owner's name.

/// Longest name that an owner may have, so that every child's name, the longest being a Job's `-generate-99999`, fits the 63
/// characters of a label.
pub const LONGEST_OWNER: usize = 48;

/// Name of the Job of one attempt: `NAME-COMPONENT-ATTEMPT`.
#[must_use]
pub fn job(owner: &str, component: crate::labels::Component, attempt: i32) -> String {
    format!("{owner}-{}-{attempt}", component.as_str())
}

/// Name of the ServiceAccount that the Jobs of an owner run as, when its storage names none.
#[must_use]
pub fn job_service_account(owner: &str) -> String {
    format!("{owner}-job")
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
