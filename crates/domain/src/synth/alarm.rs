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
    pub(super) namespace: &'a str,
    pub(super) metric: &'a str,
    pub(super) statistic: &'static str,
    pub(super) dimensions: Value,
}

impl Alarm<'_> {
    /// One that rises where a minute's value is 1 or more, and rests where nothing is told, with these changes: null takes a
    /// property away.
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
        let properties = alarm["Properties"].as_object_mut();
        if let (Some(properties), Value::Object(changes)) = (properties, changes) {
            properties.extend(changes);
            properties.retain(|_, value| !value.is_null());
        }
        alarm
    }

    /// The same as it is.
    pub(super) fn usual(self) -> Value {
        self.with(json!({}))
    }
}
