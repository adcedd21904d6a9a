//! What was promised: to all, by tier, and by what fails.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ServiceTarget;
use crate::{
    component::Kind,
    words::{id::TierName, time_span::TimeSpan},
};

/// What was promised to the system's users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objectives {
    /// Recovery time objective: the longest outage.
    pub rto: TimeSpan,
    /// Recovery point objective: the most recent work that may be lost.
    pub rpo: TimeSpan,
    /// Share of time available, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub availability_percent: Option<f64>,
    /// Promises that services and components share. A component of a tier has its objectives instead of the plan's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// What was promised for each class of failure, where that differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureObjective>,
    /// What runs are to keep over time: `lifeboat report` measures it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<ServiceTarget>,
}

/// A promise that services and components share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tier {
    /// The tier's name, which components say.
    pub name: TierName,
    /// Recovery time objective.
    pub rto: TimeSpan,
    /// Recovery point objective.
    pub rpo: TimeSpan,
    /// Share of time available, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub availability_percent: Option<f64>,
    /// The services that it was promised for, as their users know them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// The data that it was promised for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<String>,
    /// How long the law or a contract wants its backups kept, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<TimeSpan>,
}

/// What was promised for one class of failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureObjective {
    /// What fails.
    pub class: Disaster,
    /// What the organization calls its severity, as `level-3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Recovery time objective.
    pub rto: TimeSpan,
    /// Recovery point objective.
    pub rpo: TimeSpan,
}

/// What a promise is made against: what the watch can tell apart, and what only people can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Disaster {
    /// The database does not answer.
    Database,
    /// A zone is gone.
    Zone,
    /// A Region is gone.
    Region,
    /// Several Regions are gone.
    SeveralRegions,
    /// The application does not work, its database does.
    Application,
    /// Some see the primary, some do not.
    Network,
    /// Data are wrong.
    Corruption,
    /// Somebody is in who should not be.
    Breach,
    /// Data were deleted.
    Deletion,
}

impl Disaster {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Database,
        Self::Zone,
        Self::Region,
        Self::SeveralRegions,
        Self::Application,
        Self::Network,
        Self::Corruption,
        Self::Breach,
        Self::Deletion,
    ];

    /// As people say it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Zone => "zone",
            Self::Region => "Region",
            Self::SeveralRegions => "several Regions",
            Self::Application => "application",
            Self::Network => "network",
            Self::Corruption => "corruption",
            Self::Breach => "breach",
            Self::Deletion => "deletion",
        }
    }

    /// Whether what takes its place is the read replica in the other Region, which is asynchronous.
    #[must_use]
    pub fn moves_to_the_replica(self) -> bool {
        match self {
            Self::Database | Self::Zone | Self::Region | Self::SeveralRegions => true,
            Self::Application | Self::Network | Self::Corruption | Self::Breach | Self::Deletion => false,
        }
    }

    /// Whether the judge tells it from a primary that does not answer, so that no order needs to name it. Several Regions it may
    /// take for one; a database that answers tells it nothing.
    #[must_use]
    pub fn is_told_by_the_judge(self) -> bool {
        match self {
            Self::Database | Self::Zone | Self::Region => true,
            Self::SeveralRegions
            | Self::Application
            | Self::Network
            | Self::Corruption
            | Self::Breach
            | Self::Deletion => false,
        }
    }

    /// Whether what brings the data back is a backup.
    #[must_use]
    pub fn is_undone_by_a_backup(self) -> bool {
        match self {
            Self::Corruption | Self::Breach | Self::Deletion => true,
            Self::Database | Self::Zone | Self::Region | Self::SeveralRegions | Self::Application | Self::Network => {
                false
            }
        }
    }
}

impl std::fmt::Display for Disaster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Database => "database",
            Self::Zone => "zone",
            Self::Region => "region",
            Self::SeveralRegions => "severalRegions",
            Self::Application => "application",
            Self::Network => "network",
            Self::Corruption => "corruption",
            Self::Breach => "breach",
            Self::Deletion => "deletion",
        })
    }
}

impl Objectives {
    /// The tier of this name.
    #[must_use]
    pub fn tier(&self, name: &TierName) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.name == *name)
    }

    /// What is promised of a component: by its tier, else by the plan.
    #[must_use]
    pub fn of(&self, component: &dyn Kind) -> Self {
        let mut promised = self.clone();
        if let Some(tier) = component.tier().and_then(|name| self.tier(name)) {
            (promised.rto, promised.rpo) = (tier.rto, tier.rpo);
            promised.availability_percent = tier.availability_percent.or(promised.availability_percent);
        }
        promised
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{plan::Plan, plan_file, words::time_span::TimeSpan};

    #[test]
    fn a_pair_s_runs_are_held_to_what_its_tier_promises() {
        let text = include_str!("../../../../plans/lab.yaml");
        let mut plan = serde_json::to_value(plan_file::read(text, "plans/lab.yaml").unwrap()).unwrap();
        plan["objectives"]["tiers"] = json!([{"name": "gold", "rto": "20s", "rpo": "4s"}]);
        let promised = |plan: &serde_json::Value| {
            let plan: Plan = serde_json::from_value(plan.clone()).unwrap();
            let objectives = plan.pairs().next().unwrap().objectives;
            (objectives.rto, objectives.rpo, objectives.availability_percent)
        };
        assert_eq!(promised(&plan), (TimeSpan::seconds(30), TimeSpan::seconds(5), Some(99.95)), "it is of no tier");
        plan["components"][0]["tier"] = json!("gold");
        assert_eq!(promised(&plan), (TimeSpan::seconds(20), TimeSpan::seconds(4), Some(99.95)));
    }
}
