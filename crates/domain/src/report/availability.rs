//! The share of time in which clients were served: all of it but the outages that runs and the watch have measured.

use jiff::Timestamp;

use super::{
    Left, Span,
    incident::Incident,
    line::{Counted, Value},
};
use crate::{
    failover::run::RunKind,
    plan::Plan,
    record::evidence::Evidence,
    run::outcome::RunOutcome,
    state_machine::StateName,
    words::{id::PlanName, time_span::TimeSpan},
};

/// How long after the watch last wrote something down it counts as silent.
const SILENT_AFTER: TimeSpan = TimeSpan::seconds(10 * 60);

/// Of the pair that was served least. `of` is how many outages there were: what several saw is one.
pub(super) fn of(plan: &Plan, left: &Left, incidents: &[Incident<'_>], runs: &[&Evidence], span: Span) -> Counted {
    let untimed = incidents.iter().filter(|incident| incident.recovery().is_none()).count();
    let unknown = untimed + unwatched(plan, left, span).len();
    let outages: Vec<(PlanName, Outage)> = outages(plan, left, runs).collect();
    let pairs: Vec<(f64, usize)> = plan
        .names_of_pairs()
        .map(|pair| {
            let own = outages.iter().filter(|(of, _)| *of == pair).map(|(_, outage)| *outage);
            served(own.collect(), span)
        })
        .collect();
    let least = pairs.iter().map(|(percent, _)| *percent).reduce(f64::min).map(Value::Percent);
    let of: usize = pairs.iter().map(|(_, outages)| outages).sum();
    // What is not known can only make it less.
    let at_worst = if unknown == 0 { least } else { least.map(|_| Value::Percent(0.0)) };
    Counted { value: least, at_worst, at_best: least, of: of + untimed, unknown }
}

#[derive(Debug, Clone, Copy)]
struct Outage {
    since: Timestamp,
    until: Timestamp,
}

fn outages<'l>(plan: &Plan, left: &'l Left, runs: &[&'l Evidence]) -> impl Iterator<Item = (PlanName, Outage)> {
    let ttls: Vec<(PlanName, TimeSpan)> =
        plan.pairs().map(|pair| (pair.plan.clone(), pair.traffic.record.ttl)).collect();
    let of_runs: Vec<_> = runs
        .iter()
        .filter(|run| run.outcome == RunOutcome::Done)
        .filter_map(|run| {
            let of = run.plan.clone()?;
            let seconds = run.objective.as_ref()?.rto_measured_seconds?;
            let verified = run.timeline.iter().rev().find(|visit| visit.state == StateName::Verify)?.left_at?;
            let ttl = ttls.iter().find(|(pair, _)| *pair == of).map(|(_, ttl)| *ttl).unwrap_or_default();
            let until = verified.checked_add(ttl.duration()).ok()?;
            let length = TimeSpan::milliseconds((seconds * 1_000.0) as u64);
            Some((of, Outage { since: until.checked_sub(length.duration()).ok()?, until }))
        })
        .collect();
    let of_blips = left
        .blips
        .iter()
        .map(|blip| (blip.plan.clone(), Outage { since: blip.streak.since, until: blip.recovered_at }));
    of_runs.into_iter().chain(of_blips)
}

/// The share of the span, in percent, that lies in none of these; and how many there were, apart from each other.
fn served(mut outages: Vec<Outage>, span: Span) -> (f64, usize) {
    outages.sort_by_key(|outage| outage.since);
    let (mut out, mut apart, mut reached) = (0.0, 0, span.since);
    for outage in outages {
        let (since, until) = (outage.since.max(span.since), outage.until.min(span.until));
        if until > since && (apart == 0 || since > reached) {
            apart += 1;
        }
        if until > reached {
            out += TimeSpan::between(since.max(reached), until).as_seconds();
            reached = until;
        }
    }
    (100.0 * (1.0 - out / span.length().as_seconds()), apart)
}

/// The pairs that nobody watched when the span ended.
fn unwatched(plan: &Plan, left: &Left, span: Span) -> Vec<PlanName> {
    let silent = |pair: &PlanName| {
        let until = left.watched_until.get(pair);
        until.is_none_or(|until| TimeSpan::between(*until, span.until) > SILENT_AFTER)
    };
    plan.names_of_pairs().filter(silent).collect()
}

pub(super) fn remarks(plan: &Plan, left: &Left, span: Span) -> Vec<String> {
    let mut remarks = vec![
        "availability is of the databases' outages that the watch saw or a run measured, handing over included: an outage while \
         nobody watched, or of the application alone, is not in it"
            .to_owned(),
    ];
    remarks.extend(
        unwatched(plan, left, span)
            .into_iter()
            .map(|pair| format!("nobody watched `{pair}` at the end: its availability is not known")),
    );
    let planned = left.runs.iter().filter(|run| RunKind::of(&run.execution) == RunKind::Switchover);
    let untimed = planned
        .filter(|run| run.outcome == RunOutcome::Done && span.contains(run.started_at))
        .filter(|run| run.objective.as_ref().is_none_or(|of| of.rto_measured_seconds.is_none()));
    let untimed = untimed.count();
    if untimed > 0 {
        remarks.push(format!("{untimed} switchovers took a time that nobody measured: it is not in the availability"));
    }
    remarks
}
