//! Whether a failover would start by itself, and if not, why not: decided as the starter decides it.

use super::Status;

use domain::{
    failover::starter::{self, Arming, Judge, Seen},
    watch::probe::Watch,
};

impl Status {
    /// Whether a failover of this plan would start by itself.
    pub(super) fn standing(&self) -> Arming {
        let not = |because: String| Arming { armed: false, because };
        if !self.is_asked_where_it_is_decided() {
            return not(format!("the plan is recovered from {}", self.recovery_region));
        }
        if self.unreadable.lease.is_some() {
            return not(
                "its lease cannot be read, so that every run is refused. RUNBOOK.md, \"Correcting the lease\"".into()
            );
        }
        let judge = match &self.rehearsal {
            Ok(rehearsal) => Judge::Says(rehearsal.clone()),
            Err(why) => Judge::Silent(why.clone()),
        };
        starter::standing(&Seen {
            plan: &self.whole_plan,
            lease: self.lease.as_ref(),
            owner: self.owner.as_ref(),
            watch: self.watch.as_ref().unwrap_or(&Watch::default()),
            judge: &judge,
            starts: self.starts.as_ref(),
            started: self.started.as_ref(),
            now: self.looked_at,
        })
    }
}
