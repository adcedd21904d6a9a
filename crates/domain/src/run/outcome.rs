//! How a run ended as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// The new side takes writes, traffic is there, the checks passed.
    Done,
    /// The same, but for names of the application, which still lead to the old side.
    Degraded,
    /// Nothing was changed, and why.
    Refused,
    /// What was changed was changed back.
    Undone,
    /// It is neither: a person must look.
    NeedsAPerson,
}

impl RunOutcome {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Done, Self::Degraded, Self::Refused, Self::Undone, Self::NeedsAPerson];

    /// Whether the new side took over, verified.
    #[must_use]
    pub fn has_moved(self) -> bool {
        match self {
            Self::Done | Self::Degraded => true,
            Self::Refused | Self::Undone | Self::NeedsAPerson => false,
        }
    }

    /// As the state machine has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Degraded => "degraded",
            Self::Refused => "refused",
            Self::Undone => "undone",
            Self::NeedsAPerson => "needs-a-person",
        }
    }

    /// In a headline: the person who is called sees at once whether it can wait.
    #[must_use]
    pub fn headline(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Degraded => "DEGRADED",
            Self::Refused => "refused",
            Self::Undone => "undone",
            Self::NeedsAPerson => "NEEDS A PERSON",
        }
    }
}

/// How a backup or a cleanup ended as a whole, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpkeepOutcome {
    /// All of it, everywhere.
    Complete,
    /// Some of it; the run's own record says which.
    Partial,
    /// None of it.
    Failed,
    /// The request was wrong: nothing was begun.
    Refused,
}

impl UpkeepOutcome {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Complete, Self::Partial, Self::Failed, Self::Refused];

    /// In a headline: the person who is called sees at once whether it can wait.
    #[must_use]
    pub fn headline(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "INCOMPLETE",
            Self::Failed => "FAILED",
            Self::Refused => "refused",
        }
    }
}
