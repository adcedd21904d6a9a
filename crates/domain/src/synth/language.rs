//! Which version of the plan language a plan is written in, and which an engine understands.
//!
//! An engine reads a plan strictly: a key that it does not know is an error, found when it is needed most. So each version
//! that adds keys has a number, the engine says its own, and a plan is applied only where it is understood.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{component, plan::Plan};

/// A version of the plan language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Language(u32);

/// The keys that came after version 1, as `objectives.tiers` or `components[].tier`, each with the version that brought it.
/// The kinds of components have theirs in [`component::SINCE`].
const SINCE: &[(&str, u32)] = &[
    // Traffic is a list, of as many pairs as the plan has.
    ("traffic[].component", 2),
    ("verify[].component", 2),
    // Promises by tier and by what fails, and who answers for them.
    ("owner", 3),
    ("reviewBy", 3),
    ("objectives.tiers", 3),
    ("objectives.failures", 3),
    ("components[].tier", 3),
    // Alarms of a plan's own, and what runs are to keep over time.
    ("alarms", 4),
    ("objectives.targets", 4),
    // The application's own names.
    ("traffic[].records", 4),
    ("traffic[].record.ttlOnFailover", 4),
    // Public resolvers that are asked as well.
    ("traffic[].resolvers", 4),
    // What an address of HTTP is asked, and must answer.
    ("verify[].method", 4),
    ("verify[].body", 4),
    ("verify[].expect.contains", 4),
    ("verify[].expect.json", 4),
    ("verify[].samples", 4),
    ("verify[].passPercent", 4),
    // How long each class of failure has to last, and who may order.
    ("failover.after", 4),
    ("failover.mayOrder", 4),
    // How long a failover is expected to take.
    ("failover.expected", 4),
    // Classes that a person names, and the loss of both Regions.
    ("failover.policy.severalRegions", 4),
    ("failover.policy.corruption", 4),
    ("failover.policy.breach", 4),
    ("failover.policy.deletion", 4),
    // How far back a point in time can be.
    ("components[].pointInTime", 4),
    // The key that a bucket's replicas are encrypted with.
    ("components[].replicationKey", 4),
    // How long a backup may take and what its successor does, and how long those of a day of the week are kept.
    ("backups[].schedule=continuous", 4),
    ("backups[].within", 4),
    ("backups[].overlap", 4),
    ("backups[].retention.onDay", 4),
    // Whether each backup is looked at.
    ("backups[].verification.afterEach", 4),
    // What a restore is made with.
    ("backups[].verification.restoreInto", 4),
    ("components[].primary.restore.storageGib", 4),
    ("components[].primary.restore.storageType", 4),
    ("components[].replica.restore.storageGib", 4),
    ("components[].replica.restore.storageType", 4),
    // Further recovery Regions, and what a restore there is given.
    ("regions.next", 4),
    ("components[].next", 4),
    // The health of each Region.
    ("health", 4),
    ("verify[].group", 4),
];

impl Language {
    /// What this build understands.
    pub const CURRENT: Self = Self(newest(newest(1, SINCE), component::SINCE));

    /// The first version that understands a plan: that of the newest key in it.
    #[must_use]
    pub fn needed_by(plan: &Plan) -> Self {
        needed_by(&serde_json::to_value(plan).unwrap_or_default(), SINCE, component::SINCE)
    }
}

/// The keys that a text writes and leaves empty, where the plan made of it lacks them: by the plan it would need an older
/// language than its text does.
pub(crate) fn left_empty(text: &Value, plan: &Plan) -> Vec<String> {
    let plan = serde_json::to_value(plan).unwrap_or_default();
    let left_empty = |path: &str| {
        let of_the_plan = places(&plan, path);
        places(text, path).into_iter().filter(move |place| !of_the_plan.contains(place))
    };
    SINCE.iter().flat_map(|(path, _)| left_empty(path)).collect()
}

/// Where there is a key, whatever it holds, as `components[1].tier`.
fn places(value: &Value, path: &str) -> Vec<String> {
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    let (name, each) = key.strip_suffix("[]").map_or((key, false), |name| (name, true));
    let Some(found) = value.get(name) else { return Vec::new() };
    let Some(rest) = rest else { return vec![name.to_owned()] };
    let within: Vec<(String, &Value)> = if each {
        let items = found.as_array().into_iter().flatten().enumerate();
        items.map(|(index, item)| (format!("{name}[{index}]"), item)).collect()
    } else {
        vec![(name.to_owned(), found)]
    };
    let below = |(at, value): (String, &Value)| {
        places(value, rest).into_iter().map(move |place| format!("{at}.{place}")).collect::<Vec<_>>()
    };
    within.into_iter().flat_map(below).collect()
}

const fn newest(mut newest: u32, of: &[(&str, u32)]) -> u32 {
    let mut rest = of;
    while let [(_, version), others @ ..] = rest {
        if *version > newest {
            newest = *version;
        }
        rest = others;
    }
    newest
}

fn needed_by(plan: &Value, keys: &[(&str, u32)], kinds: &[(&str, u32)]) -> Language {
    let keys = keys.iter().filter(|(path, _)| has(plan, path));
    let kinds = kinds.iter().filter(|(kind, _)| has(plan, &format!("components[].kind={kind}")));
    Language(keys.chain(kinds).map(|(_, version)| *version).max().unwrap_or(1))
}

/// Whether there is something at a path, or the text that the path ends with.
fn has(value: &Value, path: &str) -> bool {
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    let (name, each) = key.strip_suffix("[]").map_or((key, false), |name| (name, true));
    if let Some((name, text)) = name.split_once('=') {
        return value[name] == text;
    }
    let found = &value[name];
    match (rest, each) {
        (None, _) => !found.is_null(),
        (Some(rest), false) => has(found, rest),
        (Some(rest), true) => found.as_array().into_iter().flatten().any(|item| has(item, rest)),
    }
}

impl std::str::FromStr for Language {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(to)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_needs_the_version_of_the_newest_key_in_it() {
        let since = &[("owner", 2), ("components[].tier", 3), ("objectives.tiers", 4)];
        let kinds = &[("redis", 5)];
        for (plan, needed) in [
            (json!({"plan": "lab", "owner": null}), 1),
            (json!({"owner": "anna"}), 2),
            (json!({"components": [{}, {"tier": "gold"}], "owner": "anna"}), 3),
            (json!({"components": [], "objectives": {"rto": "30s"}}), 1),
            (json!({"objectives": {"tiers": [{}]}}), 4),
            (json!({"components": [{"kind": "cluster"}, {"kind": "redis"}]}), 5),
            (json!({"components": [{"kind": "cluster"}]}), 1),
        ] {
            assert_eq!(needed_by(&plan, since, kinds), Language(needed), "{plan}");
        }
    }
}
