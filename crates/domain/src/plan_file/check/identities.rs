//! What the components are in their Regions, as instances and clusters.

use std::collections::BTreeMap;

use super::super::finding::Finding;
use crate::{component::Identity, plan::Plan};

/// Each belongs to one component: two would back it up twice, and a failover of one would move the other.
pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let mut owners = BTreeMap::new();
    for (index, component) in plan.components.iter().enumerate() {
        for Identity { field, side, noun, id } in component.kind().identities() {
            let region = plan.region_of(side);
            let first = *owners.entry((noun, region, id.clone())).or_insert(component.name());
            if first != component.name() {
                let what = format!("`{first}` and `{}` are both the {noun} `{id}` in `{region}`", component.name());
                let path = format!("components[{index}].{field}");
                found.push(Finding::error(path, what, format!("Name each {noun} in one component.")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{
        check,
        tests::{self, found, lab},
    };

    fn pair(name: &str, primary: &str, replica: &str) -> Value {
        let mut pair = tests::pair(name);
        pair["primary"]["instance"] = json!(primary);
        pair["replica"]["instance"] = json!(replica);
        pair
    }

    fn cluster(name: &str, primary: &str, recovery: Option<&str>) -> Value {
        json!({"kind": "cluster", "name": name, "engine": "docdb", "primary": primary, "recovery": recovery})
    }

    #[test]
    fn an_instance_and_a_cluster_belong_to_one_component() {
        let orders = || pair("orders", "orders-a", "orders-b");
        let reports = || cluster("reports", "reports-a", Some("reports-b"));
        for (first, second, expected) in [
            (orders(), pair("stock", "stock-a", "stock-b"), &[][..]),
            (orders(), pair("stock", "orders-a", "stock-b"), &["error: components[1].primary.instance"]),
            (orders(), pair("stock", "stock-a", "orders-b"), &["error: components[1].replica.instance"]),
            // In another Region it is another one.
            (orders(), pair("stock", "orders-b", "orders-a"), &[]),
            (reports(), cluster("logs", "logs-a", None), &[]),
            (reports(), cluster("logs", "reports-a", None), &["error: components[1].primary"]),
            (reports(), cluster("logs", "logs-a", Some("reports-b")), &["error: components[1].recovery"]),
            (reports(), cluster("logs", "reports-b", Some("reports-a")), &[]),
            // RDS names instances and clusters apart.
            (orders(), cluster("logs", "orders-a", Some("orders-b")), &[]),
        ] {
            let mut all = found(&[("/components", json!([first, second]))]);
            all.retain(|finding| finding.starts_with("error: components"));
            assert_eq!(all, expected, "{first} and {second}");
        }
    }

    #[test]
    fn an_endpoint_belongs_to_one_component() {
        let mut stock = pair("stock", "stock-a", "stock-b");
        stock["primary"]["endpoint"] = json!("primary-of-orders.example.com");
        let mut all = found(&[("/components", json!([pair("orders", "orders-a", "orders-b"), stock]))]);
        all.retain(|finding| finding.starts_with("error: components"));
        assert_eq!(all, ["error: components[1].primary.endpoint"]);
    }

    #[test]
    fn both_components_are_named() {
        let mut plan = lab();
        plan["components"] = json!([pair("orders", "one", "orders-b"), pair("stock", "one", "stock-b")]);
        let findings = check(&serde_json::from_value(plan).unwrap());
        let whats: Vec<&str> = findings.iter().map(|finding| finding.what.as_str()).collect();
        assert!(whats.contains(&"`orders` and `stock` are both the instance `one` in `us-east-1`"), "{whats:#?}");
    }
}
