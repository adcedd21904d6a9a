//! Whether a failover would start by itself, and if not, why not: as whoever starts one decides it.

use domain::{
    probe::Watch,
    starter::{self, Judge, Seen, Standing},
};
use jiff::Timestamp;

use super::Status;

/// Whether a failover of this plan would start by itself.
pub(super) fn armed(status: &Status) -> Standing {
    let not = |because: String| Standing { armed: false, because };
    if !status.is_asked_where_it_is_decided() {
        return not(format!("the plan is recovered from {}", status.recovery_region));
    }
    if status.unreadable.lease.is_some() {
        return not(
            "its lease cannot be read, so that every run is refused. RUNBOOK.md, \"Correcting the lease\"".into()
        );
    }
    let judge = match &status.rehearsal {
        Ok(rehearsal) => Judge::Says(rehearsal.clone()),
        Err(why) => Judge::Silent(why.clone()),
    };
    starter::standing(&Seen {
        plan: &status.whole_plan,
        lease: status.lease.as_ref(),
        owner: status.owner.as_ref(),
        watch: status.watch.as_ref().unwrap_or(&Watch::default()),
        judge: &judge,
        starts: status.starts.as_ref(),
        started: status.started.as_ref(),
        now: status.looked_at,
    })
}

/// The newest sample that could tell.
pub(super) fn newest(watch: &Watch) -> Option<Timestamp> {
    let failed = watch.failing.as_ref().map(|streak| streak.until);
    watch.last_seen.map(|seen| seen.at).into_iter().chain(failed).max()
}
