//! The state machines: what follows what, whatever the functions answer. Each is a file of rows; the rows make the
//! definition that Step Functions runs, which is committed under `statemachines/` and held to them by a test.

mod end;
mod name;
mod pause;
mod retry;
mod row;
mod rows;
mod states;
mod text;
mod word;

use std::fmt;

pub use end::Upkeep;
pub use name::{StateKind, StateName};

use row::Row;
use serde_json::{Map, Value, json};
use states::Scope;

pub use word::{Answered, Caught, LastWord, message};

use crate::words::id::ExecutionArn;

macro_rules! state_machines {
    ($( $(#[$doc:meta])* $machine:ident = $slug:literal ),+ $(,)?) => {
        /// A state machine, of which each Region has one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum StateMachine {
            $( $(#[$doc])* $machine, )+
        }

        impl StateMachine {
            /// Every one.
            pub const ALL: &[Self] = &[$( Self::$machine ),+];

            /// As its file is called: `verify-backup`.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self {
                    $( Self::$machine => $slug, )+
                }
            }

            /// Its name in each Region: `lifeboat-verify-backup`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $( Self::$machine => concat!("lifeboat-", $slug), )+
                }
            }

            /// What the names of its ends begin with: `VerifyBackup`.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $( Self::$machine => stringify!($machine), )+
                }
            }
        }
    };
}

state_machines! {
    /// The primary failed: its replica takes over.
    Failover = "failover",
    /// Several pairs of a plan failed: each is failed over in turn.
    FailoverAll = "failover-all",
    /// The primary works, and hands over all that it has.
    Switchover = "switchover",
    /// What a schedule names is backed up.
    Backup = "backup",
    /// A backup is proved, or restored.
    VerifyBackup = "verify-backup",
    /// What nothing keeps goes.
    Cleanup = "cleanup",
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
    /// The machine of an execution; `None` where it is none of these.
    #[must_use]
    pub fn of(execution: &ExecutionArn) -> Option<Self> {
        Self::ALL.iter().copied().find(|machine| machine.name() == execution.machine())
    }

    /// The text of its file under `statemachines/`.
    #[must_use]
    pub fn text(self) -> String {
        let Definition { comment, timeout_seconds, rows } = rows::of(self);
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
