//! One window of samples. The one place where a Lambda sleeps: EventBridge cannot start it more often than once a minute.

use std::future::Future;

use domain::{
    failure::Failure,
    health::{Look, LookRequest, Verdict},
    id::PlanName,
    lease::{ActiveSide, Lease},
    plan::{Plan, PostgresPair},
    probe::{self, Account, Blip, Change, Claim, Sample, TELLING, Watch, Windows},
    span::Span,
    step::Step,
    wal::LastSeen,
};
use edge::shelf::{self, Condition, Shelf};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tracing::{info, warn};

/// What a window came to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Watched {
    samples: u32,
    failed: u32,
    untold: u32,
    gap_seconds: f64,
}

/// The world as the probe meets it.
pub(crate) trait World {
    /// Reads what is ours before it is needed.
    fn prepare(&self, pair: &PostgresPair) -> impl Future<Output = Result<(), String>>;
    /// Looks at one side of the pair, as at a primary.
    fn look(&self, plan: &Plan, pair: &PostgresPair, side: ActiveSide) -> impl Future<Output = Look>;
    /// Looks at the primary of a request.
    fn look_once(&self, request: &LookRequest) -> impl Future<Output = Look>;
    /// Publishes the metric.
    fn publish(&self, plan: &PlanName, at: Timestamp, failures: u32) -> impl Future<Output = Result<(), Failure>>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()>;
}

/// How often a healthy primary is written down: the alarm's period, so that its metric has no holes.
const HEARTBEAT: Span = Span::seconds(10);

/// How long telling may take where samples follow each other faster: a new connection's handshake fits.
const SHORTEST_TELLING: Span = Span::milliseconds(500);

/// How often a claim is tried: two deliveries of one minute may meet.
const CLAIMS: usize = 3;

/// How often the watch is tried to be written down: two windows may meet at their handover.
const WRITES: usize = 3;

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
    let Some(part) = claim(shelf, &plan, scheduled_at, world).await? else {
        return Ok(Step::done("the window is watched already", Value::Null, Watched::default()));
    };
    let Part { from, until, after, gap } = part;
    if let Err(why) = world.prepare(pair).await {
        warn!(plan.name = %plan.plan, why, "could not prepare the watch");
    }
    // From here nothing but the end of the window ends the watch: nobody else has this part of the grid.
    let watched = Watched { gap_seconds: gap.as_seconds(), ..Watched::default() };
    let account = Account::new(Watch::default(), plan.probe.interval);
    let mut window = Window { shelf, world, plan: &plan, pair, account, after, written_at: None, watched };
    let before = window.recalled(window.patience()).await.unwrap_or_default();
    window.account = Account::new(before, plan.probe.interval);
    let side = window.side_now().await;
    window.follow(side);
    let mut at = from;
    while at < until {
        world.sleep_until(at).await;
        window.sample(at).await;
        // A sample that overran is not repeated: the grid goes on.
        let soonest = probe::on_grid(world.now(), plan.probe.interval);
        at = probe::later(at, plan.probe.interval).max(soonest);
    }
    window.end(until).await;
    let because = format!("watched from {from} until {until}");
    Ok(Step::done(because, window.account.watch(), window.watched))
}

/// The part of the grid that is this window's.
struct Part {
    from: Timestamp,
    until: Timestamp,
    after: Option<Timestamp>,
    gap: Span,
}

/// Claims what is left of the window, and the gap before it.
async fn claim(
    shelf: &impl Shelf,
    plan: &Plan,
    scheduled_at: Timestamp,
    world: &impl World,
) -> Result<Option<Part>, Failure> {
    let key = shelf::windows_key(&plan.plan);
    let mut lost = Failure::Conflict(format!("{key}: nobody gave way"));
    for _ in 0..CLAIMS {
        let read = shelf::read_json::<Windows>(shelf, &key).await?;
        let (windows, condition) =
            read.map_or((None, Condition::Absent), |(windows, etag)| (Some(windows), Condition::Unchanged(etag)));
        match probe::claim(windows, &plan.probe, scheduled_at, world.now()) {
            Claim::Covered => return Ok(None),
            Claim::Take { from, until, after, gap } => {
                match shelf::write_json(shelf, &key, &Windows { claimed_until: until }, condition).await {
                    Ok(()) => return Ok(Some(Part { from, until, after, gap })),
                    Err(conflict @ Failure::Conflict(_)) => lost = conflict,
                    Err(failure) => return Err(failure),
                }
            }
        }
    }
    Err(lost)
}

async fn recall(shelf: &impl Shelf, plan: &Plan) -> Result<Watch, Failure> {
    Ok(shelf::read_json::<Watch>(shelf, &shelf::watch_key(&plan.plan))
        .await?
        .map(|(watch, _)| watch)
        .unwrap_or_default())
}

/// The side that takes writes, as far as any run has said.
async fn active_side(shelf: &impl Shelf, plan: &Plan) -> Result<ActiveSide, Failure> {
    let lease = shelf::read_json::<Lease>(shelf, &shelf::lease_key(&plan.plan)).await?;
    Ok(lease.map(|(lease, _)| lease.active).unwrap_or_default())
}

struct Window<'a, S, W> {
    shelf: &'a S,
    world: &'a W,
    plan: &'a Plan,
    pair: &'a PostgresPair,
    account: Account,
    /// Where the window before ends, if there was one.
    after: Option<Timestamp>,
    written_at: Option<Timestamp>,
    watched: Watched,
}

impl<S: Shelf, W: World> Window<'_, S, W> {
    async fn sample(&mut self, at: Timestamp) {
        // Side by side, so that no sample waits for what the window before has to say, nor is told without it.
        let side = self.account.watch().side;
        let (look, before) = tokio::join!(self.world.look(self.plan, self.pair, side), self.before());
        self.join(before, at);
        self.watched.samples += 1;
        let sample = match look.database {
            Verdict::Up => Sample::Up(look.lsn.map(|lsn| LastSeen { lsn, at: look.at })),
            Verdict::Down => Sample::Down(look.because.clone()),
            Verdict::Unknown => Sample::Unknown,
        };
        match self.account.take(at, sample) {
            Change::StillUp if self.written_at.is_some_and(|written| Span::between(written, at) < HEARTBEAT) => {}
            Change::StillUp => self.tell(at, 0).await,
            Change::Failing(failures) => {
                self.watched.failed += 1;
                info!(plan.name = %self.plan.plan, failures, because = look.because, "a sample failed");
                let (side, ()) = tokio::join!(self.side_now(), self.tell_quietly(at, failures));
                self.written_at = Some(at);
                self.follow(side);
            }
            Change::Recovered(_) => self.tell(at, 0).await,
            Change::Untold => self.untold(&look.because).await,
        }
        self.record_recoveries().await;
    }

    /// What the window before has written down by now, as long as it may have more to say. A sample waits for it no
    /// longer than it may wait for the primary.
    async fn before(&self) -> Option<Watch> {
        if self.account.is_open() { self.recalled(self.plan.probe.timeout).await } else { None }
    }

    fn join(&mut self, before: Option<Watch>, at: Timestamp) {
        let said_all = |before: &Watch| self.after.is_none_or(|after| before.told_until >= Some(after));
        let is_last = before.as_ref().is_some_and(said_all);
        if let Some(before) = before {
            let side = self.account.watch().side;
            self.account.join(before.of(side, &side.of(self.pair).instance));
        }
        let is_late = || self.after.is_none_or(|after| at >= probe::last_word_by(after, &self.plan.probe));
        if self.account.is_open() && (is_last || is_late()) {
            self.account.settle();
            self.written_at = None;
        }
    }

    /// Unknown is neither up nor down: it is not published, so that the silence itself raises an alarm.
    async fn untold(&mut self, because: &str) {
        self.watched.untold += 1;
        warn!(plan.name = %self.plan.plan, because, "a sample could not tell");
        let side = self.side_now().await;
        self.follow(side);
    }

    /// The side that takes writes now: a run may have moved the primary meanwhile. Only looked at where the watched side
    /// does not serve, so that a healthy watch costs no request.
    async fn side_now(&self) -> ActiveSide {
        match within(self.world, self.patience(), active_side(self.shelf, self.plan)).await {
            Some(Ok(side)) => return side,
            Some(Err(failure)) => warn!(why = failure.chain(), "could not read the lease"),
            None => warn!("could not read the lease in time"),
        }
        self.account.watch().side
    }

    fn follow(&mut self, side: ActiveSide) {
        let (instance, watch) = (&side.of(self.pair).instance, self.account.watch());
        if side != watch.side || watch.instance.as_ref() != Some(instance) {
            info!(plan.name = %self.plan.plan, ?side, instance.id = %instance, "the watch follows the primary");
            self.account.follow(side, instance);
            self.written_at = None;
        }
    }

    /// What the windows before have written down, if it can be read.
    async fn recalled(&self, patience: Span) -> Option<Watch> {
        match within(self.world, patience, recall(self.shelf, self.plan)).await {
            Some(Ok(watch)) => return Some(watch),
            Some(Err(failure)) => warn!(why = failure.chain(), "could not recall the watch"),
            None => warn!("could not recall the watch in time"),
        }
        None
    }

    /// How long what is beside the sampling may take: a sample that is not taken leaves unknown what the primary wrote.
    fn patience(&self) -> Span {
        self.plan.probe.interval.clamp(SHORTEST_TELLING, TELLING)
    }

    async fn tell(&mut self, at: Timestamp, failures: u32) {
        self.tell_quietly(at, failures).await;
        self.written_at = Some(at);
    }

    /// Publishes and remembers, side by side. Neither may end the watch, nor hold it up for longer than a sample: the
    /// next one tells again, and one that is not taken leaves unknown what the primary wrote.
    async fn tell_quietly(&self, at: Timestamp, failures: u32) {
        let told = async { tokio::join!(self.world.publish(&self.plan.plan, at, failures), self.remember()) };
        match within(self.world, self.patience(), told).await {
            Some((Ok(()), ())) => {}
            Some((Err(failure), ())) => warn!(why = failure.chain(), "could not publish the metric"),
            None => warn!("could not tell in time what was seen"),
        }
    }

    /// The window's last word: what it knows is all there is until the next one begins.
    async fn end(&mut self, until: Timestamp) {
        self.account.settle();
        self.account.end(until);
        self.record_recoveries().await;
        if within(self.world, self.patience(), self.remember()).await.is_none() {
            warn!("could not write the watch down in time");
        }
    }

    /// Writes the watch down, unless the window before may still do so: its word is joined with ours first.
    async fn remember(&self) {
        if self.account.is_open() {
            return;
        }
        let key = shelf::watch_key(&self.plan.plan);
        if let Err(failure) = write_newest(self.shelf, &key, self.account.watch()).await {
            warn!(why = failure.chain(), "could not write the watch down");
        }
    }

    async fn record_recoveries(&mut self) {
        for recovery in self.account.recoveries() {
            let blip = Blip::new(self.plan.plan.clone(), &self.plan.probe, recovery.streak, recovery.at);
            info!(plan.name = %self.plan.plan, because = blip.because, "recovered");
            let key = format!("evidence/{}/blips/{}.json", self.plan.plan, blip.streak.since);
            match within(self.world, self.patience(), shelf::write_json(self.shelf, &key, &blip, Condition::Always))
                .await
            {
                Some(Ok(())) => {}
                Some(Err(failure)) => warn!(why = failure.chain(), "could not record the blip"),
                None => warn!("could not record the blip in time"),
            }
        }
    }
}

/// Writes the watch down, unless what is there tells of more: a write that took its time, or a window's last one, must
/// not take away what the next window has written. What cannot be read is replaced.
async fn write_newest(shelf: &impl Shelf, key: &str, watch: &Watch) -> Result<(), Failure> {
    let mut lost = Failure::Conflict(format!("{key}: nobody gave way"));
    for _ in 0..WRITES {
        let condition = match shelf.get(key).await? {
            None => Condition::Absent,
            Some(there) => {
                let told_until = serde_json::from_str::<Watch>(&there.text).ok().and_then(|watch| watch.told_until);
                if told_until > watch.told_until {
                    info!("the next window has written the watch down already");
                    return Ok(());
                }
                Condition::Unchanged(there.etag)
            }
        };
        match shelf::write_json(shelf, key, watch, condition).await {
            Err(conflict @ Failure::Conflict(_)) => lost = conflict,
            written => return written,
        }
    }
    Err(lost)
}

/// Waits for this, but no longer than `patience`.
async fn within<T>(world: &impl World, patience: Span, awaited: impl Future<Output = T>) -> Option<T> {
    let end = probe::later(world.now(), patience);
    tokio::select! {
        biased;
        value = awaited => Some(value),
        () = world.sleep_until(end) => None,
    }
}
