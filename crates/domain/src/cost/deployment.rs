//! What `infra/engine.yaml` and a plan's own stacks make in each of its Regions, as far as it costs something while nothing
//! happens. A contract test holds it to the template.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    ledger::{Ledger, Thing},
    line::MONTH,
};

use crate::{
    plan::Plan,
    synth::{Place, synth},
    watch::probe,
    words::time_span::TimeSpan,
};

/// The engine's own alarms in a Region, whichever plans it serves.
#[must_use]
pub fn alarms_of_the_engine(place: Place) -> Alarms {
    match place {
        Place::Recovery | Place::Primary => Alarms { standard: 2, high_resolution: 0 },
        Place::Witness => Alarms { standard: 0, high_resolution: 0 },
    }
}

/// How many alarms there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alarms {
    /// With a period of a minute or more.
    pub standard: u32,
    /// With a shorter one.
    pub high_resolution: u32,
}

/// How often it is looked whether the next failover would go through.
pub const READINESS_EVERY: TimeSpan = TimeSpan::seconds(30 * 60);

/// What the recovery Region's rules start, and how often.
pub const SCHEDULES: [(&str, TimeSpan); 4] = [
    ("health-probe", probe::EVERY),
    ("guard-primary", probe::EVERY),
    ("start-failover", probe::EVERY),
    ("check-readiness", READINESS_EVERY),
];

/// Whom a look at readiness wakes.
pub const WOKEN: [&str; 17] = [
    "open-run",
    "judge-failover",
    "fence-primary",
    "drain-primary",
    "promote-replica",
    "guard-primary",
    "start-failover",
    "dns-switch",
    "verify",
    "close-run",
    "notify",
    "harden-primary",
    "open-backup",
    "snapshot",
    "restore",
    "close-backup",
    "cleanup",
];

/// Those of them that read the plan and the login when they are woken.
pub const WOKEN_WITH_LOGIN: [&str; 5] =
    ["fence-primary", "guard-primary", "judge-failover", "promote-replica", "verify"];

/// Enters what is there all month, used or not: alarms, metrics, secrets.
pub(super) fn enter(plan: &Plan, ledger: &mut Ledger) {
    for (place, _) in Place::of(plan) {
        let stack = synth(plan, place).unwrap_or_default();
        let (engine, own) = (alarms_of_the_engine(place), alarms_of_the_plan(&stack));
        let alarms = [(format!("engine, {}", place.name()), engine), (format!("plan, {}", place.name()), own)];
        for (who, alarms) in alarms {
            ledger.there(&who, Thing::Alarm, alarms.standard);
            ledger.there(&who, Thing::HighResolutionAlarm, alarms.high_resolution);
        }
        let dashboards = of_type(&stack, "AWS::CloudWatch::Dashboard").count();
        ledger.there(&format!("plan, {}", place.name()), Thing::Dashboard, dashboards as f64);
    }
    let (secrets, places) = (secrets(plan), Place::of(plan).count());
    ledger.enter("the pairs' logins", Thing::Secret, secrets as f64, places as f64, format!("{places} Regions"));
}

/// The alarms of a plan's own stack in a Region, as it is made: one of two metrics costs as much as two.
fn alarms_of_the_plan(stack: &Value) -> Alarms {
    of_type(stack, "AWS::CloudWatch::Alarm").fold(Alarms::default(), |alarms, alarm| {
        let short = alarm["Properties"]["Period"].as_u64().is_some_and(|seconds| seconds < 60);
        let metrics = alarm["Properties"]["Metrics"].as_array().into_iter().flatten();
        let watched = metrics.filter(|metric| metric["MetricStat"].is_object()).count().max(1);
        let watched = u32::try_from(watched).unwrap_or(u32::MAX);
        if short {
            Alarms { high_resolution: alarms.high_resolution + watched, ..alarms }
        } else {
            Alarms { standard: alarms.standard + watched, ..alarms }
        }
    })
}

fn of_type<'s>(stack: &'s Value, kind: &'s str) -> impl Iterator<Item = &'s Value> {
    let resources = stack["Resources"].as_object().into_iter().flatten();
    resources.map(|(_, resource)| resource).filter(move |resource| resource["Type"] == kind)
}

/// The secrets of the components' logins, each once.
fn secrets(plan: &Plan) -> usize {
    let logins = plan.components.iter().filter_map(|component| component.kind().login());
    logins.filter_map(|login| login.secret()).map(|secret| secret.as_str()).collect::<BTreeSet<_>>().len()
}

/// How often something happens in a month that happens every so often.
pub(super) fn a_month(every: TimeSpan) -> f64 {
    MONTH.as_seconds() / every.as_seconds()
}
