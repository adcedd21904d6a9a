//! The record that names the primary.

use super::super::{Plan, finding::Finding};
use crate::span::Span;

/// Above this, the record's TTL is most of an outage.
const USUAL_TTL: Span = Span::seconds(60);

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let traffic = &plan.traffic;
    if !plan.components.iter().any(|component| *component.name() == traffic.component) {
        let names: Vec<&str> = plan.components.iter().map(|component| component.name().as_str()).collect();
        let remedy = if names.is_empty() {
            "Add a component.".to_owned()
        } else {
            format!("Name one of: {}.", names.join(", "))
        };
        found.push(Finding::error(
            "traffic.component",
            format!("no component is called `{}`", traffic.component),
            remedy,
        ));
    }
    let ttl = traffic.record.ttl;
    if ttl.duration().subsec_nanos() != 0 {
        found.push(Finding::error(
            "traffic.record.ttl",
            format!("{ttl} is not whole seconds"),
            "Write whole seconds: Route 53 knows no less.",
        ));
    } else if ttl > USUAL_TTL {
        let what = format!("every client may be out for {ttl} after everything is recovered");
        found.push(Finding::warning("traffic.record.ttl", what, format!("Write {USUAL_TTL} or less.")));
    }
    let Some(pair) = plan.traffic_pair() else { return };
    if [&pair.primary.endpoint, &pair.replica.endpoint].contains(&&traffic.record.name) {
        let what = format!("`{}` is an instance's own endpoint, and a CNAME cannot name itself", traffic.record.name);
        found.push(Finding::error("traffic.record.name", what, "Name the record that clients use."));
    }
}
