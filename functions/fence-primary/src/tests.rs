use std::cell::RefCell;

use domain::{
    failover::{
        fencing::{DatabaseSeen, Membership, NetworkSeen, Way},
        lease::{Lease, RequestedPromotion},
        succession::Owner,
    },
    words::{
        id::SecurityGroupId,
        wal::{LastSeen, Lsn},
    },
};
use edge::{object_store::Condition, object_store::fake::Memory, states::fake::Says};
use jiff::Timestamp;

use super::*;

/// An old primary, how each way of reaching it goes, and what was done to it.
struct Old {
    network: Way,
    database: Way,
    did: RefCell<Vec<String>>,
}

impl Old {
    fn new(network: Way, database: Way) -> Self {
        Self { network, database, did: RefCell::default() }
    }

    fn reached() -> Self {
        Self::new(Way::Holds, Way::Holds)
    }

    fn dead() -> Self {
        Self::new(Way::Holds, Way::NoServer("refused".into()))
    }
}

impl OldPrimary for Old {
    async fn network(&self, target: &Target) -> NetworkSeen {
        match &self.network {
            Way::Unreachable(why) => NetworkSeen::Silent(why.clone()),
            Way::Holds | Way::NoServer(_) | Way::Unproved(_) | Way::Resists(_) => {
                let usual = target.side.security_groups.iter();
                let active = |group: &SecurityGroupId| Membership { group: group.clone(), status: "active".into() };
                NetworkSeen::Groups(usual.map(active).collect())
            }
        }
    }

    async fn database(&self, _: &Run, _: &Target) -> DatabaseSeen {
        match &self.database {
            Way::NoServer(_) | Way::Unreachable(_) => DatabaseSeen::Unseen(self.database.clone()),
            Way::Holds | Way::Unproved(_) | Way::Resists(_) => DatabaseSeen::TakesWrites,
        }
    }

    async fn shut_out(&self, _: &Target) -> ShutOut {
        self.did.borrow_mut().push("shut out".into());
        let ends_at = (self.database == Way::Holds).then_some(LastSeen::new(Lsn(7), Timestamp::UNIX_EPOCH));
        ShutOut { way: self.database.clone(), ends_at }
    }

    async fn set_groups(&self, target: &Target, groups: &[SecurityGroupId]) -> Way {
        assert_eq!(groups, std::slice::from_ref(&target.side.fence_security_group));
        self.did.borrow_mut().push(format!("network of {}: Fence", target.side.instance));
        self.network.clone()
    }

    async fn open_network(&self, target: &Target) -> Way {
        self.did.borrow_mut().push(format!("network of {}: Undo", target.side.instance));
        self.network.clone()
    }

    async fn let_in(&self, target: &Target) -> Way {
        self.did.borrow_mut().push(format!("let in to {}", target.side.instance));
        self.database.clone()
    }
}

fn event(undo: bool) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../../events/fence-primary.json")).unwrap();
    event["undo"] = undo.into();
    event
}

fn run() -> Run {
    serde_json::from_value(event(false)["run"].clone()).unwrap()
}

fn held() -> Memory {
    Memory::held_by(&run())
}

fn lease(store: &Memory) -> Lease {
    serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap()
}

async fn asked(store: &Memory, old: &Old, event: Value) -> Result<Step<Fencing>, Failure> {
    handle(store, &Says(Owner::Running), old, event).await
}

async fn fence(store: &Memory, old: &Old) -> Step<Fencing> {
    asked(store, old, event(false)).await.unwrap()
}

#[tokio::test]
async fn a_dead_primary_is_fenced_by_its_network_for_when_it_returns() {
    let step = fence(&held(), &Old::dead()).await;
    assert!(step.did.unwrap().fenced);
    assert!(step.because.contains("holds when it returns"), "{}", step.because);
}

#[tokio::test]
async fn the_database_is_shut_first_and_a_look_that_fails_keeps_the_other_way_from_nothing() {
    let (both, silent) = (Old::reached(), || Way::Unreachable("timed out".into()));
    fence(&held(), &both).await;
    assert_eq!(*both.did.borrow(), ["shut out", "network of orders-primary: Fence"]);
    let no_region = Old::new(silent(), Way::Holds);
    assert!(fence(&held(), &no_region).await.did.unwrap().fenced);
    assert_eq!(*no_region.did.borrow(), ["shut out"]);
    let no_database = Old::new(Way::Holds, silent());
    assert_eq!(fence(&held(), &no_database).await.did.unwrap().network, Way::Holds);
    assert_eq!(*no_database.did.borrow(), ["network of orders-primary: Fence"]);
}

#[tokio::test]
async fn what_nobody_reaches_is_recorded_as_unfenced_and_the_run_goes_on() {
    let silent = || Way::Unreachable("timed out".into());
    // Also where its network is shut: who was let in before may go on, where we do not see it.
    for network in [silent(), Way::Holds] {
        let step = fence(&held(), &Old::new(network, silent())).await;
        assert_eq!(step.step, domain::run::step::Outcome::Done);
        assert!(!step.did.unwrap().fenced);
        assert!(step.because.contains("UNFENCED"), "{}", step.because);
    }
}

#[tokio::test]
async fn one_that_answers_and_does_not_let_itself_be_shut_is_refused_and_never_called_fenced() {
    let resists = Old::new(Way::Holds, Way::Resists("role \"shop\" does not exist (SQLSTATE 42704)".into()));
    let step = fence(&held(), &resists).await;
    assert_eq!(step.step, domain::run::step::Outcome::Refused);
    assert!(step.because.contains("could not be shut") && step.because.contains("42704"), "{}", step.because);
    let fencing = step.did.unwrap();
    assert!(!fencing.fenced && fencing.roles_asked);
}

#[tokio::test]
async fn one_that_answered_when_it_was_judged_must_be_seen_to_refuse() {
    let mut answered = event(false);
    answered["answers"] = true.into();
    for (old, outcome) in [
        (Old::reached(), domain::run::step::Outcome::Done),
        (Old::dead(), domain::run::step::Outcome::Refused),
        (Old::new(Way::Holds, Way::Unproved("slow".into())), domain::run::step::Outcome::Refused),
    ] {
        let step = asked(&held(), &old, answered.clone()).await.unwrap();
        assert_eq!(step.step, outcome, "{}", step.because);
    }
}

#[tokio::test]
async fn what_is_shut_stands_in_the_lease_before_it_is_done() {
    let store = held();
    fence(&store, &Old::dead()).await;
    let shut = lease(&store).shut.unwrap();
    assert_eq!((shut.target.side.instance.as_str(), shut.network), ("orders-primary", true));
}

#[tokio::test]
async fn undoing_opens_both_ways_and_is_written_down_once_both_were_seen_open() {
    let (store, old) = (held(), Old::reached());
    fence(&store, &old).await;
    asked(&store, &old, event(true)).await.unwrap();
    assert!(old.did.borrow().ends_with(&["network of orders-primary: Undo".into(), "let in to orders-primary".into()]));
    assert_eq!(lease(&store).shut, None);
}

#[tokio::test]
async fn an_undo_is_not_done_while_roles_that_may_have_been_taken_are_not_seen_to_have_their_login() {
    for old in [Old::dead(), Old::new(Way::Unproved("not shown yet".into()), Way::Holds)] {
        let store = held();
        fence(&store, &Old::reached()).await;
        let failure = asked(&store, &old, event(true)).await.unwrap_err();
        assert_eq!(failure.name(), "AwsTransient", "{failure}");
        assert!(lease(&store).shut.is_some(), "the next run owes it");
    }
}

#[tokio::test]
async fn roles_that_this_run_never_reached_need_no_giving_back() {
    let (store, old) = (held(), Old::dead());
    let fencing = fence(&store, &old).await.did.unwrap();
    let mut undo = event(true);
    undo["fencing"] = serde_json::to_value(&fencing).unwrap();
    asked(&store, &old, undo.clone()).await.unwrap();
    assert_eq!(lease(&store).shut, None);
    // Another run's fence is another matter: what it reached, this one cannot know.
    let inherited = held();
    let target = Target::primary(&run().plan, run().pair().unwrap());
    let older = Run { generation: domain::words::id::Generation(run().generation.0 - 1), ..run() };
    let shut = lease(&inherited).shutting(&older, &target, true, Timestamp::UNIX_EPOCH).unwrap();
    object_store::write_json(&inherited, "leases/lab.json", &shut, Condition::Always).await.unwrap();
    assert!(asked(&inherited, &old, undo).await.is_err());
}

#[tokio::test]
async fn what_another_run_s_step_may_still_be_shutting_is_not_opened_yet() {
    let target = Target::primary(&run().plan, run().pair().unwrap());
    let execution = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:older".parse().unwrap();
    let older = Run { execution, generation: domain::words::id::Generation(run().generation.0 - 1), ..run() };
    // However long ago it was shut first: whoever fenced it again may have been stopped a moment ago.
    for (opened_at, done) in [(clock::now(), false), (Timestamp::UNIX_EPOCH, true)] {
        let (store, old) = (held(), Old::reached());
        let shut = lease(&store).shutting(&older, &target, true, Timestamp::UNIX_EPOCH).unwrap();
        object_store::write_json(&store, "leases/lab.json", &shut, Condition::Always).await.unwrap();
        let mut undo = event(true);
        undo["run"]["openedAt"] = serde_json::to_value(opened_at).unwrap();
        let undone = asked(&store, &old, undo).await;
        assert_eq!(undone.is_ok(), done, "{undone:?}");
        assert_eq!(lease(&store).shut.is_none(), done);
    }
}

#[tokio::test]
async fn where_nothing_was_shut_there_is_nothing_to_open() {
    let old = Old::dead();
    let step = asked(&held(), &old, event(true)).await.unwrap();
    assert_eq!(step.step, domain::run::step::Outcome::Done);
    assert!(old.did.borrow().is_empty());
}

#[tokio::test]
async fn nothing_is_opened_beside_a_replica_that_may_take_writes() {
    let asked_for = RequestedPromotion {
        at: Timestamp::UNIX_EPOCH,
        position: None,
        loss: domain::failover::loss::Loss::Promoted,
        unserved_since: None,
    };
    let promoting = lease(&held()).promoting(asked_for, None);
    let unfinished = Lease { unfinished: promoting.holder.clone(), ..lease(&held()) };
    for left in [promoting, unfinished] {
        let (store, old) = (held(), Old::reached());
        object_store::write_json(&store, "leases/lab.json", &left, Condition::Always).await.unwrap();
        let step = asked(&store, &old, event(true)).await.unwrap();
        assert_eq!(step.step, domain::run::step::Outcome::Refused, "{}", step.because);
        assert!(old.did.borrow().is_empty());
    }
}

#[tokio::test]
async fn a_run_that_was_stopped_shuts_and_opens_nothing() {
    for undo in [false, true] {
        let (store, old) = (held(), Old::reached());
        if undo {
            fence(&store, &Old::dead()).await;
        }
        let gone = Says(Owner::gone("ABORTED"));
        let failure = handle(&store, &gone, &old, event(undo)).await.unwrap_err();
        assert_eq!(failure.name(), "Superseded");
        assert!(old.did.borrow().is_empty(), "{undo}");
    }
}

#[tokio::test]
async fn a_run_without_the_lease_fences_nothing() {
    let old = Old::reached();
    let failure = asked(&Memory::default(), &old, event(false)).await.unwrap_err();
    assert_eq!(failure.name(), "Superseded");
    assert!(old.did.borrow().is_empty());
}
