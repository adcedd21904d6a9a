//! A plan that is turned round too early.

use domain::{
    component::Component,
    failover::{
        guard::{self, Kept},
        run::RunKind,
    },
};
use lab::gateway::{Call, Caller};

use super::{Case, world::World};

/// Looks of the guard at whomever it keeps out, each with its look at the lease.
const LOOKS: usize = 3;

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    vec![Case::new("a guard never touches the primary that lives, whatever the plan calls it", keeps_to_its_own(world))]
}

async fn keeps_to_its_own(world: &World<'_>) {
    let system = &world.lab.system;
    world.kill().await;
    let ended = world.ended(&world.start(RunKind::Failover).await).await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    let guard = world.lease().await.guard.unwrap_or_else(|| panic!("a dead primary is guarded until it returns"));
    let mut plan = world.plan().clone();
    std::mem::swap(&mut plan.regions.primary, &mut plan.regions.recovery);
    for component in &mut plan.components {
        if let Component::PostgresPair(pair) = component {
            std::mem::swap(&mut pair.primary, &mut pair.replica);
        }
    }
    world.replan(&plan).await;
    world.faults.forget_calls().await.unwrap();
    world.guard().await;
    let its_looks = |call: &Call| call.caller == guard_function() && call.target.starts_with("leases/");
    world.called(its_looks, LOOKS).await;
    let served = world.write_at(&system.replica()).await;
    assert!(served.is_ok(), "the only live primary was shut: {served:?}");
    world.served_by_the_replica(&ended).await;
    world.until("the end of the guard", async || world.lease().await.guard.is_none().then_some(())).await;
    let key = guard::key(&plan.plan, guard.generation);
    let kept = system.object(&world.lab.aws, &key).await.unwrap().unwrap_or_else(|| panic!("no {key}"));
    let kept: Kept = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept.instance, system.pair.primary.instance, "{}", kept.because);
    assert!(world.write_at(&system.primary()).await.is_err(), "the old primary takes writes");
    assert!(world.write_by_name().await.1.is_ok(), "clients are served");
}

fn guard_function() -> Caller {
    Caller::Function("lifeboat-guard-primary".into())
}
