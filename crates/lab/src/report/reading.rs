//! What a run's evidence tells a drill.

use domain::{
    failover::{judgement::Signal, run::Trigger},
    record::evidence::Evidence,
    run::{
        outcome::{RunOutcome, UpkeepOutcome},
        step::Outcome,
    },
    state_machine::{StateKind, StateName},
    words::id::ExecutionArn,
};

use jiff::Timestamp;

use super::{Actor, Ending, Event, RunResult, TimelineEntry, Turn, TurnKind};

impl RunResult {
    /// A run that left its evidence.
    #[must_use]
    pub fn of(name: &str, expected: Ending, evidence: Evidence) -> Self {
        Self {
            name: name.to_owned(),
            expected,
            actual: Some(evidence.outcome.into()),
            because: evidence.because.clone(),
            execution: Some(evidence.execution.to_string()),
            transitions: evidence.transitions,
            evidence: Some(evidence),
            record: None,
        }
    }

    /// A run that others ended: it could leave no evidence.
    #[must_use]
    pub fn broken_off(name: &str, execution: &ExecutionArn, transitions: u64, because: String) -> Self {
        Self {
            name: name.to_owned(),
            expected: Ending::BrokenOff,
            actual: Some(Ending::BrokenOff),
            because,
            execution: Some(execution.to_string()),
            transitions: Some(transitions),
            evidence: None,
            record: None,
        }
    }

    /// No run, and why.
    #[must_use]
    pub fn not_started(name: &str, expected: Ending, because: &str) -> Self {
        Self {
            name: name.to_owned(),
            expected,
            actual: Some(Ending::NotStarted),
            because: because.to_owned(),
            execution: None,
            transitions: None,
            evidence: None,
            record: None,
        }
    }
}

impl From<RunOutcome> for Ending {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Done => Self::Done,
            RunOutcome::Degraded => Self::Degraded,
            RunOutcome::Refused => Self::Refused,
            RunOutcome::Undone => Self::Undone,
            RunOutcome::NeedsAPerson => Self::NeedsAPerson,
        }
    }
}

impl From<UpkeepOutcome> for Ending {
    fn from(outcome: UpkeepOutcome) -> Self {
        match outcome {
            UpkeepOutcome::Complete => Self::Complete,
            UpkeepOutcome::Partial => Self::Partial,
            UpkeepOutcome::Failed => Self::Failed,
            UpkeepOutcome::Refused => Self::Refused,
        }
    }
}

/// The turns of a run's tasks and waits. The state that wrote the evidence ends with it.
#[must_use]
pub fn turns(evidence: &Evidence) -> Vec<Turn> {
    turns_until(&evidence.timeline, evidence.ended_at)
}

/// The same for a timeline alone whose last state ended at `ended_at`.
#[must_use]
pub fn turns_until(timeline: &[domain::record::evidence::StateVisit], ended_at: Timestamp) -> Vec<Turn> {
    let turn = |moment: &domain::record::evidence::StateVisit| Turn {
        state: moment.state.clone(),
        kind: if is_wait(&moment.state) { TurnKind::Wait } else { TurnKind::Task },
        from: moment.entered_at,
        to: moment.left_at.unwrap_or(ended_at),
    };
    timeline.iter().map(turn).collect()
}

/// Whether a state only waits, for the world or for a person.
fn is_wait(state: &StateName) -> bool {
    state.kind() == Some(StateKind::Wait) || *state == StateName::Approve
}

/// What the judge of a run saw.
#[must_use]
pub fn signals(evidence: &Evidence) -> Vec<Signal> {
    let judged = evidence.record.judgement.as_ref().and_then(|step| step.did.as_ref());
    judged.map(|judgement| judgement.signals.clone()).unwrap_or_default()
}

/// What a run did, and when, by the engine's own history.
#[must_use]
pub fn timeline(evidence: &Evidence) -> Vec<TimelineEntry> {
    let record = &evidence.record;
    let entry = |event, at, detail: &str| TimelineEntry { at, event, detail: detail.to_owned(), source: Actor::Run };
    let trigger = match &evidence.trigger {
        Some(Trigger::Alarm { alarm, .. }) => format!("by the alarm {alarm}"),
        Some(Trigger::Person { by, why, .. }) => format!("by {by}: {why}"),
        Some(Trigger::Again { attempt, .. }) => format!("by the engine, start {attempt}"),
        None => "by a request that opened no run".to_owned(),
    };
    let mut entries = vec![entry(Event::RunStarted, evidence.started_at, &trigger)];
    let steps = [
        (StateName::JudgeFailover, Event::Judged, record.judgement.as_ref().map(|step| (step.step, &step.because))),
        (StateName::FencePrimary, Event::Fenced, record.fencing.as_ref().map(|step| (step.step, &step.because))),
        (StateName::DrainPrimary, Event::Drained, record.drain.as_ref().map(|step| (step.step, &step.because))),
        (StateName::PromoteReplica, Event::Promoted, record.promotion.as_ref().map(|step| (step.step, &step.because))),
        (StateName::DnsSwitch, Event::DnsSwitched, record.traffic.as_ref().map(|step| (step.step, &step.because))),
        (StateName::Verify, Event::Verified, record.verification.as_ref().map(|step| (step.step, &step.because))),
    ];
    for (state, done, answer) in steps {
        let last = evidence.timeline.iter().rev().find(|moment| moment.state == state);
        let (Some(at), Some((step, because))) = (last.and_then(|moment| moment.left_at), answer) else { continue };
        match step {
            Outcome::Done => entries.push(entry(done, at, because)),
            Outcome::Refused => entries.push(entry(Event::Refused, at, because)),
            Outcome::Pending => {}
        }
    }
    entries.push(entry(Event::RunEnded, evidence.ended_at, &evidence.because));
    entries.sort_by_key(|entry| entry.at);
    entries
}
