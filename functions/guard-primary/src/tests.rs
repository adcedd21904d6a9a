use std::cell::RefCell;

use domain::{
    lease::Lease,
    promotion::Asked,
    run::Run,
    step::Outcome,
    wal::{Lsn, ReplicaPosition},
};
use edge::shelf::{self, Condition, fake::Memory};
use serde_json::json;

use super::*;

/// An old primary that stays silent for some looks, and a clock that only waits move.
struct Old {
    silent_for: RefCell<u32>,
    network: bool,
    now: RefCell<Timestamp>,
    told: RefCell<Vec<String>>,
}

impl Old {
    fn silent_for(looks: u32) -> Self {
        Self {
            silent_for: RefCell::new(looks),
            network: true,
            now: RefCell::new(Timestamp::UNIX_EPOCH),
            told: RefCell::default(),
        }
    }
}

impl World for Old {
    async fn meet(&self, _: &Plan, _: &PostgresPair) -> Met {
        let left = *self.silent_for.borrow();
        self.silent_for.replace(left.saturating_sub(1));
        if left > 0 { Met::Silent("no answer".into()) } else { Met::ShutOut(Lsn(164)) }
    }

    async fn shut_network(&self, _: &Plan, _: &PostgresPair) -> Way {
        if self.network { Way::Holds } else { Way::Unreachable("the Region is silent".into()) }
    }

    async fn tell(&self, _: &Plan, notice: &Notice) {
        self.told.borrow_mut().push(notice.message.clone());
    }

    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.now.replace(at);
    }
}

fn sample() -> Value {
    serde_json::from_str(include_str!("../../../events/guard-primary.json")).unwrap()
}

/// A shelf on which a run has passed its point of no return.
async fn guarded() -> Memory {
    let event: Value = serde_json::from_str(include_str!("../../../events/fence-primary.json")).unwrap();
    let run: Run = serde_json::from_value(event["run"].clone()).unwrap();
    let shelf = Memory::held_by(&run).with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"));
    let position = ReplicaPosition { received: Lsn(100), replayed: Lsn(100), replayed_commit_at: None };
    let asked = Asked { at: Timestamp::UNIX_EPOCH, position, loss: domain::judgement::Loss::Promoted };
    let lease = lease(&shelf).await.promoting(asked);
    shelf::write_json(&shelf, "leases/lab.json", &lease, Condition::Always).await.unwrap();
    shelf
}

async fn lease(shelf: &Memory) -> Lease {
    shelf::read_json(shelf, "leases/lab.json").await.unwrap().unwrap().0
}

#[tokio::test]
async fn a_plan_that_never_failed_over_has_nothing_to_guard() {
    let step = handle(&Memory::default(), &Old::silent_for(0), sample()).await.unwrap();
    assert_eq!((step.step, step.did), (Outcome::Done, None));
}

#[tokio::test]
async fn an_old_primary_that_returns_is_shut_out_recorded_and_told_of() {
    let (shelf, old) = (guarded().await, Old::silent_for(5));
    let kept = handle(&shelf, &old, sample()).await.unwrap().did.unwrap();
    assert_eq!(kept.divergence.unwrap().wal_bytes, 64);
    assert_eq!(lease(&shelf).await.guard, None);
    assert!(lease(&shelf).await.holder.is_some(), "the run goes on");
    let generation = kept.generation;
    assert!(shelf.text(&format!("evidence/lab/guard/generation-{generation}.json")).is_some());
    assert_eq!(old.told.borrow().len(), 1);
    let again = handle(&shelf, &Old::silent_for(0), sample()).await.unwrap();
    assert_eq!((again.step, again.did), (Outcome::Done, None), "done once");
}

#[tokio::test]
async fn one_that_stays_silent_is_guarded_on() {
    let (shelf, old) = (guarded().await, Old { network: false, ..Old::silent_for(u32::MAX) });
    let step = handle(&shelf, &old, sample()).await.unwrap();
    assert_eq!(step.step, Outcome::Pending);
    assert!(lease(&shelf).await.guard.is_some());
    assert!(old.now().as_second() > 60, "until after the next start");
    assert!(old.told.borrow().is_empty());
}

#[tokio::test]
async fn a_silent_region_keeps_no_database_from_being_fenced() {
    let old = Old { network: false, ..Old::silent_for(0) };
    let kept = handle(&guarded().await, &old, sample()).await.unwrap().did.unwrap();
    assert!(matches!(kept.network, Way::Unreachable(_)));
}

#[tokio::test]
async fn a_malformed_event_is_invalid_input() {
    for event in [json!(null), json!({}), json!({ "plan": "../x" }), json!({ "plan": "lab", "x": 1 })] {
        let failure = handle(&Memory::default(), &Old::silent_for(0), event).await.unwrap_err();
        assert_eq!(failure.name(), "InvalidInput");
    }
}
