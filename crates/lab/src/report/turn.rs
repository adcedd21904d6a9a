//! What a run spends its time on, state by state.

use domain::state_machine::StateName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One state of an execution: a function's turn, or a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// The state.
    pub state: StateName,
    /// What kind of state it is.
    pub kind: TurnKind,
    /// When it was entered.
    pub from: Timestamp,
    /// When it was left.
    pub to: Timestamp,
}

/// What a state spends its time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TurnKind {
    /// A function works.
    Task,
    /// The run waits: for the world, or for a person.
    Wait,
}
