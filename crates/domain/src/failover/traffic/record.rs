//! A record set of Route 53, and the one that a plan describes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Seen;
use crate::{
    plan::{LoadBalancer, MovedName, Target},
    words::{
        id::{Generation, HostName},
        time_span::TimeSpan,
    },
};

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
    /// Its values, as stored; none for an alias.
    pub values: Vec<String>,
    /// Whether it is one of several that a routing policy chooses from, or has a health check.
    pub routed: bool,
    /// What it is an alias of, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<AliasOf>,
}

/// What an alias answers with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AliasOf {
    /// The hosted zone of its target.
    pub zone: String,
    /// Its target, as stored.
    pub host: String,
    /// Whether Route 53 looks at its target's health.
    pub evaluates_health: bool,
}

/// What Route 53's console writes before a load balancer's name, which leads to the same one.
const DUALSTACK: &str = "dualstack.";

impl RecordSet {
    /// Where it leads.
    pub(super) fn target(&self) -> String {
        match &self.alias {
            Some(alias) => {
                let host = bare(&alias.host);
                host.strip_prefix(DUALSTACK).map_or_else(|| host.clone(), str::to_owned)
            }
            None => self.values.first().map(|value| bare(value)).unwrap_or_default(),
        }
    }

    /// The record by which a name leads to a target.
    #[must_use]
    pub fn leading_to(name: &HostName, target: &Target, ttl: TimeSpan, evaluates_health: bool) -> Self {
        let record = Self {
            name: name.to_string(),
            kind: target.record_type().to_owned(),
            ttl_seconds: i64::try_from(ttl.duration().as_secs()).ok(),
            values: Vec::new(),
            routed: false,
            alias: None,
        };
        match target {
            Target::Address(address) => Self { values: vec![address.to_string()], ..record },
            Target::Host(host) => Self { values: vec![host.to_string()], ..record },
            Target::LoadBalancer(LoadBalancer { host, zone }) => {
                let alias = AliasOf { zone: zone.to_string(), host: host.to_string(), evaluates_health };
                Self { ttl_seconds: None, alias: Some(alias), ..record }
            }
        }
    }

    /// Whether Route 53 looks at the health of what it is an alias of.
    pub(super) fn evaluates_health(&self) -> bool {
        self.alias.as_ref().is_some_and(|alias| alias.evaluates_health)
    }

    /// What says of a name which generation moved it.
    pub(super) fn of_generation(name: &HostName, generation: Generation) -> Self {
        Self {
            name: generation_name(name),
            kind: "TXT".into(),
            ttl_seconds: Some(60),
            values: vec![generation_text(generation)],
            routed: false,
            alias: None,
        }
    }
}

/// The one record of a name that the plan describes. A name that leads to addresses may have others beside it, as a mail
/// server's, but none that leads clients elsewhere.
pub(super) fn only<'s>(seen: &'s Seen, name: &MovedName) -> Result<&'s RecordSet, String> {
    let wanted = name.primary.record_type();
    let is_alias = matches!(name.primary, Target::LoadBalancer(_));
    let leads = |record: &&RecordSet| wanted == "CNAME" || ["A", "AAAA", "CNAME"].contains(&record.kind.as_str());
    let plain = if is_alias { "alias of type A" } else { "plain record" };
    let of_one = |record: &RecordSet| record.alias.is_some() == is_alias && (is_alias || record.values.len() == 1);
    let name = &name.name;
    match seen.records.iter().filter(leads).collect::<Vec<_>>().as_slice() {
        [] => Err(format!("`{name}` has no record of type {wanted}: someone deleted it")),
        [record] if record.kind == wanted && !record.routed && of_one(record) => Ok(record),
        [record] if record.routed => Err(format!(
            "`{name}` is one of several {} records that a routing policy or a health check chooses from, the plan says one {plain}",
            record.kind
        )),
        [record] => Err(format!(
            "`{name}` is {} record with {} values, the plan says one {plain} of type {wanted}",
            record.kind,
            record.values.len()
        )),
        several => Err(format!("`{name}` has {} record sets, the plan says one {plain}", several.len())),
    }
}

/// The generation that moved the record last, if any did.
pub(super) fn generation_of(seen: &Seen) -> Result<Option<Generation>, String> {
    match seen.generation.as_slice() {
        [] => Ok(None),
        [record] if record.kind == "TXT" && record.values.len() == 1 => {
            let text = record.values[0].trim_matches('"');
            generation_in(text).map(Some).ok_or_else(|| format!("`{}` says `{text}`, not a generation", record.name))
        }
        [record, ..] => Err(format!("`{}` is not the one TXT record that it should be", record.name)),
    }
}

/// Where the generation of `name` is kept.
#[must_use]
pub fn generation_name(name: &HostName) -> String {
    format!("_lifeboat.{name}")
}

/// The generation that a TXT record's text says, without its quotes.
#[must_use]
pub fn generation_in(text: &str) -> Option<Generation> {
    text.strip_prefix("generation=").and_then(|number| number.parse().ok()).map(Generation)
}

/// A generation as its TXT record shows it.
pub(super) fn generation_text(generation: Generation) -> String {
    format!("\"generation={generation}\"")
}

/// A DNS name without its trailing dot, lower case.
#[must_use]
pub fn bare(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}
