//! A run: one execution of a state machine for a plan, as its steps hand it on.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::PostgresPair,
    failover::lease::{Holder, Phase, Shut},
    plan::Plan,
    words::{
        failure::Failure,
        id::{BadId, ExecutionArn, Generation, Person},
    },
};

/// What a run is for. Its state machine's name says so: that is known of every execution, also of one that opened no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The primary failed: its replica takes over, and may lack something.
    Failover,
    /// The primary works, and hands over all that it has.
    Switchover,
}

impl Kind {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Failover, Self::Switchover];

    /// The kind of an execution. A state machine of another name is held to be the one that judges.
    #[must_use]
    pub fn of(execution: &ExecutionArn) -> Self {
        Self::ALL.into_iter().find(|kind| kind.machine() == execution.machine()).unwrap_or(Self::Failover)
    }

    /// Its state machine, in every Region.
    #[must_use]
    pub fn machine(self) -> &'static str {
        match self {
            Self::Failover => "lifeboat-failover",
            Self::Switchover => "lifeboat-switchover",
        }
    }

    /// In a sentence.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Switchover => "switchover",
        }
    }

    /// What the names of its ends begin with.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Failover => "Failover",
            Self::Switchover => "Switchover",
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
    pub plan: Plan,
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
    pub fn supposed(plan: Plan, plan_version: String, generation: Generation, now: Timestamp) -> Result<Self, Failure> {
        let execution = format!("arn:aws:states:{}:0:execution:lifeboat-failover:rehearsal", plan.regions.recovery);
        let execution = execution.parse().map_err(|error: BadId| Failure::InvalidInput(error.to_string()))?;
        let trigger = Trigger::Alarm { alarm: "rehearsal".into(), at: now, reason: "a rehearsal".into() };
        // Opened long ago: nothing is to be waited for.
        let (taken_over, owes, consent, opened_at) = (None, None, None, Timestamp::UNIX_EPOCH);
        Ok(Self { execution, plan, plan_version, generation, trigger, taken_over, owes, consent, opened_at })
    }

    /// The pair whose primary is moved. A plan without one never opens a run.
    #[must_use]
    pub fn pair(&self) -> Option<&PostgresPair> {
        self.plan.traffic_pair()
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
    pub fn kind(&self) -> Kind {
        Kind::of(&self.execution)
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
