//! Passing the point of no return: from there it goes only forward.

use std::time::Duration;

use domain::{
    component::PostgresPair,
    failover::{
        lease::{Lease, RequestedPromotion},
        promotion,
        run::Run,
    },
    words::failure::Failure,
};
use edge::{
    object_store::{self, Condition, ObjectStore},
    states::{Owners, still_runs},
};

/// How long a run's word that it still runs is good for: where the write that follows it took longer, it is asked again.
const STILL_FRESH: Duration = Duration::from_secs(1);

/// A run that has not passed it.
pub(crate) struct PointOfNoReturn<'a, S, O> {
    pub(crate) store: &'a S,
    pub(crate) owners: &'a O,
    pub(crate) run: &'a Run,
    pub(crate) pair: &'a PostgresPair,
    /// Its lease, and the tag that it was read with.
    pub(crate) lease: &'a Lease,
    pub(crate) etag: String,
}

impl<S: ObjectStore, O: Owners> PointOfNoReturn<'_, S, O> {
    /// Writes down, on the condition that nobody else wrote, what is asked for, and who keeps the old primary out from now
    /// on. It also proves at the last moment that no newer generation has begun, and that nobody stopped this run.
    pub(crate) async fn pass(self, asked: &RequestedPromotion, with_a_guard: bool) -> Result<(), Failure> {
        let guard = with_a_guard.then(|| promotion::guard(self.run, self.pair, asked));
        let (key, promoting) =
            (object_store::lease_key(&self.run.plan.plan), self.lease.promoting(asked.clone(), guard));
        still_runs(self.owners, self.run).await?;
        let began = tokio::time::Instant::now();
        object_store::write_json(self.store, &key, &promoting, Condition::Unchanged(self.etag)).await?;
        if began.elapsed() > STILL_FRESH { still_runs(self.owners, self.run).await } else { Ok(()) }
    }
}
