//! What leads clients to each pair's primary.

mod health_checks;
pub(super) mod records;

use std::collections::BTreeSet;

use super::super::finding::Finding;
use crate::{
    plan::{Plan, Traffic},
    words::time_span::TimeSpan,
};

/// Above this, the record's TTL is most of an outage.
const USUAL_TTL: TimeSpan = TimeSpan::seconds(60);

/// The most public resolvers that are asked.
const MOST_RESOLVERS: usize = 3;

/// As many pairs as one run moves: each is a run of its own in that run's history, one after the other.
const MOST_PAIRS: usize = 20;

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    if plan.plan.is_of_a_pair() {
        let what = format!("`{}` has a dot, which comes before the name of one of a plan's pairs", plan.plan);
        found.push(Finding::error("plan", what, "Write a name without one."));
    }
    if plan.traffic.is_empty() {
        found.push(Finding::error("traffic", "it is empty: no pair is watched or failed over", remedy(plan)));
    }
    if plan.traffic.len() > MOST_PAIRS {
        let what = format!("{} pairs are more than one run moves", plan.traffic.len());
        found.push(Finding::error("traffic", what, format!("Write plans of at most {MOST_PAIRS}.")));
    }
    records::names(plan, found);
    let mut components = BTreeSet::new();
    for (index, traffic) in plan.traffic.iter().enumerate() {
        let path = format!("traffic[{index}]");
        if !components.insert(&traffic.component) {
            let what = format!("`{}` is moved by another entry too", traffic.component);
            found.push(Finding::error(format!("{path}.component"), what, "Name each pair once."));
        } else if let Some(Err(too_long)) = (index > 0).then(|| plan.plan.of_pair(&traffic.component)) {
            let remedy = "Shorten the plan's name or the component's: together 39 characters.";
            found.push(Finding::error(format!("{path}.component"), too_long.to_string(), remedy));
        }
        one(plan, traffic, &path, found);
        resolvers(traffic, &path, found);
        records::check(plan, traffic, &path, found);
    }
}

fn one(plan: &Plan, traffic: &Traffic, path: &str, found: &mut Vec<Finding>) {
    let named = plan.component(&traffic.component);
    let wrong = match named {
        Some(known) if known.kind().moves().is_some() => None,
        Some(known) => {
            Some(format!("`{}` is a {}, which a failover does not move", traffic.component, known.kind().noun()))
        }
        None => Some(format!("no component is called `{}`", traffic.component)),
    };
    if let Some(wrong) = wrong {
        found.push(Finding::error(format!("{path}.component"), wrong, remedy(plan)));
    }
    ttls(traffic.record.ttl, traffic.record.ttl_on_failover, &format!("{path}.record"), found);
    let Some(pair) = named.and_then(|named| named.kind().moves()) else { return };
    if [&pair.primary.endpoint, &pair.replica.endpoint].contains(&&traffic.record.name) {
        let what = format!("`{}` is an instance's own endpoint, and a CNAME cannot name itself", traffic.record.name);
        found.push(Finding::error(format!("{path}.record.name"), what, "Name the record that clients use."));
    }
}

/// Each is asked for each name while the run still has its lease.
fn resolvers(traffic: &Traffic, path: &str, found: &mut Vec<Finding>) {
    let resolvers = &traffic.resolvers;
    if resolvers.len() > MOST_RESOLVERS {
        let what = format!("{} resolvers are more than a run asks", resolvers.len());
        let remedy = format!("Name at most {MOST_RESOLVERS}.");
        found.push(Finding::error(format!("{path}.resolvers"), what, remedy));
    }
    for (index, resolver) in resolvers.iter().enumerate() {
        let path = format!("{path}.resolvers[{index}]");
        if resolvers[..index].contains(resolver) {
            found.push(Finding::error(path, format!("`{resolver}` is named twice"), "Name each once."));
        } else if resolver.ip().is_unspecified() || resolver.ip().is_multicast() || resolver.ip().is_broadcast() {
            let what = format!("nobody can be asked at `{resolver}`");
            found.push(Finding::error(path, what, "Write the address of a resolver, as 8.8.8.8."));
        }
    }
}

/// How long resolvers keep a record, and the one that a failover writes.
fn ttls(ttl: TimeSpan, on_failover: Option<TimeSpan>, path: &str, found: &mut Vec<Finding>) {
    for (field, ttl) in [("ttl", Some(ttl)), ("ttlOnFailover", on_failover)] {
        let Some(ttl) = ttl.filter(|ttl| ttl.duration().subsec_nanos() != 0) else { continue };
        let what = format!("{ttl} is not whole seconds");
        found.push(Finding::error(format!("{path}.{field}"), what, "Write whole seconds: Route 53 knows no less."));
    }
    if ttl > USUAL_TTL {
        let what = format!("every client may be out for {ttl} after everything is recovered");
        found.push(Finding::warning(format!("{path}.ttl"), what, format!("Write {USUAL_TTL} or less.")));
    }
    if let Some(longer) = on_failover.filter(|on_failover| *on_failover > ttl) {
        let what =
            format!("a failover would have the record kept for {longer} instead of {ttl}: the way back takes longer");
        found.push(Finding::error(format!("{path}.ttlOnFailover"), what, format!("Write {ttl} or less.")));
    }
}

/// What traffic may name.
fn remedy(plan: &Plan) -> String {
    let moved = plan.components.iter().filter(|component| component.kind().moves().is_some());
    let names: Vec<String> = moved.map(|component| component.name().to_string()).collect();
    match names.as_slice() {
        [] => "Add a component of kind postgres-pair.".to_owned(),
        names => format!("Name one of: {}.", names.join(", ")),
    }
}
