//! Telling what was seen, beside the sampling: the metric, the watch's memory, records of outages that ended by
//! themselves. Here too, because it may take its time as well, the lease is asked who takes writes, and at the first failed
//! sample the functions of a failover are woken.
//!
//! Nothing of it holds the sampling up or ends it. What is to be told waits here, the metric's values with the times of
//! their own samples; of the watch only the newest is written down. What could not be told is told again.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use domain::{
    component::{ActiveSide, PostgresPair},
    failover::lease::Lease,
    plan::PairPlan,
    watch::probe::{Blip, TELLING, Watch},
    words::{failure::Failure, time_span::TimeSpan, wal::LastSeen},
};
use edge::object_store::{self, Condition, ObjectStore};
use jiff::Timestamp;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::world::{World, within};

/// How many values of the metric wait to be told: as many as CloudWatch takes in one call. The oldest go first.
const MOST_COUNTS: usize = 1_000;

/// How many records wait to be written: of a primary that comes and goes at every sample while S3 is silent, the first.
const MOST_BLIPS: usize = 100;

/// How soon what could not be told is told again, where nothing new comes.
const AGAIN: TimeSpan = TimeSpan::seconds(1);

/// How often the watch is tried to be written down: two windows may meet at their handover.
const WRITES: usize = 3;

/// What waits to be told, and who tells it.
pub(crate) struct Teller<'a, S, W> {
    store: &'a S,
    world: &'a W,
    plan: &'a PairPlan,
    pair: &'a PostgresPair,
    counts: RefCell<VecDeque<(Timestamp, u32)>>,
    watch: RefCell<Option<Watch>>,
    blips: RefCell<VecDeque<Blip>>,
    asks_side: Cell<bool>,
    side: Cell<Option<ActiveSide>>,
    wakes: Cell<Wakes>,
    /// Of which side's log, and from where, the other side's lag is to be measured.
    lag: Cell<Option<(ActiveSide, LastSeen)>>,
    is_over: Cell<bool>,
    counted: Notify,
    noted: Notify,
    failed: Notify,
    lagging: Notify,
}

/// Whether the functions of a failover are to be woken: once in an invocation, for they stay awake for longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wakes {
    /// Nothing has failed yet.
    NotYet,
    /// They are to be woken for this side.
    Now(ActiveSide),
    /// They have been.
    Done,
}

impl<'a, S: ObjectStore, W: World> Teller<'a, S, W> {
    pub(crate) fn new(store: &'a S, world: &'a W, plan: &'a PairPlan, pair: &'a PostgresPair) -> Self {
        Self {
            store,
            world,
            plan,
            pair,
            counts: RefCell::default(),
            watch: RefCell::default(),
            blips: RefCell::default(),
            asks_side: Cell::new(false),
            side: Cell::new(None),
            wakes: Cell::new(Wakes::NotYet),
            lag: Cell::new(None),
            is_over: Cell::new(false),
            counted: Notify::new(),
            noted: Notify::new(),
            failed: Notify::new(),
            lagging: Notify::new(),
        }
    }

    /// So many samples have failed in a row at this instant.
    pub(crate) fn count(&self, at: Timestamp, failures: u32) {
        let mut counts = self.counts.borrow_mut();
        if counts.len() == MOST_COUNTS {
            counts.pop_front();
        }
        counts.push_back((at, failures));
        self.counted.notify_one();
    }

    /// This is what the watch knows now.
    pub(crate) fn note(&self, watch: Watch) {
        self.watch.replace(Some(watch));
        self.noted.notify_one();
    }

    /// This outage ended by itself.
    pub(crate) fn record(&self, blip: Blip) {
        let mut blips = self.blips.borrow_mut();
        if blips.len() < MOST_BLIPS {
            blips.push_back(blip);
        }
        self.noted.notify_one();
    }

    /// Which side takes writes is to be asked.
    pub(crate) fn ask_side(&self) {
        self.asks_side.set(true);
        self.noted.notify_one();
    }

    /// Which side takes writes, where the lease has answered since this was last called.
    pub(crate) fn side(&self) -> Option<ActiveSide> {
        self.side.take()
    }

    /// A streak of failures has begun on this side: a failover may be near.
    pub(crate) fn wake(&self, side: ActiveSide) {
        if self.wakes.get() == Wakes::NotYet {
            self.wakes.set(Wakes::Now(side));
            self.failed.notify_one();
        }
    }

    /// The primary, on this side, had written so far: how far the other side is behind is to be told.
    pub(crate) fn lag(&self, side: ActiveSide, written: LastSeen) {
        self.lag.set(Some((side, written)));
        self.lagging.notify_one();
    }

    /// Nothing more will come: what waits is told once more, and that is the end.
    pub(crate) fn end(&self) {
        self.is_over.set(true);
        self.counted.notify_one();
        self.noted.notify_one();
        self.failed.notify_one();
        self.lagging.notify_one();
    }

    /// Whether something waits still that could not be told.
    pub(crate) fn has_more(&self) -> bool {
        self.watch.borrow().is_some() || !self.counts.borrow().is_empty() || !self.blips.borrow().is_empty()
    }

    /// More will come, after an end.
    pub(crate) fn go_on(&self) {
        self.is_over.set(false);
    }

    /// Tells everything until the end. What waits after it is told the next time.
    pub(crate) async fn tell(&self) {
        // Apart, so that a silent S3 keeps no value from the alarm, nor the other way round.
        tokio::join!(self.tell_counts(), self.tell_notes(), self.wake_once(), self.tell_lag());
    }

    /// Tells how far the replica is behind, each time that it is asked. What could not be told is not told later: the next
    /// one comes within a minute.
    async fn tell_lag(&self) {
        loop {
            let is_last = self.is_over.get();
            if let Some((side, written)) = self.lag.take() {
                match within(self.world, TELLING, self.world.publish_lag(self.plan, self.pair, side, written)).await {
                    Some(Ok(())) => {}
                    Some(Err(failure)) => warn!(why = failure.chain(), "could not tell how far the replica is behind"),
                    None => warn!("could not tell in time how far the replica is behind"),
                }
            }
            if is_last {
                return;
            }
            self.lagging.notified().await;
        }
    }

    async fn tell_counts(&self) {
        loop {
            let is_last = self.is_over.get();
            let is_told = self.publish().await;
            if is_last {
                return;
            }
            self.rest(&self.counted, is_told).await;
        }
    }

    async fn tell_notes(&self) {
        loop {
            let is_last = self.is_over.get();
            let (is_written, is_recorded, ()) = tokio::join!(self.write_watch(), self.write_blips(), self.read_side());
            if is_last {
                return;
            }
            self.rest(&self.noted, is_written && is_recorded).await;
        }
    }

    async fn wake_once(&self) {
        self.failed.notified().await;
        if let Wakes::Now(side) = self.wakes.replace(Wakes::Done)
            && within(self.world, TELLING, self.world.wake(self.plan, self.pair, side)).await.is_none()
        {
            warn!("could not wake the functions of a failover in time");
        }
    }

    /// Waits for more to tell; where something could not be told, no longer than [`AGAIN`].
    async fn rest(&self, more: &Notify, is_told: bool) {
        if is_told {
            more.notified().await;
        } else {
            within(self.world, AGAIN, more.notified()).await;
        }
    }

    /// Publishes every count that waits, in one call; `false` where that is to be tried again.
    async fn publish(&self) -> bool {
        let counts: Vec<_> = self.counts.take().into();
        if counts.is_empty() {
            return true;
        }
        match within(self.world, TELLING, self.world.publish(&self.plan.plan, &counts)).await {
            Some(Ok(())) => return true,
            Some(Err(failure @ Failure::AwsTransient { .. })) => {
                warn!(why = failure.chain(), "could not publish the metric");
            }
            // Asked again it would be refused again, with everything that came since.
            Some(Err(failure)) => {
                warn!(why = failure.chain(), "the metric is refused");
                return true;
            }
            None => warn!("could not publish the metric in time"),
        }
        let mut waiting = self.counts.borrow_mut();
        for count in counts.into_iter().rev() {
            if waiting.len() < MOST_COUNTS {
                waiting.push_front(count);
            }
        }
        false
    }

    /// Writes the newest watch down; `false` where that is to be tried again.
    async fn write_watch(&self) -> bool {
        let Some(watch) = self.watch.take() else { return true };
        let key = object_store::watch_key(&self.plan.plan);
        match within(self.world, TELLING, write_newest(self.store, &key, &watch)).await {
            Some(Ok(())) => return true,
            Some(Err(failure)) => warn!(why = failure.chain(), "could not write the watch down"),
            None => warn!("could not write the watch down in time"),
        }
        self.watch.borrow_mut().get_or_insert(watch);
        false
    }

    /// Writes the records that wait, one after the other; `false` where that is to be tried again.
    async fn write_blips(&self) -> bool {
        let written = async {
            loop {
                let Some(blip) = self.blips.borrow().front().cloned() else { return true };
                let key = format!("evidence/{}/blips/{}.json", self.plan.plan, blip.streak.since);
                if let Err(failure) = object_store::write_json(self.store, &key, &blip, Condition::Always).await {
                    warn!(why = failure.chain(), "could not record the blip");
                    return false;
                }
                self.blips.borrow_mut().pop_front();
            }
        };
        within(self.world, TELLING, written).await.unwrap_or(false)
    }

    /// Reads which side takes writes, where that was asked. What cannot be read is asked again with the next sample that
    /// is not well.
    async fn read_side(&self) {
        if self.asks_side.take()
            && let Some(side) = active_side(self.store, self.world, self.plan, TELLING).await
        {
            self.side.set(Some(side));
        }
    }
}

/// The side that takes writes, as far as any run has said and it can be read in time.
pub(crate) async fn active_side(
    store: &impl ObjectStore,
    world: &impl World,
    plan: &PairPlan,
    patience: TimeSpan,
) -> Option<ActiveSide> {
    let key = object_store::lease_key(&plan.plan);
    match within(world, patience, object_store::read_json::<Lease>(store, &key)).await {
        Some(Ok(lease)) => return Some(lease.map(|(lease, _)| lease.active).unwrap_or_default()),
        Some(Err(failure)) => warn!(why = failure.chain(), "could not read the lease"),
        None => warn!("could not read the lease in time"),
    }
    None
}

/// Writes the watch down, unless what is there tells of more: a write that took its time, or a window's last one, must
/// not take away what the next window has written. What cannot be read is replaced; where the log stood when it was seen
/// last is kept.
async fn write_newest(store: &impl ObjectStore, key: &str, watch: &Watch) -> Result<(), Failure> {
    let mut lost = Failure::Conflict(format!("{key}: nobody gave way"));
    for _ in 0..WRITES {
        let there = store.get(key).await?;
        let written =
            there.as_ref().and_then(|there| serde_json::from_str::<Watch>(&there.text).ok()).unwrap_or_default();
        if written.told_until > watch.told_until {
            info!("the next window has written the watch down already");
            return Ok(());
        }
        let condition = there.map_or(Condition::Absent, |there| Condition::Unchanged(there.etag));
        match object_store::write_json(store, key, &watch.clone().keeping(written), condition).await {
            Err(conflict @ Failure::Conflict(_)) => lost = conflict,
            written => return written,
        }
    }
    Err(lost)
}
