//! Who takes a lease from whom, and whether a run may still act by it.

use crate::{
    component::ActiveSide,
    failover::{
        fencing::Target,
        lease::{Holder, Lease, Phase, Shut},
        run::Run,
    },
    plan::Plan,
    words::{
        id::{ExecutionArn, Generation},
        span::Span,
    },
};

use jiff::Timestamp;

/// What is known of the execution that holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// It is still running.
    Running,
    /// It ended without releasing.
    Gone {
        /// As this status says.
        status: String,
        /// When, where the engine still knows it.
        at: Option<Timestamp>,
    },
    /// It could not be asked.
    Unknown(String),
}

impl Owner {
    /// One that ended, and nobody knows when.
    #[must_use]
    pub fn gone(status: &str) -> Self {
        Self::Gone { status: status.to_owned(), at: None }
    }

    /// One that the engine does not know, this long after it had begun. It keeps executions for 90 days, and may show one
    /// only some time after its start.
    #[must_use]
    pub fn not_known(age: Span) -> Self {
        if age < SHOWN_WITHIN {
            return Self::Unknown("the engine does not show it yet".to_owned());
        }
        Self::gone("forgotten")
    }
}

/// How long after its start an execution may not be shown yet.
const SHOWN_WITHIN: Span = Span::seconds(60);

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
    plan: &Plan,
    execution: &ExecutionArn,
    now: Timestamp,
) -> Taking {
    let holder = Holder { execution: execution.clone(), phase: Phase::Opened, since: now, asked: None };
    let Some(current) = current else {
        let lease = Lease {
            plan: plan.plan.clone(),
            generation: Generation::ZERO.next(),
            holder: Some(holder),
            active: ActiveSide::Primary,
            last: None,
            unfinished: None,
            shut: None,
            guard: None,
        };
        return Taking::Take { lease, taken_over: None };
    };
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
    let lease = Lease { generation: current.generation.next(), holder: Some(holder), unfinished, ..current.clone() };
    Taking::Take { lease, taken_over }
}

/// What a plan that failed over lacks before it can again, and how it is restored.
fn missing(plan: &Plan) -> String {
    let Some(pair) = plan.traffic_pair() else { return "Its traffic names no component".to_owned() };
    let (active, region) = (&pair.replica.instance, &plan.regions.primary);
    format!(
        "What is missing is a replica of `{active}` in {region}: `aws rds create-db-instance-read-replica --region {region} \
         --source-db-instance-identifier ARN-OF-{active} --db-instance-identifier NEW-NAME`, then turn the plan round as RUNBOOK.md says, \
         \"Protecting it again after a failover\""
    )
}

/// Whether a run may still act: it holds the lease, and nobody had a newer generation since.
///
/// # Errors
/// Says who holds it instead.
pub fn holds(lease: Option<&Lease>, run: &Run) -> Result<Lease, String> {
    let plan = &run.plan.plan;
    let Some(lease) = lease else {
        return Err(format!(
            "the lease of plan `{plan}` is gone; this run (generation {}) may change nothing",
            run.generation
        ));
    };
    match &lease.holder {
        Some(holder) if holder.execution == run.execution && lease.generation == run.generation => Ok(lease.clone()),
        Some(holder) => Err(format!(
            "execution `{}` holds the lease of plan `{plan}` with generation {}; this run (generation {}) may change nothing",
            holder.execution.name(),
            lease.generation,
            run.generation
        )),
        None => Err(format!(
            "nobody holds the lease of plan `{plan}`, now at generation {}; this run (generation {}) may change nothing",
            lease.generation, run.generation
        )),
    }
}

impl Lease {
    /// The same lease with a primary that is about to be shut; `None` where it says so already, or where its guard
    /// keeps it out in any case.
    #[must_use]
    pub fn shutting(&self, run: &Run, target: &Target, network: bool, now: Timestamp) -> Option<Self> {
        if self.is_past_the_point_of_no_return() {
            return None;
        }
        let shut = match &self.shut {
            // Whose it was stays: only what is done to it is added.
            Some(shut) if shut.target == *target && (shut.network || !network) => return None,
            Some(shut) if shut.target == *target => Shut { network, ..shut.clone() },
            Some(_) | None => Shut {
                execution: run.execution.clone(),
                generation: run.generation,
                since: now,
                target: target.clone(),
                network,
            },
        };
        Some(Self { shut: Some(shut), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        failover::{guard::Guard, lease::Asked},
        run::outcome::RunOutcome,
    };

    fn execution(name: &str) -> ExecutionArn {
        format!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:{name}").parse().unwrap()
    }

    fn lab() -> Plan {
        crate::plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
    }

    fn held_by(name: &str) -> Lease {
        let Taking::Take { lease, .. } = take(None, None, &lab(), &execution(name), Timestamp::UNIX_EPOCH) else {
            panic!("not taken")
        };
        lease
    }

    #[test]
    fn the_first_run_is_generation_one() {
        assert_eq!(held_by("a").generation, Generation(1));
    }

    #[test]
    fn a_running_holder_is_named_in_the_refusal() {
        let taking = take(Some(&held_by("a")), Some(&Owner::Running), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
        let Taking::Refuse(why) = taking else { panic!("{taking:?}") };
        assert!(why.contains("`a`") && why.contains("still running"), "{why}");
    }

    #[test]
    fn a_holder_that_cannot_be_asked_keeps_its_lease() {
        for owner in [None, Some(Owner::Unknown("timed out".into()))] {
            let taking = take(Some(&held_by("a")), owner.as_ref(), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
            assert!(matches!(taking, Taking::Refuse(_)), "{taking:?}");
        }
    }

    #[test]
    fn an_execution_that_is_not_shown_is_gone_only_once_it_is_old() {
        assert!(matches!(Owner::not_known(Span::seconds(59)), Owner::Unknown(_)));
        assert_eq!(Owner::not_known(Span::seconds(60)), Owner::gone("forgotten"));
    }

    #[test]
    fn a_dead_holder_is_taken_over_with_the_next_generation() {
        let taking =
            take(Some(&held_by("a")), Some(&Owner::gone("ABORTED")), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
        let Taking::Take { lease, taken_over } = taking else { panic!("{taking:?}") };
        assert_eq!(lease.generation, Generation(2));
        assert_eq!(taken_over.map(|holder| holder.execution), Some(execution("a")));
    }

    #[test]
    fn taking_it_twice_is_taking_it_once() {
        let lease = held_by("a");
        assert_eq!(
            take(Some(&lease), None, &lab(), &execution("a"), Timestamp::UNIX_EPOCH),
            Taking::Ours { lease: lease.clone(), taken_over: None }
        );
    }

    fn asked() -> Asked {
        let position = crate::words::wal::ReplicaPosition {
            received: crate::words::wal::Lsn(1),
            replayed: crate::words::wal::Lsn(1),
            replayed_commit_at: None,
        };
        Asked {
            at: Timestamp::UNIX_EPOCH,
            position: Some(position),
            loss: crate::failover::loss::Loss::Promoted,
            unserved_since: None,
        }
    }

    fn target() -> Target {
        let plan = lab();
        Target::primary(&plan, plan.traffic_pair().unwrap())
    }

    fn guard() -> Option<Guard> {
        let (since, position) = (Timestamp::UNIX_EPOCH, asked().position);
        Some(Guard { generation: Generation(1), since, position, target: target(), settles_at: None })
    }

    #[test]
    fn a_run_that_stopped_past_its_point_of_no_return_is_finished_by_the_next() {
        let promoting = held_by("a").promoting(asked(), guard());
        let stopped = promoting.released(RunOutcome::NeedsAPerson, ActiveSide::Replica, Timestamp::UNIX_EPOCH);
        for left in [(&stopped, None), (&promoting, Some(Owner::gone("ABORTED")))] {
            let taking = take(Some(left.0), left.1.as_ref(), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
            let Taking::Take { lease, taken_over } = taking else { panic!("{taking:?}") };
            assert_eq!(taken_over.unwrap().execution, execution("a"));
            assert_eq!(lease.unfinished.as_ref().unwrap().execution, execution("a"), "until it is done");
            let again = take(Some(&lease), None, &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
            assert!(matches!(again, Taking::Ours { taken_over: Some(_), .. }), "a lost answer loses nothing");
            let refused = lease.released(RunOutcome::Refused, ActiveSide::Replica, Timestamp::UNIX_EPOCH);
            assert!(refused.unfinished.is_some());
            let done = lease.released(RunOutcome::Done, ActiveSide::Replica, Timestamp::UNIX_EPOCH);
            assert_eq!(done.unfinished, None);
        }
    }

    #[test]
    fn the_old_primary_is_guarded_from_the_point_of_no_return_on() {
        let lease = held_by("a").promoting(asked(), guard());
        assert_eq!(lease.guard.as_ref().unwrap().generation, Generation(1));
        assert!(lease.released(RunOutcome::Done, ActiveSide::Replica, Timestamp::UNIX_EPOCH).guard.is_some());
        assert_eq!(held_by("a").promoting(asked(), None).guard, None, "it was seen to refuse them already");
        assert_eq!(lease.unguarded(Generation(2)), None);
        assert_eq!(lease.unguarded(Generation(1)).unwrap().guard, None);
    }

    fn run(name: &str) -> Run {
        let event: serde_json::Value =
            serde_json::from_str(include_str!("../../../../events/fence-primary.json")).unwrap();
        let run: Run = serde_json::from_value(event["run"].clone()).unwrap();
        Run { execution: execution(name), generation: Generation(1), ..run }
    }

    #[test]
    fn what_a_run_shuts_stands_in_the_lease_until_it_is_open_or_promoted_away() {
        let shut = held_by("a").shutting(&run("a"), &target(), false, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(shut.shutting(&run("a"), &target(), false, Timestamp::UNIX_EPOCH), None, "said already");
        let fenced = shut.shutting(&run("b"), &target(), true, Timestamp::UNIX_EPOCH).unwrap().shut.unwrap();
        assert_eq!((fenced.network, fenced.execution), (true, execution("a")), "what is added takes nothing away");
        let gone = Owner::gone("ABORTED");
        let taking = take(Some(&shut), Some(&gone), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
        let Taking::Take { lease, .. } = taking else { panic!("{taking:?}") };
        for outcome in [RunOutcome::Refused, RunOutcome::NeedsAPerson] {
            assert!(lease.released(outcome, ActiveSide::Primary, Timestamp::UNIX_EPOCH).shut.is_some(), "{outcome:?}");
        }
        assert_eq!(lease.opened().shut, None);
        let promoting = lease.promoting(asked(), guard());
        assert_eq!(promoting.shut, None, "it is not to be opened any more");
        assert_eq!(
            promoting.shutting(&run("b"), &target(), true, Timestamp::UNIX_EPOCH),
            None,
            "its guard keeps it out"
        );
    }

    #[test]
    fn a_plan_that_failed_over_has_nothing_left_to_fail_over_to() {
        let lease = held_by("a").released(RunOutcome::Done, ActiveSide::Replica, Timestamp::UNIX_EPOCH);
        let taking = take(Some(&lease), None, &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
        let Taking::Refuse(why) = taking else { panic!("{taking:?}") };
        for part in
            ["generation 1, by `a`", "replication has not been restored", "`orders-replica` in us-east-1", "RUNBOOK.md"]
        {
            assert!(why.contains(part), "{part}: {why}");
        }
    }

    #[test]
    fn a_person_s_no_outlives_the_runs_that_end_after_it() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let refused = |lease: Lease, second| lease.released(RunOutcome::Refused, ActiveSide::Primary, at(second));
        let no = refused(held_by("asked"), 10).declined();
        let next = Lease { holder: held_by("again").holder, ..no };
        assert_eq!(refused(next, 20).last.unwrap().declined_at, Some(at(10)), "it was said then, and not later");
    }
}
