use std::cell::RefCell;

use domain::{
    component::PostgresPair,
    failover::hardening::{Change, Seen},
    run::step::Outcome,
};
use edge::object_store::fake::Memory;
use serde_json::json;

use super::*;

/// A new primary that takes every change at once.
struct Fake(RefCell<Seen>, RefCell<Vec<&'static str>>);

impl Fake {
    fn promoted(status: &str) -> Self {
        let seen = Seen { status: status.into(), retention_days: 1, deletion_protection: false, snapshot: None };
        Self(RefCell::new(seen), RefCell::default())
    }
}

impl NewPrimary for Fake {
    async fn look(&self, _: &Run, _: &PostgresPair, _: &str) -> Result<Seen, Failure> {
        Ok(self.0.borrow().clone())
    }

    async fn modify(&self, _: &Run, _: &PostgresPair, change: Change) -> Result<(), Failure> {
        self.1.borrow_mut().push("modify");
        (self.0.borrow_mut().retention_days, self.0.borrow_mut().deletion_protection) =
            (change.retention_days, change.deletion_protection);
        Ok(())
    }

    async fn snapshot(&self, _: &Run, _: &PostgresPair, _: &str) -> Result<Acceptance, Failure> {
        self.1.borrow_mut().push("snapshot");
        self.0.borrow_mut().snapshot = Some("creating".into());
        Ok(Acceptance::Begun)
    }
}

/// A new primary of an account that may have no more snapshots.
struct Full(Fake);

impl NewPrimary for Full {
    async fn look(&self, run: &Run, pair: &PostgresPair, snapshot: &str) -> Result<Seen, Failure> {
        self.0.look(run, pair, snapshot).await
    }

    async fn modify(&self, run: &Run, pair: &PostgresPair, change: Change) -> Result<(), Failure> {
        self.0.modify(run, pair, change).await
    }

    async fn snapshot(&self, _: &Run, _: &PostgresPair, _: &str) -> Result<Acceptance, Failure> {
        Ok(Acceptance::NoRoom)
    }
}

#[tokio::test]
async fn an_account_without_room_for_a_snapshot_is_told_at_once() {
    let full = Full(Fake::promoted("available"));
    let step = handle(&closed().await, &full, event()).await.unwrap();
    assert_eq!(step.step, Outcome::Refused, "nobody waits for what does not come");
    assert!(step.because.contains("us-west-2 has no room for a snapshot"), "{}", step.because);
    assert!(full.0.0.borrow().deletion_protection, "the rest is done");
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/harden-primary.json")).unwrap()
}

/// A store on which the event's run was closed after its promotion.
async fn closed() -> Memory {
    let run: Run = serde_json::from_value(event()["run"].clone()).unwrap();
    let store = Memory::held_by(&run);
    let key = object_store::lease_key(&run.plan.plan);
    let (lease, _) = object_store::read_json::<Lease>(&store, &key).await.unwrap().unwrap();
    let lease = lease.released(domain::run::outcome::RunOutcome::Done, ActiveSide::Replica, run.opened_at);
    object_store::write_json(&store, &key, &lease, Condition::Always).await.unwrap();
    store
}

#[tokio::test]
async fn asked_until_it_is_done_it_does_each_thing_once() {
    let (store, primary) = (closed().await, Fake::promoted("available"));
    let mut asks = 0;
    let done = loop {
        let step = handle(&store, &primary, event()).await.unwrap();
        asks += 1;
        if step.step == Outcome::Done {
            break step.did.unwrap();
        }
        assert!(asks < 10, "{}", step.because);
    };
    assert_eq!(*primary.1.borrow(), ["modify", "snapshot"]);
    assert_eq!((done.retention_days, done.deletion_protection), (7, true));
    assert!(store.keys().iter().any(|key| key.starts_with("evidence/lab/hardening/")));
    handle(&store, &primary, event()).await.unwrap();
    assert_eq!(primary.1.borrow().len(), 2, "repeating it changes nothing");
}

#[tokio::test]
async fn an_instance_that_is_busy_is_asked_again() {
    let step = handle(&closed().await, &Fake::promoted("backing-up"), event()).await.unwrap();
    assert_eq!(step.step, Outcome::Pending);
}

#[tokio::test]
async fn a_primary_that_another_run_has_moved_is_left_alone() {
    let run: Run = serde_json::from_value(event()["run"].clone()).unwrap();
    for store in [Memory::default(), Memory::held_by(&run)] {
        let primary = Fake::promoted("available");
        assert_eq!(handle(&store, &primary, event()).await.unwrap().step, Outcome::Refused);
        assert!(primary.1.borrow().is_empty());
    }
}

#[tokio::test]
async fn a_malformed_event_is_invalid_input() {
    for event in [json!(null), json!({}), json!({ "run": {} })] {
        let failure = handle(&Memory::default(), &Fake::promoted("available"), event).await.unwrap_err();
        assert_eq!(failure.name(), "InvalidInput");
    }
}
