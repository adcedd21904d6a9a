//! One window of samples. The one place where a Lambda sleeps: EventBridge cannot start it more often than once a minute.

use std::future::Future;

use domain::{
    failure::Failure,
    health::{Look, LookRequest, Verdict},
    id::PlanName,
    lease::{ActiveSide, Lease},
    plan::{Plan, PostgresPair},
    probe::{self, Blip, Change, Claim, Sample, Watch, Windows},
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

/// So many samples of a window may meet one of the window before that was under way when this one began to read.
const WITH_THE_WINDOW_BEFORE: u32 = 2;

/// How long telling may take where samples follow each other faster: a new connection's handshake fits.
const SHORTEST_TELLING: std::time::Duration = std::time::Duration::from_millis(500);

/// How often a claim is tried: two deliveries of one minute may meet.
const CLAIMS: usize = 3;

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
    let claimed = claim(shelf, &plan, scheduled_at, world).await?;
    let Some((from, until, gap)) = claimed else {
        return Ok(Step::done("the window is watched already", Value::Null, Watched::default()));
    };
    if let Err(why) = world.prepare(pair).await {
        warn!(plan.name = %plan.plan, why, "could not prepare the watch");
    }
    // From here nothing but the end of the window ends the watch: nobody else has this part of the grid.
    let watched = Watched { gap_seconds: gap.as_seconds(), ..Watched::default() };
    let mut window = Window { shelf, world, plan: &plan, pair, watch: Watch::default(), written_at: None, watched };
    window.watch = window.recalled().await.unwrap_or_default();
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
    if tokio::time::timeout(window.patience(), window.remember()).await.is_err() {
        warn!("could not write the watch down in time");
    }
    let because = format!("watched from {from} until {until}");
    Ok(Step::done(because, &window.watch, window.watched))
}

/// Claims what is left of the window, and the gap before it.
async fn claim(
    shelf: &impl Shelf,
    plan: &Plan,
    scheduled_at: Timestamp,
    world: &impl World,
) -> Result<Option<(Timestamp, Timestamp, Span)>, Failure> {
    let key = shelf::windows_key(&plan.plan);
    let mut lost = Failure::Conflict(format!("{key}: nobody gave way"));
    for _ in 0..CLAIMS {
        let read = shelf::read_json::<Windows>(shelf, &key).await?;
        let (windows, condition) =
            read.map_or((None, Condition::Absent), |(windows, etag)| (Some(windows), Condition::Unchanged(etag)));
        match probe::claim(windows, &plan.probe, scheduled_at, world.now()) {
            Claim::Covered => return Ok(None),
            Claim::Take { from, until, gap } => {
                match shelf::write_json(shelf, &key, &Windows { claimed_until: until }, condition).await {
                    Ok(()) => return Ok(Some((from, until, gap))),
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
    watch: Watch,
    written_at: Option<Timestamp>,
    watched: Watched,
}

impl<S: Shelf, W: World> Window<'_, S, W> {
    async fn sample(&mut self, at: Timestamp) {
        let look = self.world.look(self.plan, self.pair, self.watch.side).await;
        self.watched.samples += 1;
        let sample = match (look.database, look.lsn) {
            (Verdict::Up, Some(lsn)) => Sample::Up(LastSeen { lsn, at: look.at }),
            // It refuses us, so it lives; where its log stands it did not say.
            (Verdict::Up, None) => match self.watch.last_seen {
                Some(seen) => Sample::Up(seen),
                None => return self.untold(&look.because).await,
            },
            (Verdict::Down, _) => Sample::Down(look.because.clone()),
            (Verdict::Unknown, _) => return self.untold(&look.because).await,
        };
        let begins = self.watched.samples <= WITH_THE_WINDOW_BEFORE;
        if begins && matches!(sample, Sample::Down(_)) && self.watch.failing.is_none() {
            self.recall_streak().await;
        }
        match self.watch.take(at, sample, self.plan.probe.interval) {
            Change::StillUp if self.written_at.is_some_and(|written| Span::between(written, at) < HEARTBEAT) => {}
            Change::StillUp => self.tell(at, 0).await,
            Change::Failing(failures) => {
                self.watched.failed += 1;
                info!(plan.name = %self.plan.plan, failures, because = look.because, "a sample failed");
                let (side, ()) = tokio::join!(self.side_now(), self.tell_quietly(at, failures));
                self.written_at = Some(at);
                self.follow(side);
            }
            Change::Recovered(streak) => {
                let blip = Blip::new(self.plan.plan.clone(), &self.plan.probe, streak, at);
                info!(plan.name = %self.plan.plan, because = blip.because, "recovered");
                tokio::join!(self.tell_quietly(at, 0), self.record(&blip));
                self.written_at = Some(at);
            }
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
        match tokio::time::timeout(self.patience(), active_side(self.shelf, self.plan)).await {
            Ok(Ok(side)) => return side,
            Ok(Err(failure)) => warn!(why = failure.chain(), "could not read the lease"),
            Err(_) => warn!("could not read the lease in time"),
        }
        self.watch.side
    }

    fn follow(&mut self, side: ActiveSide) {
        let instance = &side.of(self.pair).instance;
        if side != self.watch.side || self.watch.instance.as_ref() != Some(instance) {
            info!(plan.name = %self.plan.plan, ?side, instance.id = %instance, "the watch follows the primary");
            self.watch = std::mem::take(&mut self.watch).of(side, instance);
            self.written_at = None;
        }
    }

    /// The window before may have seen the first failure with its last sample; and it has seen the primary since this
    /// one read what it remembered, which was up to [`probe::LEAD`] before its own first sample.
    async fn recall_streak(&mut self) {
        if let Some(watch) = self.recalled().await {
            let side = self.watch.side;
            let watch = watch.of(side, &side.of(self.pair).instance);
            self.watch.failing = watch.failing;
            self.watch.last_seen =
                [self.watch.last_seen, watch.last_seen].into_iter().flatten().max_by_key(|seen| seen.at);
        }
    }

    /// What the windows before have written down, if it can be read.
    async fn recalled(&self) -> Option<Watch> {
        match tokio::time::timeout(self.patience(), recall(self.shelf, self.plan)).await {
            Ok(Ok(watch)) => return Some(watch),
            Ok(Err(failure)) => warn!(why = failure.chain(), "could not recall the watch"),
            Err(_) => warn!("could not recall the watch in time"),
        }
        None
    }

    /// How long what is beside the sampling may take: a sample that is not taken leaves unknown what the primary wrote.
    fn patience(&self) -> std::time::Duration {
        self.plan.probe.interval.duration().max(SHORTEST_TELLING)
    }

    async fn tell(&mut self, at: Timestamp, failures: u32) {
        self.tell_quietly(at, failures).await;
        self.written_at = Some(at);
    }

    /// Publishes and remembers, side by side. Neither may end the watch, nor hold it up for longer than a sample: the
    /// next one tells again, and one that is not taken leaves unknown what the primary wrote.
    async fn tell_quietly(&self, at: Timestamp, failures: u32) {
        let told = async { tokio::join!(self.world.publish(&self.plan.plan, at, failures), self.remember()) };
        match tokio::time::timeout(self.patience(), told).await {
            Ok((Ok(()), ())) => {}
            Ok((Err(failure), ())) => warn!(why = failure.chain(), "could not publish the metric"),
            Err(_) => warn!("could not tell in time what was seen"),
        }
    }

    async fn remember(&self) {
        let key = shelf::watch_key(&self.plan.plan);
        if let Err(failure) = shelf::write_json(self.shelf, &key, &self.watch, Condition::Always).await {
            warn!(why = failure.chain(), "could not write the watch down");
        }
    }

    async fn record(&self, blip: &Blip) {
        let key = format!("evidence/{}/blips/{}.json", self.plan.plan, blip.streak.since);
        if let Err(failure) = shelf::write_json(self.shelf, &key, blip, Condition::Always).await {
            warn!(why = failure.chain(), "could not record the blip");
        }
    }
}
