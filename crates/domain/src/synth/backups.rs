//! What starts a plan's backups, their proofs and its cleanup, and who hears when one is lost, too old or too small.

use serde_json::{Value, json};

use super::{
    Resources,
    alarm::Alarm,
    engine::Export,
    logical_id,
    metric::{Metric, NAMESPACE, Of},
};
use crate::{
    plan::{Backup, BackupAlarm, Plan},
    restore::{Purpose, RestoreRequest, Wanted},
    state_machine::StateMachine,
    words::id::{ComponentName, Schedule},
};

pub(super) fn add(plan: &Plan, resources: &mut Resources) {
    for backup in &plan.backups {
        let name = logical_id(backup.name.as_str());
        if let Some(when) = backup.schedule.schedule() {
            resources.add(format!("Backup{name}Schedule"), backup_schedule(plan, backup, when));
        }
        let verification = backup.verification.as_ref();
        for (what, purpose, when) in [
            ("Integrity", Purpose::Integrity, verification.and_then(|verification| verification.integrity.as_ref())),
            ("RestoreTest", Purpose::Test, verification.and_then(|verification| verification.restore_test.as_ref())),
        ] {
            if let Some(when) = when {
                resources.add(format!("{what}{name}Schedule"), proof_schedule(plan, backup, purpose, when));
            }
        }
        for component in &backup.components {
            let of = format!("Backup{name}{}", logical_id(component.as_str()));
            for (what, alarm) in size_alarms(plan, backup, component) {
                resources.add(format!("{of}{what}Alarm"), alarm);
            }
        }
    }
    if let Some(cleanup) = &plan.cleanup {
        let input = json!({ "plan": plan.plan });
        let schedule = schedule("cleanup", cleanup.schedule.as_str(), StateMachine::Cleanup, &input);
        resources.add("CleanupSchedule", schedule);
    }
    resources.add("Schedules", group(plan));
    resources.add("LostStarts", queue(plan));
    resources.add("LostStartsAlarm", lost_alarm(plan));
}

fn backup_schedule(plan: &Plan, backup: &Backup, when: &Schedule) -> Value {
    let input = json!({
        "plan": plan.plan,
        "schedule": backup.name,
        // EventBridge Scheduler writes its own time here: one that fires twice asks for one backup.
        "scheduledAt": "<aws.scheduler.scheduled-time>",
    });
    schedule(&format!("backup-{}", backup.name), when.as_str(), StateMachine::Backup, &input)
}

fn proof_schedule(plan: &Plan, backup: &Backup, purpose: Purpose, when: &Schedule) -> Value {
    let request = RestoreRequest {
        plan: plan.plan.clone(),
        schedule: Some(backup.name.clone()),
        component: None,
        purpose,
        wanted: if backup.is_continuous() { Wanted::LatestTime } else { Wanted::Latest },
        region: None,
        by: None,
    };
    let what = if purpose == Purpose::Integrity { "integrity" } else { "restore-test" };
    schedule(&format!("{what}-{}", backup.name), when.as_str(), StateMachine::VerifyBackup, &json!(request))
}

/// How long a start is tried: after a day another one is due.
const MOST_AGE_SECONDS: u64 = 24 * 3_600;

/// EventBridge Scheduler's most.
const MOST_ATTEMPTS: u64 = 185;

fn group(plan: &Plan) -> Value {
    json!({ "Type": "AWS::Scheduler::ScheduleGroup", "Properties": { "Name": format!("lifeboat-{}", plan.plan) } })
}

fn schedule(name: &str, expression: &str, machine: StateMachine, input: &Value) -> Value {
    json!({
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Name": name,
            "GroupName": { "Ref": "Schedules" },
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "State": "ENABLED",
            "Target": {
                "Arn": Export::Machine(machine).import(),
                "RoleArn": Export::ScheduleRole.import(),
                "Input": input.to_string(),
                "RetryPolicy": {
                    "MaximumEventAgeInSeconds": MOST_AGE_SECONDS,
                    "MaximumRetryAttempts": MOST_ATTEMPTS,
                },
                "DeadLetterConfig": { "Arn": { "Fn::GetAtt": ["LostStarts", "Arn"] } },
            },
        },
    })
}

/// Two weeks, SQS's longest.
const KEPT_SECONDS: u64 = 14 * 24 * 3_600;

fn queue(plan: &Plan) -> Value {
    json!({
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "QueueName": format!("lifeboat-{}-lost-starts", plan.plan),
            "MessageRetentionPeriod": KEPT_SECONDS,
            "SqsManagedSseEnabled": true,
        },
    })
}

fn lost_alarm(plan: &Plan) -> Value {
    let says = format!(
        "EventBridge Scheduler could not start a backup, a proof of one, or a cleanup of plan {}. RUNBOOK, \"A start that was lost\".",
        plan.plan
    );
    Alarm {
        plan: &plan.plan,
        what: "lost-starts",
        says,
        namespace: "AWS/SQS",
        metric: "ApproximateNumberOfMessagesVisible",
        statistic: "Maximum",
        dimensions: json!([{ "Name": "QueueName", "Value": { "Fn::GetAtt": ["LostStarts", "QueueName"] } }]),
    }
    .usual()
}

/// The alarms of one component's backups, by what is wrong then. Of some kinds no size is told, so that none
/// watches it.
fn size_alarms(plan: &Plan, backup: &Backup, component: &ComponentName) -> Vec<(&'static str, Value)> {
    let dimensions = Of::series(&plan.plan, &backup.name, component).in_template();
    let of = format!("{} of plan {}, schedule {}", component, plan.plan, backup.name);
    let name = format!("{}-{component}", backup.name);
    let has_size = plan.component(component).is_none_or(|known| known.kind().tells_size());
    let metric = if has_size { Metric::BackupSizeBytes } else { Metric::WholeBackups }.name();
    let hourly = |kind: &str, says, statistic, mut changes: Value| {
        changes["Period"] = json!(HOUR_SECONDS);
        changes["ComparisonOperator"] = json!("LessThanThreshold");
        let (what, dimensions) = (&format!("{name}-{kind}"), dimensions.clone());
        Alarm { plan: &plan.plan, what, says, namespace: NAMESPACE, metric, statistic, dimensions }.with(changes)
    };
    let Some(BackupAlarm { older_than, smaller_than_bytes }) = &backup.alarm else { return Vec::new() };
    // One that is too old is one of which nothing was published for so long; silence breaches.
    let hours = older_than.duration().as_secs() / HOUR_SECONDS;
    let says = format!("No whole backup of {of} for {older_than}. RUNBOOK, \"A backup is too old\".");
    let changes = json!({ "EvaluationPeriods": hours, "DatapointsToAlarm": hours, "TreatMissingData": "breaching" });
    let mut alarms = vec![("TooOld", hourly("too-old", says, "SampleCount", changes))];
    if let Some(bytes) = smaller_than_bytes.filter(|_| has_size) {
        let says = format!("A backup of {of} held less than {bytes} bytes. RUNBOOK, \"A backup is too small\".");
        alarms.push(("TooSmall", hourly("too-small", says, "Minimum", json!({ "Threshold": bytes }))));
    }
    alarms
}

const HOUR_SECONDS: u64 = 3_600;
