use std::cell::RefCell;

use domain::{
    component::PostgresPair,
    failover::{
        drain::Seen,
        judgement::{Receiver, ReplicaSeen},
        succession::Owner,
    },
    run::step::Outcome,
    watch::health::{Endpoint, Look, Verdict},
    words::wal::{Lsn, ReplicaPosition},
};
use edge::{object_store::fake::Memory, states::fake::Says};

use super::*;

/// A pair whose replica is this far, and what was done to it.
struct Fake {
    replayed: u64,
    database: Verdict,
    did: RefCell<Vec<&'static str>>,
}

/// Where the primary's log ends.
const END: u64 = 0x500_0148;

impl Fake {
    fn new() -> Self {
        Self { replayed: END, database: Verdict::Up, did: RefCell::default() }
    }
}

impl Pair for Fake {
    async fn look(&self, _: &PostgresPair) -> Seen {
        let position =
            ReplicaPosition { received: Lsn(self.replayed), replayed: Lsn(self.replayed), replayed_commit_at: None };
        Seen {
            primary: Look {
                endpoint: Endpoint::Open,
                database: self.database,
                because: "said so".into(),
                at: clock::now(),
                took_milliseconds: 1,
                lsn: Some(Lsn(END)),
            },
            replica: ReplicaSeen::Replica { position, receiver: Receiver::Streaming { heard_at: clock::now() } },
        }
    }

    async fn drain(&self, _: &Run, _: &PostgresPair) -> Result<Lsn, Failure> {
        self.did.borrow_mut().push("drain");
        Ok(Lsn(END))
    }

    async fn replayed(&self, _: &PostgresPair, _: Lsn) -> Result<Lsn, Failure> {
        Ok(Lsn(self.replayed))
    }
}

fn event(order: &str) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../../events/drain-primary.json")).unwrap();
    event["order"] = order.into();
    event
}

async fn asked(pair: &Fake, order: &str) -> Step<Drained> {
    let held = Memory::held_by(&serde_json::from_value(event(order)["run"].clone()).unwrap());
    handle(&held, &Says(Owner::Running), pair, event(order)).await.unwrap()
}

#[tokio::test]
async fn it_is_done_once_the_replica_has_everything_and_pending_one_byte_before() {
    for (replayed, outcome) in [(END, Outcome::Done), (END - 1, Outcome::Pending)] {
        let pair = Fake { replayed, ..Fake::new() };
        let step = asked(&pair, "drain").await;
        assert_eq!(step.step, outcome, "{}", step.because);
        assert_eq!(step.did.unwrap().lsn, Lsn(END));
    }
}

#[tokio::test]
async fn a_primary_that_is_not_healthy_is_refused_and_left_alone() {
    for order in ["rehearse", "drain"] {
        let pair = Fake { database: Verdict::Unknown, ..Fake::new() };
        assert_eq!(asked(&pair, order).await.step, Outcome::Refused, "{order}");
        assert!(pair.did.borrow().is_empty(), "{order}");
    }
}

#[tokio::test]
async fn a_rehearsal_changes_nothing_and_proves_nothing() {
    let pair = Fake::new();
    let step = asked(&pair, "rehearse").await;
    assert_eq!((step.step, step.did), (Outcome::Done, None));
    assert!(pair.did.borrow().is_empty());
}

#[tokio::test]
async fn what_is_shut_stands_in_the_lease_before_it_is_done() {
    let run: Run = serde_json::from_value(event("drain")["run"].clone()).unwrap();
    let store = Memory::held_by(&run);
    handle(&store, &Says(Owner::Running), &Fake::new(), event("drain")).await.unwrap();
    let lease: domain::failover::lease::Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
    let shut = lease.shut.unwrap();
    assert_eq!((shut.target.side.instance.as_str(), shut.network), ("orders-primary", false));
}

#[tokio::test]
async fn a_run_that_was_stopped_drains_nothing() {
    let store = Memory::held_by(&serde_json::from_value(event("drain")["run"].clone()).unwrap());
    for (owner, name) in [(Owner::gone("ABORTED"), "Superseded"), (Owner::Unknown("slow".into()), "AwsTransient")] {
        let pair = Fake::new();
        assert_eq!(handle(&store, &Says(owner), &pair, event("drain")).await.unwrap_err().name(), name);
        assert!(pair.did.borrow().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_run_without_the_lease_changes_nothing() {
    for order in ["rehearse", "drain"] {
        let pair = Fake::new();
        assert_eq!(
            handle(&Memory::default(), &Says(Owner::Running), &pair, event(order)).await.unwrap_err().name(),
            "Superseded"
        );
        assert!(pair.did.borrow().is_empty(), "{order}");
    }
}
