//! Two plans of one account: what both may not name.

use std::collections::BTreeSet;

use super::super::finding::Finding;
use crate::{
    component::{Component, Credential, PostgresPair},
    plan::Plan,
    synth::{Place, names},
    words::id::Region,
};

/// Another plan of the account.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// The plan.
    pub plan: Plan,
    /// Where it was found, as `s3://bucket/plans/orders.yaml`.
    pub at: String,
}

/// Finds what another plan names for something else: runs of both would move one thing, or log in to one database with
/// another's login. One of the same name is this plan as it was before.
#[must_use]
pub fn check_against(plan: &Plan, others: &[Other]) -> Vec<Finding> {
    let mut found = Vec::new();
    for other in others.iter().filter(|other| other.plan.plan != plan.plan) {
        instances(plan, other, &mut found);
        secrets(plan, other, &mut found);
        record(plan, other, &mut found);
        called_alike(plan, other, &mut found);
    }
    found
}

impl Other {
    /// As a sentence names it.
    fn named(&self) -> String {
        format!("plan `{}` ({})", self.plan.plan, self.at)
    }
}

/// The pairs of a plan, each with its place in the file.
fn pairs(plan: &Plan) -> impl Iterator<Item = (String, &PostgresPair)> {
    plan.components.iter().enumerate().filter_map(|(index, component)| match component {
        Component::PostgresPair(pair) => Some((format!("components[{index}]"), pair)),
        // Two plans may back one cluster up: neither moves it.
        Component::Cluster(_) => None,
    })
}

/// The instances of a plan's pairs: where each is written, its Region and its name.
fn sides(plan: &Plan) -> impl Iterator<Item = (String, &Region, &str)> {
    let regions = &plan.regions;
    pairs(plan).flat_map(move |(path, pair)| {
        [
            (format!("{path}.primary.instance"), &regions.primary, pair.primary.instance.as_str()),
            (format!("{path}.replica.instance"), &regions.recovery, pair.replica.instance.as_str()),
        ]
    })
}

fn instances(plan: &Plan, other: &Other, found: &mut Vec<Finding>) {
    let theirs: BTreeSet<(&Region, &str)> = sides(&other.plan).map(|(_, region, name)| (region, name)).collect();
    for (path, region, name) in sides(plan).filter(|(_, region, name)| theirs.contains(&(*region, *name))) {
        let what =
            format!("`{name}` in {region} is in {} as well, whose runs have a lease of their own", other.named());
        found.push(Finding::error(path, what, "Take it out of one of the plans."));
    }
}

/// The secrets of a plan's pairs: where each is written, and its name.
fn logins(plan: &Plan) -> impl Iterator<Item = (String, &str)> {
    pairs(plan).filter_map(|(path, pair)| match &pair.login.from {
        Credential::SecretsManager { secret } => {
            Some((format!("{path}.login.from.secretsManager.secret"), secret.as_str()))
        }
        Credential::IamToken { .. } => None,
    })
}

/// A secret is a Region's own: the same name elsewhere is another one.
fn secrets(plan: &Plan, other: &Other, found: &mut Vec<Finding>) {
    let regions: BTreeSet<&Region> = Place::of(plan).map(|(_, region)| region).collect();
    let Some((_, shared)) = Place::of(&other.plan).find(|(_, region)| regions.contains(region)) else { return };
    let theirs: BTreeSet<&str> = logins(&other.plan).map(|(_, secret)| secret).collect();
    for (path, secret) in logins(plan).filter(|(_, secret)| theirs.contains(secret)) {
        let what = format!("the secret `{secret}` in {shared} is the login of another database in {}", other.named());
        found.push(Finding::error(path, what, "Give each database a secret of its own, named after its system."));
    }
}

fn record(plan: &Plan, other: &Other, found: &mut Vec<Finding>) {
    let (ours, theirs) = (&plan.traffic.record, &other.plan.traffic.record);
    if (&ours.zone, &ours.name) == (&theirs.zone, &theirs.name) {
        let what = format!("`{}` leads to another primary in {}", ours.name, other.named());
        found.push(Finding::error("traffic.record.name", what, "Give each system a name of its own."));
    }
}

/// `shop-eu` with `daily` is called as `shop` with `eu-daily`.
fn called_alike(plan: &Plan, other: &Other, found: &mut Vec<Finding>) {
    let ours: BTreeSet<String> = names(plan).collect();
    if let Some(name) = names(&other.plan).find(|name| ours.contains(name)) {
        let what = format!("its `{name}` would be called as that of {}", other.named());
        found.push(Finding::error("plan", what, "Rename the plan, the schedule or the component."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab() -> Plan {
        crate::plan_file::read(include_str!("../../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
    }

    /// Another plan that shares nothing with the lab's but its Regions.
    fn billing() -> Plan {
        let text = serde_json::to_string(&lab()).unwrap().replace("orders", "billing");
        let mut plan: Plan = serde_json::from_str(&text).unwrap();
        plan.plan = "billing".parse().unwrap();
        plan
    }

    fn told(plan: &Plan, other: Plan) -> Vec<String> {
        let other = Other { plan: other, at: "s3://bucket/plans/other.yaml".into() };
        check_against(plan, &[other]).iter().map(|finding| format!("{}: {}", finding.path, finding.what)).collect()
    }

    fn pair(plan: &mut Plan) -> &mut PostgresPair {
        let Component::PostgresPair(pair) = &mut plan.components[0] else { panic!("no pair") };
        pair
    }

    #[test]
    fn two_plans_with_the_same_regions_share_nothing_else() {
        assert_eq!(told(&lab(), billing()), [""; 0]);
        assert_eq!(told(&lab(), lab()), [""; 0], "a plan is not its own neighbour");
    }

    #[test]
    fn an_instance_a_secret_and_a_record_are_one_plan_s() {
        let mut other = billing();
        pair(&mut other).replica.instance = "orders-replica".parse().unwrap();
        let errors = told(&lab(), other);
        assert_eq!(errors.len(), 1, "{errors:?}");
        let says = "components[0].replica.instance: `orders-replica` in us-west-2 is in plan `billing` (s3://bucket/plans/other.yaml)";
        assert!(errors[0].starts_with(says), "{errors:?}");

        let mut other = billing();
        pair(&mut other).login = pair(&mut lab()).login.clone();
        let errors = told(&lab(), other);
        let says = "components[0].login.from.secretsManager.secret: the secret `lifeboat/orders` in us-west-2";
        assert!(errors.len() == 1 && errors[0].starts_with(says), "{errors:?}");

        let mut other = billing();
        other.traffic.record = lab().traffic.record;
        let errors = told(&lab(), other);
        assert!(
            errors.len() == 1 && errors[0].starts_with("traffic.record.name: `db.orders.lifeboat.test`"),
            "{errors:?}"
        );
    }

    #[test]
    fn the_same_names_in_other_regions_are_other_things() {
        let mut other = billing();
        pair(&mut other).primary.instance = "orders-replica".parse().unwrap();
        assert_eq!(told(&lab(), other.clone()), [""; 0], "an instance of that name in the primary Region");
        pair(&mut other).login = pair(&mut lab()).login.clone();
        other.regions =
            serde_json::from_value(serde_json::json!({"primary": "eu-north-1", "recovery": "eu-south-1"})).unwrap();
        assert_eq!(told(&lab(), other), [""; 0], "and a secret of another Region");
    }

    #[test]
    fn crossed_regions_are_compared_side_by_side() {
        let mut other = billing();
        (other.regions.primary, other.regions.recovery) = (other.regions.recovery, other.regions.primary);
        assert_eq!(told(&lab(), other.clone()), [""; 0]);
        pair(&mut other).replica.instance = "orders-primary".parse().unwrap();
        assert_eq!(told(&lab(), other).len(), 1, "its replica is where the lab's primary is");
    }

    #[test]
    fn plans_whose_names_run_into_each_other_are_refused() {
        let (mut ours, mut other) = (lab(), billing());
        (ours.plan, other.plan) = ("shop-eu".parse().unwrap(), "shop".parse().unwrap());
        assert_eq!(told(&ours, other.clone()), [""; 0]);
        other.backups[0].name = "eu-daily".parse().unwrap();
        other.backups[0].components = ours.backups[0].components.clone();
        let errors = told(&ours, other);
        assert!(
            errors.len() == 1 && errors[0].starts_with("plan: its `lifeboat-shop-eu-daily-orders-too-"),
            "{errors:?}"
        );
    }
}
