//! What the window before has to say, read beside the first samples.

use std::cell::Cell;

use domain::{
    plan::PairPlan,
    watch::probe::{self, TELLING, Watch, later},
    words::time_span::TimeSpan,
};
use edge::object_store::{self, ObjectStore};
use jiff::Timestamp;
use tokio::sync::Notify;
use tracing::warn;

use crate::world::{World, within};

/// How soon the window before is read again where no sample asks for it.
const AGAIN: TimeSpan = TimeSpan::seconds(1);

/// The window before, as long as it may have more to say.
pub(crate) struct Handover<'a, S, W> {
    store: &'a S,
    world: &'a W,
    plan: &'a PairPlan,
    /// Where it ends, if there was one.
    after: Option<Timestamp>,
    /// The first sample of this one.
    from: Timestamp,
    is_open: Cell<bool>,
    /// What the newest reading came to.
    heard: Cell<Option<Heard>>,
    asked: Notify,
    answered: Notify,
}

/// What a reading came to.
pub(crate) struct Heard {
    /// What is written down, if it could be read.
    pub(crate) before: Option<Watch>,
    /// Nothing more will come of it.
    pub(crate) is_last: bool,
}

impl<'a, S: ObjectStore, W: World> Handover<'a, S, W> {
    pub(crate) fn new(
        store: &'a S,
        world: &'a W,
        plan: &'a PairPlan,
        after: Option<Timestamp>,
        from: Timestamp,
    ) -> Self {
        let (is_open, heard) = (Cell::new(true), Cell::new(None));
        Self { store, world, plan, after, from, is_open, heard, asked: Notify::new(), answered: Notify::new() }
    }

    /// What was heard since this was last called.
    pub(crate) fn heard(&self) -> Option<Heard> {
        self.heard.take()
    }

    /// Asks for what is written down by now, and waits for it no longer than a sample may take: one that is slower is
    /// heard with the next.
    pub(crate) async fn ask(&self) {
        if self.is_open.get() {
            self.asked.notify_one();
            within(self.world, self.plan.probe.timeout, self.answered.notified()).await;
        }
    }

    /// Waits until then, or until more is heard.
    pub(crate) async fn wait_until(&self, at: Timestamp) {
        tokio::select! {
            biased;
            () = self.world.sleep_until(at) => {}
            () = self.answered.notified() => {}
        }
    }

    /// There is nothing more to hear.
    pub(crate) fn end(&self) {
        self.is_open.set(false);
        self.asked.notify_one();
    }

    /// Reads as often as it is asked, and each second, until the end.
    pub(crate) async fn read(&self) {
        self.asked.notified().await;
        while self.is_open.get() {
            let before = recalled(self.store, self.world, self.plan, TELLING).await;
            let is_last = self.is_last(before.as_ref());
            self.heard.set(Some(Heard { before, is_last }));
            self.answered.notify_one();
            within(self.world, AGAIN, self.asked.notified()).await;
        }
    }

    fn is_last(&self, before: Option<&Watch>) -> bool {
        let Some(after) = self.after else { return true };
        let (now, by) = (self.world.now(), probe::last_word_by(after, &self.plan.probe));
        match before {
            Some(before) => before.told_until >= Some(after) || now >= by,
            None => now >= by.max(later(self.from, TELLING)),
        }
    }
}

/// What the windows before have written down, if it can be read in time.
pub(crate) async fn recalled(
    store: &impl ObjectStore,
    world: &impl World,
    plan: &PairPlan,
    patience: TimeSpan,
) -> Option<Watch> {
    let key = object_store::watch_key(&plan.plan);
    match within(world, patience, object_store::read_json::<Watch>(store, &key)).await {
        Some(Ok(watch)) => return Some(watch.map(|(watch, _)| watch).unwrap_or_default()),
        Some(Err(failure)) => warn!(why = failure.chain(), "could not recall the watch"),
        None => warn!("could not recall the watch in time"),
    }
    None
}
