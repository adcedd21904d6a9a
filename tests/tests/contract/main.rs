//! What state machines, functions, templates, events and the RUNBOOK must agree on, though no compiler sees it.

mod asl;
mod circles;
mod cost;
mod definitions;
mod engine;
mod events;
mod kinds;
mod linters;
mod machine;
mod metrics;
mod payloads;
mod plans;
mod tree;

use domain::{
    plan::Plan,
    plan_file,
    state_machine::{StateMachine, StateName},
};
use tests::{machine::Machine, repository, template::Template};

fn engine() -> Template {
    Template::read("engine")
}

fn lab_plan() -> Plan {
    plan_file::read(&repository::text("plans/lab.yaml"), "plans/lab.yaml").unwrap_or_else(|error| panic!("{error}"))
}

/// The same with what a plan may leave out: its stack has all that a plan's may have.
fn whole_plan() -> Plan {
    let mut plan = serde_json::to_value(lab_plan()).unwrap_or_default();
    let balancer = |region: &str| serde_json::json!({"host": format!("shop-1.{region}.elb.amazonaws.com"), "zone": "Z35SXDOTRQ7X7K"});
    let check = |side: &str| serde_json::json!({"host": format!("{side}.example.com"), "path": "/health", "from": ["us-east-1", "us-west-2", "eu-west-1"]});
    plan["traffic"][0]["records"] = serde_json::json!([{
        "type": "alias", "zone": "Z0123456789ABC", "name": "shop.example.com",
        "primary": balancer("us-east-1"), "recovery": balancer("us-west-2"),
        "by": "health-checks", "healthChecks": {"primary": check("east"), "recovery": check("west")},
    }]);
    plan["health"] = serde_json::json!({
        "every": "30s",
        "checks": ["all"],
        "limits": {
            "errorsPercent": 5, "response": "2s", "availabilityPercent": 95, "latency": "500ms", "lossPercent": 1, "connect": "30s",
        },
    });
    serde_json::from_value(plan).unwrap_or_else(|error| panic!("{error}"))
}

/// The function that a task calls: the one its name says, but for an undo, a rehearsal, the question to a person and the
/// judgement of its answer.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other task is named as its function")]
fn function_of(task: &StateName) -> String {
    let named = |prefix| task.as_str().strip_prefix(prefix);
    match task {
        StateName::Approve
        | StateName::NotifyUnhardened
        | StateName::NotifyHardeningLate
        | StateName::NotifyTrafficLate => "notify".into(),
        StateName::JudgeAgain | StateName::JudgePair => "judge-failover".into(),
        StateName::OpenPairs | StateName::CheckApproval => "open-run".into(),
        StateName::OpenCleanup | StateName::TearDown => "cleanup".into(),
        StateName::VerifyBackup | StateName::VerifyRestored => "verify".into(),
        _ => repository::kebab(named("Undo").or(named("Rehearse")).unwrap_or(task.as_str())),
    }
}

/// The sample event of a machine's task.
fn event_of(machine: &Machine, task: &StateName) -> String {
    let function = function_of(task);
    match (machine.of, task) {
        (_, StateName::Approve) => "events/notify-approval.json".into(),
        (_, StateName::JudgePair) => "events/judge-failover-order.json".into(),
        (_, StateName::OpenPairs) => "events/open-run-all.json".into(),
        (_, StateName::CheckApproval) => "events/open-run-approval.json".into(),
        (StateMachine::FailoverAll, StateName::Notify) => "events/notify-all.json".into(),
        (_, StateName::JudgeAgain) => "events/judge-failover-approved.json".into(),
        (_, StateName::UndoFencePrimary) => "events/fence-primary-undo.json".into(),
        (_, StateName::NotifyTrafficLate) => "events/notify-traffic-late.json".into(),
        (_, StateName::NotifyUnhardened) => "events/notify-unhardened.json".into(),
        (_, StateName::NotifyHardeningLate) => "events/notify-hardening-late.json".into(),
        (_, StateName::OpenCleanup) => "events/cleanup-open.json".into(),
        (_, StateName::TearDown) => "events/cleanup-restored.json".into(),
        (_, StateName::VerifyBackup) => "events/verify-backup.json".into(),
        (_, StateName::VerifyRestored) => "events/verify-restored.json".into(),
        (StateMachine::VerifyBackup, StateName::OpenBackup) => "events/open-backup-verification.json".into(),
        (StateMachine::VerifyBackup, StateName::CloseBackup) => "events/close-backup-restore.json".into(),
        (StateMachine::VerifyBackup, StateName::Notify) => "events/notify-restore.json".into(),
        (_, StateName::RehearseDnsSwitch) => "events/dns-switch-rehearsal.json".into(),
        _ => {
            let own = format!("events/{function}-{}.json", machine.name);
            if repository::root().join(&own).exists() { own } else { format!("events/{function}.json") }
        }
    }
}

fn resource_of(function: &str) -> String {
    format!("{}Function", repository::pascal(function))
}
