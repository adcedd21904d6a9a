//! The rows: a file for each machine, and what several have in common beside them. They are laid out by hand.

#[rustfmt::skip]
mod backup;
#[rustfmt::skip]
mod cleanup;
#[rustfmt::skip]
mod failover;
#[rustfmt::skip]
mod failover_all;
mod kept;
#[rustfmt::skip]
mod moving;
#[rustfmt::skip]
mod switchover;
#[rustfmt::skip]
mod upkeep;
#[rustfmt::skip]
mod verify_backup;

use super::{Definition, StateMachine};

/// A machine, row by row.
pub(super) fn of(machine: StateMachine) -> Definition {
    match machine {
        StateMachine::Failover => failover::definition(),
        StateMachine::FailoverAll => failover_all::definition(),
        StateMachine::Switchover => switchover::definition(),
        StateMachine::Backup => backup::definition(),
        StateMachine::VerifyBackup => verify_backup::definition(),
        StateMachine::Cleanup => cleanup::definition(),
    }
}
