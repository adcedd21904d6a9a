use std::{cell::RefCell, collections::BTreeMap};

use domain::{
    component::ActiveSide,
    failover::{
        judgement::Would,
        lease::{Ended, Holder, Lease, Phase, RequestedPromotion},
        starter::{Cause, Starts},
    },
    run::step::Outcome,
    watch::probe::{Streak, Watch, later},
    words::wal::{LastSeen, Lsn},
};
use edge::object_store::{self, Condition, fake::Memory};
use serde_json::json;

use super::*;

const PLAN: &str = include_str!("../../../plans/lab.yaml");
const LEASE: &str = "leases/lab.json";
const WATCH: &str = "probes/lab/watch.json";
const STARTS: &str = "probes/lab/starts.json";

/// A clock that only waits move, a judge, and an engine whose runs end as they are told.
struct Engine {
    now: RefCell<Timestamp>,
    looks: RefCell<Vec<Timestamp>>,
    judge: Result<Would, &'static str>,
    asked: RefCell<u32>,
    owners: RefCell<BTreeMap<String, Owner>>,
    started: RefCell<Vec<(String, Value)>>,
    /// How often AWS is not ready for a start.
    unready: RefCell<usize>,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

impl Engine {
    /// A minute that begins at this second.
    fn at(seconds: i64) -> Self {
        Self {
            now: RefCell::new(at(seconds)),
            looks: RefCell::default(),
            judge: Ok(Would::FailOver),
            asked: RefCell::default(),
            owners: RefCell::default(),
            started: RefCell::default(),
            unready: RefCell::default(),
        }
    }

    fn names(&self) -> Vec<String> {
        self.started.borrow().iter().map(|(name, _)| name.clone()).collect()
    }
}

impl World for Engine {
    async fn judge(&self, _: &PlanName) -> Result<Rehearsal, String> {
        *self.asked.borrow_mut() += 1;
        let verdict = self.judge?;
        let (because, replication) = ("as judged".to_owned(), String::new());
        Ok(Rehearsal { fails: true, verdict, passes: false, because, class: None, replication })
    }

    async fn owner(&self, execution: &ExecutionArn, _: Timestamp) -> Owner {
        self.looks.borrow_mut().push(self.now());
        let told = self.owners.borrow().get(execution.name()).cloned();
        told.unwrap_or_else(|| Owner::gone("forgotten"))
    }

    fn execution(&self, name: &str) -> Result<ExecutionArn, Failure> {
        states::execution("arn:aws:states:us-west-2:000000000000:stateMachine:lifeboat-failover", name)
    }

    /// It runs until somebody says otherwise.
    async fn start(&self, name: &str, input: &str) -> Result<(), Failure> {
        let left = *self.unready.borrow();
        self.unready.replace(left.saturating_sub(1));
        if left > 0 {
            return Err(Failure::AwsTransient { what: "cannot start".into(), source: None });
        }
        self.owners.borrow_mut().insert(name.to_owned(), Owner::Running);
        self.started.borrow_mut().push((name.to_owned(), serde_json::from_str(input).unwrap()));
        Ok(())
    }

    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.now.replace(at);
    }
}

fn execution(name: &str) -> ExecutionArn {
    Engine::at(0).execution(name).unwrap()
}

fn free() -> Lease {
    let mut lease: Lease = serde_json::from_value(json!({
        "plan": "lab", "generation": 1, "holder": null, "active": "primary", "last": null,
    }))
    .unwrap();
    lease.last = Some(Ended {
        execution: execution("alarm-1"),
        generation: lease.generation,
        outcome: domain::run::outcome::RunOutcome::Refused,
        at: at(3),
        declined_at: None,
    });
    lease
}

fn holder(name: &str, phase: Phase) -> Option<Holder> {
    let asked = RequestedPromotion {
        at: at(1),
        position: None,
        loss: domain::failover::loss::Loss::Promoted,
        unserved_since: None,
    };
    let asked = (phase == Phase::Promoting).then_some(asked);
    Some(Holder { execution: execution(name), phase, since: at(0), asked })
}

fn healthy() -> Watch {
    let instance = Some("orders-primary".parse().unwrap());
    Watch { instance, last_seen: Some(LastSeen::new(Lsn(1), at(0))), ..Watch::default() }
}

/// A primary that has failed since second 0, and goes on failing for as long as anybody looks.
fn failing() -> Watch {
    let streak = Streak { since: at(0), until: at(86_400), failures: 99, because: "refused".into() };
    Watch { failing: Some(streak), ..healthy() }
}

fn store(lease: &Lease, watch: &Watch) -> Memory {
    let text = |value: Value| value.to_string();
    Memory::default()
        .with("plans/lab.yaml", PLAN)
        .with(LEASE, &text(serde_json::to_value(lease).unwrap()))
        .with(WATCH, &text(serde_json::to_value(watch).unwrap()))
}

fn sample() -> Value {
    serde_json::from_str(include_str!("../../../events/start-failover.json")).unwrap()
}

async fn minute(store: &impl ObjectStore, engine: &Engine) -> Result<Step<Vec<Start>>, Failure> {
    handle(store, engine, "us-west-2", sample()).await
}

#[tokio::test]
async fn where_all_is_well_it_looks_once_and_asks_nobody() {
    for lease in [free(), Lease { active: ActiveSide::Replica, ..free() }] {
        let (store, engine) = (store(&lease, &healthy()), Engine::at(10));
        let step = minute(&store, &engine).await.unwrap();
        assert_eq!((step.step, step.did), (Outcome::Done, None));
        assert_eq!((engine.now(), *engine.asked.borrow(), engine.looks.borrow().len()), (at(10), 0, 0));
        assert!(store.text(STARTS).is_none());
    }
    let step = minute(&Memory::default().with("plans/lab.yaml", PLAN), &Engine::at(10)).await.unwrap();
    assert_eq!((step.step, step.did), (Outcome::Done, None), "no run was ever opened");
}

#[tokio::test]
async fn a_refused_failover_is_started_again_as_soon_as_it_is_due_and_left_to_its_work() {
    let (store, engine) = (store(&free(), &failing()), Engine::at(4));
    let step = minute(&store, &engine).await.unwrap();
    let start = step.did.unwrap().remove(0);
    assert_eq!((start.cause, start.attempt, step.step), (Cause::Failure, 1, Outcome::Done));
    assert_eq!(engine.names(), ["again-lab-1800000000000-1"], "one, while it runs");
    let input = engine.started.borrow()[0].1.clone();
    assert_eq!((&input["plan"], &input["again"]["attempt"]), (&json!("lab"), &json!(1)));
    let starts: Starts = serde_json::from_str(&store.text(STARTS).unwrap()).unwrap();
    assert_eq!((starts.last_at, starts.attempts), (at(8), 1));
    assert!(engine.now() > at(64), "until after the next start");
}

#[tokio::test]
async fn it_looks_every_five_seconds_while_something_is_wrong() {
    let lease = Lease { holder: holder("alarm-1", Phase::Opened), ..free() };
    let engine = Engine::at(0);
    engine.owners.borrow_mut().insert("alarm-1".into(), Owner::Running);
    let step = minute(&store(&lease, &failing()), &engine).await.unwrap();
    assert!(step.step == Outcome::Pending && step.because.contains("`alarm-1`"), "{}", step.because);
    let looks = engine.looks.borrow();
    assert!(
        looks.len() >= 14 && looks.windows(2).all(|pair| pair[1] == later(pair[0], TimeSpan::seconds(5))),
        "{looks:?}"
    );
}

#[tokio::test]
async fn a_second_delivery_of_the_minute_starts_nothing_beside_the_first() {
    let (store, engine) = (store(&free(), &failing()), Engine::at(60));
    minute(&store, &engine).await.unwrap();
    engine.now.replace(at(61));
    minute(&store, &engine).await.unwrap();
    assert_eq!(engine.names().len(), 1);
}

#[tokio::test]
async fn of_two_starters_that_meet_one_starts() {
    /// A store on which somebody else writes the memory first.
    struct Contended(Memory);
    impl ObjectStore for Contended {
        async fn get(&self, key: &str) -> Result<Option<object_store::Object>, Failure> {
            self.0.get(key).await
        }

        async fn put(&self, key: &str, _: String, _: Condition) -> Result<(), Failure> {
            Err(Failure::Conflict(format!("{key} changed")))
        }
    }
    let engine = Engine::at(60);
    let step = minute(&Contended(store(&free(), &failing())), &engine).await.unwrap();
    assert_eq!((step.step, engine.names().len()), (Outcome::Pending, 0));
    assert!(step.because.contains("another starter"), "{}", step.because);
}

#[tokio::test]
async fn what_it_may_not_write_down_it_does_not_start() {
    struct Denied(Memory);
    impl ObjectStore for Denied {
        async fn get(&self, key: &str) -> Result<Option<object_store::Object>, Failure> {
            self.0.get(key).await
        }

        async fn put(&self, _: &str, _: String, _: Condition) -> Result<(), Failure> {
            Err(Failure::AwsDenied { what: "cannot write".into(), source: None })
        }
    }
    let engine = Engine::at(60);
    let failure = minute(&Denied(store(&free(), &failing())), &engine).await.unwrap_err();
    assert_eq!((failure.name(), engine.names().len()), ("AwsDenied", 0));
}

#[tokio::test]
async fn a_memory_that_is_lost_or_broken_keeps_nothing_from_starting() {
    for memory in ["", "null", "{}", "[1]"] {
        let store = store(&free(), &failing()).with(STARTS, memory);
        let engine = Engine::at(60);
        minute(&store, &engine).await.unwrap();
        assert_eq!(engine.names().len(), 1, "{memory}");
        serde_json::from_str::<Starts>(&store.text(STARTS).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_judge_that_refuses_or_is_silent_starts_nothing_and_is_quoted() {
    for (judge, says) in [(Ok(Would::Refuse), "as judged"), (Err("access denied"), "could not be asked: access denied")]
    {
        let engine = Engine { judge, ..Engine::at(60) };
        let store = store(&free(), &failing());
        let step = minute(&store, &engine).await.unwrap();
        assert_eq!((step.step, engine.names().len()), (Outcome::Pending, 0));
        assert!(step.because.contains(says), "{}", step.because);
        assert!(*engine.asked.borrow() >= 14, "it is asked again each time");
        assert!(store.text(STARTS).is_none());
    }
}

#[tokio::test]
async fn a_start_that_aws_is_not_ready_for_is_tried_again_by_the_same_name() {
    for (unready, starts) in [(0, 1), (2, 1), (3, 0)] {
        let engine = Engine::at(60);
        engine.unready.replace(unready);
        let done = minute(&store(&free(), &failing()), &engine).await;
        assert_eq!((engine.names().len(), done.is_ok()), (starts, starts == 1), "{unready}");
    }
}

#[tokio::test]
async fn an_unfinished_run_is_finished_without_asking_the_judge() {
    let lease = Lease { holder: holder("dead", Phase::Promoting), ..free() };
    let engine = Engine { judge: Err("silent"), ..Engine::at(60) };
    let gone = Owner::Gone { status: "ABORTED".into(), at: Some(at(10)) };
    engine.owners.borrow_mut().insert("dead".into(), gone);
    let step = minute(&store(&lease, &healthy()), &engine).await.unwrap();
    assert_eq!(step.did.unwrap()[0].cause, Cause::Unfinished);
    assert_eq!(*engine.asked.borrow(), 0);
}

#[tokio::test]
async fn a_person_s_no_is_told_and_nothing_starts() {
    let mut lease = free();
    lease.last.as_mut().unwrap().declined_at = Some(at(3));
    let engine = Engine::at(60);
    let step = minute(&store(&lease, &failing()), &engine).await.unwrap();
    assert_eq!((step.step, engine.names().len(), engine.now()), (Outcome::Refused, 0, at(60)));
    assert!(step.because.contains("said no"), "{}", step.because);
}

#[tokio::test]
async fn one_look_that_fails_is_not_the_end_of_the_minute() {
    /// A store that is throttled so many times.
    struct Throttled(Memory, RefCell<usize>);
    impl ObjectStore for Throttled {
        async fn get(&self, key: &str) -> Result<Option<object_store::Object>, Failure> {
            let left = *self.1.borrow();
            self.1.replace(left.saturating_sub(1));
            if left > 0 {
                return Err(Failure::AwsTransient { what: "slow down".into(), source: None });
            }
            self.0.get(key).await
        }

        async fn put(&self, key: &str, text: String, condition: Condition) -> Result<(), Failure> {
            self.0.put(key, text, condition).await
        }
    }
    for (throttled, starts) in [(3, true), (usize::MAX, false)] {
        let engine = Engine::at(60);
        let store = Throttled(store(&free(), &failing()), RefCell::new(throttled));
        let done = minute(&store, &engine).await;
        assert_eq!((done.is_ok(), engine.names().len() == 1), (starts, starts));
    }
}

#[tokio::test]
async fn a_plan_or_a_lease_that_cannot_be_read_is_an_error_and_starts_nothing() {
    let elsewhere = PLAN.replace("us-west-2", "eu-west-1");
    for (key, text, name) in [
        ("plans/lab.yaml", "no plan at all", "InvalidInput"),
        ("plans/lab.yaml", elsewhere.as_str(), "InvalidInput"),
        (LEASE, "", "InvalidInput"),
        (LEASE, "{\"plan\": \"lab\"}", "InvalidInput"),
        (WATCH, "null", "InvalidInput"),
    ] {
        let engine = Engine::at(60);
        let failure = minute(&store(&free(), &failing()).with(key, text), &engine).await.unwrap_err();
        assert_eq!((failure.name(), engine.names().len()), (name, 0), "{key}: {text}");
        assert!(failure.chain().contains(key) || failure.chain().contains("eu-west-1"), "{}", failure.chain());
    }
    let missing = Memory::default();
    assert_eq!(minute(&missing, &Engine::at(60)).await.unwrap_err().name(), "NotFound");
}

#[tokio::test]
async fn a_plan_whose_sides_were_swapped_starts_nothing_by_what_was_seen_of_the_other() {
    let swapped = PLAN
        .replace("orders-primary", "orders-x")
        .replace("orders-replica", "orders-primary")
        .replace("orders-x", "orders-replica");
    let engine = Engine::at(60);
    let step = minute(&store(&free(), &failing()).with("plans/lab.yaml", &swapped), &engine).await.unwrap();
    assert_eq!((step.step, engine.names().len()), (Outcome::Done, 0));
}

#[tokio::test]
async fn a_malformed_event_is_invalid_input() {
    for event in [json!(null), json!({}), json!({ "plan": "../x" }), json!({ "plan": "lab", "x": 1 })] {
        let failure = handle(&Memory::default(), &Engine::at(0), "us-west-2", event).await.unwrap_err();
        assert_eq!(failure.name(), "InvalidInput");
    }
}
