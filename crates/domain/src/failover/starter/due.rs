//! When the next start is due.

use jiff::Timestamp;

use super::{
    seen::Seen,
    start::{Cause, Need},
};
use crate::{failover::succession::Owner, watch::probe::later, words::time_span::TimeSpan};

/// The alarm comes first: it needs up to two of its periods of 10 s, and its event and its run some seconds more. Only
/// where that has passed and no run ended, its event was lost.
const THE_ALARM_FIRST: TimeSpan = TimeSpan::seconds(30);

/// Whoever stopped a run may be at work.
const AFTER_A_STOP: TimeSpan = TimeSpan::seconds(60);

/// The waits after a run that ended, start by start. What keeps a failover from going through may pass within seconds, or
/// only after a person's work.
const AFTER_AN_END: [TimeSpan; 7] = [
    TimeSpan::seconds(5),
    TimeSpan::seconds(10),
    TimeSpan::seconds(20),
    TimeSpan::seconds(40),
    TimeSpan::seconds(80),
    TimeSpan::seconds(160),
    LONGEST,
];

/// The same after one that ended past its point of no return: its own steps were asked for minutes already.
const BEFORE_FINISHING: [TimeSpan; 4] =
    [TimeSpan::seconds(60), TimeSpan::seconds(120), TimeSpan::seconds(240), LONGEST];

/// The longest wait: a failover that could go through waits for no more.
const LONGEST: TimeSpan = TimeSpan::seconds(300);

/// So many starts within an hour may follow each other faster than the longest wait. With the 12 that the longest wait
/// admits, an hour has 20 at most, however often the primary comes and goes.
const QUICK: usize = 8;

/// The end of a run.
struct End {
    at: Timestamp,
    stopped: bool,
}

/// When this start is due, and what it waits for.
///
/// # Errors
/// A sentence for people, where that cannot be told.
pub(super) fn due(seen: &Seen<'_>, need: &Need, attempt: u32) -> Result<(Timestamp, String), String> {
    let ends: Vec<End> = ends(seen)?.into_iter().filter(|end| end.at >= need.since).collect();
    let newest = ends.iter().map(|end| end.at).max();
    let recent = seen.starts.map_or(0, |starts| starts.within_an_hour(seen.now));
    let wait = if recent >= QUICK { LONGEST } else { wait(need.cause, attempt) };
    let after = |end: &End| later(end.at, if end.stopped { wait.max(AFTER_A_STOP) } else { wait });
    let by_its_runs = ends.iter().map(after).max();
    // Too many starts for other failures count as well.
    let by_the_hour = seen.starts.filter(|_| recent >= QUICK).map(|starts| later(starts.last_at, LONGEST));
    let at = by_its_runs.max(by_the_hour);
    if let Some((at, newest)) = at.zip(newest.or(at)) {
        let because = format!("the last run ended or was started at {newest}; start {attempt} is due at {at}");
        return Ok((at, because));
    }
    let probe = &seen.plan.probe;
    let (at, because) = match need.cause {
        Cause::Failure => {
            let detected = probe.interval.times(probe.failures_in_a_row) + probe.timeout + probe.hold_down;
            let at = later(need.since, detected + THE_ALARM_FIRST);
            (at, format!("the alarm starts the first run; where its event was lost, start {attempt} is due at {at}"))
        }
        Cause::Shut | Cause::Unfinished => {
            let at = later(need.since, wait);
            (at, format!("when the last run ended is not known any more; start {attempt} is due at {at}"))
        }
    };
    Ok((at, because))
}

/// How long after the end of a run this start waits.
pub(super) fn wait(cause: Cause, attempt: u32) -> TimeSpan {
    let waits = match cause {
        Cause::Failure | Cause::Shut => AFTER_AN_END.as_slice(),
        Cause::Unfinished => BEFORE_FINISHING.as_slice(),
    };
    let before = usize::try_from(attempt).unwrap_or(usize::MAX).saturating_sub(1);
    waits.get(before).copied().unwrap_or(LONGEST)
}

/// Whatever ended, as far as it is known: who holds the lease, whose end it has, and what was started last.
fn ends(seen: &Seen<'_>) -> Result<Vec<End>, String> {
    let mut ends = Vec::new();
    if let Some(holder) = seen.lease.and_then(|lease| lease.holder.as_ref()) {
        ends.extend(end_of(seen.owner, holder.execution.name())?);
    }
    if let Some(last) = seen.lease.and_then(|lease| lease.last.as_ref()) {
        ends.push(End { at: last.at, stopped: false });
    }
    if let Some(starts) = seen.starts {
        ends.extend(end_of(seen.started, starts.execution.name())?);
        ends.push(End { at: starts.last_at, stopped: false });
    }
    Ok(ends)
}

fn end_of(owner: Option<&Owner>, name: &str) -> Result<Option<End>, String> {
    match owner {
        Some(Owner::Gone { status, at }) => match (at, status == "ABORTED") {
            (Some(at), stopped) => Ok(Some(End { at: *at, stopped })),
            (None, false) => Ok(None),
            (None, true) => Err(format!(
                "somebody stopped run `{name}`, and when is not known: they may be at work. Order one: lifeboat failover"
            )),
        },
        Some(Owner::Running | Owner::Unknown(_)) | None => Ok(None),
    }
}
