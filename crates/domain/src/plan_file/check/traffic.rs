//! The record that names the primary.

use super::super::finding::Finding;
use crate::{plan::Plan, words::time_span::TimeSpan};

/// Above this, the record's TTL is most of an outage.
const USUAL_TTL: TimeSpan = TimeSpan::seconds(60);

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let traffic = &plan.traffic;
    let named = plan.component(&traffic.component);
    let wrong = match named {
        Some(known) if known.kind().moves().is_some() => None,
        Some(known) => {
            Some(format!("`{}` is a {}, which a failover does not move", traffic.component, known.kind().noun()))
        }
        None => Some(format!("no component is called `{}`", traffic.component)),
    };
    if let Some(wrong) = wrong {
        found.push(Finding::error("traffic.component", wrong, remedy(plan)));
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

/// What traffic may name.
fn remedy(plan: &Plan) -> String {
    let moved = plan.components.iter().filter(|component| component.kind().moves().is_some());
    let names: Vec<String> = moved.map(|component| component.name().to_string()).collect();
    match names.as_slice() {
        [] => "Add a component of kind postgres-pair.".to_owned(),
        names => format!("Name one of: {}.", names.join(", ")),
    }
}
