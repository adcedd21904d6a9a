//! What a run measured, for whoever looks at a graph or waits for an alarm.

use std::{future::Future, time::Duration};

use domain::{
    record::evidence::Evidence,
    words::{failure::Failure, id::PlanName},
};
use edge::metrics::Metrics;
use tracing::warn;

/// Who keeps the figures of runs.
pub trait Gauge {
    /// A run of this plan has ended.
    fn ended(&self, plan: &PlanName, evidence: &Evidence) -> impl Future<Output = Result<(), Failure>>;
}

impl Gauge for Metrics {
    async fn ended(&self, plan: &PlanName, evidence: &Evidence) -> Result<(), Failure> {
        self.ended_run(plan, evidence).await
    }
}

/// How long CloudWatch may take, with all its repetitions: the evidence and the lease are done by then.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the figures of a run. No run waits for them: its evidence has them all.
pub(crate) async fn tell(gauge: &impl Gauge, evidence: &Evidence) {
    let Some(plan) = &evidence.plan else { return };
    match tokio::time::timeout(PATIENCE, gauge.ended(plan, evidence)).await {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => warn!(plan.name = %plan, why = failure.chain(), "the run's figures are not in CloudWatch"),
        Err(_) => warn!(plan.name = %plan, "CloudWatch did not take the run's figures in time"),
    }
}
