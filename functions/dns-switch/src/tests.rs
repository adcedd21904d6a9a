use std::cell::{Cell, RefCell};

use domain::{
    failover::{
        succession::Owner,
        traffic::{Answers, RecordSet, Seen, ServerAnswer},
    },
    run::step::Outcome,
    words::id::{HostName, ZoneId},
};
use edge::{object_store::fake::Memory, states::fake::Says};

use super::*;

/// A zone with one record, whose servers may be behind.
struct Fake {
    seen: RefCell<Seen>,
    insync: Cell<bool>,
    is_private: Cell<bool>,
    changes: Cell<u32>,
    answer: RefCell<Result<HostName, String>>,
    /// Of another server, where there is one.
    other: RefCell<Option<Result<HostName, String>>>,
}

const OLD: &str = "orders-primary.us-east-1.rds.lifeboat.test";
const NEW: &str = "orders-replica.us-west-2.rds.lifeboat.test";

impl Fake {
    fn leading_to(target: &str) -> Self {
        let record = RecordSet {
            name: "db.orders.lifeboat.test".into(),
            kind: "CNAME".into(),
            ttl_seconds: Some(0),
            values: vec![target.into()],
            routed: false,
        };
        Self {
            seen: RefCell::new(Seen { records: vec![record], generation: vec![] }),
            insync: Cell::new(true),
            is_private: Cell::new(false),
            changes: Cell::new(0),
            answer: RefCell::new(Ok(NEW.parse().unwrap())),
            other: RefCell::default(),
        }
    }
}

impl Zone for Fake {
    async fn look(&self, _: &ZoneId, _: &HostName) -> Result<Seen, Failure> {
        Ok(self.seen.borrow().clone())
    }

    async fn change(
        &self,
        _: &ZoneId,
        delete: &[RecordSet],
        create: &[RecordSet],
        comment: String,
    ) -> Result<String, Failure> {
        assert!(comment.contains("generation="), "{comment}");
        let mut seen = self.seen.borrow_mut();
        if delete.iter().any(|set| !seen.records.contains(set) && !seen.generation.contains(set)) {
            return Err(Failure::Conflict("changed".into()));
        }
        seen.records = vec![create[0].clone()];
        if let Some(generation) = create.get(1) {
            seen.generation = vec![generation.clone()];
        }
        self.changes.set(self.changes.get() + 1);
        Ok("C1".into())
    }

    async fn is_insync(&self, _: &str) -> Result<bool, Failure> {
        Ok(self.insync.get())
    }

    async fn answers(&self, _: &ZoneId, _: &HostName) -> Result<Answers, Failure> {
        if self.is_private.get() {
            return Ok(Answers::Private);
        }
        let said = |server: &str, alias| ServerAnswer { server: server.to_owned(), alias };
        let other = self.other.borrow().clone().map(|alias| said("ns-2.example", alias));
        Ok(Answers::Each([said("ns-1.example", self.answer.borrow().clone())].into_iter().chain(other).collect()))
    }
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/dns-switch.json")).unwrap()
}

fn held() -> Memory {
    Memory::held_by(&serde_json::from_value(event()["run"].clone()).unwrap())
}

#[tokio::test]
async fn the_record_is_moved_once_however_often_it_is_asked_for() {
    let zone = Fake::leading_to(OLD);
    for _ in 0..3 {
        assert_eq!(handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap().step, Outcome::Done);
    }
    assert_eq!(zone.changes.get(), 1);
}

#[tokio::test]
async fn it_is_not_done_before_route_53_says_insync() {
    let zone = Fake::leading_to(OLD);
    zone.insync.set(false);
    let step = handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap();
    assert_eq!(step.step, Outcome::Pending);
    assert_eq!(step.did.unwrap().change.as_deref(), Some("C1"));
}

#[tokio::test]
async fn it_is_not_done_before_the_authoritative_servers_answer_it() {
    let zone = Fake::leading_to(OLD);
    for answer in [Ok(OLD.parse().unwrap()), Err("timed out".to_owned())] {
        *zone.answer.borrow_mut() = answer;
        assert_eq!(handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap().step, Outcome::Pending);
    }
}

#[tokio::test]
async fn a_private_zone_has_no_servers_to_ask_and_is_done_once_route_53_says_insync() {
    let zone = Fake::leading_to(OLD);
    zone.is_private.set(true);
    zone.insync.set(false);
    assert_eq!(handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap().step, Outcome::Pending);
    zone.insync.set(true);
    // Another run asks, which knows of no change: it makes one of the same record, and waits for that.
    let step = handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap();
    assert_eq!((step.step, zone.changes.get()), (Outcome::Pending, 2));
    let mut again = event();
    again["change"] = step.did.unwrap().change.unwrap().into();
    let step = handle(&held(), &Says(Owner::Running), &zone, again).await.unwrap();
    assert_eq!((step.step, zone.changes.get()), (Outcome::Done, 2), "{}", step.because);
    assert!(step.because.contains("private"), "{}", step.because);
    assert_eq!(zone.seen.borrow().records[0].values, [NEW]);
}

#[tokio::test]
async fn one_server_that_does_not_answer_is_named_and_waited_for() {
    for answer in [Ok(OLD.parse().unwrap()), Err("`ns-2.example` cannot be resolved".to_owned())] {
        let zone = Fake::leading_to(OLD);
        *zone.other.borrow_mut() = Some(answer);
        let step = handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap();
        assert_eq!(step.step, Outcome::Pending);
        assert!(step.because.starts_with("`ns-2.example`, an authoritative server"), "{}", step.because);
    }
}

#[tokio::test]
async fn a_lease_that_nobody_can_read_moves_nothing() {
    for text in ["", "null", "[]", "{\"plan\": \"lab\"}"] {
        let zone = Fake::leading_to(OLD);
        let failure = handle(&Memory::default().with("leases/lab.json", text), &Says(Owner::Running), &zone, event())
            .await
            .unwrap_err();
        assert!(failure.name() == "InvalidInput" && failure.chain().contains("leases/lab.json"), "{}", failure.chain());
        assert_eq!(zone.changes.get(), 0);
    }
}

#[tokio::test]
async fn a_record_that_someone_moved_is_left_alone() {
    let zone = Fake::leading_to("elsewhere.example.com");
    assert_eq!(handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap().step, Outcome::Refused);
    assert_eq!(zone.changes.get(), 0);
}

#[tokio::test]
async fn a_run_without_the_lease_moves_nothing() {
    let zone = Fake::leading_to(OLD);
    assert_eq!(
        handle(&Memory::default(), &Says(Owner::Running), &zone, event()).await.unwrap_err().name(),
        "Superseded"
    );
    assert_eq!(zone.changes.get(), 0);
}

#[tokio::test]
async fn a_rehearsal_moves_nothing_and_says_what_would_stop_the_switch() {
    let rehearsal: Value = serde_json::from_str(include_str!("../../../events/dns-switch-rehearsal.json")).unwrap();
    let store = Memory::held_by(&serde_json::from_value(rehearsal["run"].clone()).unwrap());
    for (target, answers, outcome) in
        [(OLD, true, Outcome::Done), ("elsewhere.example.com", true, Outcome::Refused), (OLD, false, Outcome::Refused)]
    {
        let zone = Fake::leading_to(target);
        *zone.answer.borrow_mut() = if answers { Ok(OLD.parse().unwrap()) } else { Err("timed out".into()) };
        let step = handle(&store, &Says(Owner::Running), &zone, rehearsal.clone()).await.unwrap();
        assert_eq!(step.step, outcome, "{}", step.because);
        assert_eq!(zone.changes.get(), 0, "{target}");
    }
    let zone = Fake::leading_to(OLD);
    zone.is_private.set(true);
    let step = handle(&Memory::default(), &Says(Owner::Running), &zone, rehearsal).await.unwrap();
    assert_eq!((step.step, zone.changes.get()), (Outcome::Done, 0), "who looks at readiness has no lease");
}

#[tokio::test]
async fn a_run_that_was_stopped_moves_no_traffic() {
    let zone = Fake::leading_to(OLD);
    let gone = Says(Owner::gone("ABORTED"));
    assert_eq!(handle(&held(), &gone, &zone, event()).await.unwrap_err().name(), "Superseded");
    assert_eq!(zone.changes.get(), 0);
}
