//! What runs are to keep over time, each a measure that the engine takes by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::time_span::TimeSpan;

/// What a measure is to be, over the span of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceTarget {
    /// What is measured.
    pub measure: Measure,
    /// The longest that it may take, each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<TimeSpan>,
    /// The smallest share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub at_least_percent: Option<f64>,
    /// The largest share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub at_most_percent: Option<f64>,
}

/// The bound that a target sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// No longer than this.
    Within(TimeSpan),
    /// No smaller share than this, in percent.
    AtLeast(f64),
    /// No larger share than this, in percent.
    AtMost(f64),
}

impl ServiceTarget {
    /// The bound; `None` where the target names none, or more than one: the plan's check finds that.
    #[must_use]
    pub fn bound(&self) -> Option<Bound> {
        match (self.within, self.at_least_percent, self.at_most_percent) {
            (Some(within), None, None) => Some(Bound::Within(within)),
            (None, Some(percent), None) => Some(Bound::AtLeast(percent)),
            (None, None, Some(percent)) => Some(Bound::AtMost(percent)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Within(span) => write!(to, "within {span}"),
            Self::AtLeast(percent) => write!(to, "at least {percent} %"),
            Self::AtMost(percent) => write!(to, "at most {percent} %"),
        }
    }
}

/// What the engine measures by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// From when the primary was last seen to work until a failover began.
    Detection,
    /// From when a failover began until traffic led to the new primary.
    Failover,
    /// From when the primary was last seen to work until people were told.
    Notice,
    /// From when the primary was last seen to work until clients are served again: a run's RTO.
    Recovery,
    /// The mean of the recoveries.
    Repair,
    /// From when the record's change was asked for until every authoritative server answered it.
    Dns,
    /// The share of failovers that met the RTO.
    RtoMet,
    /// The share of failovers that met the RPO.
    RpoMet,
    /// The share of backups that are whole.
    BackupsComplete,
    /// The share of restores of a backup, made to prove it, that passed.
    RestoresVerified,
    /// The share of time in which clients were served.
    Availability,
}

impl Measure {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::BackupsComplete,
        Self::RestoresVerified,
        Self::RtoMet,
        Self::RpoMet,
        Self::Detection,
        Self::Failover,
        Self::Notice,
        Self::Dns,
        Self::Recovery,
        Self::Repair,
        Self::Availability,
    ];

    /// Whether it is a length of time; the others are shares.
    #[must_use]
    pub fn is_a_time(self) -> bool {
        match self {
            Self::Detection | Self::Failover | Self::Notice | Self::Recovery | Self::Repair | Self::Dns => true,
            Self::RtoMet | Self::RpoMet | Self::BackupsComplete | Self::RestoresVerified | Self::Availability => false,
        }
    }

    /// As a page for people calls it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Failover => "failover",
            Self::Notice => "notice to people",
            Self::Recovery => "recovery",
            Self::Repair => "mean time to repair",
            Self::Dns => "DNS change",
            Self::RtoMet => "RTO met",
            Self::RpoMet => "RPO met",
            Self::BackupsComplete => "backups complete",
            Self::RestoresVerified => "restores verified",
            Self::Availability => "availability",
        }
    }
}

impl std::fmt::Display for Measure {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(match self {
            Self::Detection => "detection",
            Self::Failover => "failover",
            Self::Notice => "notice",
            Self::Recovery => "recovery",
            Self::Repair => "repair",
            Self::Dns => "dns",
            Self::RtoMet => "rto-met",
            Self::RpoMet => "rpo-met",
            Self::BackupsComplete => "backups-complete",
            Self::RestoresVerified => "restores-verified",
            Self::Availability => "availability",
        })
    }
}
