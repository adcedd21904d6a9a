//! What the stacks must hold, whatever the plan.

mod regions;

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
    assert_eq!(
        (&old["MetricName"], &old["Statistic"]),
        (&json!(metric::Metric::WholeBackups.name()), &json!("SampleCount"))
    );
    assert!(resources["BackupDailyReportsTooSmallAlarm"].is_null());
    assert_eq!(
        resources["BackupDailyOrdersTooOldAlarm"]["Properties"]["MetricName"],
        metric::Metric::BackupSizeBytes.name()
    );
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
        let name =
            ["Name", "AlarmName", "DashboardName", "QueueName"].iter().find_map(|key| properties[*key].as_str())?;
        // A schedule's name is its group's, which has the plan's.
        let group = if properties["GroupName"].is_object() { "group" } else { "" };
        Some((format!("{}{group}", resource["Type"]), name.to_owned()))
    };
    template["Resources"].as_object().unwrap().values().filter_map(of).collect()
}

#[test]
fn whatever_has_a_name_in_the_account_has_the_plan_s_name_in_it() {
    let named = names(&plan());
    assert!(named.len() > 16, "{named:?}");
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

/// The lab's plan with these alarms.
fn alarmed(alarms: &Value) -> Plan {
    let mut plan = serde_json::to_value(plan()).unwrap();
    plan["alarms"] = alarms.clone();
    serde_json::from_value(plan).unwrap()
}

/// The one alarm of a plan's own.
fn alarm(fields: &Value) -> Value {
    let mut alarm = json!({"name": "ours"});
    fields.as_object().unwrap().iter().for_each(|(key, value)| alarm[key] = value.clone());
    recovery(&alarmed(&json!([alarm])))["Resources"]["AlarmOurs"]["Properties"].clone()
}

#[test]
fn a_plan_s_own_alarm_says_how_bad_it_is_whose_and_where_it_says_what_to_do() {
    let made = alarm(&json!({
        "watch": "primary-down", "for": "2m", "severity": "critical", "team": "infrastructure",
        "runbook": "https://runbooks.example.com/primary-down",
    }));
    assert_eq!(made["AlarmName"], "lifeboat-lab-alarm-ours");
    assert_eq!(
        made["AlarmDescription"],
        "critical, infrastructure: for 2m no sample of the primary of plan lab succeeded. \
         https://runbooks.example.com/primary-down RUNBOOK, \"An alarm that a plan adds\"."
    );
    assert_eq!((&made["Period"], &made["EvaluationPeriods"]), (&json!(60), &json!(2)));
    assert_eq!((&made["Statistic"], &made["TreatMissingData"]), (&json!("Minimum"), &json!("ignore")));
    assert_eq!(made["AlarmActions"], json!([engine::Export::Topic.import()]));
    let said = alarm(&json!({"watch": "dns-moved", "severity": "warning"}));
    let said = said["AlarmDescription"].as_str().unwrap();
    assert!(said.starts_with("warning: a run has moved the record"), "{said}");
}

#[test]
fn each_watch_is_of_a_metric_that_the_engine_writes() {
    use metric::Metric;
    let series = |of: &metric::Of<'_>| of.in_template();
    let (plan, orders) = ("lab".parse().unwrap(), "orders".parse().unwrap());
    let (of_plan, of_orders) = (metric::Of::plan(&plan), metric::Of::component(&plan, &orders));
    for (fields, metric, of, treated) in [
        (json!({"watch": "primary-down"}), Metric::ConsecutiveFailures, &metric::Of::samples(&plan), "ignore"),
        (json!({"watch": "recovery-not-ready"}), Metric::NotReady, &of_plan, "ignore"),
        (json!({"watch": "replication-lag-bytes", "above": 1}), Metric::ReplicationLagBytes, &of_plan, "missing"),
        (json!({"watch": "backup-failed"}), Metric::FailedBackups, &of_plan, "notBreaching"),
        (json!({"watch": "backup-failed", "of": "orders"}), Metric::FailedBackups, &of_orders, "notBreaching"),
        (json!({"watch": "dns-moved"}), Metric::RecordMoves, &of_plan, "notBreaching"),
    ] {
        let made = alarm(&fields);
        assert_eq!((&made["Namespace"], &made["MetricName"]), (&json!("Lifeboat"), &json!(metric.name())), "{fields}");
        assert_eq!((&made["Dimensions"], &made["TreatMissingData"]), (&series(of), &json!(treated)), "{fields}");
    }
}

#[test]
fn a_lag_is_above_so_many_bytes_in_each_minute_of_the_span() {
    let made = alarm(&json!({"watch": "replication-lag-bytes", "above": 104_857_600}));
    assert_eq!((&made["Period"], &made["EvaluationPeriods"]), (&json!(60), &json!(5)));
    assert_eq!(made["Threshold"], json!(104_857_600.0));
    assert_eq!(made["ComparisonOperator"], "GreaterThanThreshold");
    let text = made["AlarmDescription"].as_str().unwrap();
    assert!(text.contains("more than 104857600 bytes behind"), "{text}");
    let watches = |alarms: &Value| alarmed(alarms).pairs().any(|pair| watches_the_lag(&pair));
    assert!(watches(&json!([{"name": "a", "watch": "replication-lag-bytes", "above": 1}])));
    assert!(!watches(&json!([{"name": "a", "watch": "primary-down"}])));
}

#[test]
fn what_is_looked_at_each_half_hour_is_not_ready_for_as_many_looks() {
    for (lasting, period, looks) in [("5m", 300, 1), ("30m", 1_800, 1), ("31m", 1_800, 2), ("2h", 1_800, 4)] {
        let made = alarm(&json!({"watch": "recovery-not-ready", "for": lasting}));
        assert_eq!((&made["Period"], &made["EvaluationPeriods"]), (&json!(period), &json!(looks)), "{lasting}");
    }
}

#[test]
fn a_metric_of_the_application_is_held_against_its_threshold_alone_or_with_a_second_one() {
    let metric = json!({"namespace": "Shop", "name": "Errors", "dimensions": {"Side": "us"}, "statistic": "sum"});
    let made = alarm(&json!({"watch": "metric", "metric": metric, "below": 0.1, "for": "2m"}));
    assert_eq!(
        (&made["Namespace"], &made["MetricName"], &made["Statistic"]),
        (&json!("Shop"), &json!("Errors"), &json!("Sum"))
    );
    assert_eq!(made["Dimensions"], json!([{"Name": "Side", "Value": "us"}]));
    assert_eq!((&made["Threshold"], &made["ComparisonOperator"]), (&json!(0.1), &json!("LessThanThreshold")));
    let sessions = json!({"metric": {"namespace": "Shop", "name": "Sessions"}, "below": 1});
    let both = alarm(&json!({"watch": "metric", "metric": metric, "above": 0.1, "and": sessions, "for": "2m"}));
    let metrics = both["Metrics"].as_array().unwrap();
    assert_eq!(metrics[2]["Expression"], "IF(first > 0.1 AND second < 1, 1, 0)");
    assert_eq!(metrics[1]["MetricStat"]["Metric"]["MetricName"], "Sessions");
    assert_eq!((&both["Threshold"], &both["EvaluationPeriods"]), (&json!(1), &json!(2)));
    assert_eq!(both["ComparisonOperator"], "GreaterThanOrEqualToThreshold");
    for key in ["Namespace", "MetricName", "Dimensions", "Statistic", "Period"] {
        assert!(both[key].is_null(), "{key} is of each of its metrics: CloudFormation takes one or the other");
    }
}

#[test]
fn an_alarm_tells_the_plan_s_topics_as_well() {
    let mut plan = alarmed(&json!([{"name": "ours", "watch": "dns-moved"}]));
    plan.notifications.topics = vec!["arn:aws:sns:us-west-2:123456789012:on-call".into()];
    let actions = &recovery(&plan)["Resources"]["AlarmOurs"]["Properties"]["AlarmActions"];
    assert_eq!(*actions, json!([engine::Export::Topic.import(), "arn:aws:sns:us-west-2:123456789012:on-call"]));
}

#[test]
fn each_pair_has_its_own_where_none_is_named() {
    let mut plan = serde_json::to_value(plan()).unwrap();
    let mut stock = plan["components"][0].clone();
    stock["name"] = json!("stock");
    plan["components"].as_array_mut().unwrap().push(stock);
    let mut traffic = plan["traffic"][0].clone();
    (traffic["component"], traffic["record"]["name"]) = (json!("stock"), json!("db.stock.example.com"));
    plan["traffic"].as_array_mut().unwrap().push(traffic);
    let mut names = |of: Value| {
        plan["alarms"] = json!([{"name": "ours", "watch": "dns-moved", "of": of}]);
        let made = recovery(&serde_json::from_value(plan.clone()).unwrap());
        let all = made["Resources"].as_object().unwrap().values();
        let all = all.filter_map(|resource| resource["Properties"]["AlarmName"].as_str().map(str::to_owned));
        all.filter(|name| name.contains("-alarm-")).collect::<Vec<_>>()
    };
    assert_eq!(names(Value::Null), ["lifeboat-lab-alarm-ours", "lifeboat-lab.stock-alarm-ours"]);
    assert_eq!(names(json!("stock")), ["lifeboat-lab.stock-alarm-ours"]);
}

#[test]
fn a_dashboard_draws_what_is_measured_against_what_was_promised() {
    let made = recovery(&alarmed(&json!([{"name": "lag", "watch": "replication-lag-bytes", "above": 1}])));
    let made = &made["Resources"]["Dashboard"]["Properties"];
    assert_eq!(made["DashboardName"], "lifeboat-lab");
    let body: Value = serde_json::from_str(made["DashboardBody"].as_str().unwrap()).unwrap();
    let widgets = body["widgets"].as_array().unwrap();
    let drawn: BTreeSet<&str> = widgets
        .iter()
        .flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap())
        .filter(|metric| metric[0] == metric::NAMESPACE)
        .map(|metric| metric[1].as_str().unwrap())
        .collect();
    let sizes = metric::Metric::BackupSizeBytes;
    let all = metric::Metric::ALL.iter().filter(|metric| **metric != sizes).map(|metric| metric.name());
    assert_eq!(drawn, all.collect());
    let promised: Vec<f64> = widgets
        .iter()
        .filter_map(|widget| widget["properties"]["annotations"]["horizontal"][0]["value"].as_f64())
        .collect();
    assert_eq!(promised, [3.0, 30.0, 5.0], "samples in a row, RTO and RPO");
    let places: BTreeSet<(u64, u64)> =
        widgets.iter().map(|widget| (widget["x"].as_u64().unwrap(), widget["y"].as_u64().unwrap())).collect();
    assert!(places.len() == widgets.len() && places.iter().all(|(x, _)| x + 8 <= 24), "{places:?}");
    let plain = Plan { backups: Vec::new(), cleanup: None, ..plan() };
    let body = recovery(&plain)["Resources"]["Dashboard"]["Properties"]["DashboardBody"].to_string();
    assert!(!body.contains("WholeBackups") && !body.contains("ReplicationLagBytes"), "{body}");
}

#[test]
fn each_region_looks_at_the_other_one_and_has_an_alarm_for_each_limit_that_is_said() {
    let with = |limits: Value| {
        let mut plan = serde_json::to_value(plan()).unwrap();
        plan["health"] = json!({"every": "30s", "afterError": "90s", "checks": ["all"], "limits": limits});
        serde_json::from_value::<Plan>(plan).unwrap()
    };
    let alarms = |template: &Value| {
        let resources = template["Resources"].as_object().unwrap().keys();
        resources.filter(|name| name.starts_with("Health")).cloned().collect::<Vec<_>>()
    };
    let bare = with(json!({}));
    for (place, of) in [(Place::Recovery, "us-east-1"), (Place::Primary, "us-west-2")] {
        let template = synth(&bare, place).unwrap();
        assert_eq!(alarms(&template), ["HealthSchedule", "HealthUnhealthyAlarm", "HealthUnknownAlarm"]);
        let target = &template["Resources"]["HealthSchedule"]["Properties"]["Targets"][0];
        let input: Value = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
        assert_eq!(input, json!({"plan": "lab", "region": of}));
        let unhealthy = &template["Resources"]["HealthUnhealthyAlarm"]["Properties"];
        assert_eq!((&unhealthy["Threshold"], &unhealthy["TreatMissingData"]), (&json!(3), &json!("ignore")));
        assert_eq!(unhealthy["Dimensions"][1], json!({"Name": "Region", "Value": of}));
        // Twice 90 s and a minute, in periods of two minutes.
        let unknown = &template["Resources"]["HealthUnknownAlarm"]["Properties"];
        assert_eq!((&unknown["Period"], &unknown["EvaluationPeriods"]), (&json!(120), &json!(2)));
        assert_eq!(unknown["TreatMissingData"], "breaching", "silence is unknown");
    }
    let limited = with(json!({"availabilityPercent": 95, "latency": "500ms"}));
    let template = synth(&limited, Place::Recovery).unwrap();
    let latency = &template["Resources"]["HealthLatencyAlarm"]["Properties"];
    assert_eq!((&latency["Threshold"], &latency["MetricName"]), (&json!(500), &json!("HealthLatency")));
    let availability = &template["Resources"]["HealthAvailabilityAlarm"]["Properties"];
    assert_eq!(availability["ComparisonOperator"], "LessThanThreshold");
    assert_eq!(availability["Statistic"], "Minimum");
    assert_eq!(alarms(&template).len(), 5);
}
