//! The world as the probe meets it.

use std::future::Future;

use domain::{
    component::{ActiveSide, PostgresPair},
    plan::PairPlan,
    watch::{
        health::{Look, LookRequest},
        probe::later,
    },
    words::{failure::Failure, id::PlanName, time_span::TimeSpan, wal::LastSeen},
};
use jiff::Timestamp;

use crate::progress::Progress;

/// The world as the probe meets it.
pub trait World {
    /// A name that no other invocation has.
    fn claimant(&self) -> String;
    /// Reads what is ours before it is needed.
    fn prepare(&self, pair: &PostgresPair) -> impl Future<Output = Result<(), String>>;
    /// Looks at one side of the pair, as at a primary.
    fn look(&self, plan: &PairPlan, pair: &PostgresPair, side: ActiveSide) -> impl Future<Output = Look>;
    /// No more looks come.
    fn hang_up(&self);
    /// Looks at the primary of a request.
    fn look_once(&self, request: &LookRequest) -> impl Future<Output = Look>;
    /// Publishes how many samples had failed in a row, at each of these instants.
    fn publish(&self, plan: &PlanName, counts: &[(Timestamp, u32)]) -> impl Future<Output = Result<(), Failure>>;
    /// Measures how far the side that would take over is behind what the primary, on this side, has written, and publishes it.
    /// Where the other side does not say where it stands, nobody knows, and nothing is published.
    fn publish_lag(
        &self,
        plan: &PairPlan,
        pair: &PostgresPair,
        side: ActiveSide,
        written: LastSeen,
    ) -> impl Future<Output = Result<(), Failure>>;
    /// Leaves word that this watch is to be gone on with after so long.
    fn rouse(&self, progress: &Progress, after: TimeSpan) -> impl Future<Output = Result<(), Failure>>;
    /// Wakes the functions of a failover, and the witness that looks at this side. Whoever does not wake is needed later.
    fn wake(&self, plan: &PairPlan, pair: &PostgresPair, side: ActiveSide) -> impl Future<Output = ()>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()>;
}

/// Waits for this, but no longer than `patience`.
pub(crate) async fn within<T>(world: &impl World, patience: TimeSpan, awaited: impl Future<Output = T>) -> Option<T> {
    let end = later(world.now(), patience);
    tokio::select! {
        biased;
        value = awaited => Some(value),
        () = world.sleep_until(end) => None,
    }
}
