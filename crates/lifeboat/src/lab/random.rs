//! `lifeboat lab drill --random N`: drills of random scenario and timing, in a row on one lab.

use std::time::Duration;

use domain::{plan::Plan, words::failure::chain};
use lab::{
    drill::{Audience, Draw, DrillError, Scenario, Stage},
    footprint::Footprint,
    manners::Manners,
    report::{DrillResult, Moment},
    setup::Progress,
    slot::Slot,
};
use serde::Serialize;

use super::{audience::Shown, bring_up, manners};
use crate::output::Output;

/// What may be added to the processes between the first drills and the last: functions that another drill had kept busy
/// at once.
const MORE_PROCESSES: usize = 8;

/// What each drill may add to the gateway's memory: it keeps every execution's history, every function's log and every
/// version of every object for as long as it lives, as AWS does.
const KEPT_KIB_PER_DRILL: u64 = 4 * 1_024;

/// How many, and from which seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lot {
    pub(super) drills: u32,
    pub(super) seed: u64,
    pub(super) manners: Manners,
}

/// One drill of the row.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Drawn {
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

/// The whole row.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    seed: u64,
    drills: usize,
    passed: usize,
    invariants_broken: usize,
    first: Option<Footprint>,
    last: Option<Footprint>,
    grew: bool,
}

impl Row {
    pub(super) fn passed(&self) -> bool {
        self.passed == self.drills && self.invariants_broken == 0 && !self.grew
    }
}

/// Runs them all. A drill that cannot be carried out is one that was not passed; the row goes on.
pub(super) async fn run(
    lot: Lot,
    plan: &Plan,
    slot: Option<Slot>,
    json: bool,
    audience: &Shown,
    output: &mut Output,
) -> Result<(Stage, Row), DrillError> {
    let mut stage = bring_up::bring_up(plan, slot, lot.manners, audience).await?;
    let mut row = Vec::new();
    for (number, (scenario, lead)) in (1..=lot.drills).zip(Draw::new(lot.seed)) {
        let drawn = match one(&mut stage, lot, number, scenario, lead).await {
            Ok(drawn) => drawn,
            Err(error) => {
                stage.strike().await;
                return Err(error);
            }
        };
        show(&drawn, lot, json, output);
        row.push(drawn);
    }
    let row = summary(lot.seed, &row);
    if json {
        drop(output.json(&row))
    } else {
        output.line(&in_words(&row))
    }
    Ok((stage, row))
}

async fn one(
    stage: &mut Stage,
    lot: Lot,
    number: u32,
    scenario: Scenario,
    lead: Duration,
) -> Result<Drawn, DrillError> {
    let reproduce = format!("cargo drill --random {} --seed {}{}", lot.drills, lot.seed, manners::options(lot.manners));
    let (mut shortcomings, mut broken_invariants) = (Vec::new(), Vec::new());
    let headline = match play(stage, scenario, lead, &reproduce).await {
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
    Ok(Drawn {
        number,
        scenario: scenario.name(),
        lead_milliseconds: u64::try_from(lead.as_millis()).unwrap_or(u64::MAX),
        passed: shortcomings.is_empty(),
        headline,
        shortcomings,
        broken_invariants,
        footprint: stage.footprint().await?,
    })
}

async fn play(
    stage: &mut Stage,
    scenario: Scenario,
    lead: Duration,
    reproduce: &str,
) -> Result<(DrillResult, Vec<String>), DrillError> {
    let result = stage.play_after(lead, scenario, reproduce, &Nobody).await?;
    stage.write(&result)?;
    let broken = stage.broken_invariants(&result).await?;
    Ok((result, broken))
}

fn show(drawn: &Drawn, lot: Lot, json: bool, output: &mut Output) {
    if json {
        drop(output.json(drawn));
        return;
    }
    let verdict = if drawn.passed && drawn.broken_invariants.is_empty() { "passed" } else { "FAILED" };
    output.line(&format!(
        "{:>4}/{}  {:<24} {:>4} ms in  {verdict}  {}; {}",
        drawn.number, lot.drills, drawn.scenario, drawn.lead_milliseconds, drawn.headline, drawn.footprint
    ));
    for shortcoming in &drawn.shortcomings {
        output.line(&format!("      not met: {shortcoming}"));
    }
    for broken in &drawn.broken_invariants {
        output.line(&format!("      INVARIANT BROKEN: {broken}"));
    }
}

/// Growth is judged from the end of the warm-up, a tenth of the row, to the end.
fn summary(seed: u64, row: &[Drawn]) -> Row {
    let first = row.get(row.len() / 10).map(|drawn| drawn.footprint);
    let last = row.last().map(|drawn| drawn.footprint);
    Row {
        seed,
        drills: row.len(),
        passed: row.iter().filter(|drawn| drawn.passed).count(),
        invariants_broken: row.iter().map(|drawn| drawn.broken_invariants.len()).sum(),
        grew: first.zip(last).is_some_and(|(first, last)| grew(first, last, row.len())),
        first,
        last,
    }
}

fn grew(first: Footprint, last: Footprint, drills: usize) -> bool {
    let kept = KEPT_KIB_PER_DRILL.saturating_mul(u64::try_from(drills).unwrap_or(u64::MAX));
    last.processes > first.processes + MORE_PROCESSES || last.gateway_kib > first.gateway_kib.saturating_add(kept)
}

fn in_words(row: &Row) -> String {
    let shown = |footprint: Option<Footprint>| footprint.map_or("nothing".to_owned(), |found| found.to_string());
    format!(
        "\n{} of {} drills passed (seed {}), {} invariants broken; after the warm-up {}, at the end {}{}",
        row.passed,
        row.drills,
        row.seed,
        row.invariants_broken,
        shown(row.first),
        shown(row.last),
        if row.grew { ": it GREW" } else { "" }
    )
}

/// Nobody watches each drill of a row: its story is in its report.
struct Nobody;

impl Progress for Nobody {
    fn step(&self, _: &str) {}
}

impl Audience for Nobody {
    fn struck(&self, _: jiff::Timestamp) {}
    fn moment(&self, _: &Moment) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(processes: usize, gateway_kib: u64) -> Footprint {
        Footprint { processes, gateway_kib }
    }

    #[test]
    fn growth_is_more_than_what_a_row_of_drills_may_leave() {
        let first = footprint(20, 100_000);
        let most = footprint(20 + MORE_PROCESSES, 100_000 + 10 * KEPT_KIB_PER_DRILL);
        assert!(!grew(first, most, 10));
        assert!(grew(first, footprint(most.processes + 1, first.gateway_kib), 10));
        assert!(grew(first, footprint(first.processes, most.gateway_kib + 1), 10));
    }

    #[test]
    fn one_broken_invariant_fails_a_row() {
        let drawn = |broken: &[&str]| Drawn {
            number: 1,
            scenario: "blip",
            lead_milliseconds: 0,
            passed: true,
            headline: String::new(),
            shortcomings: Vec::new(),
            broken_invariants: broken.iter().map(ToString::to_string).collect(),
            footprint: footprint(20, 100_000),
        };
        assert!(summary(1, &[drawn(&[]), drawn(&[])]).passed());
        assert!(!summary(1, &[drawn(&[]), drawn(&["both sides take writes"])]).passed());
    }
}
