//! The record of an outage that ended by itself.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Streak;
use crate::{
    plan::Probe,
    words::{id::PlanName, time_span::TimeSpan},
};

/// The record of a streak that ended by itself: why nothing was failed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Blip {
    /// The plan.
    pub plan: PlanName,
    /// The failures in a row.
    pub streak: Streak,
    /// The first sample that succeeded again.
    #[schemars(with = "String")]
    pub recovered_at: Timestamp,
    /// How many in a row raise the alarm.
    pub failures_in_a_row: u32,
    /// Whether they raised the alarm.
    pub alarmed: bool,
    /// Why nothing was failed over, in a sentence.
    pub because: String,
}

impl Blip {
    /// Records a streak that ended by itself.
    #[must_use]
    pub fn new(plan: PlanName, probe: &Probe, streak: Streak, recovered_at: Timestamp) -> Self {
        let alarmed = streak.failures >= probe.failures_in_a_row;
        // Not until the recovery: nobody may have watched in between.
        let span = (TimeSpan::between(streak.since, streak.until) + probe.interval).roughly();
        let because = if alarmed {
            format!(
                "{} samples failed in a row within {span} and raised the alarm; the run it started says what was decided",
                streak.failures
            )
        } else {
            format!(
                "{} failed in a row within {span}; {} in a row raise the alarm and the hold-down is {}: not failed over",
                if streak.failures == 1 { "1 sample".to_owned() } else { format!("{} samples", streak.failures) },
                probe.failures_in_a_row,
                probe.hold_down
            )
        };
        Self { plan, streak, recovered_at, failures_in_a_row: probe.failures_in_a_row, alarmed, because }
    }
}
