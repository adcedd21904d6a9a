//! What makes a Region healthy, beside its primary's answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, Plan};
use crate::words::{id::GroupName, time_span::TimeSpan};

/// What makes a Region healthy, seen from another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Health {
    /// From one look at a Region to the next.
    pub every: TimeSpan,
    /// The same after a look that could not tell; as long as `every` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_error: Option<TimeSpan>,
    /// The groups of `verify` that are asked; `all` is every check.
    pub checks: Vec<GroupName>,
    /// The share of checks that must pass, 0 to 1.
    #[serde(default = "all_of_them", skip_serializing_if = "is_all_of_them")]
    #[schemars(range(min = 0, max = 1))]
    pub healthy_at: f64,
    /// This many failed looks in a row make a Region unhealthy.
    #[serde(default = "three", skip_serializing_if = "is_three")]
    #[schemars(range(min = 1, max = 60))]
    pub failures_in_a_row: u32,
    /// Beyond which numbers it is unhealthy as well; each has an alarm of its own.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
}

/// Beyond which numbers a Region is unhealthy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// The share of checks of the last ten minutes that failed, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub errors_percent: Option<f64>,
    /// What a check of the last ten minutes took, at the 95th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<TimeSpan>,
    /// The share of looks of the last ten minutes that were healthy, in percent; below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub availability_percent: Option<f64>,
    /// A round trip to its databases, the median of the newest looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<TimeSpan>,
    /// The share of connections of the last ten minutes of which a packet was lost, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub loss_percent: Option<f64>,
    /// How long none of its databases takes a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<TimeSpan>,
}

impl Health {
    /// The share of checks that must pass, where none is said.
    const ALL: f64 = 1.0;

    /// How many failed looks in a row count, where none is said.
    const IN_A_ROW: u32 = 3;

    /// When the next look is due after one that could not tell.
    #[must_use]
    pub fn after_error(&self) -> TimeSpan {
        self.after_error.unwrap_or(self.every)
    }

    /// The checks of a plan that are asked.
    pub fn asked<'a, T>(&'a self, plan: &'a Plan<T>) -> impl Iterator<Item = &'a Check> {
        plan.verify.iter().filter(|check| self.checks.iter().any(|group| check.is_of(group)))
    }
}

impl Limits {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn all_of_them() -> f64 {
    Health::ALL
}

fn is_all_of_them(share: &f64) -> bool {
    (*share - Health::ALL).abs() < f64::EPSILON
}

fn three() -> u32 {
    Health::IN_A_ROW
}

fn is_three(failures: &u32) -> bool {
    *failures == Health::IN_A_ROW
}
