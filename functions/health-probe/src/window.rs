//! One window of samples. The one place where a Lambda sleeps: EventBridge cannot start it more often than once a minute.
//!
//! One task samples and tells, side by side ([`crate::telling`]): a sample that is not taken leaves unknown what the
//! primary wrote, so that nothing but a look, with its own limit, may take time between two samples.

use std::future::Future;

use domain::{
    failure::Failure,
    health::{Look, LookRequest, Verdict},
    id::PlanName,
    lease::ActiveSide,
    plan::{Plan, PostgresPair},
    probe::{self, Account, Blip, Change, HEARTBEAT, RELIEF, Sample},
    span::Span,
    step::Step,
    wal::LastSeen,
};
use edge::shelf::{self, Shelf};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tracing::{info, warn};

use crate::{
    claiming::{Part, claim},
    handover::{Handover, recalled},
    relief::Relief,
    telling::{Teller, active_side},
};

/// What a window came to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Watched {
    pub(crate) samples: u32,
    failed: u32,
    untold: u32,
    /// How long nobody watched before the window; absent where that cannot be told.
    gap_seconds: Option<f64>,
}

/// The world as the probe meets it.
pub(crate) trait World {
    /// A name that no other invocation has.
    fn claimant(&self) -> String;
    /// Reads what is ours before it is needed.
    fn prepare(&self, pair: &PostgresPair) -> impl Future<Output = Result<(), String>>;
    /// Looks at one side of the pair, as at a primary.
    fn look(&self, plan: &Plan, pair: &PostgresPair, side: ActiveSide) -> impl Future<Output = Look>;
    /// No more looks come.
    fn hang_up(&self);
    /// Looks at the primary of a request.
    fn look_once(&self, request: &LookRequest) -> impl Future<Output = Look>;
    /// Publishes how many samples had failed in a row, at each of these instants.
    fn publish(&self, plan: &PlanName, counts: &[(Timestamp, u32)]) -> impl Future<Output = Result<(), Failure>>;
    /// Wakes the functions of a failover, and the witness that looks at this side. Whoever does not wake is needed later.
    fn wake(&self, plan: &Plan, pair: &PostgresPair, side: ActiveSide) -> impl Future<Output = ()>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()>;
}

/// How long a window may wait at its beginning for what was written down before: a new connection's handshake fits, and
/// one that starts late loses little.
const PATIENCE: Span = Span::milliseconds(500);

/// Watches one window.
pub(crate) async fn watch(
    shelf: &impl Shelf,
    world: &impl World,
    plan: &PlanName,
    scheduled_at: Timestamp,
) -> Result<Step<Watched>, Failure> {
    let (plan, _) = shelf::read_plan(shelf, plan).await?;
    let pair =
        plan.traffic_pair().ok_or_else(|| Failure::InvalidInput("traffic.component: names no component".into()))?;
    let Some(part) = claim(shelf, world, &plan, scheduled_at).await? else {
        return Ok(Step::done("the window is watched already", Value::Null, Watched::default()));
    };
    let Part { from, claim, after, gap } = part;
    if let Err(why) = world.prepare(pair).await {
        warn!(plan.name = %plan.plan, why, "could not prepare the watch");
    }
    // From here nothing but the end of the window ends the watch: nobody else has this part of the grid.
    let teller = Teller::new(shelf, world, &plan, pair);
    let handover = Handover::new(shelf, world, &plan, after, from);
    let relief = Relief::new(shelf, world, &plan, scheduled_at, claim);
    let (before, side) =
        tokio::join!(recalled(shelf, world, &plan, PATIENCE), active_side(shelf, world, &plan, PATIENCE));
    let before = before.unwrap_or_default();
    let side = side.unwrap_or(before.side);
    let account = Account::new(before, plan.probe.interval);
    let gap_seconds = after.is_none().then_some(gap.as_seconds());
    let watched = Watched { gap_seconds, ..Watched::default() };
    let mut window = Window {
        world,
        teller: &teller,
        handover: &handover,
        relief: &relief,
        plan: &plan,
        pair,
        account,
        from,
        gap,
        known: None,
        told_at: None,
        noted_at: None,
        watched,
    };
    window.follow(side);
    tokio::join!(window.watch(from), teller.tell(), handover.read(), relief.wait());
    let because = format!("watched from {from} until {}", relief.until());
    Ok(Step::done(because, window.account.watch(), window.watched))
}

struct Window<'a, S, W> {
    world: &'a W,
    teller: &'a Teller<'a, S, W>,
    handover: &'a Handover<'a, S, W>,
    relief: &'a Relief<'a, S, W>,
    plan: &'a Plan,
    pair: &'a PostgresPair,
    account: Account,
    /// The first sample.
    from: Timestamp,
    /// How long nobody had claimed before it.
    gap: Span,
    /// How many samples have failed in a row, unless the newest one could not tell.
    known: Option<u32>,
    /// When that was last told.
    told_at: Option<Timestamp>,
    /// When the watch was last written down.
    noted_at: Option<Timestamp>,
    watched: Watched,
}

impl<S: Shelf, W: World> Window<'_, S, W> {
    /// Takes the window's samples, and stays until the next window begins.
    async fn watch(&mut self, from: Timestamp) {
        let mut at = from;
        loop {
            let until = self.relief.until();
            if at >= until {
                self.wait_until(until.checked_sub(RELIEF.duration()).unwrap_or(until)).await;
                if self.relief.is_prolonged(until).await {
                    continue;
                }
                break;
            }
            let soonest = probe::on_grid(self.world.now(), self.plan.probe.interval);
            if at < soonest {
                // What took its time, be it a claim or a sample, dates no sample back.
                at = soonest;
                continue;
            }
            self.wait_until(at).await;
            self.sample(at).await;
            at = probe::later(at, self.plan.probe.interval);
        }
        // The window's last word: what it knows now is all there is until the next one begins.
        let until = self.relief.until();
        self.account.end(until);
        self.note();
        self.world.hang_up();
        self.wait_until(until).await;
        self.settle();
        self.teller.end();
    }

    /// Waits until then. Meanwhile what is known is told again every [`HEARTBEAT`], and at once where the window before
    /// made it more: between two samples that are far apart the alarm must neither come to rest nor miss the primary.
    async fn wait_until(&mut self, at: Timestamp) {
        while self.world.now() < at {
            let beat = self.known.and(self.told_at).map(|told| probe::later(told, HEARTBEAT));
            self.handover.wait_until(beat.map_or(at, |beat| beat.min(at))).await;
            self.join();
            let now = self.world.now();
            if self.known.is_some_and(|known| known != self.failures())
                || beat.is_some_and(|beat| beat <= now) && now < at
            {
                self.tell(now, self.failures());
            }
        }
    }

    async fn sample(&mut self, at: Timestamp) {
        if let Some(side) = self.teller.side() {
            self.follow(side);
        }
        // Side by side, so that no sample waits for what the window before has to say, nor is told without it.
        let side = self.account.watch().side;
        let (look, ()) = tokio::join!(self.world.look(self.plan, self.pair, side), self.handover.ask());
        self.join();
        self.watched.samples += 1;
        let sample = match look.database {
            Verdict::Up => Sample::Up(look.lsn.map(|lsn| LastSeen::new(lsn, look.at))),
            Verdict::Down => Sample::Down(look.because.clone()),
            Verdict::Unknown => Sample::Unknown,
        };
        match self.account.take(at, sample) {
            Change::StillUp => {
                self.known = Some(0);
                if is_due(self.told_at, at) {
                    self.tell(at, 0);
                }
                if is_due(self.noted_at, at) {
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
                self.known = None;
                self.watched.untold += 1;
                warn!(plan.name = %self.plan.plan, because = look.because, "a sample could not tell");
                self.teller.ask_side();
            }
        }
    }

    fn tell(&mut self, at: Timestamp, failures: u32) {
        self.teller.count(at, failures);
        (self.known, self.told_at) = (Some(failures), Some(at));
    }

    /// How many samples have failed in a row.
    fn failures(&self) -> u32 {
        self.account.watch().failing.as_ref().map_or(0, |streak| streak.failures)
    }

    /// Has the watch written down, unless the window before may still do so: its word is joined with ours first.
    fn note(&mut self) {
        if self.account.is_open() {
            return;
        }
        let watch = self.account.watch();
        // A watch that has seen nothing yet says so, and says the first thing that it sees at once.
        let has_seen = watch.last_seen.is_some() || watch.failing.is_some();
        self.noted_at = has_seen.then(|| self.world.now());
        self.teller.note(watch.clone());
        for recovery in self.account.recoveries() {
            let blip = Blip::new(self.plan.plan.clone(), &self.plan.probe, recovery.streak, recovery.at);
            info!(plan.name = %self.plan.plan, because = blip.because, "recovered");
            self.teller.record(blip);
        }
    }

    /// Joins what was heard of the window before.
    fn join(&mut self) {
        let Some(heard) = self.handover.heard() else { return };
        if let Some(before) = heard.before {
            if heard.is_last {
                self.tell_gap(before.told_until);
            }
            let side = self.account.watch().side;
            self.account.join(before.of(side, &side.of(self.pair).instance));
        }
        if heard.is_last {
            self.settle();
        }
    }

    /// How long nobody watched before this window: the window before may have been claimed and not watched, or not to its
    /// end. What is less than a heartbeat was watched and not worth writing down.
    fn tell_gap(&mut self, told_until: Option<Timestamp>) {
        let Some(silence) = told_until.map(|until| Span::between(until, self.from)) else { return };
        let gap = if silence > HEARTBEAT { silence } else { self.gap };
        if gap > Span::seconds(0) {
            warn!(plan.name = %self.plan.plan, "nobody watched for {gap} before {}", self.from);
        }
        self.watched.gap_seconds = Some(gap.as_seconds());
    }

    /// The window before has no more to say: what is known now is all there is.
    fn settle(&mut self) {
        if self.account.is_open() {
            self.account.settle();
            self.handover.end();
            self.note();
        }
    }

    fn follow(&mut self, side: ActiveSide) {
        let (instance, watch) = (&side.of(self.pair).instance, self.account.watch());
        if side != watch.side || watch.instance.as_ref() != Some(instance) {
            info!(plan.name = %self.plan.plan, ?side, instance.id = %instance, "the watch follows the primary");
            self.account.follow(side, instance);
            (self.known, self.told_at, self.noted_at) = (None, None, None);
        }
    }
}

/// Whether what was told then is to be told again.
fn is_due(told: Option<Timestamp>, at: Timestamp) -> bool {
    told.is_none_or(|told| Span::between(told, at) >= HEARTBEAT)
}
