//! `lifeboat backup`: takes a backup and shows what it consists of.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use domain::{
    backup::{BackupRequest, Manifest, Part, Snapshot, Taken, manifest_key, may_be_taken, whole_second},
    component::SeenDatabase,
    plan::Plan,
    run::outcome::UpkeepOutcome,
    state_machine::Upkeep,
    words::id::{ExecutionArn, Person, PlanName, ScheduleName},
};
use edge::{
    clock, component,
    object_store::{self, ObjectStore},
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    engine::Engine,
    output::Output,
    refusal::Refusal,
    run::{self, Again},
    upkeep,
};

/// What it is.
const UPKEEP: Upkeep = Upkeep::Backup;

/// How long a Region may take to answer each call.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes a backup by one of the plan's schedules and follows it to its end.
#[derive(Debug, Args)]
#[command(after_help = "\
A snapshot of each component that the schedule names is taken where its primary is, and copied to the Regions that the
schedule names. It is kept as long as the schedule's own backups are. Nothing is deleted. To take a backup twice for the
same time is to take it once: what is missing of it is completed.

Examples:
  lifeboat backup --plan lab --schedule daily --region us-west-2
  lifeboat backup --plan lab --schedule daily --region us-west-2 --at 2026-11-21T02:00:00Z

Exit codes: 0 complete; 6 incomplete; 3 refused; 1 failed, or it could not be started or followed; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(long, visible_alias = "plan-name", value_name = "NAME")]
    plan: PlanName,
    /// Which of the plan's schedules.
    #[arg(long, value_name = "NAME")]
    schedule: ScheduleName,
    /// The time that it is for, where a scheduled one is to be completed; now, unless given.
    #[arg(long, value_name = "TIME", value_parser = domain::words::wording::time)]
    at: Option<Timestamp>,
    /// Who you are, as the record shall name you.
    #[arg(long, value_name = "NAME")]
    by: Option<Person>,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object for each answer of a step, and one for the end.
    #[arg(long)]
    json: bool,
}

/// The end as `--json` prints it.
#[derive(Debug, Serialize)]
struct Ended<'a> {
    execution: &'a ExecutionArn,
    outcome: UpkeepOutcome,
    because: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<&'a Manifest>,
}

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let now = clock::now();
        let at = whole_second(self.at.unwrap_or(now));
        if self.at.is_some_and(|asked| asked > now) {
            return Err(Refusal::usage("--at: it is in the future", "Leave it out for a backup now."));
        }
        let engine = Engine::of(UPKEEP.machine(), self.region.as_deref()).await?;
        let (plan, _) = object_store::read_plan(&engine.bucket, &self.plan).await?;
        if plan.backup(&self.schedule).is_none() {
            return Err(Refusal::usage(
                format!("--schedule: plan `{}` has no `{}`", self.plan, self.schedule),
                format!("It has: {}.", plan.schedule_names()),
            ));
        }
        if let Err(too_late) = may_be_taken(at, now)
            && !self.may_be_there(&engine, &plan, at).await?
        {
            return Err(Refusal::usage(
                format!("--at: {too_late}, and there is none to complete"),
                "Leave it out for a backup now; `lifeboat backups` lists what there is.",
            ));
        }
        let request = BackupRequest {
            plan: self.plan.clone(),
            schedule: self.schedule.clone(),
            scheduled_at: Some(at),
            by: self.by.clone(),
        };
        let input = serde_json::to_string(&request)
            .map_err(|error| Refusal::usage(error.to_string(), "See `lifeboat backup --help`."))?;
        let execution = run::start(&engine, &self.plan, &input).await?;
        // Without --at, it was the time of the order, which is the run's own now.
        let again = self.at.map_or_else(|| Again::With(vec!["--at".into(), at.to_string()]), |_| Again::SameWords);
        let (outcome, because) =
            run::follow(&engine, &execution, |told| upkeep::ending(UPKEEP, told), again, self.json, output).await?;
        let key = manifest_key(&self.plan, &self.schedule, at);
        let manifest = object_store::read_json::<Manifest>(&engine.bucket, &key).await.ok().flatten();
        let manifest = manifest.map(|(manifest, _)| manifest);
        if self.json {
            output.json(&Ended { execution: &execution, outcome, because: &because, manifest: manifest.as_ref() })?;
        } else {
            show(outcome, &because, manifest.as_ref(), &key, output);
        }
        Ok(upkeep::exit_code(outcome))
    }
}

impl Command {
    /// Whether a backup of that time was ever begun, which may be completed at any time: it has a manifest, or a snapshot
    /// in a Region. One that could not be asked may have it.
    async fn may_be_there(&self, engine: &Engine, plan: &Plan, at: Timestamp) -> Result<bool, Refusal> {
        let key = manifest_key(&self.plan, &self.schedule, at);
        if engine.bucket.get(&key).await?.is_some() {
            return Ok(true);
        }
        for region in plan.backup_regions() {
            let held = component::snapshots_of(&self.plan, &region, PATIENCE).await;
            if held.is_err() || held.is_ok_and(|held| held.iter().any(|snapshot| is_of(snapshot, &self.schedule, at))) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_of(snapshot: &Snapshot, schedule: &ScheduleName, at: Timestamp) -> bool {
    snapshot.label.as_ref().is_ok_and(|label| label.schedule == *schedule && label.scheduled_at == at)
}

fn show(outcome: UpkeepOutcome, because: &str, manifest: Option<&Manifest>, key: &str, output: &mut Output) {
    upkeep::show(UPKEEP, outcome, because, output);
    if let Some(manifest) = manifest {
        if manifest.outcome != outcome {
            output.line("  by the manifest, which an earlier run wrote:");
        }
        for checked in &manifest.parts {
            show_part(&checked.part, output);
        }
        output.line(&format!("  manifest  {key}"));
    }
}

fn show_part(part: &Part, output: &mut Output) {
    let Some(taken) = &part.taken else {
        return output.line(&format!("  {}  none: {}", part.component, part.because));
    };
    output.line(&format!("  {}  {}  {}", part.component, taken.snapshot, known(taken)));
    for place in &taken.places {
        output.line(&format!("    in {}", place.region));
    }
    for missing in &taken.missing {
        output.line(&format!("    NOT in {}: {}", missing.region, missing.because));
    }
}

/// What is known of what was backed up. Not every database is asked.
fn known(taken: &Taken) -> String {
    let SeenDatabase { lsn, size_bytes, version, .. } = &taken.database;
    let version = version.as_deref().unwrap_or("of unknown version");
    let kind = taken.of.kind;
    let version = kind.software().map_or(version.to_owned(), |software| format!("{software} {version}"));
    match (size_bytes, lsn) {
        (Some(bytes), Some(lsn)) => format!("{:.1} MB of data, log at {lsn}, {version}", *bytes as f64 / 1e6),
        (None, _) | (_, None) => format!("of {} {}, {version}", kind.noun(), taken.of),
    }
}
