//! What state machines, functions, templates, events and the RUNBOOK must agree on, though no compiler sees it.

mod engine;
mod events;
mod machine;
mod tree;

use tests::{machine::Machine, repository, template::Template};

fn failover() -> Machine {
    Machine::read("failover")
}

fn engine() -> Template {
    Template::read("engine")
}

/// The function that a task calls: the one its name says, but for an undo and for the question to a person.
fn function_of(task: &str) -> String {
    match task {
        "Approve" | "NotifyUnhardened" => "notify".into(),
        _ => repository::kebab(task.strip_prefix("Undo").unwrap_or(task)),
    }
}

/// The sample event of a task.
fn event_of(task: &str) -> String {
    match task {
        "Approve" => "events/notify-approval.json".into(),
        "NotifyUnhardened" => "events/notify-unhardened.json".into(),
        _ => format!("events/{}.json", function_of(task)),
    }
}

fn resource_of(function: &str) -> String {
    format!("{}Function", repository::pascal(function))
}
