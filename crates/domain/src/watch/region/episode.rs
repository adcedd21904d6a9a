//! What people are told of a Region's health: that it is not healthy, what that points to, and that it is over.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Judged, RegionCondition};
use crate::{
    plan::{Disaster, Health},
    words::id::{PlanName, Region},
};

/// A time for which a Region is not healthy. It is kept on record, with what people were told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Episode {
    /// When it was first judged so.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// What it pointed to: each class once, in the order in which they were told.
    pub pointed_to: Vec<Pointed>,
    /// How many looks in a row it has been healthy since.
    pub healthy_in_a_row: u32,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
}

/// What an unhealthy Region pointed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pointed {
    /// The class; `null` where the signs did not say.
    pub class: Option<Disaster>,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why, in a sentence.
    pub because: String,
}

/// An episode, as it is kept on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recorded {
    /// Whose Region.
    pub plan: PlanName,
    /// Which.
    pub region: Region,
    /// From where it was looked at.
    pub seen_from: Region,
    /// What happened.
    pub episode: Episode,
}

/// What follows from one more judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Nothing that people do not know.
    None,
    /// It is not healthy, or points to something that it has not pointed to before.
    Unhealthy(Pointed),
    /// It is healthy again.
    Over,
}

impl Episode {
    /// What goes on, given what went on before; and what is new of it. Each class is told once, and the end once as many
    /// looks in a row are healthy as make a Region unhealthy: one that comes and goes calls nobody twice. Unknown is neither.
    #[must_use]
    pub fn next(before: Option<Self>, judged: &Judged, health: &Health, now: Timestamp) -> (Option<Self>, News) {
        let before = before.filter(|episode| episode.ended_at.is_none());
        match (judged.condition, before) {
            (RegionCondition::Unhealthy, before) => {
                let mut episode = before.unwrap_or_else(|| Self::beginning(now));
                episode.healthy_in_a_row = 0;
                let is_told = episode.pointed_to.iter().any(|pointed| pointed.class == judged.points_to);
                if is_told {
                    return (Some(episode), News::None);
                }
                let pointed = Pointed { class: judged.points_to, at: now, because: judged.because.clone() };
                episode.pointed_to.push(pointed.clone());
                (Some(episode), News::Unhealthy(pointed))
            }
            (RegionCondition::Healthy, Some(mut episode)) => {
                episode.healthy_in_a_row += 1;
                if episode.healthy_in_a_row < health.failures_in_a_row {
                    return (Some(episode), News::None);
                }
                episode.ended_at = Some(now);
                (Some(episode), News::Over)
            }
            (RegionCondition::Healthy, None) => (None, News::None),
            (RegionCondition::Unknown, before) => (before, News::None),
        }
    }

    fn beginning(now: Timestamp) -> Self {
        Self { since: now, pointed_to: Vec::new(), healthy_in_a_row: 0, ended_at: None }
    }
}

/// Where an episode is kept on record: the same for each of its changes.
#[must_use]
pub fn key(plan: &PlanName, region: &Region, episode: &Episode) -> String {
    format!("evidence/{plan}/health/{region}/{}.json", episode.since.strftime("%Y-%m-%dT%H%M%S%3fZ"))
}
