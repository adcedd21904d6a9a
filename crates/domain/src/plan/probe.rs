//! How the primary's health is watched.

use crate::words::time_span::TimeSpan;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the primary's health is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// From one sample to the next. From 5 s on the probe naps between them, and logs in for each.
    pub interval: TimeSpan,
    /// How long the primary may be silent when it is looked at. Shorter than the interval.
    pub timeout: TimeSpan,
    /// This many failed samples in a row raise the alarm.
    #[schemars(range(min = 2, max = 100))]
    pub failures_in_a_row: u32,
    /// How long the primary must have been failing before anything is moved.
    pub hold_down: TimeSpan,
}
