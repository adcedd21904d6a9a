//! The application's own names: they are moved with the database's record, whatever their type and zone, or by Route 53's
//! health checks.

use std::time::{Duration, Instant};

use domain::{failover::traffic::RecordSet, plan::Plan};
use edge::{dns::Dns, route53::Route53};
use lab::{
    Settings,
    drill::{Drills, Scenario},
};
use serde_json::{Value, json};
use tests::{
    labs,
    listener::{Listener, tell},
    repository,
};

/// The lab's plan with a name of each type, in the database's zone and in another one, and a check that goes through one.
fn plan() -> Plan {
    let file = "plans/lab.yaml";
    let plan = domain::plan_file::read(&repository::text(file), file).unwrap();
    let mut plan = serde_json::to_value(plan).unwrap();
    // The lab lets them lead to its own hosts, in its own zones.
    let own = plan["traffic"][0]["record"]["zone"].clone();
    let plain = |kind: &str, zone: &Value, name: &str, [primary, recovery]: [&str; 2]| json!({"type": kind, "zone": zone, "name": name, "primary": primary, "recovery": recovery, "ttl": "1s", "ttlOnFailover": "0s"});
    let balancer = |host: &str| json!({"host": host, "zone": "ZELB"});
    let other = json!("ZSHOP");
    plan["traffic"][0]["records"] = json!([
        plain("a", &own, "www.orders.lifeboat.test", ["192.0.2.1", "192.0.2.2"]),
        plain("cname", &other, "api.shop.lifeboat.test", ["primary.example.com", "recovery.example.com"]),
        {"type": "alias", "zone": other, "name": "static.shop.lifeboat.test",
         "primary": balancer("primary.example.com"), "recovery": balancer("recovery.example.com")},
    ]);
    for (name, host) in [("the application answers", "www.orders"), ("the interface answers", "api.shop")] {
        let url = format!("http://{host}.lifeboat.test:8080/");
        let health = json!({"kind": "http", "name": name, "within": "2s", "url": url});
        plan["verify"].as_array_mut().unwrap().push(health);
    }
    // An alias is kept for a minute.
    plan["objectives"]["rto"] = json!("2m");
    serde_json::from_value(plan).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_follow_the_application_s_names_are_sent_to_the_side_that_took_over() {
    let told = Listener::default();
    let (lab, _place) = labs::start(&plan(), &told).await.unwrap();
    let mut drills = Drills::on(lab);
    let _turn = labs::turn().await;
    let result = drills.run(Scenario::PrimaryKilled, "cargo test", &told).await.unwrap();
    assert!(result.passed(), "{:?}\n{:#?}", result.shortcomings(), told.told());
    for check in &result.checks {
        tell(&format!("{}: {}", check.claim, check.found));
    }
    assert_eq!(result.checks.len(), 9, "three of each name: {:#?}", result.checks);
    let system = &drills.lab.system;
    let route53 = Route53::with(&drills.lab.aws.gateway.sdk_config(system.plan.regions.recovery.as_str()));
    for name in system.plan.traffic.application() {
        let seen = route53.look(&name.zone, &name.name).await.unwrap();
        let generation: Vec<_> = seen.generation.iter().flat_map(|set| set.values.clone()).collect();
        assert_eq!(generation, ["\"generation=1\""], "{}", name.name);
        assert_eq!(seen.records[0].ttl_seconds, name.ttl_after.map(|_| 0), "{}", name.name);
    }
    // A switchover moves them by the same step.
    let result = drills.run(Scenario::Switchover, "cargo test", &told).await.unwrap();
    assert!(result.passed(), "{:?}\n{:#?}", result.shortcomings(), told.told());
    drills.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_cannot_be_moved_is_told_and_the_new_primary_is_verified_and_hardened_all_the_same() {
    let (lab, _place) = labs::start(&plan(), &Listener::default()).await.unwrap();
    lab.start_by_hand_only().await.unwrap();
    let (system, region) = (&lab.system, lab.system.plan.regions.recovery.clone());
    let route53 = Route53::with(&lab.aws.gateway.sdk_config(region.as_str()));
    // Somebody has moved it.
    let left = system.plan.traffic.application().find(|name| name.name.as_str().starts_with("api.")).unwrap();
    let seen = route53.look(&left.zone, &left.name).await.unwrap();
    let elsewhere = RecordSet { values: vec!["elsewhere.example.com".to_owned()], ..seen.records[0].clone() };
    route53.change(&left.zone, &seen.records, &[elsewhere], "a test".to_owned()).await.unwrap();
    lab.aws.rds.kill(&system.primary()).await.unwrap();
    system.noticed(&lab.aws).await.unwrap();
    let words = "lifeboat failover --plan lab --by anna --why 'it burns' --accept-data-loss";
    let mut shell = labs::shell(&lab, words);
    // The lab's own services go on meanwhile.
    let ran = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
    let told = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    tell(&told);
    assert_eq!(ran.status.code(), Some(6), "{told}");
    // What goes through that name would say nothing of the new side.
    for says in [
        "`the interface answers` was not asked",
        "DEGRADED: ",
        "but not moved: `api.shop.lifeboat.test`",
        "FailoverDegraded",
        "HardenPrimary",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let is_it = |told: &lab::pager::Notice| {
        told.subject.contains("DEGRADED")
            && told.message.contains(&format!("`{}`, CNAME in zone {}", left.name, left.zone))
    };
    lab.pager.notice(jiff::Timestamp::UNIX_EPOCH, "which name was not moved", is_it).await.unwrap();
    for name in system.plan.traffic.application() {
        let seen = route53.look(&name.zone, &name.name).await.unwrap();
        assert_eq!(seen.generation.is_empty(), name.name == left.name, "{}: {seen:?}", name.name);
    }
    lab.shut_down().await;
}

/// A name that Route 53 moves while the primary side cannot write.
fn routed() -> Plan {
    let file = "plans/lab.yaml";
    let mut plan = serde_json::to_value(domain::plan_file::read(&repository::text(file), file).unwrap()).unwrap();
    let zone = plan["traffic"][0]["record"]["zone"].clone();
    plan["traffic"][0]["records"] = json!([{"type": "a", "zone": zone, "name": "www.orders.lifeboat.test",
        "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "1s", "by": "health-checks",
        "healthChecks": {"primary": {"host": "primary.example.com", "interval": "10s", "failures": 2}}}]);
    plan["objectives"]["rto"] = json!("2m");
    serde_json::from_value(plan).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_health_checks_move_leads_away_while_the_primary_side_fails_and_comes_back_by_itself() {
    let (lab, _place) = labs::start_waiting(&routed(), Settings::default(), &Listener::default()).await.unwrap();
    lab.start_by_hand_only().await.unwrap();
    let plan = lab.system.plan.clone();
    let (name, checks) = plan.traffic.routed().next().unwrap();
    let resolver = Dns::asking(&[lab.aws.resolver()], true).unwrap();
    let leads_to = async |side: &domain::plan::Target, within: Duration| {
        let began = Instant::now();
        loop {
            let found = resolver.ipv4_of(&name.name).await;
            if found.as_ref().is_ok_and(|found| found.iter().any(|address| address.to_string() == side.text())) {
                return began.elapsed();
            }
            assert!(began.elapsed() < within, "{} led to {found:?} and not to {side}", name.name);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    leads_to(&name.primary, Duration::from_secs(5)).await;
    lab.aws.rds.kill(&lab.system.primary()).await.unwrap();
    let detection = checks.primary.detection().duration();
    let took = leads_to(&name.recovery, 3 * detection).await;
    tell(&format!("away after {:.1} s", took.as_secs_f64()));
    assert!(took > Duration::from_secs(9), "two looks that failed are ten seconds apart: {took:?}");
    lab.aws.rds.restart_after_kill(&lab.system.primary()).await.unwrap();
    tell(&format!("back after {:.1} s", leads_to(&name.primary, 3 * detection).await.as_secs_f64()));
    lab.shut_down().await;
}
