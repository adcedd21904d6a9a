//! The sample events, and the types and tasks that they are samples for.

use std::collections::BTreeSet;

use domain::{
    backup::{BackupRequest, BackupRun, PartTurn},
    cleanup::CleanupRun,
    failover::{
        drain::Drained,
        judgement::Judgement,
        request::FailoverRequest,
        run::{Run, RunKind},
    },
    record::evidence::Record,
    restore::{RestorePart, RestoreRequest, RestoreRun, RestoreTurn},
    run::{outcome::RunOutcome, step::Step},
    watch::health::LookRequest,
};
use serde_json::Value;
use tests::{
    machine::{Machine, State},
    repository,
};

use crate::{event_of, lab_plan};

/// What a task hands to its function.
fn payload(state: &State) -> &Value {
    &state.json["Arguments"]["Payload"]
}

#[test]
fn a_sample_runs_plan_is_the_labs() {
    let plan = lab_plan();
    let mut seen = 0;
    for name in repository::names_in("events") {
        let event = repository::json(&format!("events/{name}"));
        for place in [
            "/run",
            "/ended/run",
            "/approval/run",
            "/unhardened/run",
            "/hardeningLate/run",
            "/trafficLate/run",
            "/backup",
            "/backup/backup",
            "/cleanup/cleanup",
            "/region/cleanup",
            "/restore",
            "/restore/restore",
            "/backup/restore",
            "/restored/restore",
        ] {
            let Some(run) = event.pointer(place) else { continue };
            // The notice's wrapper, and what is verified of a backup, have the run inside.
            if ["backup", "restore"].iter().any(|inner| run.get(inner).is_some()) {
                continue;
            }
            let of = match place {
                "/backup" | "/backup/backup" => read::<BackupRun>(run).plan,
                "/cleanup/cleanup" | "/region/cleanup" => read::<CleanupRun>(run).plan,
                _ if place.ends_with("/restore") => read::<RestoreRun>(run).plan,
                _ => read::<Run>(run).plan.alone(),
            };
            assert_eq!(of, plan, "events/{name}{place}");
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen} events carry a run");
}

#[test]
fn a_sample_carries_what_its_task_hands_over() {
    for machine in Machine::all() {
        for (name, state) in machine.calls() {
            let event = event_of(&machine, name);
            fits(payload(state), &repository::json(&event), &format!("{name} and {event}"));
        }
    }
}

/// Whether a sample has the keys that a task hands over, as deep as the task itself names them.
fn fits(given: &Value, sample: &Value, at: &str) {
    let Value::Object(given) = given else { return };
    let keys = |fields: &serde_json::Map<String, Value>| fields.keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(Some(keys(given)), sample.as_object().map(keys), "{at}");
    for (key, value) in given {
        fits(value, &sample[key], &format!("{at}/{key}"));
    }
}

#[test]
fn samples_are_what_the_domain_reads() {
    for name in ["open-run", "open-run-by-hand", "open-run-by-class", "open-run-switchover"] {
        let event = repository::json(&format!("events/{name}.json"));
        let kind = RunKind::of(&read(&event["execution"]));
        let request = FailoverRequest::parse_for(kind, &event["request"])
            .unwrap_or_else(|error| panic!("events/{name}.json: {error}"));
        assert_eq!(request.plan, lab_plan().plan);
    }
    for name in ["open-backup", "open-backup-by-hand"] {
        let request = read::<BackupRequest>(&repository::json(&format!("events/{name}.json"))["request"]);
        assert!(lab_plan().backup(&request.schedule).is_some(), "events/{name}.json");
    }
    for name in ["open-backup-verification", "open-backup-restore"] {
        read::<RestoreRequest>(&repository::json(&format!("events/{name}.json"))["request"]);
    }
    let proved = read::<Vec<RestoreTurn>>(&repository::json("events/close-backup-restore.json")["restore"]["parts"]);
    assert!(proved.into_iter().map(RestorePart::from).all(|part| part.verified.is_some()));
    let parts = read::<Vec<PartTurn>>(&repository::json("events/close-backup.json")["backup"]["parts"]);
    assert!(parts.iter().all(|part| part.taken.is_some()));
    let event = repository::json("events/close-run.json");
    let record: Record = read(&event["record"]);
    assert_eq!(read::<RunOutcome>(&event["outcome"]), RunOutcome::Done);
    assert!(record.promotion.and_then(|step| step.did).is_some());
    let drained = read::<Drained>(&repository::json("events/promote-replica-switchover.json")["drain"]);
    assert!(drained.is_replayed());
    read::<Judgement>(&repository::json("events/promote-replica.json")["judgement"]);
    read::<Step<Judgement>>(&repository::json("events/notify-approval.json")["approval"]["judgement"]);
    read::<LookRequest>(&repository::json("events/health-probe-look.json")["look"]);
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error} in {value}"))
}
