//! `lifeboat cleanup`: judges a plan's backups, and deletes what nothing keeps where it is told to.

use std::process::ExitCode;

use clap::Args;
use domain::{
    cleanup::{CleanupRequest, Report, report_key},
    plan::Plan,
    run::outcome::UpkeepOutcome,
    state_machine::Upkeep,
    words::id::{ExecutionArn, Person, PlanName},
};
use edge::object_store;
use serde::Serialize;

use crate::{
    backups,
    engine::Engine,
    output::Output,
    refusal::Refusal,
    run::{self, Again},
    upkeep,
};

/// What it is.
const UPKEEP: Upkeep = Upkeep::Cleanup;

/// Judges every backup of a plan by its schedule's retention; deletes only with --apply.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --apply nothing is deleted: what would go is named, and why each of the others stays. Only what is tagged as the
plan's is ever looked at. The newest verified backup and the floor of each series stay whatever the rules say.

Examples:
  lifeboat cleanup --plan lab --region us-west-2 --by anna
  lifeboat cleanup --plan lab --region us-west-2 --by anna --apply

Exit codes: 0 done; 6 incomplete; 3 refused; 1 failed, or it could not be started or followed; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(long, visible_alias = "plan-name", value_name = "NAME")]
    plan: PlanName,
    /// Deletes what no rule keeps.
    #[arg(long)]
    apply: bool,
    /// Who you are, as the record shall name you.
    #[arg(long, value_name = "NAME")]
    by: Person,
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
    reports: &'a [Report],
}

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let engine = Engine::of(UPKEEP.machine(), self.region.as_deref()).await?;
        let (plan, _) = object_store::read_plan(&engine.bucket, &self.plan).await?;
        let request = CleanupRequest { plan: self.plan.clone(), apply: Some(self.apply), by: Some(self.by.clone()) };
        let input = serde_json::to_string(&request)
            .map_err(|error| Refusal::usage(error.to_string(), "See `lifeboat cleanup --help`."))?;
        let execution = run::start_anew(&engine, &self.plan, &input).await?;
        let (outcome, because) =
            run::follow(&engine, &execution, |told| upkeep::ending(UPKEEP, told), Again::Never, self.json, output)
                .await?;
        let reports = reports(&engine, &plan, &execution).await;
        if self.json {
            output.json(&Ended { execution: &execution, outcome, because: &because, reports: &reports })?;
        } else {
            self.show(outcome, &because, &reports, output);
        }
        Ok(upkeep::exit_code(outcome))
    }

    fn show(&self, outcome: UpkeepOutcome, because: &str, reports: &[Report], output: &mut Output) {
        for report in reports {
            output.line(&format!("{}:", report.region));
            for verdict in &report.verdicts {
                let what = match (verdict.stays, report.apply) {
                    (true, _) => "stays ",
                    (false, true) => "IS STILL THERE",
                    (false, false) => "would go",
                };
                output.line(&format!("  {what}  {}: {}", backups::name_and_age(verdict, report.at), verdict.because));
            }
            for verdict in &report.deleted {
                output.line(&format!("  deleted  {}: {}", backups::name_and_age(verdict, report.at), verdict.because));
            }
            for stray in &report.restores {
                let what = match (stray.stays, report.apply) {
                    (true, _) => "stays ",
                    (false, true) => "IS STILL THERE",
                    (false, false) => "would go",
                };
                output.line(&format!("  {what}  {}: {}", stray.instance, stray.because));
            }
            for stray in &report.torn_down {
                output.line(&format!("  torn down  {}: {}", stray.instance, stray.because));
            }
            for failed in &report.failed {
                output.line(&format!("  NOT DELETED  {}: {}", failed.name, failed.because));
            }
        }
        upkeep::show(UPKEEP, outcome, because, output);
        if outcome == UpkeepOutcome::Complete && !self.apply {
            let going = reports.iter().map(|report| report.going().count() + report.strays().count()).sum::<usize>();
            output.line(if going == 0 {
                "There is nothing to delete."
            } else {
                "Nothing was deleted. With --apply it would be."
            });
        }
    }
}

/// The reports that can be read: what is told of the end stands without them.
async fn reports(engine: &Engine, plan: &Plan, execution: &ExecutionArn) -> Vec<Report> {
    let mut reports = Vec::new();
    for region in plan.backup_regions() {
        let key = report_key(&plan.plan, execution, &region);
        let read = object_store::read_json::<Report>(&engine.bucket, &key).await;
        reports.extend(read.ok().flatten().map(|(report, _)| report));
    }
    reports
}
