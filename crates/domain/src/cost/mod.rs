//! What a month of an idle plan costs at list prices, and each line's arithmetic.
//!
//! Idle is a month in which nothing fails: the watch, the guard and the starter, readiness, and what the plan's schedules
//! start. What is used is entered in a [ledger] by one module for each of them, how often by the engine's own constants;
//! then each thing is priced once.

pub mod deployment;
mod health;
mod ledger;
mod line;
pub mod memory;
mod network;
mod prices;
mod readiness;
mod routed;
mod storage;
pub mod upkeep;
mod watch;

#[cfg(test)]
mod tests;

pub use ledger::{Processors, counted};
pub use line::{Line, MONTH, Part};
pub use network::{MOST_ZONES, Network};
pub use prices::{Price, Prices};
pub use storage::{CHANGED_PERCENT, LARGEST_GB, Sizes};

use jiff::civil::Date;
use ledger::Ledger;
use line::rounded;
use serde::Serialize;

use crate::{
    plan::Plan,
    words::id::{PlanName, Region},
};

/// What a plan does not say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Given {
    /// The processors that the functions are built for.
    pub processors: Processors,
    /// How large the databases are.
    pub sizes: Sizes,
    /// How the functions reach AWS.
    pub network: Network,
}

/// What an idle month costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// The plan.
    pub plan: PlanName,
    /// What every amount is in.
    pub currency: &'static str,
    /// How long the month is.
    pub hours: f64,
    /// The Region whose prices are taken.
    pub prices_of: Region,
    /// The day of which they are.
    pub prices_as_of: Date,
    /// The parts, in their order; each is there, also where it costs nothing.
    pub parts: Vec<Subtotal>,
    /// All of it.
    pub dollars: f64,
    /// What is not in it, each as a sentence.
    pub not_included: Vec<String>,
}

/// What a part costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subtotal {
    /// Which.
    pub part: Part,
    /// Its lines, the dearest first.
    pub lines: Vec<Line>,
    /// All of them.
    pub dollars: f64,
}

/// Reckons what an idle month of a plan costs.
#[must_use]
pub fn reckon(plan: &Plan, given: &Given, prices: &Prices) -> Cost {
    let mut ledger = Ledger::default();
    deployment::enter(plan, &mut ledger);
    for of_pair in plan.pairs() {
        let Some(pair) = of_pair.pair() else { continue };
        watch::enter(&of_pair, pair, &mut ledger);
        watch::enter_guard_and_starter(&mut ledger);
        readiness::enter(&of_pair, pair, &mut ledger);
    }
    routed::enter(plan, &mut ledger);
    health::enter(plan, &mut ledger);
    upkeep::enter(plan, prices.date, &mut ledger);
    storage::enter(plan, &given.sizes, prices.date, &mut ledger);
    network::enter(plan, given.network, &mut ledger);
    let lines = ledger.lines(prices, given.processors);
    let parts: Vec<Subtotal> = Part::ALL.into_iter().map(|part| subtotal(part, &lines)).collect();
    Cost {
        plan: plan.plan.clone(),
        currency: "USD",
        hours: MONTH.as_seconds() / 3_600.0,
        prices_of: prices.region.clone(),
        prices_as_of: prices.date,
        dollars: rounded(parts.iter().map(|part| part.dollars).sum()),
        parts,
        not_included: not_included(plan, given),
    }
}

fn subtotal(part: Part, lines: &[(Part, Line)]) -> Subtotal {
    let mut lines: Vec<Line> = lines.iter().filter(|(of, _)| *of == part).map(|(_, line)| line.clone()).collect();
    lines.sort_by(|a, b| b.dollars.total_cmp(&a.dollars));
    let dollars = rounded(lines.iter().map(|line| line.dollars).sum());
    Subtotal { part, lines, dollars }
}

fn not_included(plan: &Plan, given: &Given) -> Vec<String> {
    let mut left_out = vec![
        "a failover, an alarm and the notices of either: in an idle month there is none".to_owned(),
        "free tiers, discounts and taxes; other Regions' prices".to_owned(),
        "the databases themselves, their replication and automated backups, and instances that a restore test makes"
            .to_owned(),
        "storage of the buckets and the logs (cents)".to_owned(),
    ];
    let is_unsized = |name| given.sizes.all.is_none() && !given.sizes.of.contains_key(name);
    if plan.backups.iter().flat_map(|backup| &backup.components).any(is_unsized) {
        left_out.push("snapshots and their copies: no database's size was given".to_owned());
    }
    left_out.extend(match given.network {
        Network::None => Some("the functions' network, if they are in one: NAT gateways or endpoints, and the way between the Regions".to_owned()),
        Network::Nat { .. } => None,
        Network::Endpoints { .. } => Some(
            "a way to other Regions' services, which no endpoint leads to: RDS and KMS of the other sides, the witness's Lambda"
                .to_owned(),
        ),
    });
    left_out
}
