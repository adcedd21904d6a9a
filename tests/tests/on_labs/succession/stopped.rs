//! Failovers that are stopped.

use domain::{
    failover::{lease::Phase, run::RunKind},
    run::outcome::RunOutcome,
    state_machine::StateName,
};
use lab::gateway::{Caller, Fault, How, When};

use super::{
    Case, command,
    world::{Place, World},
};

/// Where a failover stops.
const PLACES: [(&str, &str, When); 9] = [
    ("OpenRun, with the lease", "open-run", When::After),
    ("JudgeFailover", "judge-failover", When::Before),
    ("FencePrimary, when it has fenced", "fence-primary", When::After),
    ("PromoteReplica, before its point of no return", "promote-replica", When::Before),
    ("PromoteReplica, past its point of no return", "promote-replica", When::After),
    ("DnsSwitch, before the name has moved", "dns-switch", When::Before),
    ("DnsSwitch, when the name has moved", "dns-switch", When::After),
    ("Verify", "verify", When::Before),
    ("CloseRun, before it has closed", "close-run", When::Before),
];

/// Those of them before the point of no return, and whether something is shut there.
const BEFORE: [(usize, bool); 4] = [(0, false), (1, false), (2, true), (3, true)];

/// The one in which the order comes at once, while the step that fences may still be at work.
const AT_ONCE: &str = "fence-primary";

/// Where a failover has closed, and stops all the same.
const CLOSED: [(&str, Place); 3] = [
    ("CloseRun, when it has closed", Place { function: "close-run", earlier: 0, when: When::After }),
    ("Notify", Place { function: "notify", earlier: 0, when: When::Before }),
    ("HardenPrimary", Place { function: "harden-primary", earlier: 0, when: When::Before }),
];

/// What RUNBOOK says of all of them.
pub(super) const BROKEN_OFF: &str = "A run that was broken off";

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    let mut cases = Vec::new();
    for (at, function, when) in PLACES {
        let place = Place { function, earlier: 0, when };
        cases.push(Case::new(format!("a failover stopped in {at} is finished"), is_finished(world, place)));
    }
    for (at, place) in CLOSED {
        cases.push(Case::new(format!("a failover stopped in {at} is done"), was_done(world, place)));
    }
    for (index, shut) in BEFORE {
        let (at, function, when) = PLACES[index];
        let place = Place { function, earlier: 0, when };
        let claim = format!("a failover stopped in {at}, whose primary returns, opens what it shut");
        cases.push(Case::new(claim, is_opened(world, place, shut)));
    }
    for guarded in [false, true] {
        let when = if guarded { "after" } else { "before" };
        let claim =
            format!("a promotion that RDS never heard of is finished {when} the old primary returned to its guard");
        cases.push(Case::new(claim, never_asked(world, guarded)));
    }
    for kind in RunKind::ALL {
        let claim = format!("a {}'s promotion that a person gives up is taken back", kind.noun());
        cases.push(Case::new(claim, given_up(world, kind)));
    }
    cases
}

async fn is_finished(world: &World<'_>, place: Place) {
    world.kill().await;
    world.stopped(RunKind::Failover, place).await;
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}

async fn was_done(world: &World<'_>, place: Place) {
    world.kill().await;
    let run = world.stopped(RunKind::Failover, place).await;
    let again = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(again.end, StateName::FailoverRefused.as_str(), "{}", again.because);
    assert!(again.because.contains("nothing to fail over to"), "{}", again.because);
    world.served_by_the_replica(&world.ended(&run).await).await;
}

async fn is_opened(world: &World<'_>, place: Place, shut: bool) {
    world.kill().await;
    world.stopped(RunKind::Failover, place).await;
    assert_eq!(world.lease().await.shut.is_some(), shut, "what the lease says is shut");
    world.bring_back().await;
    let served = world.write_by_name().await.1;
    assert_eq!(served.is_err(), shut, "whether clients are unserved: {served:?}");
    if shut && place.function != AT_ONCE {
        world.a_minute_passes().await;
    }
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert!(ended.because.contains("the primary answers again"), "{}", ended.because);
    assert_eq!(
        ended.end,
        if shut { StateName::FailoverUndone.as_str() } else { StateName::FailoverRefused.as_str() },
        "{}",
        ended.because
    );
    assert_eq!(ended.record().record.undo.is_some(), shut);
    world.served_by_the_primary(&ended).await;
}

/// Denies the promotion to the function that asks RDS for it.
pub(super) fn denial() -> Fault {
    let promote = Caller::Function("lifeboat-promote-replica".into());
    Fault::new(When::Before, How::Denied).by(promote).of("rds").operation("PromoteReadReplica")
}

async fn never_asked(world: &World<'_>, guarded: bool) {
    world.kill().await;
    world.faults.set(&denial()).await.unwrap();
    world.stopped(RunKind::Failover, Place::after("promote-replica")).await;
    assert_eq!(world.phase().await, Some(Phase::Promoting));
    world.bring_back().await;
    if guarded {
        world.guard().await;
        world.until("the end of the guard", async || world.lease().await.guard.is_none().then_some(())).await;
    }
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    assert!(super::after::fenced(ended.record()), "it answered, and must have been seen to refuse");
    world.served_by_the_replica(&ended).await;
}

async fn given_up(world: &World<'_>, kind: RunKind) {
    match kind {
        RunKind::Failover => world.kill().await,
        RunKind::Switchover => {}
    }
    world.faults.set(&denial()).await.unwrap();
    let stopped = world.ended(&world.start(kind).await).await;
    world.faults.heal().await.unwrap();
    assert_eq!(stopped.outcome(), Some(RunOutcome::NeedsAPerson), "{}", stopped.because);
    world.bring_back().await;
    assert!(world.write_by_name().await.1.is_err(), "clients are unserved");
    let correct = command::first("Correcting the lease", "lifeboat lease $PLAN --region $AWS_REGION --active primary");
    assert_eq!(world.run(&format!("{correct} --forget-guard")).await, 0);
    world.a_minute_passes().await;
    let ended = world.order(StateName::FailoverNeedsAPerson.as_str(), "lifeboat failover").await;
    assert_eq!(ended.end, StateName::FailoverUndone.as_str(), "{}", ended.because);
    world.served_by_the_primary(&ended).await;
}
