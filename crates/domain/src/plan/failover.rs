//! When to fail over, and when to ask.

use super::objectives::Disaster;
use crate::words::{id::RoleName, time_span::TimeSpan};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When to fail over, and when to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failover {
    /// What each class of failure is answered with.
    pub policy: Policies,
    /// How long each class of failure has to last before a failover begins by itself.
    #[serde(default, skip_serializing_if = "Waits::is_empty")]
    pub after: Waits,
    /// The IAM roles, by name, of those who may order a failover or a switchover, or approve one; everybody who may start the
    /// engine's machines where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_order: Option<Vec<RoleName>>,
    /// How long a failover is expected to take, from its start until traffic is switched, as its owner says; a target's bound is
    /// another thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<TimeSpan>,
    /// How much may be lost without asking.
    pub data_loss_budget: DataLossBudget,
    /// How long a person has to answer.
    pub approval_deadline: TimeSpan,
}

/// What each class of failure is answered with. Every class is named, so that none is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policies {
    /// The host answers, the database does not.
    pub database: Policy,
    /// The host is silent, its Region answers.
    pub zone: Policy,
    /// The Region is silent.
    pub region: Policy,
    /// The database answers, the application cannot use it. `health` may tell of it, and moves nothing, so that only `never` is true.
    pub application: Policy,
    /// Some see the primary, some do not. It is not failed over whoever asks, so that only `never` is true.
    pub network: Policy,
    /// Signals are missing.
    pub unknown: Policy,
    /// The Region is silent, and RDS of the recovery Region as well; `approval` where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub several_regions: Option<Policy>,
    /// Data are wrong. Only a person can tell; `approval` where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corruption: Option<Policy>,
    /// Somebody is in who should not be. The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach: Option<Policy>,
    /// Data were deleted. The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Policy>,
}

impl Policies {
    /// The policy for a class.
    #[must_use]
    pub fn of(&self, class: FailureClass) -> Policy {
        match class {
            FailureClass::Database => self.database,
            FailureClass::Zone => self.zone,
            FailureClass::Region => self.region,
            FailureClass::Application => self.application,
            FailureClass::Network => self.network,
            FailureClass::Unknown => self.unknown,
            FailureClass::SeveralRegions => self.several_regions.unwrap_or(Policy::Approval),
        }
    }

    /// The policy for what only a person can tell; `None` of whatever the judge tells.
    #[must_use]
    pub fn of_what_a_person_tells(&self, class: Disaster) -> Option<Policy> {
        let said = match class {
            Disaster::Corruption => self.corruption,
            Disaster::Breach => self.breach,
            Disaster::Deletion => self.deletion,
            Disaster::Database
            | Disaster::Zone
            | Disaster::Region
            | Disaster::SeveralRegions
            | Disaster::Application
            | Disaster::Network => return None,
        };
        Some(said.unwrap_or(Policy::Approval))
    }
}

/// How long each class of failure has to last before a failover begins by itself, or a person is asked. What is not said is
/// `probe.holdDown`, and nothing is shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Waits {
    /// The host answers, the database does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<TimeSpan>,
    /// The host is silent, its Region answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<TimeSpan>,
    /// The Region is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<TimeSpan>,
    /// Signals are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<TimeSpan>,
}

impl Waits {
    /// What is said for a class. What is never failed over waits for nothing.
    #[must_use]
    pub fn of(&self, class: FailureClass) -> Option<TimeSpan> {
        match class {
            FailureClass::Database => self.database,
            FailureClass::Zone => self.zone,
            FailureClass::Region | FailureClass::SeveralRegions => self.region,
            FailureClass::Unknown => self.unknown,
            FailureClass::Application | FailureClass::Network => None,
        }
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a class of failure is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Fail over without asking.
    Automatic,
    /// Ask a person, wait for the answer.
    Approval,
    /// Do nothing but say so.
    Never,
}

/// How much may be lost without asking. A replica further behind is promoted only with a named consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataLossBudget {
    /// By time.
    pub time: TimeSpan,
    /// By write-ahead log, in bytes.
    pub wal_bytes: u64,
}

/// What a failure looks like. Named once, for plans, records and alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailureClass {
    /// The host answers, the database does not.
    Database,
    /// The host is silent, its Region answers.
    Zone,
    /// The Region is silent.
    Region,
    /// The database answers, the application cannot use it.
    Application,
    /// Some see the primary, some do not.
    Network,
    /// Signals are missing.
    Unknown,
    /// The Region is silent, and RDS of the recovery Region as well.
    #[serde(rename = "severalRegions")]
    SeveralRegions,
}

impl FailureClass {
    /// What takes a primary away, and is told apart by who still answers.
    pub const TAKING: [Self; 3] = [Self::Database, Self::Zone, Self::Region];
}

impl std::fmt::Display for FailureClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Database => "database",
            Self::Zone => "zone",
            Self::Region => "region",
            Self::Application => "application",
            Self::Network => "network",
            Self::Unknown => "unknown",
            Self::SeveralRegions => "severalRegions",
        })
    }
}
