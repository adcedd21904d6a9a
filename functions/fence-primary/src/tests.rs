use std::cell::RefCell;

use edge::shelf::fake::Memory;

use super::*;

/// An old primary of which either way of reaching it may fail.
struct Old {
    network: Option<RefCell<Vec<SecurityGroupId>>>,
    database: bool,
    did: RefCell<Vec<&'static str>>,
}

impl Old {
    fn new(network: bool, database: bool) -> Self {
        let groups = network.then(|| RefCell::new(vec!["sg-00000001".parse().unwrap()]));
        Self { network: groups, database, did: RefCell::default() }
    }

    fn reached(&self, what: &'static str) -> Result<(), String> {
        self.did.borrow_mut().push(what);
        if self.database { Ok(()) } else { Err("refused".into()) }
    }
}

impl OldPrimary for Old {
    async fn network(&self, _: &Run, _: &PostgresPair) -> NetworkSeen {
        self.network
            .as_ref()
            .map_or(NetworkSeen::Silent("timed out".into()), |groups| NetworkSeen::Groups(groups.borrow().clone()))
    }

    async fn set_groups(&self, _: &Run, _: &PostgresPair, groups: &[SecurityGroupId]) -> Result<(), Failure> {
        self.did.borrow_mut().push("set groups");
        self.network.as_ref().unwrap().replace(groups.to_vec());
        Ok(())
    }

    async fn shut_out(&self, _: &Run, _: &PostgresPair, _: &[SqlName]) -> Result<(), String> {
        self.reached("shut out")
    }

    async fn let_in(&self, _: &PostgresPair, _: &[SqlName]) -> Result<(), String> {
        self.reached("let in")
    }
}

fn event(undo: bool) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../../events/fence-primary.json")).unwrap();
    event["undo"] = undo.into();
    event
}

fn held() -> Memory {
    Memory::held_by(&serde_json::from_value(event(false)["run"].clone()).unwrap())
}

async fn fence(old: &Old, undo: bool) -> Step<Fencing> {
    handle(&held(), old, event(undo)).await.unwrap()
}

#[tokio::test]
async fn a_dead_primary_is_fenced_by_its_network_for_when_it_returns() {
    let step = fence(&Old::new(true, false), false).await;
    assert!(step.did.unwrap().fenced);
    assert!(step.because.contains("holds when it returns"), "{}", step.because);
}

#[tokio::test]
async fn what_nobody_reaches_is_recorded_as_unfenced_and_the_run_goes_on() {
    let step = fence(&Old::new(false, false), false).await;
    assert!(!step.did.unwrap().fenced);
    assert!(step.because.contains("UNFENCED"), "{}", step.because);
}

#[tokio::test]
async fn fencing_twice_changes_the_network_once() {
    let old = Old::new(true, true);
    fence(&old, false).await;
    fence(&old, false).await;
    assert_eq!(old.did.borrow().iter().filter(|did| **did == "set groups").count(), 1);
}

#[tokio::test]
async fn undoing_gives_back_what_was_there() {
    let old = Old::new(true, true);
    fence(&old, false).await;
    fence(&old, true).await;
    assert_eq!(*old.network.as_ref().unwrap().borrow(), ["sg-00000001".parse().unwrap()]);
    assert_eq!(old.did.borrow().last(), Some(&"let in"));
}

#[tokio::test]
async fn an_undo_that_reaches_nothing_is_an_error_and_not_undone() {
    let failure = handle(&held(), &Old::new(false, false), event(true)).await.unwrap_err();
    assert_eq!(failure.name(), "AwsTransient");
}

#[tokio::test]
async fn a_run_without_the_lease_fences_nothing() {
    let old = Old::new(true, true);
    let failure = handle(&Memory::default(), &old, event(false)).await.unwrap_err();
    assert_eq!(failure.name(), "Superseded");
    assert!(old.did.borrow().is_empty());
}
