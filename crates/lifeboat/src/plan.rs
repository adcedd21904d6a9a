//! `lifeboat plan`: checks plans, prints their schema, makes their stacks, says what they cost, applies them.

mod apply;
mod cost;
mod explain;
mod remove;
mod sarif;

use std::{fs::File, io::Read, path::Path, process::ExitCode};

use clap::{Args, Subcommand};
use domain::{
    plan::Plan,
    plan_file::{self, Examined, Finding, LARGEST_PLAN_BYTES, Severity},
    synth::{Place, synth},
    words::id::Region,
};
use serde::Serialize;

use crate::{output::Output, refusal::Refusal};

/// What to do with plans.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Checks plans: each error with its line, what was expected and what to do.
    Check(Check),
    /// Prints the JSON Schema of a plan, for editors.
    #[command(after_help = "\
Example:
  lifeboat plan schema > plan.schema.json
  # and as the first line of a plan, for editors with the YAML language server:
  # yaml-language-server: $schema=plan.schema.json")]
    Schema,
    /// Prints a plan's own stack in one of its Regions: a CloudFormation template.
    Synth(Synth),
    /// Says what an idle plan costs a month at list prices.
    Cost(cost::Cost),
    /// Prints the page that a plan's owner signs: what is protected, promised and kept, and what is open.
    Explain(explain::Explain),
    /// Applies a plan to its Regions: its stacks, its object, and RDS's certificate authorities.
    Apply(apply::Apply),
    /// Takes a plan out of a Region: its stack, then its object.
    Remove(remove::Remove),
}

/// Prints a plan's own stack in one of its Regions.
#[derive(Debug, Args)]
#[command(after_help = "\
What watches the plan, starts its runs and its backups, and tells people. It belongs beside the engine's stack, and `lifeboat
plan apply` puts it there. The same plan makes the same text.

Example:
  lifeboat plan synth plans/lab.yaml --region us-west-2

Exit codes: 0 printed; 1 the plan has errors, which are shown, or nothing of it belongs in that Region; 2 the file cannot be read.")]
pub(crate) struct Synth {
    /// The plan's file; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// Which of the plan's Regions.
    #[arg(long)]
    region: Region,
}

/// Checks plans.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lifeboat plan check plans/lab.yaml
  lifeboat plan check --json plans/*.yaml
  lifeboat plan check --sarif plans/*.yaml > plans.sarif     # a code review shows each finding at its line

Exit codes: 0 every plan can be used (warnings are shown); 1 one has errors; 2 a file cannot be read.")]
pub(crate) struct Check {
    /// The plans' files; `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Prints one JSON object for each file.
    #[arg(long)]
    json: bool,
    /// Prints one SARIF 2.1.0 document for all of them, which code reviews read.
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
}

/// One file's result, as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked<'a> {
    file: &'a str,
    plan: Option<String>,
    usable: bool,
    findings: &'a [Finding],
}

impl Command {
    pub(crate) fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        match self {
            Self::Check(check) => check.run(output),
            Self::Schema => {
                output.line(&format!("{:#}", plan_file::schema()));
                Ok(ExitCode::SUCCESS)
            }
            Self::Synth(synth) => synth.run(output),
            Self::Cost(cost) => cost.run(output),
            Self::Explain(explain) => explain.run(output),
            Self::Apply(apply) => crate::wait_for(apply.run(output)),
            Self::Remove(remove) => crate::wait_for(remove.run(output)),
        }
    }
}

impl Synth {
    fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let plan = usable(&self.file)?;
        let template = Place::at(&self.region, &plan).and_then(|place| synth(&plan, place));
        let template = template.ok_or_else(|| self.nothing(&plan))?;
        output.line(&format!("{template:#}"));
        Ok(ExitCode::SUCCESS)
    }

    fn nothing(&self, plan: &Plan) -> Refusal {
        let (region, name) = (&self.region, &plan.plan);
        let why = match Place::at(region, plan) {
            Some(place) => format!("the {} Region of plan `{name}` has no stack: it is only asked", place.name()),
            None if plan.backup_regions().contains(region) => {
                format!("{region} only keeps copies of plan `{name}`'s backups: it has no stack")
            }
            None => format!("{region} is no Region of plan `{name}`"),
        };
        let (recovery, primary) = (&plan.regions.recovery, &plan.regions.primary);
        Refusal::failed(why, format!("Name its recovery Region, {recovery}, or its primary, {primary}."))
    }
}

impl Check {
    fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let (mut usable, mut results) = (true, Vec::new());
        for file in &self.files {
            let examined = examined(&text(file)?);
            usable &= examined.plan.is_some();
            if self.sarif {
                results.extend(examined.findings.iter().map(|finding| sarif::result(file, finding)));
            } else if self.json {
                let Examined { plan, findings } = &examined;
                let name = plan.as_ref().map(|plan| plan.plan.to_string());
                output.json(&Checked { file, plan: name, usable: plan.is_some(), findings })?;
            } else {
                show(file, &examined, output);
            }
        }
        if self.sarif {
            output.line(&format!("{:#}", sarif::log(&results)));
        }
        Ok(if usable { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

/// Reads a plan and tells everything that is wrong with it, also that it was to be read again by now.
fn examined(text: &str) -> Examined {
    let mut examined = plan_file::examine(text);
    let overdue = examined.plan.as_ref().and_then(|plan| plan_file::overdue(plan, today()));
    examined.findings.extend(plan_file::placed(text, overdue.into_iter().collect()));
    examined
}

fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn show(file: &str, examined: &Examined, output: &mut Output) {
    for finding in &examined.findings {
        output.line(&finding.in_file(file));
    }
    let count = |severity| examined.findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (counted(count(Severity::Error), "error"), counted(count(Severity::Warning), "warning"));
    output.line(&match &examined.plan {
        Some(plan) => format!("{file}: plan `{}` can be used; {warnings}", plan.plan),
        None => format!("{file}: cannot be used; {errors}, {warnings}"),
    });
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// Reads a plan that can be used.
fn usable(file: &str) -> Result<Plan, Refusal> {
    plan_file::read(&text(file)?, file)
        .map_err(|error| Refusal::failed(error.to_string(), format!("See `lifeboat plan check {file}`.")))
}

/// Reads a plan's file, `-` for standard input, no further than one byte past the largest plan.
pub(crate) fn text(file: &str) -> Result<String, Refusal> {
    let unreadable = |error: std::io::Error| {
        Refusal::usage(format!("cannot read {file}: {error}"), "Name a plan's file, as plans/lab.yaml.")
    };
    let limit = LARGEST_PLAN_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let read = if file == "-" {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(Path::new(file)).and_then(|open| open.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(unreadable)?;
    String::from_utf8(bytes).or_else(|error| {
        // Cut off within a character, it is too large, which `examine` says; else it is no text.
        let valid = error.utf8_error().valid_up_to();
        let cut = error.as_bytes().len() > LARGEST_PLAN_BYTES;
        if cut {
            return Ok(String::from_utf8_lossy(error.as_bytes()).into_owned());
        }
        Err(Refusal::usage(format!("cannot read {file}: byte {valid} is not UTF-8"), "Save it as UTF-8."))
    })
}
