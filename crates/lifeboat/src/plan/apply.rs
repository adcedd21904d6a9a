//! `lifeboat plan apply`: checks a plan, shows what would change in each of its Regions, asks, and does it.

use std::{
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
};

use clap::Args;
use domain::{
    plan::Plan,
    plan_file::{self, Examined, Finding},
    synth::stack_name,
    words::id::Region,
};
use edge::{
    aws, object_store,
    rollout::{self, Action, BucketChange, Looked, ObjectChange, PointsChange, Proposal, RegionChanges, Wanted},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    output::{self, Output},
    refusal::Refusal,
    status,
};

/// Applies a plan to its Regions: its stacks, its object, and RDS's certificate authorities.
#[derive(Debug, Args)]
#[command(after_help = "\
It checks the plan, as `lifeboat plan check` does, and against the engines and the other plans of its Regions; shows what would
change in each; asks; does it and waits; and ends with what `lifeboat status` says. With nothing to change it says so. A Region
must have its engine first. It makes no role: CloudFormation, CloudWatch, EventBridge, SQS, the engines' buckets, the
settings of the plan's own buckets and the replication of automated backups are enough; where it names a role for S3, that role is passed on.

Examples:
  lifeboat plan apply plans/lab.yaml --ca-bundle global-bundle.pem
  lifeboat plan apply plans/lab.yaml --yes

Exit codes: 0 it is in force; 1 it could not be applied, and says what was changed; 2 wrong command line, or nobody to ask; 130 broken off.")]
pub(crate) struct Apply {
    /// The plan's file; `-` for standard input, with --yes.
    #[arg(value_name = "FILE")]
    file: String,
    /// Does it without asking.
    #[arg(long)]
    yes: bool,
    /// RDS's certificate authorities as PEM, for the buckets of the plan's Regions; those that are there stay without it.
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<String>,
    /// Prints one JSON object; needs --yes.
    #[arg(long)]
    json: bool,
}

/// What was done, as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    plan: &'a str,
    stack: String,
    /// Whether anything was to be changed.
    changed: bool,
    regions: &'a [RegionChanges],
    /// What `lifeboat status` says after a change.
    status: Option<Value>,
}

/// A person's answer.
enum Answer {
    Yes,
    No,
    Interrupted,
}

impl Apply {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let text = super::text(&self.file)?;
        let plan = self.checked(&text, output)?;
        let authorities = self.authorities()?;
        output::progress(&format!("looking at {}", regions(&plan)));
        let wanted = Wanted { plan: &plan, text: &text, authorities: authorities.as_deref() };
        let looked = rollout::look(wanted, async |region: &Region| aws::config(Some(region.as_str())).await).await?;
        self.refuse(&looked, &text)?;
        looked.remarks().iter().for_each(|(what, remedy)| output.remark_always(&format!("{what}. {remedy}")));
        output::progress("asking CloudFormation what would change");
        let proposal = looked.propose().await?;
        let regions = proposal.regions.clone();
        if !self.json {
            lines(&plan, &regions).iter().for_each(|line| output.line(line));
        }
        if proposal.is_empty() {
            proposal.withdraw().await;
            if self.json {
                output.json(&told(&plan, &regions, false, None))?;
            } else {
                output.line(&format!("plan `{}` is in force as it is: nothing to change", plan.plan));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let Some(proposal) = self.agreed(proposal, output).await? else {
            output.line("nothing was changed");
            return Ok(ExitCode::FAILURE);
        };
        proposal.carry_out(&|step| output::progress(step)).await.map_err(|failure| {
            let remedy = "What is told above was done; the same command again goes on from there.";
            Refusal::failed(failure.chain(), remedy)
        })?;
        output::progress("applied; looking at how it is");
        let recovery = plan.regions.recovery.as_str();
        if self.json {
            let status = status::told(&plan.plan, recovery).await.ok();
            output.json(&told(&plan, &regions, true, status))?;
        } else {
            output.line(&format!("plan `{}` is in force\n", plan.plan));
            status::Command::of(plan.plan.clone(), recovery).run(output).await?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The plan, without an error; its warnings are told.
    fn checked(&self, text: &str, output: &mut Output) -> Result<Plan, Refusal> {
        let Examined { plan, findings } = plan_file::examine(text);
        findings.iter().for_each(|finding| output.remark_always(&finding.in_file(&self.file)));
        plan.ok_or_else(|| {
            Refusal::failed(format!("{} is no plan that can be used", self.file), "Correct it; nothing was changed.")
        })
    }

    fn authorities(&self) -> Result<Option<String>, Refusal> {
        let Some(file) = &self.ca_bundle else { return Ok(None) };
        let text = std::fs::read_to_string(file).map_err(|error| {
            Refusal::usage(format!("cannot read {file}: {error}"), "Name a file of certificates as PEM.")
        })?;
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            let remedy = "RDS's are at https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem.";
            return Err(Refusal::usage(format!("{file} has no certificate as PEM"), remedy));
        }
        Ok(Some(text))
    }

    /// Whatever speaks against it, each with its place.
    fn refuse(&self, looked: &Looked<'_>, text: &str) -> Result<(), Refusal> {
        let findings = plan_file::placed(text, looked.findings());
        let of_the_plan = findings.iter().map(|finding: &Finding| finding.in_file(&self.file));
        let of_the_account = looked.obstacles().into_iter().map(|(what, remedy)| format!("{what}. {remedy}"));
        let all: Vec<String> = of_the_plan.chain(of_the_account).collect();
        if all.is_empty() {
            return Ok(());
        }
        Err(Refusal::failed(all.join("\n"), "Nothing was changed."))
    }

    /// The proposal, if somebody agrees; without anybody to ask nothing is done.
    async fn agreed<'a>(&self, proposal: Proposal<'a>, output: &mut Output) -> Result<Option<Proposal<'a>>, Refusal> {
        if self.yes {
            return Ok(Some(proposal));
        }
        if self.json || !io::stdin().is_terminal() {
            proposal.withdraw().await;
            let what =
                "nobody can be asked whether this may be done: standard input is no terminal, or --json was given";
            return Err(Refusal::usage(what, "Give --yes. Nothing was changed."));
        }
        output.remark_always("Do this? Only `yes` does it:");
        match answer().await {
            Answer::Yes => Ok(Some(proposal)),
            Answer::No => {
                proposal.withdraw().await;
                Ok(None)
            }
            Answer::Interrupted => {
                proposal.withdraw().await;
                Err(Refusal::Interrupted)
            }
        }
    }
}

/// What a person types. A thread of its own reads it, which nobody waits for when Ctrl-C comes first.
pub(super) async fn ask() -> bool {
    matches!(answer().await, Answer::Yes)
}

async fn answer() -> Answer {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        // Nobody listens any more after Ctrl-C.
        let _ = tell.send(read.is_ok() && line.trim() == "yes");
    });
    tokio::select! {
        agreed = told => if agreed.unwrap_or(false) { Answer::Yes } else { Answer::No },
        _ = tokio::signal::ctrl_c() => Answer::Interrupted,
    }
}

fn regions(plan: &Plan) -> String {
    let all: Vec<&str> = domain::synth::Place::of(plan).map(|(_, region)| region.as_str()).collect();
    all.join(", ")
}

fn told<'a>(plan: &'a Plan, regions: &'a [RegionChanges], changed: bool, status: Option<Value>) -> Told<'a> {
    Told { plan: plan.plan.as_str(), stack: stack_name(&plan.plan), changed, regions, status }
}

/// What would change, for a person.
fn lines(plan: &Plan, regions: &[RegionChanges]) -> Vec<String> {
    let mut lines = vec![format!("plan {}: {}", plan.plan, plan.summary)];
    for changes in regions {
        let place = if changes.place == "left" { "not the plan's any more" } else { changes.place };
        lines.push(format!("{} ({place})", changes.region));
        let version = changes.plan_version.as_ref().filter(|_| changes.plan == ObjectChange::Changed);
        let version = version.map(|version| format!(", version {version} is there")).unwrap_or_default();
        lines.push(format!("  {:<9} {}{version}", word(changes.plan), object_store::plan_key(&plan.plan)));
        if changes.authorities != ObjectChange::Same {
            lines.push(format!("  {:<9} ca/rds.pem, for every plan of this Region", word(changes.authorities)));
        }
        let count = changes.resources.len();
        if count > 0 {
            lines.push(format!("  {:<9} {count} resources of the stack {}", "", stack_name(&plan.plan)));
        }
        let of_the_stack = changes.resources.iter();
        lines.extend(
            of_the_stack
                .map(|change| format!("    {:<9} {:<28} {}", verb(change.action), change.resource, change.kind)),
        );
        lines.extend(changes.buckets.iter().map(|change| {
            let BucketChange { bucket, setting, was, becomes } = change;
            format!("  {:<9} s3://{bucket}, {setting}: {becomes}; was: {was}", "changed")
        }));
        lines.extend(changes.points_in_time.iter().map(|change| {
            let PointsChange { instance, was, becomes } = change;
            format!("  {:<9} automated backups of {instance}: {becomes}; was: {was}", "started")
        }));
    }
    lines
}

fn word(change: ObjectChange) -> &'static str {
    match change {
        ObjectChange::Added => "added",
        ObjectChange::Changed => "changed",
        ObjectChange::Removed => "removed",
        ObjectChange::Same => "unchanged",
    }
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Added => "added",
        Action::Changed => "changed",
        Action::Replaced => "replaced",
        Action::Removed => "removed",
    }
}

#[cfg(test)]
mod tests {
    use edge::rollout::ResourceChange;

    use super::*;

    #[test]
    fn what_would_change_is_told_region_by_region() {
        let plan = plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
        let resource =
            |action, name: &str| ResourceChange { action, resource: name.into(), kind: "CloudWatch::Alarm".into() };
        let changes = |region: &str, place, plan, resources| RegionChanges {
            region: region.into(),
            place,
            plan,
            plan_version: Some("v1".into()),
            authorities: ObjectChange::Same,
            resources,
            buckets: Vec::new(),
            points_in_time: Vec::new(),
        };
        let (was, becomes) = ("none".into(), "GLACIER after 90d".into());
        let bucket = BucketChange { bucket: "uploads-east".into(), setting: "lifecycle", was, becomes };
        let resources = vec![
            resource(Action::Changed, "PrimaryDownAlarm"),
            resource(Action::Removed, "BackupDailyOrdersTooSmallAlarm"),
        ];
        let told = lines(
            &plan,
            &[
                changes("us-west-2", "recovery", ObjectChange::Changed, resources),
                RegionChanges {
                    buckets: vec![bucket],
                    ..changes("us-east-1", "primary", ObjectChange::Same, Vec::new())
                },
                changes("eu-west-1", "witness", ObjectChange::Same, Vec::new()),
            ],
        );
        assert_eq!(
            told.join("\n"),
            "\
plan lab: Orders, the database behind the shop
us-west-2 (recovery)
  changed   plans/lab.yaml, version v1 is there
            2 resources of the stack lifeboat-plan-lab
    changed   PrimaryDownAlarm             CloudWatch::Alarm
    removed   BackupDailyOrdersTooSmallAlarm CloudWatch::Alarm
us-east-1 (primary)
  unchanged plans/lab.yaml
  changed   s3://uploads-east, lifecycle: GLACIER after 90d; was: none
eu-west-1 (witness)
  unchanged plans/lab.yaml"
        );
    }
}
