//! `lifeboat backup`: takes a backup and shows what it consists of.

use std::process::ExitCode;

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use clap::Args;
use domain::{
    backup::{BackupOutcome, BackupRequest, Manifest, Part, manifest_key},
    id::{ExecutionArn, Person, PlanName, ScheduleName},
};
use edge::{clock, shelf};
use jiff::{Timestamp, Unit};
use serde::Serialize;

use crate::{engine::Engine, output::Output, refusal::Refusal, run};

/// The state machine, in every Region.
const MACHINE: &str = "lifeboat-backup";

/// Takes a backup by one of a plan's schedules and follows it to its end.
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
    #[arg(long, value_name = "TIME")]
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
    outcome: BackupOutcome,
    because: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<&'a Manifest>,
}

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let now = clock::now();
        let at = self.at.unwrap_or(now).round(Unit::Second).unwrap_or(now);
        // Half a second of now may be rounded up.
        let at = at.min(
            now.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc)).unwrap_or(now),
        );
        if self.at.is_some_and(|asked| asked > now) {
            return Err(Refusal::usage("--at: it is in the future", "Leave it out for a backup now."));
        }
        let engine = Engine::of(MACHINE, self.region.as_deref()).await?;
        let (plan, _) = shelf::read_plan(&engine.bucket, &self.plan).await?;
        if plan.backup(&self.schedule).is_none() {
            let known: Vec<&str> = plan.backups.iter().map(|backup| backup.name.as_str()).collect();
            return Err(Refusal::usage(
                format!("--schedule: plan `{}` has no `{}`", self.plan, self.schedule),
                format!("It has: {}.", if known.is_empty() { "none".to_owned() } else { known.join(", ") }),
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
        output.remark(&format!("run `{}` in {}; Ctrl-C stops watching, not the run", execution.name(), engine.region));
        let (outcome, because) = run::follow(&engine, &execution, ending, self.json, output).await?;
        let key = manifest_key(&self.plan, &self.schedule, at);
        let manifest = shelf::read_json::<Manifest>(&engine.bucket, &key).await.ok().flatten();
        let manifest = manifest.map(|(manifest, _)| manifest);
        if self.json {
            output.json(&Ended { execution: &execution, outcome, because: &because, manifest: manifest.as_ref() })?;
        } else {
            show(outcome, &because, manifest.as_ref(), &key, output);
        }
        Ok(exit_code(outcome))
    }
}

/// How a backup ended; `None` while it runs. Whatever is not one of its own ends is a failure.
fn ending(described: &DescribeExecutionOutput) -> Option<(BackupOutcome, String)> {
    if !run::has_ended(described) {
        return None;
    }
    let outcome = match (described.status(), described.error()) {
        (ExecutionStatus::Succeeded, _) => BackupOutcome::Complete,
        (_, Some("BackupPartial")) => BackupOutcome::Partial,
        (_, Some("BackupRefused")) => BackupOutcome::Refused,
        _ => BackupOutcome::Failed,
    };
    let told = described.cause().or(described.error()).filter(|text| !text.is_empty());
    let because = match (outcome, told) {
        (BackupOutcome::Complete, _) => "every component is backed up, in every Region of the schedule".to_owned(),
        (_, Some(told)) => told.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        (_, None) => format!("the engine ended it as {}", described.status().as_str()),
    };
    Some((outcome, because))
}

fn exit_code(outcome: BackupOutcome) -> ExitCode {
    ExitCode::from(match outcome {
        BackupOutcome::Complete => 0,
        BackupOutcome::Failed => 1,
        BackupOutcome::Refused => 3,
        BackupOutcome::Partial => 6,
    })
}

fn show(outcome: BackupOutcome, because: &str, manifest: Option<&Manifest>, key: &str, output: &mut Output) {
    let (headline, end) = match outcome {
        BackupOutcome::Complete => ("complete", None),
        BackupOutcome::Partial => ("INCOMPLETE", Some("BackupPartial")),
        BackupOutcome::Failed => ("FAILED", Some("BackupFailed")),
        BackupOutcome::Refused => ("refused", Some("BackupRefused")),
    };
    output.line(&format!("{headline}: {because}"));
    if let Some(manifest) = manifest {
        for checked in &manifest.parts {
            show_part(&checked.part, output);
        }
        output.line(&format!("  manifest  {key}"));
    }
    if let Some(end) = end {
        output.line(&format!("RUNBOOK.md, {end}."));
    }
}

fn show_part(part: &Part, output: &mut Output) {
    let Some(taken) = &part.taken else {
        return output.line(&format!("  {}  none: {}", part.component, part.because));
    };
    output.line(&format!(
        "  {}  {}  {:.1} MB of data, log at {}, PostgreSQL {}",
        part.component,
        taken.snapshot,
        taken.shot.size_bytes as f64 / 1e6,
        taken.shot.lsn,
        taken.shot.version
    ));
    for place in &taken.places {
        output.line(&format!("    in {}", place.region));
    }
    for missing in &taken.missing {
        output.line(&format!("    NOT in {}: {}", missing.region, missing.because));
    }
}
