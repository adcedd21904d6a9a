//! Who asked for a promotion, and what was true then.

use jiff::Timestamp;

use super::Seen;
use crate::{
    component::PostgresPair,
    failover::{
        fencing::Target,
        guard::Guard,
        judgement::Judgement,
        lease::{Holder, Lease, Phase, RequestedPromotion, STEP_OUTLIVES_RUN_BY},
        loss::Loss,
        run::{Run, RunKind},
    },
    watch::probe::later,
    words::{failure::Failure, id::InstanceId, time_span::TimeSpan},
};

/// Whether a promotion was asked for before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nobody did.
    Never,
    /// This run did: what it may lose was accepted then.
    ByUs,
    /// The run that this one finishes did: what is known of the loss since counts.
    ByAnother,
}

/// What is known of a promotion that was asked for before.
#[derive(Debug, Clone, PartialEq)]
pub struct Asking {
    /// Whether it was, and by whom.
    pub before: Before,
    /// What was true then.
    pub asked: Option<RequestedPromotion>,
}

/// How long RDS may refuse to change what it shows as available.
const LAGS_BEHIND: TimeSpan = TimeSpan::seconds(180);

impl Asking {
    /// By the lease that a run holds, and by the run that it finishes.
    #[must_use]
    pub fn of(lease: &Lease, run: &Run) -> Self {
        let promoting = |holder: &&Holder| holder.phase == Phase::Promoting;
        let ours = lease.holder.as_ref().filter(promoting);
        let asked = ours.or(run.taken_over.as_ref().filter(promoting)).and_then(|holder| holder.asked.clone());
        let before = match (ours, &asked) {
            (Some(_), _) => Before::ByUs,
            (None, Some(_)) => Before::ByAnother,
            (None, None) => Before::Never,
        };
        Self { before, asked }
    }

    /// Whether this run has asked.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.before == Before::ByUs
    }

    /// Since when nobody may have been served. The run that asked first knows: this one may have seen the primary fail anew.
    #[must_use]
    pub fn unserved_since(&self, run: &Run, judgement: Option<&Judgement>) -> Option<Timestamp> {
        match &self.asked {
            Some(asked) => asked.unserved_since.or_else(|| drained_before(run)),
            None => judgement.and_then(|judgement| judgement.unserved_since(&run.plan.probe)),
        }
    }

    /// What it means that RDS changes nothing of the replica now: for some time it shows later what it does, not for minutes.
    ///
    /// # Errors
    /// `AwsRejected` where this run has waited for longer than that.
    pub fn busy(&self, replica: &InstanceId, seen: &Seen, now: Timestamp) -> Result<String, Failure> {
        let waits = |asked: &RequestedPromotion| TimeSpan::between(asked.at, now) > LAGS_BEHIND;
        if self.is_ours() && self.asked.as_ref().is_some_and(waits) {
            return Err(Failure::AwsRejected {
                what: format!("RDS shows `{replica}` as {}", seen.api.status),
                source: Some(format!("it does not promote it, {LAGS_BEHIND} after it was asked").into()),
            });
        }
        Ok(format!("`{replica}` is changing, and RDS promotes it only once that is over"))
    }
}

/// Since when a switchover had drained the primary that this run goes on to replace.
fn drained_before(run: &Run) -> Option<Timestamp> {
    let holder = run.taken_over.as_ref().filter(|holder| RunKind::of(&holder.execution) == RunKind::Switchover);
    holder.map(|holder| holder.since)
}

/// What stands in the lease where the replica was promoted by none of our runs, as far as the lease knows. There is no way
/// back from that either, and what is lost is not known.
#[must_use]
pub fn promoted_by_nobody(
    replica: &InstanceId,
    unserved_since: Option<Timestamp>,
    now: Timestamp,
) -> RequestedPromotion {
    let because = format!("`{replica}` was promoted by none of our runs");
    RequestedPromotion { at: now, position: None, loss: Loss::Unknown { because }, unserved_since }
}

/// Who keeps the old primary out from now on.
#[must_use]
pub fn guard(run: &Run, pair: &PostgresPair, asked: &RequestedPromotion) -> Guard {
    Guard {
        generation: run.generation,
        since: asked.at,
        position: asked.position,
        target: Target::primary(&run.plan, pair),
        settles_at: run.taken_over.as_ref().map(|_| later(asked.at, STEP_OUTLIVES_RUN_BY)),
    }
}
