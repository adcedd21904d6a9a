//! Two plans of one account: what both may not name.

use std::collections::BTreeSet;

use super::{super::finding::Finding, traffic::records};
use crate::{
    component::{Credential, PostgresPair},
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
/// another's login. One of the same name is this plan as it was before: its first pair stays the first.
#[must_use]
pub fn check_against(plan: &Plan, others: &[Other]) -> Vec<Finding> {
    let mut found = Vec::new();
    for earlier in others.iter().filter(|other| other.plan.plan == plan.plan) {
        first_pair(plan, earlier, &mut found);
    }
    for other in others.iter().filter(|other| other.plan.plan != plan.plan) {
        instances(plan, other, &mut found);
        secrets(plan, other, &mut found);
        record(plan, other, &mut found);
        lifecycles(plan, other, &mut found);
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
    // Two plans may back up what neither moves.
    let all = plan.components.iter().enumerate();
    all.filter_map(|(index, component)| Some((format!("components[{index}]"), component.kind().moves()?)))
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

/// The buckets whose lifecycle a plan says: where each is written, and its name.
fn kept_buckets(plan: &Plan) -> impl Iterator<Item = (String, &str)> {
    let all = plan.components.iter().enumerate();
    let buckets = all.filter_map(|(index, component)| Some((index, component.kind().bucket()?)));
    let kept = buckets.filter(|(_, bucket)| bucket.store.is_some());
    kept.flat_map(|(index, bucket)| {
        bucket.sides().map(move |(_, name)| (format!("components[{index}].store.lifecycle"), name.as_str()))
    })
}

/// A bucket's lifecycle is one: each plan that is applied would write its own.
fn lifecycles(plan: &Plan, other: &Other, found: &mut Vec<Finding>) {
    let theirs: BTreeSet<&str> = kept_buckets(&other.plan).map(|(_, name)| name).collect();
    for (path, name) in kept_buckets(plan).filter(|(_, name)| theirs.contains(name)) {
        let what = format!("{} says the lifecycle of the bucket `{name}` as well", other.named());
        found.push(Finding::error(path, what, "Say it in one of the plans."));
    }
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

/// The first pair goes by the plan's own name, and so do its lease, its watch and its evidence: another pair in its place
/// would be taken for it.
fn first_pair(plan: &Plan, earlier: &Other, found: &mut Vec<Finding>) {
    let [ours, theirs] = [plan, &earlier.plan].map(|plan| plan.traffic.first().map(|traffic| &traffic.component));
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return };
    let is_further_down = plan.traffic.iter().skip(1).any(|traffic| traffic.component == *theirs);
    if ours != theirs && is_further_down {
        let what = format!(
            "`{theirs}` comes first in {}, so that its lease is the plan's own: `{ours}` would be taken for it",
            earlier.named()
        );
        found.push(Finding::error("traffic[0].component", what, format!("Leave `{theirs}` the first.")));
    }
}

fn record(plan: &Plan, other: &Other, found: &mut Vec<Finding>) {
    let theirs: BTreeSet<_> = records::placed(&other.plan).map(|(_, zone, name)| (zone, name)).collect();
    for (path, zone, name) in records::placed(plan) {
        let what = format!("`{name}` is moved by {} as well", other.named());
        if theirs.contains(&(zone, name)) {
            found.push(Finding::error(format!("{path}.name"), what, "Give each system a name of its own."));
        }
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
mod tests;
