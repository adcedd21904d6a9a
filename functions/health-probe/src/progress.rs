//! How far a window has come between two of its samples: all that is needed to go on with it, in another invocation too.

use domain::{
    component::{ActiveSide, PostgresPair},
    plan::PairPlan,
    watch::probe::{Account, COMES_TO_REST, FAILING_TOLD_EVERY, WELL_TOLD_EVERY, Watch, Windows, later},
    words::time_span::TimeSpan,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::info;

/// The part of the grid that is this window's.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// The first sample.
    pub(crate) from: Timestamp,
    /// The claim, as it is written down: the next window begins where it ends.
    pub(crate) claim: Windows,
    /// Where the window before ends, if there was one.
    pub(crate) after: Option<Timestamp>,
    /// How long nobody watched before `from`.
    pub(crate) gap: TimeSpan,
}

/// A window between two of its samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Progress {
    /// A window goes on with the plan that it began with.
    pub(crate) plan: PairPlan,
    /// The schedule's own time.
    pub(crate) scheduled_at: Timestamp,
    /// The claim, as it was written down last.
    pub(crate) claim: Windows,
    /// The window's first sample.
    pub(crate) from: Timestamp,
    /// Where the window before ends, if there was one.
    pub(crate) after: Option<Timestamp>,
    /// How long nobody had claimed before the first sample.
    pub(crate) gap: TimeSpan,
    /// The next sample.
    pub(crate) at: Timestamp,
    pub(crate) account: Account,
    /// How many samples have failed in a row, unless the newest one could not tell.
    pub(crate) known: Option<u32>,
    /// When that was last told.
    pub(crate) told_at: Option<Timestamp>,
    /// When the watch was last written down.
    pub(crate) noted_at: Option<Timestamp>,
    /// When failures were last told of, by this window or one before. For [`COMES_TO_REST`] a primary that is well is told of as
    /// often as one that fails: the alarm must hear of it in a period in which nothing failed, to come to rest.
    pub(crate) failing_told_at: Option<Timestamp>,
    /// When it was last asked how far the replica is behind.
    #[serde(default)]
    pub(crate) lag_asked_at: Option<Timestamp>,
}

impl Progress {
    /// Before the first sample.
    pub(crate) fn new(plan: PairPlan, scheduled_at: Timestamp, part: Part) -> Self {
        let (Part { from, claim, after, gap }, interval) = (part, plan.probe.interval);
        Self {
            plan,
            scheduled_at,
            claim,
            from,
            after,
            gap,
            at: from,
            account: Account::new(Watch::default(), interval),
            known: None,
            told_at: None,
            noted_at: None,
            failing_told_at: None,
            lag_asked_at: None,
        }
    }

    /// Whether it has taken no sample yet.
    pub(crate) fn is_new(&self) -> bool {
        self.at == self.from
    }

    /// How many samples have failed in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.account.watch().failing.as_ref().map_or(0, |streak| streak.failures)
    }

    /// When what is known is to be told again.
    pub(crate) fn tells_again_at(&self) -> Option<Timestamp> {
        let every = if self.is_well() { WELL_TOLD_EVERY } else { FAILING_TOLD_EVERY };
        self.told_at.filter(|_| self.known.is_some()).map(|told| later(told, every))
    }

    /// Whether the newest sample succeeded, and the alarm has had the time to hear of it.
    pub(crate) fn is_well(&self) -> bool {
        self.known == Some(0) && self.told_at >= self.failing_told_at.map(|failing| later(failing, COMES_TO_REST))
    }

    /// What the windows before wrote down.
    pub(crate) fn has_heard(&mut self, before: &Watch) {
        self.failing_told_at = self.failing_told_at.max(before.failing_told_at);
    }

    /// What is to be written down.
    pub(crate) fn watch(&self) -> Watch {
        Watch { failing_told_at: self.failing_told_at, ..self.account.watch().clone() }
    }

    /// Follows the side that takes writes: what was told of another instance is forgotten.
    pub(crate) fn follow(&mut self, pair: &PostgresPair, side: ActiveSide) {
        let (instance, watch) = (&side.of(pair).instance, self.account.watch());
        if side != watch.side || watch.instance.as_ref() != Some(instance) {
            info!(plan.name = %self.plan.plan, ?side, instance.id = %instance, "the watch follows the primary");
            self.account.follow(side, instance);
            (self.known, self.told_at, self.noted_at) = (None, None, None);
        }
    }
}
