//! A start of a run: what it answers, what it is called, and what is remembered of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    failover::request::{Again, Reason},
    words::{
        id::{ExecutionArn, PlanName},
        time_span::TimeSpan,
    },
};

/// How often the starter looks while something is wrong.
pub const EVERY: TimeSpan = TimeSpan::seconds(5);

/// For how long starts are counted, whatever they answered.
pub(super) const HOUR: TimeSpan = TimeSpan::seconds(3_600);

/// What a start answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The primary fails.
    Failure,
    /// A run shut the primary, and nobody opened it again: nobody is served.
    Shut,
    /// A run ended past its point of no return without being done: clients may not be served.
    Unfinished,
}

/// A run to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// What it answers.
    pub cause: Cause,
    /// Since when that has been so.
    pub since: Timestamp,
    /// Which start for it this is, from one on.
    pub attempt: u32,
    /// Why now, in a sentence.
    pub reason: String,
}

impl Start {
    /// The execution's name: the same start twice is one run. At most 80 characters, as Step Functions wants it.
    #[must_use]
    pub fn name(&self, plan: &PlanName) -> String {
        format!("{}{}-{}", names_begin(plan), self.since.as_millisecond(), self.attempt)
    }

    /// The execution's input.
    #[must_use]
    pub fn request(&self, plan: &PlanName) -> Again {
        let Self { since, attempt, ref reason, .. } = *self;
        Again { plan: plan.clone(), again: Reason { since, attempt, reason: reason.clone() } }
    }
}

/// How the names of the starter's runs begin.
pub(super) fn names_begin(plan: &PlanName) -> String {
    format!("again-{plan}-")
}

/// What is wrong or owed, since when.
pub(super) struct Need {
    pub(super) cause: Cause,
    pub(super) since: Timestamp,
    pub(super) because: String,
}

/// The starts so far. Written on a condition, right before each start: so one start has one starter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Starts {
    /// What the newest one answered.
    pub cause: Cause,
    /// Since when that has been so.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// How many answered it.
    pub attempts: u32,
    /// When the newest one was made.
    #[schemars(with = "String")]
    pub last_at: Timestamp,
    /// Its execution.
    pub execution: ExecutionArn,
    /// When each start of the last hour was made, whatever it answered.
    #[schemars(with = "Vec<String>")]
    pub recent: Vec<Timestamp>,
}

impl Starts {
    /// What to remember of a start that is made now.
    #[must_use]
    pub fn with(before: Option<&Self>, start: &Start, execution: ExecutionArn, now: Timestamp) -> Self {
        let recent = before.map(|starts| starts.recent.as_slice()).unwrap_or_default();
        let recent = recent.iter().copied().filter(|at| is_recent(*at, now)).chain([now]).collect();
        let Start { cause, since, attempt: attempts, .. } = *start;
        Self { cause, since, attempts, last_at: now, execution, recent }
    }

    /// How many were made within the last hour.
    pub(super) fn within_an_hour(&self, now: Timestamp) -> usize {
        self.recent.iter().filter(|at| is_recent(**at, now)).count()
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    TimeSpan::between(at, now) < HOUR
}
