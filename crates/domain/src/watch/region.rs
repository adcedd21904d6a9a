//! The health of a Region, seen from another one: what each look saw, and what the looks of ten minutes come to.
//!
//! Beside the probe, which watches the primary each second and is what a failover begins with. This one asks the plan's
//! checks, counts, and says what the signs point to; it moves nothing.

mod answer;
mod episode;
mod figures;
mod judgement;

pub use answer::{Answer, answer};
pub use episode::{Episode, News, Pointed, Recorded, key};
pub use figures::{Figures, RegionMetric, Unit, tries_for};
pub use judgement::{Judged, RegionCondition, across, judge};

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    health::{Endpoint, Verdict},
    probe::later,
};
use crate::{
    plan::Health,
    words::{
        id::{ComponentName, Region},
        time_span::TimeSpan,
    },
};

/// How long a look counts.
pub const KEPT: TimeSpan = TimeSpan::seconds(600);

/// The most looks that are kept: those of ten minutes, as often as they may be.
pub const MOST_LOOKS: usize = 60;

/// How many connections a look tries to each database.
pub const TRIES: u32 = 6;

/// How long one may take: a packet is lost, and what was sent again after one second and after three is answered.
pub const LONGEST_TRY: TimeSpan = TimeSpan::seconds(4);

/// A connection that took so long has lost its first packet, which is sent again after a second.
/// <https://www.rfc-editor.org/rfc/rfc6298#section-2>
const SENT_AGAIN: Duration = Duration::from_secs(1);

/// What one look at a Region saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionLook {
    /// When it began.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The plan's checks.
    pub checks: Vec<Asked>,
    /// The databases of that Region.
    pub databases: Vec<Reached>,
    /// Whether the Region's own API answers.
    pub api: Verdict,
}

/// A check, and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    /// The check's name in the plan.
    pub name: String,
    /// How it went.
    pub went: Went,
    /// How long it took, in milliseconds.
    pub took_milliseconds: u64,
}

/// How a check went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Went {
    /// As expected.
    Passed,
    /// Otherwise, or there was no answer.
    Failed(String),
    /// It could not be asked, by our own fault.
    Untold(String),
}

/// How a database was reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reached {
    /// Whose it is.
    pub component: ComponentName,
    /// How its host and port answered, the best of all tries.
    pub endpoint: Endpoint,
    /// Whether it answers a query.
    pub answers: Verdict,
    /// In a sentence, what does not.
    pub because: String,
    /// How many connections were tried of which a packet was sent.
    pub tries: u32,
    /// Of how many of them a packet was lost.
    pub lost: u32,
    /// The median of those that lost none, in milliseconds; or what a question took that a server answered, where that is more: a
    /// proxy on the way accepts connections by itself.
    pub round_trip_milliseconds: Option<f64>,
}

/// Whether a database answers a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Whether it does.
    pub verdict: Verdict,
    /// In a sentence, what does not.
    pub because: String,
    /// How long one question took, on a connection that was open.
    pub round_trip: Option<Duration>,
}

/// What became of one try of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// It was accepted after so long.
    Open(Duration),
    /// The host refused it after so long.
    Refused(Duration),
    /// Nothing came.
    Silent,
    /// The name has no address that is known here.
    Unresolved,
}

/// The looks at a Region, the oldest first. Kept with a conditional write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionHealth {
    /// Which Region is looked at.
    pub region: Region,
    /// From which.
    pub seen_from: Region,
    /// What was seen.
    pub looks: Vec<RegionLook>,
    /// What people were told of, where it is not healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<Episode>,
}

impl Reached {
    /// What tries and a question say of a database.
    #[must_use]
    pub fn of(component: ComponentName, tries: &[Try], answers: Answers) -> Self {
        let took = |tried: &Try| match tried {
            Try::Open(took) | Try::Refused(took) => Some(*took),
            Try::Silent | Try::Unresolved => None,
        };
        let sent = tries.iter().filter(|tried| **tried != Try::Unresolved).count();
        let mut whole: Vec<f64> = tries
            .iter()
            .filter_map(took)
            .filter(|took| *took < SENT_AGAIN)
            .map(|took| took.as_secs_f64() * 1_000.0)
            .collect();
        let endpoint = match () {
            () if tries.iter().any(|tried| matches!(tried, Try::Open(_))) => Endpoint::Open,
            () if tries.iter().any(|tried| matches!(tried, Try::Refused(_))) => Endpoint::Refused,
            () if sent > 0 => Endpoint::Silent,
            () => Endpoint::Unresolved,
        };
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let lost = count(sent - whole.len());
        let Answers { verdict: answers, because, round_trip } = answers;
        let asked = round_trip.map(|took| took.as_secs_f64() * 1_000.0);
        let round_trip_milliseconds = figures::percentile(&mut whole, 50).into_iter().chain(asked).reduce(f64::max);
        Self { component, endpoint, answers, because, tries: count(sent), lost, round_trip_milliseconds }
    }
}

impl RegionLook {
    /// Whether enough of the checks passed; `None` where those that could not be asked might decide it.
    #[must_use]
    pub fn is_healthy(&self, health: &Health) -> Option<bool> {
        let count = |is: fn(&Went) -> bool| self.checks.iter().filter(|asked| is(&asked.went)).count() as f64;
        let (passed, untold) = (count(|went| *went == Went::Passed), count(|went| matches!(went, Went::Untold(_))));
        // Of whole numbers, so that no share is missed by how it is written.
        let needed = health.healthy_at * self.checks.len() as f64 - 1e-9;
        match () {
            () if self.checks.is_empty() => None,
            () if passed >= needed => Some(true),
            () if passed + untold < needed => Some(false),
            () => None,
        }
    }

    /// The share of checks that passed, of those that told.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        let told = self.checks.iter().filter(|asked| !matches!(asked.went, Went::Untold(_)));
        let (told, passed) = told.fold((0.0, 0.0), |(told, passed), asked| {
            (told + 1.0, if asked.went == Went::Passed { passed + 1.0 } else { passed })
        });
        (told > 0.0).then(|| passed / told)
    }
}

impl RegionHealth {
    /// A Region that nobody has looked at.
    #[must_use]
    pub fn new(region: Region, seen_from: Region) -> Self {
        Self { region, seen_from, looks: Vec::new(), episode: None }
    }

    /// The same with one more look; what is older than [`KEPT`] is forgotten.
    #[must_use]
    pub fn with(mut self, look: RegionLook) -> Self {
        self.looks.retain(|kept| kept.at < look.at && later(kept.at, KEPT) > look.at);
        self.looks.push(look);
        self.looks.drain(..self.looks.len().saturating_sub(MOST_LOOKS));
        self
    }

    /// When the next look is due.
    #[must_use]
    pub fn due_at(&self, health: &Health, now: Timestamp) -> Timestamp {
        let Some(newest) = self.looks.last() else { return now };
        let wait = if newest.is_healthy(health).is_some() { health.every } else { health.after_error() };
        // One that is said to have been in the future keeps nobody from looking.
        if newest.at > now { now } else { later(newest.at, wait) }
    }
}

/// How long a look is believed: the next one may be late by a minute, and one may be missed.
#[must_use]
pub fn believed_for(health: &Health) -> TimeSpan {
    health.every.max(health.after_error()).times(2) + super::probe::EVERY
}

#[cfg(test)]
mod tests;
