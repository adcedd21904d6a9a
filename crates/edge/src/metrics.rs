//! The watch's metric.

use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit},
};
use domain::{failure::Failure, id::PlanName};
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

    /// Publishes how many samples have failed in a row, at one second's resolution: the alarm watches its maximum.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn consecutive_failures(&self, plan: &PlanName, at: Timestamp, failures: u32) -> Result<(), Failure> {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let datum = MetricDatum::builder()
            .metric_name("ConsecutiveFailures")
            .dimensions(dimension("Plan", plan.as_str()))
            .dimensions(dimension("Vantage", "recovery"))
            .timestamp(DateTime::from_millis(at.as_millisecond()))
            .value(f64::from(failures))
            .unit(StandardUnit::Count)
            .storage_resolution(1)
            .build();
        let request = self.client.put_metric_data().namespace(NAMESPACE).metric_data(datum);
        request
            .send()
            .await
            .map(drop)
            .map_err(|error| aws_failure!(format!("cannot publish the metric of plan `{plan}`"), error))
    }
}
