//! The samples of one window, each told as it is taken.

use std::ops::ControlFlow;

use domain::{
    component::{ActiveSide, PostgresPair},
    plan::PairPlan,
    watch::{
        health::Verdict,
        probe::{self, Blip, Change, RELIEF, Sample},
    },
    words::{time_span::TimeSpan, wal::LastSeen},
};
use edge::object_store::ObjectStore;
use jiff::Timestamp;
use serde::Serialize;
use tracing::{info, warn};

use crate::{handover::Handover, nap, progress::Progress, relief::Relief, telling::Teller, world::World};

/// What an invocation came to: a window, or the part of one between two naps.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Watched {
    pub(crate) samples: u32,
    pub(crate) failed: u32,
    pub(crate) untold: u32,
    /// How long nobody watched before the window; absent where that cannot be told.
    pub(crate) gap_seconds: Option<f64>,
}

#[cfg(test)]
impl Watched {
    /// Adds what the window came to after it had napped.
    pub(crate) fn add(&mut self, more: &Self) {
        self.samples += more.samples;
        self.failed += more.failed;
        self.untold += more.untold;
        self.gap_seconds = more.gap_seconds.or(self.gap_seconds);
    }
}

/// The samples of one window, from where it stands.
pub(crate) struct Sampling<'a, S, W> {
    pub(crate) world: &'a W,
    pub(crate) teller: &'a Teller<'a, S, W>,
    pub(crate) handover: &'a Handover<'a, S, W>,
    pub(crate) relief: &'a Relief<'a, S, W>,
    pub(crate) plan: &'a PairPlan,
    pub(crate) pair: &'a PostgresPair,
    /// Whether somebody would wake it: then it breaks off between two samples that are far apart.
    pub(crate) naps: bool,
    /// Whether the plan has an alarm of how far the replica is behind.
    pub(crate) watches_lag: bool,
    /// It missed a place of the grid, by a late message or a slow sample: it waits awake for the next one.
    pub(crate) is_late: bool,
    pub(crate) progress: Progress,
    pub(crate) watched: Watched,
}

impl<S: ObjectStore, W: World> Sampling<'_, S, W> {
    /// Takes the window's samples, and stays until the next window begins. Breaks off where it may nap until some instant.
    pub(crate) async fn watch(&mut self) -> ControlFlow<Timestamp> {
        if !self.progress.account.is_open() {
            self.handover.end();
        }
        let ended = self.watch_to_the_end().await;
        self.world.hang_up();
        self.teller.end();
        self.handover.end();
        self.relief.end();
        ended
    }

    async fn watch_to_the_end(&mut self) -> ControlFlow<Timestamp> {
        loop {
            let (at, until) = (self.progress.at, self.relief.until());
            if at >= until {
                if self.naps && self.progress.is_well() {
                    // Nothing is due meanwhile: who has not taken over by now is not waited for.
                    self.relief.ask_now();
                } else {
                    self.wait_until(until.checked_sub(RELIEF.duration()).unwrap_or(until)).await?;
                }
                if self.relief.is_prolonged(until).await {
                    continue;
                }
                break;
            }
            let soonest = probe::on_grid(self.world.now(), self.plan.probe.interval);
            if at < soonest {
                // What took its time, be it a claim or a sample, dates no sample back.
                (self.progress.at, self.is_late) = (soonest, true);
                continue;
            }
            self.wait_until(at).await?;
            self.sample(at).await;
            self.is_late = false;
            self.progress.at = probe::later(at, self.plan.probe.interval);
        }
        // The window's last word: what it knows now is all there is until the next one begins.
        let until = self.relief.until();
        // One that was woken too late to look once has nothing to say of that time.
        if !self.is_late || self.watched.samples > 0 {
            self.progress.account.end(until);
        }
        self.note();
        self.world.hang_up();
        if !(self.naps && self.progress.is_well()) {
            // Until then what fails is told again.
            let _ = self.wait_until(until).await;
        }
        self.settle(false);
        ControlFlow::Continue(())
    }

    /// Waits until then, or breaks off where it may nap. Meanwhile what is known is told again as often as it has to be,
    /// and at once where the window before made it more: between two samples that are far apart the alarm must neither come
    /// to rest nor miss the primary.
    async fn wait_until(&mut self, at: Timestamp) -> ControlFlow<Timestamp> {
        while self.world.now() < at {
            let beat = self.progress.tells_again_at();
            let next = beat.map_or(at, |beat| beat.min(at));
            if self.may_nap() && nap::is_worth_it(self.world.now(), next) {
                return ControlFlow::Break(next);
            }
            self.handover.wait_until(next).await;
            self.join();
            let now = self.world.now();
            if self.progress.known.is_some_and(|known| known != self.progress.failures())
                || beat.is_some_and(|beat| beat <= now) && now < at
            {
                self.tell(now, self.progress.failures());
            }
        }
        ControlFlow::Continue(())
    }

    /// Only while all is well, for in an outage no sample may hang on a queue; and once the window before has said its last
    /// word: until then it listens.
    fn may_nap(&self) -> bool {
        self.naps && !self.is_late && self.progress.is_well() && !self.progress.account.is_open()
    }

    async fn sample(&mut self, at: Timestamp) {
        if let Some(side) = self.teller.side() {
            self.progress.follow(self.pair, side);
        }
        // Side by side, so that no sample waits for what the window before has to say, nor is told without it.
        let side = self.progress.account.watch().side;
        let (look, ()) = tokio::join!(self.world.look(self.plan, self.pair, side), self.handover.ask());
        self.join();
        self.watched.samples += 1;
        let sample = match look.database {
            Verdict::Up => Sample::Up(look.lsn.map(|lsn| LastSeen::new(lsn, look.at))),
            Verdict::Down => Sample::Down(look.because.clone()),
            Verdict::Unknown => Sample::Unknown,
        };
        match self.progress.account.take(at, sample) {
            Change::StillUp => {
                self.ask_lag(side, at);
                self.progress.known = Some(0);
                if self.progress.tells_again_at().is_none_or(|again| again <= at) {
                    self.tell(at, 0);
                }
                if is_due(self.progress.noted_at, self.plan.probe.noted_every(), at) {
                    self.note();
                }
            }
            Change::Failing(failures) => {
                self.watched.failed += 1;
                info!(plan.name = %self.plan.plan, failures, because = look.because, "a sample failed");
                self.tell(at, failures);
                self.note();
                self.teller.ask_side();
                if failures == 1 {
                    self.teller.wake(side);
                }
            }
            Change::Recovered(_) => {
                self.tell(at, 0);
                self.note();
            }
            // Unknown is neither up nor down: it is not published, so that the silence itself raises an alarm.
            Change::Untold => {
                self.progress.known = None;
                self.watched.untold += 1;
                warn!(plan.name = %self.plan.plan, because = look.because, "a sample could not tell");
                self.teller.ask_side();
            }
        }
    }

    /// Has it measured each minute how far the replica is behind, where the plan has an alarm of it.
    fn ask_lag(&mut self, side: ActiveSide, at: Timestamp) {
        let Some(written) = self.progress.account.watch().last_seen else { return };
        if self.watches_lag && is_due(self.progress.lag_asked_at, probe::EVERY, at) {
            self.progress.lag_asked_at = Some(at);
            self.teller.lag(side, written);
        }
    }

    fn tell(&mut self, at: Timestamp, failures: u32) {
        self.teller.count(at, failures);
        if failures > 0 {
            self.progress.failing_told_at = Some(at);
        }
        (self.progress.known, self.progress.told_at) = (Some(failures), Some(at));
    }

    /// Has the watch written down, unless the window before may still do so: its word is joined with ours first.
    fn note(&mut self) {
        if self.progress.account.is_open() {
            return;
        }
        let watch = self.progress.watch();
        // A watch that has seen nothing yet says so, and says the first thing that it sees at once.
        let has_seen = watch.last_seen.is_some() || watch.failing.is_some();
        self.progress.noted_at = has_seen.then(|| self.world.now());
        self.teller.note(watch);
        for recovery in self.progress.account.recoveries() {
            let blip = Blip::new(self.plan.plan.clone(), &self.plan.probe, recovery.streak, recovery.at);
            info!(plan.name = %self.plan.plan, because = blip.because, "recovered");
            self.teller.record(blip);
        }
    }

    /// Joins what was heard of the window before.
    fn join(&mut self) {
        let Some(heard) = self.handover.heard() else { return };
        let mut is_known = false;
        if let Some(before) = heard.before {
            self.progress.has_heard(&before);
            if heard.is_last {
                self.tell_gap(before.told_until);
            }
            let side = self.progress.account.watch().side;
            let before = before.of(side, &side.of(self.pair).instance);
            is_known = before.told_until >= self.progress.after && before.last_seen.is_some();
            self.progress.account.join(before);
        }
        if heard.is_last {
            self.settle(is_known);
        }
    }

    /// How long nobody watched before this window: the window before may have been claimed and not watched, or not to its
    /// end. A silence shorter than [`domain::plan::Probe::noted_every`] was watched and not worth writing down.
    fn tell_gap(&mut self, told_until: Option<Timestamp>) {
        let Some(silence) = told_until.map(|until| TimeSpan::between(until, self.progress.from)) else { return };
        // One that naps writes down at its end and not before.
        let is_unsaid = self.plan.probe.naps() && told_until < self.progress.after;
        let gap = if is_unsaid || silence >= self.plan.probe.noted_every() { silence } else { self.progress.gap };
        if gap > TimeSpan::seconds(0) {
            warn!(plan.name = %self.plan.plan, "nobody watched for {gap} before {}", self.progress.from);
        }
        self.watched.gap_seconds = Some(gap.as_seconds());
    }

    /// The window before has nothing more to say: what is known now is all there is.
    ///
    /// What it has said to its end, and nothing has changed since, is written down already.
    fn settle(&mut self, is_known: bool) {
        if self.progress.account.is_open() {
            self.progress.account.settle();
            self.handover.end();
            if is_known && self.progress.account.is_well() {
                self.progress.noted_at = self.progress.after;
            } else {
                self.note();
            }
        }
    }
}

/// Whether what was told then is to be told again.
fn is_due(told: Option<Timestamp>, every: TimeSpan, at: Timestamp) -> bool {
    told.is_none_or(|told| TimeSpan::between(told, at) >= every)
}
