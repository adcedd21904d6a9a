//! Alarms that a plan adds to those that every plan has: with whose they are, how bad, and what helps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{
    id::{AlarmName, ComponentName},
    time_span::TimeSpan,
};

/// An alarm of a plan's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanAlarm {
    /// Its name in the plan.
    pub name: AlarmName,
    /// What it watches.
    pub watch: Watched,
    /// The component that it watches; left out, each pair, or the backups of all components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<ComponentName>,
    /// The metric, where `watch` says `metric`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricSource>,
    /// It rises above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// It rises below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// What of a second metric must be so at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub and: Option<Condition>,
    /// For how long it must have been so without a break.
    #[serde(rename = "for", default = "five_minutes")]
    pub lasting: TimeSpan,
    /// How bad it is.
    #[serde(default)]
    pub severity: AlarmSeverity,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Where it says what to do: an address of https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
}

fn five_minutes() -> TimeSpan {
    TimeSpan::seconds(300)
}

/// What an alarm watches: each is a metric that the engine writes, or one of the application's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Watched {
    /// The primary: no sample of it succeeded.
    PrimaryDown,
    /// What the next failover needs: something of it is not ready.
    RecoveryNotReady,
    /// How many bytes of the primary's log the replica has not replayed.
    ReplicationLagBytes,
    /// Backups: a part of one failed.
    BackupFailed,
    /// The record that leads clients to a pair: a run moved it.
    DnsMoved,
    /// The health of the primary's Region: so many looks in a row were not healthy.
    HealthCheck,
    /// A metric that something else writes, in the recovery Region.
    Metric,
}

impl Watched {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::PrimaryDown,
        Self::RecoveryNotReady,
        Self::ReplicationLagBytes,
        Self::BackupFailed,
        Self::DnsMoved,
        Self::HealthCheck,
        Self::Metric,
    ];

    /// Whether it is of a pair that a failover moves.
    #[must_use]
    pub fn is_of_a_pair(self) -> bool {
        match self {
            Self::PrimaryDown | Self::RecoveryNotReady | Self::ReplicationLagBytes | Self::DnsMoved => true,
            Self::BackupFailed | Self::HealthCheck | Self::Metric => false,
        }
    }

    /// Whether it is a number that is held against a threshold; the others are so or not.
    #[must_use]
    pub fn has_a_threshold(self) -> bool {
        match self {
            Self::ReplicationLagBytes | Self::Metric => true,
            Self::PrimaryDown | Self::RecoveryNotReady | Self::BackupFailed | Self::DnsMoved | Self::HealthCheck => {
                false
            }
        }
    }
}

impl std::fmt::Display for Watched {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(match self {
            Self::PrimaryDown => "primary-down",
            Self::RecoveryNotReady => "recovery-not-ready",
            Self::ReplicationLagBytes => "replication-lag-bytes",
            Self::BackupFailed => "backup-failed",
            Self::DnsMoved => "dns-moved",
            Self::HealthCheck => "health-check",
            Self::Metric => "metric",
        })
    }
}

/// How bad an alarm is: people who are called read it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlarmSeverity {
    /// Somebody gets up.
    #[default]
    Critical,
    /// It can wait for the morning.
    Warning,
    /// Good to know.
    Info,
}

impl std::fmt::Display for AlarmSeverity {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}

/// A metric that something else than the engine writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricSource {
    /// CloudWatch's namespace.
    pub namespace: String,
    /// The metric's name.
    pub name: String,
    /// Its dimensions, all of them: CloudWatch knows a metric by them.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub dimensions: std::collections::BTreeMap<String, String>,
    /// What is taken of a minute's values.
    #[serde(default)]
    pub statistic: Statistic,
}

/// What is taken of a period's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    /// Their mean.
    #[default]
    Average,
    /// The largest.
    Maximum,
    /// The smallest.
    Minimum,
    /// Their sum.
    Sum,
    /// How many there are.
    Count,
}

impl Statistic {
    /// As CloudWatch calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Average => "Average",
            Self::Maximum => "Maximum",
            Self::Minimum => "Minimum",
            Self::Sum => "Sum",
            Self::Count => "SampleCount",
        }
    }
}

/// What of a second metric must be so at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// The metric.
    pub metric: MetricSource,
    /// It is above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// It is below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}
