//! Switchovers that are stopped.

use domain::{
    failover::{lease::Phase, run::RunKind},
    state_machine::StateName,
};
use lab::gateway::When;

use super::{
    Case,
    stopped::{BROKEN_OFF, denial},
    world::{Place, World},
};

/// Where nothing was changed yet.
const REHEARSALS: [(&str, &str, When); 4] = [
    ("OpenRun, with the lease", "open-run", When::After),
    ("RehearsePromoteReplica", "promote-replica", When::Before),
    ("RehearseDnsSwitch", "dns-switch", When::Before),
    ("RehearseDrainPrimary", "drain-primary", When::Before),
];

/// Where the application is shut out and nothing is promoted.
const DRAINED: [(&str, &str, When); 2] = [
    ("DrainPrimary", "drain-primary", When::After),
    ("PromoteReplica, before its point of no return", "promote-replica", When::Before),
];

/// Where the replica is promoted, or asked to be.
const PROMOTED: [(&str, Place); 5] = [
    (
        "PromoteReplica, past its point of no return",
        Place { function: "promote-replica", earlier: 1, when: When::After },
    ),
    ("DnsSwitch", Place { function: "dns-switch", earlier: 1, when: When::Before }),
    ("FencePrimary", Place { function: "fence-primary", earlier: 0, when: When::Before }),
    ("Verify", Place { function: "verify", earlier: 0, when: When::Before }),
    ("CloseRun", Place { function: "close-run", earlier: 0, when: When::Before }),
];

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    let mut cases = Vec::new();
    for (at, function, when) in REHEARSALS {
        let place = Place { function, earlier: 0, when };
        let claim = format!("a switchover stopped in {at} leaves clients served, and is ordered again");
        cases.push(Case::new(claim, is_ordered_again(world, place, true)));
    }
    for (at, function, when) in DRAINED {
        let place = Place { function, earlier: 0, when }.in_earnest();
        let claim = format!("a switchover stopped in {at} goes on when it is ordered again");
        cases.push(Case::new(claim, is_ordered_again(world, place, false)));
        let claim = format!("a switchover stopped in {at} is taken back by a failover that finds the primary alive");
        cases.push(Case::new(claim, is_opened(world, place)));
    }
    for (at, place) in PROMOTED {
        let claim = format!("a switchover stopped in {at} is finished by a failover alone");
        cases.push(Case::new(claim, is_finished(world, place)));
    }
    let claim =
        "a switchover whose promotion RDS denied is finished by a failover alone, also where the primary has died";
    cases.push(Case::new(claim, is_refused_first(world)));
    let claim = "a switchover stopped in DrainPrimary whose primary dies is failed over";
    cases.push(Case::new(claim, is_failed_over(world, Place::after("drain-primary").in_earnest())));
    cases
}

async fn is_ordered_again(world: &World<'_>, place: Place, served: bool) {
    world.stopped(RunKind::Switchover, place).await;
    assert_eq!(world.write_by_name().await.1.is_ok(), served, "whether clients are served");
    let ended = world.order("Handing over on purpose", "lifeboat switchover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}

async fn is_opened(world: &World<'_>, place: Place) {
    world.stopped(RunKind::Switchover, place).await;
    assert!(world.lease().await.shut.is_some_and(|shut| !shut.network), "the drain stands in the lease");
    assert!(world.write_by_name().await.1.is_err(), "clients are unserved");
    world.a_minute_passes().await;
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(ended.end, StateName::FailoverUndone.as_str(), "{}", ended.because);
    world.served_by_the_primary(&ended).await;
}

async fn is_finished(world: &World<'_>, place: Place) {
    world.stopped(RunKind::Switchover, place).await;
    assert_eq!(world.phase().await, Some(Phase::Promoting));
    let refused = world.order("Handing over on purpose", "lifeboat switchover").await;
    assert_eq!(refused.end, StateName::SwitchoverRefused.as_str(), "{}", refused.because);
    assert!(refused.because.contains("order a failover"), "{}", refused.because);
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}

async fn is_refused_first(world: &World<'_>) {
    world.faults.set(&denial()).await.unwrap();
    let stopped = world.ended(&world.start(RunKind::Switchover).await).await;
    world.faults.heal().await.unwrap();
    assert_eq!(stopped.end, StateName::SwitchoverNeedsAPerson.as_str(), "{}", stopped.because);
    assert!(world.write_by_name().await.1.is_err(), "clients are unserved");
    let refused = world.order("Handing over on purpose", "lifeboat switchover").await;
    assert_eq!(refused.end, StateName::SwitchoverRefused.as_str(), "{}", refused.because);
    world.kill().await;
    let ended = world.order(StateName::SwitchoverNeedsAPerson.as_str(), "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}

/// The primary dies after it was drained: then there is a failure to judge.
async fn is_failed_over(world: &World<'_>, place: Place) {
    world.stopped(RunKind::Switchover, place).await;
    world.kill().await;
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}
