//! What starts a failover: the primary's alarm, and whoever looks each minute whether one came to nothing.

use serde_json::{Value, json};

use super::{Resources, alarm::Alarm, engine::Export, rule, watch::PRIMARY_DOWN};
use crate::{failover::starter, plan::PairPlan, state_machine::StateMachine};

pub(super) fn add(plan: &PairPlan, resources: &mut Resources) {
    let (by_the_alarm, lost) = (by_the_alarm(plan, resources), lost(plan, resources));
    resources.add("StartFailoverRule", by_the_alarm);
    resources.add("LostFailoverStartsAlarm", lost);
    // Where all is well, each start reads the lease and the watch and ends. Disabled, only the alarm's change and people
    // start a failover.
    let says = "Looks each minute whether a failover that came to nothing must be started again.";
    let starter = ("start-failover", Export::StartFailover);
    let name = starter::rule_name(&plan.plan);
    resources.add("StartAgainSchedule", rule::every(&plan.plan, &name, says, rule::EACH_MINUTE, starter));
}

/// How late a failover may start: it still looks again before it moves anything.
const LATEST_START_SECONDS: u32 = 900;

fn by_the_alarm(plan: &PairPlan, resources: &Resources) -> Value {
    let pattern = json!({
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "resources": [{ "Fn::GetAtt": [resources.id("PrimaryDownAlarm"), "Arn"] }],
        "detail": {
            "alarmName": [format!("lifeboat-{}-{PRIMARY_DOWN}", plan.plan)],
            "state": { "value": ["ALARM"] },
        },
    });
    let target = json!({
        "Id": "failover",
        "Arn": Export::Machine(StateMachine::Failover).import(),
        "RoleArn": Export::StartFailoverRole.import(),
        "RetryPolicy": { "MaximumEventAgeInSeconds": LATEST_START_SECONDS, "MaximumRetryAttempts": 60 },
        "DeadLetterConfig": { "Arn": Export::LostEvents.import() },
    });
    let says = "Starts a failover when the primary's alarm is raised. The event is the run's request.";
    rule::rule(&rule::name(&plan.plan, "start-failover"), says, ("EventPattern", pattern), target)
}

fn lost(plan: &PairPlan, resources: &Resources) -> Value {
    // By EventBridge's own count: a queue's metrics come up to 15 minutes late where nobody uses it.
    Alarm {
        plan: &plan.plan,
        what: "lost-failover-starts",
        says: format!("EventBridge could not start a failover of plan {}. RUNBOOK, \"An alarm\".", plan.plan),
        namespace: "AWS/Events",
        metric: "InvocationsSentToDlq",
        statistic: "Sum",
        dimensions: json!([{ "Name": "RuleName", "Value": { "Ref": resources.id("StartFailoverRule") } }]),
    }
    .usual()
}
