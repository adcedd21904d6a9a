//! The components.

use std::collections::BTreeSet;

use super::{super::finding::Finding, MOST_COMPONENTS, clusters};
use crate::{
    component::{Component, Credential, PostgresPair, Side, Tls},
    plan::Plan,
    words::{id::Region, span::Span},
};

/// The most security groups RDS takes for an instance, and the most roles that one fence takes away.
const MOST_IN_A_LIST: usize = 16;

const DAY: Span = Span::seconds(24 * 3_600);

/// RDS's longest retention of automated backups. Zero switches them off.
const LONGEST_RETENTION_DAYS: u32 = 35;

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    if plan.components.len() as u64 > MOST_COMPONENTS {
        let what = format!("{} components are more than one run takes", plan.components.len());
        found.push(Finding::error("components", what, format!("Write plans of at most {MOST_COMPONENTS}.")));
    }
    let mut names = BTreeSet::new();
    for (index, component) in plan.components.iter().enumerate() {
        let path = format!("components[{index}]");
        if !names.insert(component.name()) {
            let what = format!("`{}` is another component's name too", component.name());
            found.push(Finding::error(format!("{path}.name"), what, "Give each component a name of its own."));
        }
        match component {
            Component::PostgresPair(pair) => {
                check_moves(plan, pair, &path, found);
                check_pair(plan, pair, &path, found);
            }
            Component::Cluster(cluster) => clusters::check(plan, cluster, &path, found),
        }
    }
}

fn check_moves(plan: &Plan, pair: &PostgresPair, path: &str, found: &mut Vec<Finding>) {
    if plan.traffic_pair().is_some() && pair.name != plan.traffic.component {
        let what = format!(
            "a failover moves `{}`, the component that traffic names, and leaves this one",
            plan.traffic.component
        );
        found.push(Finding::warning(path, what, "Write a plan of its own for it."));
    }
}

fn check_pair(plan: &Plan, pair: &PostgresPair, path: &str, found: &mut Vec<Finding>) {
    if pair.primary.endpoint == pair.replica.endpoint {
        let what = format!("`{}` is the primary's endpoint too", pair.replica.endpoint);
        found.push(Finding::error(format!("{path}.replica.endpoint"), what, "Name the replica's own endpoint."));
    }
    if pair.primary.instance == pair.replica.instance {
        let what = format!(
            "`{}` is the primary's identifier too; records could not tell the sides apart",
            pair.replica.instance
        );
        found.push(Finding::error(
            format!("{path}.replica.instance"),
            what,
            "Give each instance an identifier of its own.",
        ));
    }
    check_side(&pair.primary, &plan.regions.primary, &format!("{path}.primary"), found);
    check_side(&pair.replica, &plan.regions.recovery, &format!("{path}.replica"), found);
    check_login(pair, path, found);
    check_roles(pair, path, found);
    let retention = pair.after_promotion.backup_retention;
    if !(1..=LONGEST_RETENTION_DAYS).any(|days| DAY.times(days) == retention) {
        let what =
            format!("RDS keeps automated backups for whole days, 1d to {LONGEST_RETENTION_DAYS}d, not {retention}");
        let remedy = "Write whole days, as 7d.";
        found.push(Finding::error(format!("{path}.afterPromotion.backupRetention"), what, remedy));
    }
    if !pair.after_promotion.deletion_protection {
        let what = "the new primary can be deleted by one call";
        found.push(Finding::warning(format!("{path}.afterPromotion.deletionProtection"), what, "Set it to true."));
    }
}

fn check_side(side: &Side, region: &Region, path: &str, found: &mut Vec<Finding>) {
    let groups = &side.security_groups;
    if groups.is_empty() || groups.len() > MOST_IN_A_LIST {
        let what = format!("it names {} groups; they are what is put back when a fence is undone", groups.len());
        found.push(Finding::error(
            format!("{path}.securityGroups"),
            what,
            format!("Name the instance's usual groups, 1 to {MOST_IN_A_LIST}."),
        ));
    }
    if groups.contains(&side.fence_security_group) {
        let what = format!("`{}` is among the usual groups, so that it would fence nothing", side.fence_security_group);
        found.push(Finding::error(
            format!("{path}.fenceSecurityGroup"),
            what,
            "Name a group without ingress rules that is used for nothing else.",
        ));
    }
    if side.port == 0 {
        found.push(Finding::error(
            format!("{path}.port"),
            "a port is 1 to 65535, not 0",
            "Write the instance's port, usually 5432.",
        ));
    }
    if let Some(named) = region_of(side.endpoint.as_str()).filter(|named| *named != region.as_str()) {
        let what = format!("the endpoint is in `{named}`, this side is in `{region}`");
        found.push(Finding::error(
            format!("{path}.endpoint"),
            what,
            "Name this side's own endpoint, or correct the Regions.",
        ));
    }
}

/// The Region in an RDS endpoint: `instance.hash.REGION.rds.amazonaws.com`, in China with `.cn`.
fn region_of(endpoint: &str) -> Option<&str> {
    let name = endpoint.strip_suffix(".cn").unwrap_or(endpoint);
    name.strip_suffix(".rds.amazonaws.com")?.rsplit('.').next()
}

fn check_login(pair: &PostgresPair, path: &str, found: &mut Vec<Finding>) {
    match (&pair.login.from, pair.login.tls) {
        (Credential::IamToken { .. }, Tls::Disable) => {
            let what = "a token is a password for 15 minutes, and without TLS anybody on the way reads it";
            found.push(Finding::error(format!("{path}.login.tls"), what, "Set it to verify-full."));
        }
        (Credential::SecretsManager { .. }, Tls::Disable) => {
            let what = "passwords and data cross the network unprotected, and the server is not checked";
            found.push(Finding::warning(
                format!("{path}.login.tls"),
                what,
                "Set it to verify-full, unless the server is on the same machine.",
            ));
        }
        (Credential::IamToken { .. } | Credential::SecretsManager { .. }, Tls::VerifyFull) => {}
    }
}

fn check_roles(pair: &PostgresPair, path: &str, found: &mut Vec<Finding>) {
    let roles = &pair.application_roles;
    if roles.is_empty() || roles.len() > MOST_IN_A_LIST {
        let what = format!("it names {} roles; fencing takes the login of each away", roles.len());
        found.push(Finding::error(
            format!("{path}.applicationRoles"),
            what,
            format!("Name the roles by which the application writes, 1 to {MOST_IN_A_LIST}."),
        ));
    }
    if roles.iter().collect::<BTreeSet<_>>().len() < roles.len() {
        found.push(Finding::error(format!("{path}.applicationRoles"), "a role is named twice", "Name each once."));
    }
    let Credential::IamToken { user } = &pair.login.from else { return };
    if let Some(index) = roles.iter().position(|role| role == user) {
        let what = format!("`{user}` is the role by which Lifeboat logs in: fencing would lock Lifeboat out");
        found.push(Finding::error(
            format!("{path}.applicationRoles[{index}]"),
            what,
            "Give Lifeboat a role of its own.",
        ));
    }
}
