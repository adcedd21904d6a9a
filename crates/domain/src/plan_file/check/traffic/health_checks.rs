//! Names that Route 53 moves by itself, and the health checks by which it does.

use super::super::super::finding::Finding;
use crate::{
    plan::{ApplicationRecord, HealthCheck, HealthChecks, MovedBy},
    words::{id::HostName, time_span::TimeSpan},
};

/// The Regions that Route 53's checkers ask from.
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>
const CHECKERS: [&str; 8] = [
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-west-1",
    "us-west-2",
];

/// The fewest of them that Route 53 takes.
const FEWEST_CHECKERS: usize = 3;

/// The intervals that it knows.
const INTERVALS: [TimeSpan; 2] = [TimeSpan::seconds(10), TimeSpan::seconds(30)];

/// The most failures in a row that it counts.
const MOST_FAILURES: u8 = 10;

/// The longest path that it asks for.
const LONGEST_PATH: usize = 255;

pub(super) fn check(record: &ApplicationRecord, path: &str, found: &mut Vec<Finding>) {
    match (record.by(), record.health_checks()) {
        (MovedBy::Switch, None) => {}
        (MovedBy::Switch, Some(_)) => {
            let what = "a run moves this name, and these health checks would move it too";
            found.push(Finding::error(
                format!("{path}.healthChecks"),
                what,
                "Write `by: health-checks`, or take them out.",
            ));
        }
        (MovedBy::HealthChecks, None) => {
            let what = "health checks are to move this name, and it has none";
            found.push(Finding::error(
                format!("{path}.by"),
                what,
                "Write `healthChecks` with a `primary`, or `by: switch`.",
            ));
        }
        (MovedBy::HealthChecks, Some(checks)) => all(record, checks, path, found),
    }
}

fn all(record: &ApplicationRecord, checks: &HealthChecks, path: &str, found: &mut Vec<Finding>) {
    if record.ttls().is_some_and(|(_, on_failover)| on_failover.is_some()) {
        let what = "no failover writes this name: Route 53 answers with one side or the other";
        found.push(Finding::error(format!("{path}.ttlOnFailover"), what, "Take it out; `ttl` counts always."));
    }
    let name = record.moved().name;
    for (side, check) in checks.each() {
        one(check, &name, &format!("{path}.healthChecks.{side}"), found);
    }
    let asks = |check: &HealthCheck| (check.host.clone(), check.port, check.path.clone());
    if checks.recovery.as_ref().is_some_and(|recovery| asks(recovery) == asks(&checks.primary)) {
        let what =
            format!("both sides are believed by what `{}` answers, so that nothing is moved", checks.primary.host);
        let remedy = "Ask what serves in the recovery Region.";
        found.push(Finding::error(format!("{path}.healthChecks.recovery.host"), what, remedy));
    }
}

fn one(check: &HealthCheck, name: &HostName, path: &str, found: &mut Vec<Finding>) {
    let mut wrong = |field: &str, what: String, remedy: &str| {
        found.push(Finding::error(format!("{path}.{field}"), what, remedy));
    };
    let host = check.host.as_str();
    if check.host == *name {
        let what = format!("`{host}` leads to whichever side serves, so that this tells nothing of one side");
        wrong("host", what, "Write a name that leads to this side only, as its load balancer's.");
    }
    if check.host.is_an_address() {
        let what = format!("`{host}` is an address, and HTTPS is asked by a name");
        wrong("host", what, "Write the name of what serves on this side.");
    }
    if !check.path.starts_with('/')
        || check.path.len() > LONGEST_PATH
        || !check.path.chars().all(|c| c.is_ascii_graphic())
    {
        let what = format!("`{}` is no path that Route 53 asks for", check.path);
        wrong("path", what, "Write one that begins with `/`, of at most 255 letters without spaces, as `/health`.");
    }
    if check.port == 0 {
        wrong("port", "0 is no port".to_owned(), "Write the one on which HTTPS is answered, as 443.");
    }
    if !INTERVALS.contains(&check.interval) {
        wrong("interval", format!("Route 53 does not ask every {}", check.interval), "Write 10s or 30s.");
    }
    if !(1..=MOST_FAILURES).contains(&check.failures) {
        wrong("failures", format!("Route 53 does not count to {}", check.failures), "Write 1 to 10; 3 is usual.");
    }
    if let Some(other) = check.from.iter().find(|region| !CHECKERS.contains(&region.as_str())) {
        let remedy = format!("Choose from: {}.", CHECKERS.join(", "));
        wrong("from", format!("Route 53 has no checkers in {other}"), &remedy);
    }
    let mut from = check.from.clone();
    from.sort_unstable();
    from.dedup();
    if from.len() != check.from.len() || (1..FEWEST_CHECKERS).contains(&from.len()) {
        let what = format!("Route 53 asks from {FEWEST_CHECKERS} Regions at least, each named once");
        wrong("from", what, "Name more, or take `from` out: it asks from all of its Regions then.");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::tests::found;

    fn of(change: &[(&str, Value)]) -> Vec<String> {
        let side = |side: &str| json!({"host": format!("{side}.shop.example.com")});
        let mut record = json!({"type": "a", "zone": "Z00000000000LAB", "name": "shop.lifeboat.test",
            "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s", "by": "health-checks",
            "healthChecks": {"primary": side("east"), "recovery": side("west")}});
        for (at, value) in change {
            let (parent, key) = at.rsplit_once('/').unwrap();
            record.pointer_mut(parent).unwrap()[key] = value.clone();
        }
        let found = found(&[("/objectives/rto", json!("10m")), ("/traffic/0/records", json!([record]))]);
        found.into_iter().map(|found| found.replace("error: traffic[0].records[0].", "")).collect()
    }

    #[test]
    fn health_checks_and_what_moves_a_name_go_together() {
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(of(&[("/healthChecks/recovery", Value::Null)]), [""; 0], "Route 53 believes the recovery side then");
        assert_eq!(of(&[("/by", json!("switch"))]), ["healthChecks"]);
        assert_eq!(of(&[("/healthChecks", Value::Null)]), ["by"]);
        assert_eq!(of(&[("/ttlOnFailover", json!("30s"))]), ["ttlOnFailover"]);
    }

    #[test]
    fn a_check_proves_something_of_one_side() {
        let host = |name: &str| of(&[("/healthChecks/primary/host", json!(name))]);
        assert_eq!(host("shop.lifeboat.test"), ["healthChecks.primary.host"]);
        assert_eq!(host("192.0.2.1"), ["healthChecks.primary.host"]);
        assert_eq!(host("west.shop.example.com"), ["healthChecks.recovery.host"]);
    }

    #[test]
    fn a_check_is_one_that_route_53_has() {
        let of_primary = |key: &str, value: Value| of(&[(&format!("/healthChecks/primary/{key}"), value)]);
        for (key, good, bad) in [
            ("path", json!("/health?deep=1"), json!("health")),
            ("path", json!("/"), json!("/a b")),
            ("port", json!(8443), json!(0)),
            ("interval", json!("10s"), json!("20s")),
            ("failures", json!(10), json!(11)),
            ("failures", json!(1), json!(0)),
            ("from", json!(["us-east-1", "us-west-2", "eu-west-1"]), json!(["us-east-1", "us-west-2"])),
            ("from", json!([]), json!(["us-east-1", "us-west-2", "eu-central-1"])),
            ("from", json!([]), json!(["us-east-1", "us-east-1", "us-west-2", "eu-west-1"])),
        ] {
            assert_eq!(of_primary(key, good.clone()), [""; 0], "{key}: {good}");
            assert_eq!(of_primary(key, bad.clone()), [format!("healthChecks.primary.{key}")], "{key}: {bad}");
        }
    }

    #[test]
    fn detection_and_ttl_are_held_against_the_rto() {
        let of = |failures: u8| {
            let record = json!({"type": "a", "zone": "Z00000000000LAB", "name": "shop.lifeboat.test",
                "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s", "by": "health-checks",
                "healthChecks": {"primary": {"host": "east.shop.example.com", "failures": failures}}});
            found(&[("/objectives/rto", json!("5m")), ("/traffic/0/records", json!([record]))])
        };
        assert_eq!(of(8), [""; 0], "8 x 30 s and 60 s are 5 min");
        assert_eq!(of(9), ["error: traffic[0].records[0].healthChecks.primary"]);
    }

    #[test]
    fn names_that_health_checks_move_do_not_count_among_those_of_a_step() {
        let record = |nth: usize| {
            json!({"type": "a", "zone": "Z00000000000LAB", "name": format!("shop-{nth}.lifeboat.test"),
                "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s", "by": "health-checks",
                "healthChecks": {"primary": {"host": "east.shop.example.com"}}})
        };
        let many: Value = (0..11).map(record).collect();
        assert_eq!(found(&[("/objectives/rto", json!("5m")), ("/traffic/0/records", many)]), [""; 0]);
    }
}
