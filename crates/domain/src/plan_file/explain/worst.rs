//! At worst: how long a recovery takes and how much is lost, with the arithmetic.

use serde::Serialize;

use super::{super::check::ALARM_PERIOD, Assumed};
use crate::{
    component::Component,
    plan::{FailureClass, Plan, Policy},
    words::{
        id::{ComponentName, TierName},
        time_span::TimeSpan,
        when::NEWEST_POINT,
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
    /// Whether the promise is met; absent where that cannot be told.
    pub met: Option<bool>,
    /// How it was reckoned.
    pub because: String,
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
    let promised = plan.objectives.of(component.kind());
    let led = plan.traffic.iter().find(|traffic| traffic.component == *component.name());
    let (rto, rpo) = match led.filter(|_| component.kind().moves().is_some()) {
        Some(traffic) => (outage(plan, traffic.longest_ttl(), assumed), loss(plan)),
        None => (by_hand(component), since_the_last_backup(plan, component)),
    };
    Worst {
        component: component.name().clone(),
        tier: component.kind().tier().cloned(),
        rto: rto.against(promised.rto),
        rpo: rpo.against(promised.rpo),
    }
}

/// What the plan tells of an outage or a loss.
enum Told {
    /// At most so much.
    AtMost(TimeSpan, String),
    /// More than so much.
    MoreThan(TimeSpan, String),
    /// Nothing.
    Nothing(String),
}

impl Told {
    fn against(self, promised: TimeSpan) -> Reckoned {
        let (at_worst, met, because) = match self {
            Self::AtMost(at_worst, because) => (Some(at_worst), Some(at_worst <= promised), because),
            Self::MoreThan(at_worst, because) => (Some(at_worst), Some(at_worst < promised), because),
            Self::Nothing(because) => (None, None, because),
        };
        Reckoned { at_worst, promised, met, because }
    }
}

/// The slowest of the answers to what takes a primary away.
fn outage(plan: &Plan, ttl: TimeSpan, assumed: &Assumed) -> Told {
    let policy = |class| plan.failover.policy.of(class);
    if FailureClass::TAKING.into_iter().any(|class| policy(class) == Policy::Never) {
        let why =
            "the policy moves nothing for one of database, zone and region: a person orders a failover, or none comes";
        return Told::Nothing(why.to_owned());
    }
    let asked_of = |class| match policy(class) {
        Policy::Approval => plan.failover.approval_deadline,
        Policy::Automatic | Policy::Never => TimeSpan::default(),
    };
    let mut answers = FailureClass::TAKING.map(|class| (plan.detection_of(class), asked_of(class), class));
    answers.sort_by_key(|(detection, deadline, _)| *detection + *deadline);
    let [.., (detection, deadline, class)] = answers;
    let seen = match plan.failover.after.of(class) {
        Some(_) => format!("until it is seen and has lasted as long as the plan wants of class {class}"),
        None => "until it is seen".to_owned(),
    };
    let asked = if deadline == TimeSpan::default() {
        String::new()
    } else {
        format!("up to {deadline} until a person says yes (silence is a no), ")
    };
    let (alarm, promotion) = (ALARM_PERIOD, assumed.promotion);
    let because = format!(
        "{detection} {seen}, {alarm} until CloudWatch raises the alarm, {asked}{promotion} for RDS to promote \
         (assumed), {ttl} until clients ask for the name again; drills measure the rest"
    );
    Told::AtMost(detection + alarm + deadline + promotion + ttl, because)
}

fn loss(plan: &Plan) -> Told {
    let (budget, detection) = (plan.failover.data_loss_budget.time, plan.detection());
    let because = format!(
        "{budget} that the replica may be behind without a person's consent, and {detection} in which nobody saw what a primary \
         that hangs still took"
    );
    Told::AtMost(budget + detection, because)
}

fn by_hand(component: &Component) -> Told {
    let kind = component.kind();
    Told::Nothing(match kind.snapshots() {
        Some(_) => "a person restores it: what a restore test took is the best guess".to_owned(),
        None if !kind.holds_data() => "nothing of it is moved: it is out until it runs on the other side".to_owned(),
        None if kind.replicates() => "a person leads whoever uses it to the other side".to_owned(),
        None => "nothing brings it back".to_owned(),
    })
}

fn since_the_last_backup(plan: &Plan, component: &Component) -> Told {
    if let Some(backup) = plan.continuous(component.name()) {
        let because = format!(
            "RDS restores it to a time up to {NEWEST_POINT} ago (`{}`), elsewhere what it is behind before that",
            backup.name
        );
        return Told::MoreThan(NEWEST_POINT, because);
    }
    if component.kind().replicates() {
        return Told::Nothing("its recovery side follows it, by as much as its own service tells".to_owned());
    }
    if !component.kind().holds_data() {
        return Told::Nothing("it holds nothing".to_owned());
    }
    let waits = plan.schedules_of(component).filter_map(|backup| Some((backup.schedule.longest_wait()?, &backup.name)));
    match waits.min() {
        Some((wait, name)) => {
            Told::MoreThan(wait, format!("up to {wait} between two backups by `{name}`, and what the next one takes"))
        }
        None => Told::Nothing("no schedule backs it up".to_owned()),
    }
}

pub(super) fn by_tier(plan: &Plan, worst: &[Worst]) -> Vec<TierKept> {
    let tiers = plan.objectives.tiers.iter().map(|tier| {
        let members = || worst.iter().filter(|worst| worst.tier.as_ref() == Some(&tier.name));
        let names = |met: Option<bool>| {
            let are = members().filter(|worst| [&worst.rto, &worst.rpo].iter().any(|figure| figure.met == met));
            are.map(|worst| worst.component.clone()).collect()
        };
        TierKept {
            tier: tier.name.clone(),
            components: members().count(),
            broken_by: names(Some(false)),
            unknown_of: names(None),
        }
    });
    tiers.collect()
}
