//! How a Region's health is told.

use super::super::finding::{Finding, quoted};
use crate::{
    plan::{Check, Health, Limits, Plan},
    watch::{
        probe::EVERY,
        region::{KEPT, MOST_LOOKS, TRIES, tries_for},
    },
    words::{distance, time_span::TimeSpan},
};

/// More often than this, looking is load: ten minutes have as many looks as are kept.
const SHORTEST_EVERY: TimeSpan = TimeSpan::seconds(10);

/// Of fewer looks than two nothing is concluded.
const LONGEST_EVERY: TimeSpan = TimeSpan::seconds(300);

/// A plan has 20 checks at most, and as many groups.
const MOST_GROUPS: usize = 20;

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let Some(health) = &plan.health else {
        return groups_for_nothing(plan, found);
    };
    every(health, found);
    groups(plan, health, found);
    score(plan, health, found);
    limits(plan, health, found);
}

/// A group that nothing asks is a check that somebody thinks is asked.
fn groups_for_nothing(plan: &Plan, found: &mut Vec<Finding>) {
    for (index, check) in plan.verify.iter().enumerate() {
        if let Some(group) = check.group() {
            let what = format!("nothing asks the group {}", quoted(group.as_str()));
            let remedy = "Name it in `health.checks`, or leave it out.";
            found.push(Finding::warning(format!("verify[{index}].group"), what, remedy));
        }
    }
}

fn every(health: &Health, found: &mut Vec<Finding>) {
    for (path, span) in [("health.every", Some(health.every)), ("health.afterError", health.after_error)] {
        let Some(span) = span else { continue };
        if !(SHORTEST_EVERY..=LONGEST_EVERY).contains(&span) {
            let what = format!("a Region is looked at each {SHORTEST_EVERY} to {LONGEST_EVERY}, not each {span}");
            let remedy = format!("Write {SHORTEST_EVERY} to {LONGEST_EVERY}, as 30s: what was seen in {KEPT} is kept.");
            found.push(Finding::error(path, what, remedy));
        }
    }
    if health.after_error() < health.every {
        let what =
            format!("after a look that could not tell it waits {}, less than {}", health.after_error(), health.every);
        found.push(Finding::error("health.afterError", what, "Write at least `health.every`, or leave it out."));
    }
    let (row, most) = (health.failures_in_a_row, looks(health));
    if row == 0 {
        let what = "no failed look at all would be unhealthy";
        found.push(Finding::error("health.failuresInARow", what, "Write 1 or more, as 3."));
    } else if row > most {
        let what = format!("{row} looks in a row take {}, and {KEPT} are kept: {most} looks", health.every.times(row));
        let remedy = format!("Write at most {most}, or a shorter `health.every`.");
        found.push(Finding::error("health.failuresInARow", what, remedy));
    }
}

/// How many looks are kept.
fn looks(health: &Health) -> u32 {
    let kept = KEPT.as_milliseconds() / health.every.as_milliseconds().max(1);
    u32::try_from(kept).unwrap_or(u32::MAX).min(u32::try_from(MOST_LOOKS).unwrap_or(u32::MAX))
}

fn groups(plan: &Plan, health: &Health, found: &mut Vec<Finding>) {
    if health.checks.is_empty() || health.checks.len() > MOST_GROUPS {
        let what = format!("a Region is asked 1 to {MOST_GROUPS} groups of checks, not {}", health.checks.len());
        found.push(Finding::error("health.checks", what, "Name groups of `verify`; `all` is every check."));
    }
    for (index, group) in health.checks.iter().enumerate() {
        let path = format!("health.checks[{index}]");
        if !plan.verify.iter().any(|check| check.is_of(group)) {
            let what = format!("no check is of the group {}", quoted(group.as_str()));
            found.push(Finding::error(path, what, "Give a check of `verify` this `group`, or name another one."));
        } else if health.checks[..index].contains(group) {
            found.push(Finding::error(path, "it is named twice", "Name it once."));
        }
    }
    let asked: Vec<&Check> = health.asked(plan).collect();
    if !asked.is_empty() && asked.iter().all(|check| matches!(check, Check::Http(_))) {
        let what = format!(
            "an address leads to where clients are led: the health of `{}` is unknown until a failover",
            plan.regions.recovery
        );
        found.push(Finding::warning("health.checks", what, "Add a query: it is asked of each Region's own database."));
    }
}

fn score(plan: &Plan, health: &Health, found: &mut Vec<Finding>) {
    let share = health.healthy_at;
    if !(share > 0.0 && share <= 1.0) {
        let what = format!("a score is a share of the checks, more than 0 and at most 1, not {share}");
        found.push(Finding::error(
            "health.healthyAt",
            what,
            "Write a share, as 0.8, or leave it out: then all must pass.",
        ));
        return;
    }
    let checks = health.asked(plan).count();
    let needed = (share * checks as f64 - 1e-9).ceil();
    if checks > 0 && needed >= checks as f64 && share < 1.0 {
        let but_one = (checks - 1) as f64 / checks as f64;
        let what = format!("of {checks} checks {share} is all of them: one that fails leaves {but_one:.2}");
        let remedy =
            format!("Write 1 where all must pass, {:.2} or less where one may fail, or add checks.", floor(but_one));
        found.push(Finding::warning("health.healthyAt", what, remedy));
    }
}

/// Two decimals, and no more than it is.
fn floor(share: f64) -> f64 {
    (share * 100.0 + 1e-9).floor() / 100.0
}

fn limits(plan: &Plan, health: &Health, found: &mut Vec<Finding>) {
    let Limits { errors_percent, response, availability_percent, latency, loss_percent, connect } = &health.limits;
    let shares = [
        ("errorsPercent", errors_percent, 0.0..100.0),
        ("availabilityPercent", availability_percent, f64::MIN_POSITIVE..101.0),
        ("lossPercent", loss_percent, 0.0..100.0),
    ];
    for (key, share, range) in shares {
        let Some(share) = share else { continue };
        if !range.contains(share) || *share > 100.0 {
            let what = format!("no share of 0 to 100 % is ever beyond {share} %");
            found.push(Finding::error(format!("health.limits.{key}"), what, "Write a percentage, as 5."));
        }
    }
    for (key, span) in [("response", response), ("latency", latency), ("connect", connect)] {
        if span.is_some_and(|span| span == TimeSpan::seconds(0)) {
            let what = "nothing takes no time";
            found.push(Finding::error(format!("health.limits.{key}"), what, "Write a length of time, as 500ms."));
        }
    }
    let longest = health.asked(plan).map(Check::within).max();
    if let (Some(response), Some(longest)) = (response, longest)
        && *response > longest
    {
        let what = format!("no check takes more than {response}: after {longest} the slowest of them has failed");
        found.push(Finding::warning(
            "health.limits.response",
            what,
            format!("Write {longest} or less, or a longer `within`."),
        ));
    }
    far(plan, *latency, found);
    given_up(plan, *latency, found);
    loss(health, found);
    row(health, *connect, found);
}

/// What the distance alone takes.
fn far(plan: &Plan, latency: Option<TimeSpan>, found: &mut Vec<Finding>) {
    let regions = &plan.regions;
    let round_trip = distance::round_trip(&regions.recovery, &regions.primary);
    if let (Some(latency), Some(round_trip)) = (latency, round_trip)
        && latency > TimeSpan::seconds(0)
        && latency <= round_trip
    {
        let what = format!(
            "a packet from `{}` to `{}` and back takes about {round_trip}: it would always be beyond {latency}",
            regions.recovery, regions.primary
        );
        found.push(Finding::error("health.limits.latency", what, "Write more."));
    }
}

/// What the probe gives up before it is slow: it would be failed over, and the Region be healthy.
fn given_up(plan: &Plan, latency: Option<TimeSpan>, found: &mut Vec<Finding>) {
    let timeout = plan.probe.timeout;
    if let Some(latency) = latency.filter(|latency| timeout < *latency) {
        let what = format!(
            "a round trip may take {latency} before the network counts as slow, and the probe gives a sample up after {timeout}: it \
             takes a slow network for a primary that is down"
        );
        let remedy = format!("Write {timeout} or less, or a longer `probe.timeout`.");
        found.push(Finding::warning("health.limits.latency", what, remedy));
    }
}

fn loss(health: &Health, found: &mut Vec<Finding>) {
    let Some(percent) = health.limits.loss_percent.filter(|percent| *percent > 0.0) else { return };
    let (tries, needed) = (f64::from(TRIES * looks(health)), tries_for(percent));
    if tries + 1e-9 < needed {
        let what = format!(
            "{KEPT} have {tries:.0} connections, of which one packet is more than {percent} %: {needed:.0} are needed to tell"
        );
        found.push(Finding::error("health.limits.lossPercent", what, "Write more, or a shorter `health.every`."));
    }
}

/// Between two looks nobody knows.
fn row(health: &Health, connect: Option<TimeSpan>, found: &mut Vec<Finding>) {
    let Some(connect) = connect.filter(|connect| *connect > TimeSpan::seconds(0)) else { return };
    if connect < health.every {
        let what = format!(
            "it is looked each {}, and a connection missed once would be missing for longer than {connect}",
            health.every
        );
        found.push(Finding::error("health.limits.connect", what, "Write at least `health.every`."));
    }
    if connect + EVERY > KEPT {
        let what = format!("what was seen in {KEPT} is kept: nobody could tell that no connection came for {connect}");
        found.push(Finding::error("health.limits.connect", what, format!("Write at most {}.", TimeSpan::seconds(540))));
    }
}

#[cfg(test)]
mod tests;
