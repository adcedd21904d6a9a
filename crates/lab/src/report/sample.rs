//! A drill as it usually goes, for tests.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    Actor, Check, DrillResult, Ending, Environment, Event, HeldTo, OldPrimary, Reading, Record, RunResult, Subject,
    TimelineEntry, signals, timeline, turns,
};
use crate::workload::{ClientView, Loss, Outage, Rows, Trace};

/// The plan of this repository's lab.
const PLAN: &str = include_str!("../../../../plans/lab.yaml");

/// An instant, in milliseconds from the disaster.
pub(crate) fn after(ms: i64) -> Timestamp {
    let disaster: Timestamp = "2026-03-01T02:00:00Z".parse().unwrap();
    disaster + SignedDuration::from_millis(ms)
}

/// A killed primary, recovered in 2.3 s.
pub(crate) fn killed() -> DrillResult {
    let evidence: domain::record::evidence::Evidence = serde_json::from_value(evidence()).unwrap();
    let lab =
        |ms, event, detail: &str, source| TimelineEntry { at: after(ms), event, detail: detail.to_owned(), source };
    let mut happened = timeline(&evidence);
    happened.extend([
        lab(0, Event::Killed, "SIGKILL of orders-primary and all its processes", Actor::Disaster),
        lab(1_312, Event::Detected, "3 failed samples in a row, connection refused", Actor::Probe),
        lab(1_361, Event::Alarm, "lifeboat-lab-primary-down is in ALARM", Actor::Alarm),
        lab(2_282, Event::FirstCommit, "row 10612 on orders-replica", Actor::Client),
        lab(4_100, Event::OldPrimaryBack, "its host was started again", Actor::Disaster),
        lab(4_130, Event::OldPrimaryFenced, "refused 41 of 41 attempts", Actor::Client),
    ]);
    happened.sort_by_key(|entry| entry.at);
    let acknowledged = (-100..=0).map(|n| n * 20 - 9).chain((0..100).map(|n| 2_282 + n * 20)).collect();
    DrillResult {
        scenario: "primary-killed".to_owned(),
        story: "The primary is killed. Lifeboat must notice by itself, fail over and fence the old primary.".to_owned(),
        subject: Subject::Failover,
        plan: domain::plan_file::read(PLAN, "plans/lab.yaml").unwrap().pairs().next().unwrap(),
        held_to: HeldTo { rto: true, rpo: true },
        began_at: after(-21_000),
        disaster_at: after(0),
        ended_at: after(6_000),
        timeline: happened,
        turns: turns(&evidence),
        signals: signals(&evidence),
        runs: vec![RunResult::of("automatic failover", Ending::Done, evidence)],
        checks: vec![Check {
            claim: "the lease is free again".to_owned(),
            holds: true,
            found: "generation 1, nobody holds it".to_owned(),
        }],
        readings: Vec::new(),
        old_primary: Some(OldPrimary {
            returned_at: after(4_100),
            fenced: true,
            because: "refused 41 of 41 attempts: its security group lets nobody in".to_owned(),
        }),
        strays_until: None,
        guard: None,
        client: ClientView {
            outage: Some(Outage { last_before: after(-9), first_after: Some(after(2_282)), milliseconds: 2_291 }),
            rows_acknowledged: 612,
            attempts_failed: 88,
            lost: Loss::default(),
            split_brain: Rows::default(),
            strays: Vec::new(),
            unknown_kept: 0,
            unknown_gone: 1,
            trace: Trace { acknowledged, failed: (0..88).map(|n| 5 + n * 25).collect() },
        },
        environment: Environment {
            cores: 2,
            system: "Linux 6.1".to_owned(),
            versions: vec![("Lifeboat".to_owned(), "0.1.0".to_owned()), ("PostgreSQL".to_owned(), "15.14".to_owned())],
        },
        reproduce: "cargo drill primary-killed".to_owned(),
    }
}

/// A backup that was taken while the client went on.
pub(crate) fn backed_up() -> DrillResult {
    let lab =
        |ms, event, detail: &str, source| TimelineEntry { at: after(ms), event, detail: detail.to_owned(), source };
    let manifest = json!({
        "version": 1, "plan": "lab", "planVersion": "v1", "schedule": "daily", "scheduledAt": after(0),
        "execution": "arn:aws:states:us-west-2:000000000000:execution:lifeboat-backup:one", "endedAt": after(4_000),
        "outcome": "complete", "retention": null, "parts": []
    });
    let run = RunResult {
        name: "backup".to_owned(),
        expected: Ending::Complete,
        actual: Some(Ending::Complete),
        because: "1 of 1 components are backed up".to_owned(),
        execution: Some("arn:aws:states:us-west-2:000000000000:execution:lifeboat-backup:one".to_owned()),
        transitions: Some(13),
        evidence: None,
        record: Some(Record::Backup(Box::new(serde_json::from_value(manifest).unwrap()))),
    };
    DrillResult {
        scenario: "restore-test".to_owned(),
        subject: Subject::Backups,
        held_to: HeldTo { rto: false, rpo: false },
        timeline: vec![
            lab(0, Event::RunStarted, "`one`", Actor::Run),
            lab(3_900, Event::StepAnswered, "Snapshot: it is in us-east-1, us-west-2", Actor::Run),
            lab(4_010, Event::RunEnded, "complete", Actor::Run),
        ],
        turns: Vec::new(),
        signals: Vec::new(),
        runs: vec![run],
        readings: vec![Reading { name: "backup".to_owned(), unit: "ms".to_owned(), value: 4_010 }],
        old_primary: None,
        client: ClientView {
            outage: Some(Outage { last_before: after(1_000), first_after: Some(after(1_041)), milliseconds: 41 }),
            rows_acknowledged: 300,
            attempts_failed: 0,
            unknown_gone: 0,
            trace: Trace { acknowledged: (0..200).map(|n| n * 20).collect(), failed: Vec::new() },
            ..ClientView::default()
        },
        reproduce: "cargo drill restore-test".to_owned(),
        ..killed()
    }
}

fn evidence() -> serde_json::Value {
    let state = |name: &str, from, to| json!({"state": name, "enteredAt": after(from), "leftAt": after(to)});
    let answer =
        |because: &str| json!({"step": "Done", "because": because, "seen": {"status": "available"}, "did": null});
    let signal = |vantage: &str, because: &str| json!({"vantage": vantage, "verdict": "down", "because": because, "at": after(1_520)});
    json!({
        "version": 1, "plan": "lab", "planVersion": "v1",
        "execution": "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:alarm-1",
        "generation": 1,
        "trigger": {"kind": "alarm", "alarm": "lifeboat-lab-primary-down", "at": after(1_361), "reason": "Threshold Crossed"},
        "consent": null, "outcome": "done",
        "because": "orders-replica takes writes since 02:00:02, and every check passed",
        "startedAt": after(1_402), "endedAt": after(2_431), "active": "replica", "infrastructure": [], "objective": null,
        "timeline": [
            state("OpenRun", 1_410, 1_482), state("JudgeFailover", 1_490, 1_560), state("WaitForHoldDown", 1_560, 1_570),
            state("FencePrimary", 1_575, 1_701), state("PromoteReplica", 1_710, 1_790),
            state("WaitForPromotion", 1_790, 1_900), state("PromoteReplica", 1_900, 1_985),
            state("DnsSwitch", 1_990, 2_243), state("Verify", 2_250, 2_320), state("CloseRun", 2_330, 2_431)
        ],
        "transitions": 27,
        "record": {
            "openRun": answer("the lease is taken, generation 1"),
            "judgement": {
                "step": "Done", "because": "the database is down from every place that can see it, and the loss is within the budget",
                "seen": {"recovery": {"endpoint": "refused"}, "witness": {"endpoint": "refused"}},
                "did": {
                    "class": "database", "policy": "automatic", "loss": loss(), "lastSeen": null,
                    "failingSince": after(312), "approvalSeconds": 900,
                    "signals": [
                        signal("recovery", "the host refuses connections"), signal("witness", "the host refuses connections"),
                        signal("replica", "the WAL receiver is gone"),
                        {"vantage": "api", "verdict": "unknown", "because": "RDS still says available", "at": after(1_540)}
                    ]
                }
            },
            "approval": null, "fencing": answer("its security group lets nobody in"),
            "promotion": {
                "step": "Done", "because": "orders-replica is no replica any more and has committed a write", "seen": {},
                "did": {
                    "instance": "orders-replica", "position": null, "loss": loss(), "askedAt": after(1_720), "timeline": 2,
                    "writtenAtLsn": "0/3000148", "writtenAt": after(1_960)
                }
            },
            "traffic": answer("db.orders.lifeboat.test names orders-replica on every authoritative server"),
            "verification": answer("orders can be read: 10612"), "undo": null, "error": null
        },
        "request": {"source": "aws.cloudwatch"}
    })
}

/// Nothing more than was known.
fn loss() -> serde_json::Value {
    serde_json::to_value(domain::failover::loss::Loss::Promoted).unwrap()
}
