//! Names of the application that Route 53 moves by itself: their health checks, and a record for each side.

use serde_json::{Map, Value, json};

use super::Resources;
use crate::plan::{HealthCheck, MovedName, PairPlan, Target};

pub(super) fn add(pair: &PairPlan, resources: &mut Resources) {
    for (name, checks) in pair.traffic.routed() {
        for (side, routing, target, check) in [
            ("Primary", "PRIMARY", &name.primary, Some(&checks.primary)),
            ("Recovery", "SECONDARY", &name.recovery, checks.recovery.as_ref()),
        ] {
            let id = logical_id(&name, side);
            let mut set = record_set(&name, target);
            set.insert("SetIdentifier".to_owned(), json!(format!("lifeboat-{}-{}", pair.plan, side.to_lowercase())));
            set.insert("Failover".to_owned(), json!(routing));
            if let Some(check) = check {
                let checked = format!("{id}Check");
                set.insert("HealthCheckId".to_owned(), json!({"Ref": resources.id(&checked)}));
                resources.add(checked, health_check(pair, &name, side, check));
            }
            resources.add(id, json!({"Type": "AWS::Route53::RecordSet", "Properties": set}));
        }
    }
}

fn health_check(pair: &PairPlan, name: &MovedName, side: &str, check: &HealthCheck) -> Value {
    let HealthCheck { host, path, port, interval, failures, latency, from } = check;
    let mut config = json!({
        "Type": "HTTPS",
        "FullyQualifiedDomainName": host,
        "Port": port,
        "ResourcePath": path,
        "RequestInterval": interval.duration().as_secs(),
        "FailureThreshold": failures,
        "MeasureLatency": latency,
        "EnableSNI": true,
    });
    if !from.is_empty() {
        config["Regions"] = json!(from);
    }
    let called = format!("lifeboat {}: {} on the {} side", pair.plan, name.name, side.to_lowercase());
    json!({
        "Type": "AWS::Route53::HealthCheck",
        "Properties": {"HealthCheckConfig": config, "HealthCheckTags": [{"Key": "Name", "Value": called}]},
    })
}

fn record_set(name: &MovedName, target: &Target) -> Map<String, Value> {
    let mut set = Map::new();
    set.insert("HostedZoneId".to_owned(), json!(name.zone));
    set.insert("Name".to_owned(), json!(format!("{}.", name.name)));
    set.insert("Type".to_owned(), json!(target.record_type()));
    if let Target::LoadBalancer(balancer) = target {
        // Without a target that serves, Route 53 takes the other side as well.
        let alias = json!({"DNSName": balancer.host, "HostedZoneId": balancer.zone, "EvaluateTargetHealth": true});
        set.insert("AliasTarget".to_owned(), alias);
    } else {
        set.insert("TTL".to_owned(), json!(name.ttl.duration().as_secs().to_string()));
        set.insert("ResourceRecords".to_owned(), json!([target.text()]));
    }
    set
}

/// An id of its own for each name in each zone: of what is no letter or digit in a name, a word with a capital.
fn logical_id(name: &MovedName, side: &str) -> String {
    let spelt: String = name
        .name
        .as_str()
        .chars()
        .map(|letter| match letter {
            '.' => "Dot".to_owned(),
            '-' => "Dash".to_owned(),
            other if other.is_ascii_alphanumeric() => other.to_ascii_lowercase().to_string(),
            other => format!("X{:x}", u32::from(other)),
        })
        .collect();
    format!("Name{}Z{spelt}{side}", name.zone)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        plan::Plan,
        plan_file,
        synth::{Place, synth},
    };

    const LAB: &str = include_str!("../../../../plans/lab.yaml");

    fn resources(records: &Value) -> Value {
        let mut plan = serde_json::to_value(plan_file::read(LAB, "plans/lab.yaml").unwrap()).unwrap();
        plan["traffic"][0]["records"] = records.clone();
        let plan: Plan = serde_json::from_value(plan).unwrap();
        assert!(!synth(&plan, Place::Primary).unwrap().to_string().contains("Route53"), "once, in the recovery Region");
        synth(&plan, Place::Recovery).unwrap()["Resources"].clone()
    }

    #[test]
    fn each_side_has_a_record_and_what_it_is_believed_by() {
        let all = resources(&json!([
            {"type": "cname", "zone": "Z1", "name": "www.shop.example.com", "primary": "east.example.com",
             "recovery": "west.example.com", "ttl": "60s", "by": "health-checks", "healthChecks": {"primary":
             {"host": "east.example.com", "path": "/health", "interval": "10s", "latency": true,
              "from": ["us-east-1", "us-west-2", "eu-west-1"]}}},
            {"type": "a", "zone": "Z1", "name": "moved.example.com", "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s"},
        ]));
        let primary = &all["NameZ1ZwwwDotshopDotexampleDotcomPrimary"]["Properties"];
        assert_eq!(
            *primary,
            json!({"HostedZoneId": "Z1", "Name": "www.shop.example.com.", "Type": "CNAME", "TTL": "60",
                "ResourceRecords": ["east.example.com"], "SetIdentifier": "lifeboat-lab-primary", "Failover": "PRIMARY",
                "HealthCheckId": {"Ref": "NameZ1ZwwwDotshopDotexampleDotcomPrimaryCheck"}})
        );
        let check = &all["NameZ1ZwwwDotshopDotexampleDotcomPrimaryCheck"]["Properties"]["HealthCheckConfig"];
        assert_eq!(
            *check,
            json!({"Type": "HTTPS", "FullyQualifiedDomainName": "east.example.com", "Port": 443, "ResourcePath": "/health",
                "RequestInterval": 10, "FailureThreshold": 3, "MeasureLatency": true, "EnableSNI": true,
                "Regions": ["us-east-1", "us-west-2", "eu-west-1"]})
        );
        let recovery = &all["NameZ1ZwwwDotshopDotexampleDotcomRecovery"]["Properties"];
        assert_eq!((&recovery["Failover"], &recovery["HealthCheckId"]), (&json!("SECONDARY"), &Value::Null));
        assert!(!all.to_string().contains("moved.example.com."), "a run moves that one");
    }

    #[test]
    fn no_two_names_have_one_id() {
        let alias = |name: &str| {
            let side = |side: &str| json!({"host": format!("{side}.example.com"), "zone": "ZELB"});
            json!({"type": "alias", "zone": "Z1", "name": name, "primary": side("east"), "recovery": side("west"),
                "by": "health-checks", "healthChecks": {"primary": {"host": "east.example.com"}}})
        };
        let all = resources(&json!([alias("a-b.example.com"), alias("a.b.example.com"), alias("ab.example.com")]));
        let ids: Vec<&String> = all.as_object().unwrap().keys().filter(|id| id.starts_with("NameZ1")).collect();
        assert_eq!(ids.len(), 9, "{ids:?}");
        assert_eq!(all["NameZ1ZabDotexampleDotcomPrimary"]["Properties"]["AliasTarget"]["EvaluateTargetHealth"], true);
    }
}
