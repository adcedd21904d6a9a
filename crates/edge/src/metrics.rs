//! The engine's metrics.

use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit},
};
use domain::{
    backup::Taken,
    synth::{SIZE_METRIC, WHOLE_METRIC},
    words::{
        failure::Failure,
        id::{PlanName, ScheduleName},
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

/// The engine's namespace.
const NAMESPACE: &str = "Lifeboat";

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
            MetricDatum::builder()
                .metric_name("ConsecutiveFailures")
                .dimensions(dimension("Plan", plan.as_str()))
                .dimensions(dimension("Vantage", "recovery"))
                .timestamp(DateTime::from_millis(at.as_millisecond()))
                .value(f64::from(*failures))
                .unit(StandardUnit::Count)
                .storage_resolution(1)
                .build()
        });
        self.publish(plan, data).await
    }

    /// Publishes how much of what a plan's next failover needs is not ready.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn not_ready(&self, plan: &PlanName, count: usize) -> Result<(), Failure> {
        let datum = MetricDatum::builder()
            .metric_name("NotReady")
            .dimensions(dimension("Plan", plan.as_str()))
            .value(count as f64)
            .unit(StandardUnit::Count)
            .build();
        self.publish(plan, [datum]).await
    }

    /// Publishes that there is a whole backup, at the time that its data is of or as near to it as CloudWatch shows without
    /// delay, and how large its database was, where somebody knew: the alarms watch that there is one, and that it is not
    /// too small.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn whole_backup(&self, plan: &PlanName, schedule: &ScheduleName, taken: &Taken) -> Result<(), Failure> {
        let datum = |name: &str, value: f64, unit: StandardUnit| {
            MetricDatum::builder()
                .metric_name(name)
                .dimensions(dimension("Plan", plan.as_str()))
                .dimensions(dimension("Schedule", schedule.as_str()))
                .dimensions(dimension("Component", taken.component.as_str()))
                .timestamp(DateTime::from_millis(shown_at(taken.database.database_time, clock::now()).as_millisecond()))
                .value(value)
                .unit(unit)
                .build()
        };
        let whole = datum(WHOLE_METRIC, 1.0, StandardUnit::Count);
        let size = taken.database.size_bytes.map(|bytes| datum(SIZE_METRIC, bytes as f64, StandardUnit::Bytes));
        self.publish(plan, std::iter::once(whole).chain(size)).await
    }

    async fn publish(&self, plan: &PlanName, data: impl IntoIterator<Item = MetricDatum>) -> Result<(), Failure> {
        let data = data.into_iter().collect();
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

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
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
