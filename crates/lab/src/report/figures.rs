//! Where the time went, for one drill and over many.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DrillResult, Event, Subject};

/// A part of the client's outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// What its end is.
    pub until: Event,
    /// From when.
    pub from: Timestamp,
    /// How long.
    pub milliseconds: u64,
}

/// What a client waits for, in the order in which a failover goes.
const MILESTONES: [Event; 9] = [
    Event::Detected,
    Event::Alarm,
    Event::RunStarted,
    Event::Judged,
    Event::Approved,
    Event::Fenced,
    Event::Drained,
    Event::Promoted,
    Event::DnsSwitched,
];

/// The outage divided by what happened during it. The parts add up to the outage. Empty when it did not end.
#[must_use]
pub fn parts(result: &DrillResult) -> Vec<Part> {
    let Some(outage) = &result.client.outage else { return Vec::new() };
    let Some(end) = outage.first_after else { return Vec::new() };
    let start = outage.last_before;
    let mut cuts: Vec<(Timestamp, Event)> = MILESTONES
        .into_iter()
        .filter_map(|event| result.timeline.iter().rev().find(|entry| entry.event == event && entry.at < end))
        .filter(|entry| entry.at > start)
        .map(|entry| (entry.at, entry.event))
        .collect();
    cuts.sort_unstable();
    cuts.push((end, Event::FirstCommit));
    let mut from = start;
    cuts.into_iter()
        .map(|(at, until)| {
            let part = Part { until, from, milliseconds: between(from, at) };
            from = at;
            part
        })
        .collect()
}

/// Milliseconds from one instant to a later one, rounded; zero where the clocks say otherwise.
pub(super) fn between(from: Timestamp, to: Timestamp) -> u64 {
    let microseconds = to.duration_since(from).as_micros();
    u64::try_from((microseconds + 500) / 1_000).unwrap_or_default()
}

/// One figure over many drills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// Its unit; empty for a count.
    pub unit: String,
    /// The drills that have it.
    pub count: usize,
    /// The smallest.
    pub minimum: u64,
    /// The middle one; the lower of two.
    pub median: u64,
    /// The largest.
    pub maximum: u64,
}

/// The figures of many drills.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// How many drills.
    pub drills: usize,
    /// How many of them were passed.
    pub passed: usize,
    /// Each figure, the parts of the outage first and the outage after them.
    pub figures: Vec<Figure>,
}

impl Figures {
    /// The figures of these drills. A drill that lacks one is not counted for it.
    #[must_use]
    pub fn of(results: &[DrillResult]) -> Self {
        let figures = match results.first().map(|result| result.subject) {
            Some(Subject::Failover) | None => of_failovers(results),
            Some(Subject::Backups) => of_backups(results),
        };
        Self {
            drills: results.len(),
            passed: results.iter().filter(|result| result.passed()).count(),
            figures: figures.into_iter().flatten().collect(),
        }
    }
}

fn of_failovers(results: &[DrillResult]) -> Vec<Option<Figure>> {
    let parts: Vec<Vec<Part>> = results.iter().map(parts).collect();
    let until = |event: Event| {
        let of_event = parts.iter().flatten().filter(move |part| part.until == event);
        of_event.map(|part| part.milliseconds).collect::<Vec<u64>>()
    };
    let mut figures: Vec<Option<Figure>> = MILESTONES
        .into_iter()
        .chain([Event::FirstCommit])
        .map(|event| figure(&format!("until {}", event.name()), "ms", until(event)))
        .collect();
    let ended =
        results.iter().filter_map(|result| result.client.outage.as_ref()).filter(|outage| outage.first_after.is_some());
    figures.push(figure("client's outage", "ms", ended.map(|outage| outage.milliseconds).collect()));
    figures.push(figure("rows lost", "", results.iter().map(|result| result.client.lost.rows.count).collect()));
    let split = results.iter().map(|result| result.client.split_brain.count).collect();
    figures.push(figure("rows on the old primary after the promotion", "", split));
    figures.push(transitions(results));
    figures
}

/// What the first of these drills measured, over all of them, and how long their clients waited.
fn of_backups(results: &[DrillResult]) -> Vec<Option<Figure>> {
    let first = results.first().map(|result| result.readings.as_slice()).unwrap_or_default();
    let mut figures: Vec<Option<Figure>> = first
        .iter()
        .map(|reading| {
            let same = results.iter().flat_map(|result| &result.readings).filter(|other| other.name == reading.name);
            figure(&reading.name, &reading.unit, same.map(|same| same.value).collect())
        })
        .collect();
    let waits = results.iter().filter_map(|result| result.client.outage.as_ref());
    figures.push(figure("client's longest wait", "ms", waits.map(|wait| wait.milliseconds).collect()));
    figures.push(transitions(results));
    figures
}

fn transitions(results: &[DrillResult]) -> Option<Figure> {
    let transitions = results.iter().flat_map(|result| &result.runs).filter_map(|run| run.transitions).collect();
    figure("state transitions", "", transitions)
}

fn figure(name: &str, unit: &str, mut values: Vec<u64>) -> Option<Figure> {
    values.sort_unstable();
    let (first, last) = (*values.first()?, *values.last()?);
    Some(Figure {
        name: name.to_owned(),
        unit: unit.to_owned(),
        count: values.len(),
        minimum: first,
        median: values[(values.len() - 1) / 2],
        maximum: last,
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, killed};
    use super::*;

    #[test]
    fn the_parts_add_up_to_the_outage() {
        let result = killed();
        let parts = parts(&result);
        assert_eq!(parts.iter().map(|part| part.milliseconds).sum::<u64>(), result.client.outage.unwrap().milliseconds);
        let order: Vec<Event> = parts.iter().map(|part| part.until).collect();
        assert_eq!(order.first(), Some(&Event::Detected));
        assert_eq!(order.last(), Some(&Event::FirstCommit));
    }

    #[test]
    fn an_outage_that_did_not_end_has_no_parts() {
        let mut result = killed();
        result.client.outage.as_mut().unwrap().first_after = None;
        assert_eq!(parts(&result), []);
        result.client.outage = None;
        assert_eq!(parts(&result), []);
    }

    #[test]
    fn figures_over_drills_are_least_middle_and_most() {
        let drills = [5_000, 1_000, 3_000, 2_000].map(|ms| {
            let mut result = killed();
            let outage = result.client.outage.as_mut().unwrap();
            (outage.milliseconds, outage.first_after) = (ms, Some(sample::after(i64::try_from(ms).unwrap())));
            result
        });
        let figures = Figures::of(&drills);
        let outage = figures.figures.iter().find(|figure| figure.name == "client's outage").unwrap();
        assert_eq!((outage.minimum, outage.median, outage.maximum, outage.count), (1_000, 2_000, 5_000, 4));
        assert_eq!((figures.drills, figures.passed), (4, 4));
    }

    #[test]
    fn no_drill_gives_no_figure() {
        assert_eq!(Figures::of(&[]), Figures::default());
    }
}
