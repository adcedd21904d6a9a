//! The alarms that a plan adds: each watches something that is there, by numbers that CloudWatch takes.

use std::collections::BTreeMap;

use super::{super::finding::Finding, promises::is_a_line};
use crate::{
    component::Component,
    plan::{MetricSource, Plan, PlanAlarm, Watched},
    synth::{self, logical_id, metric::NAMESPACE},
    words::time_span::TimeSpan,
};

/// Each is a resource of the plan's stack, and somebody's night.
const MOST_ALARMS: usize = 50;

const MINUTE: TimeSpan = TimeSpan::seconds(60);

/// CloudWatch looks back over a day where periods are shorter than an hour.
const DAY: TimeSpan = TimeSpan::seconds(24 * 3_600);

/// What of an alarm's description is left to these: it has 1,024 characters.
const LONGEST_TEAM_CHARS: usize = 60;
const LONGEST_RUNBOOK_CHARS: usize = 300;

/// CloudWatch's own limits.
const LONGEST_NAME_CHARS: usize = 255;
const MOST_DIMENSIONS: usize = 30;

/// Namespaces whose metrics AWS writes in this Region only, wherever the thing itself is.
const GLOBAL: [(&str, &str); 4] = [
    ("AWS/Route53", "us-east-1"),
    ("AWS/CloudFront", "us-east-1"),
    ("AWS/Billing", "us-east-1"),
    ("AWS/GlobalAccelerator", "us-west-2"),
];

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let count = plan.alarms.len();
    if count > MOST_ALARMS {
        let what = format!("{count} alarms are more than people answer");
        found.push(Finding::error("alarms", what, format!("Write at most {MOST_ALARMS}.")));
    }
    let topics = plan.notifications.topics.len();
    if count > 0 && topics > synth::MOST_TOPICS {
        let what =
            format!("an alarm tells five topics at most: the engine's, and {} of these {topics}", synth::MOST_TOPICS);
        let remedy = format!("Name {} at most, or leave `alarms` out.", synth::MOST_TOPICS);
        found.push(Finding::error("notifications.topics", what, remedy));
    }
    let mut names = BTreeMap::new();
    for (index, alarm) in plan.alarms.iter().enumerate() {
        let path = format!("alarms[{index}]");
        if let Some(first) = names.insert(logical_id(alarm.name.as_str()), &alarm.name) {
            let what = if *first == alarm.name {
                format!("`{first}` is named twice")
            } else {
                format!("alarms `{first}` and `{}` cannot be told apart in the plan's stack", alarm.name)
            };
            found.push(Finding::error(format!("{path}.name"), what, "Give each alarm a name of its own."));
        }
        of(plan, alarm, &path, found);
        threshold(plan, alarm, &path, found);
        metric(plan, alarm, &path, found);
        lasting(alarm, &path, found);
        texts(alarm, &path, found);
        told_twice(plan, alarm, &path, found);
    }
}

/// One that is of no component watches each of them, also one that has an alarm of its own: one failure then calls twice, and
/// says two things of how bad it is. What is held against a threshold, or lasts longer, is an escalation.
fn told_twice(plan: &Plan, alarm: &PlanAlarm, path: &str, found: &mut Vec<Finding>) {
    let watch = alarm.watch;
    if alarm.of.is_some() || watch == Watched::Metric || watch.has_a_threshold() {
        return;
    }
    let is_said_otherwise = |other: &&PlanAlarm| {
        let (ours, theirs) = ((alarm.severity, &alarm.team), (other.severity, &other.team));
        other.watch == watch && other.of.is_some() && other.lasting == alarm.lasting && ours != theirs
    };
    for other in plan.alarms.iter().filter(is_said_otherwise) {
        let of = other.of.as_ref().map(ToString::to_string).unwrap_or_default();
        let what = format!(
            "it is raised for `{of}` as well, of which `{}` says {}{}: one failure calls twice, and differently",
            other.name,
            other.severity,
            other.team.as_ref().map(|team| format!(" to {team}")).unwrap_or_default()
        );
        let remedy = "Say with `of` which component it is for, or give both one severity and one team.";
        found.push(Finding::warning(path, what, remedy));
    }
}

/// What it watches must be there.
fn of(plan: &Plan, alarm: &PlanAlarm, path: &str, found: &mut Vec<Finding>) {
    let watch = alarm.watch;
    if watch == Watched::BackupFailed && plan.backups.is_empty() {
        let what = "it watches nothing: no schedule backs anything up";
        return found.push(Finding::error(format!("{path}.watch"), what, "Write `backups`, or leave the alarm out."));
    }
    if watch == Watched::HealthCheck && plan.health.is_none() {
        let what = "it watches nothing: the plan says nothing of `health`";
        return found.push(Finding::error(format!("{path}.watch"), what, "Write `health`, or leave the alarm out."));
    }
    let Some(of) = &alarm.of else { return };
    let path = format!("{path}.of");
    if watch == Watched::HealthCheck {
        let what = format!("it is of the whole Region `{}`, and of no component", plan.regions.primary);
        return found.push(Finding::error(path, what, "Leave it out."));
    }
    let names = |which: &dyn Fn(&Component) -> bool| {
        let names: Vec<String> =
            plan.components.iter().filter(|known| which(known)).map(|known| known.name().to_string()).collect();
        if names.is_empty() { "Leave it out.".to_owned() } else { format!("Name one of: {}.", names.join(", ")) }
    };
    let is_led = |known: &Component| {
        plan.traffic.iter().any(|traffic| traffic.component == *known.name()) && known.kind().moves().is_some()
    };
    let is_backed_up = |known: &Component| plan.schedules_of(known).next().is_some();
    if watch == Watched::Metric {
        let what = "a metric of the application's own is of no component";
        return found.push(Finding::error(path, what, "Leave it out, and say `metric.dimensions`."));
    }
    let Some(known) = plan.component(of) else {
        let remedy = if watch.is_of_a_pair() { names(&is_led) } else { names(&is_backed_up) };
        return found.push(Finding::error(path, format!("no component is called `{of}`"), remedy));
    };
    if watch.is_of_a_pair() && !is_led(known) {
        let what = format!("{watch} is of a pair that traffic leads to, and `{of}` is none");
        found.push(Finding::error(path, what, names(&is_led)));
    } else if watch == Watched::BackupFailed && !is_backed_up(known) {
        let what = format!("it watches nothing: no schedule backs `{of}` up");
        found.push(Finding::error(path, what, names(&is_backed_up)));
    }
}

/// A number is held against a threshold, and nothing else is.
fn threshold(plan: &Plan, alarm: &PlanAlarm, path: &str, found: &mut Vec<Finding>) {
    let (watch, both) = (alarm.watch, (alarm.above, alarm.below));
    if !watch.has_a_threshold() {
        let given = [("above", alarm.above), ("below", alarm.below)];
        for (field, _) in given.iter().filter(|(_, given)| given.is_some()) {
            let what = format!("{watch} is so or not: it has no threshold");
            found.push(Finding::error(format!("{path}.{field}"), what, "Leave it out."));
        }
        return;
    }
    if watch == Watched::ReplicationLagBytes {
        match both {
            (Some(bytes), None) if bytes.is_finite() && bytes >= 0.0 && bytes.fract() == 0.0 => {
                let budget = plan.failover.data_loss_budget.wal_bytes;
                if bytes > budget as f64 {
                    let what = format!(
                        "it rises above {bytes} bytes, and from {budget} on a failover already waits for a person's consent"
                    );
                    let remedy = "Lower it to failover.dataLossBudget.walBytes, so that it is heard of before.";
                    found.push(Finding::warning(format!("{path}.above"), what, remedy));
                }
            }
            _ => {
                let what = "a lag is held against whole bytes that it is above";
                found.push(Finding::error(path, what, "Write `above`, as 104857600, and no `below`."));
            }
        }
        return;
    }
    one_of(both, path, found);
}

/// Exactly one of the two, and a number.
fn one_of(both: (Option<f64>, Option<f64>), path: &str, found: &mut Vec<Finding>) {
    match both {
        (Some(value), None) | (None, Some(value)) if value.is_finite() => {}
        (Some(_), Some(_)) => {
            let what = "it is to be above one number and below another: CloudWatch takes one";
            found.push(Finding::error(path, what, "Write `above` or `below`; for both, write two alarms."));
        }
        _ => {
            found.push(Finding::error(path, "nothing says what is too much or too little", "Write `above` or `below`."))
        }
    }
}

/// A metric that the engine does not write.
fn metric(plan: &Plan, alarm: &PlanAlarm, path: &str, found: &mut Vec<Finding>) {
    if alarm.watch != Watched::Metric {
        for (field, is_there) in [("metric", alarm.metric.is_some()), ("and", alarm.and.is_some())] {
            if is_there {
                let what = format!("{} is the engine's own metric", alarm.watch);
                found.push(Finding::error(format!("{path}.{field}"), what, "Leave it out, or write `watch: metric`."));
            }
        }
        return;
    }
    match &alarm.metric {
        Some(metric) => source(plan, metric, &format!("{path}.metric"), found),
        None => {
            let what = "it watches nothing: no metric is named";
            found.push(Finding::error(path, what, "Write `metric` with a namespace and a name."));
        }
    }
    if let Some(second) = &alarm.and {
        let path = format!("{path}.and");
        source(plan, &second.metric, &format!("{path}.metric"), found);
        one_of((second.above, second.below), &path, found);
    }
}

fn source(plan: &Plan, metric: &MetricSource, path: &str, found: &mut Vec<Finding>) {
    let MetricSource { namespace, name, dimensions, .. } = metric;
    let recovery = &plan.regions.recovery;
    for (field, text) in [("namespace", namespace), ("name", name)] {
        if !is_told(text) {
            let remedy = format!("Write it as CloudWatch shows it, in {LONGEST_NAME_CHARS} characters at most.");
            found.push(Finding::error(format!("{path}.{field}"), "it is empty, long, or not plain", remedy));
        }
    }
    let global = GLOBAL.into_iter().find(|(global, _)| global == namespace);
    if let Some((_, only)) = global.filter(|(_, only)| *only != recovery.as_str()) {
        let what = format!("metrics of {namespace} exist in {only} only, and this alarm is made in {recovery}");
        let remedy = "Watch primary-down or dns-moved instead: both are measured from the recovery Region.";
        found.push(Finding::error(format!("{path}.namespace"), what, remedy));
    }
    if namespace == NAMESPACE {
        let what = format!("{NAMESPACE} is the engine's namespace: what it writes has a word of its own");
        found.push(Finding::error(format!("{path}.namespace"), what, "Say it by `watch`, as `watch: primary-down`."));
    }
    let wrong = dimensions.iter().find(|(name, value)| !is_told(name) || !is_told(value));
    if dimensions.len() > MOST_DIMENSIONS || wrong.is_some() {
        let what = format!("a metric has {MOST_DIMENSIONS} dimensions at most, each with a plain name and value");
        found.push(Finding::error(format!("{path}.dimensions"), what, "Write them as CloudWatch shows them."));
    }
}

/// A text as CloudWatch takes one: a name of ASCII without a quote, which an alarm's sentence repeats.
fn is_told(text: &str) -> bool {
    is_a_line(text, LONGEST_NAME_CHARS) && text.is_ascii() && !text.contains('"') && !text.starts_with(':')
}

/// CloudWatch counts in periods of whole minutes.
fn lasting(alarm: &PlanAlarm, path: &str, found: &mut Vec<Finding>) {
    let span = alarm.lasting;
    let whole = span.as_milliseconds().is_multiple_of(MINUTE.as_milliseconds());
    if !whole || span < MINUTE || span > DAY {
        let what = format!("CloudWatch takes whole minutes, {MINUTE} to {DAY}, not {span}");
        found.push(Finding::error(format!("{path}.for"), what, "Write whole minutes, as 5m."));
    }
}

/// What the person who is called reads.
fn texts(alarm: &PlanAlarm, path: &str, found: &mut Vec<Finding>) {
    if alarm.team.as_ref().is_some_and(|team| !is_a_line(team, LONGEST_TEAM_CHARS) || team.contains('"')) {
        let remedy = format!("Say it in one line of at most {LONGEST_TEAM_CHARS} characters, without quotes.");
        found.push(Finding::error(format!("{path}.team"), "it is empty, long, or holds line breaks or quotes", remedy));
    }
    let is_address = |text: &String| {
        text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())
            && text.chars().count() <= LONGEST_RUNBOOK_CHARS
            && text.chars().all(|letter| letter.is_ascii_graphic() && letter != '"')
    };
    if alarm.runbook.as_ref().is_some_and(|runbook| !is_address(runbook)) {
        let remedy =
            format!("Write an address that begins with https://, of at most {LONGEST_RUNBOOK_CHARS} characters.");
        found.push(Finding::error(format!("{path}.runbook"), "it is no address that a browser opens", remedy));
    }
}

#[cfg(test)]
mod tests;
