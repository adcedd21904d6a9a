//! What may be wrong with a pair.

use std::collections::BTreeSet;

use super::{PostgresPair, RestoreSettings, Side};
use crate::{
    component::{Complaint, Credential, SideRegions},
    words::{id::Region, time_span::TimeSpan},
};

/// The most security groups RDS takes for an instance, and the most roles that one fence takes away.
const MOST_IN_A_LIST: usize = 16;

const DAY: TimeSpan = TimeSpan::seconds(24 * 3_600);

/// RDS's longest retention of automated backups. Zero switches them off.
const LONGEST_RETENTION_DAYS: u32 = 35;

/// What RDS allocates to an instance of PostgreSQL with storage for general purposes.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html>
pub(crate) const STORAGE_GIB: std::ops::RangeInclusive<u32> = 20..=65_536;

pub(super) fn check(pair: &PostgresPair, regions: SideRegions<'_>) -> Vec<Complaint> {
    let mut found = Vec::new();
    if pair.primary.endpoint == pair.replica.endpoint {
        let what = format!("`{}` is the primary's endpoint too", pair.replica.endpoint);
        found.push(Complaint::error("replica.endpoint", what, "Name the replica's own endpoint."));
    }
    if pair.primary.instance == pair.replica.instance {
        let what = format!(
            "`{}` is the primary's identifier too; records could not tell the sides apart",
            pair.replica.instance
        );
        found.push(Complaint::error("replica.instance", what, "Give each instance an identifier of its own."));
    }
    check_side(&pair.primary, regions.primary, "primary", &mut found);
    check_side(&pair.replica, regions.recovery, "replica", &mut found);
    check_next(pair, &mut found);
    found.extend(pair.login.check());
    check_roles(pair, &mut found);
    check_retentions(pair, &mut found);
    if !pair.after_promotion.deletion_protection {
        let what = "the new primary can be deleted by one call";
        found.push(Complaint::warning("afterPromotion.deletionProtection", what, "Set it to true."));
    }
    found
}

/// Automated backups, now and after a failover.
fn check_retentions(pair: &PostgresPair, found: &mut Vec<Complaint>) {
    let is_whole = |retention| (1..=LONGEST_RETENTION_DAYS).any(|days| DAY.times(days) == retention);
    let later = pair.after_promotion.backup_retention;
    for (field, retention) in [("afterPromotion.backupRetention", Some(later)), ("pointInTime", pair.point_in_time)] {
        if let Some(retention) = retention.filter(|retention| !is_whole(*retention)) {
            let what =
                format!("RDS keeps automated backups for whole days, 1d to {LONGEST_RETENTION_DAYS}d, not {retention}");
            found.push(Complaint::error(field, what, "Write whole days, as 7d."));
        }
    }
    if let Some(now) = pair.point_in_time.filter(|now| is_whole(*now) && is_whole(later) && *now > later) {
        let what = format!("after a failover points in time would reach back {later}, and {now} are asked for");
        let remedy = format!("Set afterPromotion.backupRetention to {now} or more: a new primary is given that.");
        found.push(Complaint::error("pointInTime", what, remedy));
    }
}

fn check_side(side: &Side, region: &Region, name: &str, found: &mut Vec<Complaint>) {
    let groups = &side.security_groups;
    if groups.is_empty() || groups.len() > MOST_IN_A_LIST {
        let what = format!("it names {} groups; they are what is put back when a fence is undone", groups.len());
        let remedy = format!("Name the instance's usual groups, 1 to {MOST_IN_A_LIST}.");
        found.push(Complaint::error(format!("{name}.securityGroups"), what, remedy));
    }
    if groups.contains(&side.fence_security_group) {
        let what = format!("`{}` is among the usual groups, so that it would fence nothing", side.fence_security_group);
        let remedy = "Name a group without ingress rules that is used for nothing else.";
        found.push(Complaint::error(format!("{name}.fenceSecurityGroup"), what, remedy));
    }
    found.extend(side.restore.as_ref().and_then(|restore| check_storage(restore, name)));
    if side.port == 0 {
        let remedy = "Write the instance's port, usually 5432.";
        found.push(Complaint::error(format!("{name}.port"), "a port is 1 to 65535, not 0", remedy));
    }
    if let Some(named) = region_of(side.endpoint.as_str()).filter(|named| *named != region.as_str()) {
        let what = format!("the endpoint is in `{named}`, this side is in `{region}`");
        let remedy = "Name this side's own endpoint, or correct the Regions.";
        found.push(Complaint::error(format!("{name}.endpoint"), what, remedy));
    }
}

fn check_storage(restore: &RestoreSettings, name: &str) -> Option<Complaint> {
    let gib = restore.storage_gib.filter(|gib| !STORAGE_GIB.contains(gib))?;
    let what = format!("RDS gives an instance {} to {} GiB, not {gib}", STORAGE_GIB.start(), STORAGE_GIB.end());
    Some(Complaint::error(format!("{name}.restore.storageGib"), what, "Write as much as the instance has."))
}

/// Where no instance runs, the plan has to say all that one is given.
fn check_next(pair: &PostgresPair, found: &mut Vec<Complaint>) {
    let mut named = BTreeSet::new();
    for (index, side) in pair.next.iter().enumerate() {
        let name = format!("next[{index}]");
        if !named.insert(&side.region) {
            let what = format!("`{}` is named twice", side.region);
            found.push(Complaint::error(format!("{name}.region"), what, "Name each Region once."));
        }
        let untold = side.restore.untold();
        if !untold.is_empty() {
            let what = format!("there is no instance in `{}` that a restore could be like", side.region);
            let remedy = format!("Name {} as well.", untold.join(", "));
            found.push(Complaint::error(format!("{name}.restore"), what, remedy));
        }
        found.extend(check_storage(&side.restore, &name));
    }
}

/// The Region in an RDS endpoint: `instance.hash.REGION.rds.amazonaws.com`, in China with `.cn`.
fn region_of(endpoint: &str) -> Option<&str> {
    let name = endpoint.strip_suffix(".cn").unwrap_or(endpoint);
    name.strip_suffix(".rds.amazonaws.com")?.rsplit('.').next()
}

fn check_roles(pair: &PostgresPair, found: &mut Vec<Complaint>) {
    let roles = &pair.application_roles;
    if roles.is_empty() || roles.len() > MOST_IN_A_LIST {
        let what = format!("it names {} roles; fencing takes the login of each away", roles.len());
        let remedy = format!("Name the roles by which the application writes, 1 to {MOST_IN_A_LIST}.");
        found.push(Complaint::error("applicationRoles", what, remedy));
    }
    if roles.iter().collect::<BTreeSet<_>>().len() < roles.len() {
        found.push(Complaint::error("applicationRoles", "a role is named twice", "Name each once."));
    }
    let Credential::IamToken { user } = &pair.login.from else { return };
    if let Some(index) = roles.iter().position(|role| role == user) {
        let what = format!("`{user}` is the role by which Lifeboat logs in: fencing would lock Lifeboat out");
        let remedy = "Give Lifeboat a role of its own.";
        found.push(Complaint::error(format!("applicationRoles[{index}]"), what, remedy));
    }
}
