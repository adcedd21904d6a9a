//! When to fail over, and when to ask.

use crate::words::time_span::TimeSpan;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When to fail over, and when to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failover {
    /// What each class of failure is answered with.
    pub policy: Policies,
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
    /// The database answers, the application cannot use it. Nothing tells of it yet, so that only `never` is true.
    pub application: Policy,
    /// Some see the primary, some do not. It is not failed over whoever asks, so that only `never` is true.
    pub network: Policy,
    /// Signals are missing.
    pub unknown: Policy,
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
        }
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
        })
    }
}
