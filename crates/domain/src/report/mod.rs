//! What runs kept over some time, against the plan's targets: from what they left, and from nothing else.
//!
//! What nobody measured is never counted as met: a share is of all that there was, and a target of which something is not
//! known is met only where it would be met whatever that was.

mod availability;
mod incident;
mod line;
mod upkeep;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

pub use line::{Line, Standing, Value};

use crate::{
    backup::Manifest,
    plan::{Measure, Plan},
    record::evidence::Evidence,
    restore::RestoreRecord,
    watch::probe::Blip,
    words::{id::PlanName, time_span::TimeSpan},
};
use incident::Incident;

/// The time that is reported on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// From then.
    pub since: Timestamp,
    /// Until before then.
    pub until: Timestamp,
}

impl Span {
    /// Whether an instant is in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        (self.since..self.until).contains(&at)
    }

    /// How long it is.
    #[must_use]
    pub fn length(&self) -> TimeSpan {
        TimeSpan::between(self.since, self.until)
    }
}

/// What runs and the watch left, of all of a plan's pairs. What is not of the span is passed over.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// The evidence of failovers and switchovers.
    pub runs: Vec<Evidence>,
    /// Outages that ended by themselves.
    pub blips: Vec<Blip>,
    /// The manifests of backups.
    pub backups: Vec<Manifest>,
    /// The records of restores.
    pub restores: Vec<RestoreRecord>,
    /// Until when each pair was watched, as far as the watch has written down.
    pub watched_until: BTreeMap<PlanName, Timestamp>,
}

/// What counts as an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// Failovers: a failure was judged to be one.
    Failures,
    /// And what was handed over on purpose, as in a drill.
    Drills,
}

/// What was kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The plan.
    pub plan: PlanName,
    /// The time that it is of.
    #[serde(flatten)]
    pub span: Span,
    /// Measure by measure.
    pub lines: Vec<Line>,
    /// What it does not know, and what it leaves out.
    pub remarks: Vec<String>,
}

impl Report {
    /// The worst of its targets; [`Standing::NoTarget`] where there is none.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.lines.iter().map(|line| line.standing).max().unwrap_or(Standing::NoTarget)
    }
}

/// Reports on a plan.
#[must_use]
pub fn report(plan: &Plan, left: &Left, span: Span, counting: Counting) -> Report {
    let runs: Vec<&Evidence> = left.runs.iter().filter(|run| span.contains(run.started_at)).collect();
    let incidents = incident::of_runs(plan, &runs, counting);
    let line = |measure: Measure| {
        let counted = match measure {
            Measure::BackupsComplete => upkeep::backups(plan, left, span),
            Measure::RestoresVerified => upkeep::restores(left, span),
            Measure::Availability => availability::of(plan, left, &incidents, &runs, span),
            Measure::RtoMet => incident::share(&incidents, |incident| incident.rto_met()),
            Measure::RpoMet => incident::share(&incidents, |incident| incident.rpo_met()),
            Measure::Repair => incident::mean(&incidents),
            Measure::Detection => incident::times(incidents.iter().filter_map(Incident::detection)),
            Measure::Notice => incident::times(incidents.iter().filter_map(Incident::notice)),
            Measure::Failover => incident::times(incidents.iter().map(Incident::failover)),
            Measure::Recovery => incident::times(incidents.iter().map(Incident::recovery)),
            Measure::Dns => incident::times(incidents.iter().filter_map(Incident::dns)),
        };
        let target = plan.objectives.targets.iter().find(|target| target.measure == measure);
        Line::new(measure, counted, target.and_then(crate::plan::ServiceTarget::bound))
    };
    let mut remarks = incident::remarks(&runs, counting);
    remarks.extend(upkeep::remarks(plan, left, span));
    remarks.extend(availability::remarks(plan, left, span));
    Report { plan: plan.plan.clone(), span, lines: Measure::ALL.into_iter().map(line).collect(), remarks }
}
