//! What the golden files show of the simulated cluster, and what must hold in it after every second.

use super::Cluster;
use searchop_crds::{ModelReference, condition};
use std::fmt::Write;

impl Cluster {
    /// A line for the golden file when anything that a user could see has changed.
    pub(super) fn record(&mut self) {
        let status = self.status();
        let name = |model: &Option<ModelReference>| {
            model
                .as_ref()
                .map_or("-".to_owned(), |model| model.sha256[..1].to_owned())
        };
        let plan = self.plan.as_ref().map_or("-".to_owned(), |_| {
            let (sequence, model) = self.live();
            format!("{sequence}:{model}")
        });
        let template: String = self
            .deployment
            .iter()
            .flat_map(|view| view.bundles.keys())
            .map(|sha256| &sha256[..1])
            .collect();
        let rollout = status.rollout.as_ref().map_or("-".to_owned(), |rollout| {
            format!(
                "{} {:?} {}/{}",
                rollout.id, rollout.outcome, rollout.weight, rollout.verified_weight
            )
        });
        let ready = condition::find(&status.conditions, condition::READY).cloned();
        let line = format!(
            "stable {} candidate {} previous {} plan {plan} template {template} rollout {rollout}\n          Ready {} | Available {} | Progressing {} | Promoted {}\n          {}",
            name(&status.stable),
            name(&status.candidate),
            name(&status.previous),
            self.condition(condition::READY),
            self.condition(condition::AVAILABLE),
            self.condition(condition::PROGRESSING),
            self.condition(condition::PROMOTED),
            ready.map_or_else(String::new, |ready| ready.message),
        );
        if line != self.last_line {
            writeln!(self.log, "{:>4} s  {line}", self.clock).expect("a string takes every line");
            self.last_line = line;
        }
    }

    /// What must hold after every second.
    pub(super) fn check(&self) {
        let status = self.status();
        let ready = condition::find(&status.conditions, condition::READY);
        if ready.is_some_and(|ready| ready.status == "True") {
            let observed = ready.and_then(|ready| ready.observed_generation);
            assert_eq!(
                observed, status.observed_generation,
                "Ready is about another generation\n{}",
                self.log
            );
            let is_current = observed == self.model.metadata.generation;
            let target = self
                .model
                .spec
                .model
                .artifact
                .as_ref()
                .map(|artifact| artifact.sha256.clone());
            let stable = status.stable.as_ref().map(|stable| stable.sha256.clone());
            assert!(
                !is_current || target == stable,
                "Ready without the spec's model\n{}",
                self.log
            );
        }
        let Some(plan) = &self.plan else { return };
        let served = plan.serving().expect("one model");
        let has_served = status.stable.is_some();
        for pod in self.pods.iter().filter(|pod| pod.is_ready(self.moment())) {
            let has_it = pod.has_loaded(served, self.moment());
            assert!(
                has_it,
                "{} is ready and lacks the plan's model\n{}",
                pod.name, self.log
            );
        }
        let any_ready = self.pods.iter().any(|pod| pod.is_ready(self.moment()));
        let is_expected = has_served
            && self
                .deployment
                .as_ref()
                .is_some_and(|deployment| deployment.wanted > 0);
        assert!(
            !is_expected || any_ready || self.expects_outage,
            "no server is ready\n{}",
            self.log
        );
        let known = status.serving.unwrap_or_default();
        assert!(
            known.verified_plan_sequence <= known.plan_sequence
                && known.plan_sequence <= plan.sequence,
            "{known:?}"
        );
    }
}
