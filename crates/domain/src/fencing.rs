//! Making the old primary refuse writes, and undoing it.
//!
//! Two ways, taken together: the network (a security group that lets nobody in, which also holds when a dead
//! host returns) and the database (the application's roles may not log in, their sessions are ended, which also holds
//! for connections that are open). What cannot be reached is recorded as unfenced.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{SecurityGroupId, SqlName},
    plan::PostgresPair,
};

/// The old primary as fencing found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Its network, by the RDS API.
    pub network: NetworkSeen,
}

/// An instance's security groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NetworkSeen {
    /// These.
    Groups(Vec<SecurityGroupId>),
    /// The Region's API did not answer, and why.
    Silent(String),
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Shut it off.
    Fence,
    /// Open it again.
    Undo,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Replace the security groups by these; absent where they are right, or cannot be reached.
    pub set_groups: Option<Vec<SecurityGroupId>>,
    /// Take away, or give back, these roles' login.
    pub roles: Vec<SqlName>,
}

/// Plans the fencing of a pair's primary.
#[must_use]
pub fn plan(seen: &Seen, pair: &PostgresPair, direction: Direction) -> Plan {
    let wanted = match direction {
        Direction::Fence => vec![pair.primary.fence_security_group.clone()],
        Direction::Undo => pair.primary.security_groups.clone(),
    };
    let set_groups = match &seen.network {
        NetworkSeen::Groups(groups) if same(groups, &wanted) => None,
        NetworkSeen::Groups(_) => Some(wanted),
        NetworkSeen::Silent(_) => None,
    };
    Plan { set_groups, roles: pair.application_roles.clone() }
}

fn same(one: &[SecurityGroupId], other: &[SecurityGroupId]) -> bool {
    one.len() == other.len() && one.iter().all(|group| other.contains(group))
}

/// What fencing achieved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fencing {
    /// Whether the old primary refuses the application's writes now, or will when it returns.
    pub fenced: bool,
    /// By its security group.
    pub network: Way,
    /// By its roles.
    pub database: Way,
}

/// How one way of fencing went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Way {
    /// It holds.
    Holds,
    /// It could not be taken, and why.
    Unreachable(String),
}

impl Fencing {
    /// Sums up both ways. A database that cannot be reached takes no writes now, so the network is enough for it; but
    /// a security group does not end open connections, so that a database which could be reached and was not fenced is unfenced.
    #[must_use]
    pub fn of(network: Way, database: Way) -> Self {
        let fenced = match (&network, &database) {
            (_, Way::Holds) | (Way::Holds, Way::Unreachable(_)) => true,
            (Way::Unreachable(_), Way::Unreachable(_)) => false,
        };
        Self { fenced, network, database }
    }

    /// One sentence for the record.
    #[must_use]
    pub fn because(&self, instance: &str) -> String {
        match (&self.network, &self.database) {
            (Way::Holds, Way::Holds) => format!("`{instance}` is fenced by its security group and by its roles"),
            (Way::Holds, Way::Unreachable(why)) => {
                format!(
                    "`{instance}` is fenced by its security group, which holds when it returns; its roles could not be reached: {why}"
                )
            }
            (Way::Unreachable(why), Way::Holds) => {
                format!("`{instance}` is fenced by its roles; its security group could not be set: {why}")
            }
            (Way::Unreachable(network), Way::Unreachable(database)) => {
                format!(
                    "`{instance}` is UNFENCED: its security group could not be set ({network}), its roles could not be reached ({database})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> PostgresPair {
        let plan = crate::plan::read(include_str!("../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
        plan.traffic_pair().unwrap().clone()
    }

    fn groups(ids: &[&str]) -> Seen {
        Seen { network: NetworkSeen::Groups(ids.iter().map(|id| id.parse().unwrap()).collect()) }
    }

    #[test]
    fn the_usual_groups_are_replaced_by_the_one_that_lets_nobody_in() {
        let plan = plan(&groups(&["sg-00000001"]), &pair(), Direction::Fence);
        assert_eq!(plan.set_groups, Some(vec!["sg-00000002".parse().unwrap()]));
    }

    #[test]
    fn fencing_twice_sets_nothing_twice() {
        assert_eq!(plan(&groups(&["sg-00000002"]), &pair(), Direction::Fence).set_groups, None);
        assert_eq!(plan(&groups(&["sg-00000001"]), &pair(), Direction::Undo).set_groups, None);
    }

    #[test]
    fn undoing_gives_the_usual_groups_back() {
        let plan = plan(&groups(&["sg-00000002"]), &pair(), Direction::Undo);
        assert_eq!(plan.set_groups, Some(vec!["sg-00000001".parse().unwrap()]));
    }

    #[test]
    fn what_nobody_could_reach_is_recorded_as_unfenced() {
        let silent = || Way::Unreachable("timed out".into());
        assert!(!Fencing::of(silent(), silent()).fenced);
        assert!(Fencing::of(Way::Holds, silent()).fenced);
        assert!(Fencing::of(silent(), Way::Holds).fenced);
        assert!(Fencing::of(silent(), silent()).because("a").contains("UNFENCED"));
    }
}
