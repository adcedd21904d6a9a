//! `lifeboat backups`: what there is to restore, how old and how large it is, and what keeps it.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use domain::{
    cleanup::{self, Verdict},
    plan::Plan,
    state_machine::StateMachine,
    words::{
        id::{PlanName, Region},
        time_span::TimeSpan,
    },
};
use edge::{clock, component, object_store};
use jiff::Timestamp;
use serde::Serialize;

use crate::{engine::Engine, output::Output, refusal::Refusal};

/// Lists a plan's backups in every Region that may hold any.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line: the backup, its age, the size of its data, whether a restore of it was verified, and what keeps it. What
`lifeboat cleanup` would delete is marked.

Example:
  lifeboat backups --plan lab --region us-west-2

Exit codes: 0 every Region answered; 6 one did not; 1 it could not be done; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(long, visible_alias = "plan-name", value_name = "NAME")]
    plan: PlanName,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object for each Region.
    #[arg(long)]
    json: bool,
}

/// What a Region holds, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Holds {
    region: Region,
    #[serde(skip_serializing_if = "Option::is_none")]
    backups: Option<Vec<Verdict>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How long a Region may take to answer each call.
const PATIENCE: Duration = Duration::from_secs(10);

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let engine = Engine::of(StateMachine::Backup, self.region.as_deref()).await?;
        let (plan, _) = object_store::read_plan(&engine.bucket, &self.plan).await?;
        let now = clock::now();
        let mut silent = false;
        for region in plan.backup_regions() {
            let held = holds(&plan, region, now).await;
            silent |= held.error.is_some();
            if self.json { output.json(&held)? } else { show(&held, now, output) }
        }
        Ok(ExitCode::from(if silent { 6 } else { 0 }))
    }
}

async fn holds(plan: &Plan, region: Region, now: Timestamp) -> Holds {
    match component::snapshots_of(&plan.plan, &region, PATIENCE).await {
        Ok(snapshots) => Holds { backups: Some(cleanup::judge(plan, snapshots, now)), error: None, region },
        Err(failure) => Holds { backups: None, error: Some(failure.chain()), region },
    }
}

fn show(held: &Holds, now: Timestamp, output: &mut Output) {
    output.line(&format!("{}:", held.region));
    if let Some(error) = &held.error {
        return output.line(&format!("  not known: {error}"));
    }
    let backups = held.backups.as_deref().unwrap_or_default();
    if backups.is_empty() {
        output.line("  none");
    }
    for verdict in backups {
        let size =
            verdict.size_bytes.map_or("size unknown".to_owned(), |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
        let verified = if verdict.verified_at.is_some() { "verified" } else { "not verified" };
        let kept = if verdict.stays { "kept" } else { "GOES" };
        output.line(&format!("  {}  {size}  {verified}  {kept}: {}", name_and_age(verdict, now), verdict.because));
    }
}

/// A backup, and how old it is.
pub(crate) fn name_and_age(verdict: &Verdict, now: Timestamp) -> String {
    let age = verdict.taken_at.map(|taken_at| TimeSpan::between(taken_at, now));
    let age = age.map_or("of unknown age".to_owned(), |age| format!("{} old", age.roughly()));
    format!("{}  {age}", verdict.snapshot)
}
