//! Moving traffic: one atomic change batch that fails if anything is not as it was.
//!
//! Route 53 has no conditional write, but a batch that DELETEs the exact old record and CREATEs the new one is
//! all or nothing. A TXT record beside the name carries the generation and is part of every batch: a write by
//! an older generation deletes a TXT record that is no longer there, and fails as a whole.

mod answers;

pub use answers::{Answers, ServerAnswer, Spread};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    failover::run::Run,
    words::id::{Generation, HostName},
};

/// The zone as the step found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The name's record sets, of any type.
    pub records: Vec<RecordSet>,
    /// The record sets of the name's generation, [`generation_name`].
    pub generation: Vec<RecordSet>,
}

/// A record set, as Route 53 stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordSet {
    /// Its name, without the trailing dot.
    pub name: String,
    /// Its type, as `CNAME`.
    pub kind: String,
    /// Its time to live, in seconds; absent for an alias.
    pub ttl_seconds: Option<i64>,
    /// Its values, as stored.
    pub values: Vec<String>,
    /// Whether it is one of several that a routing policy chooses from, or an alias.
    pub routed: bool,
}

/// The next move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Move {
    /// The record names the new side, in this generation.
    Keep,
    /// One batch: delete these exactly, create those.
    Swap {
        /// What must be there, to the letter.
        delete: Vec<RecordSet>,
        /// What takes its place.
        create: Vec<RecordSet>,
    },
    /// Do not, and why.
    Refuse(String),
}

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Switch {
    /// The change batch, while one is known.
    pub change: Option<String>,
    /// Where the name leads now.
    pub target: HostName,
}

/// What Route 53 keeps with a change.
#[must_use]
pub fn comment(run: &Run) -> String {
    format!("lifeboat plan={} generation={} execution={}", run.plan.plan, run.generation, run.execution.name())
}

/// Where the generation of `name` is kept.
#[must_use]
pub fn generation_name(name: &HostName) -> String {
    format!("_lifeboat.{name}")
}

/// Plans the move of a run's traffic to its replica.
#[must_use]
pub fn plan(seen: &Seen, run: &Run) -> Move {
    let Some(pair) = run.pair() else {
        return Move::Refuse("the plan's traffic names no component".into());
    };
    let record = &run.plan.traffic.record;
    let (current, old_generation) = match (only_cname(seen, &record.name), generation_of(seen)) {
        (Ok(current), Ok(generation)) => (current, generation),
        (Err(why), _) | (_, Err(why)) => return Move::Refuse(why),
    };
    if old_generation.is_some_and(|old| old > run.generation) {
        let newer = old_generation.unwrap_or(Generation::ZERO);
        return Move::Refuse(format!(
            "`{}` was moved by generation {newer}, this run is {}: it may not",
            record.name, run.generation
        ));
    }
    let target = current.values.first().map(|value| bare(value)).unwrap_or_default();
    let ours = old_generation == Some(run.generation);
    if target == pair.replica.endpoint.as_str() && ours {
        return Move::Keep;
    }
    // A dead run may have moved it; then only the generation is raised.
    if target != pair.primary.endpoint.as_str() && target != pair.replica.endpoint.as_str() {
        return Move::Refuse(format!(
            "`{}` leads to `{target}`, the plan says `{}`: someone moved it",
            record.name, pair.primary.endpoint
        ));
    }
    let moved = RecordSet {
        name: record.name.to_string(),
        kind: "CNAME".into(),
        ttl_seconds: i64::try_from(record.ttl.duration().as_secs()).ok(),
        values: vec![pair.replica.endpoint.to_string()],
        routed: false,
    };
    let raised = RecordSet {
        name: generation_name(&record.name),
        kind: "TXT".into(),
        ttl_seconds: Some(60),
        values: vec![generation_text(run.generation)],
        routed: false,
    };
    let delete = [current.clone()].into_iter().chain(seen.generation.iter().cloned()).collect();
    Move::Swap { delete, create: vec![moved, raised] }
}

/// The one CNAME that the plan describes.
fn only_cname<'a>(seen: &'a Seen, name: &HostName) -> Result<&'a RecordSet, String> {
    match seen.records.as_slice() {
        [] => Err(format!("`{name}` has no record: someone deleted it")),
        [record] if record.kind == "CNAME" && !record.routed && record.values.len() == 1 => Ok(record),
        [record] => Err(format!(
            "`{name}` is {} record with {} values, the plan says one plain CNAME",
            record.kind,
            record.values.len()
        )),
        several => Err(format!("`{name}` has {} record sets, the plan says one plain CNAME", several.len())),
    }
}

/// The generation that moved the record last, if any did.
fn generation_of(seen: &Seen) -> Result<Option<Generation>, String> {
    match seen.generation.as_slice() {
        [] => Ok(None),
        [record] if record.kind == "TXT" && record.values.len() == 1 => {
            let text = record.values[0].trim_matches('"');
            generation_in(text).map(Some).ok_or_else(|| format!("`{}` says `{text}`, not a generation", record.name))
        }
        [record, ..] => Err(format!("`{}` is not the one TXT record that it should be", record.name)),
    }
}

/// The generation that a TXT record's text says, without its quotes.
#[must_use]
pub fn generation_in(text: &str) -> Option<Generation> {
    text.strip_prefix("generation=").and_then(|number| number.parse().ok()).map(Generation)
}

/// A generation as its TXT record shows it.
fn generation_text(generation: Generation) -> String {
    format!("\"generation={generation}\"")
}

/// A DNS name without its trailing dot, lower case.
#[must_use]
pub fn bare(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
