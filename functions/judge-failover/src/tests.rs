use domain::{
    component::PostgresPair,
    failover::judgement::{ApiSeen, Fitness, RecordSeen, Witness},
    run::step::Outcome,
    watch::health::{Endpoint, Look as Looked, Verdict},
    words::id::ExecutionArn,
};
use edge::object_store::fake::Memory;
use serde_json::json;

use super::*;

/// A world in which the primary is as given, and nothing else is known.
struct Blind(Verdict);

impl Looks for Blind {
    async fn owner(&self, _: &ExecutionArn, _: Timestamp) -> Owner {
        Owner::Running
    }

    async fn look(&self, _: &Run, pair: &PostgresPair, watch: Watch) -> Result<Seen, Failure> {
        let at = clock::now();
        Ok(Seen {
            recovery: Looked {
                endpoint: Endpoint::Refused,
                database: self.0,
                because: "as told".into(),
                at,
                took_milliseconds: 1,
                lsn: None,
            },
            witness: Witness::NotPlanned,
            replica: judgement::ReplicaSeen::Silent("as told".into()),
            api: ApiSeen::Silent("as told".into()),
            record: RecordSeen::Names(pair.primary.endpoint.clone()),
            fitness: Fitness::default(),
            watch,
            health: None,
            silent_since: None,
        })
    }
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/judge-failover.json")).unwrap()
}

/// A store on which the sample's run holds the lease.
fn held() -> Memory {
    Memory::held_by(&serde_json::from_value(event()["run"].clone()).unwrap())
}

async fn judged(store: &Memory, world: &Blind, event: Value) -> Result<Step<Judgement>, Failure> {
    match handle(store, world, event).await? {
        Answer::Judged(step) => Ok(step),
        Answer::Rehearsed(_) => panic!("not a judgement"),
    }
}

#[tokio::test]
async fn a_rehearsal_needs_no_lease_and_changes_nothing() {
    let store = Memory::default().with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"));
    let event = serde_json::from_str(include_str!("../../../events/judge-failover-rehearse.json")).unwrap();
    let Answer::Rehearsed(step) = handle(&store, &Blind(Verdict::Up), event).await.unwrap() else {
        panic!("not a rehearsal")
    };
    assert!(step.because.contains("nothing to fail over to"), "{}", step.because);
    assert_eq!(store.keys(), ["plans/lab.yaml"]);
}

#[tokio::test]
async fn a_primary_that_answers_is_a_refusal_not_an_error() {
    // The sample's run opened long ago: its alarm has come to rest.
    let step = judged(&held(), &Blind(Verdict::Up), event()).await.unwrap();
    assert_eq!(step.step, Outcome::Refused);
    assert!(step.because.contains("answers again"), "{}", step.because);
}

#[tokio::test]
async fn nothing_to_fail_over_to_is_a_refusal() {
    let step = judged(&held(), &Blind(Verdict::Down), event()).await.unwrap();
    assert_eq!(step.step, Outcome::Refused);
    assert!(step.because.contains("nothing to fail over to"), "{}", step.because);
}

#[tokio::test]
async fn where_the_log_of_an_instance_stood_that_the_plan_no_longer_names_says_nothing() {
    let run: Run = serde_json::from_value(event()["run"].clone()).unwrap();
    let watch = |instance: &str| json!({ "side": "primary", "instance": instance, "failing": null, "lastSeen": { "lsn": "0/10", "at": run.opened_at } });
    for (instance, is_known) in [("orders-primary", true), ("orders-before", false)] {
        let store = held().with("probes/lab/watch.json", &watch(instance).to_string());
        let seen = look(&store, &Blind(Verdict::Down), &run).await.unwrap();
        assert_eq!(seen.watch.last_seen.is_some(), is_known, "{instance}");
    }
}

#[tokio::test]
async fn a_streak_that_nobody_has_gone_on_with_is_none() {
    let run: Run = serde_json::from_value(event()["run"].clone()).unwrap();
    for (age, believed) in [(1, true), (3_600, false)] {
        let at = clock::now().checked_sub(jiff::SignedDuration::from_secs(age)).unwrap();
        let failing = json!({ "since": at, "until": at, "failures": 1, "because": "refused" });
        let watch =
            json!({ "instance": "orders-primary", "failing": failing, "lastSeen": { "lsn": "0/10", "at": at } });
        let store = held().with("probes/lab/watch.json", &watch.to_string());
        let seen = look(&store, &Blind(Verdict::Down), &run).await.unwrap();
        assert_eq!(seen.watch.failing.is_some(), believed, "{age} s");
    }
}

#[tokio::test]
async fn the_health_of_the_primary_s_region_is_on_record_and_decides_nothing() {
    let mut event = event();
    event["run"]["plan"]["health"] = json!({"every": "30s", "checks": ["all"]});
    let failed = json!({"name": "api", "went": {"failed": "status 503"}, "tookMilliseconds": 5});
    let looks: Vec<Value> = (1..=3)
        .rev()
        .map(|age| {
            let at = clock::now().checked_sub(jiff::SignedDuration::from_secs(30 * age)).unwrap();
            json!({"at": at, "checks": [failed], "databases": [], "api": "up"})
        })
        .collect();
    let kept = json!({"region": "us-east-1", "seenFrom": "us-west-2", "looks": looks}).to_string();
    for (kept, condition) in [(kept.as_str(), json!("unhealthy")), ("{", Value::Null)] {
        let store = Memory::held_by(&serde_json::from_value(event["run"].clone()).unwrap());
        let store = store.with("health/lab/us-east-1.json", kept);
        let step = judged(&store, &Blind(Verdict::Up), event.clone()).await.unwrap();
        assert_eq!((step.step, &step.seen["health"]["condition"]), (Outcome::Refused, &condition));
    }
}

#[tokio::test]
async fn a_run_without_the_lease_judges_nothing() {
    let failure = handle(&Memory::default(), &Blind(Verdict::Down), event()).await.unwrap_err();
    assert_eq!(failure.name(), "Superseded");
}

#[tokio::test]
async fn an_approved_failure_is_looked_at_once_more() {
    let event: Value = serde_json::from_str(include_str!("../../../events/judge-failover-approved.json")).unwrap();
    let step = judged(&held(), &Blind(Verdict::Up), event.clone()).await.unwrap();
    assert_eq!(step.step, Outcome::Refused);
    assert!(step.because.contains("answers again"), "{}", step.because);
    let mut wrong = event;
    wrong["approval"] = json!({"decision": "approve", "by": "anna\nben", "why": "x"});
    assert_eq!(judged(&held(), &Blind(Verdict::Up), wrong).await.unwrap_err().name(), "InvalidInput");
}

#[tokio::test]
async fn a_malformed_event_is_invalid_input() {
    let failure = handle(&held(), &Blind(Verdict::Down), json!({"run": {}})).await.unwrap_err();
    assert_eq!(failure.name(), "InvalidInput");
}
