//! A run: one execution of a state machine for a plan, as its steps hand it on.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::PostgresPair,
    failover::lease::{Holder, Phase, Shut},
    plan::PairPlan,
    run::outcome::RunOutcome,
    state_machine::{StateMachine, StateName},
    words::{
        failure::Failure,
        id::{BadId, CallerArn, ExecutionArn, Generation, Person},
    },
};

/// What a run is for. Its state machine's name says so: that is known of every execution, also of one that opened no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// The primary failed: its replica takes over, and may lack something.
    Failover,
    /// The primary works, and hands over all that it has.
    Switchover,
}

impl RunKind {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Failover, Self::Switchover];

    /// The kind of an execution. A state machine of another name is held to be the one that judges.
    #[must_use]
    pub fn of(execution: &ExecutionArn) -> Self {
        let machine = StateMachine::of(execution);
        Self::ALL.into_iter().find(|kind| Some(kind.machine()) == machine).unwrap_or(Self::Failover)
    }

    /// Its state machine.
    #[must_use]
    pub fn machine(self) -> StateMachine {
        match self {
            Self::Failover => StateMachine::Failover,
            Self::Switchover => StateMachine::Switchover,
        }
    }

    /// Where it ends, and the heading of RUNBOOK.md that says what to do then.
    #[must_use]
    pub fn end(self, outcome: RunOutcome) -> StateName {
        match (self, outcome) {
            (Self::Failover, RunOutcome::Done) => StateName::FailoverDone,
            (Self::Failover, RunOutcome::Degraded) => StateName::FailoverDegraded,
            (Self::Failover, RunOutcome::Refused) => StateName::FailoverRefused,
            (Self::Failover, RunOutcome::Undone) => StateName::FailoverUndone,
            (Self::Failover, RunOutcome::NeedsAPerson) => StateName::FailoverNeedsAPerson,
            (Self::Switchover, RunOutcome::Done) => StateName::SwitchoverDone,
            (Self::Switchover, RunOutcome::Degraded) => StateName::SwitchoverDegraded,
            (Self::Switchover, RunOutcome::Refused) => StateName::SwitchoverRefused,
            (Self::Switchover, RunOutcome::Undone) => StateName::SwitchoverUndone,
            (Self::Switchover, RunOutcome::NeedsAPerson) => StateName::SwitchoverNeedsAPerson,
        }
    }

    /// The outcome that an end of it stands for.
    #[must_use]
    pub fn outcome_of(self, end: &StateName) -> Option<RunOutcome> {
        RunOutcome::ALL.into_iter().find(|outcome| self.end(*outcome) == *end)
    }

    /// In a sentence.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Switchover => "switchover",
        }
    }
}

/// What `OpenRun` makes and every later step is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    /// Who owns the run and its lease.
    pub execution: ExecutionArn,
    /// The plan, as it was when the run opened.
    pub plan: PairPlan,
    /// The version of the plan's object: what was pinned.
    pub plan_version: String,
    /// This run's generation.
    pub generation: Generation,
    /// Why it runs.
    pub trigger: Trigger,
    /// The holder that ended without releasing the lease, which this run took over.
    pub taken_over: Option<Holder>,
    /// A primary that an earlier run shut and that nobody has seen open again: this run owes that, unless it promotes.
    #[serde(default)]
    pub owes: Option<Shut>,
    /// A person's consent to lose more than the budget.
    pub consent: Option<Consent>,
    /// When the lease was taken.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
}

impl Run {
    /// The failover that would begin now, opened by nobody: for what only looks.
    ///
    /// # Errors
    /// `InvalidInput` where an execution's name cannot hold the plan's Region.
    pub fn supposed(
        plan: PairPlan,
        plan_version: String,
        generation: Generation,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let (region, machine) = (&plan.regions.recovery, StateMachine::Failover.name());
        let execution = format!("arn:aws:states:{region}:0:execution:{machine}:rehearsal");
        let execution = execution.parse().map_err(|error: BadId| Failure::InvalidInput(error.to_string()))?;
        let trigger = Trigger::Alarm { alarm: "rehearsal".into(), at: now, reason: "a rehearsal".into() };
        // Opened long ago: nothing is to be waited for.
        let (taken_over, owes, consent, opened_at) = (None, None, None, Timestamp::UNIX_EPOCH);
        Ok(Self { execution, plan, plan_version, generation, trigger, taken_over, owes, consent, opened_at })
    }

    /// The pair whose primary is moved. A plan without one never opens a run.
    #[must_use]
    pub fn pair(&self) -> Option<&PostgresPair> {
        self.plan.pair()
    }

    /// The same, for a step that can do nothing without it.
    ///
    /// # Errors
    /// `InvalidInput` with the place in the step's event.
    pub fn protected(&self) -> Result<&PostgresPair, Failure> {
        self.pair().ok_or_else(|| Failure::InvalidInput("run.plan.traffic.component: names no component".into()))
    }

    /// Whether this run finishes what another one began past its point of no return: it only goes forward.
    #[must_use]
    pub fn finishes(&self) -> bool {
        self.taken_over.as_ref().is_some_and(|holder| holder.phase == Phase::Promoting)
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> RunKind {
        RunKind::of(&self.execution)
    }
}

/// Why a run was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Trigger {
    /// A CloudWatch alarm.
    Alarm {
        /// The alarm.
        alarm: String,
        /// When it changed its state.
        #[schemars(with = "String")]
        at: Timestamp,
        /// CloudWatch's reason.
        reason: String,
    },
    /// A person, from the console or the command.
    Person {
        /// Who.
        by: Person,
        /// Why.
        why: String,
        /// Who it was by AWS's word, where that was proved: `by` is only said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proved: Option<CallerArn>,
    },
    /// The engine itself, because the alarm's own run came to nothing and its reason is gone.
    Again {
        /// Since when what it answers has been so: the primary's failure, or an undo that is owed.
        #[schemars(with = "String")]
        since: Timestamp,
        /// Which start of its own this is, from one on.
        attempt: u32,
        /// Why a run may go through now.
        reason: String,
    },
}

impl Trigger {
    /// Whether nobody ordered it: it waits for the hold-down, and asks where the plan says so.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        match self {
            Self::Alarm { .. } | Self::Again { .. } => true,
            Self::Person { .. } => false,
        }
    }

    /// The same, ordered by whom AWS names.
    #[must_use]
    pub fn proved(self, proved: Option<CallerArn>) -> Self {
        match self {
            Self::Person { by, why, .. } => Self::Person { by, why, proved },
            automatic @ (Self::Alarm { .. } | Self::Again { .. }) => automatic,
        }
    }
}

/// A named consent to lose more than the plan's budget, for one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consent {
    /// Who consents.
    pub by: Person,
    /// Why.
    pub why: String,
}
