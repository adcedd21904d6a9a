//! How it is told whether a Region is healthy, and what follows.

use crate::{
    plan::{Health, Limits, Plan},
    words::time_span::TimeSpan,
};

pub(super) fn told(plan: &Plan) -> Vec<String> {
    let Some(health) = &plan.health else { return Vec::new() };
    let (primary, recovery) = (&plan.regions.primary, &plan.regions.recovery);
    let (checks, groups) = (health.asked(plan).count(), groups(health));
    let again =
        health.after_error.map_or_else(String::new, |after| format!(", and {after} after a look that could not tell"));
    let needed = (health.healthy_at * checks as f64 - 1e-9).ceil().max(0.0);
    let row = health.failures_in_a_row;
    let mut told = vec![
        format!(
            "{primary} is looked at from {recovery}, and {recovery} from {primary}, each {}{again}: {} ({groups})",
            health.every,
            if checks == 1 { "1 check".to_owned() } else { format!("{checks} checks") }
        ),
        format!(
            "a look is healthy where {needed:.0} of {checks} checks pass; {row} in a row that are not make the Region unhealthy, \
             {} after the first at worst",
            health.every.times(row)
        ),
    ];
    let limits = beyond(&health.limits);
    if !limits.is_empty() {
        told.push(format!("it is unhealthy as well where {}", limits.join("; ")));
    }
    told.push("people are called, and nothing is moved by it: a failover begins with the probe".to_owned());
    told
}

fn groups(health: &Health) -> String {
    let names: Vec<String> = health.checks.iter().map(|group| format!("`{group}`")).collect();
    format!("of {}", names.join(", "))
}

fn beyond(limits: &Limits) -> Vec<String> {
    let percent = |limit: Option<f64>, says: &str| limit.map(|limit| says.replace("{}", &limit.to_string()));
    let span = |limit: Option<TimeSpan>, says: &str| limit.map(|limit| says.replace("{}", &limit.to_string()));
    let told = [
        percent(limits.errors_percent, "more than {} % of its checks failed in ten minutes"),
        span(limits.response, "its checks take more than {} at the 95th percentile"),
        percent(limits.availability_percent, "fewer than {} % of the looks were healthy"),
        span(limits.latency, "a round trip takes more than {}"),
        percent(limits.loss_percent, "more than {} % of the connections lost a packet"),
        span(limits.connect, "no database has taken a connection for {}"),
    ];
    told.into_iter().flatten().collect()
}
