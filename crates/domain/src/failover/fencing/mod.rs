//! Making the old primary refuse writes, and undoing it.
//!
//! Two ways, taken together: the network (a security group that lets nobody in, which also holds when a dead
//! host returns) and the database (the application's roles may not log in, their sessions are ended, which also holds
//! for connections that are open). What cannot be reached is recorded as unfenced.

mod fence;
mod network;

pub use fence::{DatabaseMove, DatabaseSeen, Fence, Seen, plan};
pub use network::{Direction, Membership, NetworkMove, NetworkSeen, groups_to_set, network};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::{Login, PostgresPair, Side},
    plan::PairPlan,
    words::{
        id::{InstanceId, Region, SqlName},
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
    pub fn primary(plan: &PairPlan, pair: &PostgresPair) -> Self {
        Self {
            region: plan.regions.primary.clone(),
            side: pair.primary.clone(),
            database: pair.database.clone(),
            login: pair.login.clone(),
            application_roles: pair.application_roles.clone(),
        }
    }
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
mod tests;
