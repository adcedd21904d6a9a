//! What a drill was, put together at its end.

use domain::{
    failover::run::Trigger, plan::Probe, record::evidence::Evidence, watch::probe::later, words::time_span::TimeSpan,
};
use jiff::Timestamp;

use super::Drill;
use crate::{
    drill::{DrillError, clients::Logs, environment},
    report::{
        Actor, DrillResult, Event, HeldTo, OldPrimary, RunResult, Subject, TimelineEntry, Turn, signals, timeline,
        turns,
    },
};

impl Drill<'_> {
    fn all_turns(&mut self, evidence: &[&Evidence]) -> Vec<Turn> {
        let mut all = std::mem::take(&mut self.turns);
        all.extend(evidence.iter().flat_map(|evidence| turns(evidence)));
        all.sort_by_key(|turn| turn.from);
        all
    }

    fn allows_strays(&self) -> bool {
        self.grace > TimeSpan::seconds(0)
    }

    /// The result of this drill: `moved` is when the primary was moved, `returned_at` when the old one came back.
    pub(super) async fn result(
        &mut self,
        disaster_at: Timestamp,
        runs: Vec<RunResult>,
        logs: &Logs,
        moved: Option<Timestamp>,
        returned_at: Option<Timestamp>,
        held_to: HeldTo,
    ) -> Result<DrillResult, DrillError> {
        let traced_until = match self.scenario.subject() {
            Subject::Failover => disaster_at,
            Subject::Backups => Timestamp::now(),
        };
        let client = logs.measure(self.lab, self.number, disaster_at, moved, traced_until).await?;
        if moved.is_some()
            && let Some(first) = client.outage.as_ref().and_then(|outage| outage.first_after)
        {
            self.happened(
                first,
                Event::FirstCommit,
                "the client writes again, on the new primary".into(),
                Actor::Client,
            );
        }
        let fenced_by = returned_at.map(|returned_at| later(returned_at, self.grace));
        let old_primary = returned_at.zip(fenced_by).map(|(returned_at, fenced_by)| {
            let (tried, acknowledged) = logs.tried_on_the_old(fenced_by);
            let fenced = tried > 0 && acknowledged == 0 && (self.allows_strays() || client.split_brain.count == 0);
            OldPrimary {
                returned_at,
                fenced,
                because: format!("{acknowledged} of {tried} attempts to write to it were acknowledged"),
            }
        });
        if let Some(old) = &old_primary
            && old.fenced
        {
            let old = old.because.clone();
            self.happened(Timestamp::now(), Event::OldPrimaryFenced, old, Actor::Client);
        }
        let evidence: Vec<&Evidence> = runs.iter().filter_map(|run| run.evidence.as_ref()).collect();
        self.timeline.extend(evidence.iter().flat_map(|evidence| timeline(evidence)));
        let probe = &self.lab.system.plan.probe;
        self.timeline.extend(evidence.iter().flat_map(|evidence| detected(evidence, probe)));
        self.timeline.sort_by_key(|entry| entry.at);
        Ok(DrillResult {
            scenario: self.scenario.name().to_owned(),
            story: self.scenario.story().to_owned(),
            subject: self.scenario.subject(),
            plan: self.plan().clone(),
            held_to,
            began_at: self.began_at,
            disaster_at,
            ended_at: Timestamp::now(),
            turns: self.all_turns(&evidence),
            checks: std::mem::take(&mut self.checks),
            readings: std::mem::take(&mut self.readings),
            signals: evidence.iter().flat_map(|evidence| signals(evidence)).collect(),
            timeline: std::mem::take(&mut self.timeline),
            runs,
            old_primary,
            guard: self.guard.take(),
            strays_until: fenced_by.filter(|_| self.allows_strays()),
            client,
            environment: environment(None),
            reproduce: self.reproduce.to_owned(),
        })
    }
}

/// When the probe had counted enough failures, and when the alarm was raised. A sample's time is its scheduled time.
fn detected(evidence: &Evidence, probe: &Probe) -> Vec<TimelineEntry> {
    let Some(Trigger::Alarm { alarm, at, reason }) = &evidence.trigger else { return Vec::new() };
    let mut entries = vec![TimelineEntry {
        at: *at,
        event: Event::Alarm,
        detail: format!("{alarm}: {reason}"),
        source: Actor::Alarm,
    }];
    if let Some(judgement) = evidence.record.judgement.as_ref().and_then(|step| step.did.as_ref()) {
        let at = later(judgement.failing_since, probe.interval.times(probe.failures_in_a_row - 1));
        let detail = format!(
            "{} samples failed in a row, the first one at {}",
            probe.failures_in_a_row, judgement.failing_since
        );
        entries.push(TimelineEntry { at, event: Event::Detected, detail, source: Actor::Probe });
    }
    entries
}
