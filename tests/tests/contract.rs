//! What state machines, functions, templates, events and the RUNBOOK must agree on, though no compiler sees it.

use std::{collections::BTreeSet, process::Command};

use domain::{
    evidence::{Record, RunOutcome},
    failure::Failure,
    health::LookRequest,
    judgement::Judgement,
    plan::{self, Plan},
    request::FailoverRequest,
    run::Run,
    step::Step,
};
use serde_json::Value;
use tests::{
    machine::{Machine, State},
    repository::{self, FUNCTIONS},
    template::{Template, one_or_more},
};

/// Error names of Step Functions and Lambda that a definition may wait for.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>
const AWS_ERRORS: [&str; 11] = [
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.ALL",
    "States.HeartbeatTimeout",
    "States.Timeout",
];

/// What each function may do, and nothing else.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("open-run", &["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject", "states:DescribeExecution"]),
    (
        "health-probe",
        &[
            "cloudwatch:PutMetricData",
            "rds-db:connect",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "secretsmanager:GetSecretValue",
        ],
    ),
    (
        "judge-failover",
        &[
            "lambda:InvokeFunction",
            "rds-db:connect",
            "rds:DescribeDBInstances",
            "s3:GetObject",
            "s3:ListBucket",
            "secretsmanager:GetSecretValue",
        ],
    ),
    (
        "fence-primary",
        &[
            "rds-db:connect",
            "rds:DescribeDBInstances",
            "rds:ModifyDBInstance",
            "s3:GetObject",
            "s3:ListBucket",
            "secretsmanager:GetSecretValue",
        ],
    ),
    (
        "promote-replica",
        &[
            "rds-db:connect",
            "rds:DescribeDBInstances",
            "rds:ModifyDBInstance",
            "rds:PromoteReadReplica",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "secretsmanager:GetSecretValue",
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
        ],
    ),
    ("verify", &["rds-db:connect", "s3:GetObject", "s3:ListBucket", "secretsmanager:GetSecretValue"]),
    ("notify", &["s3:PutObject", "sns:Publish"]),
    ("close-run", &["s3:GetObject", "s3:ListBucket", "s3:PutObject", "states:GetExecutionHistory"]),
];

/// Actions that AWS lets nobody limit to a resource, and what limits them instead.
const WITHOUT_RESOURCE: [&str; 2] = ["cloudwatch:PutMetricData", "logs:CreateLogDelivery"];

fn failover() -> Machine {
    Machine::read("failover")
}

fn engine() -> Template {
    Template::read("engine")
}

fn lab_plan() -> Plan {
    plan::read(&repository::text("plans/lab.yaml"), "plans/lab.yaml").unwrap_or_else(|error| panic!("{error}"))
}

/// The function that a task calls: the one its name says, but for an undo and for the question to a person.
fn function_of(task: &str) -> String {
    match task {
        "Approve" => "notify".into(),
        _ => repository::kebab(task.strip_prefix("Undo").unwrap_or(task)),
    }
}

/// The sample event of a task.
fn event_of(task: &str) -> String {
    match task {
        "Approve" => "events/notify-approval.json".into(),
        _ => format!("events/{}.json", function_of(task)),
    }
}

fn resource_of(function: &str) -> String {
    format!("{}Function", repository::pascal(function))
}

/// What a task hands to its function.
fn payload(state: &State) -> &Value {
    &state.json["Arguments"]["Payload"]
}

#[test]
fn every_error_that_is_waited_for_can_come() {
    for (name, state) in &failover().states {
        for error in state.awaited_errors() {
            let known = Failure::NAMES.contains(&error.as_str()) || AWS_ERRORS.contains(&error.as_str());
            assert!(known, "{name} waits for {error}, which nothing ends with");
        }
    }
}

#[test]
fn a_functions_promised_errors_exist() {
    for function in FUNCTIONS {
        let text = repository::text(&format!("functions/{function}/src/main.rs"));
        let promise = text.lines().find_map(|line| line.strip_prefix("//! - fails with: "));
        let promise = promise.unwrap_or_else(|| panic!("functions/{function}: its `//!` has no line `- fails with:`"));
        for name in promise.split(", ").map(|name| name.trim_matches(['`', '.'])) {
            assert!(Failure::NAMES.contains(&name), "functions/{function}: promises {name}, which does not exist");
        }
    }
}

#[test]
fn every_task_has_a_time_limit_a_function_a_resource_and_an_event() {
    let (machine, template) = (failover(), engine());
    for (name, state) in machine.of_kind("Task") {
        assert!(!state.json["TimeoutSeconds"].is_null(), "{name} has no TimeoutSeconds");
        let function = function_of(name);
        assert!(FUNCTIONS.contains(&function.as_str()), "{name} calls {function}, which is no function");
        let resource = resource_of(&function);
        let called = state.json["Arguments"]["FunctionName"].as_str().unwrap_or_default();
        assert_eq!(called, format!("${{{resource}Arn}}"), "{name} calls another function than its name says");
        assert!(template.resources.contains_key(&resource), "{name}: infra has no {resource}");
        assert!(repository::root().join(event_of(name)).exists(), "{name}: no {}", event_of(name));
    }
}

#[test]
fn a_task_outlasts_its_function() {
    let (machine, template) = (failover(), engine());
    let usual = template.json["Globals"]["Function"]["Timeout"].as_u64();
    for (name, state) in machine.of_kind("Task").filter(|(name, _)| *name != "Approve") {
        let own = template.properties(&resource_of(&function_of(name)))["Timeout"].as_u64();
        let limits = (own.or(usual), state.json["TimeoutSeconds"].as_u64());
        let (Some(function), Some(task)) = limits else { panic!("{name}: no limits: {limits:?}") };
        assert!(function < task, "{name}: the task's {task} s end before its function's {function} s");
    }
}

#[test]
fn one_name_has_its_four_spellings() {
    assert_eq!(repository::folders_in("functions"), FUNCTIONS);
    let template = engine();
    for function in FUNCTIONS {
        let manifest = repository::text(&format!("functions/{function}/Cargo.toml"));
        assert!(manifest.contains(&format!("name = \"{function}\"")), "functions/{function}: its package has another name");
        let resource = resource_of(function);
        let properties = template.properties(&resource);
        assert_eq!(properties["FunctionName"], format!("lifeboat-{function}"), "{resource}");
        assert_eq!(template.resources[&resource]["Metadata"]["BuildProperties"]["Binary"], function, "{resource}");
        assert!(repository::root().join(format!("events/{function}.json")).exists(), "events/{function}.json is missing");
    }
    let functions: Vec<String> = template.of_type("AWS::Serverless::Function").map(|(name, _)| name.to_owned()).collect();
    let mut expected: Vec<String> = FUNCTIONS.iter().map(|function| resource_of(function)).collect();
    expected.sort();
    assert_eq!(functions, expected);
    for event in repository::names_in("events") {
        assert!(FUNCTIONS.iter().any(|function| event.starts_with(function)), "events/{event} is no function's");
    }
}

#[test]
fn every_substitution_is_defined_and_used() {
    let template = engine();
    let properties = template.properties("FailoverStateMachine");
    let text = failover().text;
    let used: BTreeSet<&str> = text.split("${").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    let defined: BTreeSet<&str> =
        properties["DefinitionSubstitutions"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    assert_eq!(used, defined);
    assert_eq!(properties["DefinitionUri"], "../statemachines/failover.asl.json");
    // Whatever it calls it may call, and nothing else.
    let invoked: BTreeSet<String> = template.statements("FailoverStateMachine").iter().filter(|statement| statement["Action"] == "lambda:InvokeFunction").flat_map(|statement| one_or_more(&statement["Resource"])).collect();
    let called: BTreeSet<String> = used.iter().map(|name| format!("{}.Arn", name.trim_end_matches("Arn"))).collect();
    assert_eq!(invoked, called);
}

#[test]
fn a_role_allows_what_its_function_does_and_nothing_else() {
    let template = engine();
    for (function, allowed) in ALLOWED {
        let actions = template.actions(&resource_of(function));
        let allowed: BTreeSet<String> = allowed.iter().map(|action| (*action).to_owned()).collect();
        assert_eq!(actions, allowed, "{function}");
    }
}

#[test]
fn no_policy_allows_everything() {
    let template = engine();
    for resource in template.resources.keys() {
        for statement in template.statements(resource) {
            let actions = one_or_more(&statement["Action"]);
            assert!(actions.iter().all(|action| !action.contains('*')), "{resource}: {actions:?}");
            let everywhere = one_or_more(&statement["Resource"]).iter().any(|arn| arn == "*");
            let may = actions.iter().any(|action| WITHOUT_RESOURCE.contains(&action.as_str()));
            assert!(!everywhere || may, "{resource}: {actions:?} on every resource");
        }
    }
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
    let everywhere: Vec<&String> =
        template.resources.iter().filter(|(_, resource)| resource["Condition"].is_null()).map(|(name, _)| name).collect();
    assert_eq!(everywhere, ["Bucket", "BucketPolicy", "FunctionLogs", "HealthProbeFunction"]);
}

#[test]
fn only_the_recovery_region_starts_anything_by_itself() {
    for kind in ["AWS::Events::Rule", "AWS::CloudWatch::Alarm", "AWS::Lambda::Permission"] {
        for (name, resource) in engine().of_type(kind) {
            assert_eq!(resource["Condition"], "StartsRecovery", "{name}");
        }
    }
}

#[test]
fn the_alarm_is_one_that_aws_takes_and_that_the_probe_feeds() {
    let template = engine();
    for (name, resource) in template.of_type("AWS::CloudWatch::Alarm") {
        let period = resource["Properties"]["Period"].as_u64().unwrap_or(0);
        assert!([10, 20, 30].contains(&period) || period >= 60 && period.is_multiple_of(60), "{name}: period {period}");
        assert!(resource["Properties"]["AlarmDescription"].as_str().is_some_and(|text| text.contains("RUNBOOK")), "{name}");
    }
    let alarm = template.properties("PrimaryDownAlarm");
    assert_eq!(alarm["TreatMissingData"], "missing", "unknown is not down");
    let event = repository::json("events/open-run.json");
    let detail = &event["request"]["detail"];
    let metric = &detail["configuration"]["metrics"][0]["metricStat"];
    assert_eq!(metric["metric"]["namespace"], alarm["Namespace"]);
    assert_eq!(metric["metric"]["name"], alarm["MetricName"]);
    assert_eq!((&metric["period"], &metric["stat"]), (&alarm["Period"], &alarm["Statistic"]));
    for dimension in alarm["Dimensions"].as_array().into_iter().flatten() {
        let name = dimension["Name"].as_str().unwrap_or_default();
        assert!(metric["metric"]["dimensions"][name].is_string(), "the sample alarm has no dimension {name}");
    }
    let named = alarm["AlarmName"].as_str().unwrap_or_default().replace("${Plan}", "lab");
    assert_eq!(detail["alarmName"], named);
    let pattern = &template.properties("StartFailoverRule")["EventPattern"];
    assert_eq!(pattern["detail"]["alarmName"][0], alarm["AlarmName"]);
    assert_eq!(pattern["detail-type"][0], event["request"]["detail-type"]);
    assert_eq!(pattern["source"][0], event["request"]["source"]);
}

#[test]
fn every_end_and_every_alarm_has_its_heading_in_the_runbook() {
    let runbook = repository::text("RUNBOOK.md");
    let has = |heading: &str| runbook.lines().any(|line| line.trim_start_matches('#').trim() == heading && line.starts_with('#'));
    for (name, _) in failover().states.iter().filter(|(_, state)| state.is_end()) {
        assert!(has(name), "RUNBOOK.md has no heading {name}");
    }
    for (name, resource) in engine().of_type("AWS::CloudWatch::Alarm") {
        let text = resource["Properties"]["AlarmDescription"].as_str().unwrap_or_default();
        let heading = text.split('"').nth(1).unwrap_or_else(|| panic!("{name} names no heading"));
        assert!(has(heading), "RUNBOOK.md has no heading \"{heading}\", which {name} names");
    }
}

/// The words that would show that something knows of the lab.
const OF_THE_LAB: [&str; 6] = ["ministack", "127.0.0", "127.77", "lifeboat.test", "localhost", "lab::"];

#[test]
fn neither_functions_nor_edge_know_of_the_lab() {
    for file in repository::rust_files("functions").into_iter().chain(repository::rust_files("crates/edge")) {
        // A sample plan is called `lab`; tests and fakes may name it.
        if file.ends_with("tests.rs") || file.ends_with("fake.rs") {
            continue;
        }
        let text = repository::text(&file);
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in OF_THE_LAB {
            assert!(!product.contains(word), "{file} names {word}");
        }
        let words = product.split(|letter: char| !letter.is_ascii_alphanumeric());
        assert!(words.into_iter().all(|word| !word.eq_ignore_ascii_case("lab")), "{file} names the lab");
    }
}

#[test]
fn crates_use_only_what_they_may() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let told = Command::new(cargo).args(arguments).current_dir(repository::root()).output().unwrap_or_else(|error| panic!("cargo: {error}"));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|error| panic!("cargo metadata: {error}"));
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    for package in &packages {
        let name = package["name"].as_str().unwrap_or_default();
        let used: BTreeSet<&str> =
            package["dependencies"].as_array().into_iter().flatten().filter_map(|dependency| dependency["name"].as_str()).collect();
        let may: &[&str] = match name {
            "domain" => &[],
            "edge" => &["domain"],
            _ if FUNCTIONS.contains(&name) => &["domain", "edge"],
            "lab" | "lifeboat" | "tests" => &["domain", "edge", "lab"],
            other => panic!("{other}: say here what it may use"),
        };
        for dependency in used.intersection(&ours) {
            assert!(may.contains(dependency), "{name} may not use {dependency}");
        }
        if name == "domain" {
            let impure = used.iter().find(|used| used.starts_with("aws") || ["tokio", "reqwest", "lambda_runtime"].contains(*used));
            assert_eq!(impure, None, "domain is pure");
        }
    }
}

#[test]
fn a_sample_runs_plan_is_the_labs() {
    let plan = lab_plan();
    let mut seen = 0;
    for name in repository::names_in("events") {
        let event = repository::json(&format!("events/{name}"));
        for place in ["/run", "/ended/run", "/approval/run"] {
            let Some(run) = event.pointer(place) else { continue };
            let run: Run = serde_json::from_value(run.clone()).unwrap_or_else(|error| panic!("events/{name}{place}: {error}"));
            assert_eq!(run.plan, plan, "events/{name}{place}");
            seen += 1;
        }
    }
    assert!(seen >= 7, "{seen} events carry a run");
}

#[test]
fn a_sample_carries_what_its_task_hands_over() {
    let machine = failover();
    for (name, state) in machine.of_kind("Task") {
        let event = repository::json(&event_of(name));
        assert_eq!(shape(payload(state)), shape(&event), "{name} and {}", event_of(name));
    }
}

/// The keys of an event and of what stands alone in it.
fn shape(event: &Value) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (key, value) in event.as_object().into_iter().flatten() {
        keys.insert(key.clone());
        if ["approval", "ended"].contains(&key.as_str()) {
            keys.extend(shape(value));
        }
    }
    keys
}

#[test]
fn samples_are_what_the_domain_reads() {
    for name in ["open-run", "open-run-by-hand"] {
        let event = repository::json(&format!("events/{name}.json"));
        let request = FailoverRequest::parse(&event["request"]).unwrap_or_else(|error| panic!("events/{name}.json: {error}"));
        assert_eq!(request.plan, lab_plan().plan);
    }
    let event = repository::json("events/close-run.json");
    let record: Record = read(&event["record"]);
    assert_eq!(read::<RunOutcome>(&event["outcome"]), RunOutcome::Done);
    assert!(record.promotion.and_then(|step| step.did).is_some());
    read::<Judgement>(&repository::json("events/promote-replica.json")["judgement"]);
    read::<Step<Judgement>>(&repository::json("events/notify-approval.json")["approval"]["judgement"]);
    read::<LookRequest>(&repository::json("events/health-probe-look.json")["look"]);
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error} in {value}"))
}

#[test]
fn the_record_has_a_place_for_every_answer() {
    let schema = domain::evidence::schema();
    let places = schema["$defs"]["Record"]["properties"].as_object().unwrap_or_else(|| panic!("the schema has no Record")).clone();
    let mut written: BTreeSet<String> = BTreeSet::new();
    for word in failover().text.split("$merge([$record, {'").skip(1) {
        written.extend(word.split('\'').next().map(str::to_owned));
    }
    assert_eq!(written, places.keys().cloned().collect());
}

#[test]
fn the_template_passes_cfn_lint() {
    let program = std::env::var_os("LIFEBOAT_CFN_LINT").map_or_else(|| repository::root().join("target/lab/venv/bin/cfn-lint"), Into::into);
    if !program.exists() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing: set up the lab first", program.display());
        eprintln!("not linted: {} is missing; `cargo drill` sets it up", program.display());
        return;
    }
    let told = Command::new(&program).arg("infra/engine.yaml").current_dir(repository::root()).output();
    let told = told.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}
