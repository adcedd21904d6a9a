//! Waiting for the next window: until it has claimed on, this one prolongs its own claim.

use std::cell::{Cell, RefCell};

use domain::{
    plan::PairPlan,
    watch::probe::{self, RELIEF, TELLING, Windows, prolong},
    words::{failure::Failure, time_span::TimeSpan},
};
use edge::object_store::{self, Condition, ObjectStore};
use jiff::Timestamp;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::world::{World, within};

/// How soon it is looked again where the claims could not be read or written.
const AGAIN: TimeSpan = TimeSpan::seconds(1);

/// A window's claim, as long as nobody has claimed on.
pub(crate) struct Relief<'a, S, W> {
    store: &'a S,
    world: &'a W,
    plan: &'a PairPlan,
    scheduled_at: Timestamp,
    claim: RefCell<Windows>,
    /// Nothing is prolonged any more.
    is_over: Cell<bool>,
    answered: Notify,
    asked_now: Notify,
    ended: Notify,
}

impl<'a, S: ObjectStore, W: World> Relief<'a, S, W> {
    pub(crate) fn new(store: &'a S, world: &'a W, plan: &'a PairPlan, scheduled_at: Timestamp, claim: Windows) -> Self {
        let (claim, is_over) = (RefCell::new(claim), Cell::new(false));
        let (answered, asked_now, ended) = (Notify::new(), Notify::new(), Notify::new());
        Self { store, world, plan, scheduled_at, claim, is_over, answered, asked_now, ended }
    }

    /// Where the window ends, as far as it is claimed.
    pub(crate) fn until(&self) -> Timestamp {
        self.claim.borrow().claimed_until
    }

    /// The claim, as it was written down last.
    pub(crate) fn claim(&self) -> Windows {
        self.claim.borrow().clone()
    }

    /// Asks at once whether somebody has claimed on, and not only when the claim nears its end.
    pub(crate) fn ask_now(&self) {
        self.asked_now.notify_one();
    }

    /// Ends [`Relief::wait`]: the window is over, or naps.
    pub(crate) fn end(&self) {
        self.ended.notify_one();
    }

    /// Whether the claim that ends at `until` was prolonged: known some seconds before that end, once somebody has claimed on.
    pub(crate) async fn is_prolonged(&self, until: Timestamp) -> bool {
        while !self.is_over.get() && self.until() <= until {
            self.answered.notified().await;
        }
        self.until() > until
    }

    /// Prolongs the claim each time that it nears its end, until somebody has claimed on.
    pub(crate) async fn wait(&self) {
        loop {
            let ask_at = self.until().checked_sub(RELIEF.duration()).unwrap_or_default();
            tokio::select! {
                biased;
                () = self.ended.notified() => return,
                () = self.asked_now.notified() => {}
                () = self.world.sleep_until(ask_at) => {}
            }
            let is_prolonged = self.prolong().await;
            self.is_over.set(!is_prolonged);
            self.answered.notify_one();
            if !is_prolonged {
                return;
            }
        }
    }

    /// `false` where there is nothing to prolong any more.
    async fn prolong(&self) -> bool {
        while self.world.now() < self.until() {
            match within(self.world, TELLING, self.ask()).await {
                Some(Ok(is_prolonged)) => return is_prolonged,
                Some(Err(failure)) => warn!(why = failure.chain(), "could not prolong the window"),
                None => warn!("could not prolong the window in time"),
            }
            self.world.sleep_until(probe::later(self.world.now(), AGAIN)).await;
        }
        false
    }

    async fn ask(&self) -> Result<bool, Failure> {
        let key = object_store::windows_key(&self.plan.plan);
        let Some((windows, etag)) = object_store::read_json::<Windows>(self.store, &key).await? else {
            return Ok(false);
        };
        let ours = self.claim.borrow().clone();
        // A claim of ours whose answer was lost.
        if windows.claimant == ours.claimant && windows.claimed_until > ours.claimed_until {
            self.claim.replace(windows);
            return Ok(true);
        }
        let Some(claimed_until) = prolong(&windows, &ours, &self.plan.probe, self.scheduled_at) else {
            return Ok(false);
        };
        let claim = Windows { claimed_until, ..ours };
        object_store::write_json(self.store, &key, &claim, Condition::Unchanged(etag)).await?;
        info!(plan.name = %self.plan.plan, "nobody has taken over: watched on until {claimed_until}");
        self.claim.replace(claim);
        Ok(true)
    }
}
