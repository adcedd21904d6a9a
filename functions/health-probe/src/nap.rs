//! Napping between two samples that are far apart: the invocation ends, and a message that SQS holds back until then wakes
//! the next one, which goes on where this one stood.
//!
//! A message that comes twice takes a sample twice, which counts once: samples are counted by their place on the grid. One
//! that never comes leaves the rest of its window unwatched, and the next start's lateness too: up to two minutes. The
//! next window says how long.

use domain::{
    plan::PairPlan,
    watch::probe::{EVERY, later},
    words::{failure::Failure, time_span::TimeSpan},
};
use edge::object_store::ObjectStore;
use jiff::Timestamp;

use crate::{
    handover::recalled,
    progress::Progress,
    world::{World, within},
};

/// What is shorter is waited for: a message costs as much as some tenths of a second, and may be late.
const SHORTEST: TimeSpan = TimeSpan::milliseconds(1_500);

/// How much sooner than it is needed an invocation is woken: a cold start fits, or reading a credential. One
/// that is late leaves a sample out.
const SOONER: TimeSpan = TimeSpan::milliseconds(500);

/// How long leaving word may take, or reading whether it is heard.
const PATIENCE: TimeSpan = TimeSpan::seconds(2);

/// Whether it is worth it to nap until then.
pub(crate) fn is_worth_it(now: Timestamp, until: Timestamp) -> bool {
    TimeSpan::between(now, until) > SHORTEST
}

/// Whether windows that nap are gone on with: the one before the last has said its last word. Where the queue takes messages
/// and hands none out, no window is left to it, nor the first one ever.
pub(crate) async fn is_relied_on(
    store: &impl ObjectStore,
    world: &impl World,
    plan: &PairPlan,
    after: Option<Timestamp>,
) -> bool {
    let told_until = recalled(store, world, plan, PATIENCE).await.and_then(|watch| watch.told_until);
    let silence = told_until.zip(after).map(|(told, after)| TimeSpan::between(told, after));
    silence.is_some_and(|silence| silence < EVERY.times(2))
}

/// Leaves word to be woken just before `until`. SQS counts in whole seconds.
pub(crate) async fn take(world: &impl World, progress: &Progress, until: Timestamp) -> Result<(), Failure> {
    let left = TimeSpan::between(later(world.now(), SOONER), until);
    let roused = world.rouse(progress, TimeSpan::seconds(left.duration().as_secs()));
    within(world, PATIENCE, roused).await.unwrap_or_else(|| {
        Err(Failure::AwsTransient { what: "the queue that wakes the probe did not answer".into(), source: None })
    })
}
