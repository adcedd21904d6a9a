//! One plan over one pair: two plans that name the same instance would have two leases, and nothing would keep their runs
//! apart.

use domain::{
    failure::Failure,
    id::{InstanceId, PlanName, Region},
    plan::Plan,
};
use edge::shelf::{self, Condition, Shelf};
use serde::{Deserialize, Serialize};

/// Which plan moves an instance. Kept beside the leases, on a condition.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Claim {
    plan: PlanName,
}

/// Claims both sides of the plan's pair for it. What another plan claimed is taken over only where that plan is gone, or
/// names the instance no more.
///
/// # Errors
/// As the shelf answers; `Conflict` where another run claims at the same time.
pub(crate) async fn claim(shelf: &impl Shelf, plan: &Plan) -> Result<Result<(), String>, Failure> {
    let Some(pair) = plan.traffic_pair() else { return Ok(Ok(())) };
    let side = |region, instance| side(shelf, plan, region, instance);
    let (primary, replica) = tokio::join!(
        side(&plan.regions.primary, &pair.primary.instance),
        side(&plan.regions.recovery, &pair.replica.instance),
    );
    Ok(primary?.and(replica?))
}

async fn side(
    shelf: &impl Shelf,
    plan: &Plan,
    region: &Region,
    instance: &InstanceId,
) -> Result<Result<(), String>, Failure> {
    let key = format!("leases/instances/{region}/{instance}.json");
    let ours = Claim { plan: plan.plan.clone() };
    let condition = match shelf::read_json::<Claim>(shelf, &key).await? {
        Some((claim, _)) if claim.plan == plan.plan => return Ok(Ok(())),
        Some((claim, _)) if names(shelf, &claim.plan, region, instance).await? => {
            return Ok(Err(format!(
                "`{instance}` in {region} is in plan `{}` as well, whose runs have a lease of their own: two plans over one \
                 pair may not move it. Take it out of one of them",
                claim.plan
            )));
        }
        Some((_, etag)) => Condition::Unchanged(etag),
        None => Condition::Absent,
    };
    shelf::write_json(shelf, &key, &ours, condition).await.map(Ok)
}

/// Whether a plan that is in this bucket still names an instance of a Region as one that its runs move. One that is gone,
/// or that nobody can read, opens no run.
async fn names(shelf: &impl Shelf, plan: &PlanName, region: &Region, instance: &InstanceId) -> Result<bool, Failure> {
    let plan = match shelf::read_plan(shelf, plan).await {
        Ok((plan, _)) => plan,
        Err(Failure::NotFound(_) | Failure::InvalidInput(_)) => return Ok(false),
        Err(failure) => return Err(failure),
    };
    let sides = plan.traffic_pair().map(|pair| {
        [(&plan.regions.primary, &pair.primary.instance), (&plan.regions.recovery, &pair.replica.instance)]
    });
    Ok(sides.into_iter().flatten().any(|side| side == (region, instance)))
}

#[cfg(test)]
mod tests {
    use edge::shelf::fake::Memory;

    use super::*;

    const LAB: &str = include_str!("../../../plans/lab.yaml");

    fn plan(name: &str) -> Plan {
        let text = LAB.replacen("plan: lab", &format!("plan: {name}"), 1);
        domain::plan::read(&text, "plan").unwrap()
    }

    #[tokio::test]
    async fn two_plans_over_one_pair_do_not_both_move_it() {
        let shelf = Memory::default().with("plans/lab.yaml", LAB);
        assert_eq!(claim(&shelf, &plan("lab")).await.unwrap(), Ok(()));
        assert_eq!(claim(&shelf, &plan("lab")).await.unwrap(), Ok(()), "it is its own");
        let why = claim(&shelf, &plan("other")).await.unwrap().unwrap_err();
        assert!(why.contains("`orders-primary`") && why.contains("plan `lab`"), "{why}");
    }

    #[tokio::test]
    async fn a_plan_that_is_gone_or_names_it_no_more_or_cannot_be_read_claims_nothing() {
        let others = LAB.replace("orders-primary", "other-primary").replace("orders-replica", "other-replica");
        for left in [None, Some(others.as_str()), Some("no plan")] {
            let shelf = Memory::default().with("plans/lab.yaml", LAB);
            claim(&shelf, &plan("lab")).await.unwrap().unwrap();
            let claims: Vec<(String, String)> = shelf
                .keys()
                .into_iter()
                .filter(|key| key.starts_with("leases/instances/"))
                .map(|key| (key.clone(), shelf.text(&key).unwrap()))
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
