//! The operator dies at each of its writes, before or after it took effect; whatever it was, the end is the same, no Job is
//! started twice, and once all is as it shall be nothing is written.

mod double;

use double::Death;
use double::world::{NAMESPACE, World};
use serde_json::{Value, json};

/// Rounds within which everything must have come to rest: retries wait for up to a minute here.
const ROUNDS: usize = 14;

/// A story: what the user does at first, and what later.
struct Story {
    begin: fn(&mut World),
    then: fn(&mut World),
}

const DATASET_AND_RUN: Story = Story {
    begin: |world| {
        let spec = json!({"seed": 42, "artifactPolicy": "Delete"});
        world.create_custom("demodatasets", "DemoDataset", "shop", &spec);
        let spec =
            json!({"dataset": {"demoDatasetRef": {"name": "shop"}}, "artifactPolicy": "Delete"});
        world.create_custom("trainingruns", "TrainingRun", "shop", &spec);
    },
    then: |_| {},
};

const TROUBLED_STORE: Story = Story {
    begin: |world| {
        world.failures.insert("generate", vec![75, 75]);
        world.create_custom("demodatasets", "DemoDataset", "shop", &json!({"seed": 42}));
    },
    then: |_| {},
};

const PURGED: Story = Story {
    begin: DATASET_AND_RUN.begin,
    then: |world| {
        // The dataset first: it has to wait for its run.
        world.failures.insert("purge", vec![75]);
        world.delete_custom("demodatasets", "shop");
        world.delete_custom("trainingruns", "shop");
    },
};

async fn lived(story: &Story, death: Option<(usize, Death)>) -> World {
    let mut world = World::new();
    if let Some((number, death)) = death {
        world.server.die_at(number, death);
    }
    (story.begin)(&mut world);
    world.run(ROUNDS).await;
    (story.then)(&mut world);
    world.run(ROUNDS).await;
    world
}

async fn every_death_ends_alike(story: &Story) {
    let reference = lived(story, None).await;
    let (wanted, jobs, writes) = (
        reference.outcome(),
        reference.jobs_created(),
        reference.server.writes(),
    );
    assert!(writes > 4, "the story writes: {writes}");
    for number in 1..=writes {
        for death in [Death::AfterWrite, Death::BeforeWrite] {
            let mut world = lived(story, Some((number, death))).await;
            let plan = format!("death at write {number} of {writes}, {death:?}");
            assert_eq!(world.deaths, 1, "{plan}: it died");
            assert_eq!(world.outcome(), wanted, "{plan}: the same end");
            assert_eq!(
                world.jobs_created(),
                jobs,
                "{plan}: the same Jobs, each once"
            );
            assert_eq!(
                world.most_at_once, 1,
                "{plan}: one Job of an owner at a time"
            );
            let quiet = world.server.writes();
            world.run(3).await;
            assert_eq!(
                world.server.writes_since(quiet),
                Vec::<String>::new(),
                "{plan}: at rest"
            );
        }
    }
}

#[tokio::test]
async fn a_dataset_and_its_run_end_alike_whichever_write_the_operator_dies_at() {
    every_death_ends_alike(&DATASET_AND_RUN).await;
}

#[tokio::test]
async fn a_store_in_trouble_is_counted_alike_whichever_write_the_operator_dies_at() {
    every_death_ends_alike(&TROUBLED_STORE).await;
}

#[tokio::test]
async fn a_purge_ends_alike_whichever_write_the_operator_dies_at() {
    every_death_ends_alike(&PURGED).await;
}

#[tokio::test]
async fn the_stories_end_as_users_expect() {
    let world = lived(&DATASET_AND_RUN, None).await;
    let status = |plural: &str| {
        world.server.with(|objects| {
            objects.get(plural, NAMESPACE, "shop").expect("it is there")["status"].clone()
        })
    };
    assert_eq!(status("demodatasets")["counts"]["events"], 4);
    assert_eq!(status("trainingruns")["metrics"][0]["name"], "ndcg@10");
    assert_eq!(world.jobs_created(), ["shop-generate-1", "shop-train-1"]);

    let world = lived(&TROUBLED_STORE, None).await;
    assert_eq!(
        world.jobs_created(),
        ["shop-generate-1", "shop-generate-2", "shop-generate-3"]
    );
    let left: Vec<_> = world.server.with(|objects| objects.all("jobs"));
    assert_eq!(left.len(), 1, "older Jobs are deleted");

    let world = lived(&PURGED, None).await;
    assert_eq!(world.outcome(), Vec::<Value>::new(), "nothing is left");
    let purges = world
        .jobs_created()
        .into_iter()
        .filter(|name| name.contains("purge"))
        .count();
    assert_eq!(purges, 3, "one for each object, and one that failed");
}

#[tokio::test]
async fn a_job_of_someone_else_is_never_adopted_nor_touched() {
    let mut world = World::new();
    let foreign = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "shop-generate-1", "labels": {"theirs": "yes"}}, "spec": {}});
    world.create(
        &format!("/apis/batch/v1/namespaces/{NAMESPACE}/jobs"),
        &foreign,
    );
    let before = world.server.with(|objects| objects.all("jobs"));
    world.create_custom("demodatasets", "DemoDataset", "shop", &json!({"seed": 42}));
    world.run(3).await;
    assert_eq!(world.server.with(|objects| objects.all("jobs")), before);
    let dataset = world
        .server
        .with(|objects| objects.get("demodatasets", NAMESPACE, "shop").cloned())
        .expect("a dataset");
    let complete = &dataset["status"]["conditions"][0];
    assert_eq!(complete["reason"], "NameTaken", "{dataset}");
    let message = complete["message"].as_str().expect("a message");
    assert!(
        message.contains("Job shop-generate-1 exists and has no owner"),
        "{message}"
    );
    assert_eq!(
        dataset["status"]["job"],
        Value::Null,
        "no attempt has begun"
    );
    let quiet = world.server.writes();
    world.run(2).await;
    let written = world.server.writes_since(quiet);
    assert!(
        written.iter().all(|write| write.starts_with("POST")),
        "it only tries again: {written:?}"
    );
}

#[tokio::test]
async fn a_sibling_that_cannot_be_read_holds_up_no_deletion() {
    let mut world = World::new();
    let spec = json!({"seed": 42, "artifactPolicy": "Delete"});
    world.create_custom("demodatasets", "DemoDataset", "shop", &spec);
    world.run(3).await;
    world.create_custom("trainingruns", "TrainingRun", "odd", &json!({"dataset": 5}));
    world.delete_custom("demodatasets", "shop");
    world.run(4).await;
    let left = world.server.with(|objects| objects.all("demodatasets"));
    assert_eq!(left, Vec::<Value>::new());
}

#[tokio::test]
async fn a_suspended_run_holds_no_job_and_goes_on_with_another() {
    let mut world = World::new();
    let digest = "a".repeat(64);
    let source =
        json!({"artifact": {"uri": format!("s3://bucket/artifacts/{digest}"), "sha256": digest}});
    world.create_custom(
        "trainingruns",
        "TrainingRun",
        "run",
        &json!({"dataset": source, "suspend": true}),
    );
    world.run(3).await;
    assert_eq!(world.jobs_created(), Vec::<String>::new());
    let path = format!("/apis/searchop.dev/v1alpha1/namespaces/{NAMESPACE}/trainingruns/run");
    let target = double::objects::Target::parse(&path);
    world
        .server
        .with(|objects| objects.merge(&target, &json!({"spec": {"suspend": false}})))
        .expect("edited");
    world.run(4).await;
    assert_eq!(world.jobs_created(), ["run-train-1"]);
    let run = world
        .server
        .with(|objects| objects.get("trainingruns", NAMESPACE, "run").cloned())
        .expect("a run");
    assert_eq!(run["status"]["progress"]["percent"], 100);
}
