//! A finishing run whose fence comes to nothing.

use domain::{failover::run::RunKind, state_machine::StateName};
use lab::gateway::{Caller, Fault, How, When};

use super::{
    Case,
    world::{Place, World},
};

/// How often FencePrimary is called before it is given up: once, and five times more.
const CALLS_OF_THE_FENCE: u32 = 6;

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    let fence = || Caller::Function("lifeboat-fence-primary".into());
    let throttled = Fault::new(When::Before, How::Throttled).by(Caller::States).target("lifeboat-fence-primary");
    let denied = Fault::new(When::Before, How::Denied).by(fence()).of("s3");
    vec![
        Case::new(
            "a fence that is throttled beside a promoted replica opens nothing, and the next order finishes",
            opens_nothing(world, throttled.first(CALLS_OF_THE_FENCE)),
        ),
        Case::new(
            "a fence that may not read its lease beside a promoted replica opens nothing, and the next order finishes",
            opens_nothing(world, denied),
        ),
    ]
}

async fn opens_nothing(world: &World<'_>, fault: Fault) {
    let primary = world.lab.system.primary();
    world.kill().await;
    world.stopped(RunKind::Failover, Place::after("promote-replica")).await;
    world.bring_back().await;
    world.faults.set(&fault).await.unwrap();
    let given_up = world.ended(&world.start(RunKind::Failover).await).await;
    world.faults.heal().await.unwrap();
    assert_eq!(given_up.end, StateName::FailoverNeedsAPerson.as_str(), "{}", given_up.because);
    assert!(given_up.because.contains("FencePrimary"), "{}", given_up.because);
    let old = world.write_at(&primary).await;
    assert!(old.is_err(), "the old primary was opened beside its replica: {old:?}");
    assert!(world.lease().await.unfinished.is_some(), "the promotion is still to be finished");
    let ended = world.order(StateName::FailoverNeedsAPerson.as_str(), "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}
