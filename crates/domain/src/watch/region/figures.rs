//! What the looks of ten minutes come to, in numbers.

use serde::{Deserialize, Serialize};

use super::{Asked, RegionHealth, RegionLook, Went};
use crate::{plan::Health, watch::health::Endpoint, words::time_span::TimeSpan};

/// What looks come to. What no look has told is absent, and never zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// The share of the newest look's checks that passed, 0 to 1.
    pub score: Option<f64>,
    /// The share of checks that failed, in percent.
    pub errors_percent: Option<f64>,
    /// What a check took at the 95th percentile, in milliseconds.
    pub response_milliseconds: Option<f64>,
    /// The share of looks that were healthy, in percent.
    pub availability_percent: Option<f64>,
    /// The median round trip of the newest looks, in milliseconds.
    pub latency_milliseconds: Option<f64>,
    /// The share of connections that lost a packet, in percent.
    pub loss_percent: Option<f64>,
    /// How many looks in a row were not healthy; absent where the newest could not tell.
    pub failures_in_a_row: Option<u32>,
    /// For how long no database of it has taken a connection; 0 where one did. Absent where the newest look could not tell.
    pub unconnected_seconds: Option<f64>,
}

impl Figures {
    /// Of a Region's looks.
    #[must_use]
    pub fn of(seen: &RegionHealth, health: &Health) -> Self {
        let looks = &seen.looks;
        let told = || looks.iter().flat_map(|look| &look.checks).filter(|asked| !matches!(asked.went, Went::Untold(_)));
        let failed = told().filter(|asked| matches!(asked.went, Went::Failed(_))).count();
        let judged: Vec<bool> = looks.iter().filter_map(|look| look.is_healthy(health)).collect();
        let healthy = judged.iter().filter(|healthy| **healthy).count();
        let newest = looks.last();
        Self {
            score: newest.and_then(RegionLook::score),
            errors_percent: percent(failed, told().count()),
            response_milliseconds: percentile(&mut told().map(took).collect::<Vec<_>>(), 95),
            availability_percent: percent(healthy, judged.len()),
            latency_milliseconds: latency(looks, health),
            loss_percent: loss(looks, health),
            failures_in_a_row: newest
                .filter(|newest| newest.is_healthy(health).is_some())
                .map(|_| in_a_row(looks, health)),
            unconnected_seconds: newest.and_then(|newest| unconnected(looks, newest)).map(TimeSpan::as_seconds),
        }
    }

    /// What is told, by metric. A look that could not tell says nothing of health.
    pub fn told(&self) -> impl Iterator<Item = (RegionMetric, f64)> {
        let figures = self.failures_in_a_row.is_some().then_some(self);
        figures
            .into_iter()
            .flat_map(|figures| RegionMetric::ALL.into_iter().filter_map(|metric| Some((metric, metric.of(figures)?))))
    }
}

/// A metric that a look at a Region publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionMetric {
    /// [`Figures::score`].
    Score,
    /// [`Figures::errors_percent`].
    ErrorsPercent,
    /// [`Figures::response_milliseconds`].
    ResponseP95,
    /// [`Figures::availability_percent`].
    AvailabilityPercent,
    /// [`Figures::latency_milliseconds`].
    Latency,
    /// [`Figures::loss_percent`].
    LossPercent,
    /// [`Figures::failures_in_a_row`].
    FailuresInARow,
    /// [`Figures::unconnected_seconds`].
    UnconnectedSeconds,
}

/// In what a metric is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1.
    Share,
    /// A number.
    Count,
    /// 0 to 100.
    Percent,
    /// Thousandths of a second.
    Milliseconds,
    /// Seconds.
    Seconds,
}

impl RegionMetric {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Score,
        Self::ErrorsPercent,
        Self::ResponseP95,
        Self::AvailabilityPercent,
        Self::Latency,
        Self::LossPercent,
        Self::FailuresInARow,
        Self::UnconnectedSeconds,
    ];

    /// Its name in CloudWatch.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "HealthScore",
            Self::ErrorsPercent => "HealthErrorsPercent",
            Self::ResponseP95 => "HealthResponseP95",
            Self::AvailabilityPercent => "HealthAvailabilityPercent",
            Self::Latency => "HealthLatency",
            Self::LossPercent => "HealthLossPercent",
            Self::FailuresInARow => "HealthFailuresInARow",
            Self::UnconnectedSeconds => "HealthUnconnectedSeconds",
        }
    }

    /// In what it is counted.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Score => Unit::Share,
            Self::ErrorsPercent | Self::AvailabilityPercent | Self::LossPercent => Unit::Percent,
            Self::ResponseP95 | Self::Latency => Unit::Milliseconds,
            Self::FailuresInARow => Unit::Count,
            Self::UnconnectedSeconds => Unit::Seconds,
        }
    }

    fn of(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::Score => figures.score,
            Self::ErrorsPercent => figures.errors_percent,
            Self::ResponseP95 => figures.response_milliseconds,
            Self::AvailabilityPercent => figures.availability_percent,
            Self::Latency => figures.latency_milliseconds,
            Self::LossPercent => figures.loss_percent,
            Self::FailuresInARow => figures.failures_in_a_row.map(f64::from),
            Self::UnconnectedSeconds => figures.unconnected_seconds,
        }
    }
}

fn took(asked: &Asked) -> f64 {
    asked.took_milliseconds as f64
}

/// One that could not tell neither counts nor ends the row.
fn in_a_row(looks: &[RegionLook], health: &Health) -> u32 {
    let told = looks.iter().rev().filter_map(|look| look.is_healthy(health));
    u32::try_from(told.take_while(|healthy| !healthy).count()).unwrap_or(u32::MAX)
}

/// Of as many of the newest looks as make a row: one slow answer is no slow network.
fn latency(looks: &[RegionLook], health: &Health) -> Option<f64> {
    let newest = looks.iter().rev().take(usize::try_from(health.failures_in_a_row).unwrap_or(usize::MAX));
    let trips = newest.flat_map(|look| &look.databases).filter_map(|reached| reached.round_trip_milliseconds);
    percentile(&mut trips.collect::<Vec<_>>(), 50)
}

/// How many connections a share of them needs, so that one packet alone is not beyond it.
#[must_use]
pub fn tries_for(percent: f64) -> f64 {
    100.0 / percent
}

/// What is told where the plan says no limit.
const A_PERCENT: f64 = 1.0;

/// Only where the network carried something: a Region of which every packet is lost is silent, not slow.
fn loss(looks: &[RegionLook], health: &Health) -> Option<f64> {
    let carried = looks.iter().flat_map(|look| &look.databases).filter(|reached| reached.lost < reached.tries);
    let (tries, lost) = carried.fold((0, 0), |(tries, lost), reached| (tries + reached.tries, lost + reached.lost));
    let enough = tries_for(health.limits.loss_percent.unwrap_or(A_PERCENT));
    (f64::from(tries) >= enough - 1e-9).then(|| 100.0 * f64::from(lost) / f64::from(tries))
}

/// Since the last look to which a database opened; where none did, since the oldest.
fn unconnected(looks: &[RegionLook], newest: &RegionLook) -> Option<TimeSpan> {
    let is_open = |look: &RegionLook| look.databases.iter().any(|reached| reached.endpoint == Endpoint::Open);
    let is_told = |look: &RegionLook| look.databases.iter().any(|reached| reached.endpoint != Endpoint::Unresolved);
    if is_open(newest) {
        return Some(TimeSpan::seconds(0));
    }
    let since = looks.iter().rev().find(|look| is_open(look)).or(looks.first())?;
    is_told(newest).then(|| TimeSpan::between(since.at, newest.at))
}

fn percent(part: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| 100.0 * part as f64 / of as f64)
}

/// The smallest value that so many percent of all do not exceed.
pub(super) fn percentile(values: &mut [f64], percent: usize) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.max(1) - 1).copied()
}
