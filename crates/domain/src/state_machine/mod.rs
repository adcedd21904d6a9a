//! The state machines: what follows what, whatever the functions answer. Each is a file of rows; the rows make the
//! definition that Step Functions runs, which is committed under `statemachines/` and held to them by a test.

mod backup;
mod cleanup;
mod end;
mod failover;
mod moving;
mod name;
mod pause;
mod retry;
mod row;
mod states;
mod switchover;
mod text;
mod upkeep;
mod verify_backup;
mod word;

use std::fmt;

pub use end::Upkeep;
pub use name::{StateKind, StateName};
use row::Row;
use serde_json::{Map, Value, json};
use states::Scope;
pub use word::{Answered, Caught, LastWord, message};

use crate::words::id::ExecutionArn;

/// A state machine, of which each Region has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateMachine {
    /// The primary failed: its replica takes over.
    Failover,
    /// The primary works, and hands over all that it has.
    Switchover,
    /// What a schedule names is backed up.
    Backup,
    /// A backup is proved, or restored.
    VerifyBackup,
    /// What nothing keeps goes.
    Cleanup,
}

/// What a machine is, row by row.
struct Definition {
    /// What it does, and what it promises.
    comment: &'static str,
    /// How long an execution may take.
    timeout_seconds: u32,
    /// Its rows, part by part. The first one is where it begins.
    rows: Vec<Vec<Row>>,
}

impl StateMachine {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Failover, Self::Switchover, Self::Backup, Self::VerifyBackup, Self::Cleanup];

    /// As its file is called: `verify-backup`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Switchover => "switchover",
            Self::Backup => "backup",
            Self::VerifyBackup => "verify-backup",
            Self::Cleanup => "cleanup",
        }
    }

    /// Its name in each Region: `lifeboat-verify-backup`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failover => "lifeboat-failover",
            Self::Switchover => "lifeboat-switchover",
            Self::Backup => "lifeboat-backup",
            Self::VerifyBackup => "lifeboat-verify-backup",
            Self::Cleanup => "lifeboat-cleanup",
        }
    }

    /// What the names of its ends begin with: `VerifyBackup`.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Failover => "Failover",
            Self::Switchover => "Switchover",
            Self::Backup => "Backup",
            Self::VerifyBackup => "VerifyBackup",
            Self::Cleanup => "Cleanup",
        }
    }

    /// The machine of an execution; `None` where it is none of these.
    #[must_use]
    pub fn of(execution: &ExecutionArn) -> Option<Self> {
        Self::ALL.into_iter().find(|machine| machine.name() == execution.machine())
    }

    fn definition(self) -> Definition {
        match self {
            Self::Failover => failover::definition(),
            Self::Switchover => switchover::definition(),
            Self::Backup => backup::definition(),
            Self::VerifyBackup => verify_backup::definition(),
            Self::Cleanup => cleanup::definition(),
        }
    }

    /// The text of its file under `statemachines/`.
    #[must_use]
    pub fn text(self) -> String {
        let Definition { comment, timeout_seconds, rows } = self.definition();
        let rows: Vec<Row> = rows.into_iter().flatten().collect();
        let order: Vec<StateName> = rows.iter().flat_map(Row::names).cloned().collect();
        let states = states::states(rows, Scope::Machine);
        let definition = json!({
            "Comment": comment,
            "QueryLanguage": "JSONata",
            "TimeoutSeconds": timeout_seconds,
            "StartAt": order.first(),
            "States": Map::from_iter(states.into_iter().map(|(name, state)| (name.to_string(), state))),
        });
        text::text(&definition, &order.iter().collect::<Vec<&StateName>>())
    }
}

impl fmt::Display for StateMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// An assignment of nothing.
const NOTHING: Value = Value::Null;
