//! Who may change a pair's primary now. One object for each pair, written only on the condition that it has not changed.

use crate::{
    component::ActiveSide,
    failover::{fencing::Target, guard::Guard, loss::Loss},
    run::outcome::RunOutcome,
    words::{
        id::{ComponentName, ExecutionArn, Generation, PlanName},
        time_span::TimeSpan,
        wal::ReplicaPosition,
    },
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The lease of a pair, and where its primary is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lease {
    /// The pair's plan, by the pair's name.
    pub plan: PlanName,
    /// The pair that it is of, by its component. A plan's first pair goes by the plan's own name, and another pair may have
    /// come first since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    /// The newest generation that any run was given.
    pub generation: Generation,
    /// Who holds it, if anyone.
    pub holder: Option<Holder>,
    /// Which side takes writes.
    pub active: ActiveSide,
    /// The newest run that ended.
    pub last: Option<Ended>,
    /// A run that passed its point of no return and was not done: the next one finishes it.
    #[serde(default)]
    pub unfinished: Option<Holder>,
    /// A primary that a run shut, or was about to, and that nobody has seen open again since.
    #[serde(default)]
    pub shut: Option<Shut>,
    /// The old primary, until it was seen to refuse writes.
    #[serde(default)]
    pub guard: Option<Guard>,
}

/// A primary that a run shut before anything took its place. Written down before it is done, so that whoever comes next
/// knows what there is to open again, however the run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shut {
    /// Which execution began it.
    pub execution: ExecutionArn,
    /// Its generation.
    pub generation: Generation,
    /// When it began.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Which primary, and how it is reached.
    pub target: Target,
    /// Whether its security groups were asked for too (a fence), or only its roles (a drain).
    pub network: bool,
}

/// How long a step that shuts or opens a primary may go on after the execution that called it has ended. A fence looks for
/// 4 s at most, shuts the database within 1 s and asks RDS twice, 2 s each: 9 s. An undo has the database's 8 s beside
/// three calls to RDS.
pub const STEP_OUTLIVES_RUN_BY: TimeSpan = TimeSpan::seconds(12);

impl Lease {
    /// One that nobody holds, after no run.
    #[must_use]
    pub fn free(plan: PlanName, generation: Generation, active: ActiveSide) -> Self {
        Self {
            plan,
            component: None,
            generation,
            holder: None,
            active,
            last: None,
            unfinished: None,
            shut: None,
            guard: None,
        }
    }

    /// What of its pair is not over yet, in a few words.
    #[must_use]
    pub fn at_work(&self) -> Option<String> {
        if let Some(holder) = &self.holder {
            return Some(format!("`{}` holds its lease", holder.execution.name()));
        }
        if self.guard.is_some() {
            return Some("a guard keeps its old primary out".to_owned());
        }
        let owes = self.unfinished.is_some() || self.shut.is_some();
        owes.then(|| "a run left something to finish or to open".to_owned())
    }

    /// Which side takes writes, where that is known.
    ///
    /// # Errors
    /// A sentence for people: a run is moving the primary, or stopped while it did.
    pub fn writes(&self) -> Result<ActiveSide, String> {
        let moving = self.holder.as_ref().filter(|holder| holder.phase == Phase::Promoting);
        if let Some(holder) = moving {
            return Err(format!("`{}` is moving the primary", holder.execution.name()));
        }
        match &self.unfinished {
            Some(stopped) if self.active == ActiveSide::Primary => Err(format!(
                "`{}` stopped while it moved the primary: which side takes writes is not known",
                stopped.execution.name()
            )),
            Some(_) | None => Ok(self.active),
        }
    }
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holder {
    /// The execution.
    pub execution: ExecutionArn,
    /// How far it is.
    pub phase: Phase,
    /// When it took the lease.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// What was true when it asked for the promotion.
    #[serde(default)]
    pub asked: Option<RequestedPromotion>,
}

/// How far a holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before the point of no return: everything can be undone.
    Opened,
    /// The promotion has been asked for, or is about to be: only forward.
    Promoting,
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ended {
    /// The execution.
    pub execution: ExecutionArn,
    /// Its generation.
    pub generation: Generation,
    /// How it ended.
    pub outcome: RunOutcome,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// When a person said no last, to this run or to one before: no run starts by itself for a failure that was there then.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub declined_at: Option<Timestamp>,
}

impl Lease {
    /// Whether a promotion was asked for that nobody has finished: by the holder, or by a run that ended.
    #[must_use]
    pub fn is_past_the_point_of_no_return(&self) -> bool {
        self.unfinished.is_some() || self.holder.as_ref().is_some_and(|holder| holder.phase == Phase::Promoting)
    }

    /// The same lease once its primary was seen open again.
    #[must_use]
    pub fn opened(&self) -> Self {
        Self { shut: None, ..self.clone() }
    }

    /// The same lease, its holder past the point of no return: the old primary is no longer to be opened again, and is
    /// guarded from then on. One that was drained was seen to refuse the application already, so that nobody needs to wait
    /// for it.
    #[must_use]
    pub fn promoting(&self, asked: RequestedPromotion, to_guard: Option<Guard>) -> Self {
        let guard = to_guard.or(self.guard.clone());
        let holder = self.holder.clone().map(|holder| Holder { phase: Phase::Promoting, asked: Some(asked), ..holder });
        Self { holder, shut: None, guard, ..self.clone() }
    }

    /// The same lease, released by a run that ended with its primary on `active`.
    #[must_use]
    pub fn released(&self, outcome: RunOutcome, active: ActiveSide, at: Timestamp) -> Self {
        let last = self.holder.as_ref().map(|holder| Ended {
            execution: holder.execution.clone(),
            generation: self.generation,
            outcome,
            at,
            declined_at: self.last.as_ref().and_then(|last| last.declined_at),
        });
        let promoting = self.holder.clone().filter(|holder| holder.phase == Phase::Promoting);
        let unfinished = match outcome {
            RunOutcome::Done | RunOutcome::Degraded => None,
            // Nothing was promoted: what the run had begun, it took back.
            RunOutcome::Refused | RunOutcome::Undone => self.unfinished.clone(),
            RunOutcome::NeedsAPerson => promoting.or_else(|| self.unfinished.clone()),
        };
        Self { holder: None, active, unfinished, last: last.or_else(|| self.last.clone()), ..self.clone() }
    }

    /// The same lease, released by the run that holds it. `declined` is whether a person said no to it.
    ///
    /// # Errors
    /// A sentence where that run does not hold it: another's lease is left alone.
    pub fn release(
        &self,
        execution: &ExecutionArn,
        outcome: RunOutcome,
        active: ActiveSide,
        declined: bool,
        at: Timestamp,
    ) -> Result<Self, String> {
        match &self.holder {
            Some(holder) if holder.execution == *execution => {
                let released = self.released(outcome, active, at);
                Ok(if declined { released.declined() } else { released })
            }
            Some(holder) => Err(format!("the lease is held by `{}`", holder.execution.name())),
            None => Err("the lease was released already".into()),
        }
    }

    /// The same lease, its last run ended by a person's no.
    #[must_use]
    pub fn declined(&self) -> Self {
        Self { last: self.last.clone().map(|last| Ended { declined_at: Some(last.at), ..last }), ..self.clone() }
    }
}

/// What is kept with the lease between asking for a promotion and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestedPromotion {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Where the replica stood; absent where somebody else had promoted it.
    pub position: Option<ReplicaPosition>,
    /// What may be lost.
    pub loss: Loss,
    /// Since when the primary may not have served, as the run judged that asked; absent after a drain.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub unserved_since: Option<Timestamp>,
}

impl Lease {
    /// The same lease without the guard of this generation; `None` where there is no such guard.
    #[must_use]
    pub fn unguarded(&self, generation: Generation) -> Option<Self> {
        let ours = self.guard.as_ref().is_some_and(|guard| guard.generation == generation);
        ours.then(|| Self { guard: None, ..self.clone() })
    }
}
