//! The machines that keep the backups in order, and the names of their ends. Those of the others are `failover::run::RunKind`'s and `failover::all::end`'s.

use super::{StateMachine, StateName};
use crate::run::outcome::UpkeepOutcome;

/// What keeps the backups in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// They are taken.
    Backup,
    /// They are proved, or restored.
    VerifyBackup,
    /// They go.
    Cleanup,
}

impl Upkeep {
    /// Its state machine.
    #[must_use]
    pub fn machine(self) -> StateMachine {
        match self {
            Self::Backup => StateMachine::Backup,
            Self::VerifyBackup => StateMachine::VerifyBackup,
            Self::Cleanup => StateMachine::Cleanup,
        }
    }

    /// Where it ends, and the heading of RUNBOOK.md that says what to do then.
    #[must_use]
    pub fn end(self, outcome: UpkeepOutcome) -> StateName {
        match (self, outcome) {
            (Self::Backup, UpkeepOutcome::Complete) => StateName::BackupComplete,
            (Self::Backup, UpkeepOutcome::Partial) => StateName::BackupPartial,
            (Self::Backup, UpkeepOutcome::Failed) => StateName::BackupFailed,
            (Self::Backup, UpkeepOutcome::Refused) => StateName::BackupRefused,
            (Self::VerifyBackup, UpkeepOutcome::Complete) => StateName::VerifyBackupComplete,
            (Self::VerifyBackup, UpkeepOutcome::Partial) => StateName::VerifyBackupPartial,
            (Self::VerifyBackup, UpkeepOutcome::Failed) => StateName::VerifyBackupFailed,
            (Self::VerifyBackup, UpkeepOutcome::Refused) => StateName::VerifyBackupRefused,
            (Self::Cleanup, UpkeepOutcome::Complete) => StateName::CleanupComplete,
            (Self::Cleanup, UpkeepOutcome::Partial) => StateName::CleanupPartial,
            (Self::Cleanup, UpkeepOutcome::Failed) => StateName::CleanupFailed,
            (Self::Cleanup, UpkeepOutcome::Refused) => StateName::CleanupRefused,
        }
    }

    /// The outcome that an end of it stands for.
    #[must_use]
    pub fn outcome_of(self, end: &StateName) -> Option<UpkeepOutcome> {
        UpkeepOutcome::ALL.into_iter().find(|outcome| self.end(*outcome) == *end)
    }
}
