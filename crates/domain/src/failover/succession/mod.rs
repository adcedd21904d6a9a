//! Who takes a lease from whom, and whether a run may still act by it.

mod holding;
mod owner;

pub use holding::holds;
pub use owner::Owner;

use crate::{
    component::ActiveSide,
    failover::{
        lease::{Holder, Lease, Phase},
        request::FailoverRequest,
        run::{Run, RunKind, Trigger},
    },
    plan::PairPlan,
    words::{
        failure::Failure,
        id::{ExecutionArn, Generation},
    },
};

use jiff::Timestamp;

/// What to do about a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// Write this, on the condition that nothing changed.
    Take {
        /// The lease with ourselves as its holder.
        lease: Lease,
        /// The holder that ended without releasing, or before it was done.
        taken_over: Option<Holder>,
    },
    /// It is ours already: an earlier try wrote it.
    Ours {
        /// As that try left it.
        lease: Lease,
        /// What there is to finish.
        taken_over: Option<Holder>,
    },
    /// Not now, and why.
    Refuse(String),
}

/// Plans the taking of a lease.
#[must_use]
pub fn take(
    current: Option<&Lease>,
    owner: Option<&Owner>,
    plan: &PairPlan,
    execution: &ExecutionArn,
    now: Timestamp,
) -> Taking {
    let holder = Holder { execution: execution.clone(), phase: Phase::Opened, since: now, asked: None };
    let component = || Some(plan.traffic.component.clone());
    let Some(current) = current else {
        let free = Lease::free(plan.plan.clone(), Generation::ZERO.next(), ActiveSide::Primary);
        let lease = Lease { component: component(), holder: Some(holder), ..free };
        return Taking::Take { lease, taken_over: None };
    };
    if let Some(why) = of_another_pair(current, plan) {
        return Taking::Refuse(why);
    }
    if let Some(held) = &current.holder {
        if held.execution == *execution {
            return Taking::Ours { lease: current.clone(), taken_over: current.unfinished.clone() };
        }
        match owner {
            Some(Owner::Gone { .. }) => {}
            Some(Owner::Running) => {
                return Taking::Refuse(format!(
                    "execution `{}` holds the lease of plan `{}` and is still running",
                    held.execution.name(),
                    plan.plan
                ));
            }
            Some(Owner::Unknown(why)) => {
                return Taking::Refuse(format!(
                    "execution `{}` holds the lease of plan `{}`, and whether it still runs could not be told: {why}",
                    held.execution.name(),
                    plan.plan
                ));
            }
            None => {
                return Taking::Refuse(format!(
                    "execution `{}` holds the lease of plan `{}` and was not asked",
                    held.execution.name(),
                    plan.plan
                ));
            }
        }
    }
    // Past its point of no return a run is finished, not begun again.
    let died = current.holder.clone();
    let unfinished = died.clone().filter(|holder| holder.phase == Phase::Promoting).or(current.unfinished.clone());
    if current.active == ActiveSide::Replica && unfinished.is_none() {
        return Taking::Refuse(format!(
            "plan `{}` failed over in generation {}{} and its replication has not been restored since: there is nothing to fail over to. {}",
            plan.plan,
            current.last.as_ref().map_or(current.generation, |last| last.generation),
            current.last.as_ref().map(|last| format!(", by `{}`,", last.execution.name())).unwrap_or_default(),
            missing(plan)
        ));
    }
    let taken_over = unfinished.clone().or(died);
    // A switchover drains a primary that works, and once a promotion was asked for, nobody knows that there is still one.
    if let Some(dead) = taken_over.as_ref().filter(|dead| dead.phase == Phase::Promoting)
        && RunKind::of(execution) == RunKind::Switchover
    {
        return Taking::Refuse(format!(
            "`{}` ended past its point of no return, and a switchover does not go on there: order a failover, which does",
            dead.execution.name()
        ));
    }
    let (generation, holder) = (current.generation.next(), Some(holder));
    let lease = Lease { component: component(), generation, holder, unfinished, ..current.clone() };
    Taking::Take { lease, taken_over }
}

/// The run that a person's order would open, `since` when it is judged; or why it would open none.
///
/// # Errors
/// As [`Run::supposed`].
pub fn suppose(
    order: FailoverRequest,
    (plan, plan_version): (PairPlan, String),
    (lease, owner): (Option<&Lease>, Option<&Owner>),
    since: Timestamp,
) -> Result<Result<Run, String>, Failure> {
    let nobody = Run::supposed(plan, plan_version, Generation::ZERO, since)?;
    Ok(match take(lease, owner, &nobody.plan, &nobody.execution, since) {
        Taking::Refuse(why) => Err(why),
        Taking::Take { lease, taken_over } | Taking::Ours { lease, taken_over } => {
            let Run { execution, plan, plan_version, .. } = nobody;
            Ok(order.open(execution, (plan, plan_version), &lease, taken_over, since))
        }
    })
}

/// Why a lease says nothing of the pair whose plan this is: it is another's, which came first before. Only one that says no more
/// than where generations stand is taken over from a pair that is gone.
fn of_another_pair(lease: &Lease, plan: &PairPlan) -> Option<String> {
    let of = lease.component.as_ref().filter(|of| **of != plan.traffic.component)?;
    let is_there = plan.component(of).is_some_and(|known| known.kind().moves().is_some());
    let tells = lease.active == ActiveSide::Replica || lease.at_work().is_some();
    (is_there || tells).then(|| {
        format!(
            "the lease of `{}` is that of the pair `{of}`, and the plan's first pair is `{}` now: put `{of}` first again. RUNBOOK.md, \
             Correcting the lease",
            plan.plan, plan.traffic.component
        )
    })
}

/// What a plan that failed over lacks before it can again, and how it is restored.
fn missing(plan: &PairPlan) -> String {
    let Some(pair) = plan.pair() else { return "Its traffic names no component".to_owned() };
    let (active, region) = (&pair.replica.instance, &plan.regions.primary);
    format!(
        "What is missing is a replica of `{active}` in {region}: `aws rds create-db-instance-read-replica --region {region} \
         --source-db-instance-identifier ARN-OF-{active} --db-instance-identifier NEW-NAME`, then turn the plan round as RUNBOOK.md says, \
         \"Protecting it again after a failover\""
    )
}

/// Whether to ask again where a lease was refused: where another run is at work, it may come to nothing, and what could not
/// be asked may be asked in a moment. A person is there to order it again.
#[must_use]
pub fn waits(trigger: &Trigger, owner: Option<&Owner>) -> bool {
    trigger.is_automatic() && matches!(owner, Some(Owner::Running | Owner::Unknown(_)))
}

/// One sentence for the record on a lease that was taken.
#[must_use]
pub fn because(lease: &Lease, taken_over: Option<&Holder>) -> String {
    let Some(dead) = taken_over else {
        return format!("holds the lease of plan `{}`, generation {}", lease.plan, lease.generation);
    };
    let stopped = match dead.phase {
        Phase::Opened => "before its point of no return",
        Phase::Promoting => "past its point of no return",
    };
    format!("goes on where `{}` ended {stopped}; generation {}", dead.execution.name(), lease.generation)
}

#[cfg(test)]
mod tests;
