use std::cell::{Cell, RefCell};

use domain::{
    failover::{
        lease::{Lease, Phase},
        loss::Loss,
        promotion::{Instance, Server as ServerSeen, Written},
        succession::Owner,
    },
    run::step::Outcome,
    words::wal::ReplicaPosition,
};
use edge::{
    object_store::{Condition, fake::Memory},
    states::fake::Says,
};
use jiff::Timestamp;

use serde_json::json;

use super::*;

/// A replica that promotes when it is asked, and remembers how often.
struct Fake {
    promotable: bool,
    promoted: Cell<u32>,
    writable: Cell<bool>,
    answer_lost: Cell<bool>,
    rejects: Cell<bool>,
    asked_twice: Cell<bool>,
    busy: Cell<bool>,
    calls: RefCell<Vec<&'static str>>,
}

impl Fake {
    fn new() -> Self {
        Self {
            promotable: true,
            promoted: Cell::new(0),
            writable: Cell::new(true),
            answer_lost: Cell::new(false),
            rejects: Cell::new(false),
            asked_twice: Cell::new(false),
            busy: Cell::new(false),
            calls: RefCell::default(),
        }
    }
}

fn transient() -> Failure {
    Failure::AwsTransient { what: "cut off".into(), source: None }
}

impl Replica for Fake {
    async fn look(&self, _: &Run, _: &PostgresPair) -> Result<Seen, Failure> {
        let position = ReplicaPosition {
            received: "0/5000148".parse().unwrap(),
            replayed: "0/5000148".parse().unwrap(),
            replayed_commit_at: None,
        };
        Ok(if self.promoted.get() > 0 {
            Seen { api: Instance { status: "available".into(), is_replica: false }, server: ServerSeen::Writable }
        } else {
            let status = if self.promotable { "available" } else { "storage-full" };
            Seen { api: Instance { status: status.into(), is_replica: true }, server: ServerSeen::InRecovery(position) }
        })
    }

    async fn promote(&self, _: &Run, _: &PostgresPair) -> Result<Promoting, Failure> {
        if self.busy.take() {
            return Ok(Promoting::Busy);
        }
        if self.rejects.get() {
            return Err(Failure::AwsRejected { what: "not now".into(), source: None });
        }
        self.promoted.set(self.promoted.get() + 1);
        if self.asked_twice.get() {
            return Err(Failure::AwsRejected { what: "it is being promoted".into(), source: None });
        }
        if self.answer_lost.get() { Err(transient()) } else { Ok(Promoting::Begun) }
    }

    async fn write(&self, _: &Run, _: &PostgresPair) -> Result<Written, Failure> {
        self.calls.borrow_mut().push("write");
        if !self.writable.get() {
            return Err(Failure::Database { what: "no space left".into(), source: None });
        }
        Ok(Written { timeline: 2, lsn: "0/6000000".parse().unwrap(), at: clock::now() })
    }
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/promote-replica.json")).unwrap()
}

fn held() -> Memory {
    Memory::held_by(&serde_json::from_value(event()["run"].clone()).unwrap())
}

#[tokio::test]
async fn the_lease_says_promoting_before_rds_is_asked() {
    let (store, replica) = (held(), Fake::new());
    replica.answer_lost.set(true);
    handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap_err();
    assert!(store.text("leases/lab.json").unwrap().contains("\"phase\":\"promoting\""));
}

#[tokio::test]
async fn an_answer_that_is_lost_promotes_once() {
    let (store, replica) = (held(), Fake::new());
    replica.answer_lost.set(true);
    handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap_err();
    let step = handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap();
    assert_eq!((step.step, replica.promoted.get()), (Outcome::Done, 1));
}

#[tokio::test]
async fn a_promotion_that_is_under_way_already_is_waited_for() {
    let (store, replica) = (held(), Fake::new());
    replica.asked_twice.set(true);
    assert_eq!(handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap().step, Outcome::Pending);
    assert_eq!(handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap().step, Outcome::Done);
    assert_eq!(replica.promoted.get(), 1);
}

#[tokio::test]
async fn a_replica_that_changes_though_rds_shows_it_as_available_is_asked_again() {
    let (store, replica) = (held(), Fake::new());
    replica.busy.set(true);
    for promoted in [0, 1] {
        let step = handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap();
        assert_eq!((step.step, replica.promoted.get()), (Outcome::Pending, promoted), "{}", step.because);
    }
}

#[tokio::test]
async fn a_replica_that_stays_busy_while_it_is_shown_as_available_is_an_error() {
    let (store, replica) = (held(), Fake::new());
    replica.busy.set(true);
    handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap();
    let (mut lease, _) = object_store::read_json::<Lease>(&store, "leases/lab.json").await.unwrap().unwrap();
    lease.holder.as_mut().unwrap().asked.as_mut().unwrap().at = Timestamp::UNIX_EPOCH;
    object_store::write_json(&store, "leases/lab.json", &lease, Condition::Always).await.unwrap();
    replica.busy.set(true);
    let failure = handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap_err();
    assert!(failure.name() == "AwsRejected" && failure.chain().contains("3m after"), "{}", failure.chain());
}

#[tokio::test]
async fn a_promotion_that_rds_rejects_is_an_error_and_not_waited_for() {
    let (store, replica) = (held(), Fake::new());
    replica.rejects.set(true);
    assert_eq!(handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap_err().name(), "AwsRejected");
}

#[tokio::test]
async fn it_is_done_with_what_was_true_when_it_was_asked_for() {
    let (store, replica) = (held(), Fake::new());
    assert_eq!(handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap().step, Outcome::Pending);
    let promotion = handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap().did.unwrap();
    assert!(promotion.position.is_some() && promotion.asked_at.is_some());
    let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
    let judged: Judgement = serde_json::from_value(event()["judgement"].clone()).unwrap();
    let probe = &serde_json::from_value::<Run>(event()["run"].clone()).unwrap().plan.probe;
    let since = lease.holder.unwrap().asked.unwrap().unserved_since;
    assert!(since.is_some() && since == judged.unserved_since(probe), "{since:?}");
}

#[tokio::test]
async fn a_primary_that_takes_no_write_is_not_done() {
    let (store, replica) = (held(), Fake::new());
    replica.writable.set(false);
    handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap();
    assert_eq!(handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap_err().name(), "Database");
}

#[tokio::test]
async fn a_refusal_leaves_the_lease_before_the_point_of_no_return() {
    let (store, replica) = (held(), Fake { promotable: false, ..Fake::new() });
    assert_eq!(handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap().step, Outcome::Refused);
    assert_eq!(replica.promoted.get(), 0);
    assert!(store.text("leases/lab.json").unwrap().contains("\"phase\":\"opened\""));
}

#[tokio::test]
async fn a_run_without_the_lease_promotes_nothing() {
    let replica = Fake::new();
    assert_eq!(
        handle(&Memory::default(), &Says(Owner::Running), &replica, event()).await.unwrap_err().name(),
        "Superseded"
    );
    assert_eq!(replica.promoted.get(), 0);
}

/// A switchover's request; its replica stands at 0/5000148.
fn after_a_drain(end: &str) -> Value {
    let sample = include_str!("../../../events/promote-replica-switchover.json");
    let mut event: Value = serde_json::from_str(sample).unwrap();
    event["drain"]["lsn"] = end.into();
    event
}

fn held_for(event: &Value) -> Memory {
    Memory::held_by(&serde_json::from_value(event["run"].clone()).unwrap())
}

#[tokio::test]
async fn a_replica_that_lacks_the_end_of_a_drained_log_is_not_promoted() {
    for (end, outcome, promoted) in [("0/5000148", Outcome::Pending, 1), ("0/5000149", Outcome::Refused, 0)] {
        let (event, replica) = (after_a_drain(end), Fake::new());
        let step = handle(&held_for(&event), &Says(Owner::Running), &replica, event).await.unwrap();
        assert_eq!((step.step, replica.promoted.get()), (outcome, promoted), "{end}: {}", step.because);
    }
}

#[tokio::test]
async fn a_rehearsal_promotes_nothing_and_refuses_what_rds_would() {
    for (promotable, outcome) in [(true, Outcome::Done), (false, Outcome::Refused)] {
        let mut event = after_a_drain("0/5000148");
        (event["drain"], event["rehearse"]) = (Value::Null, true.into());
        let (store, replica) = (held_for(&event), Fake { promotable, ..Fake::new() });
        let before = store.text("leases/lab.json");
        assert_eq!(handle(&store, &Says(Owner::Running), &replica, event).await.unwrap().step, outcome);
        assert_eq!((replica.promoted.get(), store.text("leases/lab.json")), (0, before));
    }
}

#[tokio::test]
async fn a_promotion_has_one_kind_of_grounds() {
    let mut both = after_a_drain("0/5000148");
    both["judgement"] = event()["judgement"].clone();
    let mut neither = after_a_drain("0/5000148");
    neither["drain"] = Value::Null;
    for event in [both, neither] {
        let replica = Fake::new();
        assert_eq!(
            handle(&held_for(&event), &Says(Owner::Running), &replica, event).await.unwrap_err().name(),
            "InvalidInput"
        );
        assert_eq!(replica.promoted.get(), 0);
    }
}

#[tokio::test]
async fn a_run_that_was_stopped_promotes_nothing_and_writes_nothing_down() {
    for owner in [Owner::gone("ABORTED"), Owner::Unknown("throttled".into())] {
        let (store, replica) = (held_for(&event()), Fake::new());
        let before = store.text("leases/lab.json");
        handle(&store, &Says(owner), &replica, event()).await.unwrap_err();
        assert_eq!((store.text("leases/lab.json"), replica.promoted.get()), (before, 0));
    }
}

#[tokio::test]
async fn what_somebody_else_promoted_is_guarded_before_it_is_confirmed_and_its_loss_is_not_known() {
    let (store, replica) = (held_for(&event()), Fake::new());
    replica.promoted.set(1);
    let promotion = handle(&store, &Says(Owner::Running), &replica, event()).await.unwrap().did.unwrap();
    assert!(matches!(promotion.loss, Loss::Unknown { .. }) && promotion.position.is_none());
    let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
    assert_eq!(lease.holder.unwrap().phase, Phase::Promoting);
    assert_eq!(lease.guard.unwrap().target.side.instance.as_str(), "orders-primary");
}

#[tokio::test]
async fn where_the_log_ended_when_it_was_fenced_is_what_the_replica_is_held_to() {
    let mut fenced = event();
    fenced["fencing"]["endsAt"] = json!({ "lsn": "0/6000000", "at": "2026-01-15T09:30:04.5Z" });
    let step = handle(&held_for(&fenced), &Says(Owner::Running), &Fake::new(), fenced).await.unwrap();
    assert_eq!(step.step, Outcome::Refused, "{}", step.because);
    assert!(step.because.contains("bytes behind") || step.because.contains("unknown"), "{}", step.because);
}

#[tokio::test]
async fn a_run_that_took_another_over_leaves_a_guard_that_outlasts_the_other_s_steps() {
    let mut after = event();
    for (taken_over, settles) in [
        (Value::Null, false),
        (json!({ "execution": after["run"]["execution"], "phase": "opened", "since": "2026-01-15T09:30:00Z" }), true),
    ] {
        after["run"]["takenOver"] = taken_over;
        let store = held_for(&after);
        handle(&store, &Says(Owner::Running), &Fake::new(), after.clone()).await.unwrap();
        let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
        assert_eq!(lease.guard.unwrap().settles_at.is_some(), settles);
    }
}
