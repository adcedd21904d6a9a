//! A plan's own stack: the schedules that start its backups and its cleanup, and who hears when one is lost.
//!
//! A CloudFormation template for the recovery Region, beside the engine's, which it finds by its names. The same plan
//! makes the same text, so that a change of the plan is a change that a reviewer can read.

use serde_json::{Map, Value, json};

use crate::{
    plan::{Backup, BackupAlarm, Plan},
    restore::{Purpose, RestoreRequest, Wanted},
    state_machine::StateMachine,
    words::id::{ComponentName, Schedule},
};

/// The template.
#[must_use]
pub fn synth(plan: &Plan) -> Value {
    let mut resources = Map::new();
    for backup in &plan.backups {
        let name = logical_id(backup.name.as_str());
        resources.insert(format!("Backup{name}Schedule"), backup_schedule(plan, backup));
        let verification = backup.verification.as_ref();
        for (what, purpose, when) in [
            ("Integrity", Purpose::Integrity, verification.and_then(|verification| verification.integrity.as_ref())),
            ("RestoreTest", Purpose::Test, verification.and_then(|verification| verification.restore_test.as_ref())),
        ] {
            if let Some(when) = when {
                resources.insert(format!("{what}{name}Schedule"), proof_schedule(plan, backup, purpose, when));
            }
        }
        for component in &backup.components {
            let of = format!("Backup{name}{}", logical_id(component.as_str()));
            let alarms = size_alarms(plan, backup, component).into_iter();
            resources.extend(alarms.map(|(what, alarm)| (format!("{of}{what}Alarm"), alarm)));
        }
    }
    if let Some(cleanup) = &plan.cleanup {
        let input = json!({ "plan": plan.plan });
        let schedule = schedule("cleanup", cleanup.schedule.as_str(), StateMachine::Cleanup, &input);
        resources.insert("CleanupSchedule".into(), schedule);
    }
    resources.insert("Schedules".into(), group(plan));
    resources.insert("ScheduleRole".into(), role());
    resources.insert("LostStarts".into(), queue(plan));
    resources.insert("LostStartsAlarm".into(), lost_alarm(plan));
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("Lifeboat - the schedules and alarms of plan {}, made by lifeboat plan synth", plan.plan),
        "Resources": resources,
    })
}

/// What a plan's schedules start.
const MACHINES: [StateMachine; 3] = [StateMachine::Backup, StateMachine::Cleanup, StateMachine::VerifyBackup];

fn backup_schedule(plan: &Plan, backup: &Backup) -> Value {
    let input = json!({
        "plan": plan.plan,
        "schedule": backup.name,
        // EventBridge Scheduler writes its own time here: one that fires twice asks for one backup.
        "scheduledAt": "<aws.scheduler.scheduled-time>",
    });
    schedule(&format!("backup-{}", backup.name), backup.schedule.as_str(), StateMachine::Backup, &input)
}

fn proof_schedule(plan: &Plan, backup: &Backup, purpose: Purpose, when: &Schedule) -> Value {
    let request = RestoreRequest {
        plan: plan.plan.clone(),
        schedule: Some(backup.name.clone()),
        component: None,
        purpose,
        wanted: Wanted::Latest,
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
                "Arn": machine_arn(machine),
                "RoleArn": { "Fn::GetAtt": ["ScheduleRole", "Arn"] },
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

fn machine_arn(machine: StateMachine) -> Value {
    let machine = machine.name();
    json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:{machine}") })
}

/// What EventBridge Scheduler may do: start these, and say that it could not.
fn role() -> Value {
    json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "scheduler.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                    "Condition": { "StringEquals": { "aws:SourceAccount": { "Ref": "AWS::AccountId" } } },
                }],
            },
            "Policies": [{
                "PolicyName": "start",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "states:StartExecution",
                            "Resource": MACHINES.map(machine_arn),
                        },
                        {
                            "Effect": "Allow",
                            "Action": "sqs:SendMessage",
                            "Resource": { "Fn::GetAtt": ["LostStarts", "Arn"] },
                        },
                    ],
                },
            }],
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
    let queue = json!([{ "Name": "QueueName", "Value": { "Fn::GetAtt": ["LostStarts", "QueueName"] } }]);
    let name = format!("lifeboat-{}-lost-starts", plan.plan);
    alarm(&name, &says, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", &queue)
}

/// The metric that `CloseBackup` publishes of each whole backup: its database's size.
pub const SIZE_METRIC: &str = "BackupSizeBytes";

/// The metric that it publishes of each whole backup, also where nobody knows its size.
pub const WHOLE_METRIC: &str = "WholeBackups";

/// The alarms of one component's backups, by what is wrong then. Of some kinds no size is told, so that none watches it.
fn size_alarms(plan: &Plan, backup: &Backup, component: &ComponentName) -> Vec<(&'static str, Value)> {
    let dimensions = json!([
        { "Name": "Plan", "Value": plan.plan },
        { "Name": "Schedule", "Value": backup.name },
        { "Name": "Component", "Value": component },
    ]);
    let of = format!("{} of plan {}, schedule {}", component, plan.plan, backup.name);
    let name = format!("lifeboat-{}-{}-{component}", plan.plan, backup.name);
    let has_size = plan.component(component).is_none_or(|known| known.kind().tells_size());
    let metric = if has_size { SIZE_METRIC } else { WHOLE_METRIC };
    let hourly = |kind: &str, says: &str, statistic: &str, changes: Value| {
        let mut alarm = alarm(&format!("{name}-{kind}"), says, "Lifeboat", metric, statistic, &dimensions);
        for (key, value) in changes.as_object().into_iter().flatten() {
            alarm["Properties"][key] = value.clone();
        }
        alarm["Properties"]["Period"] = json!(HOUR_SECONDS);
        alarm["Properties"]["ComparisonOperator"] = json!("LessThanThreshold");
        alarm
    };
    let Some(BackupAlarm { older_than, smaller_than_bytes }) = &backup.alarm else { return Vec::new() };
    // One that is too old is one of which nothing was published for so long; silence breaches.
    let hours = older_than.duration().as_secs() / HOUR_SECONDS;
    let says = format!("No whole backup of {of} for {older_than}. RUNBOOK, \"A backup is too old\".");
    let changes = json!({ "EvaluationPeriods": hours, "DatapointsToAlarm": hours, "TreatMissingData": "breaching" });
    let mut alarms = vec![("TooOld", hourly("too-old", &says, "SampleCount", changes))];
    if let Some(bytes) = smaller_than_bytes.filter(|_| has_size) {
        let says = format!("A backup of {of} held less than {bytes} bytes. RUNBOOK, \"A backup is too small\".");
        alarms.push(("TooSmall", hourly("too-small", &says, "Minimum", json!({ "Threshold": bytes }))));
    }
    alarms
}

const HOUR_SECONDS: u64 = 3_600;

fn alarm(name: &str, says: &str, namespace: &str, metric: &str, statistic: &str, dimensions: &Value) -> Value {
    json!({
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "AlarmDescription": says,
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": dimensions,
            "Statistic": statistic,
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [
                { "Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:lifeboat" },
            ],
        },
    })
}

/// `every-hour` as `EveryHour`: a logical id has no hyphens. Of two names it can make one, as of `day-1` and `day1`:
/// [`crate::plan_file::check`] refuses a plan with such names.
pub(crate) fn logical_id(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        crate::plan_file::read(include_str!("../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
    }

    #[test]
    fn every_schedule_of_the_plan_starts_its_state_machine_with_its_own_time() {
        let template = synth(&plan());
        let backup = &template["Resources"]["BackupDailySchedule"]["Properties"];
        assert_eq!(backup["ScheduleExpression"], "cron(0 2 * * ? *)");
        assert_eq!(backup["ScheduleExpressionTimezone"], "UTC");
        let input: Value = serde_json::from_str(backup["Target"]["Input"].as_str().unwrap()).unwrap();
        assert_eq!((&input["plan"], &input["schedule"]), (&json!("lab"), &json!("daily")));
        assert_eq!(input["scheduledAt"], "<aws.scheduler.scheduled-time>");
        assert!(template["Resources"]["CleanupSchedule"].is_object());
    }

    #[test]
    fn a_plan_s_proofs_are_started_by_its_schedules_as_the_state_machine_reads_them() {
        let template = synth(&plan());
        for (name, purpose) in
            [("IntegrityDailySchedule", Purpose::Integrity), ("RestoreTestDailySchedule", Purpose::Test)]
        {
            let target = &template["Resources"][name]["Properties"]["Target"];
            assert!(target["Arn"]["Fn::Sub"].as_str().unwrap().ends_with(":lifeboat-verify-backup"));
            let request: RestoreRequest = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
            assert_eq!((request.purpose, request.wanted), (purpose, Wanted::Latest));
        }
        let mut without = plan();
        without.backups[0].verification = None;
        assert!(synth(&without)["Resources"]["RestoreTestDailySchedule"].is_null());
    }

    #[test]
    fn a_backup_that_is_missing_too_old_or_too_small_calls_a_person() {
        let template = synth(&plan());
        let old = &template["Resources"]["BackupDailyOrdersTooOldAlarm"]["Properties"];
        assert_eq!((&old["EvaluationPeriods"], &old["Period"]), (&json!(26), &json!(3_600)));
        assert_eq!((&old["Threshold"], &old["TreatMissingData"]), (&json!(1), &json!("breaching")), "silence is old");
        let small = &template["Resources"]["BackupDailyOrdersTooSmallAlarm"]["Properties"];
        assert_eq!((&small["Threshold"], &small["Statistic"]), (&json!(1_000_000), &json!("Minimum")));
        assert_eq!(small["TreatMissingData"], "notBreaching", "a backup that is missing is not small");
        assert_eq!(small["ComparisonOperator"], "LessThanThreshold");
    }

    #[test]
    fn a_cluster_s_backup_grows_too_old_and_has_no_size_to_watch() {
        let mut plan = plan();
        let cluster = json!({"kind": "cluster", "name": "reports", "engine": "docdb", "primary": "reports"});
        plan.components.push(serde_json::from_value(cluster).unwrap());
        plan.backups[0].components.push("reports".parse().unwrap());
        let resources = &synth(&plan)["Resources"];
        let old = &resources["BackupDailyReportsTooOldAlarm"]["Properties"];
        assert_eq!((&old["MetricName"], &old["Statistic"]), (&json!(WHOLE_METRIC), &json!("SampleCount")));
        assert!(resources["BackupDailyReportsTooSmallAlarm"].is_null());
        assert_eq!(resources["BackupDailyOrdersTooOldAlarm"]["Properties"]["MetricName"], SIZE_METRIC);
    }

    #[test]
    fn a_start_that_is_lost_is_kept_and_told() {
        let template = synth(&plan());
        let resources = template["Resources"].as_object().unwrap();
        for (name, resource) in resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Scheduler::Schedule")
        {
            assert_eq!(
                resource["Properties"]["Target"]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0], "LostStarts",
                "{name}"
            );
            assert!(resource["Properties"]["Name"].as_str().unwrap().len() <= 64, "{name}");
        }
        assert!(resources["LostStartsAlarm"]["Properties"]["AlarmActions"].is_array());
    }

    #[test]
    fn the_longest_names_fit_what_aws_takes() {
        let mut plan = plan();
        plan.plan = "p".repeat(40).parse().unwrap();
        plan.backups[0].name = "s".repeat(20).parse().unwrap();
        let template = synth(&plan);
        for resource in template["Resources"].as_object().unwrap().values() {
            let name = resource["Properties"]["Name"].as_str().unwrap_or_default();
            assert!(name.len() <= 64, "EventBridge Scheduler takes 64 characters: {name}");
        }
    }

    #[test]
    fn the_same_plan_makes_the_same_text_and_one_without_backups_has_no_schedules() {
        assert_eq!(synth(&plan()).to_string(), synth(&plan()).to_string());
        let plain = Plan { backups: Vec::new(), cleanup: None, ..plan() };
        let template = synth(&plain);
        let kinds = template["Resources"].as_object().unwrap().values().map(|resource| resource["Type"].clone());
        assert!(kinds.into_iter().all(|kind| kind != "AWS::Scheduler::Schedule"));
    }
}
