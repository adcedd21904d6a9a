//! At worst: how long a recovery takes and how much is lost, with the arithmetic.

use serde::Serialize;

use super::Assumed;
use crate::{
    component::Component,
    plan::Plan,
    words::{
        id::{ComponentName, TierName},
        time_span::TimeSpan,
    },
};

/// A figure, and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reckoned {
    /// The figure; absent where the plan does not tell it.
    pub at_worst: Option<TimeSpan>,
    /// What was promised.
    pub promised: TimeSpan,
    /// How it was reckoned.
    pub because: String,
}

impl Reckoned {
    /// Whether the promise is kept; absent where that cannot be told.
    #[must_use]
    pub fn is_kept(&self) -> Option<bool> {
        self.at_worst.map(|at_worst| at_worst <= self.promised)
    }
}

/// A component at worst.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Worst {
    /// Which.
    pub component: ComponentName,
    /// Whose promises it shares.
    pub tier: Option<TierName>,
    /// The outage.
    pub rto: Reckoned,
    /// The work lost.
    pub rpo: Reckoned,
}

/// A tier at worst.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TierKept {
    /// Which.
    pub tier: TierName,
    /// The outage that was promised.
    pub rto: TimeSpan,
    /// The loss that was promised.
    pub rpo: TimeSpan,
    /// How many components are of it.
    pub components: usize,
    /// Its components that may take longer or lose more, by the plan's own numbers.
    pub broken_by: Vec<ComponentName>,
    /// Its components of which the plan does not tell.
    pub unknown_of: Vec<ComponentName>,
}

pub(super) fn by_component(plan: &Plan, assumed: &Assumed) -> Vec<Worst> {
    plan.components.iter().map(|component| of(plan, component, assumed)).collect()
}

fn of(plan: &Plan, component: &Component, assumed: &Assumed) -> Worst {
    let tier = component.kind().tier();
    let promised = tier.and_then(|tier| plan.objectives.tier(tier)).map(|tier| (tier.rto, tier.rpo));
    let (promised_rto, promised_rpo) = promised.unwrap_or((plan.objectives.rto, plan.objectives.rpo));
    let ttl =
        plan.traffic.iter().find(|traffic| traffic.component == *component.name()).map(|traffic| traffic.record.ttl);
    let (rto, rpo) = match ttl.filter(|_| component.kind().moves().is_some()) {
        Some(ttl) => moved(plan, ttl, assumed),
        None => restored(plan, component),
    };
    let reckoned = |(at_worst, because), promised| Reckoned { at_worst, promised, because };
    Worst {
        component: component.name().clone(),
        tier: tier.cloned(),
        rto: reckoned(rto, promised_rto),
        rpo: reckoned(rpo, promised_rpo),
    }
}

type Figure = (Option<TimeSpan>, String);

fn moved(plan: &Plan, ttl: TimeSpan, assumed: &Assumed) -> (Figure, Figure) {
    let (detection, promotion, budget) = (plan.detection(), assumed.promotion, plan.failover.data_loss_budget.time);
    let rto = format!(
        "{detection} until it is judged, {promotion} for RDS to promote (assumed), {ttl} until clients ask for the name again; \
         drills measure the rest"
    );
    let rpo = format!("a replica further behind than {budget} is promoted only with a person's consent");
    ((Some(detection + promotion + ttl), rto), (Some(budget), rpo))
}

fn restored(plan: &Plan, component: &Component) -> (Figure, Figure) {
    let rto = (None, "a person restores it: what a restore test took is the best guess".to_owned());
    if component.kind().replicates() {
        return (rto, (None, "its recovery side follows it, by as much as its own service tells".to_owned()));
    }
    let schedules = plan.backups.iter().filter(|backup| backup.components.contains(component.name()));
    let waits = schedules.filter_map(|backup| Some((backup.schedule.longest_wait()?, &backup.name)));
    let rpo = match waits.min() {
        Some((wait, name)) => {
            (Some(wait), format!("{wait} between two backups by `{name}`, and what the next one takes"))
        }
        None => (None, "no schedule backs it up".to_owned()),
    };
    (rto, rpo)
}

pub(super) fn by_tier(plan: &Plan, worst: &[Worst]) -> Vec<TierKept> {
    let tiers = plan.objectives.tiers.iter().map(|tier| {
        let members = || worst.iter().filter(|worst| worst.tier.as_ref() == Some(&tier.name));
        let names = |holds: fn(&Worst) -> bool| {
            members().filter(|worst| holds(worst)).map(|worst| worst.component.clone()).collect()
        };
        let broken = |worst: &Worst| [&worst.rto, &worst.rpo].iter().any(|figure| figure.is_kept() == Some(false));
        let unknown = |worst: &Worst| [&worst.rto, &worst.rpo].iter().any(|figure| figure.is_kept().is_none());
        TierKept {
            tier: tier.name.clone(),
            rto: tier.rto,
            rpo: tier.rpo,
            components: members().count(),
            broken_by: names(broken),
            unknown_of: names(unknown),
        }
    });
    tiers.collect()
}
