//! Rollouts from beginning to end, each held against `operator/tests/golden/<name>.txt`.

use super::cluster::{digest, fixed};
use super::{Cluster, Health};
use searchop_crds::RolloutOutcome;
use searchop_crds::condition::{AVAILABLE, PROGRESSING, PROMOTED, READY};
use std::path::Path;

/// Holds the story's log against its golden file.
fn golden(name: &str, cluster: &Cluster) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder"))
            .expect("a folder for golden files");
        std::fs::write(&path, &cluster.log).expect("a golden file");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        cluster.log,
        expected,
        "differs from {}; UPDATE_GOLDEN=1 rewrites it",
        path.display()
    );
}

/// A cluster that serves the model A.
fn serving_a() -> Cluster {
    let mut cluster = Cluster::new('a');
    cluster.run_until(READY, "True InEffect");
    cluster
}

/// Nothing is written any more.
fn assert_quiet(cluster: &mut Cluster) {
    cluster.run(120);
    let log = cluster.log.clone();
    for _ in 0..20 {
        cluster.writes.clear();
        cluster.reconcile();
        assert_eq!(cluster.writes, Vec::<String>::new(), "{log}");
    }
}

#[test]
fn a_first_model_is_deployed_and_then_nothing_is_written() {
    let mut cluster = serving_a();
    assert_eq!(cluster.live(), (1, "a".to_owned()));
    assert_eq!(
        cluster
            .status()
            .stable
            .and_then(|stable| stable.ndcg_at_10)
            .as_deref(),
        Some("0.41")
    );
    assert_eq!(cluster.staying().len(), 2);
    assert_quiet(&mut cluster);
    golden("first-deploy", &cluster);
}

#[test]
fn an_edit_of_the_model_promotes_it_and_its_end_restarts_nothing() {
    let mut cluster = serving_a();
    cluster.edit_model('b');
    cluster.run_until(PROMOTED, "True Promoted");
    let pods = cluster.staying();
    cluster.run_until(READY, "True InEffect");
    assert_quiet(&mut cluster);
    assert_eq!(cluster.staying(), pods, "promotion restarted a server");
    assert_eq!(cluster.live(), (2, "b".to_owned()));
    let status = cluster.status();
    let rollout = status.rollout.expect("a rollout");
    assert_eq!(
        (
            rollout.id.as_str(),
            rollout.outcome,
            rollout.verified_weight
        ),
        ("2-bbbbbbbb", RolloutOutcome::Succeeded, 100)
    );
    let serving = status.serving.expect("servers");
    assert_eq!(serving.verified_plan_sequence, serving.plan_sequence);
    golden("promotion", &cluster);
}

#[test]
fn going_back_to_the_previous_model_restarts_no_server() {
    let mut cluster = serving_a();
    cluster.edit_model('b');
    cluster.run_until(READY, "True InEffect");
    let pods = cluster.staying();
    cluster.edit_model('a');
    cluster.run(5);
    assert_eq!(cluster.condition(READY), "True InEffect", "{}", cluster.log);
    assert_eq!(cluster.staying(), pods);
    assert_eq!(cluster.live(), (3, "a".to_owned()));
    golden("back-to-previous", &cluster);
}

#[test]
fn a_corrupt_candidate_is_refused_once_and_stable_serves_on() {
    let mut cluster = serving_a();
    cluster.health.insert(digest('b'), Health::Corrupt);
    cluster.edit_model('b');
    cluster.run_until(PROMOTED, "False RolledBack");
    assert_eq!(cluster.condition(READY), "False DigestMismatch");
    assert_eq!(cluster.condition(AVAILABLE), "True ServersReady");
    assert_eq!(cluster.live(), (1, "a".to_owned()));
    cluster.run(60);
    let pods = cluster.staying();
    cluster.edit("spec.serving.autoscaling.maxReplicas = 5", |spec| {
        spec.serving.autoscaling.max_replicas = 5
    });
    cluster.run(60);
    assert_eq!(
        cluster.condition(PROMOTED),
        "False RolledBack",
        "an edit elsewhere is no reason to try again"
    );
    assert_eq!(cluster.staying(), pods);
    assert_quiet(&mut cluster);
    cluster.edit_model('c');
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.live(), (2, "c".to_owned()));
    assert_eq!(cluster.status().rejected.len(), 1);
    golden("corrupt-candidate", &cluster);
}

#[test]
fn a_refused_model_is_tried_again_after_the_spec_named_another_one() {
    let mut cluster = serving_a();
    cluster.health.insert(digest('b'), Health::Corrupt);
    cluster.edit_model('b');
    cluster.run_until(PROMOTED, "False RolledBack");
    cluster.edit_model('a');
    cluster.run_until(READY, "True InEffect");
    cluster.health.clear();
    cluster.edit_model('b');
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.live().1, "b");
    golden("refused-then-repaired", &cluster);
}

#[test]
fn a_candidate_that_crashes_its_server_is_refused() {
    let mut cluster = serving_a();
    cluster.health.insert(digest('b'), Health::Crashing);
    cluster.edit_model('b');
    cluster.run_until(PROMOTED, "False RolledBack");
    assert_eq!(cluster.condition(READY), "False ServerCrashed");
    assert_quiet(&mut cluster);
    golden("crashing-candidate", &cluster);
}

#[test]
fn a_candidate_that_is_never_ready_is_refused_at_its_deadline() {
    let mut cluster = serving_a();
    cluster.health.insert(digest('b'), Health::Endless);
    cluster.edit_model('b');
    cluster.run_until(PROMOTED, "False RolledBack");
    assert_eq!(cluster.condition(READY), "False DeadlineExceeded");
    assert_quiet(&mut cluster);
    golden("never-ready-candidate", &cluster);
}

#[test]
fn trouble_with_the_store_is_waited_out() {
    let mut cluster = serving_a();
    cluster.health.insert(digest('b'), Health::Unavailable);
    cluster.edit_model('b');
    cluster.run(1_000);
    assert_eq!(cluster.condition(PROGRESSING), "True StorageUnavailable");
    assert_eq!(cluster.condition(READY), "False StorageUnavailable");
    assert_eq!(cluster.live().1, "a");
    cluster.health.clear();
    cluster.note("the store is back");
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.live().1, "b");
    golden("store-trouble", &cluster);
}

#[test]
fn a_candidate_that_fails_while_it_takes_over_gives_the_traffic_back() {
    let mut cluster = serving_a();
    cluster.edit_model('b');
    cluster.run_until(PROMOTED, "False Shifting");
    cluster.note("every server begins to refuse b");
    cluster.expects_outage = true;
    cluster.health.insert(digest('b'), Health::Corrupt);
    cluster.run(5);
    cluster.expects_outage = false;
    cluster.run(60);
    assert_eq!(cluster.condition(READY), "False DigestMismatch");
    assert_eq!(cluster.condition(AVAILABLE), "True ServersReady");
    assert_eq!(cluster.live(), (3, "a".to_owned()));
    assert_quiet(&mut cluster);
    golden("fails-while-taking-over", &cluster);
}

#[test]
fn a_stable_model_that_is_gone_with_all_servers_does_not_block_another_one() {
    let mut cluster = serving_a();
    cluster.note("a is deleted from the store, and every server restarts");
    cluster.expects_outage = true;
    cluster.health.insert(digest('a'), Health::Gone);
    cluster.restart_servers();
    cluster.run(30);
    assert_eq!(cluster.condition(AVAILABLE), "False NoServerReady");
    assert_eq!(cluster.condition(READY), "False ArtifactNotFound");
    cluster.edit_model('b');
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.live().1, "b");
    golden("stable-is-gone", &cluster);
}

#[test]
fn a_first_model_that_fails_says_why_and_an_edit_recovers() {
    let mut cluster = Cluster::new('a');
    cluster.health.insert(digest('a'), Health::Corrupt);
    cluster.run(60);
    assert_eq!(cluster.condition(READY), "False DigestMismatch");
    assert_eq!(cluster.condition(PROGRESSING), "False DigestMismatch");
    assert_eq!(cluster.condition(AVAILABLE), "False NoServerReady");
    assert_quiet(&mut cluster);
    cluster.edit_model('b');
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.live().1, "b");
    golden("first-model-fails", &cluster);
}

#[test]
fn another_model_midway_supersedes_the_candidate() {
    for second in 0..20 {
        let mut cluster = serving_a();
        cluster.edit_model('b');
        cluster.run(second);
        cluster.edit_model('c');
        cluster.run_until(READY, "True InEffect");
        assert_eq!(cluster.live().1, "c");
        assert_eq!(
            cluster.status().stable.map(|stable| stable.sha256),
            Some(digest('c'))
        );
        if second == 4 {
            golden("another-model-midway", &cluster);
        }
    }
}

#[test]
fn back_to_stable_midway_drops_the_candidate() {
    for second in 0..20 {
        let mut cluster = serving_a();
        cluster.edit_model('b');
        cluster.run(second);
        cluster.edit_model('a');
        cluster.run_until(READY, "True InEffect");
        assert_eq!(cluster.live().1, "a");
        assert_eq!(cluster.status().candidate, None);
        if second == 4 {
            golden("back-midway", &cluster);
        }
    }
}

#[test]
fn a_lost_status_is_found_again_in_the_cluster_at_any_second() {
    for second in 0..25 {
        let mut cluster = serving_a();
        cluster.edit_model('b');
        cluster.run(second);
        let sequence = cluster.live().0;
        cluster.lose_status();
        cluster.second();
        assert!(cluster.status().stable.is_some(), "{}", cluster.log);
        cluster.run_until(READY, "True InEffect");
        assert_eq!(cluster.live().1, "b");
        assert!(cluster.live().0 >= sequence);
        if second == 6 {
            golden("lost-status", &cluster);
        }
    }
}

#[test]
fn a_lost_status_of_a_converged_service_restarts_no_server() {
    let mut cluster = serving_a();
    cluster.edit_model('b');
    cluster.run_until(READY, "True InEffect");
    let pods = cluster.staying();
    cluster.lose_status();
    cluster.run_until(READY, "True InEffect");
    assert_quiet(&mut cluster);
    assert_eq!(cluster.staying(), pods);
    assert_eq!(
        cluster.status().previous.map(|previous| previous.sha256),
        Some(digest('a'))
    );
}

#[test]
fn an_operator_that_dies_before_its_status_write_ends_the_same() {
    for second in 0..25 {
        let mut cluster = serving_a();
        cluster.edit_model('b');
        cluster.run(second);
        let before = cluster.model.status.clone();
        cluster.reconcile();
        cluster.model.status = before;
        cluster.run_until(READY, "True InEffect");
        assert_eq!(cluster.live(), (2, "b".to_owned()));
        assert_eq!(cluster.status().history.len(), 2);
    }
}

#[test]
fn the_autoscalers_count_survives_an_edit_of_the_model() {
    let mut cluster = serving_a();
    cluster.autoscale(6);
    cluster.run(30);
    assert_eq!(
        cluster.condition(READY),
        "True InEffect",
        "scaling is no change of the spec's effect"
    );
    cluster.edit_model('b');
    cluster.run(6);
    cluster.autoscale(8);
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.staying().len(), 8);
    cluster.autoscale(3);
    cluster.run(30);
    assert_eq!(cluster.condition(READY), "True InEffect");
    assert_quiet(&mut cluster);
    golden("scaled-during-rollout", &cluster);
}

#[test]
fn a_fixed_count_is_kept_and_none_is_a_count() {
    let mut cluster = serving_a();
    cluster.edit("three fixed servers", |spec| fixed(spec, 3));
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.staying().len(), 3);
    cluster.autoscale(7);
    cluster.run(40);
    assert_eq!(
        cluster.staying().len(),
        3,
        "nobody else scales a fixed count"
    );
    assert_quiet(&mut cluster);
    cluster.edit("no server", |spec| fixed(spec, 0));
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.condition(AVAILABLE), "False NoServerReady");
    golden("fixed-count", &cluster);
}

#[test]
fn a_model_that_cannot_be_resolved_changes_nothing_that_is_served() {
    let mut cluster = serving_a();
    cluster.edit("spec.model = a run that is not there", |spec| {
        spec.model.artifact = None;
        spec.model.training_run_ref = Some(searchop_crds::LocalReference {
            name: "storefront-002".to_owned(),
        });
    });
    cluster.run(30);
    assert_eq!(cluster.condition(READY), "False TrainingRunNotFound");
    assert_eq!(cluster.condition(AVAILABLE), "True ServersReady");
    assert_eq!(cluster.live(), (1, "a".to_owned()));
    assert_quiet(&mut cluster);
    golden("unresolved", &cluster);
}
