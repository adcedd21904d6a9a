//! What must be true of the new side.

use std::collections::BTreeSet;

use super::super::finding::{Finding, quoted};
use crate::{
    plan::{Check, HttpCheck, HttpMethod, Plan, SqlCheck},
    run::answers::SAMPLES_AT_ONCE,
    words::time_span::TimeSpan,
};

/// The most checks: they run within one invocation.
const MOST_CHECKS: usize = 20;

/// All of them are asked side by side, in one invocation of 30 seconds.
pub(super) const LONGEST_CHECK: TimeSpan = TimeSpan::seconds(20);

/// The longest name: it stands in the record and in messages.
const LONGEST_NAME_CHARS: usize = 80;

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    if plan.verify.is_empty() {
        let what = "nothing is checked on the new side beyond a committed write";
        found.push(Finding::warning("verify", what, "Add a query or an address that only a working system answers."));
    }
    all(&plan.verify, "verify", found);
    of_pairs(plan, found);
}

/// A query is of one database: with several pairs it says of which.
fn of_pairs(plan: &Plan, found: &mut Vec<Finding>) {
    let names: Vec<String> = plan.traffic.iter().map(|traffic| traffic.component.to_string()).collect();
    for (index, check) in plan.verify.iter().enumerate() {
        let path = format!("verify[{index}].component");
        match check.component() {
            Some(of) if plan.traffic.iter().all(|traffic| traffic.component != *of) => {
                let what = format!("no traffic leads to `{of}`");
                found.push(Finding::error(path, what, format!("Name one of: {}.", names.join(", "))));
            }
            None if names.len() > 1 && matches!(check, Check::Sql(_)) => {
                let what = "it is missing: each pair's run would ask its own database, and not every one can answer";
                found.push(Finding::error(
                    format!("verify[{index}]"),
                    what,
                    format!("Add `component`: one of {}.", names.join(", ")),
                ));
            }
            Some(_) | None => {}
        }
    }
}

/// The queries that a restored database must answer.
pub(super) fn sql(checks: &[SqlCheck], path: &str, found: &mut Vec<Finding>) {
    let checks: Vec<Check> = checks.iter().cloned().map(Check::Sql).collect();
    all(&checks, path, found);
}

fn all(checks: &[Check], path: &str, found: &mut Vec<Finding>) {
    if checks.len() > MOST_CHECKS {
        let what = format!("{} checks are more than one run makes", checks.len());
        found.push(Finding::error(path, what, format!("Name at most {MOST_CHECKS}.")));
    }
    let mut names = BTreeSet::new();
    for (index, check) in checks.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = check.name();
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME_CHARS || name.chars().any(char::is_control) {
            let what = format!("a check's name is one line of 1 to {LONGEST_NAME_CHARS} characters");
            found.push(Finding::error(
                format!("{path}.name"),
                what,
                "Write such a name: records and messages name the check by it.",
            ));
        }
        if !names.insert(name) {
            found.push(Finding::error(
                format!("{path}.name"),
                "another check has this name",
                "Give each a name of its own.",
            ));
        }
        let within = match check {
            Check::Sql(check) => check_sql(check, &path, found),
            Check::Http(check) => check_http(check, &path, found),
        };
        if is_outside(within) {
            let what = format!("a check may take more than 0s and at most {LONGEST_CHECK}, not {within}");
            let remedy = format!("Write {LONGEST_CHECK} or less, as 5s.");
            found.push(Finding::error(format!("{path}.within"), what, remedy));
        }
    }
}

/// Whether a check may not take so long.
pub(super) fn is_outside(within: TimeSpan) -> bool {
    within == TimeSpan::seconds(0) || within > LONGEST_CHECK
}

fn check_sql(check: &SqlCheck, path: &str, found: &mut Vec<Finding>) -> TimeSpan {
    if check.query.trim().is_empty() {
        found.push(Finding::error(
            format!("{path}.query"),
            "it is empty",
            "Write a query that answers one row of one column.",
        ));
    }
    check.within
}

/// An address may hold a password; so it is never repeated.
fn check_http(check: &HttpCheck, path: &str, found: &mut Vec<Finding>) -> TimeSpan {
    let rest = check.url.strip_prefix("https://").or_else(|| check.url.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let plain = !check.url.contains(|c: char| c.is_whitespace() || c.is_control());
    match authority {
        Some(authority) if authority.contains('@') => {
            let what = "the address holds a login, which everybody who reads the plan would know";
            found.push(Finding::error(format!("{path}.url"), what, "Check an address that needs none."));
        }
        Some(authority) if !authority.is_empty() && !authority.starts_with(':') && plain => {}
        _ => found.push(Finding::error(
            format!("{path}.url"),
            "it is not an address",
            "Write http:// or https:// and a host.",
        )),
    }
    if !(100..=599).contains(&check.status) {
        found.push(Finding::error(
            format!("{path}.status"),
            format!("an HTTP status is 100 to 599, not {}", check.status),
            "Write the status that the address answers, as 200.",
        ));
    }
    asked(check, path, found);
    answered(check, path, found);
    check.within
}

/// The most samples of one check, and the longest body that a POST sends.
const MOST_SAMPLES: u32 = 100;
const LONGEST_BODY_BYTES: usize = 4_096;

fn asked(check: &HttpCheck, path: &str, found: &mut Vec<Finding>) {
    match (&check.body, check.method) {
        (Some(_), HttpMethod::Get) => {
            found.push(Finding::error(
                format!("{path}.body"),
                "a GET sends none",
                "Write `method: POST`, or leave it out.",
            ));
        }
        (Some(body), HttpMethod::Post) if body.len() > LONGEST_BODY_BYTES => {
            let what = format!("{} bytes are more than a check sends", body.len());
            found.push(Finding::error(format!("{path}.body"), what, format!("Write at most {LONGEST_BODY_BYTES}.")));
        }
        (Some(_), HttpMethod::Post) | (None, HttpMethod::Get | HttpMethod::Post) => {}
    }
    if !(1..=MOST_SAMPLES).contains(&check.samples) {
        let what = format!("a check has 1 to {MOST_SAMPLES} samples, not {}", check.samples);
        found.push(Finding::error(format!("{path}.samples"), what, format!("Write 1 to {MOST_SAMPLES}.")));
        return;
    }
    let rounds = check.samples.div_ceil(SAMPLES_AT_ONCE);
    if check.samples > 1 && check.within.times(rounds) > LONGEST_CHECK {
        let what = format!(
            "{} samples, {SAMPLES_AT_ONCE} at once, may take {}, and a check has {LONGEST_CHECK}",
            check.samples,
            check.within.times(rounds)
        );
        found.push(Finding::error(format!("{path}.samples"), what, "Write fewer, or a shorter `within`."));
    }
    if !(1..=100).contains(&check.pass_percent) || (check.samples == 1 && check.pass_percent != 100) {
        let what = format!("{} % of {} samples is no share of them", check.pass_percent, check.samples);
        found.push(Finding::error(format!("{path}.passPercent"), what, "Write 1 to 100, of several `samples`."));
    }
}

fn answered(check: &HttpCheck, path: &str, found: &mut Vec<Finding>) {
    let Some(expect) = &check.expect else { return };
    if expect.contains.as_ref().map_or(expect.json.is_none(), String::is_empty) {
        let what = "it expects nothing of the answer";
        found.push(Finding::error(format!("{path}.expect"), what, "Write `contains` or `json`, or leave it out."));
    }
    if let Some(json) = expect.json.as_ref().filter(|json| !json.at.starts_with('/')) {
        let what = format!("{} is no place in a JSON", quoted(&json.at));
        found.push(Finding::error(
            format!("{path}.expect.json.at"),
            what,
            "Write a JSON pointer, as /checks/0/status.",
        ));
    }
}
