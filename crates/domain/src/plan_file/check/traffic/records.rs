//! The application's own names, which are moved with the database's record.

use std::collections::BTreeMap;

use super::{super::super::finding::Finding, health_checks};
use crate::{
    failover::traffic::generation_name,
    plan::{ApplicationRecord, Plan, Target, Traffic},
    words::{
        id::{HostName, Region, ZoneId},
        time_span::TimeSpan,
    },
};

/// As many as are looked at one after the other within a part of one invocation: Route 53 takes five requests a second.
const MOST_RECORDS: usize = 10;

/// Whether a name is that of a load balancer of AWS's, as NAME.REGION.elb.amazonaws.com or NAME.elb.REGION.amazonaws.com.
fn is_a_load_balancer_s(host: &HostName) -> bool {
    host.as_str().ends_with(".amazonaws.com") && host.as_str().split('.').any(|label| label == "elb")
}

/// Names that must differ, each with its place.
pub(super) fn names(plan: &Plan, found: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(ZoneId, String), String> = BTreeMap::new();
    let mut zones: BTreeMap<ZoneId, (HostName, String)> = BTreeMap::new();
    for (path, zone, name) in placed(plan) {
        for used in [name.to_string(), generation_name(&name)] {
            if let Some(first) = seen.insert((zone.clone(), used), path.clone())
                && first != path
            {
                let what = format!("`{name}` is moved by {first} too");
                found.push(Finding::error(
                    format!("{path}.name"),
                    what,
                    "Give each a name of its own, and name it once.",
                ));
                break;
            }
        }
        let (first, its_path) = zones.entry(zone.clone()).or_insert_with(|| (name.clone(), path.clone()));
        if !share_a_domain(first, &name) {
            let what = format!("zone {zone} has `{first}` by {its_path}, and `{name}` is not below the same domain");
            found.push(Finding::error(format!("{path}.zone"), what, "Write the zone that holds the name."));
        }
    }
}

/// Every name of a plan, with its zone and where it is written.
pub(in super::super) fn placed(plan: &Plan) -> impl Iterator<Item = (String, ZoneId, HostName)> {
    plan.traffic.iter().enumerate().flat_map(|(index, traffic)| {
        traffic.names().enumerate().map(move |(nth, (zone, name))| {
            let path = match nth {
                0 => format!("traffic[{index}].record"),
                nth => format!("traffic[{index}].records[{}]", nth - 1),
            };
            (path, zone, name)
        })
    })
}

/// Whether both could be in one zone: the names of one end alike in two labels at least.
fn share_a_domain(one: &HostName, other: &HostName) -> bool {
    let labels = |name: &HostName| name.as_str().rsplit('.').take(2).map(str::to_owned).collect::<Vec<_>>();
    labels(one) == labels(other)
}

pub(super) fn check(plan: &Plan, traffic: &Traffic, path: &str, found: &mut Vec<Finding>) {
    let moved = traffic.application().count();
    if moved > MOST_RECORDS {
        let what = format!("{moved} names are more than one step moves in its time");
        found.push(Finding::error(format!("{path}.records"), what, format!("Write at most {MOST_RECORDS}.")));
    }
    for (index, record) in traffic.records.iter().enumerate() {
        let path = format!("{path}.records[{index}]");
        one(plan, record, &path, found);
        health_checks::check(record, &path, found);
    }
}

fn one(plan: &Plan, record: &ApplicationRecord, path: &str, found: &mut Vec<Finding>) {
    let name = record.moved();
    if let Some((ttl, on_failover)) = record.ttls() {
        super::ttls(ttl, on_failover, path, found);
    }
    if name.primary == name.recovery {
        let what = format!("`{}` leads to `{}` on both sides, so that nothing is moved", name.name, name.primary);
        found.push(Finding::error(format!("{path}.recovery"), what, "Name what serves in the recovery Region."));
    }
    // A zone's own name, at least where it has no more than two labels.
    if matches!(record, ApplicationRecord::Cname(_)) && name.name.as_str().split('.').count() == 2 {
        let what =
            format!("`{}` is a zone's own name, which has other records: no CNAME may stand beside them", name.name);
        found.push(Finding::error(format!("{path}.type"), what, "Write an alias, or move a name below it, as www."));
    }
    let regions = &plan.regions;
    for (side, target, region) in
        [("primary", &name.primary, &regions.primary), ("recovery", &name.recovery, &regions.recovery)]
    {
        let path = format!("{path}.{side}");
        if target.text() == name.name.as_str() {
            let what = format!("`{}` would lead to itself", name.name);
            found.push(Finding::error(path.clone(), what, "Name what serves on that side."));
        }
        match target {
            Target::Address(address) => {
                let ip = address.ip();
                if ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() {
                    let what = format!("`{ip}` is no host's address");
                    found.push(Finding::error(path, what, "Write the address that serves on that side."));
                }
            }
            Target::Host(host) => is_of_a_host(host, region, &path, found),
            Target::LoadBalancer(balancer) => {
                is_of_a_host(&balancer.host, region, &format!("{path}.host"), found);
                if balancer.zone == name.zone && is_a_load_balancer_s(&balancer.host) {
                    let what = format!(
                        "zone {} is that of `{}` itself, which holds no load balancer's name",
                        name.zone, name.name
                    );
                    let remedy = "Write the load balancer's CanonicalHostedZoneId (aws elbv2 describe-load-balancers).";
                    found.push(Finding::error(format!("{path}.zone"), what, remedy));
                }
            }
        }
    }
}

/// Whether a name may be a host's, and one of the Region that it is to serve in.
fn is_of_a_host(host: &HostName, region: &Region, path: &str, found: &mut Vec<Finding>) {
    let text = host.as_str();
    if host.is_an_address() {
        let what = format!("`{text}` is an address and no host's name, so that the record would lead to nothing");
        return found.push(Finding::error(path, what, "Write the host's name, or a record of type a."));
    }
    if !is_a_load_balancer_s(host) {
        return;
    }
    if text.starts_with("dualstack.") {
        let what = format!("`{text}` begins with what Route 53's console adds");
        return found.push(Finding::error(path, what, "Write the load balancer's own name, without `dualstack.`."));
    }
    let its_region = text.split('.').find_map(|label| label.parse::<Region>().ok());
    if let Some(elsewhere) = its_region.filter(|its| its != region) {
        let what = format!("`{text}` is a load balancer in {elsewhere}, and this side is in {region}");
        found.push(Finding::error(path, what, format!("Name one of {region}: it is lost or kept with its Region.")));
    }
}

/// The TTLs of the names that a run moves, which count on this RTO, each with its place.
pub(in super::super) fn ttls_of(index: usize, traffic: &Traffic) -> Vec<(String, TimeSpan)> {
    let own = (format!("traffic[{index}].record.ttl"), traffic.record.ttl);
    let switched = traffic.records.iter().enumerate().filter(|(_, record)| record.by().is_a_switch());
    let of_the_application = switched.map(|(nth, record)| match record {
        ApplicationRecord::Alias(_) => (format!("traffic[{index}].records[{nth}]"), record.moved().ttl),
        ApplicationRecord::A(_) | ApplicationRecord::Cname(_) => {
            (format!("traffic[{index}].records[{nth}].ttl"), record.moved().ttl)
        }
    });
    std::iter::once(own).chain(of_the_application).collect()
}

/// How long clients are led to a side that does not answer, of the names that Route 53 moves, each with its place.
pub(in super::super) fn routed(index: usize, traffic: &Traffic) -> impl Iterator<Item = (String, TimeSpan)> {
    traffic.records.iter().enumerate().filter_map(move |(nth, record)| {
        let checks = record.health_checks().filter(|_| !record.by().is_a_switch())?;
        let worst = checks.primary.detection() + record.moved().ttl;
        Some((format!("traffic[{index}].records[{nth}].healthChecks.primary"), worst))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::tests::found;

    const ZONE: &str = "Z00000000000LAB";

    fn a(name: &str) -> Value {
        json!({"type": "a", "zone": ZONE, "name": name, "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "5s"})
    }

    fn alias(name: &str) -> Value {
        let side = |region: &str| json!({"host": format!("shop-1.{region}.elb.amazonaws.com"), "zone": "ZELB"});
        json!({"type": "alias", "zone": ZONE, "name": name, "primary": side("us-east-1"), "recovery": side("us-west-2")})
    }

    fn cname(name: &str) -> Value {
        let side = |side: &str| format!("{side}.shop.example.com");
        json!({"type": "cname", "zone": ZONE, "name": name, "primary": side("east"), "recovery": side("west"), "ttl": "5s"})
    }

    /// What is found in a plan that promises enough and moves these records.
    fn of(records: Value) -> Vec<String> {
        found(&[("/objectives/rto", json!("5m")), ("/traffic/0/records", records)])
    }

    /// A record with another value at a place.
    fn with(mut record: Value, at: &str, value: Value) -> Value {
        match record.pointer_mut(at) {
            Some(there) => *there = value,
            None => record[at.trim_start_matches('/')] = value,
        }
        record
    }

    #[test]
    fn names_of_each_type_may_be_moved_with_the_database_s() {
        let records = json!([a("shop.lifeboat.test"), cname("www.lifeboat.test"), alias("lifeboat.test")]);
        assert_eq!(of(records), [""; 0]);
        let many = |count: usize| (0..count).map(|n| a(&format!("shop-{n}.lifeboat.test"))).collect::<Value>();
        assert_eq!(of(many(10)), [""; 0]);
        assert_eq!(of(many(11)), ["error: traffic[0].records"]);
    }

    #[test]
    fn a_name_is_moved_once_and_not_the_database_s_again() {
        let twice = json!([a("shop.lifeboat.test"), alias("shop.lifeboat.test")]);
        assert_eq!(of(twice), ["error: traffic[0].records[1].name"]);
        assert_eq!(of(json!([a("db.orders.lifeboat.test")])), ["error: traffic[0].records[0].name"]);
        assert_eq!(of(json!([a("_lifeboat.db.orders.lifeboat.test")])), ["error: traffic[0].records[0].name"]);
        let elsewhere = with(a("db.orders.lifeboat.test"), "/zone", json!("ZPRIVATE"));
        assert_eq!(of(json!([elsewhere])), [""; 0], "another zone has names of its own");
    }

    #[test]
    fn the_names_of_a_zone_are_of_one_domain() {
        assert_eq!(of(json!([a("shop.example.com")])), ["error: traffic[0].records[0].zone"]);
        assert_eq!(of(json!([with(a("shop.example.com"), "/zone", json!("Z2"))])), [""; 0]);
    }

    #[test]
    fn each_side_has_what_serves_there() {
        let same = with(a("shop.lifeboat.test"), "/recovery", json!("192.0.2.1"));
        assert_eq!(of(json!([same])), ["error: traffic[0].records[0].recovery"]);
        for address in ["0.0.0.0", "224.0.0.1", "255.255.255.255"] {
            let none = with(a("shop.lifeboat.test"), "/primary", json!(address));
            assert_eq!(of(json!([none])), ["error: traffic[0].records[0].primary"], "{address}");
        }
        let itself = with(cname("www.lifeboat.test"), "/primary", json!("www.lifeboat.test"));
        assert_eq!(of(json!([itself])), ["error: traffic[0].records[0].primary"]);
        let address = with(cname("www.lifeboat.test"), "/recovery", json!("192.0.2.1"));
        assert_eq!(of(json!([address])), ["error: traffic[0].records[0].recovery"]);
        assert_eq!(of(json!([cname("lifeboat.test")])), ["error: traffic[0].records[0].type"]);
    }

    #[test]
    fn an_alias_leads_to_a_load_balancer_of_its_side_and_of_aws_s_zone() {
        let of_alias = |at: &str, value: &str| of(json!([with(alias("shop.lifeboat.test"), at, json!(value))]));
        let there = "error: traffic[0].records[0].recovery.host";
        assert_eq!(of_alias("/recovery/host", "shop-2.us-east-1.elb.amazonaws.com"), [there]);
        assert_eq!(
            of_alias("/recovery/host", "shop-2.elb.us-west-2.amazonaws.com"),
            [""; 0],
            "a network load balancer"
        );
        assert_eq!(of_alias("/recovery/host", "shop-2.elb.us-east-1.amazonaws.com"), [there]);
        assert_eq!(of_alias("/recovery/host", "dualstack.shop-2.us-west-2.elb.amazonaws.com"), [there]);
        assert_eq!(of_alias("/recovery/host", "192.0.2.1"), [there]);
        assert_eq!(of_alias("/primary/zone", ZONE), ["error: traffic[0].records[0].primary.zone"]);
    }

    #[test]
    fn a_ttl_is_whole_seconds_within_the_rto_and_no_longer_after_a_failover() {
        let ttl = |ttl: &str, after: Option<&str>| {
            let mut record = with(a("shop.lifeboat.test"), "/ttl", json!(ttl));
            if let Some(after) = after {
                record["ttlOnFailover"] = json!(after);
            }
            of(json!([record]))
        };
        assert_eq!(ttl("60s", Some("60s")), [""; 0]);
        assert_eq!(ttl("60s", Some("61s")), ["error: traffic[0].records[0].ttlOnFailover"]);
        assert_eq!(ttl("60s", Some("500ms")), ["error: traffic[0].records[0].ttlOnFailover"]);
        assert_eq!(ttl("1500ms", None), ["error: traffic[0].records[0].ttl"]);
        assert_eq!(ttl("61s", None), ["warning: traffic[0].records[0].ttl"]);
        assert_eq!(ttl("301s", None), ["error: traffic[0].records[0].ttl", "warning: traffic[0].records[0].ttl"]);
        assert_eq!(found(&[("/traffic/0/records", json!([alias("lifeboat.test")]))]), ["error: traffic[0].records[0]"]);
        let database =
            found(&[("/traffic/0/record/ttl", json!("10s")), ("/traffic/0/record/ttlOnFailover", json!("11s"))]);
        assert_eq!(database, ["error: traffic[0].record.ttlOnFailover"]);
    }
}
