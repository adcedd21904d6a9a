//! Incidents: what runs were there for, and how long each part of one took.

use jiff::Timestamp;

use super::{
    Counting,
    line::{Counted, Value},
};
use crate::{
    failover::{
        judgement::Judgement,
        run::{RunKind, Trigger},
    },
    plan::{Plan, Probe},
    record::evidence::Evidence,
    run::outcome::RunOutcome,
    state_machine::StateName,
    words::time_span::TimeSpan,
};

/// One failure of one pair, with all the runs that answered it; or one handing-over.
#[derive(Debug)]
pub(super) struct Incident<'e> {
    probe: Probe,
    first: &'e Evidence,
    last: &'e Evidence,
}

/// The incidents of these runs. A run that finds the failure that an earlier one has met goes on with that one's incident.
pub(super) fn of_runs<'e>(plan: &Plan, runs: &[&'e Evidence], counting: Counting) -> Vec<Incident<'e>> {
    let mut runs = runs.to_vec();
    runs.sort_by_key(|run| (run.plan.clone(), run.started_at));
    let mut incidents: Vec<Incident<'e>> = Vec::new();
    for run in runs.into_iter().filter(|run| is_counted(run, counting)) {
        let began = judgement(run).map(|judged| judged.failing_since);
        match incidents.last_mut() {
            Some(before)
                if before.last.plan == run.plan
                    && before.last.outcome != RunOutcome::Done
                    && began.is_some_and(|began| began <= before.last.ended_at) =>
            {
                before.last = run;
            }
            _ => incidents.push(Incident { probe: plan.probe.clone(), first: run, last: run }),
        }
    }
    incidents
}

/// Whether a run was there for an incident. One that found no failure, or that a person stopped, was not; nor does one count
/// that only handed over, unless drills do.
fn is_counted(run: &Evidence, counting: Counting) -> bool {
    match (RunKind::of(&run.execution), counting) {
        (RunKind::Failover, _) => (judgement(run).is_some() || run.outcome == RunOutcome::Done) && !run.is_declined(),
        (RunKind::Switchover, Counting::Drills) => run.outcome == RunOutcome::Done,
        (RunKind::Switchover, Counting::Failures) => false,
    }
}

fn judgement(run: &Evidence) -> Option<&Judgement> {
    run.record.judgement.as_ref()?.did.as_ref()
}

impl Incident<'_> {
    fn was_a_failure(&self) -> bool {
        RunKind::of(&self.first.execution) == RunKind::Failover
    }

    /// Since when clients may not have been served, as the first run saw it.
    fn began(&self) -> Option<Timestamp> {
        judgement(self.first)?.unserved_since(&self.probe)
    }

    /// From the failure to its first run. `None` of what nobody had to detect.
    pub(super) fn detection(&self) -> Option<Option<TimeSpan>> {
        self.was_a_failure().then(|| Some(TimeSpan::between(self.began()?, self.first.started_at)))
    }

    /// From the failure until people were told: by the alarm itself, or by the notice that the run has started.
    pub(super) fn notice(&self) -> Option<Option<TimeSpan>> {
        let told = match &self.first.trigger {
            Some(Trigger::Alarm { at, .. }) => self.first.started_at.min(*at),
            Some(Trigger::Person { .. } | Trigger::Again { .. }) | None => self.first.started_at,
        };
        self.was_a_failure().then(|| Some(TimeSpan::between(self.began()?, told)))
    }

    /// From the first run until traffic led to the new primary.
    pub(super) fn failover(&self) -> Option<TimeSpan> {
        let done = self.last.outcome == RunOutcome::Done;
        let (_, left) = dns_switch(self.last).filter(|_| done)?;
        Some(TimeSpan::between(self.first.started_at, left?))
    }

    /// How long the record's change took until every name server answered it. `None` where it was not asked for.
    pub(super) fn dns(&self) -> Option<Option<TimeSpan>> {
        self.last.record.has_moved_traffic().then(|| {
            let (entered, left) = dns_switch(self.last)?;
            Some(TimeSpan::between(entered, left?))
        })
    }

    /// The outage.
    pub(super) fn recovery(&self) -> Option<TimeSpan> {
        let measured = self.last.objective.as_ref()?.rto_measured_seconds?;
        (self.last.outcome == RunOutcome::Done).then(|| TimeSpan::milliseconds((measured * 1_000.0).round() as u64))
    }

    pub(super) fn rto_met(&self) -> Option<bool> {
        let promised = self.last.objective.as_ref()?.rto;
        self.recovery().map(|recovery| recovery <= promised)
    }

    /// Whether no more was lost than was promised. What was measured is the most that can have been lost: above the promise,
    /// nobody knows.
    pub(super) fn rpo_met(&self) -> Option<bool> {
        let objective = self.last.objective.as_ref()?;
        match objective.rpo_measured_seconds {
            Some(most) if most <= objective.rpo.as_seconds() => Some(true),
            // Both were not met, and the RTO was.
            _ if objective.met == Some(false) && self.rto_met() == Some(true) => Some(false),
            _ => None,
        }
    }
}

/// When a run first asked for the record's change, and when it had seen it everywhere.
fn dns_switch(run: &Evidence) -> Option<(Timestamp, Option<Timestamp>)> {
    let visits = || run.timeline.iter().filter(|visit| visit.state == StateName::DnsSwitch);
    Some((visits().next()?.entered_at, visits().next_back()?.left_at))
}

/// The longest of these, each of which may be unknown.
pub(super) fn times(times: impl Iterator<Item = Option<TimeSpan>>) -> Counted {
    let times: Vec<Option<TimeSpan>> = times.collect();
    let longest = times.iter().flatten().max().map(|longest| Value::Seconds(longest.as_seconds()));
    let unknown = times.iter().filter(|time| time.is_none()).count();
    Counted { value: longest, at_worst: longest, at_best: longest, of: times.len(), unknown }
}

/// The mean of the outages.
pub(super) fn mean(incidents: &[Incident<'_>]) -> Counted {
    let known: Vec<f64> = incidents.iter().filter_map(Incident::recovery).map(TimeSpan::as_seconds).collect();
    let mean = (!known.is_empty()).then(|| Value::Seconds(known.iter().sum::<f64>() / known.len() as f64));
    let of = incidents.len();
    // With one outage whose length nobody knows, the mean is not known to be short either.
    Counted { value: mean, at_worst: mean, at_best: mean, of, unknown: of - known.len() }
}

/// The share of incidents of which something is so.
pub(super) fn share(incidents: &[Incident<'_>], is_so: impl Fn(&Incident<'_>) -> Option<bool>) -> Counted {
    let known: Vec<bool> = incidents.iter().filter_map(is_so).collect();
    let good = known.iter().filter(|is_so| **is_so).count();
    Counted::share(good, incidents.len() - known.len(), incidents.len())
}

pub(super) fn remarks(runs: &[&Evidence], counting: Counting) -> Vec<String> {
    let switchovers = runs.iter().filter(|run| RunKind::of(&run.execution) == RunKind::Switchover).count();
    let left_out = counting == Counting::Failures && switchovers > 0;
    let untimed = runs.iter().filter(|run| run.timeline_missing.is_some()).count();
    let remarks = [
        left_out.then(|| {
            let noun = if switchovers == 1 { "switchover is" } else { "switchovers are" };
            format!("{switchovers} {noun} no incident: --drills counts what was handed over on purpose, too")
        }),
        (untimed > 0).then(|| format!("of {untimed} runs Step Functions did not tell the times: they are not known")),
    ];
    remarks.into_iter().flatten().collect()
}
