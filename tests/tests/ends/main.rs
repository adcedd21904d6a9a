//! Every end of each state machine leaves evidence: each path is walked with the lab's own interpreter, and evidence is
//! made from what `CloseRun` is given there.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail as tests do")]

mod paths;
mod switchover;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::OnceLock,
};

use domain::{
    failover::run::RunKind,
    record::{
        ending::Ended,
        evidence::{self, Closing},
    },
    run::outcome::RunOutcome,
    state_machine::StateName,
};
use jiff::Timestamp;
use lab::setup::{self, Silent};
use paths::Path;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tests::repository;

/// What became of a path.
#[derive(Debug, Deserialize)]
struct Walked {
    end: StateName,
    because: String,
    calls: Vec<Call>,
    entered: u64,
}

/// A state that called its function.
#[derive(Debug, Deserialize)]
struct Call {
    state: StateName,
    payload: Value,
}

impl Walked {
    /// The payloads that a state handed to its function.
    fn payloads(&self, state: &StateName) -> Vec<&Value> {
        self.calls.iter().filter(|call| call.state == *state).map(|call| &call.payload).collect()
    }
}

/// Every path of each kind of run, walked once for all tests.
fn walks() -> &'static [(RunKind, Path, Walked)] {
    static WALKS: OnceLock<Vec<(RunKind, Path, Walked)>> = OnceLock::new();
    WALKS.get_or_init(|| RunKind::ALL.into_iter().flat_map(walks_of).collect())
}

fn walks_of(kind: RunKind) -> Vec<(RunKind, Path, Walked)> {
    let sample = repository::json("events/close-run.json");
    let (well, paths) = match kind {
        RunKind::Failover => (paths::all_well(&sample), paths::all(&sample)),
        RunKind::Switchover => (switchover::all_well(&sample), switchover::all(&sample)),
    };
    let scripts: Vec<Value> = paths.iter().map(|path| script(&well, path)).collect();
    let definition = repository::json(&format!("statemachines/{}.asl.json", kind.noun()));
    let walked =
        walk(&json!({ "name": kind.noun(), "definition": definition, "request": sample["request"], "paths": scripts }));
    assert_eq!(walked.len(), paths.len());
    paths.into_iter().zip(walked).map(|(path, walked)| (kind, path, walked)).collect()
}

fn script(well: &Map<String, Value>, path: &Path) -> Value {
    let mut answers = well.clone();
    answers.extend(path.answers.as_object().unwrap().clone());
    answers.into()
}

fn walk(given: &Value) -> Vec<Walked> {
    let base = repository::root().join("target/lab");
    let python = setup::prepare(&base, &Silent).unwrap_or_else(|error| panic!("{error}")).python;
    let mut walk = Command::new(python.interpreter)
        .arg("-B")
        .arg(repository::root().join("tests/tests/ends/walk.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = walk.stdin.take().unwrap();
    writeln!(input, "{given}").unwrap();
    let mut walked = None;
    for line in BufReader::new(walk.stdout.take().unwrap()).lines() {
        match serde_json::from_str(&line.unwrap()).unwrap() {
            Said::Asks { state, payload } => writeln!(input, "{}", made(&state, payload)).unwrap(),
            Said::Walked { walked: paths } => walked = Some(paths),
        }
    }
    let status = walk.wait().unwrap();
    assert!(status.success(), "walk.py ended with {status}");
    walked.unwrap()
}

/// What the walk says, line by line.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Said {
    /// What a state's function answers to this.
    Asks { state: StateName, payload: Value },
    /// What became of the paths.
    Walked { walked: Vec<Walked> },
}

/// What the functions answer that say why: the sentence is made as they make it.
fn made(state: &StateName, payload: Value) -> Value {
    let did = if *state == StateName::CloseRun {
        json!({ "evidence": "evidence/lab/walk.json", "because": closing(payload).because(), "plan": "lab" })
    } else {
        json!({ "subject": "it ended", "because": told(&payload) })
    };
    json!({ "step": "Done", "because": "made", "seen": {}, "did": did })
}

fn closing(payload: Value) -> Closing {
    serde_json::from_value(payload.clone()).unwrap_or_else(|error| panic!("{error}: {payload}"))
}

/// What people are told.
fn told(payload: &Value) -> String {
    let ended: Ended =
        serde_json::from_value(payload["ended"].clone()).unwrap_or_else(|error| panic!("{error}: {payload}"));
    ended.because()
}

#[test]
fn every_path_ends_where_it_must_and_says_why() {
    for (_, path, walked) in walks() {
        assert_eq!(walked.end, path.end, "{}: {}", path.claim, walked.because);
        assert!(walked.because.contains(path.because), "{}: {}", path.claim, walked.because);
    }
    let ends: BTreeSet<StateName> = walks().iter().map(|(_, _, walked)| walked.end.clone()).collect();
    let every = RunKind::ALL.into_iter().flat_map(|kind| RunOutcome::ALL.map(|outcome| kind.end(outcome)));
    assert_eq!(ends, every.collect());
}

#[test]
fn every_path_leaves_evidence_that_fits_its_schema_and_tells_its_end() {
    let validator = jsonschema::validator_for(&evidence::schema()).unwrap();
    for (kind, path, walked) in walks() {
        // Retried after an error, it is given the same again.
        let given = walked.payloads(&StateName::CloseRun);
        let first = *given.first().unwrap_or_else(|| panic!("{}: CloseRun was not reached", path.claim));
        assert!(given.iter().all(|payload| *payload == first), "{}", path.claim);
        let closing = closing(first.clone());
        let active = evidence::active_side(&closing, None);
        let evidence = evidence::assemble(closing, Ok((Vec::new(), walked.entered)), active, Timestamp::UNIX_EPOCH);
        let text = serde_json::to_value(&evidence).unwrap();
        let errors: Vec<String> = validator.iter_errors(&text).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.claim);
        assert!(!evidence.because.is_empty(), "{}", path.claim);
        if !path.answers.as_object().unwrap().contains_key("CloseRun") {
            assert_eq!(kind.end(evidence.outcome), walked.end, "{}", path.claim);
            assert_eq!(evidence.because, walked.because, "{}", path.claim);
        }
    }
}

#[test]
fn people_are_told_of_every_end_with_the_reason_that_the_run_ends_with() {
    for (_, path, walked) in walks() {
        let told = walked.payloads(&StateName::Notify);
        let told = *told.first().unwrap_or_else(|| panic!("{}: nobody was told", path.claim));
        assert_eq!(self::told(told), walked.because, "{}", path.claim);
    }
}

#[test]
fn nothing_is_promoted_before_writes_are_refused_and_nothing_is_opened_again_after_a_promotion_that_may_have_been() {
    for (kind, path, walked) in walks() {
        let shut = match kind {
            RunKind::Failover => StateName::FencePrimary,
            RunKind::Switchover => StateName::DrainPrimary,
        };
        let place = |state: &StateName| walked.calls.iter().position(|call| call.state == *state);
        if let Some(promoted) = place(&StateName::PromoteReplica) {
            assert!(place(&shut).is_some_and(|shut| shut < promoted), "{}", path.claim);
        }
        let promotion = path.answers["PromoteReplica"][0]["step"].as_str();
        if place(&StateName::UndoFencePrimary).is_some() && place(&StateName::PromoteReplica).is_some() {
            assert_eq!(promotion, Some("Refused"), "{}", path.claim);
        }
        if walked.end == kind.end(RunOutcome::Refused) {
            assert_eq!(place(&shut), None, "{}: a refusal changes nothing", path.claim);
        }
    }
}

#[test]
fn a_switchover_is_promoted_on_its_drain_alone() {
    for (_, path, walked) in walks().iter().filter(|(kind, ..)| *kind == RunKind::Switchover) {
        for payload in walked.payloads(&StateName::PromoteReplica) {
            assert!(payload["drain"]["lsn"].is_string(), "{}: {payload}", path.claim);
            assert_eq!(payload["rehearse"], false, "{}", path.claim);
        }
    }
}

#[test]
fn a_run_costs_at_most_60_transitions_when_nothing_has_to_be_waited_for() {
    let by_claim: BTreeMap<&str, u64> = walks().iter().map(|(_, path, walked)| (path.claim, walked.entered)).collect();
    for claim in ["a failover in which all goes well is done", "a switchover in which all goes well is done"] {
        let straight = by_claim[claim];
        assert!((10..=60).contains(&straight), "{claim}: {straight} transitions");
    }
}
