//! The engine's template: least privilege, the bucket, and what is where.

use std::collections::BTreeSet;

use domain::{
    component::{Bucket, SnapshotKind},
    state_machine::StateMachine,
    synth::{
        Language, Place,
        engine::{self as engine_of, Export},
        synth,
    },
    watch::probe::{EVERY, FAILING_TOLD_EVERY, HANDOVER, LATEST_START, LOGIN, LONGEST_INTERVAL, WELL_TOLD_EVERY},
    words::time_span::TimeSpan,
};
use edge::patience::AWS_CALL;
use serde_json::{Value, json};
use tests::{
    machine::Machine,
    repository,
    template::{Template, conditional, one_or_more},
};

use crate::{engine, function_of, lab_plan, resource_of, whole_plan};

/// What a check of a plan may take: `plan check` has it in `verification.rs`.
const LONGEST_CHECK: TimeSpan = TimeSpan::seconds(20);

/// What each function may do beside what the kinds of snapshots need ([`SnapshotKind::actions`]), and nothing else.
const ALLOWED: [(&str, &[&str]); 20] = [
    ("open-run", &["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject", "states:DescribeExecution"]),
    (
        "health-probe",
        &[
            "cloudwatch:PutMetricData",
            "kms:Decrypt",
            "lambda:InvokeFunction",
            "rds-db:connect",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "secretsmanager:GetSecretValue",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
        ],
    ),
    (
        "judge-failover",
        &[
            "kms:Decrypt",
            "lambda:InvokeFunction",
            "rds-db:connect",
            "rds:DescribeDBInstances",
            "s3:GetObject",
            "s3:ListBucket",
            "secretsmanager:GetSecretValue",
            "states:DescribeExecution",
        ],
    ),
    (
        "fence-primary",
        &[
            "kms:Decrypt",
            "rds-db:connect",
            "rds:DescribeDBInstances",
            "rds:ModifyDBInstance",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "secretsmanager:GetSecretValue",
            "states:DescribeExecution",
        ],
    ),
    (
        "drain-primary",
        &[
            "kms:Decrypt",
            "rds-db:connect",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "secretsmanager:GetSecretValue",
            "states:DescribeExecution",
        ],
    ),
    (
        "guard-primary",
        &[
            "kms:Decrypt",
            "rds-db:connect",
            "rds:DescribeDBInstances",
            "rds:ModifyDBInstance",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "secretsmanager:GetSecretValue",
            "sns:Publish",
        ],
    ),
    (
        "promote-replica",
        &[
            "kms:Decrypt",
            "rds-db:connect",
            "rds:DescribeDBInstances",
            "rds:PromoteReadReplica",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "secretsmanager:GetSecretValue",
            "states:DescribeExecution",
        ],
    ),
    (
        "harden-primary",
        &[
            "rds:AddTagsToResource",
            "rds:CreateDBSnapshot",
            "rds:DescribeDBInstances",
            "rds:DescribeDBSnapshots",
            "rds:ModifyDBInstance",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
        ],
    ),
    (
        "dns-switch",
        &[
            "route53:ChangeResourceRecordSets",
            "route53:GetChange",
            "route53:GetHostedZone",
            "route53:ListResourceRecordSets",
            "s3:GetObject",
            "s3:ListBucket",
            "states:DescribeExecution",
        ],
    ),
    ("open-backup", &["s3:GetObject", "s3:ListBucket", "s3:PutObject", "states:DescribeExecution"]),
    (
        "snapshot",
        &[
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "rds-db:connect",
            "rds:AddTagsToResource",
            "rds:DescribeAccountAttributes",
            "rds:ListTagsForResource",
            "s3:GetObject",
            "s3:ListBucket",
            "secretsmanager:GetSecretValue",
        ],
    ),
    (
        "restore",
        &[
            "kms:CreateGrant",
            "kms:DescribeKey",
            "rds:AddTagsToResource",
            "rds:DescribeAccountAttributes",
            "rds:DescribeDBInstances",
            "rds:RestoreDBInstanceFromDBSnapshot",
            "rds:RestoreDBInstanceToPointInTime",
        ],
    ),
    (
        "cleanup",
        &[
            "rds:DeleteDBInstance",
            "rds:DescribeDBInstances",
            "rds:ListTagsForResource",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "states:DescribeExecution",
        ],
    ),
    ("close-backup", &["cloudwatch:PutMetricData", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]),
    (
        "verify",
        &[
            "kms:Decrypt",
            "rds-db:connect",
            "rds:AddTagsToResource",
            "rds:DescribeDBInstanceAutomatedBackups",
            "rds:ListTagsForResource",
            "s3:GetObject",
            "s3:ListBucket",
            "secretsmanager:GetSecretValue",
        ],
    ),
    (
        "start-failover",
        &[
            "lambda:InvokeFunction",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "states:DescribeExecution",
            "states:StartExecution",
        ],
    ),
    (
        "check-readiness",
        &[
            "cloudwatch:GetMetricStatistics",
            "cloudwatch:PutMetricData",
            "kms:Decrypt",
            "kms:DescribeKey",
            "lambda:InvokeFunction",
            "rds-db:connect",
            "rds:DescribeAccountAttributes",
            "rds:DescribeDBInstanceAutomatedBackups",
            "rds:DescribeDBInstances",
            "s3:GetBucketLocation",
            "s3:GetBucketVersioning",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetObject",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            "secretsmanager:GetSecretValue",
        ],
    ),
    (
        "check-health",
        &[
            "cloudwatch:PutMetricData",
            "kms:Decrypt",
            "rds-db:connect",
            "rds:DescribeDBInstances",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "secretsmanager:GetSecretValue",
            "sns:Publish",
        ],
    ),
    ("notify", &["s3:GetObject", "s3:PutObject", "sns:Publish"]),
    (
        "close-run",
        &["cloudwatch:PutMetricData", "s3:GetObject", "s3:ListBucket", "s3:PutObject", "states:GetExecutionHistory"],
    ),
];

#[test]
fn a_role_allows_what_its_function_does_and_nothing_else() {
    let template = engine();
    for (function, allowed) in ALLOWED {
        let actions = template.actions(&resource_of(function));
        let of_snapshots = SnapshotKind::ALL.iter().flat_map(|kind| kind.actions(function));
        let allowed: BTreeSet<String> = allowed.iter().chain(of_snapshots).map(|action| (*action).to_owned()).collect();
        assert_eq!(actions, allowed, "{function}");
    }
}

#[test]
fn what_is_written_only_where_nothing_is_may_be_read_by_who_writes_it() {
    let template = engine();
    for (function, folder) in
        [("close-run", "evidence"), ("cleanup", "reports"), ("close-backup", "backups"), ("open-backup", "at-work")]
    {
        let statements = template.statements(&resource_of(function));
        let may = |action: &str| {
            let statements =
                statements.iter().filter(|statement| one_or_more(&statement["Action"]).contains(&action.to_owned()));
            let resources: Vec<String> = statements.flat_map(|statement| one_or_more(&statement["Resource"])).collect();
            resources.contains(&format!("${{Bucket.Arn}}/{folder}/*"))
        };
        assert!(may("s3:PutObject") && may("s3:GetObject"), "{function} must read and write {folder}");
    }
}

/// Who is on call starts and answers runs, and reads; whoever could write a lease or a plan would need no order.
#[test]
fn an_operator_starts_answers_and_reads_and_nobody_is_one_unless_named() {
    let template = engine();
    let role = &template.resources["OperatorRole"];
    assert_eq!(role["Condition"], "HasOperators");
    assert_eq!(template.json["Parameters"]["Operators"]["Default"], "", "empty: no role");
    let trusted = &role["Properties"]["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(trusted.as_array().map(Vec::len), Some(1));
    assert_eq!(trusted[0]["Principal"]["AWS"], "Operators");
    let allowed = [
        "lambda:InvokeFunction",
        "s3:GetObject",
        "s3:ListBucket",
        "states:DescribeExecution",
        "states:GetExecutionHistory",
        "states:ListExecutions",
        "states:ListStateMachines",
        "states:SendTaskHeartbeat",
        "states:SendTaskSuccess",
        "states:StartExecution",
    ];
    assert_eq!(template.actions("OperatorRole"), allowed.map(str::to_owned).into_iter().collect());
}

/// The runs of the pairs are held to it.
#[test]
fn only_who_opens_an_order_for_several_pairs_writes_down_who_gave_it() {
    let template = engine();
    let writes = |resource: &String| {
        template.statements(resource).iter().any(|statement| {
            one_or_more(&statement["Action"]).contains(&"s3:PutObject".to_owned())
                && one_or_more(&statement["Resource"])
                    .iter()
                    .any(|arn| arn.ends_with("/orders/*") || arn.ends_with("}/*"))
        })
    };
    let writers: Vec<&String> = template.resources.keys().filter(|resource| writes(resource)).collect();
    assert_eq!(writers, ["OpenRunFunction"]);
}

#[test]
fn the_bucket_is_versioned_encrypted_private_and_spoken_to_by_tls_only() {
    let template = engine();
    let bucket = template.properties("Bucket");
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    assert!(bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"].is_array());
    for setting in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] {
        assert_eq!(bucket["PublicAccessBlockConfiguration"][setting], true, "{setting}");
    }
    let statement = &template.properties("BucketPolicy")["PolicyDocument"]["Statement"][0];
    assert_eq!((&statement["Effect"], &statement["Action"]), (&"Deny".into(), &"s3:*".into()));
    assert_eq!(statement["Condition"]["Bool"]["aws:SecureTransport"], "false");
    assert_eq!(template.resources["Bucket"]["DeletionPolicy"], "Retain", "evidence outlives the stack");
}

#[test]
fn a_witness_has_the_probe_and_nothing_that_acts() {
    let template = engine();
    let everywhere: Vec<&String> = template
        .resources
        .iter()
        .filter(|(_, resource)| resource["Condition"].is_null())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(everywhere, ["Bucket", "BucketPolicy", "FunctionLogs", "HealthProbeFunction"]);
}

/// What the probe wakes at the primary's first failed sample.
#[test]
fn a_failover_s_functions_are_woken_and_the_probe_may_invoke_no_other() {
    let template = engine();
    let variables = &template.properties("HealthProbeFunction")["Environment"]["Variables"];
    let Some((region, woken)) = conditional(&variables["LIFEBOAT_WAKES"]) else { panic!("{variables}") };
    assert_eq!(region, "RunsRecovery", "nobody is woken elsewhere");
    let woken: BTreeSet<String> =
        woken.as_str().unwrap_or_default().split(',').map(|name| name.trim().to_owned()).collect();
    let tasks = Machine::read(StateMachine::Failover);
    let needed = tasks.of_kind("Task").map(|(task, _)| format!("lifeboat-{}", function_of(task)));
    assert_eq!(woken, needed.collect(), "every task of a failover, and no other");

    let policies = template.properties("HealthProbeFunction")["Policies"][0]["Statement"].as_array();
    let conditions = policies.into_iter().flatten().filter_map(conditional);
    let invoking: Vec<_> = conditions.filter(|(_, statement)| statement["Action"] == "lambda:InvokeFunction").collect();
    let [(region, statement)] = invoking[..] else { panic!("{invoking:?}") };
    assert_eq!((region, &statement["Action"]), ("RunsRecovery", &"lambda:InvokeFunction".into()));
    let own = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:";
    let mut allowed: BTreeSet<String> = woken.iter().map(|function| format!("{own}{function}")).collect();
    // The witness: the judge asks it as well, and which Region it is in is a plan's business.
    let witness = variables["LIFEBOAT_WITNESS_FUNCTION"][1].as_str().unwrap_or_default();
    allowed.insert(format!("arn:${{AWS::Partition}}:lambda:*:${{AWS::AccountId}}:function:{witness}"));
    assert_eq!(one_or_more(&statement["Resource"]).into_iter().collect::<BTreeSet<_>>(), allowed);
}

#[test]
fn every_function_is_called_each_half_hour_so_that_none_goes_to_sleep() {
    let template = engine();
    let properties = template.properties("CheckReadinessFunction");
    let called = properties["Environment"]["Variables"]["LIFEBOAT_WAKES"].as_str().unwrap_or_default();
    let called: BTreeSet<&str> = called.split(',').map(str::trim).collect();
    // Their own schedules call these.
    let by_schedule = ["check-health", "check-readiness", "health-probe"];
    let others = repository::FUNCTIONS.iter().filter(|name| !by_schedule.contains(*name));
    let all: Vec<String> = others.map(|name| format!("lifeboat-{name}")).collect();
    assert_eq!(called, all.iter().map(String::as_str).collect());
    let statements = template.statements("CheckReadinessFunction");
    let invoking = statements.iter().find(|statement| statement["Action"] == "lambda:InvokeFunction");
    let allowed = invoking.map(|statement| one_or_more(&statement["Resource"])).unwrap_or_default();
    assert_eq!(allowed.len(), called.len() + 1, "and the witness's probe");
    assert!(called.iter().all(|name| allowed.iter().any(|arn| arn.ends_with(&format!(":{name}")))), "{allowed:?}");
}

/// A schedule's next start looks again; an event comes once, and Lambda forgets it after its third failure.
#[test]
fn what_a_function_could_not_do_with_an_event_that_comes_once_is_kept() {
    let engine = engine();
    let mut looked_at = 0;
    for (template, reference) in [(&engine, "NotifyFunction.Arn".into()), (&the_plan_s(), Export::Notify.import())] {
        for (name, rule) in template.of_type("AWS::Events::Rule") {
            let once = rule["Properties"]["ScheduleExpression"].is_null();
            let told = rule["Properties"]["Targets"].as_array().into_iter().flatten();
            for _ in told.filter(|target| once && target["Arn"] == reference) {
                looked_at += 1;
                let kept = &engine.properties("NotifyFunction")["DeadLetterQueue"];
                assert_eq!((&kept["Type"], &kept["TargetArn"]), (&"SQS".into(), &"LostEvents.Arn".into()), "{name}");
            }
            let functions = rule["Properties"]["Targets"].as_array().into_iter().flatten();
            let other = functions.filter(|target| once && target["Arn"] != reference && target["RoleArn"].is_null());
            assert_eq!(other.count(), 0, "{name}: another function is called once: what keeps its event?");
        }
    }
    assert!(looked_at > 2, "{looked_at} rules call a function once: are they still found?");
}

#[test]
fn what_logs_in_to_databases_and_nothing_else_is_in_the_network() {
    let template = engine();
    for (name, function) in template.of_type("AWS::Serverless::Function") {
        let logs_in = template.actions(name).contains("rds-db:connect");
        let network = conditional(&function["Properties"]["VpcConfig"]).map(|(condition, _)| condition);
        assert_eq!(network, logs_in.then_some("IsInVpc"), "{name}");
    }
}

#[test]
fn the_engine_starts_nothing_by_itself_and_names_no_plan() {
    let template = engine();
    for (name, rule) in template.of_type("AWS::Events::Rule") {
        assert!(rule["Properties"]["ScheduleExpression"].is_null(), "{name} is a plan's business");
    }
    assert_eq!(template.of_type("AWS::Scheduler::Schedule").count(), 0);
    let parameters = template.json["Parameters"].as_object().into_iter().flatten();
    assert!(parameters.into_iter().all(|(name, _)| name != "Plan"));
    assert!(!template.json.to_string().contains("${Plan}"));
}

/// What begins a run is in a plan's recovery Region only; how one ended is told wherever one may be run, and a Region's health
/// is looked at from the other one.
#[test]
fn only_the_recovery_region_starts_anything_by_itself() {
    let elsewhere: Vec<Value> =
        [Place::Primary, Place::Witness].into_iter().filter_map(|place| synth(&whole_plan(), place)).collect();
    for template in elsewhere {
        for (name, resource) in template["Resources"].as_object().into_iter().flatten() {
            if name == "HealthSchedule" {
                assert_eq!(resource["Properties"]["Targets"][0]["Arn"], Export::CheckHealth.import());
                continue;
            }
            if name.starts_with("Health") {
                assert_eq!(resource["Type"], "AWS::CloudWatch::Alarm", "{name}");
                continue;
            }
            assert!(name.starts_with("RunEndedBadly"), "{name}");
            assert!(resource["Properties"]["ScheduleExpression"].is_null(), "{name}");
        }
    }
}

/// Counted by EventBridge, which tells CloudWatch of each rule that an event has met.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html>
#[test]
fn every_end_but_done_raises_an_alarm_whether_people_were_told_or_not() {
    let template = the_plan_s();
    for (of, slug) in [("Run", "run"), ("Backup", "backup")] {
        let (rule, alarm) = (format!("{of}EndedBadlyRule"), template.properties(&format!("{of}EndedBadlyAlarm")));
        let statuses = &template.properties(&rule)["EventPattern"]["detail"]["status"];
        assert_eq!(*statuses, json!(["FAILED", "TIMED_OUT", "ABORTED"]), "every end but done");
        assert_eq!(alarm["AlarmName"], format!("lifeboat-lab-{slug}-ended-badly"));
        assert_eq!((&alarm["Namespace"], &alarm["MetricName"]), (&"AWS/Events".into(), &"TriggeredRules".into()));
        assert_eq!(alarm["Dimensions"], json!([{ "Name": "RuleName", "Value": { "Ref": rule } }]));
        assert_eq!((&alarm["Statistic"], &alarm["Threshold"]), (&"Sum".into(), &1.into()), "one is enough");
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "no run is no news");
        assert_eq!(alarm["AlarmActions"], json!([Export::Topic.import()]));
    }
}

#[test]
fn the_alarm_is_one_that_aws_takes_and_that_the_probe_feeds() {
    let template = the_plan_s();
    let engine = engine();
    for (name, resource) in template.of_type("AWS::CloudWatch::Alarm").chain(engine.of_type("AWS::CloudWatch::Alarm")) {
        let period = resource["Properties"]["Period"].as_u64().unwrap_or(0);
        assert!([10, 20, 30].contains(&period) || period >= 60 && period.is_multiple_of(60), "{name}: period {period}");
        assert!(
            resource["Properties"]["AlarmDescription"].as_str().is_some_and(|text| text.contains("RUNBOOK")),
            "{name}"
        );
    }
    let alarm = template.properties("PrimaryDownAlarm");
    assert_eq!(alarm["TreatMissingData"], "ignore", "unknown is neither down nor up");
    assert_eq!(alarm["Threshold"], lab_plan().probe.failures_in_a_row);
    // Heard of in each period, it neither comes to rest nor starts another run between two samples.
    assert_eq!(alarm["Period"].as_u64(), Some(FAILING_TOLD_EVERY.duration().as_secs()));
    let silent = template.properties("ProbeSilentAlarm");
    assert!(silent["Period"].as_u64() >= Some(WELL_TOLD_EVERY.duration().as_secs()), "a healthy probe is not silent");
    assert!(silent["EvaluationPeriods"].as_u64() >= Some(2), "of two minutes in a row one may be told of nothing");
    let event = repository::json("events/open-run.json");
    let detail = &event["request"]["detail"];
    let metric = &detail["configuration"]["metrics"][0]["metricStat"];
    assert_eq!(metric["metric"]["namespace"], alarm["Namespace"]);
    assert_eq!(metric["metric"]["name"], alarm["MetricName"]);
    assert_eq!((&metric["period"], &metric["stat"]), (&alarm["Period"], &alarm["Statistic"]));
    for dimension in alarm["Dimensions"].as_array().into_iter().flatten() {
        let name = dimension["Name"].as_str().unwrap_or_default();
        assert_eq!(metric["metric"]["dimensions"][name], dimension["Value"], "the sample alarm's dimension {name}");
    }
    assert_eq!(detail["alarmName"], alarm["AlarmName"]);
    let pattern = &template.properties("StartFailoverRule")["EventPattern"];
    assert_eq!(pattern["detail"]["alarmName"][0], alarm["AlarmName"]);
    assert_eq!(pattern["detail-type"][0], event["request"]["detail-type"]);
    assert_eq!(pattern["source"][0], event["request"]["source"]);
}

#[test]
fn the_probe_has_time_for_its_longest_window_and_what_is_told_after_it() {
    let limit = engine().properties("HealthProbeFunction")["Timeout"].as_u64().unwrap_or(0);
    let longest = EVERY + LATEST_START + LONGEST_INTERVAL + HANDOVER;
    assert!(TimeSpan::seconds(limit) > longest, "{limit} s do not hold {longest}");
}

/// A query's server may be silent as long until it lets us in, with what a far one takes beyond it, and once more until it answers.
#[test]
fn a_look_at_a_region_has_time_for_its_slowest_check_and_what_is_told_of_it() {
    let limit = engine().properties("CheckHealthFunction")["Timeout"].as_u64().unwrap_or(0);
    // It is told to CloudWatch and to people, kept, and kept on record.
    let (slowest, told) = (LONGEST_CHECK.times(2) + LOGIN, TimeSpan::seconds(AWS_CALL.as_secs()).times(4));
    assert!(TimeSpan::seconds(limit) >= EVERY + slowest + told, "{limit} s");
}

/// Lambda takes no queue whose messages come again before a function's time is over, and one that comes after its window is
/// of no use. It ends a chain of a function and a queue after 16 invocations, unless it is told that there is one.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>,
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>
#[test]
fn the_queue_that_wakes_the_probe_gives_it_time_and_keeps_nothing_for_long() {
    let template = engine();
    let (queue, probe) = (template.properties("Naps"), template.properties("HealthProbeFunction"));
    let seconds = |value: &Value| value.as_u64().unwrap_or(0);
    assert!(seconds(&queue["VisibilityTimeout"]) >= seconds(&probe["Timeout"]));
    let kept = TimeSpan::seconds(seconds(&queue["MessageRetentionPeriod"]));
    let longest = EVERY + LATEST_START + LONGEST_INTERVAL;
    assert!((longest..=longest.times(2)).contains(&kept), "{kept}");
    let mapping = template.properties("NapsMapping");
    assert_eq!(mapping["BatchSize"], 1, "a sample is an invocation");
    assert_eq!(probe["RecursiveLoop"], "Allow");
    assert_eq!(template.resources["NapsMapping"]["Condition"], "RunsRecovery");
    let where_it_is = conditional(&probe["Environment"]["Variables"]["LIFEBOAT_NAPS"]).map(|(region, _)| region);
    assert_eq!(where_it_is, Some("RunsRecovery"));
}

#[test]
fn a_plans_own_stack_finds_the_engine_by_its_names() {
    let template = engine();
    let outputs = template.json["Outputs"].as_object().cloned().unwrap_or_default();
    let exported: BTreeSet<String> = outputs
        .iter()
        .map(|(key, output)| {
            let name = output["Export"]["Name"].as_str().unwrap_or_default();
            assert_eq!(name, format!("lifeboat-{}", repository::kebab(key)), "an export is called as its output");
            name.to_owned()
        })
        .collect();
    for export in Export::all() {
        assert!(exported.contains(&export.name()), "{export:?}: the engine exports no {}", export.name());
    }
    let imported: BTreeSet<String> = Place::ALL
        .into_iter()
        .filter_map(|place| synth(&whole_plan(), place))
        .flat_map(|template| imports(&template))
        .collect();
    assert_eq!(imported, Export::all().map(Export::name).collect(), "no export is for nothing");
    for found_by in [engine_of::LANGUAGE, engine_of::BUCKET] {
        assert!(exported.contains(found_by), "{found_by}: `lifeboat plan apply` finds the engine by it");
        assert!(outputs.values().any(|output| output["Export"]["Name"] == found_by && output["Condition"].is_null()));
    }
    let understood = &outputs["Language"]["Value"];
    assert_eq!(understood.as_str(), Some(Language::CURRENT.to_string().as_str()), "the functions are built of this");
}

/// What a template imports.
fn imports(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| match value.as_str() {
                Some(name) if key == "Fn::ImportValue" => vec![name.to_owned()],
                _ => imports(value),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(imports).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The longest list of ARNs that is measured: that of as many plans as one engine is reckoned to serve.
const MOST_PLANS: usize = 20;

/// The most characters of a role's own policies together, white space left out.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const LARGEST_POLICIES: usize = 10_240;

#[test]
fn a_role_s_policies_are_no_larger_than_iam_takes() {
    let template = engine();
    for resource in template.resources.keys() {
        let policies = template.properties(resource)["Policies"].to_string();
        // What is substituted, as long as it mostly is: two instances of each plan, one of what else is backed up, a zone and a
        // secret.
        let arns = |each: &str, count| format!("[{}]", vec![format!("\"{each}\""); count].join(","));
        let backed_up = |policies: String, kind: SnapshotKind| {
            let arn = kind.arn("aws", "*", "000000000000", "a-system-s-replica-*");
            let each = if kind == SnapshotKind::Instance { 2 } else { 1 };
            policies.replace(&format!("\"{}\"", kind.list()), &arns(&arn, each * MOST_PLANS))
        };
        let zone = "arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ";
        let secret = "arn:aws:secretsmanager:ap-southeast-2:000000000000:secret:lifeboat/a-system-s-login-??????";
        let policies = SnapshotKind::ALL.into_iter().fold(policies, backed_up);
        let policies = policies
            .replace("${AWS::Partition}", "aws-us-gov")
            .replace("${AWS::AccountId}", "000000000000")
            .replace("${AWS::Region}", "ap-southeast-2")
            .replace("\"HostedZones\"", &arns(zone, MOST_PLANS))
            .replace("\"Buckets\"", &arns(&Bucket::arn("aws", "a-system-s-uploads-*"), MOST_PLANS))
            .replace("\"Secrets\"", &arns(secret, MOST_PLANS));
        assert!(policies.len() < LARGEST_POLICIES, "{resource}: {} characters", policies.len());
    }
}

/// What a deployment would take for everything.
#[test]
fn no_parameter_names_everything_by_default() {
    let template = engine();
    let lists = [Bucket::LIST, "HostedZones", "PlanTopics", "SecretKeys", "Secrets"];
    let lists: Vec<&str> = lists.into_iter().chain(SnapshotKind::ALL.map(SnapshotKind::list)).collect();
    for (name, parameter) in template.json["Parameters"].as_object().into_iter().flatten() {
        let default = parameter["Default"].as_str().unwrap_or_default();
        assert!(!default.contains('*'), "{name}: {default}");
        if lists.contains(&name.as_str()) {
            assert_eq!((&parameter["Type"], default), (&"CommaDelimitedList".into(), ""), "{name}: nothing is allowed");
        }
    }
    // Whose names people choose: a list takes what begins as one of its own, and nothing that may be everything.
    type Arn = Box<dyn Fn(&str) -> String>;
    let of = |kind: SnapshotKind| -> (&str, Arn) {
        (kind.list(), Box::new(move |id: &str| kind.arn("aws", "*", "000000000000", id)))
    };
    let bucket: (&str, Arn) = (Bucket::LIST, Box::new(|name: &str| Bucket::arn("aws", name)));
    for (list, arn) in SnapshotKind::ALL.map(of).into_iter().chain([bucket]) {
        let schema = json!({ "pattern": template.json["Parameters"][list]["AllowedPattern"] });
        let pattern = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{schema}: {error}"));
        for (id, taken) in [("orders-*", true), ("orders", true), ("*", false), ("?*", false), ("*orders", false)] {
            assert_eq!(pattern.is_valid(&json!(arn(id))), taken, "{list}: {}", arn(id));
        }
        assert!(!pattern.is_valid(&json!("*")), "{schema}");
    }
}

/// What a role is held to is a list that somebody gives, or what is called as only ours is.
#[test]
fn a_role_reaches_no_instance_cluster_zone_or_secret_but_those_of_the_lists() {
    let template = engine();
    let mut held = BTreeSet::new();
    let lists = [Bucket::LIST, "HostedZones", "Secrets"].into_iter().chain(SnapshotKind::ALL.map(SnapshotKind::list));
    let lists: BTreeSet<&str> = lists.collect();
    for resource in template.resources.keys() {
        for statement in template.statements(resource) {
            for arn in one_or_more(&statement["Resource"]) {
                let last = arn.rsplit(':').next().unwrap_or_default();
                let of_ours = last.starts_with("lifeboat-");
                let named = SnapshotKind::ALL.map(|kind| kind.arn("", "", "", ""));
                for named in named.iter().map(String::as_str).chain(["arn::secretsmanager:::secret:"]) {
                    // As `:db:`: what comes before the identifier.
                    let kind = format!(":{}:", named.trim_end_matches(':').rsplit(':').next().unwrap_or_default());
                    assert!(!arn.contains(&kind) || of_ours, "{resource}: {arn}");
                }
                assert!(!arn.contains("hostedzone/"), "{resource}: {arn}");
                held.extend(lists.iter().find(|list| **list == arn));
            }
        }
    }
    assert_eq!(held, lists, "are they still found?");
}

/// Both stacks are in one Region of one account, where alarms and rules have one name each.
#[test]
fn nothing_of_a_plan_s_own_stack_has_the_name_of_something_of_the_engine_s() {
    let named = |template: &Template| -> BTreeSet<String> {
        let names = template.resources.values().flat_map(|resource| {
            ["AlarmName", "DashboardName", "Name", "QueueName"]
                .map(|key| resource["Properties"][key].as_str().map(str::to_owned))
        });
        names.flatten().collect()
    };
    let (of_the_engine, of_the_plan) = (named(&engine()), named(&the_plan_s()));
    assert!(of_the_engine.len() > 5 && of_the_plan.len() > 10);
    let both: Vec<_> = of_the_engine.intersection(&of_the_plan).collect();
    assert!(both.is_empty(), "{both:?}");
}

/// The names of both begin alike: a plan's rules are what the engine lets call its functions.
#[test]
fn a_plan_s_rules_are_those_that_the_engine_lets_in() {
    let engine = engine();
    let ours = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/lifeboat-*";
    let mut let_in = BTreeSet::new();
    for (name, permission) in engine.of_type("AWS::Lambda::Permission") {
        assert_eq!(permission["Properties"]["SourceArn"], ours, "{name}");
        let_in.extend(permission["Properties"]["FunctionName"].as_str().map(str::to_owned));
    }
    let queue = &engine.properties("LostEventsPolicy")["PolicyDocument"]["Statement"][0];
    assert_eq!(queue["Condition"]["ArnLike"]["aws:SourceArn"], ours);
    let called: BTreeSet<String> = the_plan_s()
        .of_type("AWS::Events::Rule")
        .filter_map(|(_, rule)| {
            assert!(rule["Properties"]["Name"].as_str().is_some_and(|name| name.starts_with("lifeboat-lab-")));
            let import = rule["Properties"]["Targets"][0]["Arn"]["Fn::ImportValue"].as_str()?;
            let function = import.strip_suffix("-function")?.strip_prefix("lifeboat-")?;
            Some(resource_of(function))
        })
        .collect();
    assert_eq!(let_in, called);
}

/// The stack of a plan that leaves nothing out, in its recovery Region.
fn the_plan_s() -> Template {
    Template::of(synth(&whole_plan(), Place::Recovery).unwrap_or_default())
}
