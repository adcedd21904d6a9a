//! Whether a run starts now.

use jiff::Timestamp;

use super::{
    attempts, due,
    seen::{Judge, Seen, at_work, left_unfinished},
    start::{Cause, EVERY, Need, Start},
};
use crate::{
    component::ActiveSide,
    failover::judgement::Would,
    plan::Probe,
    watch::probe::{Streak, later},
    words::time_span::TimeSpan,
};

/// What to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing is wrong, or nothing that another run could fix.
    Idle(String),
    /// Not now: look again, at the latest then.
    Wait {
        /// When.
        until: Timestamp,
        /// Why.
        because: String,
    },
    /// It is time: ask the judge, and decide again with what it says.
    Ask,
    /// Start a run.
    Start(Start),
    /// Only a person may: why, and what they must do.
    NotByItself(String),
}

/// Decides. Where something could not be told, nothing starts.
#[must_use]
pub fn decide(seen: &Seen<'_>) -> Decision {
    if let Some(because) = at_work(seen) {
        return look_again(seen.now, because);
    }
    let need = match need(seen) {
        Ok(need) => need,
        Err(decision) => return decision,
    };
    let attempt = attempts::attempts(seen, &need).saturating_add(1);
    match due::due(seen, &need, attempt) {
        Ok((at, because)) if seen.now < at => return Decision::Wait { until: at, because },
        Ok(_) => {}
        Err(because) => return Decision::NotByItself(because),
    }
    let Need { cause, since, because } = need;
    let start = |reason: String| Decision::Start(Start { cause, since, attempt, reason });
    match (cause, seen.judge) {
        // What is owed is owed whatever the judge says: the run opens what is shut, or goes forward.
        (Cause::Shut | Cause::Unfinished, _) => start(because),
        (Cause::Failure, Judge::NotAsked) => Decision::Ask,
        (Cause::Failure, Judge::Silent(why)) => look_again(seen.now, format!("the judge could not be asked: {why}")),
        (Cause::Failure, Judge::Says(rehearsal)) if !rehearsal.fails => {
            look_again(seen.now, "the primary answered just before it was to be started".to_owned())
        }
        (Cause::Failure, Judge::Says(rehearsal)) => match rehearsal.verdict {
            Would::FailOver | Would::AskAPerson => start(format!("{because}; judged now: {}", rehearsal.because)),
            Would::Refuse => look_again(seen.now, format!("a run would be refused now: {}", rehearsal.because)),
        },
    }
}

fn look_again(now: Timestamp, because: String) -> Decision {
    Decision::Wait { until: later(now, EVERY), because }
}

fn need(seen: &Seen<'_>) -> Result<Need, Decision> {
    let Some(pair) = seen.plan.pair() else {
        return Err(Decision::NotByItself("the plan's traffic names no component: correct the plan".to_owned()));
    };
    if let Some(left) = seen.lease.and_then(left_unfinished) {
        let name = left.execution.name();
        return Ok(Need {
            cause: Cause::Unfinished,
            since: attempts::unfinished_since(seen, left),
            because: format!(
                "run `{name}` ended past its point of no return, and clients may not be served until it is finished"
            ),
        });
    }
    if seen.lease.is_some_and(|lease| lease.active == ActiveSide::Replica) {
        return Err(Decision::Idle(
            "it failed over already, and its replication has not been restored since: there is nothing to fail over to"
                .to_owned(),
        ));
    }
    let primary = &pair.primary.instance;
    // Where another instance was watched, nothing is known of this one.
    let watch = seen.watch.clone().of(ActiveSide::Primary, primary);
    if let Some(streak) = &watch.failing {
        return failure(seen, streak);
    }
    let Some(shut) = seen.lease.and_then(|lease| lease.shut.as_ref()) else {
        return Err(Decision::Idle("nothing fails, and nothing is owed".to_owned()));
    };
    if !watch.answered_lately(seen.now, &seen.plan.probe) {
        let because = format!(
            "`{primary}` may refuse the application, and whether it answers is unknown: nobody has seen it lately"
        );
        return Err(look_again(seen.now, because));
    }
    Ok(Need {
        cause: Cause::Shut,
        since: shut.since,
        because: format!(
            "run `{}` shut `{primary}`, which answers since: nobody is served until it is opened",
            shut.execution.name()
        ),
    })
}

/// Whether a failure is old enough, has been counted often enough, and was not answered by a person's no.
fn failure(seen: &Seen<'_>, streak: &Streak) -> Result<Need, Decision> {
    let Probe { failures_in_a_row, hold_down, .. } = seen.plan.probe;
    if !streak.goes_on(seen.now, &seen.plan.probe) {
        let because = format!(
            "the primary failed at {}, and nobody has watched it since: whether it still does is unknown",
            streak.until
        );
        return Err(look_again(seen.now, because));
    }
    if streak.failures < failures_in_a_row {
        let because = format!("{} of {failures_in_a_row} samples in a row have failed", streak.failures);
        return Err(look_again(seen.now, because));
    }
    if TimeSpan::between(streak.since, seen.now) < hold_down {
        let because = format!("the primary fails since {}, and the hold-down is {hold_down}", streak.since);
        return Err(look_again(seen.now, because));
    }
    // Nobody may have watched in between: then the failure is still the one that was said no to, however it is counted.
    let no = seen.lease.and_then(|lease| lease.last.as_ref()?.declined_at);
    if let Some(no) = no.filter(|no| *no >= streak.since || !seen.watch.answered_after(*no)) {
        return Err(Decision::NotByItself(format!(
            "a person said no at {no}: until the primary was well in between, only a person's order starts a run"
        )));
    }
    Ok(Need {
        cause: Cause::Failure,
        since: streak.since,
        because: format!("the primary has failed since {}: {}", streak.since, streak.because),
    })
}
