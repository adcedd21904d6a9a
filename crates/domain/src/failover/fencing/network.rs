//! An instance's security groups: how they are, and what they are set to.

use serde::Serialize;

use super::Way;
use crate::{component::Side, words::id::SecurityGroupId};

/// An instance's security group. RDS takes a change of them at once and carries it out some time after: meanwhile it shows
/// a group as `adding` or `removing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The group.
    pub group: SecurityGroupId,
    /// RDS's word for how far it is; `active` once it counts.
    pub status: String,
}

impl Membership {
    fn is_active(&self) -> bool {
        self.status == "active"
    }

    fn is_leaving(&self) -> bool {
        self.status == "removing"
    }
}

/// An instance's security groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NetworkSeen {
    /// These.
    Groups(Vec<Membership>),
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

/// The security groups that are to take the place of those that it has; `None` where they were asked for already.
#[must_use]
pub fn groups_to_set(has: &[Membership], side: &Side, direction: Direction) -> Option<Vec<SecurityGroupId>> {
    let wanted = match direction {
        Direction::Fence => vec![side.fence_security_group.clone()],
        Direction::Undo => side.security_groups.clone(),
    };
    let stays: Vec<&SecurityGroupId> =
        has.iter().filter(|member| !member.is_leaving()).map(|member| &member.group).collect();
    let same = stays.len() == wanted.len() && stays.iter().all(|group| wanted.contains(group));
    (!same).then_some(wanted)
}

/// How an instance's network is, once its groups were asked for: they hold only where each counts, and no other one does
/// still.
#[must_use]
pub fn network(has: &[Membership], side: &Side, direction: Direction) -> Way {
    if groups_to_set(has, side, direction).is_some() {
        return Way::Unproved(format!(
            "RDS took the security groups of `{}` and does not show them yet",
            side.instance
        ));
    }
    let on_their_way: Vec<String> = has
        .iter()
        .filter(|member| !member.is_active())
        .map(|member| format!("{} is {}", member.group, member.status))
        .collect();
    if on_their_way.is_empty() {
        return Way::Holds;
    }
    Way::Unproved(format!("the security groups of `{}` are changing: {}", side.instance, on_their_way.join(", ")))
}

/// What to do about an instance's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NetworkMove {
    /// These groups are to take the place of those that it has.
    Set(Vec<SecurityGroupId>),
    /// Nothing, and how it is.
    Leave(Way),
}

impl NetworkMove {
    /// Plans to shut a network, or to open it again.
    #[must_use]
    pub fn plan(seen: &NetworkSeen, side: &Side, direction: Direction) -> Self {
        let has = match seen {
            NetworkSeen::Groups(has) => has,
            NetworkSeen::Silent(why) => return Self::Leave(Way::Unreachable(why.clone())),
        };
        match (groups_to_set(has, side, direction), direction) {
            (Some(wanted), _) => Self::Set(wanted),
            (None, Direction::Fence) => Self::Leave(network(has, side, direction)),
            // A fence that RDS took may not be shown yet: what is asked for last is what holds.
            (None, Direction::Undo) => Self::Set(side.security_groups.clone()),
        }
    }
}
