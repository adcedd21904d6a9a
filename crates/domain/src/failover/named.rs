//! A disaster that a person names with an order: what only people can tell.

use crate::plan::{Disaster, PairPlan, Policy};

/// Whether a failover is the answer to what a person says has happened.
///
/// # Errors
/// Why it is none, and what helps instead, in a sentence.
pub fn answer(plan: &PairPlan, class: Disaster) -> Result<(), String> {
    if let Some(why) = of_a_database_that_answers(plan, class) {
        return Err(why);
    }
    let Some(policy) = plan.failover.policy.of_what_a_person_tells(class) else { return Ok(()) };
    let what = match class {
        Disaster::Breach => "whoever is in has what the replica has, its logins among it",
        Disaster::Corruption
        | Disaster::Deletion
        | Disaster::Database
        | Disaster::Zone
        | Disaster::Region
        | Disaster::SeveralRegions
        | Disaster::Application
        | Disaster::Network => "the replica has replayed it already",
    };
    if policy == Policy::Never {
        return Err(format!(
            "the plan has nothing done for class {class} (failover.policy.{class} is never), and {what}"
        ));
    }
    let (whole, region) = (plan.plan.whole(), &plan.regions.recovery);
    Err(format!(
        "a failover does not help against class {class}: {what}. Restore to the moment before, or the newest proved backup \
         (RUNBOOK.md, \"Wrong or deleted data, or a breach\"): lifeboat restore --plan {whole} --component {} --region {region} \
         --by YOU --at TIME, or --latest",
        plan.traffic.component
    ))
}

/// What helps where the database answers: it is not failed over for it, whatever the plan says.
fn of_a_database_that_answers(plan: &PairPlan, class: Disaster) -> Option<String> {
    let (name, region) = (&plan.plan, &plan.regions.recovery);
    let hand_over = format!("lifeboat switchover --plan {name} --region {region} --by YOU --why REASON");
    let (policy, helps) = match class {
        Disaster::Application => (
            plan.failover.policy.application,
            format!("Have the application repaired; where its Region is at fault, hand the database over: {hand_over}"),
        ),
        Disaster::Network => (
            plan.failover.policy.network,
            format!("Have the way to it repaired; where both Regions reach it, it can be handed over: {hand_over}"),
        ),
        Disaster::Database
        | Disaster::Zone
        | Disaster::Region
        | Disaster::SeveralRegions
        | Disaster::Corruption
        | Disaster::Breach
        | Disaster::Deletion => return None,
    };
    let by_the_plan = match policy {
        Policy::Never => format!(" (failover.policy.{class} is never)"),
        Policy::Automatic | Policy::Approval => String::new(),
    };
    Some(format!(
        "a failover does not help against class {class}{by_the_plan}: the database answers, and what it has committed since \
         would be lost. {helps} (RUNBOOK.md, \"A Region is unhealthy\")"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_replica_has_as_well_is_not_failed_over_and_what_helps_is_named() {
        let mut plan = crate::plan_file::lab_pair();
        for class in [Disaster::Corruption, Disaster::Breach, Disaster::Deletion] {
            let why = answer(&plan, class).unwrap_err();
            let restore = "lifeboat restore --plan lab --component orders --region us-west-2 --by YOU --at TIME";
            assert!(why.contains(restore) && why.contains(&format!("against class {class}")), "{why}");
        }
        for class in [Disaster::Application, Disaster::Network] {
            let why = answer(&plan, class).unwrap_err();
            let switchover = "lifeboat switchover --plan lab --region us-west-2 --by YOU";
            assert!(why.contains(switchover) && why.contains(&format!("failover.policy.{class} is never")), "{why}");
        }
        for class in [Disaster::Region, Disaster::SeveralRegions, Disaster::Database] {
            assert_eq!(answer(&plan, class), Ok(()));
        }
        plan.failover.policy.breach = Some(Policy::Never);
        let why = answer(&plan, Disaster::Breach).unwrap_err();
        assert!(why.contains("failover.policy.breach is never") && !why.contains("lifeboat restore"), "{why}");
    }
}
