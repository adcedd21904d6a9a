//! The health of a plan's Regions: each is looked at from the other one, and what was seen is told and moves nothing.

use std::time::Duration;

use domain::{plan::Plan, plan_file};
use lab::{
    Lab, Settings,
    drill::{Drills, Scenario},
    report::Ending,
};
use serde_json::{Value, json};
use tests::{
    labs,
    listener::{Listener, tell},
    repository,
};
use tokio::time::{Instant, sleep};

/// A schedule's first start, which comes within a minute, and the looks that are needed; twice that on a machine at work.
const PATIENCE: Duration = Duration::from_secs(240);

/// From one question to the next.
const AGAIN: Duration = Duration::from_secs(2);

struct World(Lab);

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_down_and_a_slow_network_are_told_and_move_nothing() {
    let told = Listener::default();
    let plan = plan_file::read(&repository::text("plans/lab.yaml"), "plans/lab.yaml").unwrap();
    let (lab, _place) = labs::start_waiting(&plan, Settings::default(), &told).await.unwrap();
    let mut drills = Drills::on(lab);
    let mut results = Vec::new();
    for scenario in Scenario::OF_HEALTH {
        let began = Instant::now();
        let result = drills.run(scenario, "cargo test", &told).await;
        let result = result.unwrap_or_else(|error| {
            panic!("{}: {}\n{:#?}", scenario.name(), domain::words::failure::chain(&error), told.told())
        });
        tell(&format!("{:>5.1} s  {}: {}", began.elapsed().as_secs_f64(), scenario.name(), result.headline()));
        results.push(result);
    }
    drills.shut_down().await;
    for result in &results {
        assert!(result.passed(), "{}: {:?}\n{:#?}", result.scenario, result.shortcomings(), told.told());
        assert!(result.runs.iter().all(|run| run.actual == Some(Ending::Refused)), "{}", result.scenario);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_region_is_seen_from_the_other_one_and_a_database_that_is_down_makes_its_region_unhealthy() {
    let file = "plans/lab.yaml";
    let mut plan = serde_json::to_value(plan_file::read(&repository::text(file), file).unwrap()).unwrap();
    plan["health"] = json!({"every": "10s", "checks": ["all"], "failuresInARow": 2, "limits": {"connect": "10s"}});
    let plan: Plan = serde_json::from_value(plan).unwrap();
    let (lab, _place) = labs::start_waiting(&plan, Settings::default(), &Listener::default()).await.unwrap();
    let world = World(lab);
    world.0.start_by_hand_only().await.unwrap();
    world.both_are_healthy().await;
    world.a_primary_that_is_dead_is_its_region_s_and_not_the_other_s().await;
    world.0.shut_down().await;
}

impl World {
    async fn both_are_healthy(&self) {
        for (region, from) in [("us-east-1", "us-west-2"), ("us-west-2", "us-east-1")] {
            let seen = self.seen(region, "healthy").await;
            assert_eq!(seen["seenFrom"], from);
            let figures = &seen["judged"]["Ok"]["figures"];
            assert_eq!((&figures["score"], &figures["failuresInARow"]), (&json!(1.0), &json!(0)), "{seen}");
            assert!(figures["latencyMilliseconds"].as_f64().is_some_and(|took| took > 0.0), "{seen}");
        }
        let (_, told) = self.lifeboat("status lab").await;
        assert!(told.contains("health     us-east-1 healthy, seen "), "{told}");
    }

    async fn a_primary_that_is_dead_is_its_region_s_and_not_the_other_s(&self) {
        let system = &self.0.system;
        self.0.aws.rds.kill(&system.primary()).await.unwrap();
        let seen = self.seen("us-east-1", "unhealthy").await;
        let judged = &seen["judged"]["Ok"];
        assert_eq!(judged["pointsTo"], "database", "{seen}");
        assert!(judged["figures"]["unconnectedSeconds"].as_f64().is_some_and(|seconds| seconds >= 10.0), "{seen}");
        let other = self.seen("us-west-2", "healthy").await;
        assert_eq!(other["judged"]["Ok"]["pointsTo"], Value::Null);
        let (_, told) = self.lifeboat("status lab").await;
        assert!(told.contains("us-east-1 UNHEALTHY") && told.contains("points to: database"), "{told}");
        self.alarm_rises("lifeboat-lab-health-unhealthy").await;
        self.alarm_rises("lifeboat-lab-health-unconnected").await;
    }

    async fn alarm_rises(&self, alarm: &str) {
        let config = self.0.aws.gateway.sdk_config(self.0.system.plan.regions.recovery.as_str());
        let (cloudwatch, by) = (aws_sdk_cloudwatch::Client::new(&config), Instant::now() + PATIENCE);
        loop {
            let told = cloudwatch.describe_alarms().alarm_names(alarm).send().await.unwrap();
            let state = told.metric_alarms().first().and_then(|alarm| alarm.state_value()).cloned();
            if state == Some(aws_sdk_cloudwatch::types::StateValue::Alarm) {
                return;
            }
            assert!(Instant::now() < by, "{alarm} is {state:?}");
            sleep(AGAIN).await;
        }
    }

    /// What `status` tells of a Region, once it is so.
    async fn seen(&self, region: &str, condition: &str) -> Value {
        let by = Instant::now() + PATIENCE;
        loop {
            let (_, told) = self.lifeboat("status lab --json").await;
            let status: Value = serde_json::from_str(told.lines().next().unwrap_or_default()).unwrap_or_default();
            let mut regions = status["health"].as_array().into_iter().flatten();
            let seen = regions.find(|seen| seen["region"] == region).cloned().unwrap_or_default();
            if seen["judged"]["Ok"]["condition"] == condition {
                return seen;
            }
            assert!(Instant::now() < by, "{region} did not become {condition}: {seen} {told}");
            sleep(AGAIN).await;
        }
    }

    /// Gives a command of ours in the recovery Region; its exit code and what it says.
    async fn lifeboat(&self, words: &str) -> (i32, String) {
        let mut shell = labs::shell(&self.0, &format!("lifeboat {words}"));
        // The lab's own services go on meanwhile.
        let ran = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
        let told = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (ran.status.code().unwrap_or_default(), told)
    }
}
