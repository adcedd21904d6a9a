//! A step that hangs while its run is stopped.

use std::time::Duration;

use domain::failover::{lease::Phase, run::RunKind};
use lab::gateway::{Call, Caller, Fault, How, When};

use super::{Case, stopped::BROKEN_OFF, world::World};

/// A function that goes on has its answer by then: it is not asked again once its execution is known to have ended.
const ACTS_WITHIN: Duration = Duration::from_secs(1);

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    vec![
        Case::new("a promotion that hangs before its look promotes nothing once its run is stopped", looks(world)),
        Case::new("a promotion that hangs in its write asks RDS for nothing once its run is stopped", writes(world)),
    ]
}

async fn looks(world: &World<'_>) {
    hangs(world, "GetObject", Phase::Opened).await;
}

async fn writes(world: &World<'_>) {
    // Nothing says whether a write that got no answer was carried out; here its second try is.
    hangs(world, "PutObject", Phase::Promoting).await;
}

async fn hangs(world: &World<'_>, operation: &str, phase: Phase) {
    let replica = world.lab.system.replica();
    let promote = Caller::Function("lifeboat-promote-replica".into());
    world.kill().await;
    let fault =
        Fault::new(When::Before, How::Silent).by(promote.clone()).of("s3").operation(operation).target("leases/");
    let fault = world.faults.set(&fault.first(1)).await.unwrap();
    let run = world.start(RunKind::Failover).await;
    world.until_it_hangs(&run, fault, false).await;
    world.stop(&run).await;
    world.faults.forget_calls().await.unwrap();
    // It gives that call up, makes it once more, and then asks whether its run is still there.
    world.called(|call: &Call| call.caller == promote && call.operation == "DescribeExecution", 1).await;
    tokio::time::sleep(ACTS_WITHIN).await;
    let calls = world.faults.calls().await.unwrap();
    assert!(
        !calls.iter().any(|call| call.operation == "PromoteReadReplica"),
        "RDS was asked by a run that was stopped"
    );
    assert_eq!(world.phase().await, Some(phase));
    let written = world.write_at(&replica).await;
    assert!(written.is_err(), "the replica takes writes: {written:?}");
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}
