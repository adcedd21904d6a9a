//! The state machines, and the functions that they call.

use std::collections::BTreeSet;

use domain::{
    failover::run::RunKind,
    state_machine::{StateMachine, StateName},
    synth::{Place, engine::Export, synth},
    words::failure::Failure,
};
use serde_json::{Value, json};
use tests::{
    machine::Machine,
    repository::{self, FUNCTIONS},
    template::{Template, one_or_more},
};

use crate::{engine, event_of, function_of, lab_plan, resource_of};

/// Error names of Step Functions, Lambda and its Rust runtime that a definition may wait for.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>
const AWS_ERRORS: [&str; 20] = [
    "&lambda_runtime::deserializer::DeserializeError",
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.EC2ThrottledException",
    "Lambda.EC2UnexpectedException",
    "Lambda.ENINotReadyException",
    "Lambda.ResourceConflictException",
    "Lambda.ResourceNotReadyException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.ALL",
    "States.HeartbeatTimeout",
    "States.Timeout",
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.SdkClientException",
];

#[test]
fn every_error_that_is_waited_for_can_come() {
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            for error in state.awaited_errors() {
                let known = Failure::NAMES.contains(&error.as_str()) || AWS_ERRORS.contains(&error.as_str());
                assert!(known, "{}: {name} waits for {error}, which nothing ends with", machine.name);
            }
        }
    }
}

/// What Lambda answers while it wakes a function that nobody called for weeks: its network interfaces were given back, and
/// making them again takes about a minute. <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
const WAKING: [&str; 5] = [
    "Lambda.EC2ThrottledException",
    "Lambda.EC2UnexpectedException",
    "Lambda.ENINotReadyException",
    "Lambda.ResourceConflictException",
    "Lambda.ResourceNotReadyException",
];

/// How long a function is waited for that wakes.
const WAKES_WITHIN_SECONDS: f64 = 180.0;

#[test]
fn a_function_that_wakes_is_waited_for() {
    for machine in Machine::all() {
        for (name, state) in machine.calls() {
            // What nobody waits for has a schedule of its own.
            if state.json["Arguments"]["InvocationType"] == "Event" {
                continue;
            }
            for error in WAKING {
                let retriers = state.json["Retry"].as_array().map(Vec::as_slice).unwrap_or_default();
                let waits = |retrier: &&Value| {
                    retrier["ErrorEquals"].as_array().is_some_and(|errors| errors.iter().any(|it| it == error))
                };
                let retrier = retriers.iter().find(waits);
                let retrier = retrier.unwrap_or_else(|| panic!("{}: {name} does not wait for {error}", machine.name));
                let waited = waited_seconds(retrier);
                assert!(waited >= WAKES_WITHIN_SECONDS, "{}: {name} waits {waited} s for {error}", machine.name);
            }
        }
    }
}

/// How long a retrier waits in all.
fn waited_seconds(retrier: &Value) -> f64 {
    let number = |name: &str, default: f64| retrier[name].as_f64().unwrap_or(default);
    assert!(retrier["JitterStrategy"].is_null(), "jitter shortens every wait: {retrier}");
    let (rate, longest) = (number("BackoffRate", 2.0), number("MaxDelaySeconds", f64::INFINITY));
    let mut delay = number("IntervalSeconds", 1.0);
    let mut waited = 0.0;
    for _ in 0..attempts(retrier) {
        waited += delay.min(longest);
        delay *= rate;
    }
    waited
}

/// Step Functions tries three times unless told otherwise.
fn attempts(retrier: &Value) -> u64 {
    retrier["MaxAttempts"].as_u64().unwrap_or(3)
}

#[test]
fn what_a_map_assigns_is_no_variable_of_those_around_it() {
    for machine in Machine::all() {
        let definition: Value = serde_json::from_str(&machine.text).unwrap();
        scopes(machine.name, &definition, &BTreeSet::new());
    }
}

/// Step Functions refuses a definition in which an inner scope assigns a variable of an outer one; the emulator runs it.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html>
fn scopes(place: &str, scope: &Value, around: &BTreeSet<String>) {
    let states = scope["States"].as_object().unwrap_or_else(|| panic!("{place}: has no States"));
    let own: BTreeSet<String> = states.values().flat_map(assigned).collect();
    let both: Vec<&String> = own.intersection(around).collect();
    assert!(both.is_empty(), "{place}: assigns {both:?}, which a scope around it assigns as well");
    let reserved: Vec<&String> = own.iter().filter(|name| *name == "states" || name.len() > 80).collect();
    assert!(reserved.is_empty(), "{place}: {reserved:?} cannot be variables");
    let seen: BTreeSet<String> = own.union(around).cloned().collect();
    for (name, state) in states {
        let branches = state["Branches"].as_array().into_iter().flatten();
        for inner in branches.chain(state.get("ItemProcessor")) {
            scopes(&format!("{place}/{name}"), inner, &seen);
        }
    }
}

/// The variables that a state assigns: by itself, by a choice of it, or where it caught an error.
fn assigned(state: &Value) -> Vec<String> {
    let ways = ["Catch", "Choices"].into_iter().filter_map(|name| state[name].as_array()).flatten();
    let assigns = ways.chain([state]).filter_map(|way| way["Assign"].as_object());
    assigns.flat_map(|assigns| assigns.keys().cloned()).collect()
}

#[test]
fn a_functions_promised_errors_exist() {
    for function in FUNCTIONS {
        let text = repository::text(&format!("functions/{function}/src/lib.rs"));
        let promise = text.lines().find_map(|line| line.strip_prefix("//! - fails with: "));
        let promise = promise.unwrap_or_else(|| panic!("functions/{function}: its `//!` has no line `- fails with:`"));
        for name in promise.split(", ").map(|name| name.trim_matches(['`', '.'])) {
            assert!(Failure::NAMES.contains(&name), "functions/{function}: promises {name}, which does not exist");
        }
    }
}

#[test]
fn every_task_has_a_time_limit_a_function_a_resource_and_an_event() {
    let template = engine();
    for machine in Machine::all() {
        for (name, state) in machine.of_kind("Task") {
            assert!(!state.json["TimeoutSeconds"].is_null(), "{name} has no TimeoutSeconds");
        }
        for (name, state) in machine.calls() {
            let function = function_of(name);
            assert!(FUNCTIONS.contains(&function.as_str()), "{name} calls {function}, which is no function");
            let resource = resource_of(&function);
            let called = state.json["Arguments"]["FunctionName"].as_str().unwrap_or_default();
            assert_eq!(called, format!("${{{resource}Arn}}"), "{name} calls another function than its name says");
            assert!(template.resources.contains_key(&resource), "{name}: infra has no {resource}");
            let event = event_of(&machine, name);
            assert!(repository::root().join(&event).exists(), "{name}: no {event}");
        }
    }
}

#[test]
fn a_task_outlasts_its_function() {
    let template = engine();
    let usual = template.json["Globals"]["Function"]["Timeout"].as_u64();
    let machines = Machine::all();
    let tasks = machines.iter().flat_map(Machine::calls);
    for (name, state) in tasks.filter(|(name, _)| **name != StateName::Approve) {
        let own = template.properties(&resource_of(&function_of(name)))["Timeout"].as_u64();
        let limits = (own.or(usual), state.json["TimeoutSeconds"].as_u64());
        let (Some(function), Some(task)) = limits else { panic!("{name}: no limits: {limits:?}") };
        assert!(function < task, "{name}: the task's {task} s end before its function's {function} s");
    }
}

#[test]
fn every_substitution_is_defined_and_used() {
    let template = engine();
    for machine in Machine::all() {
        let resource = format!("{}StateMachine", machine.of.title());
        let properties = template.properties(&resource);
        let used: BTreeSet<&str> = machine.text.split("${").skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let defined: BTreeSet<&str> = properties["DefinitionSubstitutions"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(used, defined);
        assert_eq!(properties["Name"], format!("lifeboat-{}", machine.name));
        assert_eq!(properties["DefinitionUri"], format!("../statemachines/{}.asl.json", machine.name));
        let logs = format!("{}Logs", machine.of.title());
        let to = &properties["Logging"]["Destinations"][0]["CloudWatchLogsLogGroup"]["LogGroupArn"];
        assert_eq!(*to, format!("{logs}.Arn"), "{}", machine.name);
        let group = format!("/aws/vendedlogs/states/lifeboat-{}", machine.name);
        assert_eq!(template.properties(&logs)["LogGroupName"], group, "{}", machine.name);
        // Whatever it calls it may call, and nothing else.
        let statements = template.statements(&resource);
        let invokes = statements.iter().filter(|statement| statement["Action"] == "lambda:InvokeFunction");
        let invoked: BTreeSet<String> = invokes.flat_map(|statement| one_or_more(&statement["Resource"])).collect();
        let starts = statements.iter().filter(|statement| statement["Action"] == "states:StartExecution");
        let started: BTreeSet<String> = starts.flat_map(|statement| one_or_more(&statement["Resource"])).collect();
        let called = |kind: &str| -> BTreeSet<&str> {
            used.iter().filter_map(|name| name.strip_suffix("Arn")).filter(|name| name.ends_with(kind)).collect()
        };
        let functions: BTreeSet<String> = called("Function").into_iter().map(|name| format!("{name}.Arn")).collect();
        assert_eq!(invoked, functions);
        assert_eq!(started, called("StateMachine").into_iter().map(str::to_owned).collect());
    }
}

#[test]
fn a_kind_of_run_is_told_by_its_state_machine_s_name_and_people_hear_of_each() {
    let template = engine();
    for kind in RunKind::ALL {
        assert_eq!(kind.machine().name(), format!("lifeboat-{}", kind.noun()));
    }
    let own = Template::of(synth(&lab_plan(), Place::Recovery).unwrap_or_default());
    let machines = |template: &Template, rule: &str| {
        template.properties(rule)["EventPattern"]["detail"]["stateMachineArn"].clone()
    };
    let (began, heard) = (machines(&template, "RunBeganRule"), machines(&own, "RunEndedBadlyRule"));
    assert_eq!(
        machines(&own, "BackupEndedBadlyRule"),
        json!(
            [StateMachine::Backup, StateMachine::Cleanup, StateMachine::VerifyBackup]
                .map(|of| Export::Machine(of).import())
        ),
        "nobody hears of one that was broken off"
    );
    for kind in RunKind::ALL {
        let resource = format!("{}StateMachine", kind.machine().title());
        let imported = Export::Machine(kind.machine()).import();
        let hears = |heard: &Value, of: &Value| heard.as_array().is_some_and(|heard| heard.contains(of));
        assert!(hears(&heard, &imported), "nobody hears of a {} that was broken off", kind.noun());
        assert!(hears(&began, &json!(resource)), "nobody hears of a {} that began", kind.noun());
        for function in ["open-run", "close-run", "promote-replica", "fence-primary", "dns-switch"] {
            let asks = template.statements(&resource_of(function)).into_iter().map(ToString::to_string);
            let of_it = format!(":execution:{}:*", kind.machine().name());
            assert!(asks.into_iter().any(|statement| statement.contains(&of_it)), "{function} may not ask of {of_it}");
        }
    }
}

#[test]
fn the_bad_ends_of_every_machine_are_counted_by_one_alarm() {
    let own = Template::of(synth(&lab_plan(), Place::Recovery).unwrap_or_default());
    let heard = ["RunEndedBadlyRule", "BackupEndedBadlyRule"].map(|rule| {
        let machines = own.properties(rule)["EventPattern"]["detail"]["stateMachineArn"].clone();
        machines.as_array().cloned().unwrap_or_default()
    });
    for machine in StateMachine::ALL {
        let imported = Export::Machine(*machine).import();
        let times = heard.concat().iter().filter(|of| **of == imported).count();
        assert_eq!(times, 1, "{machine}");
    }
}

#[test]
fn the_record_has_a_place_for_every_answer() {
    let schema = domain::record::evidence::schema();
    let places = schema["$defs"]["Record"]["properties"]
        .as_object()
        .unwrap_or_else(|| panic!("the schema has no Record"))
        .clone();
    let mut written: BTreeSet<String> = BTreeSet::new();
    for machine in Machine::all() {
        for word in machine.text.split("$merge([$record, {'").skip(1) {
            written.extend(word.split('\'').next().map(str::to_owned));
        }
    }
    assert_eq!(written, places.keys().cloned().collect());
}
