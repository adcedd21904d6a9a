//! Whether a failover would start by itself, and if not, why not.

use domain::{
    judgement::{Rehearsal, Would},
    lease::{ActiveSide, Lease, Owner, Phase},
    probe::Watch,
    span::Span,
};
use jiff::Timestamp;
use serde::Serialize;

use super::Status;

/// Whether a failover would start by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Armed {
    pub(super) armed: bool,
    /// Why not.
    pub(super) because: Option<String>,
}

/// How old the newest sample of a watch may be. A healthy one writes each 10 s; where EventBridge starts a window late,
/// somebody still watches within the minute.
const FRESH: Span = Span::seconds(90);

impl Armed {
    /// Before anything was looked at.
    pub(super) fn unknown() -> Self {
        Self { armed: false, because: None }
    }
}

/// Whether a failover of this plan would start by itself.
pub(super) fn armed(status: &Status) -> Armed {
    let because = hindered(status).or_else(|| policy(status));
    Armed { armed: because.is_none(), because }
}

/// What keeps any failover from starting by itself, whatever the judge says.
pub(super) fn hindered(status: &Status) -> Option<String> {
    if !status.is_asked_where_it_is_decided() {
        return Some(format!("the plan is recovered from {}", status.recovery_region));
    }
    if status.unreadable.lease.is_some() {
        return Some(
            "its lease cannot be read, so that every run is refused. RUNBOOK.md, \"Correcting the lease\"".into(),
        );
    }
    held(status.lease.as_ref(), status.owner.as_ref()).or_else(|| unwatched(status))
}

/// Whom or what the lease stands for.
fn held(lease: Option<&Lease>, owner: Option<&Owner>) -> Option<String> {
    let lease = lease?;
    if let Some(holder) = &lease.holder {
        let name = holder.execution.name();
        match (owner, holder.phase) {
            (Some(Owner::Running), _) => return Some(format!("run `{name}` is at work")),
            (Some(Owner::Unknown(_)) | None, _) => {
                return Some(format!(
                    "whether run `{name}` still runs is not known, and until it is every other one is refused"
                ));
            }
            (Some(Owner::Gone { .. }), Phase::Promoting) => return Some(unfinished(name)),
            (Some(Owner::Gone { .. }), Phase::Opened) => {}
        }
    }
    if let Some(left) = &lease.unfinished {
        return Some(unfinished(left.execution.name()));
    }
    if lease.last.as_ref().is_some_and(|last| last.declined) {
        return Some(
            "a person said no to the last one: nothing starts by itself until the primary was well again".into(),
        );
    }
    match lease.active {
        ActiveSide::Replica => Some("it failed over already, and its replication has not been restored since".into()),
        ActiveSide::Primary => None,
    }
}

fn unfinished(name: &str) -> String {
    format!("run `{name}` stopped past its point of no return: `lifeboat failover` finishes it")
}

fn unwatched(status: &Status) -> Option<String> {
    (!is_watched(status.watch.as_ref(), status.looked_at)).then(|| "nobody watches the primary".to_owned())
}

fn policy(status: &Status) -> Option<String> {
    match &status.rehearsal {
        Ok(Rehearsal { verdict: Would::FailOver, .. }) => None,
        Ok(Rehearsal { verdict: Would::AskAPerson, because, .. }) => {
            Some(format!("by the plan's policy a person is asked first: {because}"))
        }
        Ok(Rehearsal { verdict: Would::Refuse, because, .. }) => Some(because.clone()),
        Err(why) => Some(format!("the judge could not be asked: {why}")),
    }
}

/// Whether somebody watches: a watch that wrote nothing down for long has nobody behind it.
pub(super) fn is_watched(watch: Option<&Watch>, now: Timestamp) -> bool {
    watch.and_then(newest).is_some_and(|newest| Span::between(newest, now) <= FRESH)
}

/// The newest sample that could tell.
pub(super) fn newest(watch: &Watch) -> Option<Timestamp> {
    let failed = watch.failing.as_ref().map(|streak| streak.until);
    watch.last_seen.map(|seen| seen.at).into_iter().chain(failed).max()
}
