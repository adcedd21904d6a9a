//! What one window knows, joined with what the window before it had to say.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Sample, Streak, Watch};
use crate::{
    component::ActiveSide,
    words::{id::InstanceId, time_span::TimeSpan},
};

/// What a window knows of the primary: what the windows before wrote down, and its own samples.
///
/// A window begins to sample when the one before may not have written its last samples down yet. So it keeps its own
/// first ones, and as often as it reads more of the window before, it counts them again on top of that. Until then it
/// may count too few failures, and never too many: where the window before may still tell of a success, no streak of its
/// is gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    watch: Watch,
    interval: TimeSpan,
    open: Option<Open>,
    recoveries: Vec<Recovery>,
}

/// While the window before may have more to say: its word so far, and our own samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Open {
    before: Watch,
    own: Vec<(Timestamp, Sample)>,
}

/// A streak that ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recovery {
    /// The failures in a row.
    pub streak: Streak,
    /// The first sample that succeeded again.
    pub at: Timestamp,
}

impl Account {
    /// A window's account at its beginning: what the windows before have written down so far.
    #[must_use]
    pub fn new(before: Watch, interval: TimeSpan) -> Self {
        let open = Some(Open { before: before.clone(), own: Vec::new() });
        Self { watch: before, interval, open, recoveries: Vec::new() }
    }

    /// What is known now.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Whether the window before may have more to say.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes in one sample.
    pub fn take(&mut self, at: Timestamp, sample: Sample) -> Change {
        let Some(open) = &mut self.open else {
            let change = self.watch.take(at, sample, self.interval);
            self.recoveries.extend(recovery(at, &change));
            return change;
        };
        open.own.push((at, sample.clone()));
        self.watch.take_after(self.interval, at, sample, self.interval)
    }

    /// Joins what the window before has written down by now with the samples of this one: its word first, then ours.
    pub fn join(&mut self, before: Watch) {
        let Some(open) = &mut self.open else { return };
        open.before = before;
        self.watch = open.before.clone();
        for (at, sample) in &open.own {
            self.watch.take_after(self.interval, *at, sample.clone(), self.interval);
        }
    }

    /// The window before has written its last, or will write nothing more: nobody reports what it did not report.
    pub fn settle(&mut self) {
        let Some(Open { before, own }) = self.open.take() else { return };
        self.watch = before;
        for (at, sample) in own {
            self.take(at, sample);
        }
    }

    /// Whether nothing fails, and no streak has ended that nobody has asked for yet.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.watch.failing.is_none() && self.recoveries.is_empty()
    }

    /// The streaks that have ended since this was last asked. None before the window before has said its last word:
    /// until then nobody knows when they began.
    pub fn recoveries(&mut self) -> Vec<Recovery> {
        std::mem::take(&mut self.recoveries)
    }

    /// Another instance takes writes now, or the same one as another side: what was sampled of another is forgotten.
    pub fn follow(&mut self, side: ActiveSide, instance: &InstanceId) {
        let of = |watch: &mut Watch| *watch = std::mem::take(watch).of(side, instance);
        of(&mut self.watch);
        if let Some(open) = &mut self.open {
            of(&mut open.before);
            open.own.clear();
        }
    }

    /// Nothing more will be sampled before this instant.
    pub fn end(&mut self, until: Timestamp) {
        self.watch.told_until = self.watch.told_until.max(Some(until));
    }
}

fn recovery(at: Timestamp, change: &Change) -> Option<Recovery> {
    match change {
        Change::Recovered(streak) => Some(Recovery { streak: streak.clone(), at }),
        Change::StillUp | Change::Failing(_) | Change::Untold => None,
    }
}
