//! A primary that cannot be opened again at once.

use domain::{failover::run::RunKind, state_machine::StateName};
use lab::gateway::{Call, Caller};

use super::{
    Case,
    stopped::BROKEN_OFF,
    world::{Place, World},
};

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    vec![
        Case::new("an undo that does not reach the roles is owed until the next order", is_owed(world)),
        Case::new("an undo that is stopped is owed until the next order", is_stopped(world)),
    ]
}

async fn is_owed(world: &World<'_>) {
    let (aws, primary) = (&world.lab.aws, world.lab.system.primary());
    world.stopped(RunKind::Switchover, Place::after("drain-primary").in_earnest()).await;
    world.faults.forget_calls().await.unwrap();
    let undoing = world.start(RunKind::Failover).await;
    // Its first asks wait for what the run that was stopped may still have under way.
    world.called(is_undo, 1).await;
    aws.rds.pause(&primary).await.unwrap();
    let undone = world.ended(&undoing).await;
    assert_eq!(undone.end, StateName::FailoverNeedsAPerson.as_str(), "{}", undone.because);
    assert!(undone.because.contains("was not seen open again"), "{}", undone.because);
    assert!(world.lease().await.shut.is_some(), "the lease has forgotten what is shut");
    aws.rds.resume(&primary).await.unwrap();
    assert!(world.write_by_name().await.1.is_err(), "clients are unserved");
    let ended = world.order(StateName::FailoverNeedsAPerson.as_str(), "lifeboat failover").await;
    assert_eq!(ended.end, StateName::FailoverUndone.as_str(), "{}", ended.because);
    world.served_by_the_primary(&ended).await;
}

async fn is_stopped(world: &World<'_>) {
    world.stopped(RunKind::Switchover, Place::after("drain-primary").in_earnest()).await;
    world.a_minute_passes().await;
    world.stopped(RunKind::Failover, Place::before("fence-primary")).await;
    assert!(world.lease().await.shut.is_some(), "the lease has forgotten what is shut");
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(ended.end, StateName::FailoverUndone.as_str(), "{}", ended.because);
    world.served_by_the_primary(&ended).await;
}

fn is_undo(call: &Call) -> bool {
    call.caller == Caller::States && call.target == "lifeboat-fence-primary"
}
