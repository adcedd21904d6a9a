//! Route 53's health checks, by which it moves a name of the application by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{
    id::{HostName, Region},
    time_span::TimeSpan,
};

/// What moves a name of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MovedBy {
    /// A run, after the database's record.
    #[default]
    Switch,
    /// Route 53, as its health checks say, wherever the database is.
    HealthChecks,
}

impl MovedBy {
    /// Whether a run does.
    #[must_use]
    pub fn is_a_switch(&self) -> bool {
        *self == Self::Switch
    }
}

/// The health checks of a name, which the plan's stack makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthChecks {
    /// Of what serves while the system runs where it usually does: while it fails, the name leads to the recovery side.
    pub primary: HealthCheck,
    /// Of what serves after a failover: while it fails, the name stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<HealthCheck>,
}

/// What Route 53 asks by HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// Whom: a name that leads to this side only.
    pub host: HostName,
    /// For what.
    #[serde(default = "root")]
    pub path: String,
    /// On which port.
    #[serde(default = "https")]
    pub port: u16,
    /// How often each checker asks: 10 s or 30 s.
    #[serde(default = "usual_interval")]
    pub interval: TimeSpan,
    /// After how many answers in a row that say otherwise it changes its mind.
    #[serde(default = "usual_failures")]
    pub failures: u8,
    /// Whether it also measures how long the answers take.
    #[serde(default)]
    pub latency: bool,
    /// From where it asks; from all of Route 53's Regions if this says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Region>,
}

fn root() -> String {
    "/".to_owned()
}

fn https() -> u16 {
    443
}

fn usual_interval() -> TimeSpan {
    TimeSpan::seconds(30)
}

fn usual_failures() -> u8 {
    3
}

impl HealthCheck {
    /// How long it takes until it is believed that this side does not answer.
    #[must_use]
    pub fn detection(&self) -> TimeSpan {
        self.interval.times(self.failures.into())
    }
}

impl HealthChecks {
    /// Each, with the side that it is of.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &HealthCheck)> {
        std::iter::once(("primary", &self.primary)).chain(self.recovery.iter().map(|check| ("recovery", check)))
    }
}
