//! Napping between two samples that are far apart: the invocation ends, and a message that SQS holds back until then wakes
//! the next one, which goes on where this one stood.
//!
//! A message that comes twice takes a sample twice, which counts once: samples are counted by their place on the grid. One
//! that never comes leaves the rest of its window unwatched, and what the next start is late besides: up to two minutes. The
//! next window says how long.

use domain::{failure::Failure, span::Span};
use jiff::Timestamp;

use crate::{progress::Progress, telling::within, window::World};

/// What is shorter is waited for: a message costs as much as some tenths of a second, and may be late.
const SHORTEST: Span = Span::milliseconds(1_500);

/// How much sooner than it is needed an invocation is woken: a cold start fits, or reading a credential. One
/// that is late leaves a sample out.
const SOONER: Span = Span::milliseconds(500);

/// How long leaving word may take.
const PATIENCE: Span = Span::seconds(2);

/// Whether it is worth it to nap until then.
pub(crate) fn is_worth_it(now: Timestamp, until: Timestamp) -> bool {
    Span::between(now, until) > SHORTEST
}

/// Leaves word to be woken just before `until`. SQS counts in whole seconds.
pub(crate) async fn take(world: &impl World, progress: &Progress, until: Timestamp) -> Result<(), Failure> {
    let left = Span::between(world.now(), until).as_milliseconds() - SOONER.as_milliseconds();
    let roused = world.rouse(progress, Span::seconds(left / 1_000));
    within(world, PATIENCE, roused).await.unwrap_or_else(|| {
        Err(Failure::AwsTransient { what: "the queue that wakes the probe did not answer".into(), source: None })
    })
}
