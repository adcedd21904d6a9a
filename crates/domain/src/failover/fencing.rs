//! Making the old primary refuse writes, and undoing it.
//!
//! Two ways, taken together: the network (a security group that lets nobody in, which also holds when a dead
//! host returns) and the database (the application's roles may not log in, their sessions are ended, which also holds
//! for connections that are open). What cannot be reached is recorded as unfenced.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::{Login, PostgresPair, Side},
    plan::Plan,
    words::{
        id::{InstanceId, Region, SecurityGroupId, SqlName},
        wal::LastSeen,
    },
};

/// A primary that is shut or opened again: all that it takes to reach it, as the plan said when it was first shut. The
/// plan may be edited meanwhile; what it names then is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// Where it is.
    pub region: Region,
    /// The instance, its endpoint and its security groups.
    pub side: Side,
    /// The application's database.
    pub database: SqlName,
    /// How to log in.
    pub login: Login,
    /// The roles by which the application writes.
    pub application_roles: Vec<SqlName>,
}

impl Target {
    /// The primary of a plan's pair.
    #[must_use]
    pub fn primary(plan: &Plan, pair: &PostgresPair) -> Self {
        Self {
            region: plan.regions.primary.clone(),
            side: pair.primary.clone(),
            database: pair.database.clone(),
            login: pair.login.clone(),
            application_roles: pair.application_roles.clone(),
        }
    }
}

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

/// What fencing achieved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fencing {
    /// Whether the old primary was seen to refuse the application's writes, or is shut off and runs no server.
    pub fenced: bool,
    /// By its security group.
    pub network: Way,
    /// By its roles.
    pub database: Way,
    /// Whether its roles may have lost their login, also where no answer said so.
    pub roles_asked: bool,
    /// Where its log ended once the application was shut out, where that was seen.
    pub ends_at: Option<LastSeen>,
}

/// How one way of fencing went, by what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Way {
    /// It was seen to hold.
    Holds,
    /// Only of the database: its host says that no server listens. It has no sessions, and gets none before it is started
    /// again.
    NoServer(String),
    /// Nobody was reached, and why: who was let in before may go on.
    Unreachable(String),
    /// It was asked for, and nothing has shown that it holds.
    Unproved(String),
    /// It answers, and does not let itself be shut: the application may go on.
    Resists(String),
}

impl Way {
    /// Why it does not hold, if it does not.
    #[must_use]
    pub fn lacks(&self) -> Option<&str> {
        match self {
            Self::Holds => None,
            Self::NoServer(why) | Self::Unreachable(why) | Self::Unproved(why) | Self::Resists(why) => Some(why),
        }
    }
}

impl Fencing {
    /// Sums up both ways. A security group lets no new session in and ends none that is open: it holds by itself only where
    /// no server runs. One that is silent may only be silent to us.
    #[must_use]
    pub fn of(network: Way, database: Way, roles_asked: bool, ends_at: Option<LastSeen>) -> Self {
        let fenced = match (&network, &database) {
            (_, Way::Holds) | (Way::Holds, Way::NoServer(_)) => true,
            (_, Way::NoServer(_) | Way::Unreachable(_) | Way::Unproved(_) | Way::Resists(_)) => false,
        };
        Self { fenced, network, database, roles_asked, ends_at }
    }

    /// Why nothing may be promoted beside it. `answers` is a primary that answered when it was judged: it must have been
    /// seen to refuse the application.
    #[must_use]
    pub fn objection(&self, instance: &InstanceId, answers: bool) -> Option<String> {
        match &self.database {
            Way::Holds => None,
            Way::Resists(why) => Some(format!("`{instance}` answers and could not be shut: {why}")),
            Way::NoServer(why) | Way::Unreachable(why) | Way::Unproved(why) if answers => {
                Some(format!("`{instance}` answered a moment ago and was not seen to refuse the application: {why}"))
            }
            Way::NoServer(_) | Way::Unreachable(_) | Way::Unproved(_) => None,
        }
    }

    /// One sentence for the record.
    #[must_use]
    pub fn because(&self, instance: &InstanceId) -> String {
        match (self.network.lacks(), self.database.lacks()) {
            (None, None) => format!("`{instance}` is fenced by its security group and by its roles"),
            (None, Some(why)) if self.fenced => format!(
                "`{instance}` is fenced by its security group, which holds when it returns; no server runs there: {why}"
            ),
            (Some(why), None) => {
                format!("`{instance}` is fenced by its roles; its security group was not seen to be set: {why}")
            }
            (None, Some(why)) => format!(
                "`{instance}` is UNFENCED: its security group is set, which ends no open session, and its roles were not seen to be shut out ({why})"
            ),
            (Some(network), Some(database)) => format!(
                "`{instance}` is UNFENCED: its security group was not seen to be set ({network}), its roles were not seen to be shut out ({database})"
            ),
        }
    }
}

/// Why an opened primary is not known to be open again, if it is not. `asked` is whether its network was asked for, and
/// whether its roles may have been.
#[must_use]
pub fn still_shut(network: &Way, database: &Way, network_asked: bool, roles_asked: bool) -> Option<String> {
    let network = network.lacks().filter(|_| network_asked).map(|why| format!("its security groups: {why}"));
    let roles = database.lacks().filter(|_| roles_asked).map(|why| format!("its roles' login: {why}"));
    let left: Vec<String> = network.into_iter().chain(roles).collect();
    (!left.is_empty()).then(|| left.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side() -> Side {
        let plan = crate::plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
        plan.traffic_pair().unwrap().primary.clone()
    }

    fn groups(ids: &[&str]) -> Vec<SecurityGroupId> {
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    fn members(ids: &[(&str, &str)]) -> Vec<Membership> {
        ids.iter().map(|(id, status)| Membership { group: id.parse().unwrap(), status: (*status).to_owned() }).collect()
    }

    #[test]
    fn the_usual_groups_are_replaced_by_the_one_that_lets_nobody_in() {
        let set = groups_to_set(&members(&[("sg-00000001", "active")]), &side(), Direction::Fence);
        assert_eq!(set, Some(groups(&["sg-00000002"])));
    }

    #[test]
    fn fencing_twice_sets_nothing_twice() {
        assert_eq!(groups_to_set(&members(&[("sg-00000002", "active")]), &side(), Direction::Fence), None);
        assert_eq!(groups_to_set(&members(&[("sg-00000001", "active")]), &side(), Direction::Undo), None);
    }

    #[test]
    fn undoing_gives_the_usual_groups_back() {
        let set = groups_to_set(&members(&[("sg-00000002", "active")]), &side(), Direction::Undo);
        assert_eq!(set, Some(groups(&["sg-00000001"])));
    }

    #[test]
    fn a_security_group_holds_once_it_alone_is_active() {
        let (open, fence) = ("sg-00000001", "sg-00000002");
        let on_its_way = members(&[(open, "removing"), (fence, "adding")]);
        assert_eq!(groups_to_set(&on_its_way, &side(), Direction::Fence), None, "it was asked for already");
        for has in [
            on_its_way,
            members(&[(open, "removing"), (fence, "active")]),
            members(&[(fence, "adding")]),
            members(&[(fence, "unknown")]),
            members(&[(open, "active")]),
            members(&[(open, "active"), (fence, "active")]),
            Vec::new(),
        ] {
            let way = network(&has, &side(), Direction::Fence);
            assert!(matches!(way, Way::Unproved(_)), "{has:?}: {way:?}");
        }
        assert_eq!(network(&members(&[(fence, "active")]), &side(), Direction::Fence), Way::Holds);
        assert_eq!(network(&members(&[(open, "active")]), &side(), Direction::Undo), Way::Holds);
    }

    /// Every way that a way can go.
    fn ways() -> [Way; 5] {
        let (gone, silent) = (Way::NoServer("refused".into()), Way::Unreachable("timed out".into()));
        [Way::Holds, gone, silent, Way::Unproved("slow".into()), Way::Resists("42704".into())]
    }

    #[test]
    fn fenced_is_only_what_was_seen_to_refuse_or_is_shut_off_and_runs_no_server() {
        for network in ways() {
            for database in ways() {
                let fencing = Fencing::of(network.clone(), database.clone(), true, None);
                let seen = database == Way::Holds;
                let gone = network == Way::Holds && matches!(database, Way::NoServer(_));
                assert_eq!(fencing.fenced, seen || gone, "{network:?} {database:?}");
                let because = fencing.because(&"a".parse().unwrap());
                assert_eq!(because.contains("UNFENCED"), !fencing.fenced, "{because}");
            }
        }
    }

    #[test]
    fn nothing_is_promoted_beside_a_primary_that_answers_and_was_not_seen_to_refuse() {
        let instance = "a".parse().unwrap();
        for database in ways() {
            let fencing = Fencing::of(Way::Holds, database.clone(), true, None);
            let resists = matches!(database, Way::Resists(_));
            assert_eq!(fencing.objection(&instance, false).is_some(), resists, "{database:?}");
            assert_eq!(fencing.objection(&instance, true).is_some(), database != Way::Holds, "{database:?}");
        }
    }

    #[test]
    fn a_primary_is_open_again_only_where_each_way_that_was_taken_was_seen_open() {
        let gone = || Way::Unreachable("gone".into());
        assert_eq!(still_shut(&Way::Holds, &Way::Holds, true, true), None);
        assert_eq!(still_shut(&Way::Holds, &gone(), true, false), None, "nobody took its roles");
        assert!(still_shut(&Way::Holds, &gone(), true, true).unwrap().contains("roles"));
        assert!(still_shut(&gone(), &Way::Holds, true, true).unwrap().contains("security groups"));
        assert_eq!(still_shut(&gone(), &Way::Holds, false, true), None, "nobody set its network");
    }
}
