//! What `infra/engine.yaml` makes in each of a plan's Regions, as far as it costs something while nothing happens. A
//! contract test holds it to the template.

use std::collections::BTreeSet;

use super::{
    ledger::{Ledger, Thing},
    line::MONTH,
};

use crate::{plan::Plan, synth, watch::probe, words::span::Span};

/// Which of a plan's Regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where recovery is run from.
    Recovery,
    /// Where the system runs.
    Primary,
    /// A third place to look from.
    Witness,
}

impl Place {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Recovery, Self::Primary, Self::Witness];

    /// Those that a plan has.
    pub(super) fn of(plan: &Plan) -> impl Iterator<Item = Self> {
        let has_witness = plan.regions.witness.is_some();
        Self::ALL.into_iter().filter(move |place| *place != Self::Witness || has_witness)
    }

    /// What it is called in the template and in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Primary => "primary",
            Self::Witness => "witness",
        }
    }

    /// Its alarms.
    #[must_use]
    pub fn alarms(self) -> Alarms {
        match self {
            Self::Recovery => Alarms { standard: 8, high_resolution: 1 },
            Self::Primary => Alarms { standard: 1, high_resolution: 0 },
            Self::Witness => Alarms { standard: 0, high_resolution: 0 },
        }
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
pub const READINESS_EVERY: Span = Span::seconds(30 * 60);

/// What the recovery Region's rules start, and how often.
pub const SCHEDULES: [(&str, Span); 4] = [
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
    let of_places = Place::of(plan).map(|place| (place.name(), place.alarms()));
    for (who, alarms) in of_places.chain([("the plan's stack", alarms_of_its_own(plan))]) {
        ledger.there(who, Thing::Alarm, alarms.standard);
        ledger.there(who, Thing::HighResolutionAlarm, alarms.high_resolution);
    }
    let (secrets, places) = (secrets(plan), Place::of(plan).count());
    ledger.enter("the pairs' logins", Thing::Secret, secrets as f64, places as f64, format!("{places} Regions"));
}

/// The alarms of a plan's own stack, as it is made.
fn alarms_of_its_own(plan: &Plan) -> Alarms {
    let template = synth::synth(plan);
    let resources = template["Resources"].as_object().into_iter().flatten();
    let alarms = resources.filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm");
    alarms.fold(Alarms::default(), |alarms, (_, alarm)| {
        let short = alarm["Properties"]["Period"].as_u64().is_some_and(|seconds| seconds < 60);
        let Alarms { standard, high_resolution } = alarms;
        Alarms { standard: standard + u32::from(!short), high_resolution: high_resolution + u32::from(short) }
    })
}

/// The secrets of the components' logins, each once.
fn secrets(plan: &Plan) -> usize {
    let logins = plan.components.iter().filter_map(|component| component.kind().login());
    logins.filter_map(|login| login.secret()).map(|secret| secret.as_str()).collect::<BTreeSet<_>>().len()
}

/// How often something happens in a month that happens every so often.
pub(super) fn a_month(every: Span) -> f64 {
    MONTH.as_seconds() / every.as_seconds()
}
