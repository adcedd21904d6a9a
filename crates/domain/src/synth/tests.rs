//! What the stacks must hold, whatever the plan.

use std::collections::BTreeSet;

use super::*;
use crate::{
    restore::{Purpose, RestoreRequest, Wanted},
    state_machine::StateMachine,
};

fn plan() -> Plan {
    crate::plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
}

/// The stack of the recovery Region.
fn recovery(plan: &Plan) -> Value {
    synth(plan, Place::Recovery).unwrap()
}

#[test]
fn every_schedule_of_the_plan_starts_its_state_machine_with_its_own_time() {
    let template = recovery(&plan());
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
    let template = recovery(&plan());
    for (name, purpose) in [("IntegrityDailySchedule", Purpose::Integrity), ("RestoreTestDailySchedule", Purpose::Test)]
    {
        let target = &template["Resources"][name]["Properties"]["Target"];
        assert_eq!(target["Arn"], engine::Export::Machine(StateMachine::VerifyBackup).import());
        let request: RestoreRequest = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
        assert_eq!((request.purpose, request.wanted), (purpose, Wanted::Latest));
    }
    let mut without = plan();
    without.backups[0].verification = None;
    assert!(recovery(&without)["Resources"]["RestoreTestDailySchedule"].is_null());
}

#[test]
fn a_backup_that_is_missing_too_old_or_too_small_calls_a_person() {
    let template = recovery(&plan());
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
    let resources = &recovery(&plan)["Resources"];
    let old = &resources["BackupDailyReportsTooOldAlarm"]["Properties"];
    assert_eq!((&old["MetricName"], &old["Statistic"]), (&json!(WHOLE_METRIC), &json!("SampleCount")));
    assert!(resources["BackupDailyReportsTooSmallAlarm"].is_null());
    assert_eq!(resources["BackupDailyOrdersTooOldAlarm"]["Properties"]["MetricName"], SIZE_METRIC);
}

#[test]
fn a_start_that_is_lost_is_kept_and_told() {
    let template = recovery(&plan());
    let resources = template["Resources"].as_object().unwrap();
    for (name, resource) in resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Scheduler::Schedule") {
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
    let template = recovery(&plan);
    for resource in template["Resources"].as_object().unwrap().values() {
        let name = resource["Properties"]["Name"].as_str().unwrap_or_default();
        assert!(name.len() <= 64, "EventBridge Scheduler takes 64 characters: {name}");
    }
}

#[test]
fn the_same_plan_makes_the_same_text_and_one_without_backups_has_no_schedules() {
    assert_eq!(recovery(&plan()).to_string(), recovery(&plan()).to_string());
    let plain = Plan { backups: Vec::new(), cleanup: None, ..plan() };
    let template = recovery(&plain);
    let kinds = template["Resources"].as_object().unwrap().values().map(|resource| resource["Type"].clone());
    assert!(kinds.into_iter().all(|kind| kind != "AWS::Scheduler::Schedule"));
}

/// What a resource is called in the account, by its kind and the property that has the name.
fn names(plan: &Plan) -> Vec<(String, String)> {
    let template = recovery(plan);
    let of = |resource: &Value| {
        let properties = &resource["Properties"];
        let name = ["Name", "AlarmName", "QueueName"].iter().find_map(|key| properties[*key].as_str())?;
        // A schedule's name is its group's, which has the plan's.
        let group = if properties["GroupName"].is_object() { "group" } else { "" };
        Some((format!("{}{group}", resource["Type"]), name.to_owned()))
    };
    template["Resources"].as_object().unwrap().values().filter_map(of).collect()
}

#[test]
fn whatever_has_a_name_in_the_account_has_the_plan_s_name_in_it() {
    let named = names(&plan());
    assert!(named.len() > 15, "{named:?}");
    for (kind, name) in named {
        assert!(
            kind.ends_with("group") || name == "lifeboat-lab" || name.starts_with("lifeboat-lab-"),
            "{kind}: {name}"
        );
    }
    let mut other = plan();
    other.plan = "other".parse().unwrap();
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) =
        (names(&plan()).into_iter().collect(), names(&other).into_iter().collect());
    let both: Vec<_> = ours.intersection(&theirs).filter(|(kind, _)| !kind.ends_with("group")).collect();
    assert!(both.is_empty(), "{both:?}");
}

#[test]
fn what_is_started_is_told_which_plan_it_is_for() {
    let template = recovery(&plan());
    let rules = template["Resources"].as_object().unwrap().values();
    let rules = rules.filter(|resource| resource["Properties"]["ScheduleExpression"].as_str().is_some_and(is_rate));
    let mut looked_at = 0;
    for rule in rules {
        let target = &rule["Properties"]["Targets"][0];
        let (template, input) = (&target["InputTransformer"]["InputTemplate"], &target["Input"]);
        let text = input.as_str().or(template.as_str()).unwrap().replace("<time>", "\"2026-01-01T00:00:00Z\"");
        let input: Value = serde_json::from_str(&text).unwrap();
        assert!([&input["plan"], &input["watch"]["plan"]].contains(&&json!("lab")), "{input}");
        looked_at += 1;
    }
    assert_eq!(looked_at, 4, "the probe, the guard, the starter, readiness");
}

fn is_rate(expression: &str) -> bool {
    expression.starts_with("rate(")
}

#[test]
fn a_region_gets_what_belongs_there() {
    let kinds = |place| {
        let template = synth(&plan(), place);
        let resources = template.iter().flat_map(|template| template["Resources"].as_object().unwrap().clone());
        resources.map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(kinds(Place::Primary), ["RunEndedBadlyAlarm", "RunEndedBadlyRule"], "how a run ended is told anywhere");
    assert_eq!(kinds(Place::Witness), [""; 0], "it is only asked");
    assert!(kinds(Place::Recovery).contains(&"PrimaryDownAlarm".to_owned()));
    let at = |region: &str| Place::at(&region.parse().unwrap(), &plan());
    assert_eq!(at("us-west-2"), Some(Place::Recovery));
    assert_eq!(at("us-east-1"), Some(Place::Primary));
    assert_eq!(at("eu-west-1"), Some(Place::Witness));
    assert_eq!(at("eu-north-1"), None);
}

#[test]
fn a_stack_makes_no_role_so_that_whoever_applies_a_plan_needs_no_right_to() {
    for place in Place::ALL {
        let text = synth(&plan(), place).unwrap_or_default().to_string();
        assert!(!text.contains("AWS::IAM::") && !text.contains("AWS::Lambda::Permission"), "{place:?}");
    }
}

#[test]
fn a_run_s_end_is_counted_for_its_plan_alone() {
    let template = recovery(&plan());
    let inputs = &template["Resources"]["RunEndedBadlyRule"]["Properties"]["EventPattern"]["detail"]["input"];
    let parts: Vec<&str> = inputs.as_array().unwrap().iter().map(|part| part["wildcard"].as_str().unwrap()).collect();
    let counts = |input: &str| parts.iter().any(|part| input.contains(part.trim_matches('*')));
    for ours in [
        r#"{"plan":"lab","by":"anna","why":"test"}"#,
        "{\n  \"plan\": \"lab\"\n}",
        r#"{"detail":{"configuration":{"metrics":[{"metricStat":{"metric":{"dimensions":{"Plan":"lab","Vantage":"recovery"}}}}]}}}"#,
    ] {
        assert!(counts(ours), "{ours}");
    }
    for theirs in [r#"{"plan":"lab-2","by":"lab","why":"\"plan\":\"lab\""}"#, r#"{"plan":"other","component":"lab"}"#] {
        assert!(!counts(theirs), "{theirs}");
    }
}
