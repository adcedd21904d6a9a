//! The metrics that the engine writes: what an alarm or a dashboard names is one of them. A contract test holds that each is
//! written.

use serde_json::{Value, json};

use crate::words::id::{ComponentName, PlanName, ScheduleName};

/// The engine's namespace.
pub const NAMESPACE: &str = "Lifeboat";

/// A metric that the engine writes, in the recovery Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// How many samples of the primary had failed in a row.
    ConsecutiveFailures,
    /// How much of what the next failover needs is not ready.
    NotReady,
    /// How many bytes of the primary's log the replica had not replayed.
    ReplicationLagBytes,
    /// A backup of a component that is whole, also where nobody knows its size, as of a cluster.
    WholeBackups,
    /// The size of its database.
    BackupSizeBytes,
    /// Parts of backups that failed.
    FailedBackups,
    /// Backups that were to be proved: 1 for one that passed, 0 for one that did not.
    ProvedBackups,
    /// A run has asked that the record leads to another side.
    RecordMoves,
    /// A run's measured RTO.
    RecoverySeconds,
    /// A run's measured RPO.
    LossSeconds,
}

impl Metric {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::ConsecutiveFailures,
        Self::NotReady,
        Self::ReplicationLagBytes,
        Self::WholeBackups,
        Self::BackupSizeBytes,
        Self::FailedBackups,
        Self::ProvedBackups,
        Self::RecordMoves,
        Self::RecoverySeconds,
        Self::LossSeconds,
    ];

    /// Its name in CloudWatch.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ConsecutiveFailures => "ConsecutiveFailures",
            Self::NotReady => "NotReady",
            Self::ReplicationLagBytes => "ReplicationLagBytes",
            Self::WholeBackups => "WholeBackups",
            Self::BackupSizeBytes => "BackupSizeBytes",
            Self::FailedBackups => "FailedBackups",
            Self::ProvedBackups => "ProvedBackups",
            Self::RecordMoves => "RecordMoves",
            Self::RecoverySeconds => "RecoverySeconds",
            Self::LossSeconds => "LossSeconds",
        }
    }
}

/// What a metric is of: CloudWatch knows it by all of its dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Of<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Of<'a> {
    /// Of a plan, or of one of its pairs.
    #[must_use]
    pub fn plan(plan: &'a PlanName) -> Self {
        Self(vec![("Plan", plan.as_str())])
    }

    /// Of a plan's primary, as the recovery Region sees it.
    #[must_use]
    pub fn samples(plan: &'a PlanName) -> Self {
        Self(vec![("Plan", plan.as_str()), ("Vantage", "recovery")])
    }

    /// Of a component of a plan.
    #[must_use]
    pub fn component(plan: &'a PlanName, component: &'a ComponentName) -> Self {
        Self(vec![("Plan", plan.as_str()), ("Component", component.as_str())])
    }

    /// Of a component's backups by one schedule.
    #[must_use]
    pub fn series(plan: &'a PlanName, schedule: &'a ScheduleName, component: &'a ComponentName) -> Self {
        Self(vec![("Plan", plan.as_str()), ("Schedule", schedule.as_str()), ("Component", component.as_str())])
    }

    /// Its dimensions, each with its value.
    #[must_use]
    pub fn dimensions(&self) -> &[(&'static str, &'a str)] {
        &self.0
    }

    /// The same in a template.
    pub(super) fn in_template(&self) -> Value {
        self.0.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
    }
}
