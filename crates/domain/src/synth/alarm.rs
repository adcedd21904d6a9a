//! An alarm, with what nearly all of them have in common.

use serde_json::{Value, json};

use super::engine::Export;
use crate::words::id::PlanName;

/// An alarm of a plan's stack: `what` of the plan, told to the engine's topic.
pub(super) struct Alarm<'a> {
    pub(super) plan: &'a PlanName,
    /// What its name ends with.
    pub(super) what: &'a str,
    /// What a person reads first, with its heading in RUNBOOK.
    pub(super) says: String,
    pub(super) namespace: &'static str,
    pub(super) metric: &'static str,
    pub(super) statistic: &'static str,
    pub(super) dimensions: Value,
}

impl Alarm<'_> {
    /// One that rises where a minute's value is 1 or more, and rests where nothing is told.
    pub(super) fn with(self, changes: Value) -> Value {
        let mut alarm = json!({
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": format!("lifeboat-{}-{}", self.plan, self.what),
                "AlarmDescription": self.says,
                "Namespace": self.namespace,
                "MetricName": self.metric,
                "Dimensions": self.dimensions,
                "Statistic": self.statistic,
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "notBreaching",
                "AlarmActions": [Export::Topic.import()],
            },
        });
        for (key, value) in changes.as_object().into_iter().flatten() {
            alarm["Properties"][key] = value.clone();
        }
        alarm
    }

    /// The same as it is.
    pub(super) fn usual(self) -> Value {
        self.with(json!({}))
    }
}
