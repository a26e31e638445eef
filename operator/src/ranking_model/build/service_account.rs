//! The ServiceAccount of the ranking pods: no rights and no token. It is there so that they run as nobody else.

use super::Blueprint;
use k8s_openapi::api::core::v1::ServiceAccount;

pub(super) fn build(blueprint: &Blueprint<'_>) -> ServiceAccount {
    ServiceAccount {
        metadata: blueprint.metadata(),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
