//! Builds a DemoDataset's Jobs. Pure.

use crate::job::build::{self, Work};
use crate::job::execute::Start;
use crate::owner::Owner;
use crate::pods;
use crate::settings::Settings;
use crate::storage::Storage;
use searchop_crds::DemoDatasetSpec;
use searchop_crds::labels::Component;

/// The Job that generates the data.
#[must_use]
pub fn generate(
    owner: &Owner,
    spec: &DemoDatasetSpec,
    attempt: i32,
    storage: &Storage,
    settings: &Settings,
) -> Box<Start> {
    let mut arguments = vec!["generate".to_owned()];
    for (flag, value) in [
        ("--owner", owner.in_store()),
        ("--seed", spec.seed.to_string()),
        ("--products", spec.products.to_string()),
        ("--users", spec.users.to_string()),
        ("--events", spec.events.to_string()),
    ] {
        arguments.push(format!("{flag}={value}"));
    }
    for change in spec.drift.iter().flatten() {
        let (day, percent) = (change.from_day, change.strength_percent);
        arguments.push(format!("--drift={}:{day}:{percent}", change.kind.name()));
    }
    let work = Work {
        component: Component::Generate,
        account: Component::Generate,
        attempt,
        image: &settings.trainer_image,
        arguments,
        storage,
        template: spec.template.as_ref(),
        resources: pods::resources(
            &[("cpu", "250m"), ("memory", "256Mi")],
            &[("cpu", "1"), ("memory", "1Gi")],
        ),
    };
    build::start(owner, &work)
}
