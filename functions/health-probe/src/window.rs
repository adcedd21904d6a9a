//! One window of samples. The one place where a Lambda sleeps: EventBridge cannot start it more often than once a minute.
//! Where samples are far apart, it ends between two of them, and a message has it go on with the next ([`crate::nap`]).
//!
//! One task samples and tells, side by side ([`crate::telling`]): a sample that is not taken leaves unknown what the
//! primary wrote, so that nothing but a look, with its own limit, may take time between two samples.

use std::ops::ControlFlow;

use domain::{
    component::PostgresPair,
    plan::PairPlan,
    run::step::Step,
    watch::{
        health::Verdict,
        probe::{self, Account, Blip, Change, RELIEF, Sample, TELLING},
    },
    words::{failure::Failure, id::PlanName, time_span::TimeSpan, wal::LastSeen},
};
use edge::object_store::{self, ObjectStore};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tracing::{info, warn};

use crate::{
    claiming::claim,
    handover::{Handover, recalled},
    nap,
    progress::Progress,
    relief::Relief,
    telling::{Teller, active_side},
    world::{World, within},
};

/// What an invocation came to: a window, or the part of one between two naps.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Watched {
    pub(crate) samples: u32,
    failed: u32,
    untold: u32,
    /// How long nobody watched before the window; absent where that cannot be told.
    gap_seconds: Option<f64>,
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

/// How long a window may wait at its beginning for what was written down before: a new connection's handshake fits, and
/// one that starts late loses little.
const PATIENCE: TimeSpan = TimeSpan::milliseconds(900);

/// How long before its first sample a window reads where the watch stands.
const BEGINS_SOONER: TimeSpan = TimeSpan::milliseconds(1_000);

/// Watches one window.
pub(crate) async fn watch(
    store: &impl ObjectStore,
    world: &impl World,
    plan: &PlanName,
    scheduled_at: Timestamp,
) -> Result<Step<Watched>, Failure> {
    let (plan, _) = object_store::read_pair(store, plan).await?;
    let pair = watched_pair(&plan)?;
    let Some(part) = claim(store, world, &plan, scheduled_at).await? else {
        return Ok(Step::done("the window is watched already", Value::Null, Watched::default()));
    };
    let naps = plan.probe.naps() && nap::is_relied_on(store, world, &plan, part.after).await;
    Ok(watch_on(store, world, &plan, pair, Progress::new(plan.clone(), scheduled_at, part), naps).await)
}

/// Watches a window on that has napped.
pub(crate) async fn resume(
    store: &impl ObjectStore,
    world: &impl World,
    progress: Progress,
) -> Result<Step<Watched>, Failure> {
    let plan = progress.plan.clone();
    let pair = watched_pair(&plan)?;
    Ok(watch_on(store, world, &plan, pair, progress, plan.probe.naps()).await)
}

fn watched_pair(plan: &PairPlan) -> Result<&PostgresPair, Failure> {
    plan.pair().ok_or_else(|| Failure::InvalidInput("traffic.component: names no component".into()))
}

/// Watches from where a window stands: to its end, or until it may nap, where it `naps` at all.
async fn watch_on(
    store: &impl ObjectStore,
    world: &impl World,
    plan: &PairPlan,
    pair: &PostgresPair,
    mut progress: Progress,
    mut naps: bool,
) -> Step<Watched> {
    let gap_seconds = progress.after.is_none().then_some(progress.gap.as_seconds());
    let mut watched = Watched { gap_seconds, ..Watched::default() };
    let (teller, mut naps_until) = (Teller::new(store, world, plan, pair), None);
    loop {
        if let Some(until) = naps_until.take() {
            match nap::take(world, &progress, until).await {
                Ok(()) => return Step::done(format!("naps until {until}"), progress.account.watch(), watched),
                Err(failure) => warn!(why = failure.chain(), "nobody would wake the window: it stays awake"),
            }
            naps = false;
        }
        let begins = progress.at.checked_sub(BEGINS_SOONER.duration()).unwrap_or_default();
        if progress.is_new() && naps && nap::is_worth_it(world.now(), begins) {
            naps_until = Some(begins);
            continue;
        }
        // Bounded: without it a look reads for itself what it needs.
        match within(world, TELLING, world.prepare(pair)).await {
            Some(Ok(())) => {}
            Some(Err(why)) => warn!(plan.name = %plan.plan, why, "could not prepare the watch"),
            None => warn!(plan.name = %plan.plan, "could not prepare the watch in time"),
        }
        if progress.is_new() {
            world.sleep_until(begins).await;
            if !begin(store, world, plan, pair, &mut progress).await {
                teller.ask_side();
            }
        }
        // From here nothing but the end of the window ends the watch: nobody else has this part of the grid.
        teller.go_on();
        let handover = Handover::new(store, world, plan, progress.after, progress.from);
        let relief = Relief::new(store, world, plan, progress.scheduled_at, progress.claim.clone());
        let (handover, relief) = (&handover, &relief);
        let mut window =
            Window { world, teller: &teller, handover, relief, plan, pair, naps, is_late: false, progress, watched };
        let (watching, (), (), ()) = tokio::join!(window.watch(), teller.tell(), handover.read(), relief.wait());
        Window { progress, watched, .. } = window;
        if let Some(side) = teller.side() {
            progress.follow(pair, side);
        }
        match watching {
            // What could not be told is not left to a message.
            ControlFlow::Break(_) if teller.has_more() => naps = false,
            ControlFlow::Break(until) => naps_until = Some(until),
            ControlFlow::Continue(()) => {
                let because = format!("watched from {} until {}", progress.from, relief.until());
                return Step::done(because, progress.account.watch(), watched);
            }
        }
        progress.claim = relief.claim();
    }
}

/// Reads what the windows before wrote down and which side takes writes: no sooner than it is needed, for a run may move
/// the primary meanwhile. `false` where the lease did not say which side.
async fn begin(
    store: &impl ObjectStore,
    world: &impl World,
    plan: &PairPlan,
    pair: &PostgresPair,
    progress: &mut Progress,
) -> bool {
    let (before, side) =
        tokio::join!(recalled(store, world, plan, PATIENCE), active_side(store, world, plan, PATIENCE));
    let before = before.unwrap_or_default();
    let watched = side.unwrap_or(before.side);
    progress.has_heard(&before);
    progress.account = Account::new(before, plan.probe.interval);
    progress.follow(pair, watched);
    side.is_some()
}

struct Window<'a, S, W> {
    world: &'a W,
    teller: &'a Teller<'a, S, W>,
    handover: &'a Handover<'a, S, W>,
    relief: &'a Relief<'a, S, W>,
    plan: &'a PairPlan,
    pair: &'a PostgresPair,
    /// Whether somebody would wake it: then it breaks off between two samples that are far apart.
    naps: bool,
    /// It missed a place of the grid, by a late message or a slow sample: it waits awake for the next one.
    is_late: bool,
    progress: Progress,
    watched: Watched,
}

impl<S: ObjectStore, W: World> Window<'_, S, W> {
    /// Takes the window's samples, and stays until the next window begins. Breaks off where it may nap until some instant.
    async fn watch(&mut self) -> ControlFlow<Timestamp> {
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
