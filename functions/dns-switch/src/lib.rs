//! `DnsSwitch`: moves the traffic's record to the new primary, by compare and swap.
//!
//! - in: [`DnsSwitch`], samples in `events/dns-switch.json` and `events/dns-switch-rehearsal.json`
//! - out: [`Step<Switch>`]: `Done` once the change is INSYNC and the authoritative servers answer it, `Pending` until then,
//!   `Refused` where the record is not the plan's or a newer generation moved it
//! - changes: one atomic batch: the CNAME and the generation's TXT beside it; safe to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod world;

use domain::{
    failover::{
        run::Run,
        traffic::{self, Move, Spread, Switch},
    },
    run::step::Step,
    words::failure::Failure,
};
use edge::{
    object_store::{self, ObjectStore},
    states::{Owners, still_runs},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

pub use world::{World, Zone};

/// What is moved; `change` is the batch of an earlier ask. A rehearsal only looks whether it could be.
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
    let pair = run.protected()?;
    let (id, name, target) = (&run.plan.traffic.record.zone, &run.plan.traffic.record.name, &pair.replica.endpoint);
    let (held, seen) = tokio::join!(object_store::held_lease(store, &run), zone.look(id, name));
    // A rehearsal changes nothing, so that whoever asks needs no lease.
    if !rehearse {
        held?;
    }
    let seen = seen?;
    let next = traffic::plan(&seen, &run);
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), record.name = %name, ?seen, ?next, "planned the switch");
    let change = match next {
        Move::Refuse(why) => return Ok(Step::refused(why, &seen)),
        Move::Keep | Move::Swap { .. } if rehearse => {
            return Ok(match zone.answers(id, name).await?.rehearsed(name) {
                Ok(could) => Step::settled(could, &seen),
                Err(why) => Step::refused(why, &seen),
            });
        }
        Move::Keep => change,
        Move::Swap { delete, create } => {
            still_runs(owners, &run).await?;
            Some(zone.change(id, &delete, &create, traffic::comment(&run)).await?)
        }
    };
    let switch = Switch { change: change.clone(), target: target.clone() };
    if let Some(change) = &change
        && !zone.is_insync(change).await?
    {
        return Ok(Step::under_way(format!("change {change} is not on every server yet"), &seen, switch));
    }
    Ok(match zone.answers(id, name).await?.spread(name, target, change.is_some()) {
        Spread::Everywhere(because) => Step::done(because, &seen, switch),
        Spread::NotYet(because) => Step::under_way(because, &seen, switch),
        // Another run wrote it.
        Spread::Untold(because) => {
            still_runs(owners, &run).await?;
            let change = zone.change(id, &seen.records, &seen.records, traffic::comment(&run)).await?;
            Step::under_way(because, &seen, Switch { change: Some(change), ..switch })
        }
    })
}

#[cfg(test)]
mod tests;
