//! A lab brought up for a command: of its plan, in its slot, with its manners.

use clap::Args;
use domain::{plan::Plan, plan_file};
use lab::{Lab, LabError, Settings, Storage, manners::Manners, slot::Slot};

use super::{manners, observer::OnTerminal};
use crate::refusal::Refusal;

/// The plan that is rehearsed by default.
const LAB_PLAN: &str = "plans/lab.yaml";

/// Whose system a lab has, where it is, and how AWS behaves in it.
#[derive(Debug, Args)]
pub(crate) struct LabArguments {
    /// The plan whose system is made. Its endpoints, security groups and zones are given by the lab.
    #[arg(long, default_value = LAB_PLAN, value_name = "FILE")]
    plan: String,
    /// SQL that makes what the plan's own checks ask for, in the database of each pair, as its owner.
    #[arg(long, value_name = "FILE")]
    data: Option<String>,
    /// The lab's slot, 1 to 99, which decides its addresses; the first free one by default.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=99))]
    slot: Option<u8>,
    #[command(flatten)]
    manners: manners::Arguments,
}

/// What was asked for, read.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) plan: Plan,
    pub(super) manners: Manners,
    slot: Option<Slot>,
    data: Option<String>,
}

impl LabArguments {
    pub(super) fn read(&self) -> Result<Wanted, Refusal> {
        let manners = self.manners.read()?;
        let plan = plan_file::read(&crate::plan::text(&self.plan)?, &self.plan).map_err(|error| {
            Refusal::failed(error.to_string(), "Correct the plan; `lifeboat plan check` checks it.")
        })?;
        let unreadable = |file: &str, error: std::io::Error| {
            Refusal::usage(format!("cannot read {file}: {error}"), "Name a file of SQL.")
        };
        let read = |file: &String| std::fs::read_to_string(file).map_err(|error| unreadable(file, error));
        let data = self.data.as_ref().map(read).transpose()?;
        let slot = self.slot.map(Slot::new).transpose();
        let slot = slot.map_err(|error| Refusal::usage(error.to_string(), "Choose another slot."))?;
        Ok(Wanted { plan, manners, slot, data })
    }

    /// The options that ask for the same plan again; none for the default.
    pub(super) fn options(&self) -> String {
        let plan = (self.plan != LAB_PLAN).then(|| format!(" --plan {}", self.plan));
        let data = self.data.as_ref().map(|file| format!(" --data {file}"));
        [plan, data].into_iter().flatten().collect()
    }
}

impl Wanted {
    /// A lab with the plan's system on it, where AWS behaves as asked.
    pub(super) async fn bring_up(&self, storage: Storage, observer: &OnTerminal) -> Result<Lab, LabError> {
        let settings = Settings { slot: self.slot, storage, data: self.data.as_deref() };
        let mut lab = Lab::start(&self.plan, settings, observer).await?;
        match lab.set_manners(self.manners).await {
            Ok(()) => Ok(lab),
            Err(error) => {
                lab.shut_down().await;
                Err(error)
            }
        }
    }
}

/// Why there is no drill, or no lab.
pub(super) fn refusal(error: &dyn std::error::Error) -> Refusal {
    Refusal::failed(
        domain::words::failure::chain(error),
        "If it is not clear from this, the lab's own log is under target/lab.",
    )
}
