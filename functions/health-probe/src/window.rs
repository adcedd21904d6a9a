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
    synth,
    watch::probe::{Account, TELLING},
    words::{failure::Failure, id::PlanName, time_span::TimeSpan},
};
use edge::object_store::{self, ObjectStore};
use jiff::Timestamp;
use serde_json::Value;
use tracing::warn;

use crate::{
    claiming::claim,
    handover::{Handover, recalled},
    nap,
    progress::Progress,
    relief::Relief,
    sampling::{Sampling, Watched},
    telling::{Teller, active_side},
    world::{World, within},
};

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
        let (handover, relief, watches_lag) = (&handover, &relief, synth::watches_the_lag(plan));
        let mut sampling = Sampling {
            world,
            teller: &teller,
            handover,
            relief,
            plan,
            pair,
            naps,
            watches_lag,
            is_late: false,
            progress,
            watched,
        };
        let (watching, (), (), ()) = tokio::join!(sampling.watch(), teller.tell(), handover.read(), relief.wait());
        Sampling { progress, watched, .. } = sampling;
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
