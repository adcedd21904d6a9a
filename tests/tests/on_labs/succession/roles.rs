//! Roles that cannot be shut out, because they do not exist.

use domain::{component::Component, failover::run::RunKind, plan::PairPlan, state_machine::StateName};
use lab::gateway::{Caller, Fault, How, When};

use super::{Case, after::fenced, world::World};

/// A role beside the plan's own.
const SECOND: &str = "seller";

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    vec![
        Case::new("a role that does not exist is refused by name before anything is changed", is_refused(world)),
        Case::new(
            "a role that is dropped between judging and fencing leaves the application served",
            is_dropped(world),
        ),
    ]
}

async fn is_refused(world: &World<'_>) {
    world.replan(&with_a_second_role(world.plan())).await;
    world.kill().await;
    let refused = world.order("Starting a failover by hand", "lifeboat failover").await;
    assert_eq!(refused.end, StateName::FailoverRefused.as_str(), "{}", refused.because);
    assert!(refused.because.contains(&format!("`{SECOND}`")), "{}", refused.because);
    assert!(refused.because.contains("applicationRoles"), "{}", refused.because);
    let (lease, record) = (world.lease().await, &refused.record().record);
    assert!(record.fencing.is_none() && record.promotion.is_none() && lease.shut.is_none(), "nothing was changed");
    world.replan(world.plan()).await;
    let ended = world.order("Starting a failover by hand", "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}

async fn is_dropped(world: &World<'_>) {
    let (primary, database) = (world.lab.system.primary(), world.lab.system.pair.database.as_str());
    world.as_the_owner(&format!("create role {SECOND} login")).await;
    let asked = format!("select 1 from pg_roles where rolname = '{SECOND}'");
    world
        .until("the role on the replica", async || {
            let rows = world.lab.aws.rds.ask(&world.lab.system.replica(), database, &asked).await.unwrap();
            (!rows.is_empty()).then_some(())
        })
        .await;
    world.replan(&with_a_second_role(world.plan())).await;
    world.kill().await;
    // The fence is held back until the primary is there again, without the role.
    let held = Fault::new(When::Before, How::Throttled).by(Caller::States).target("lifeboat-fence-primary");
    let held = world.faults.set(&held).await.unwrap();
    let run = world.start(RunKind::Failover).await;
    world.until_it_hangs(&run, held, false).await;
    world.bring_back().await;
    world.as_the_owner(&format!("drop role {SECOND}")).await;
    assert!(world.write_at(&primary).await.is_ok(), "clients are served");
    world.faults.heal().await.unwrap();
    let undone = world.ended(&run).await;
    assert_eq!(undone.end, StateName::FailoverUndone.as_str(), "{}", undone.because);
    assert!(undone.because.contains(SECOND), "{}", undone.because);
    assert!(undone.record().record.fencing.is_some() && !fenced(undone.record()), "it was not seen to refuse");
    world.served_by_the_primary(&undone).await;
}

fn with_a_second_role(plan: &PairPlan) -> PairPlan {
    let mut plan = plan.clone();
    for component in &mut plan.components {
        if let Component::PostgresPair(pair) = component {
            pair.application_roles.push(SECOND.parse().unwrap());
        }
    }
    plan
}

impl World<'_> {
    /// Runs a statement on the primary as the database's owner.
    async fn as_the_owner(&self, statement: &str) {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let owner = system.owner_session(aws, &system.plan.regions.primary, &system.pair.primary).await.unwrap();
        owner.batch_execute(statement).await.unwrap();
    }
}
