//! `lifeboat verify` and `lifeboat restore`: a backup is found, restored into isolation and asked; a test is torn down after.

use std::process::ExitCode;

use clap::Args;
use domain::{
    restore::{Measured, Purpose, RestoreRecord, RestoreRequest, Wanted, record_key},
    run::{
        outcome::UpkeepOutcome,
        verification::{Checked, Finding},
    },
    state_machine::Upkeep,
    words::{
        id::{ComponentName, ExecutionArn, Person, PlanName, Region, ScheduleName, SnapshotName},
        time_span::TimeSpan,
    },
};
use edge::object_store;
use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use crate::{
    engine::Engine,
    output::Output,
    refusal::Refusal,
    run::{self, Again},
    upkeep,
};

/// What it is.
const UPKEEP: Upkeep = Upkeep::VerifyBackup;

/// Which backup, or which point in time.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct What {
    /// The newest backup.
    #[arg(long)]
    latest: bool,
    /// The newest backup that was scheduled on this day, in UTC: 2026-11-20.
    #[arg(long, value_name = "DAY", value_parser = domain::restore::day)]
    date: Option<Date>,
    /// The backup of this name, as `lifeboat backups` lists it.
    #[arg(long, value_name = "NAME")]
    backup: Option<SnapshotName>,
    /// A moment, by the automated backups of the instance that takes writes: 2026-11-21T09:41:00Z.
    #[arg(long, value_name = "TIME", value_parser = domain::words::wording::time)]
    at: Option<Timestamp>,
    /// The last moment that those automated backups reach.
    #[arg(long)]
    latest_time: bool,
}

impl What {
    fn wanted(&self) -> Option<Wanted> {
        let Self { latest, date, backup, at, latest_time } = self;
        latest
            .then_some(Wanted::Latest)
            .or(date.map(Wanted::Date))
            .or(backup.clone().map(Wanted::Backup))
            .or(at.map(Wanted::Time))
            .or(latest_time.then_some(Wanted::LatestTime))
    }
}

/// Proves a backup: restores it into isolation, runs the plan's checks, tears it down.
#[derive(Debug, Args)]
#[command(after_help = "\
The newest backup of each component of the schedule is looked at, restored to an instance that nobody but Lifeboat
reaches, asked the plan's queries, and torn down. One that passes is tagged as verified, and the newest verified one is
never deleted. With --integrity nothing is restored.

Examples:
  lifeboat verify --plan lab --schedule daily --region us-west-2
  lifeboat verify --plan lab --schedule daily --region us-west-2 --integrity
  lifeboat verify --plan lab --schedule daily --region us-west-2 --date 2026-11-20

Exit codes: 0 proved; 6 some of it; 3 refused; 1 it failed, or it could not be started or followed; 2 wrong command line.")]
pub(crate) struct Verify {
    /// The plan's name.
    #[arg(long, visible_alias = "plan-name", value_name = "NAME")]
    plan: PlanName,
    /// By which of the plan's schedules the backup was made.
    #[arg(long, value_name = "NAME")]
    schedule: ScheduleName,
    /// Of which component; each that the schedule names, unless given.
    #[arg(long, value_name = "NAME")]
    component: Option<ComponentName>,
    #[command(flatten)]
    what: What,
    /// Looks at it without restoring it: present, available, encrypted, complete, large and new enough.
    #[arg(long)]
    integrity: bool,
    #[command(flatten)]
    rest: Rest,
}

/// Restores a backup, or a point in time, to a new instance, and runs the plan's checks.
#[derive(Debug, Args)]
#[command(after_help = "\
The new instance has a name of its own and a security group that admits nobody but Lifeboat: nothing that is there is
touched, and no traffic moves. It stays until somebody deletes it, whatever the checks say.

Examples:
  lifeboat restore --plan lab --component orders --region us-west-2 --by anna --latest
  lifeboat restore --plan lab --component orders --region us-west-2 --by anna --backup lifeboat-lab-orders-daily-20261120t020000
  lifeboat restore --plan lab --component orders --region us-west-2 --by anna --at 2026-11-21T09:41:00Z

Exit codes: 0 restored, every check passed; 3 refused; 1 it failed, or a check did; 2 wrong command line.")]
pub(crate) struct Restore {
    /// The plan's name.
    #[arg(long, visible_alias = "plan-name", value_name = "NAME")]
    plan: PlanName,
    /// The component.
    #[arg(long, value_name = "NAME")]
    component: ComponentName,
    /// By which of the plan's schedules the backup was made; any, unless given.
    #[arg(long, value_name = "NAME")]
    schedule: Option<ScheduleName>,
    #[command(flatten)]
    what: What,
    /// From which Region's backups, and into which Region; the recovery Region, unless given.
    #[arg(long, value_name = "REGION")]
    into: Option<Region>,
    #[command(flatten)]
    rest: Rest,
}

#[derive(Debug, Args)]
struct Rest {
    /// Who you are, as the record shall name you.
    #[arg(long, value_name = "NAME")]
    by: Option<Person>,
    /// The plan's recovery Region: from there it is run.
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
    record: Option<&'a RestoreRecord>,
}

impl Verify {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let request = RestoreRequest {
            plan: self.plan,
            schedule: Some(self.schedule),
            component: self.component,
            purpose: if self.integrity { Purpose::Integrity } else { Purpose::Test },
            wanted: self.what.wanted().unwrap_or(Wanted::Latest),
            region: None,
            by: self.rest.by.clone(),
        };
        prove(request, &self.rest, output).await
    }
}

impl Restore {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let Some(wanted) = self.what.wanted() else {
            let remedy = "Say what is to be restored: --latest, --date, --backup, --at or --latest-time.";
            return Err(Refusal::usage("nothing says which backup, or which point in time", remedy));
        };
        let request = RestoreRequest {
            plan: self.plan,
            schedule: self.schedule,
            component: Some(self.component),
            purpose: Purpose::Keep,
            wanted,
            region: self.into,
            by: self.rest.by.clone(),
        };
        prove(request, &self.rest, output).await
    }
}

async fn prove(request: RestoreRequest, rest: &Rest, output: &mut Output) -> Result<ExitCode, Refusal> {
    let engine = Engine::of(UPKEEP.machine(), rest.region.as_deref()).await?;
    // The plan is looked for first: a run for one that does not exist would only be one more refusal in the record.
    object_store::read_plan(&engine.bucket, &request.plan).await?;
    let input = serde_json::to_string(&request)
        .map_err(|error| Refusal::usage(error.to_string(), "See `lifeboat restore --help`."))?;
    let execution = run::start_anew(&engine, &request.plan, &input).await?;
    let (outcome, because) =
        run::follow(&engine, &execution, |told| upkeep::ending(UPKEEP, told), Again::Never, rest.json, output).await?;
    let key = record_key(&request.plan, &execution);
    let record = object_store::read_json::<RestoreRecord>(&engine.bucket, &key).await.ok().flatten();
    let record = record.map(|(record, _)| record);
    if rest.json {
        output.json(&Ended { execution: &execution, outcome, because: &because, record: record.as_ref() })?;
    } else {
        upkeep::show(UPKEEP, outcome, &because, output);
        if let Some(record) = &record {
            for measured in &record.parts {
                show(record, measured, output);
            }
            output.line(&format!("  record  {key}"));
        }
    }
    Ok(upkeep::exit_code(outcome))
}

fn show(record: &RestoreRecord, measured: &Measured, output: &mut Output) {
    let part = &measured.part;
    let Some(examined) = &part.examined else { return };
    if let Some(chosen) = &examined.chosen {
        let before = measured.recovery_point_seconds.map_or("an unknown time".into(), whole_seconds);
        let origin = chosen.origin.name();
        output.line(&format!("  {}  {origin}, with what was committed until {before} before", part.component));
    } else {
        output.line(&format!("  {}  nothing that can be restored", part.component));
    }
    let answered = part.verified.iter().flat_map(|verified| &verified.checks);
    for check in examined.checks.iter().chain(answered) {
        show_check(check, output);
    }
    if part.verified.as_ref().is_some_and(|verified| verified.tagged) {
        output.line("    tagged as verified");
    }
    let Some(restored) = &part.restored else { return };
    let took = measured.restore_seconds.map_or("an unknown time".into(), whole_seconds);
    let kept = match (record.purpose, part.left) {
        (Purpose::Keep, _) => {
            format!("kept, at {}:{}, in {}", restored.endpoint, restored.port, restored.security_group)
        }
        (Purpose::Test | Purpose::Integrity, true) => "STILL THERE: the next cleanup tears it down".to_owned(),
        (Purpose::Test | Purpose::Integrity, false) => "torn down".to_owned(),
    };
    output.line(&format!("    `{}` in {}, restored in {took}; {kept}", restored.instance, restored.region));
    if record.purpose == Purpose::Keep {
        output.line(
            "    Nobody but Lifeboat reaches it. RUNBOOK.md, \"A restored instance\", says how it is put to use.",
        );
    }
}

fn show_check(check: &Checked, output: &mut Output) {
    output.line(&match &check.finding {
        Finding::Passed => format!("    passed    {}", check.name),
        Finding::Failed { expected, got } => format!("    FAILED    {}: expected {expected}, got {got}", check.name),
        Finding::Unanswered(why) => format!("    no answer {}: {why}", check.name),
        Finding::Behind(old) => format!("    not yet   {}: {old}", check.name),
    });
}

fn whole_seconds(seconds: f64) -> String {
    TimeSpan::seconds(seconds.round() as u64).roughly()
}
