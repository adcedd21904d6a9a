//! `lifeboat lab`: a lab of one's own, without a disaster.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use lab::{drill::Stage, setup::Progress};

use crate::{
    drill::{self, Shown},
    manners,
    output::Output,
    refusal::Refusal,
};

/// What to do with a lab.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Brings a lab up and leaves it up until Ctrl-C.
    Up(Up),
}

/// Brings a lab up and leaves it up until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
AWS on this machine, the engine in its Regions, and the plan's pair with its data, watched and well: nothing has failed
over. It says how to point the AWS CLI, this command and psql at it, and where the notices lie.

Examples:
  lifeboat lab up
  lifeboat lab up --plan plans/lab.yaml --slot 7
  lifeboat lab up --manners aws

Exit codes: 0 it was up until Ctrl-C; 1 it could not be brought up; 2 wrong command line.")]
pub(crate) struct Up {
    /// The plan whose system is made.
    #[arg(long, default_value = "plans/lab.yaml", value_name = "FILE")]
    plan: String,
    #[command(flatten)]
    manners: manners::Asked,
    /// The lab's slot, 1 to 99, which decides its addresses; the first free one by default.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=99))]
    slot: Option<u8>,
}

impl Command {
    /// Puts a keeper above this process, which leaves nothing running. Before any thread is started.
    pub(crate) fn keep(self) -> Result<Self, Refusal> {
        drill::keep()?;
        Ok(self)
    }

    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let Self::Up(up) = self;
        let plan = drill::read_plan(&up.plan)?;
        let slot = drill::slot(up.slot)?;
        let manners = up.manners.read()?;
        let audience = Shown::new();
        let stage = tokio::select! {
            stage = drill::set(&plan, slot, manners, &audience) => stage.map_err(|error| drill::refusal(&error))?,
            _ = tokio::signal::ctrl_c() => return Err(Refusal::Interrupted),
        };
        for line in how_to_talk_to(&stage)? {
            output.line(&line);
        }
        drop(tokio::signal::ctrl_c().await);
        audience.step("taking the lab down");
        stage.strike().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// How a person talks to a lab that is up: lines for a shell.
pub(crate) fn how_to_talk_to(stage: &Stage) -> Result<Vec<String>, Refusal> {
    let (machine, system) = (&stage.machine, &stage.system);
    let unwritable = |error: std::io::Error| {
        Refusal::failed(format!("the lab's folder cannot be written: {error}"), "Look at the disk's room and rights.")
    };
    let logins = system.write_logins(&machine.folder).map_err(unwritable)?;
    let (endpoint, resolver) = (machine.gateway.endpoint(), machine.resolver());
    let (regions, plan, name) = (&system.plan.regions, &system.plan.plan, &system.plan.traffic.record.name);
    let (recovery, primary) = (&regions.recovery, &regions.primary);
    let dig = format!("dig +short @{} -p {}", resolver.ip(), resolver.port());
    let address = format!("$({dig} {name} | tail -1)");
    let psql = |user: &str| {
        format!(
            "  PGPASSFILE={} psql \"host={name} hostaddr={address} port={} dbname={} user={user} sslmode=require\"",
            logins.display(),
            system.pair.primary.port,
            system.pair.database
        )
    };
    let mut lines = vec![
        "the lab stays up until Ctrl-C. In another shell:".to_owned(),
        format!("  export AWS_ENDPOINT_URL={endpoint} AWS_REGION={recovery} LIFEBOAT_RESOLVER={resolver}"),
        "  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test".to_owned(),
        format!("  lifeboat status {plan}"),
        format!("  aws rds describe-db-instances --region {primary}"),
        format!("  {dig} {name}"),
        "as the application, through the name:".to_owned(),
    ];
    lines.extend(system.pair.application_roles.iter().take(1).map(|role| psql(role.as_str())));
    lines.push("as the database's owner:".to_owned());
    lines.push(psql(system.owner()));
    lines.push(format!("every notice is in {}", machine.folder.join(lab::pager::NOTICES).display()));
    Ok(lines)
}
