//! The engine's metrics.

use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit},
};
use domain::{
    backup::Taken,
    failure::Failure,
    id::{PlanName, ScheduleName},
    synth::{SIZE_METRIC, WHOLE_METRIC},
};
use jiff::Timestamp;

use crate::{aws, aws_failure};

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

    /// Publishes that there is a whole backup, at the time that its data is of, and how large its database was, where
    /// somebody knew: the alarms watch that there is one, and that it is not too small.
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
                .timestamp(DateTime::from_millis(taken.shot.database_time.as_millisecond()))
                .value(value)
                .unit(unit)
                .build()
        };
        let whole = datum(WHOLE_METRIC, 1.0, StandardUnit::Count);
        let size = taken.shot.size_bytes.map(|bytes| datum(SIZE_METRIC, bytes as f64, StandardUnit::Bytes));
        self.publish(plan, std::iter::once(whole).chain(size)).await
    }

    async fn publish(&self, plan: &PlanName, data: impl IntoIterator<Item = MetricDatum>) -> Result<(), Failure> {
        let data = data.into_iter().collect();
        let request = self.client.put_metric_data().namespace(NAMESPACE).set_metric_data(Some(data));
        let published = request.send().await;
        published.map(drop).map_err(|error| aws_failure!(format!("cannot publish a metric of plan `{plan}`"), error))
    }
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}
