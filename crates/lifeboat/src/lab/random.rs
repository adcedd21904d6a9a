//! `lifeboat lab drill --random N`: drills of random scenario and timing, in a row on one lab.

use std::time::Duration;

use domain::words::failure::chain;
use lab::{
    Storage,
    drill::{DrillError, Drills, Observer, RandomDrills, Scenario},
    footprint::Footprint,
    report::{DrillResult, TimelineEntry},
    setup::Progress,
};
use serde::Serialize;

use super::{bring_up::Wanted, manners, observer::OnTerminal};
use crate::output::Output;

/// What may be added to the processes between the first drills and the last: functions that another drill had kept busy
/// at once.
const MORE_PROCESSES: usize = 8;

/// What each drill may add to the gateway's memory: it keeps every execution's history, every function's log and every
/// version of every object for as long as it lives, as AWS does.
const KEPT_KIB_PER_DRILL: u64 = 4 * 1_024;

/// How many, and from which seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) drills: u32,
    pub(super) seed: u64,
}

/// How one drill went.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    number: u32,
    scenario: &'static str,
    lead_milliseconds: u64,
    passed: bool,
    headline: String,
    /// What was not as the scenario expects.
    shortcomings: Vec<String>,
    /// What must hold after any drill, and did not.
    broken_invariants: Vec<String>,
    footprint: Footprint,
}

/// How all of them went.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    seed: u64,
    drills: usize,
    passed: usize,
    invariants_broken: usize,
    first: Option<Footprint>,
    last: Option<Footprint>,
    grew: bool,
}

impl Summary {
    pub(super) fn passed(&self) -> bool {
        self.passed == self.drills && self.invariants_broken == 0 && !self.grew
    }
}

/// Runs them all. A drill that cannot be carried out counts as not passed, and the next one follows.
pub(super) async fn run(
    request: Request,
    wanted: &Wanted,
    json: bool,
    observer: &OnTerminal,
    output: &mut Output,
) -> Result<(Drills, Summary), DrillError> {
    let lab = wanted.bring_up(Storage::Memory, observer).await?;
    let mut drills = Drills::on(lab);
    let mut outcomes = Vec::new();
    for (number, (scenario, lead)) in (1..=request.drills).zip(RandomDrills::new(request.seed)) {
        let outcome = match one(&mut drills, request, number, scenario, lead).await {
            Ok(outcome) => outcome,
            Err(error) => {
                drills.shut_down().await;
                return Err(error);
            }
        };
        show(&outcome, request, json, output);
        outcomes.push(outcome);
    }
    let summary = summary(request.seed, &outcomes);
    if json {
        drop(output.json(&summary))
    } else {
        output.line(&in_words(&summary))
    }
    Ok((drills, summary))
}

async fn one(
    drills: &mut Drills,
    request: Request,
    number: u32,
    scenario: Scenario,
    lead: Duration,
) -> Result<Outcome, DrillError> {
    let reproduce = format!(
        "cargo drill --random {} --seed {}{}",
        request.drills,
        request.seed,
        manners::options(drills.lab.manners())
    );
    let (mut shortcomings, mut broken_invariants) = (Vec::new(), Vec::new());
    let headline = match run_one(drills, scenario, lead, &reproduce).await {
        Ok((result, broken)) => {
            shortcomings = result.shortcomings();
            broken_invariants = broken;
            result.headline()
        }
        Err(error) => {
            shortcomings.push(chain(&error));
            "It could not be carried out".to_owned()
        }
    };
    Ok(Outcome {
        number,
        scenario: scenario.name(),
        lead_milliseconds: u64::try_from(lead.as_millis()).unwrap_or(u64::MAX),
        passed: shortcomings.is_empty(),
        headline,
        shortcomings,
        broken_invariants,
        footprint: drills.lab.footprint().await?,
    })
}

async fn run_one(
    drills: &mut Drills,
    scenario: Scenario,
    lead: Duration,
    reproduce: &str,
) -> Result<(DrillResult, Vec<String>), DrillError> {
    let result = drills.run_after(lead, scenario, reproduce, &Nobody).await?;
    drills.write(&result)?;
    let broken = drills.broken_invariants(&result).await?;
    Ok((result, broken))
}

fn show(outcome: &Outcome, request: Request, json: bool, output: &mut Output) {
    if json {
        drop(output.json(outcome));
        return;
    }
    let verdict = if outcome.passed && outcome.broken_invariants.is_empty() { "passed" } else { "FAILED" };
    output.line(&format!(
        "{:>4}/{}  {:<24} {:>4} ms in  {verdict}  {}; {}",
        outcome.number,
        request.drills,
        outcome.scenario,
        outcome.lead_milliseconds,
        outcome.headline,
        outcome.footprint
    ));
    for shortcoming in &outcome.shortcomings {
        output.line(&format!("      not met: {shortcoming}"));
    }
    for broken in &outcome.broken_invariants {
        output.line(&format!("      INVARIANT BROKEN: {broken}"));
    }
}

/// Growth is judged from the end of the warm-up, a tenth of the drills, to the end.
fn summary(seed: u64, outcomes: &[Outcome]) -> Summary {
    let first = outcomes.get(outcomes.len() / 10).map(|outcome| outcome.footprint);
    let last = outcomes.last().map(|outcome| outcome.footprint);
    Summary {
        seed,
        drills: outcomes.len(),
        passed: outcomes.iter().filter(|outcome| outcome.passed).count(),
        invariants_broken: outcomes.iter().map(|outcome| outcome.broken_invariants.len()).sum(),
        grew: first.zip(last).is_some_and(|(first, last)| grew(first, last, outcomes.len())),
        first,
        last,
    }
}

fn grew(first: Footprint, last: Footprint, drills: usize) -> bool {
    let kept = KEPT_KIB_PER_DRILL.saturating_mul(u64::try_from(drills).unwrap_or(u64::MAX));
    last.processes > first.processes + MORE_PROCESSES || last.gateway_kib > first.gateway_kib.saturating_add(kept)
}

fn in_words(summary: &Summary) -> String {
    let shown = |footprint: Option<Footprint>| footprint.map_or("nothing".to_owned(), |found| found.to_string());
    format!(
        "\n{} of {} drills passed (seed {}), {} invariants broken; after the warm-up {}, at the end {}{}",
        summary.passed,
        summary.drills,
        summary.seed,
        summary.invariants_broken,
        shown(summary.first),
        shown(summary.last),
        if summary.grew { ": it GREW" } else { "" }
    )
}

/// Nobody watches each of these drills: its story is in its report.
struct Nobody;

impl Progress for Nobody {
    fn step(&self, _: &str) {}
}

impl Observer for Nobody {
    fn disaster(&self, _: jiff::Timestamp) {}
    fn happened(&self, _: &TimelineEntry) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(processes: usize, gateway_kib: u64) -> Footprint {
        Footprint { processes, gateway_kib }
    }

    #[test]
    fn growth_is_more_than_what_drills_may_leave() {
        let first = footprint(20, 100_000);
        let most = footprint(20 + MORE_PROCESSES, 100_000 + 10 * KEPT_KIB_PER_DRILL);
        assert!(!grew(first, most, 10));
        assert!(grew(first, footprint(most.processes + 1, first.gateway_kib), 10));
        assert!(grew(first, footprint(first.processes, most.gateway_kib + 1), 10));
    }

    #[test]
    fn one_broken_invariant_fails_them_all() {
        let outcome = |broken: &[&str]| Outcome {
            number: 1,
            scenario: "blip",
            lead_milliseconds: 0,
            passed: true,
            headline: String::new(),
            shortcomings: Vec::new(),
            broken_invariants: broken.iter().map(ToString::to_string).collect(),
            footprint: footprint(20, 100_000),
        };
        assert!(summary(1, &[outcome(&[]), outcome(&[])]).passed());
        assert!(!summary(1, &[outcome(&[]), outcome(&["both sides take writes"])]).passed());
    }
}
