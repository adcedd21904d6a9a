//! What state machines, functions, templates, events and the RUNBOOK must agree on, though no compiler sees it.

mod asl;
mod circles;
mod cost;
mod engine;
mod events;
mod kinds;
mod linters;
mod machine;
mod payloads;
mod tree;

use domain::{plan::Plan, plan_file};
use tests::{machine::Machine, repository, template::Template};

fn engine() -> Template {
    Template::read("engine")
}

fn lab_plan() -> Plan {
    plan_file::read(&repository::text("plans/lab.yaml"), "plans/lab.yaml").unwrap_or_else(|error| panic!("{error}"))
}

/// The function that a task calls: the one its name says, but for an undo, a rehearsal, the question to a person and the
/// judgement of its answer.
fn function_of(task: &str) -> String {
    let named = |prefix| task.strip_prefix(prefix);
    match task {
        "Approve" | "NotifyUnhardened" | "NotifyHardeningLate" | "NotifyTrafficLate" => "notify".into(),
        "JudgeAgain" => "judge-failover".into(),
        "OpenCleanup" | "TearDown" => "cleanup".into(),
        "VerifyBackup" | "VerifyRestored" => "verify".into(),
        _ => repository::kebab(named("Undo").or(named("Rehearse")).unwrap_or(task)),
    }
}

/// The sample event of a machine's task.
fn event_of(machine: &Machine, task: &str) -> String {
    let function = function_of(task);
    match (machine.name.as_str(), task) {
        (_, "Approve") => "events/notify-approval.json".into(),
        (_, "JudgeAgain") => "events/judge-failover-approved.json".into(),
        (_, "UndoFencePrimary") => "events/fence-primary-undo.json".into(),
        (_, "NotifyTrafficLate") => "events/notify-traffic-late.json".into(),
        (_, "NotifyUnhardened" | "NotifyHardeningLate") => "events/notify-unhardened.json".into(),
        (_, "OpenCleanup") => "events/cleanup-open.json".into(),
        (_, "TearDown") => "events/cleanup-restored.json".into(),
        (_, "VerifyBackup") => "events/verify-backup.json".into(),
        (_, "VerifyRestored") => "events/verify-restored.json".into(),
        ("verify-backup", "OpenBackup") => "events/open-backup-verification.json".into(),
        ("verify-backup", "CloseBackup") => "events/close-backup-restore.json".into(),
        ("verify-backup", "Notify") => "events/notify-restore.json".into(),
        ("cleanup", "Notify") => "events/notify-cleanup.json".into(),
        ("backup", "Notify") => "events/notify-backup.json".into(),
        (_, "RehearseDnsSwitch") => "events/dns-switch-rehearsal.json".into(),
        ("switchover", "OpenRun" | "PromoteReplica" | "RehearsePromoteReplica") => {
            format!("events/{function}-switchover.json")
        }
        _ => format!("events/{function}.json"),
    }
}

fn resource_of(function: &str) -> String {
    format!("{}Function", repository::pascal(function))
}
