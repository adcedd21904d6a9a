//! What a plan adds to a failover: an alarm of its own, and targets that a report holds what was measured against.

use domain::{plan::Plan, plan_file};
use jiff::Timestamp;
use lab::{
    Lab,
    drill::{Drills, Scenario},
};
use serde_json::{Value, json};
use tests::{labs, listener::Listener, repository};

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_raises_the_plan_s_own_alarm_and_is_reported_against_its_targets() {
    let told = Listener::default();
    let (lab, _place) = labs::start(&plan(), &told).await.unwrap();
    let _turn = labs::turn().await;
    let mut drills = Drills::on(lab);
    let (code, before) = report(&drills.lab).await;
    assert_eq!((code, &before["standing"]), (8, &json!("not-measured")), "nothing was measured, which is not met");
    let result = drills.run(Scenario::PrimaryKilled, "cargo drill", &told).await.unwrap();
    assert!(result.shortcomings().is_empty(), "{:?}", result.shortcomings());
    let since = Timestamp::UNIX_EPOCH;
    let heard = drills.lab.pager.notice(since, "the plan's own alarm", |told| {
        told.message.contains("lifeboat-lab-alarm-moved") && told.message.contains("warning, on-call: ")
    });
    assert!(heard.await.unwrap().message.contains("An alarm that a plan adds"));
    let (code, after) = report(&drills.lab).await;
    let line = |measure: &str| {
        let lines = after["lines"].as_array().unwrap();
        lines.iter().find(|line| line["measure"] == measure).unwrap_or_else(|| panic!("no {measure}: {after}"))
    };
    for measure in ["rto-met", "detection", "dns", "recovery"] {
        assert_eq!(
            (&line(measure)["standing"], &line(measure)["of"]),
            (&json!("met"), &json!(1)),
            "{measure}: {after}"
        );
    }
    assert_eq!(line("failover")["standing"], "missed", "within 1 ms no failover is: {after}");
    assert_eq!((code, &after["standing"]), (7, &json!("missed")));
    drills.shut_down().await;
}

fn plan() -> Plan {
    let file = "plans/lab.yaml";
    let mut plan = serde_json::to_value(plan_file::read(&repository::text(file), file).unwrap()).unwrap();
    plan["alarms"] = json!([{"name": "moved", "watch": "dns-moved", "severity": "warning", "team": "on-call"}]);
    plan["objectives"]["targets"] = json!([
        {"measure": "rto-met", "atLeastPercent": 95},
        {"measure": "detection", "within": "5m"},
        {"measure": "dns", "within": "1m"},
        {"measure": "recovery", "within": "30s"},
        {"measure": "failover", "within": "1ms"},
    ]);
    serde_json::from_value(plan).unwrap()
}

/// The exit code of a report, and what it says.
async fn report(lab: &Lab) -> (i32, Value) {
    let mut shell = labs::shell(lab, "lifeboat report $PLAN --since 1h --json");
    // The lab's own services go on meanwhile.
    let output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
    let told = serde_json::from_slice(&output.stdout);
    let told = told.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), told)
}
