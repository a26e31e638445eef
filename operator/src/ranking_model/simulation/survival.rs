//! Stories about what must survive an edit: what serves, the way back, and the chance of another attempt.

use super::cluster::{digest, fixed};
use super::{Cluster, Health};
use crate::error::Obstacle;
use crate::requeue::Requeue;
use searchop_crds::condition::{AVAILABLE, PROGRESSING, PROMOTED, READY};
use searchop_crds::model::ArtifactSource;
use searchop_crds::{AutoscalingMode, LocalReference, PodTemplate};

/// A cluster that serves A, whose way back is none.
fn serving_a() -> Cluster {
    let mut cluster = Cluster::new('a');
    cluster.run_until(READY, "True InEffect");
    cluster
}

fn previous(cluster: &Cluster) -> Option<String> {
    cluster.status().previous.map(|previous| previous.sha256)
}

/// A first model on its way, at a second of its deployment, and its promotion not yet recorded.
fn first_model_at(second: i64) -> Cluster {
    let mut cluster = Cluster::new('a');
    cluster.run(1);
    let unrecorded = cluster.model.status.clone();
    cluster.run(second);
    cluster.model.status = unrecorded;
    cluster
}

#[test]
fn a_first_model_that_serves_is_not_taken_away_by_an_edit() {
    for second in 4..10 {
        let mut cluster = first_model_at(second);
        assert!(cluster.is_serving(), "{}", cluster.log);
        cluster.edit_model('b');
        for _ in 0..40 {
            cluster.second();
            assert!(cluster.is_serving(), "{}", cluster.log);
        }
        cluster.run_until(READY, "True InEffect");
        assert_eq!(cluster.live().1, "b");
        assert_eq!(previous(&cluster), Some(digest('a')));
    }
}

#[test]
fn a_first_model_that_serves_outlasts_a_model_that_cannot_be_resolved() {
    let mut cluster = first_model_at(5);
    assert!(cluster.is_serving());
    cluster.edit("spec.model = a run that is not there", |spec| {
        spec.model.artifact = None;
        spec.model.training_run_ref = Some(LocalReference {
            name: "storefront-002".to_owned(),
        });
    });
    cluster.run(30);
    assert_eq!(cluster.condition(AVAILABLE), "True ServersReady");
    assert_eq!(cluster.live().1, "a");
}

#[test]
fn a_way_back_that_cannot_be_fetched_holds_up_no_new_server() {
    let mut cluster = serving_a();
    cluster.edit_model('b');
    cluster.run_until(READY, "True InEffect");
    assert_eq!(previous(&cluster), Some(digest('a')));
    cluster.health.insert(digest('a'), Health::Unavailable);
    cluster.autoscale(4);
    cluster.run(30);
    assert_eq!(cluster.staying().len(), 4);
    assert!(cluster.observed().pods.iter().all(|pod| pod.is_ready));
    assert_eq!(cluster.condition(READY), "True InEffect");
}

#[test]
fn another_place_of_the_stable_model_restarts_nothing() {
    let mut cluster = serving_a();
    let pods = cluster.staying();
    let moved = |cluster: &mut Cluster| {
        cluster.edit("spec.model = a, elsewhere", |spec| {
            spec.model.artifact = Some(ArtifactSource {
                uri: format!("s3://elsewhere/artifacts/{}", digest('a')),
                sha256: digest('a'),
            });
        });
    };
    moved(&mut cluster);
    cluster.run_until(READY, "True InEffect");
    cluster.run(30);
    assert_eq!(cluster.staying(), pods);
    let uri = |cluster: &Cluster| cluster.status().stable.map(|stable| stable.uri);
    assert_eq!(
        uri(&cluster),
        Some(format!("s3://store/artifacts/{}", digest('a')))
    );
    // Where the known place is the trouble, the other one is taken.
    cluster.health.insert(digest('a'), Health::Unavailable);
    cluster.expects_outage = true;
    cluster.restart_servers();
    cluster.run(10);
    cluster.health.clear();
    assert_eq!(
        uri(&cluster),
        Some(format!("s3://elsewhere/artifacts/{}", digest('a')))
    );
    cluster.run_until(READY, "True InEffect");
}

#[test]
fn a_refused_model_is_tried_again_on_other_servers() {
    let mut cluster = serving_a();
    cluster.health.insert(digest('b'), Health::Crashing);
    cluster.edit_model('b');
    cluster.run_until(PROMOTED, "False RolledBack");
    cluster.health.clear();
    cluster.run(60);
    assert_eq!(cluster.condition(PROMOTED), "False RolledBack");
    cluster.edit("spec.serving.template = more memory", |spec| {
        spec.serving.template = Some(PodTemplate {
            node_selector: [("size".to_owned(), "large".to_owned())].into(),
            ..PodTemplate::default()
        });
    });
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.live().1, "b");
    assert_eq!(cluster.status().rejected.len(), 1);
}

#[test]
fn a_refused_model_is_no_way_back() {
    let mut cluster = serving_a();
    cluster.edit_model('b');
    cluster.run_until(READY, "True InEffect");
    cluster.health.insert(digest('a'), Health::Corrupt);
    cluster.edit_model('a');
    cluster.run_until(PROMOTED, "False RolledBack");
    cluster.run(60);
    assert_eq!(cluster.live().1, "b");
    assert_eq!(previous(&cluster), None);
    let held = cluster.observed().deployment.expect("a Deployment").bundles;
    assert!(!held.contains_key(&digest('a')), "servers hold it still");
}

#[test]
fn an_autoscaler_that_takes_over_finds_servers() {
    for (mode, wanted) in [
        (AutoscalingMode::Managed, 2),
        (AutoscalingMode::External, 2),
    ] {
        let mut cluster = serving_a();
        cluster.edit("no server", |spec| fixed(spec, 0));
        cluster.run_until(READY, "True InEffect");
        cluster.expects_outage = true;
        cluster.edit("an autoscaler", |spec| spec.serving.autoscaling.mode = mode);
        cluster.run_until(READY, "True InEffect");
        assert_eq!(cluster.staying().len(), wanted, "{mode:?}");
    }
    let mut cluster = serving_a();
    cluster.edit("an autoscaler of one's own", |spec| {
        spec.serving.autoscaling.mode = AutoscalingMode::External;
    });
    cluster.run_until(READY, "True InEffect");
    cluster.expects_outage = true;
    cluster.autoscale(0);
    cluster.run(60);
    assert_eq!(cluster.staying().len(), 0, "it may want none");
    assert_eq!(cluster.condition(READY), "True InEffect");
}

#[test]
fn no_server_is_asked_when_there_shall_be_none() {
    let mut cluster = serving_a();
    cluster.edit("no server", |spec| fixed(spec, 0));
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.reconcile().requeue, Requeue::Steady);
    cluster.edit_model('b');
    cluster.run(10);
    assert_eq!(cluster.reconcile().requeue, Requeue::Watch);
    cluster.expects_outage = true;
    cluster.edit("servers again", |spec| fixed(spec, 2));
    cluster.run_until(READY, "True InEffect");
    assert_eq!(cluster.live().1, "b");
}

#[test]
fn an_obstacle_is_said_without_a_word_about_a_plan_that_may_not_be_written() {
    let mut cluster = Cluster::new('a');
    let decision = cluster.reconcile();
    assert_eq!(decision.serving.plan_sequence, 1);
    let text = "Service shop-ranking exists and has no owner";
    let told = decision.clone().obstructed(Obstacle::NameTaken, text, None);
    assert_eq!(told.serving.plan_sequence, 0);
    assert_eq!(told.memory, decision.memory, "what is decided is kept");
    for (told, before) in told.findings.iter().zip(&decision.findings) {
        if [READY, PROGRESSING].contains(&told.type_) {
            let found = (told.status, told.reason, told.message.as_str());
            assert_eq!(found, (Some(false), "NameTaken", text));
        } else {
            assert_eq!(told, before);
        }
    }
}
