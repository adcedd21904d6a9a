//! Moving traffic: atomic change batches that fail if anything is not as it was.
//!
//! Route 53 has no conditional write, but a batch that DELETEs the exact old records and CREATEs the new ones is
//! all or nothing. A TXT record beside each name carries the generation and is part of every batch: a write by
//! an older generation deletes a TXT record that is no longer there, and fails as a whole.
//!
//! The names of one zone are one batch, the database's zone first. A name of the application that somebody else moved, or
//! that Route 53 does not let us move, is left where it is, and told: the database's clients do not wait for it.

mod answers;
mod propagation;
mod record;
mod unmoved;

pub use answers::{Answers, Asked, ServerAnswer, Spread, Told};
pub use propagation::{LONGEST_WATCH, after, claim, found, is_waited_for, not_everywhere};
pub use record::{AliasOf, RecordSet, bare, generation_in, generation_name};
pub use unmoved::{Unmoved, unmoved};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    failover::run::Run,
    plan::{MovedName, Target},
    words::id::{Generation, HostName, ZoneId},
};

/// A name as the step found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The name's record sets, of any type.
    pub records: Vec<RecordSet>,
    /// The record sets of the name's generation, [`generation_name`].
    pub generation: Vec<RecordSet>,
}

/// The next move of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Move {
    /// The record names the new side, in this generation.
    Keep(RecordSet),
    /// In one batch: delete these exactly, create those.
    Swap {
        /// What must be there, to the letter.
        delete: Vec<RecordSet>,
        /// What takes its place.
        create: Vec<RecordSet>,
    },
    /// Do not, and why.
    Refuse(String),
}

/// The next move of a zone's names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// What must be there, to the letter; nothing where all are moved.
    pub delete: Vec<RecordSet>,
    /// What takes its place.
    pub create: Vec<RecordSet>,
    /// The records that are moved already.
    pub kept: Vec<RecordSet>,
    /// The names of the application that are left where they are, and why.
    pub left: Vec<(HostName, String)>,
}

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Switch {
    /// The change batches, while they are known: the database's and one for each zone, with a space between two, and `-` where none is known.
    pub change: Option<String>,
    /// Where the database's name leads now.
    pub target: HostName,
    /// When every authoritative server was seen to answer that; absent until then.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub seen_at: Option<Timestamp>,
    /// The application's names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Moved>,
    /// Those that could not be moved, or not be seen to arrive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
}

/// A name of the application that was left where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Left {
    /// The name.
    pub name: HostName,
    /// Why.
    pub because: String,
}

/// A name of the application that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Moved {
    /// The name.
    pub name: HostName,
    /// Where it led before, as the plan says.
    pub from: Target,
    /// Where it is to lead.
    pub to: Target,
    /// When every authoritative server was seen to answer that; absent until then.
    #[schemars(with = "Option<String>")]
    pub seen_at: Option<Timestamp>,
}

impl Moved {
    /// A name of the application, on its way; none of the database's.
    #[must_use]
    pub fn of(name: &MovedName) -> Option<Self> {
        let (from, to) = (name.primary.clone(), name.recovery.clone());
        (!name.is_the_database_s).then(|| Self { name: name.name.clone(), from, to, seen_at: None })
    }
}

impl Switch {
    /// Every authoritative server answers where this name leads now.
    pub fn seen(&mut self, name: &HostName, at: Timestamp) {
        match self.names.iter_mut().find(|moved| moved.name == *name) {
            Some(moved) => moved.seen_at = Some(at),
            None => self.seen_at = Some(at),
        }
    }
}

/// What Route 53 keeps with a change.
#[must_use]
pub fn comment(run: &Run) -> String {
    format!("lifeboat plan={} generation={} execution={}", run.plan.plan, run.generation, run.execution.name())
}

/// The names by their zones, after the database's, which has a batch of its own: what Route 53 takes amiss in another name,
/// as an alias to a load balancer that is gone, must not keep the database's clients waiting.
#[must_use]
pub fn by_zone(names: Vec<MovedName>) -> Vec<(ZoneId, Vec<MovedName>)> {
    let (own, others): (Vec<MovedName>, Vec<MovedName>) = names.into_iter().partition(|name| name.is_the_database_s);
    let mut zones: Vec<(ZoneId, Vec<MovedName>)> =
        own.into_iter().map(|name| (name.zone.clone(), vec![name])).collect();
    let first = zones.len();
    for name in others {
        match zones.iter_mut().skip(first).find(|(zone, _)| *zone == name.zone) {
            Some((_, names)) => names.push(name),
            None => zones.push((name.zone.clone(), vec![name])),
        }
    }
    zones
}

/// Plans the batch of one zone: each name with what was seen of it.
///
/// # Errors
/// Why the database's name must not be moved: then no other is moved either.
pub fn batch<'s>(seen: impl Iterator<Item = (&'s MovedName, &'s Seen)>, run: &Run) -> Result<Batch, String> {
    let mut batch = Batch::default();
    for (name, seen) in seen {
        match plan(name, seen, run) {
            Move::Keep(record) => batch.kept.push(record),
            Move::Swap { delete, create } => {
                batch.delete.extend(delete);
                batch.create.extend(create);
            }
            Move::Refuse(why) if name.is_the_database_s => return Err(why),
            Move::Refuse(why) => batch.left.push((name.name.clone(), why)),
        }
    }
    Ok(batch)
}

/// Plans the move of one name to the side that took over.
#[must_use]
pub fn plan(name: &MovedName, seen: &Seen, run: &Run) -> Move {
    let (current, old_generation) = match (record::only(seen, name), record::generation_of(seen)) {
        (Ok(current), Ok(generation)) => (current, generation),
        (Err(why), _) | (_, Err(why)) => return Move::Refuse(why),
    };
    if old_generation.is_some_and(|old| old > run.generation) {
        let newer = old_generation.unwrap_or(Generation::ZERO);
        return Move::Refuse(format!(
            "`{}` was moved by generation {newer}, this run is {}: it may not",
            name.name, run.generation
        ));
    }
    let target = current.target();
    let ours = old_generation == Some(run.generation);
    if target == name.recovery.text() && ours {
        return Move::Keep(current.clone());
    }
    // A dead run may have moved it; then only the generation is raised.
    if target != name.primary.text() && target != name.recovery.text() {
        return Move::Refuse(format!(
            "`{}` leads to `{target}`, the plan says `{}`: someone moved it",
            name.name, name.primary
        ));
    }
    let ttl = name.ttl_after.unwrap_or(name.ttl);
    let moved = RecordSet::leading_to(&name.name, &name.recovery, ttl, current.evaluates_health());
    let raised = RecordSet::of_generation(&name.name, run.generation);
    let delete = [current.clone()].into_iter().chain(seen.generation.iter().cloned()).collect();
    Move::Swap { delete, create: vec![moved, raised] }
}

#[cfg(test)]
mod tests;
