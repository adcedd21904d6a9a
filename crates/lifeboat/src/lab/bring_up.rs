//! A lab brought up for a command: of its plan, in its slot, with its manners.

use domain::{plan::Plan, plan_file};
use lab::{Lab, LabError, manners::Manners, slot::Slot};

use super::observer::OnTerminal;
use crate::refusal::Refusal;

/// A lab with the plan's system on it, where AWS behaves as asked. Databases that will be large lie on disk.
pub(super) async fn bring_up(
    plan: &Plan,
    slot: Option<Slot>,
    manners: Manners,
    are_large: bool,
    observer: &OnTerminal,
) -> Result<Lab, LabError> {
    let mut lab = if are_large {
        Lab::start_on_disk(plan, slot, observer).await?
    } else {
        Lab::start(plan, slot, observer).await?
    };
    match lab.set_manners(manners).await {
        Ok(()) => Ok(lab),
        Err(error) => {
            lab.shut_down().await;
            Err(error)
        }
    }
}

/// The plan whose system a lab is to have.
pub(super) fn read_plan(file: &str) -> Result<Plan, Refusal> {
    plan_file::read(&crate::plan::text(file)?, file)
        .map_err(|error| Refusal::failed(error.to_string(), "Correct the plan; `lifeboat plan check` checks it."))
}

/// The slot that is asked for, if one is.
pub(super) fn slot(number: Option<u8>) -> Result<Option<Slot>, Refusal> {
    number.map(Slot::new).transpose().map_err(|error| Refusal::usage(error.to_string(), "Choose another slot."))
}

/// Why there is no drill, or no lab.
pub(super) fn refusal(error: &dyn std::error::Error) -> Refusal {
    Refusal::failed(
        domain::words::failure::chain(error),
        "If it is not clear from this, the lab's own log is under target/lab.",
    )
}
