use std::{cell::RefCell, time::Duration};

use domain::{
    component::ActiveSide,
    failover::lease::Lease,
    record::evidence::Evidence,
    run::outcome::RunOutcome,
    words::id::{ExecutionArn, PlanName},
};
use edge::{object_store::fake::Memory, states::History};
use serde_json::json;

use super::*;

struct Blank;

impl Chronicle for Blank {
    async fn history(&self, _: &ExecutionArn) -> Result<History, Failure> {
        Ok(History::default())
    }
}

/// The runs whose figures were told; or CloudWatch takes none.
#[derive(Default)]
struct Figures {
    told: RefCell<Vec<(PlanName, Option<f64>, bool)>>,
    refuses: bool,
}

impl Gauge for Figures {
    async fn ended(&self, plan: &PlanName, evidence: &Evidence) -> Result<(), Failure> {
        if self.refuses {
            return Err(Failure::AwsDenied { what: "cannot publish".into(), source: None });
        }
        let recovery = evidence.objective.as_ref().and_then(|objective| objective.rto_measured_seconds);
        self.told.borrow_mut().push((plan.clone(), recovery, evidence.record.has_moved_traffic()));
        Ok(())
    }
}

/// An engine that does not tell an execution's history, or not in time.
enum Mute {
    Denies,
    Throttles,
    Hangs,
}

impl Chronicle for Mute {
    async fn history(&self, _: &ExecutionArn) -> Result<History, Failure> {
        let what = "cannot read the history".to_owned();
        match self {
            Self::Denies => Err(Failure::AwsDenied { what, source: Some("AccessDeniedException".into()) }),
            Self::Throttles => Err(Failure::AwsTransient { what, source: Some("ThrottlingException".into()) }),
            Self::Hangs => std::future::pending().await,
        }
    }
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/close-run.json")).unwrap()
}

fn held() -> Memory {
    Memory::held_by(&serde_json::from_value(event()["run"].clone()).unwrap())
}

async fn close(store: &Memory, event: Value) -> Step<Closed> {
    handle(store, &Blank, &Figures::default(), Timestamp::UNIX_EPOCH, event).await.unwrap()
}

#[tokio::test]
async fn a_promotion_leaves_the_replica_active_and_the_lease_free() {
    let store = held();
    close(&store, event()).await;
    let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
    assert_eq!((lease.active, lease.holder), (ActiveSide::Replica, None));
}

#[tokio::test]
async fn an_error_in_the_promotion_counts_as_promoted_until_a_person_looks() {
    for (phase, active) in [("promoting", ActiveSide::Replica), ("opened", ActiveSide::Primary)] {
        let held = held().text("leases/lab.json").unwrap();
        let held = held.replace("\"phase\":\"opened\"", &format!("\"phase\":\"{phase}\""));
        assert!(held.contains(phase), "{held}");
        let (store, mut event) = (Memory::default().with("leases/lab.json", &held), event());
        event["record"] = json!({"error": {"state": "PromoteReplica", "error": "AwsTransient", "cause": "timed out"}});
        event["outcome"] = json!("needs-a-person");
        let left = close(&store, event).await.did.unwrap().evidence;
        let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
        let evidence: Evidence = serde_json::from_str(&store.text(&left).unwrap()).unwrap();
        assert_eq!(lease.active, active, "asked for only where the lease says so: {phase}");
        assert_eq!(evidence.active, active, "and its evidence says the same: {phase}");
        assert_eq!(lease.unfinished.is_some(), active == ActiveSide::Replica, "{phase}");
    }
}

#[tokio::test]
async fn what_a_dead_run_had_promoted_stays_promoted_whatever_this_run_decides() {
    let (store, mut event) = (held(), event());
    event["record"] = json!({});
    event["outcome"] = json!("refused");
    event["run"]["takenOver"] = json!({
        "execution": "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:dead",
        "phase": "promoting", "since": "2026-01-15T09:00:00Z", "asked": null,
    });
    close(&store, event).await;
    let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
    assert_eq!(lease.active, ActiveSide::Replica);
}

#[tokio::test]
async fn a_person_s_no_stays_in_the_lease_so_that_nothing_starts_again_by_itself() {
    let ends = [("deny", "refused", true), ("deny", "undone", true), ("approve", "refused", false)];
    for (decision, outcome, declined) in ends {
        let (store, mut event) = (held(), event());
        event["record"] = json!({ "approval": { "decision": decision, "by": "anna", "why": "a drill" } });
        event["outcome"] = json!(outcome);
        close(&store, event).await;
        let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
        assert_eq!(lease.last.unwrap().declined_at.is_some(), declined, "{decision}");
    }
}

#[tokio::test]
async fn a_history_that_is_not_told_keeps_neither_the_evidence_nor_the_lease() {
    for (engine, says) in [(Mute::Denies, "AccessDenied"), (Mute::Throttles, "Throttling")] {
        let store = held();
        let closed =
            handle(&store, &engine, &Figures::default(), Timestamp::UNIX_EPOCH, event()).await.unwrap().did.unwrap();
        let text = store.text(&closed.evidence).unwrap();
        let evidence: Evidence = serde_json::from_str(&text).unwrap();
        let why = evidence.timeline_missing.unwrap();
        assert!(why.contains(says) && evidence.timeline.is_empty(), "{why}");
        assert_eq!((evidence.transitions, closed.transitions), (None, None), "unknown is not zero");
        assert_eq!((closed.rto_seconds, closed.met), (None, None), "what was not timed was not met");
        let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
        assert_eq!(lease.holder, None);
    }
    let execution = serde_json::from_value(event()["execution"].clone()).unwrap();
    let why = told(&Mute::Hangs, &execution, Duration::from_millis(5)).await.unwrap_err();
    assert!(why.contains("not told within"), "{why}");
    let store = held();
    let closed = close(&store, event()).await.did.unwrap();
    assert!(!store.text(&closed.evidence).unwrap().contains("timelineMissing"), "only where it is missing");
}

#[tokio::test]
async fn an_end_that_is_not_done_says_what_starts_the_next_run() {
    let next = async |outcome: &str, record: Value, opened: bool| {
        let (store, mut event) = (held(), event());
        (event["outcome"], event["record"]) = (json!(outcome), record);
        if !opened {
            event["run"] = Value::Null;
        }
        close(&store, event).await.did.unwrap().next.unwrap_or_default()
    };
    let done = next("done", event()["record"].clone(), true).await;
    assert_eq!(done, "");
    let refused = next("refused", json!({}), true).await;
    assert!(refused.contains("goes on looking"), "{refused}");
    let no = json!({ "approval": { "decision": "deny", "by": "anna", "why": "a drill" } });
    assert!(next("refused", no, true).await.contains("anna said no"));
    assert_eq!(next("refused", json!({}), false).await, "", "it named no plan that exists");
    let in_the_way = json!({ "openRun": {
        "step": "Pending", "because": "held", "did": null, "seen": { "active": "primary" },
    } });
    assert!(next("refused", in_the_way, false).await.contains("goes on looking"));
}

#[tokio::test]
async fn closing_twice_is_closing_once() {
    let store = held();
    close(&store, event()).await;
    let first = store.text("leases/lab.json");
    let step = close(&store, event()).await;
    assert_eq!(store.text("leases/lab.json"), first);
    assert!(step.because.contains("released already"), "{}", step.because);
}

#[tokio::test]
async fn a_replay_with_other_content_keeps_what_the_run_left_and_answers_it() {
    let (store, mut replay) = (held(), event());
    let first = close(&store, event()).await.did.unwrap();
    let (evidence, lease) = (store.text(&first.evidence), store.text("leases/lab.json"));
    replay["outcome"] = json!("needs-a-person");
    replay["stopped"]["answer"]["because"] = json!("a replay");
    replay["record"] = json!({});
    let again = handle(&store, &Blank, &Figures::default(), Timestamp::MAX, replay).await.unwrap();
    assert!(again.because.contains("written before"), "{}", again.because);
    assert_eq!((store.text(&first.evidence), store.text("leases/lab.json")), (evidence, lease));
    assert_eq!(serde_json::to_value(again.did).unwrap(), serde_json::to_value(first).unwrap());
}

#[tokio::test]
async fn a_run_that_died_between_evidence_and_release_is_released_as_its_evidence_says() {
    let (store, lease) = (held(), held().text("leases/lab.json").unwrap());
    let left = close(&store, event()).await.did.unwrap().evidence;
    let store = Memory::default().with("leases/lab.json", &lease).with(&left, &store.text(&left).unwrap());
    let mut replay = event();
    replay["outcome"] = json!("refused");
    replay["record"] = json!({});
    close(&store, replay).await;
    let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
    assert_eq!((lease.active, lease.holder), (ActiveSide::Replica, None));
    assert_eq!(lease.last.unwrap().outcome, RunOutcome::Done);
}

#[tokio::test]
async fn what_is_under_the_key_and_not_this_run_s_stays_and_the_evidence_is_written_beside_it() {
    let left = close(&held(), event()).await.did.unwrap().evidence;
    let mut older = event();
    older["startedAt"] = json!("2025-10-15T09:30:04.105Z");
    let store = held();
    close(&store, older).await;
    for there in ["[]", "no JSON", "", &store.text(&left).unwrap()] {
        let store = held().with(&left, there);
        let key = close(&store, event()).await.did.unwrap().evidence;
        assert!(key != left && key.starts_with("evidence/lab/lifeboat-failover/"), "{key}");
        assert_eq!(store.text(&left).unwrap(), there);
        let evidence: Evidence = serde_json::from_str(&store.text(&key).unwrap()).unwrap();
        assert_eq!(evidence.outcome, RunOutcome::Done);
        assert!(store.text("leases/lab.json").unwrap().contains("\"holder\":null"));
        assert_eq!(close(&store, event()).await.did.unwrap().evidence, key, "the same again");
    }
}

#[tokio::test]
async fn a_lease_that_nobody_can_read_is_named_and_the_evidence_is_written_all_the_same() {
    for text in ["", "null", "{\"plan\": \"lab\"}", &"[".repeat(100_000)] {
        let store = Memory::default().with("leases/lab.json", text);
        let failure = handle(&store, &Blank, &Figures::default(), Timestamp::UNIX_EPOCH, event()).await.unwrap_err();
        assert!(failure.chain().contains("leases/lab.json"), "{}", failure.chain());
        assert_eq!(store.text("leases/lab.json").as_deref(), Some(text), "a person must look");
        assert!(store.keys().iter().any(|key| key.starts_with("evidence/lab/")));
    }
}

#[tokio::test]
async fn one_execution_closes_no_other_s_run() {
    let (store, mut event) = (held(), event());
    event["execution"] = json!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:another");
    let failure = handle(&store, &Blank, &Figures::default(), Timestamp::UNIX_EPOCH, event).await.unwrap_err();
    assert!(failure.name() == "InvalidInput" && failure.chain().contains("run.execution"), "{}", failure.chain());
    assert_eq!(store.keys(), ["leases/lab.json"]);
}

#[tokio::test]
async fn a_run_that_never_opened_leaves_evidence_all_the_same() {
    let (store, mut event) = (Memory::default(), event());
    event["run"] = Value::Null;
    event["record"] = json!({});
    let step = close(&store, event).await;
    assert!(step.did.unwrap().evidence.starts_with("evidence/no-plan/"));
}

#[tokio::test]
async fn a_run_that_got_no_lease_leaves_its_evidence_with_its_plan() {
    let (store, mut event) = (Memory::default(), event());
    event["record"] = json!({"openRun": {
        "step": "Refused", "because": "there is nothing to fail over to", "did": null, "seen": {"active": "replica"},
    }});
    event["run"] = Value::Null;
    event["outcome"] = json!("refused");
    let key = close(&store, event).await.did.unwrap().evidence;
    assert!(key.starts_with("evidence/lab/"), "{key}");
    let evidence: Evidence = serde_json::from_str(&store.text(&key).unwrap()).unwrap();
    assert!(evidence.trigger.is_some() && evidence.generation.is_none());
    assert_eq!(evidence.active, ActiveSide::Replica);
}

#[tokio::test]
async fn a_run_whose_lease_cannot_be_read_leaves_its_evidence_with_its_plan_and_one_without_a_plan_does_not() {
    for (state, error, folder) in [
        ("OpenRun", "InvalidInput", "evidence/lab/"),
        ("OpenRun", "AwsDenied", "evidence/lab/"),
        ("OpenRun", "NotFound", "evidence/no-plan/"),
    ] {
        let (store, mut event) = (Memory::default(), event());
        event["record"] = json!({"error": {"state": state, "error": error, "cause": "leases/lab.json cannot be read"}});
        event["run"] = Value::Null;
        event["outcome"] = json!("refused");
        let closed = close(&store, event).await.did.unwrap();
        assert!(closed.evidence.starts_with(folder), "{error}: {}", closed.evidence);
        assert!(closed.trigger.is_some(), "{error}: who asked is known in any case");
    }
}

#[tokio::test]
async fn another_s_lease_is_left_alone() {
    let (store, mut event) = (held(), event());
    let older = json!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:older");
    (event["execution"], event["run"]["execution"]) = (older.clone(), older);
    let before = store.text("leases/lab.json");
    close(&store, event).await;
    assert_eq!(store.text("leases/lab.json"), before);
}

#[tokio::test]
async fn a_run_s_figures_are_told_once_and_no_end_waits_for_them() {
    let (store, figures) = (held(), Figures::default());
    for _ in 0..2 {
        handle(&store, &Blank, &figures, Timestamp::UNIX_EPOCH, event()).await.unwrap();
    }
    assert_eq!(figures.told.take(), [("lab".parse().unwrap(), None, true)], "without a history no RTO is known");
    let denied = Figures { refuses: true, ..Figures::default() };
    let closed = handle(&held(), &Blank, &denied, Timestamp::UNIX_EPOCH, event()).await.unwrap();
    assert!(closed.did.is_some());
}
