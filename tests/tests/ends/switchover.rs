//! The paths through the switchover: what each step answers, and how it must end.

use domain::state_machine::StateName;
use serde_json::{Map, Value, json};
use tests::repository;

use crate::paths::{self, Path, fails, left, path, refuses, waits};

const DONE: StateName = StateName::SwitchoverDone;
const DEGRADED: StateName = StateName::SwitchoverDegraded;
const REFUSED: StateName = StateName::SwitchoverRefused;
const UNDONE: StateName = StateName::SwitchoverUndone;
const PERSON: StateName = StateName::SwitchoverNeedsAPerson;

/// The answers of a switchover in which all goes well: a failover's, with its own in place of the judgement.
pub(crate) fn all_well(sample: &Value) -> Map<String, Value> {
    let mut answers = paths::all_well(sample);
    for of_a_failover in ["JudgeFailover", "Approve", "JudgeAgain"] {
        answers.remove(of_a_failover);
    }
    let done = |because: &str, did: Value| json!([{ "step": "Done", "because": because, "seen": {}, "did": did }]);
    answers["OpenRun"][0]["did"] = repository::json("events/drain-primary.json")["run"].clone();
    let drained = repository::json("events/promote-replica-switchover.json")["drain"].clone();
    let own = [
        ("RehearsePromoteReplica", done("it could be promoted", Value::Null)),
        ("RehearseDnsSwitch", done("it could be moved", Value::Null)),
        ("RehearseDrainPrimary", done("it is healthy", Value::Null)),
        ("DrainPrimary", done("the log ends at 0/5000148", drained)),
    ];
    answers.extend(own.map(|(state, answer)| (state.to_owned(), answer)));
    answers
}

/// Every path.
pub(crate) fn all(sample: &Value) -> Vec<Path> {
    let mut paths = before_anything();
    paths.extend(owing_an_undo(sample));
    paths.extend(before_the_point_of_no_return(sample));
    paths.extend(paths::once_promoting(PERSON));
    paths.extend(after_the_point_of_no_return(sample));
    paths
}

fn before_anything() -> Vec<Path> {
    vec![
        path("a switchover in which all goes well is done", DONE, "1 check passed", json!({})),
        path("a lease that another holds", REFUSED, "is held", json!({ "OpenRun": refuses("the lease is held") })),
        path(
            "an order with a consent to loss",
            REFUSED,
            "OpenRun ended with InvalidInput: request: consent",
            json!({ "OpenRun": fails("InvalidInput", "request: consent: a switchover loses nothing") }),
        ),
        path("a bucket that denies", PERSON, "AwsDenied", json!({ "OpenRun": fails("AwsDenied", "s3:GetObject") })),
        path(
            "a replica that is busy",
            REFUSED,
            "backing-up",
            json!({ "RehearsePromoteReplica": refuses("this one is backing-up") }),
        ),
        path(
            "a record that points elsewhere",
            REFUSED,
            "someone moved it",
            json!({ "RehearseDnsSwitch": refuses("someone moved it") }),
        ),
        path(
            "a primary that is not healthy",
            REFUSED,
            "not healthy",
            json!({ "RehearseDrainPrimary": refuses("`a` is not healthy") }),
        ),
        path(
            "a rehearsal that cannot be held",
            PERSON,
            "RehearseDnsSwitch ended with AwsDenied",
            json!({ "RehearseDnsSwitch": fails("AwsDenied", "route53") }),
        ),
    ]
}

/// Those of a switchover that takes over what another run shut, and is not fit for it.
fn owing_an_undo(sample: &Value) -> Vec<Path> {
    let opened = paths::owing(&all_well(sample)["OpenRun"][0]);
    [
        ("a drained primary that is drained again", DONE, "1 check", json!({})),
        ("a replica that is busy", UNDONE, "backing-up", json!({ "RehearsePromoteReplica": refuses("backing-up") })),
        ("a record that leads elsewhere", UNDONE, "elsewhere", json!({ "RehearseDnsSwitch": refuses("elsewhere") })),
        ("a primary that is not healthy", UNDONE, "sick", json!({ "RehearseDrainPrimary": refuses("sick") })),
        ("a rehearsal that fails", UNDONE, "AwsDenied", json!({ "RehearseDnsSwitch": fails("AwsDenied", "x") })),
    ]
    .into_iter()
    .map(|(claim, end, because, mut answers)| {
        answers["OpenRun"] = opened.clone();
        path(claim, end, because, answers)
    })
    .collect()
}

fn before_the_point_of_no_return(sample: &Value) -> Vec<Path> {
    let drained = all_well(sample)["DrainPrimary"][0].clone();
    let replaying = waits("the replica is at 0/5000100")[0].clone();
    vec![
        path(
            "a replica that needs a moment for the rest of the log",
            DONE,
            "1 check passed",
            json!({ "DrainPrimary": [replaying, replaying, drained] }),
        ),
        path(
            "a replica that never gets to the end of the log",
            UNDONE,
            "not drained after 11 asks: the replica is at 0/5000100",
            json!({ "DrainPrimary": waits("the replica is at 0/5000100") }),
        ),
        path(
            "a pair that changed since its rehearsal",
            UNDONE,
            "is not streaming",
            json!({ "DrainPrimary": refuses("`b` is not streaming") }),
        ),
        path("a drain that fails", UNDONE, "Database", json!({ "DrainPrimary": fails("Database", "sessions left") })),
        path(
            "a drain that a newer run forbids is left to it",
            PERSON,
            "Superseded",
            json!({ "DrainPrimary": fails("Superseded", "generation 4") }),
        ),
        path(
            "a replica that lacks the end of the log",
            UNDONE,
            "the primary's log ends at",
            json!({ "PromoteReplica": refuses("replayed up to 0/1, the primary's log ends at 0/5000148") }),
        ),
        path(
            "a primary that cannot be opened again",
            PERSON,
            "sessions left; then UndoFencePrimary ended with Database",
            json!({ "DrainPrimary": fails("Database", "sessions left"), "UndoFencePrimary": fails("Database", "gone") }),
        ),
        path(
            "a primary that is not opened again",
            PERSON,
            "then the drain was not undone: no",
            json!({ "PromoteReplica": refuses("busy"), "UndoFencePrimary": refuses("no") }),
        ),
    ]
}

fn after_the_point_of_no_return(sample: &Value) -> Vec<Path> {
    vec![
        path(
            "a name of the application that cannot be moved keeps nobody from fencing, verifying and hardening",
            DEGRADED,
            "1 check passed; but not moved",
            json!({ "DnsSwitch": left(sample, "Refused") }),
        ),
        path(
            "a fence that fails opens nothing again",
            PERSON,
            "FencePrimary ended with AwsDenied",
            json!({ "FencePrimary": fails("AwsDenied", "rds:ModifyDBInstance") }),
        ),
        path("a fence that is refused", PERSON, "no fence", json!({ "FencePrimary": refuses("no fence") })),
        path(
            "a switchover without its record needs a person",
            PERSON,
            "the run is done but its record is missing",
            json!({ "CloseRun": fails("AwsDenied", "s3:PutObject") }),
        ),
        path("a done that nobody hears of is done", DONE, "1 check", json!({ "Notify": fails("AwsDenied", "sns") })),
    ]
}
