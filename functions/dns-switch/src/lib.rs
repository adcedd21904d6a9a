//! `DnsSwitch`: moves the traffic's record to the new primary, and the application's with it, by compare and swap.
//!
//! - in: [`DnsSwitch`], samples in `events/dns-switch.json` and `events/dns-switch-rehearsal.json`
//! - out: [`Step<Switch>`]: `Done` once each change is INSYNC and the authoritative servers answer it, `Pending` until then,
//!   `Refused` where the record is not the plan's or a newer generation moved it. A name of the application that is not
//!   the plan's, or of a zone that refuses us, is left where it is, and `left` names it: an error of Route 53 is the step's own
//!   for the database's name alone
//! - changes: one atomic batch for each zone, the database's first: the records and the generation's TXT beside each; safe
//!   to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod part;
mod world;

use domain::{
    failover::{
        run::Run,
        traffic::{self, Moved, Spread, Switch},
    },
    run::step::{Outcome, Step},
    words::failure::Failure,
};
use edge::{
    clock,
    object_store::{self, ObjectStore},
    states::{Owners, still_runs},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

use part::{Part, known, together};

pub use world::{World, Zone};

/// What is moved; `change` are the batches of an earlier ask. A rehearsal only looks whether it could be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DnsSwitch {
    run: Run,
    #[serde(default)]
    change: Option<String>,
    #[serde(default)]
    rehearse: bool,
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    owners: &impl Owners,
    zone: &impl Zone,
    event: Value,
) -> Result<Step<Switch>, Failure> {
    let DnsSwitch { run, change, rehearse } = edge::parse(event, "DnsSwitch")?;
    let target = run.protected()?.replica.endpoint.clone();
    let (mut parts, mut seen) = (Vec::new(), Vec::new());
    // Zone by zone, so that the database's name has moved before any other zone is looked at.
    for (index, (id, names)) in traffic::by_zone(run.plan.moved_names()).into_iter().enumerate() {
        let (held, found) = tokio::join!(object_store::held_lease(store, &run), part::look(zone, &id, &names));
        // A rehearsal changes nothing, so that whoever asks needs no lease.
        if !rehearse {
            held?;
        }
        let mut part = Part::new(id, names, known(change.as_deref(), index), index == 0 || rehearse);
        if let Some(found) = part.heard(found)? {
            let next = traffic::batch(part.names.iter().zip(&found), &run);
            info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), zone = %part.id, ?found, ?next, "planned the switch");
            seen.extend(found);
            match next {
                Ok(batch) => part.batch = batch,
                Err(why) => return Ok(Step::refused(why, &seen)),
            }
            if !rehearse && !part.batch.create.is_empty() {
                still_runs(owners, &run).await?;
                part.ask(zone, traffic::comment(&run)).await?;
            }
        }
        parts.push(part);
    }
    if rehearse {
        return Ok(match part::rehearsed(zone, &parts).await? {
            Ok(could) => Step::settled(could, &seen),
            Err(why) => Step::refused(why, &seen),
        });
    }
    let names = parts.iter().flat_map(Part::moved).filter_map(Moved::of).collect();
    let mut switch = Switch { change: None, target, seen_at: None, names, left: Vec::new() };
    let (mut said, mut waits) = (Vec::new(), Vec::new());
    for part in &mut parts {
        for (name, spread) in part.arrived(zone).await? {
            match spread {
                Spread::Everywhere(because) => {
                    switch.seen(&name, clock::now());
                    said.push(because);
                }
                Spread::NotYet(because) => waits.push(because),
                // Another run wrote it.
                Spread::Untold(because) => {
                    still_runs(owners, &run).await?;
                    part.write_again(zone, traffic::comment(&run)).await?;
                    waits.push(because);
                }
            }
        }
        waits.extend(part.waits.take());
        // No name of the application is asked after before the database's has arrived.
        if switch.seen_at.is_none() {
            break;
        }
    }
    switch.change = together(&parts);
    switch.left = parts.iter().flat_map(Part::left).collect();
    if !waits.is_empty() {
        return Ok(Step::under_way(waits.join("; "), &seen, switch));
    }
    let left: Vec<&str> = switch.left.iter().map(|left| left.because.as_str()).collect();
    if left.is_empty() {
        return Ok(Step::done(said.join("; "), &seen, switch));
    }
    let because = left.into_iter().chain(said.iter().map(String::as_str)).collect::<Vec<_>>().join("; ");
    Ok(Step { step: Outcome::Refused, ..Step::done(because, &seen, switch) })
}

#[cfg(test)]
mod tests;
