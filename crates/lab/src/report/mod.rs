//! What a drill leaves: `evidence.json`, `report.html`, and what the terminal shows meanwhile.
//!
//! A drill fills in one [`DrillResult`]; everything here is made from it and from nothing else.

mod moment;

use domain::{health::Verdict, plan::Plan};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::workload::ClientView;

pub use moment::{Actor, Event, Moment, Turn, TurnKind};

/// All that is known of one drill when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrillResult {
    /// The scenario's name, as `primary-killed`.
    pub scenario: String,
    /// What is done and what must happen, in a sentence or two.
    pub story: String,
    /// The plan that was rehearsed.
    pub plan: Plan,
    /// Which of the plan's objectives this scenario can be held to.
    pub held_to: HeldTo,
    /// When the drill began, set-up included.
    pub began_at: Timestamp,
    /// When the disaster struck. Every time shown is counted from here.
    pub struck_at: Timestamp,
    /// When the drill was over.
    pub ended_at: Timestamp,
    /// What happened, in the order in which it happened.
    pub moments: Vec<Moment>,
    /// The functions' turns and the waits between them.
    pub turns: Vec<Turn>,
    /// What was seen of the primary, by whom, when.
    pub signals: Vec<Signal>,
    /// The runs of the state machine, expected and actual. One entry with [`Ending::NotStarted`] where none may start.
    pub runs: Vec<RunResult>,
    /// What the old primary did when its host came back, where the scenario brings it back.
    pub old_primary: Option<OldPrimary>,
    /// What the client saw.
    pub client: ClientView,
    /// Where it was measured.
    pub environment: Environment,
    /// The command that does it again.
    pub reproduce: String,
}

/// Which objectives a scenario can be held to. A run that must wait for a person has no recovery time; one in which
/// a person consents to a loss has no recovery point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldTo {
    /// The client's outage is at most the plan's RTO.
    pub rto: bool,
    /// The client's loss is at most the plan's RPO.
    pub rpo: bool,
}

/// One run of the state machine, and what was expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunResult {
    /// What it is called in the report, as `automatic failover`.
    pub name: String,
    /// How it must end.
    pub expected: Ending,
    /// How it ended. `None` when that could not be learnt.
    pub actual: Option<Ending>,
    /// Why it ended so, in its own words.
    pub because: String,
    /// The execution's ARN, where one was started.
    pub execution: Option<String>,
    /// State transitions it was billed for.
    pub transitions: Option<u64>,
    /// The answers of its steps, in order.
    pub decisions: Vec<Decision>,
    /// The evidence that `CloseRun` left in the recovery Region's bucket, whole.
    pub evidence: Option<Value>,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// No run was started.
    NotStarted,
    /// `FailoverDone`.
    Done,
    /// `FailoverRefused`.
    Refused,
    /// `FailoverUndone`.
    Undone,
    /// `FailoverNeedsAPerson`.
    NeedsAPerson,
}

/// One answer of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The state that asked, as `JudgeFailover`.
    pub state: String,
    /// When it answered.
    pub at: Timestamp,
    /// `Done`, `Pending` or `Refused`; an error's name where it failed.
    pub answer: String,
    /// Its sentence.
    pub because: String,
    /// What it had looked at.
    pub seen: Value,
    /// What it did.
    pub did: Value,
}

/// One look at the primary or the replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signal {
    /// Where one looked from, as `witness (eu-west-1)`.
    pub vantage: String,
    /// What was looked at, as `database`.
    pub what: String,
    /// What it says. Unknown is neither up nor down.
    pub verdict: Verdict,
    /// The error, the state or the role.
    pub because: String,
    /// When.
    pub at: Timestamp,
}

/// The old primary's return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OldPrimary {
    /// When its host was back.
    pub returned_at: Timestamp,
    /// Whether it refused every write.
    pub fenced: bool,
    /// How one knows.
    pub because: String,
}

/// Where a drill was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Processor cores.
    pub cores: usize,
    /// The operating system and its kernel.
    pub system: String,
    /// Program and version, as `("PostgreSQL", "15.14")`.
    pub versions: Vec<(String, String)>,
}
