use std::cell::{Cell, RefCell};

use domain::{
    component::ActiveSide,
    plan::{Health, Plan},
    record::notice::Notice,
    run::step::Outcome,
    watch::{
        health::Verdict,
        probe::later,
        region::{Asked, Recorded, RegionCondition, RegionHealth, RegionLook, Went},
    },
    words::time_span::TimeSpan,
};
use edge::object_store::fake::Memory;
use jiff::Timestamp;
use serde_json::json;

use super::*;

const LAB: &str = include_str!("../../../plans/lab.yaml");
const HEALTH: &str = "\nhealth: {every: 20s, afterError: 40s, checks: [all]}\n";
const KEY: &str = "health/lab/us-east-1.json";

/// A world whose time passes only where somebody waits.
struct Fake {
    now: Cell<Timestamp>,
    went: RefCell<Went>,
    looked: RefCell<Vec<(Timestamp, ActiveSide)>>,
    published: RefCell<Vec<RegionCondition>>,
    told: RefCell<Vec<String>>,
    /// Whether people's topics take anything.
    is_deaf: Cell<bool>,
}

impl Fake {
    fn new(went: Went) -> Self {
        let now = Cell::new("2026-01-15T09:30:00Z".parse().unwrap());
        let went = RefCell::new(went);
        Self {
            now,
            went,
            looked: RefCell::default(),
            published: RefCell::default(),
            told: RefCell::default(),
            is_deaf: Cell::default(),
        }
    }

    fn seconds(&self) -> Vec<i64> {
        let begun: Timestamp = "2026-01-15T09:30:00Z".parse().unwrap();
        self.looked.borrow().iter().map(|(at, _)| at.as_second() - begun.as_second()).collect()
    }
}

impl Looks for Fake {
    async fn look(&self, plan: &Plan, _: &Health, side: ActiveSide) -> RegionLook {
        let at = self.now.get();
        self.looked.borrow_mut().push((at, side));
        let check =
            Asked { name: plan.verify[0].name().to_owned(), went: self.went.borrow().clone(), took_milliseconds: 5 };
        RegionLook { at, checks: vec![check], databases: Vec::new(), api: Verdict::Up }
    }

    async fn publish(&self, _: &PlanName, _: &Region, judged: &Judged) -> Result<(), Failure> {
        self.published.borrow_mut().push(judged.condition);
        Err(Failure::AwsTransient { what: "CloudWatch is slow".into(), source: None })
    }

    async fn tell(&self, _: &Plan, notice: &Notice) -> Result<(), Failure> {
        if self.is_deaf.get() {
            return Err(Failure::AwsTransient { what: "SNS is slow".into(), source: None });
        }
        self.told.borrow_mut().push(notice.subject.clone());
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.now.get()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.now.set(self.now.get().max(at));
    }
}

fn store(health: &str) -> Memory {
    Memory::default().with("plans/lab.yaml", &format!("{LAB}{health}"))
}

async fn looked(store: &Memory, world: &Fake, event: Value) -> Result<Step<Judged>, Failure> {
    handle(store, world, "us-west-2", event).await
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/check-health.json")).unwrap()
}

#[tokio::test]
async fn a_minute_has_as_many_looks_as_the_plan_says_and_what_they_saw_is_kept() {
    let (store, world) = (store(HEALTH), Fake::new(Went::Passed));
    let step = looked(&store, &world, event()).await.unwrap();
    assert_eq!(world.seconds(), [0, 20, 40]);
    assert!(world.looked.borrow().iter().all(|(_, side)| *side == ActiveSide::Primary));
    assert_eq!((step.step, step.did.unwrap().condition), (Outcome::Done, RegionCondition::Healthy));
    let kept: RegionHealth = serde_json::from_str(&store.text(KEY).unwrap()).unwrap();
    assert_eq!((kept.looks.len(), kept.seen_from.as_str()), (3, "us-west-2"));
    // CloudWatch was silent: what was seen is kept all the same.
    assert_eq!(world.published.borrow().len(), 3);
    // The next start goes on where this one ended.
    world.now.set(later(world.now(), TimeSpan::seconds(20)));
    looked(&store, &world, event()).await.unwrap();
    assert_eq!(world.seconds(), [0, 20, 40, 60, 80, 100]);
}

#[tokio::test]
async fn after_a_look_that_could_not_tell_it_waits_as_long_as_the_plan_says() {
    let (store, world) = (store(HEALTH), Fake::new(Went::Untold("no credential".into())));
    let step = looked(&store, &world, event()).await.unwrap();
    assert_eq!(world.seconds(), [0, 40]);
    assert_eq!(step.did.unwrap().condition, RegionCondition::Unknown);
}

#[tokio::test]
async fn three_failed_looks_in_a_row_are_unhealthy() {
    let (store, world) = (store(HEALTH), Fake::new(Went::Failed("status 503".into())));
    let step = looked(&store, &world, event()).await.unwrap();
    assert_eq!(
        *world.published.borrow(),
        [RegionCondition::Healthy, RegionCondition::Healthy, RegionCondition::Unhealthy]
    );
    assert!(step.because.contains("3 looks in a row") && step.because.contains("status 503"), "{}", step.because);
}

const UNHEALTHY: &str = "Lifeboat: us-east-1 of lab is unhealthy: the signs do not say to what";

#[tokio::test]
async fn people_are_told_once_that_a_region_is_not_healthy_and_once_that_it_is_again() {
    let (store, world) = (store(HEALTH), Fake::new(Went::Failed("status 503".into())));
    for _ in 0..2 {
        looked(&store, &world, event()).await.unwrap();
        world.now.set(later(world.now(), TimeSpan::seconds(20)));
    }
    assert_eq!(*world.told.borrow(), [UNHEALTHY]);
    *world.went.borrow_mut() = Went::Passed;
    looked(&store, &world, event()).await.unwrap();
    assert_eq!(*world.told.borrow(), [UNHEALTHY, "Lifeboat: us-east-1 of lab is healthy again"]);
    let records: Vec<String> =
        store.keys().into_iter().filter(|key| key.starts_with("evidence/lab/health/us-east-1/")).collect();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    let recorded: Recorded = serde_json::from_str(&store.text(record).unwrap()).unwrap();
    assert!(recorded.episode.ended_at.is_some_and(|ended| ended > recorded.episode.since), "{recorded:?}");
    assert!(recorded.episode.pointed_to[0].because.contains("status 503"), "{recorded:?}");
}

#[tokio::test]
async fn what_nobody_has_heard_is_told_by_the_next_look() {
    let (store, world) = (store(HEALTH), Fake::new(Went::Failed("status 503".into())));
    world.is_deaf.set(true);
    looked(&store, &world, event()).await.unwrap();
    assert!(world.told.borrow().is_empty());
    world.is_deaf.set(false);
    looked(&store, &world, event()).await.unwrap();
    assert_eq!(*world.told.borrow(), [UNHEALTHY]);
}

#[tokio::test]
async fn what_cannot_be_read_is_begun_anew_and_what_was_seen_from_elsewhere_too() {
    let elsewhere = json!({"region": "us-east-1", "seenFrom": "eu-west-1", "looks": []}).to_string();
    for kept in ["{", &elsewhere] {
        let (store, world) = (store(HEALTH).with(KEY, kept), Fake::new(Went::Passed));
        looked(&store, &world, event()).await.unwrap();
        let kept: RegionHealth = serde_json::from_str(&store.text(KEY).unwrap()).unwrap();
        assert_eq!((kept.looks.len(), kept.seen_from.as_str()), (3, "us-west-2"));
    }
}

#[tokio::test]
async fn a_plan_without_health_is_left_alone_and_another_region_is_an_error() {
    let world = Fake::new(Went::Passed);
    let step = looked(&store(""), &world, event()).await.unwrap();
    assert_eq!((step.step, step.did), (Outcome::Done, None));
    let mut elsewhere = event();
    elsewhere["region"] = json!("eu-west-1");
    let failure = looked(&store(HEALTH), &world, elsewhere).await.unwrap_err();
    assert_eq!(failure.name(), "InvalidInput");
    assert!(world.looked.borrow().is_empty());
    assert_eq!(looked(&store(HEALTH), &world, json!({})).await.unwrap_err().name(), "InvalidInput");
}
