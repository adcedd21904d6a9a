//! `lifeboat plan cost`: what an idle plan costs a month at list prices, and why.

use std::{collections::BTreeSet, process::ExitCode, str::FromStr};

use clap::{Args, ValueEnum};
use domain::{
    cost::{
        self, CHANGED_PERCENT, Given, LARGEST_GB, Line, MOST_ZONES, Network, Part, Prices, Processors, Sizes, counted,
    },
    plan::Plan,
    words::id::ComponentName,
};

use super::usable;
use crate::{
    output::{Output, cut},
    refusal::Refusal,
};

/// Says what an idle plan costs a month.
#[derive(Debug, Args)]
#[command(after_help = "\
Idle is a month of 730 h in which nothing fails: the watch, readiness, and what the plan's schedules start. Each line has
its arithmetic; what is left out is told at the end. Nothing is asked of AWS.

With --json: {plan, currency, hours, pricesOf, pricesAsOf, parts: [{part, lines: [{what, quantity, unit, unitDollars, dollars,
because}], dollars}], dollars, notIncluded: [text]}. The parts are engine, storage, between-regions and networks.

Examples:
  lifeboat plan cost plans/lab.yaml
  lifeboat plan cost plans/lab.yaml --size-gb 100 --changed-percent 2
  lifeboat plan cost plans/lab.yaml --size-gb orders=500 --network nat --zones 2 --json

Exit codes: 0 told; 1 the plan has errors, which are shown; 2 the file cannot be read, or wrong command line.")]
pub(crate) struct Cost {
    /// The plan's file; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// How large the databases are, in GB: all of them, or one as orders=100. Without it snapshots are left out.
    #[arg(long, value_name = "[COMPONENT=]GB", allow_negative_numbers = true)]
    size_gb: Vec<Size>,
    /// Which share of a database changes in a day: snapshots hold what changed. 5 by default.
    #[arg(long, value_name = "PERCENT", requires = "size_gb", value_parser = percent, allow_negative_numbers = true)]
    changed_percent: Option<f64>,
    /// How the functions reach AWS from their subnets, where that is there for them alone.
    #[arg(long, value_enum, default_value_t = Ways::None)]
    network: Ways,
    /// In how many zones each Region has it; 1 by default.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_ZONES)))]
    zones: Option<u32>,
    /// The processors that the functions are built for, as the template's parameter.
    #[arg(long, value_enum, default_value_t = Architecture::Arm64)]
    architecture: Architecture,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// How the functions reach AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ways {
    None,
    Nat,
    Endpoints,
}

/// Processors, as the template's parameter has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Architecture {
    #[value(name = "arm64")]
    Arm64,
    #[value(name = "x86_64")]
    X86,
}

/// A database's size, of one component or of each that has none of its own.
#[derive(Debug, Clone, PartialEq)]
struct Size {
    of: Option<ComponentName>,
    gb: f64,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (of, gb) = match text.split_once('=') {
            Some((name, gb)) => (Some(name.parse().map_err(|bad: domain::words::id::BadId| bad.to_string())?), gb),
            None => (None, text),
        };
        let is_one = |gb: &f64| *gb > 0.0 && *gb <= LARGEST_GB;
        let gb = gb.parse().ok().filter(is_one).ok_or_else(|| {
            format!("a size is a number of GB, more than 0 and at most {}, RDS's largest", counted(LARGEST_GB))
        })?;
        Ok(Self { of, gb })
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let is_one = |percent: &f64| (0.0..=100.0).contains(percent);
    text.parse().ok().filter(is_one).ok_or_else(|| "a share is a number from 0 to 100".to_owned())
}

impl Cost {
    pub(super) fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let plan = usable(&self.file)?;
        let given = self.given(&plan)?;
        let prices = Prices::list().map_err(|why| {
            Refusal::failed(format!("the list of prices cannot be read: {why}"), "Install the command anew.")
        })?;
        let cost = cost::reckon(&plan, &given, &prices);
        if self.json {
            output.json(&cost)?;
        } else {
            for line in table(&cost) {
                output.line(&line);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn given(&self, plan: &Plan) -> Result<Given, Refusal> {
        let zones = self.zones.unwrap_or(1);
        let network = match self.network {
            Ways::None if self.zones.is_some() => {
                let remedy = "Leave it out, or name nat or endpoints.";
                return Err(Refusal::usage("--zones needs --network nat or --network endpoints", remedy));
            }
            Ways::None => Network::None,
            Ways::Nat => Network::Nat { zones },
            Ways::Endpoints => Network::Endpoints { zones },
        };
        let processors = match self.architecture {
            Architecture::Arm64 => Processors::Arm64,
            Architecture::X86 => Processors::X86,
        };
        Ok(Given { processors, sizes: self.sizes(plan)?, network })
    }

    fn sizes(&self, plan: &Plan) -> Result<Sizes, Refusal> {
        let mut sizes = Sizes { changed_percent: self.changed_percent.unwrap_or(CHANGED_PERCENT), ..Sizes::default() };
        let backed_up: Vec<&ComponentName> = plan.backups.iter().flat_map(|backup| &backup.components).collect();
        for Size { of, gb } in &self.size_gb {
            let twice = |what: &str| Refusal::usage(format!("--size-gb is given twice {what}"), "Give it once.");
            match of {
                None if sizes.all.replace(*gb).is_some() => return Err(twice("for all components")),
                None => {}
                Some(name) if !backed_up.contains(&name) => {
                    let known: BTreeSet<&str> = backed_up.iter().map(|name| name.as_str()).collect();
                    let known = known.into_iter().collect::<Vec<_>>().join(", ");
                    let what = format!("--size-gb {name}: no schedule of plan `{}` backs that up", plan.plan);
                    let remedy = match known.as_str() {
                        "" => "Leave it out: the plan has no backups.".to_owned(),
                        known => format!("Name one of: {known}."),
                    };
                    return Err(Refusal::usage(what, remedy));
                }
                Some(name) if sizes.of.insert(name.clone(), *gb).is_some() => {
                    return Err(twice(&format!("for `{name}`")));
                }
                Some(_) => {}
            }
        }
        Ok(sizes)
    }
}

/// The least that a line of the table costs: what is cheaper is told in one line.
const A_CENT: f64 = 0.005;

/// The longest arithmetic that is shown: a plan with many schedules has a part for each. JSON has all of it.
const LONGEST_CHARS: usize = 100;

/// The table: what it is, dollars, how much of it at which price, and where that comes from.
fn table(cost: &cost::Cost) -> Vec<String> {
    let width = cost.parts.iter().flat_map(|part| &part.lines).map(|line| line.what.chars().count() + 2);
    let width = width.max().unwrap_or_default().max(CHEAP_WIDTH);
    let row = |what: &str, dollars: f64| format!("{what:<width$}  {dollars:>10.2}");
    let mut lines = vec![
        format!(
            "plan `{}`: an idle month of {} h at list prices of {} as of {}, in {}",
            cost.plan, cost.hours, cost.prices_of, cost.prices_as_of, cost.currency
        ),
        String::new(),
    ];
    for part in &cost.parts {
        lines.push(row(name(part.part), part.dollars));
        let (told, cheap): (Vec<&Line>, Vec<&Line>) = part.lines.iter().partition(|line| line.dollars >= A_CENT);
        for line in told {
            let Line { what, quantity, unit, unit_dollars, dollars, because } = line;
            let amount = row(&format!("  {what}"), *dollars);
            let because = cut(because, LONGEST_CHARS);
            lines.push(format!("{amount}  {} at {unit_dollars} per {unit}: {because}", counted(*quantity)));
        }
        if !cheap.is_empty() {
            let sum = cheap.iter().map(|line| line.dollars).sum();
            let names: Vec<&str> = cheap.iter().map(|line| line.what.as_str()).collect();
            lines.push(format!("{}  {}", row(CHEAP, sum), cut(&names.join(", "), LONGEST_CHARS)));
        }
    }
    lines.push(row("total", cost.dollars));
    lines.push(String::new());
    lines.push("not included:".to_owned());
    lines.extend(cost.not_included.iter().map(|left_out| format!("  {left_out}")));
    lines
}

/// Everything that costs less than a cent.
const CHEAP: &str = "  each under a cent";
const CHEAP_WIDTH: usize = CHEAP.len();

fn name(part: Part) -> &'static str {
    match part {
        Part::Engine => "engine",
        Part::Storage => "storage",
        Part::BetweenRegions => "between Regions",
        Part::Networks => "networks",
    }
}

#[cfg(test)]
mod tests;
