//! One plan over one pair: two plans that name the same instance would have two leases, and nothing would keep their runs
//! apart.

use domain::{
    plan::PairPlan,
    words::{
        failure::Failure,
        id::{InstanceId, Region},
    },
};
use edge::object_store::{
    ObjectStore,
    claims::{self, Claimed},
};

/// Claims both sides of the plan's pair for it. What another plan claimed is taken over only where that plan is gone, or
/// no longer names the instance.
///
/// # Errors
/// As the store answers; `Conflict` where another run claims at the same time.
pub(crate) async fn claim(store: &impl ObjectStore, plan: &PairPlan) -> Result<Result<(), String>, Failure> {
    let sides = claims::sides(plan).map(|(region, instance)| side(store, plan, region, instance));
    futures::future::try_join_all(sides).await.map(|sides| sides.into_iter().collect())
}

async fn side(
    store: &impl ObjectStore,
    plan: &PairPlan,
    region: &Region,
    instance: &InstanceId,
) -> Result<Result<(), String>, Failure> {
    match claims::look(store, &plan.plan, region, instance).await? {
        Claimed::Ours => Ok(Ok(())),
        Claimed::Theirs(other) => Ok(Err(format!(
            "`{instance}` in {region} is in plan `{other}` as well, whose runs have a lease of their own: two plans over one \
             pair may not move it. Take it out of one of them"
        ))),
        Claimed::Nobody(condition) => claims::write(store, &plan.plan, region, instance, condition).await.map(Ok),
    }
}

#[cfg(test)]
mod tests {
    use edge::object_store::fake::Memory;

    use super::*;

    const LAB: &str = include_str!("../../../plans/lab.yaml");

    fn plan(name: &str) -> PairPlan {
        let text = LAB.replacen("plan: lab", &format!("plan: {name}"), 1);
        domain::plan_file::read(&text, "plan").unwrap().pairs().next().unwrap()
    }

    #[tokio::test]
    async fn two_plans_over_one_pair_do_not_both_move_it() {
        let store = Memory::default().with("plans/lab.yaml", LAB);
        assert_eq!(claim(&store, &plan("lab")).await.unwrap(), Ok(()));
        assert_eq!(claim(&store, &plan("lab")).await.unwrap(), Ok(()), "it is its own");
        let why = claim(&store, &plan("other")).await.unwrap().unwrap_err();
        assert!(why.contains("`orders-primary`") && why.contains("plan `lab`"), "{why}");
    }

    #[tokio::test]
    async fn a_plan_that_is_gone_or_names_it_no_more_or_cannot_be_read_claims_nothing() {
        let others = LAB.replace("orders-primary", "other-primary").replace("orders-replica", "other-replica");
        for left in [None, Some(others.as_str()), Some("no plan")] {
            let store = Memory::default().with("plans/lab.yaml", LAB);
            claim(&store, &plan("lab")).await.unwrap().unwrap();
            let claims: Vec<(String, String)> = store
                .keys()
                .into_iter()
                .filter(|key| key.starts_with("leases/instances/"))
                .map(|key| (key.clone(), store.text(&key).unwrap()))
                .collect();
            let mut after = Memory::default();
            for (key, text) in &claims {
                after = after.with(key, text);
            }
            let after = match left {
                Some(text) => after.with("plans/lab.yaml", text),
                None => after,
            };
            assert_eq!(claim(&after, &plan("other")).await.unwrap(), Ok(()), "{left:?}");
            assert!(after.text(&claims[0].0).unwrap().contains("other"));
        }
    }
}
