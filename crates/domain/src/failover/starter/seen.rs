//! What the starter looks at, and who is at work already.

use super::start::Starts;
use crate::{
    failover::{
        judgement::Rehearsal,
        lease::{Holder, Lease, Phase},
        succession::Owner,
    },
    plan::PairPlan,
    watch::probe::Watch,
};

use jiff::Timestamp;

/// Everything that the starter looked at, just now.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The plan.
    pub plan: &'a PairPlan,
    /// Its lease, if any run was ever opened.
    pub lease: Option<&'a Lease>,
    /// What is known of the execution that holds the lease.
    pub owner: Option<&'a Owner>,
    /// What the watch remembers.
    pub watch: &'a Watch,
    /// What the judge says.
    pub judge: &'a Judge,
    /// What the starter remembers.
    pub starts: Option<&'a Starts>,
    /// What is known of the execution that the starter started last.
    pub started: Option<&'a Owner>,
    /// Now.
    pub now: Timestamp,
}

/// What the judge says of a run that would start now.
#[derive(Debug, Clone, PartialEq)]
pub enum Judge {
    /// Nobody asked.
    NotAsked,
    /// It could not be asked, and why.
    Silent(String),
    /// What it rehearsed.
    Says(Rehearsal),
}

/// Who is at it already, or may be: then nothing starts beside it.
pub(super) fn at_work(seen: &Seen<'_>) -> Option<String> {
    let holder = seen.lease.and_then(|lease| lease.holder.as_ref()).map(|holder| (&holder.execution, seen.owner));
    let ours = seen.starts.map(|starts| (&starts.execution, seen.started));
    [holder, ours].into_iter().flatten().find_map(|(execution, owner)| match owner {
        Some(Owner::Gone { .. }) => None,
        Some(Owner::Running) => Some(format!("run `{}` is at work", execution.name())),
        Some(Owner::Unknown(why)) => {
            Some(format!("whether run `{}` still runs could not be told: {why}", execution.name()))
        }
        None => Some(format!("whether run `{}` still runs was not asked", execution.name())),
    })
}

/// The holder of a promotion that was asked for and that nobody is at work on any more. Whoever is at work was excluded.
pub(super) fn left_unfinished(lease: &Lease) -> Option<&Holder> {
    let died = lease.holder.as_ref().filter(|holder| holder.phase == Phase::Promoting);
    died.or(lease.unfinished.as_ref())
}
