//! EventBridge's rules: what starts a function each minute, and what is told of a run's end.

use serde_json::{Value, json};

use super::engine::Export;
use crate::words::id::PlanName;

/// As often as EventBridge starts anything.
pub(super) const EACH_MINUTE: &str = "rate(1 minute)";

/// What a rule of a plan is called; 64 characters at most.
pub(super) fn name(plan: &PlanName, what: &str) -> String {
    format!("lifeboat-{plan}-{what}")
}

/// A rule of a plan's stack.
pub(super) fn rule(name: &str, says: &str, when: (&str, Value), target: Value) -> Value {
    let (key, when) = when;
    json!({
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Name": name,
            "Description": says,
            key: when,
            "State": "ENABLED",
            "Targets": [target],
        },
    })
}

/// A rule that starts a function every so often, with the plan's name as its input.
pub(super) fn every(plan: &PlanName, name: &str, says: &str, rate: &str, (id, function): (&str, Export)) -> Value {
    let input = json!({ "plan": plan }).to_string();
    let mut target = json!({ "Id": id, "Arn": function.import(), "Input": input });
    target["RetryPolicy"] = once();
    rule(name, says, ("ScheduleExpression", json!(rate)), target)
}

/// A start that could not be made in time is worth nothing: the next one covers it.
pub(super) fn once() -> Value {
    json!({ "MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0 })
}
