//! Whether a run may still act by its lease, and what it writes into it before it does.

use jiff::Timestamp;

use crate::failover::{
    fencing::Target,
    lease::{Lease, Shut},
    run::Run,
};

/// Whether a run may still act: it holds the lease, and nobody had a newer generation since.
///
/// # Errors
/// Says who holds it instead.
pub fn holds(lease: Option<&Lease>, run: &Run) -> Result<Lease, String> {
    let plan = &run.plan.plan;
    let Some(lease) = lease else {
        return Err(format!(
            "the lease of plan `{plan}` is gone; this run (generation {}) may change nothing",
            run.generation
        ));
    };
    match &lease.holder {
        Some(holder) if holder.execution == run.execution && lease.generation == run.generation => Ok(lease.clone()),
        Some(holder) => Err(format!(
            "execution `{}` holds the lease of plan `{plan}` with generation {}; this run (generation {}) may change nothing",
            holder.execution.name(),
            lease.generation,
            run.generation
        )),
        None => Err(format!(
            "nobody holds the lease of plan `{plan}`, now at generation {}; this run (generation {}) may change nothing",
            lease.generation, run.generation
        )),
    }
}

impl Lease {
    /// The same lease with a primary that is about to be shut; `None` where it says so already, or where its guard
    /// keeps it out in any case.
    #[must_use]
    pub fn shutting(&self, run: &Run, target: &Target, network: bool, now: Timestamp) -> Option<Self> {
        if self.is_past_the_point_of_no_return() {
            return None;
        }
        let shut = match &self.shut {
            // Whose it was stays: only what is done to it is added.
            Some(shut) if shut.target == *target && (shut.network || !network) => return None,
            Some(shut) if shut.target == *target => Shut { network, ..shut.clone() },
            Some(_) | None => Shut {
                execution: run.execution.clone(),
                generation: run.generation,
                since: now,
                target: target.clone(),
                network,
            },
        };
        Some(Self { shut: Some(shut), ..self.clone() })
    }
}
