//! Whether a Region is healthy, and what the signs point to where it is not.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Figures, RegionHealth, RegionLook, Went, believed_for};
use crate::{
    plan::{Disaster, Health, Limits},
    watch::{
        health::{Endpoint, Verdict},
        probe::later,
    },
    words::{time_span::TimeSpan, wording},
};

/// How a Region is. Unknown is neither healthy nor down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionCondition {
    /// It does what the plan says.
    Healthy,
    /// It does not.
    Unhealthy,
    /// Nobody can tell.
    Unknown,
}

/// What is concluded of a Region's looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// How it is.
    pub condition: RegionCondition,
    /// Why, in a sentence.
    pub because: String,
    /// What an unhealthy one points to; absent where the signs do not say.
    pub points_to: Option<Disaster>,
    /// The newest look.
    pub seen_at: Option<Timestamp>,
    /// The numbers.
    pub figures: Figures,
}

/// How many checks that failed a sentence names, and how much of each.
const NAMED: usize = 3;
const SHOWN_CHARS: usize = 120;

/// Judges a Region by its looks, as of now.
#[must_use]
pub fn judge(seen: &RegionHealth, health: &Health, now: Timestamp) -> Judged {
    let figures = Figures::of(seen, health);
    let judged = |condition, because, points_to| {
        let seen_at = seen.looks.last().map(|look| look.at);
        Judged { condition, because, points_to, seen_at, figures: figures.clone() }
    };
    let unknown = |because: String| judged(RegionCondition::Unknown, because, None);
    let Some(newest) = seen.looks.last() else { return unknown("nobody has looked at it yet".to_owned()) };
    if later(newest.at, believed_for(health)) < now {
        let age = TimeSpan::between(newest.at, now).roughly();
        return unknown(format!("the newest look is {age} old, of {}", newest.at));
    }
    let Some(in_a_row) = figures.failures_in_a_row else { return unknown(untold(newest)) };
    let mut why = Vec::new();
    if in_a_row >= health.failures_in_a_row {
        why.push(format!("{in_a_row} looks in a row were not healthy: {}", failed(newest)));
    }
    let beyond = beyond(&health.limits, &figures);
    let of_the_network = beyond.iter().any(|(is_the_network, _)| *is_the_network);
    why.extend(beyond.into_iter().map(|(_, text)| text));
    if why.is_empty() {
        // What nobody knows may be beyond its limit.
        if let Some(because) = unknown_limit(&health.limits, &figures) {
            return unknown(because);
        }
        let because = match in_a_row {
            0 => "its checks pass".to_owned(),
            _ => format!("{in_a_row} of {} failed looks in a row: {}", health.failures_in_a_row, failed(newest)),
        };
        return judged(RegionCondition::Healthy, because, None);
    }
    judged(RegionCondition::Unhealthy, why.join("; "), points_to(newest, of_the_network))
}

/// The limits that the figures are beyond, each in words; and whether it is one of the network.
fn beyond(limits: &Limits, figures: &Figures) -> Vec<(bool, String)> {
    let milliseconds = |limit: &Option<TimeSpan>| limit.map(|span| span.as_seconds() * 1_000.0);
    let above = |figure: Option<f64>, limit: Option<f64>| figure.zip(limit).filter(|(figure, limit)| figure > limit);
    let below = figures.availability_percent.zip(limits.availability_percent).filter(|(figure, limit)| figure < limit);
    let mut beyond = Vec::new();
    if let Some((is, limit)) = above(figures.errors_percent, limits.errors_percent) {
        beyond.push((false, format!("{is:.1} % of its checks failed, more than {limit} %")));
    }
    if let Some((is, limit)) = above(figures.response_milliseconds, milliseconds(&limits.response)) {
        beyond.push((false, format!("its checks take {is:.0} ms at the 95th percentile, more than {limit:.0} ms")));
    }
    if let Some((is, limit)) = below {
        beyond.push((false, format!("{is:.1} % of the looks were healthy, fewer than {limit} %")));
    }
    if let Some((is, limit)) = above(figures.latency_milliseconds, milliseconds(&limits.latency)) {
        beyond.push((true, format!("a round trip takes {is:.0} ms, more than {limit:.0} ms")));
    }
    if let Some((is, limit)) = above(figures.loss_percent, limits.loss_percent) {
        beyond.push((true, format!("{is:.1} % of the connections lost a packet, more than {limit} %")));
    }
    let unconnected = figures.unconnected_seconds.zip(limits.connect.map(TimeSpan::as_seconds));
    if let Some((is, limit)) = unconnected.filter(|(is, limit)| *is > 0.0 && is >= limit) {
        beyond
            .push((false, format!("no database has taken a connection for {is:.0} s, and {limit:.0} s is the limit")));
    }
    beyond
}

/// The first figure that has a limit and is not known, in words.
fn unknown_limit(limits: &Limits, figures: &Figures) -> Option<String> {
    let Limits { errors_percent, response, availability_percent, latency, loss_percent, connect } = limits;
    let limited = [
        ("errorsPercent", errors_percent.is_some(), figures.errors_percent),
        ("response", response.is_some(), figures.response_milliseconds),
        ("availabilityPercent", availability_percent.is_some(), figures.availability_percent),
        ("latency", latency.is_some(), figures.latency_milliseconds),
        ("lossPercent", loss_percent.is_some(), figures.loss_percent),
        ("connect", connect.is_some(), figures.unconnected_seconds),
    ];
    let (name, _, _) = limited.into_iter().find(|(_, has_limit, figure)| *has_limit && figure.is_none())?;
    Some(format!("its checks pass, and its `{name}`, which has a limit, is not known"))
}

/// What an unhealthy look points to. A database that does not answer comes first: without it no application works; then the
/// network, which makes checks fail as well.
fn points_to(look: &RegionLook, of_the_network: bool) -> Option<Disaster> {
    let silent = look.databases.iter().filter(|reached| reached.endpoint == Endpoint::Silent).count();
    if let Some(down) = look.databases.iter().find(|reached| reached.answers != Verdict::Up) {
        return match (down.answers, down.endpoint, look.api) {
            (Verdict::Down, Endpoint::Open | Endpoint::Refused, _) => Some(Disaster::Database),
            (Verdict::Down, Endpoint::Silent, Verdict::Up) => Some(Disaster::Zone),
            (Verdict::Down, Endpoint::Silent, Verdict::Down) if silent == look.databases.len() => {
                Some(Disaster::Region)
            }
            _ => None,
        };
    }
    if of_the_network {
        return Some(Disaster::Network);
    }
    let fails = look.checks.iter().any(|asked| matches!(asked.went, Went::Failed(_)));
    (fails && !look.databases.is_empty()).then_some(Disaster::Application)
}

/// What several Regions point to together.
#[must_use]
pub fn across<'a>(judged: impl IntoIterator<Item = &'a Judged>) -> Option<Disaster> {
    let gone = judged.into_iter().filter(|judged| judged.points_to == Some(Disaster::Region)).count();
    (gone > 1).then_some(Disaster::SeveralRegions)
}

fn failed(look: &RegionLook) -> String {
    let failed = look.checks.iter().filter_map(|asked| match &asked.went {
        Went::Failed(why) => Some(format!("`{}`: {}", asked.name, wording::start_of(why, SHOWN_CHARS))),
        Went::Passed | Went::Untold(_) => None,
    });
    let mut named: Vec<String> = failed.collect();
    let further = named.len().saturating_sub(NAMED);
    named.truncate(NAMED);
    if further > 0 {
        named.push(format!("{further} more"));
    }
    if named.is_empty() { "the newest passed".to_owned() } else { named.join(", ") }
}

fn untold(look: &RegionLook) -> String {
    let why = look.checks.iter().find_map(|asked| match &asked.went {
        Went::Untold(why) => {
            Some(format!("`{}` could not be asked: {}", asked.name, wording::start_of(why, SHOWN_CHARS)))
        }
        Went::Passed | Went::Failed(_) => None,
    });
    why.unwrap_or_else(|| "no check can be asked of it".to_owned())
}
