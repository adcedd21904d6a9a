//! `lifeboat lab drill`: a disaster made on purpose, on this machine.

use std::process::ExitCode;

use clap::Args;
use domain::words::time_span::TimeSpan;
use jiff::Timestamp;
use lab::{
    Storage,
    drill::{DrillError, Drills, Scenario},
    report::{DrillResult, Figures},
    setup::Progress,
};
use serde_json::json;

use super::{access, bring_up, manners, observer::OnTerminal, random};
use crate::{output::Output, refusal::Refusal};

/// The most drills in one go.
const MOST_RUNS: u32 = 1_000;

/// The largest database that a lab makes: with its log, its snapshots and its restores it is kept half a dozen times.
const MOST_MEGABYTES: u64 = 10_000;

/// The longest time that a person takes to answer in a drill: below the four hours that a plan may give.
const LATEST_ANSWER: TimeSpan = TimeSpan::seconds(3 * 3_600);

/// Makes a disaster on this machine and shows what comes of it: real PostgreSQL, real DNS, the real engine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lifeboat lab drill                        kill the primary and watch the failover
  lifeboat lab drill replica-lagging        another scenario; --list names them
  lifeboat lab drill --runs 10              ten in a row, and their figures
  lifeboat lab drill --random 50            fifty of random scenario and timing; --seed gives the same ones again
  lifeboat lab drill restore-test --megabytes 1000
                                            prove a backup of 1 GB, and measure each part of it
  lifeboat lab drill approval --answer-after 10m
                                            a person who approves only after ten minutes
  lifeboat lab drill host-lost --plan FILE  your own plan's intervals, hold-down and policies
  lifeboat lab drill --manners aws          as AWS behaves: late statuses, far Regions, promotions with a restart
  lifeboat lab drill --keep                 leave the lab up afterwards, to talk to it

Needs no AWS account and no Docker; what is missing is installed under target/lab, or named with its command. Every
address is a loopback address. Exit code 0 only if everything was as it must be.")]
pub(crate) struct Drill {
    /// The scenario.
    #[arg(default_value = "primary-killed")]
    scenario: String,
    /// List the scenarios.
    #[arg(long)]
    list: bool,
    /// Print one line of JSON for each drill; progress goes to standard error.
    #[arg(long)]
    json: bool,
    /// Leave the lab up until Ctrl-C, and say how to talk to it.
    #[arg(long)]
    keep: bool,
    /// How many times.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_RUNS)))]
    runs: u32,
    /// Make the database this many megabytes large first; only for restore-test.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=MOST_MEGABYTES))]
    megabytes: Option<u64>,
    /// Let the person who approves answer only after this time; only for approval.
    #[arg(long, value_name = "SPAN", value_parser = |text: &str| TimeSpan::try_from(text.to_owned()))]
    answer_after: Option<TimeSpan>,
    /// Run N drills of random scenario and timing on one lab, and check after each what must always hold.
    #[arg(long, value_name = "N", conflicts_with_all = ["scenario", "runs", "keep", "megabytes", "answer_after"], value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_RUNS)))]
    random: Option<u32>,
    /// The seed of these random drills; by default the time.
    #[arg(long, requires = "random")]
    seed: Option<u64>,
    #[command(flatten)]
    wanted: bring_up::LabArguments,
}

impl Drill {
    /// Whether it starts anything: naming the scenarios does not.
    pub(super) const fn starts_a_lab(&self) -> bool {
        !self.list
    }

    pub(super) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        if self.list {
            return self.list(output);
        }
        let scenario: Scenario = self
            .scenario
            .parse()
            .map_err(|error: lab::drill::UnknownScenario| Refusal::usage(error.to_string(), "Name one of those."))?;
        if self.megabytes.is_some() && scenario != Scenario::RestoreTest {
            let why = format!("--megabytes belongs to restore-test, not to `{}`", scenario.name());
            return Err(Refusal::usage(why, "Leave it out, or run that scenario."));
        }
        if self.answer_after.is_some() && scenario != Scenario::Approval {
            let why = format!("--answer-after belongs to approval, not to `{}`", scenario.name());
            return Err(Refusal::usage(why, "Leave it out, or run that scenario."));
        }
        if self.answer_after.is_some_and(|time| time > LATEST_ANSWER) {
            let why = format!("--answer-after is at most {LATEST_ANSWER}");
            return Err(Refusal::usage(why, "Give a shorter time, such as 10m."));
        }
        let wanted = self.wanted.read()?;
        let observer = OnTerminal::new();
        if let Some(drills) = self.random {
            let seed = self.seed.unwrap_or_else(|| Timestamp::now().as_millisecond().unsigned_abs());
            let request = random::Request { drills, seed };
            let (drills, summary) = tokio::select! {
                run = random::run(request, &wanted, self.json, &observer, output) => run.map_err(|error| bring_up::refusal(&error))?,
                _ = tokio::signal::ctrl_c() => return Err(Refusal::Interrupted),
            };
            drills.shut_down().await;
            return Ok(if summary.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        let (drills, results) = tokio::select! {
            drilled = self.drill(scenario, &wanted, &observer, output) => drilled.map_err(|error| bring_up::refusal(&error))?,
            _ = tokio::signal::ctrl_c() => return Err(Refusal::Interrupted),
        };
        if self.keep {
            access::how_to_talk_to(&drills.lab)?.iter().for_each(|line| output.remark_always(line));
            drop(tokio::signal::ctrl_c().await);
        }
        drills.shut_down().await;
        if results.len() > 1 {
            let figures = Figures::of(&results);
            if self.json { drop(output.json(&figures)) } else { drop(observer.terminal().figures(&figures)) }
        }
        let passed = results.iter().all(DrillResult::passed);
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn drill(
        &self,
        scenario: Scenario,
        wanted: &bring_up::Wanted,
        observer: &OnTerminal,
        output: &mut Output,
    ) -> Result<(Drills, Vec<DrillResult>), DrillError> {
        let began = std::time::Instant::now();
        // A large database is more than memory may have room for.
        let storage = if self.megabytes.is_some() { Storage::Disk } else { Storage::Memory };
        let lab = wanted.bring_up(storage, observer).await?;
        let mut drills = Drills::on(lab);
        observer.step(&format!(
            "the lab is up, deployed and loaded, {:.1} s after the start",
            began.elapsed().as_secs_f64()
        ));
        let mut results = Vec::new();
        if let Err(error) = self.repeat(&mut drills, scenario, observer, output, &mut results).await {
            drills.shut_down().await;
            return Err(error);
        }
        Ok((drills, results))
    }

    async fn repeat(
        &self,
        drills: &mut Drills,
        scenario: Scenario,
        observer: &OnTerminal,
        output: &mut Output,
        results: &mut Vec<DrillResult>,
    ) -> Result<(), DrillError> {
        let mut reproduce = format!("cargo drill {}", scenario.name());
        reproduce.push_str(&self.wanted.options());
        reproduce.push_str(&manners::options(drills.lab.manners()));
        if let Some(time) = self.answer_after {
            drills.answer_after(time);
            reproduce.push_str(&format!(" --answer-after {time}"));
        }
        if let Some(megabytes) = self.megabytes {
            drills.lab.system.enlarge(&drills.lab.aws, megabytes, observer).await?;
            reproduce.push_str(&format!(" --megabytes {megabytes}"));
        }
        for _ in 0..self.runs {
            let result = drills.run(scenario, &reproduce, observer).await?;
            let written = drills.write(&result)?;
            if self.json {
                let line = json!({
                    "passed": result.passed(), "headline": result.headline(), "shortcomings": result.shortcomings(),
                    "evidence": written.evidence, "report": written.page, "result": result,
                });
                drop(output.json(&line));
            } else {
                drop(observer.terminal().summary(&result));
                output.line(&format!(
                    "\n  evidence  {}\n  report    {}",
                    written.evidence.display(),
                    written.page.display()
                ));
            }
            results.push(result);
        }
        Ok(())
    }

    fn list(&self, output: &mut Output) -> Result<ExitCode, Refusal> {
        for scenario in Scenario::all() {
            if self.json {
                output.json(&json!({ "scenario": scenario.name(), "story": scenario.story() }))?;
            } else {
                output.line(&format!("{:<24} {}", scenario.name(), scenario.story()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
