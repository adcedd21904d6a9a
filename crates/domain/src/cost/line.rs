//! One line of a cost, and the part that it is in.

use serde::Serialize;

use super::prices::Price;
use crate::words::time_span::TimeSpan;

/// A month, as AWS's own calculator has it: the twelfth part of a year of 365 days.
pub const MONTH: TimeSpan = TimeSpan::seconds(730 * 3_600);

pub(super) const DAY: TimeSpan = TimeSpan::seconds(24 * 3_600);

/// A part of the cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// What runs so that a failover would.
    Engine,
    /// The backups that are kept.
    Storage,
    /// What goes from one Region to another.
    BetweenRegions,
    /// How the functions reach AWS from their subnets.
    Networks,
}

impl Part {
    /// Every one, in their order.
    pub const ALL: [Self; 4] = [Self::Engine, Self::Storage, Self::BetweenRegions, Self::Networks];
}

/// One thing that AWS prices.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What it is.
    pub what: String,
    /// How much of it.
    pub quantity: f64,
    /// In what that is counted.
    pub unit: String,
    /// What one unit costs.
    pub unit_dollars: f64,
    /// What all of it costs in the month.
    pub dollars: f64,
    /// Where the quantity comes from.
    pub because: String,
}

impl Line {
    pub(super) fn new(what: String, quantity: f64, price: &Price, because: String) -> Self {
        let unit_dollars = (price.dollars / price.per * 1e12).round() / 1e12;
        let unit = price.unit.clone();
        Self { what, quantity: rounded(quantity), unit, unit_dollars, dollars: rounded(price.of(quantity)), because }
    }
}

/// To a millionth: what is smaller is an error of the sum. A sum of nothing is zero, and no less.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6 + 0.0
}
