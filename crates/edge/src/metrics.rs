//! The engine's metrics.

use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit, builders::MetricDatumBuilder},
};
use domain::{
    backup::{Part, Taken},
    record::evidence::Evidence,
    synth::metric::{Metric, NAMESPACE, Of},
    watch::region::{Figures, Unit},
    words::{
        failure::Failure,
        id::{PlanName, Region, ScheduleName},
        time_span::TimeSpan,
    },
};
use jiff::Timestamp;

use crate::{aws, aws_failure, clock};

/// CloudWatch.
#[derive(Debug, Clone)]
pub struct Metrics {
    client: Client,
}

impl Metrics {
    /// CloudWatch as the environment says.
    pub async fn from_env() -> Self {
        Self { client: Client::new(&aws::config(None).await) }
    }

    /// Publishes how many samples had failed in a row, at each of these instants and at one second's resolution: the alarm
    /// watches its maximum. CloudWatch takes a thousand in one call.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn consecutive_failures(&self, plan: &PlanName, counts: &[(Timestamp, u32)]) -> Result<(), Failure> {
        let data = counts.iter().map(|(at, failures)| {
            count(Metric::ConsecutiveFailures, &Of::samples(plan), f64::from(*failures))
                .timestamp(DateTime::from_millis(at.as_millisecond()))
                .storage_resolution(1)
        });
        self.publish(plan, data).await
    }

    /// Publishes how many bytes of the primary's log the replica of a plan had not replayed at some instant.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn replication_lag(&self, plan: &PlanName, at: Timestamp, bytes: u64) -> Result<(), Failure> {
        let lag = datum(Metric::ReplicationLagBytes, &Of::plan(plan), bytes as f64, StandardUnit::Bytes);
        self.publish(plan, [lag.timestamp(DateTime::from_millis(at.as_millisecond()))]).await
    }

    /// Publishes how much of what a plan's next failover needs is not ready.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn not_ready(&self, plan: &PlanName, how_many: usize) -> Result<(), Failure> {
        self.publish(plan, [count(Metric::NotReady, &Of::plan(plan), how_many as f64)]).await
    }

    /// Publishes that there is a whole backup, at the time that its data is of or as near to it as CloudWatch shows without
    /// delay, and how large its database was, where somebody knew: the alarms watch that there is one, and that it is not
    /// too small.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn whole_backup(&self, plan: &PlanName, schedule: &ScheduleName, taken: &Taken) -> Result<(), Failure> {
        let of = Of::series(plan, schedule, &taken.component);
        let at = DateTime::from_millis(shown_at(taken.database.database_time, clock::now()).as_millisecond());
        let whole = count(Metric::WholeBackups, &of, 1.0);
        let size = taken.database.size_bytes;
        let size = size.map(|bytes| datum(Metric::BackupSizeBytes, &of, bytes as f64, StandardUnit::Bytes));
        self.publish(plan, std::iter::once(whole).chain(size).map(|datum| datum.timestamp(at))).await
    }

    /// Publishes that a part of a backup failed, of its component and of the plan.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn failed_backup(&self, plan: &PlanName, part: &Part) -> Result<(), Failure> {
        let of_each = [Of::plan(plan), Of::component(plan, &part.component)];
        self.publish(plan, of_each.map(|of| count(Metric::FailedBackups, &of, 1.0))).await
    }

    /// Publishes how the proof of a backup went.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn proved_backup(&self, plan: &PlanName, has_passed: bool) -> Result<(), Failure> {
        let passed = if has_passed { 1.0 } else { 0.0 };
        self.publish(plan, [count(Metric::ProvedBackups, &Of::plan(plan), passed)]).await
    }

    /// Publishes what a run measured, and whether it moved the record.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn ended_run(&self, plan: &PlanName, evidence: &Evidence) -> Result<(), Failure> {
        let (of, objective) = (Of::plan(plan), evidence.objective.as_ref());
        let seconds = |metric: Metric, measured: Option<f64>| {
            measured.map(|seconds| datum(metric, &of, seconds, StandardUnit::Seconds))
        };
        let moved = evidence.record.has_moved_traffic().then(|| count(Metric::RecordMoves, &of, 1.0));
        let recovery = seconds(Metric::RecoverySeconds, objective.and_then(|of| of.rto_measured_seconds));
        let loss = seconds(Metric::LossSeconds, objective.and_then(|of| of.rpo_measured_seconds));
        self.publish(plan, [moved, recovery, loss].into_iter().flatten()).await
    }

    /// Publishes what the looks at a Region come to. What no look has told is not published: no data is unknown.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn health(&self, plan: &PlanName, region: &Region, figures: &Figures) -> Result<(), Failure> {
        let data = figures.told().map(|(metric, value)| {
            MetricDatum::builder()
                .metric_name(metric.name())
                .dimensions(Dimension::builder().name("Plan").value(plan.as_str()).build())
                .dimensions(Dimension::builder().name("Region").value(region.as_str()).build())
                .value(value)
                .unit(match metric.unit() {
                    Unit::Share => StandardUnit::None,
                    Unit::Count => StandardUnit::Count,
                    Unit::Percent => StandardUnit::Percent,
                    Unit::Milliseconds => StandardUnit::Milliseconds,
                    Unit::Seconds => StandardUnit::Seconds,
                })
        });
        self.publish(plan, data).await
    }

    async fn publish(
        &self,
        plan: &PlanName,
        data: impl IntoIterator<Item = MetricDatumBuilder>,
    ) -> Result<(), Failure> {
        let data: Vec<MetricDatum> = data.into_iter().map(MetricDatumBuilder::build).collect();
        if data.is_empty() {
            return Ok(());
        }
        let request = self.client.put_metric_data().namespace(NAMESPACE).set_metric_data(Some(data));
        let published = request.send().await;
        published.map(drop).map_err(|error| aws_failure!(format!("cannot publish a metric of plan `{plan}`"), error))
    }
}

/// What is older than this, CloudWatch may show only hours later.
const SHOWN_AT_ONCE: TimeSpan = TimeSpan::seconds(3 * 3_600);

/// A large database is copied for a day; what is older than that is not a backup that has just ended.
const JUST_MADE: TimeSpan = TimeSpan::seconds(24 * 3_600);

/// When a backup is said to be of. One that took its time is said to be of three hours ago, for its alarm would rise while
/// CloudWatch keeps its value back.
fn shown_at(data_of: Timestamp, now: Timestamp) -> Timestamp {
    let age = TimeSpan::between(data_of, now);
    if age > SHOWN_AT_ONCE && age <= JUST_MADE {
        now.checked_sub(SHOWN_AT_ONCE.duration()).unwrap_or(data_of)
    } else {
        data_of
    }
}

fn count(metric: Metric, of: &Of<'_>, how_many: f64) -> MetricDatumBuilder {
    datum(metric, of, how_many, StandardUnit::Count)
}

fn datum(metric: Metric, of: &Of<'_>, value: f64, unit: StandardUnit) -> MetricDatumBuilder {
    let dimension = |(name, value): &(&str, &str)| Dimension::builder().name(*name).value(*value).build();
    let dimensions = of.dimensions().iter().map(dimension).collect();
    MetricDatum::builder().metric_name(metric.name()).set_dimensions(Some(dimensions)).value(value).unit(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_that_took_hours_is_shown_at_once_and_an_old_one_is_made_no_younger() {
        let (now, hours) = (Timestamp::from_second(1_800_000_000).unwrap(), |hours: i64| hours * 3_600);
        for (age, shown) in
            [(0, 0), (hours(3), hours(3)), (hours(4), hours(3)), (hours(24), hours(3)), (hours(25), hours(25))]
        {
            let at = |age| Timestamp::from_second(1_800_000_000 - age).unwrap();
            assert_eq!(shown_at(at(age), now), at(shown), "{age} s old");
        }
    }
}
