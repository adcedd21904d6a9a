//! What a fence does, by what was seen of both ways.

use serde::Serialize;

use super::{
    Way,
    network::{Direction, NetworkMove, NetworkSeen},
};
use crate::component::Side;

/// An old primary as a fence found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Its security groups, by RDS.
    pub network: NetworkSeen,
    /// Its database, by itself.
    pub database: DatabaseSeen,
}

/// An old primary's database as a fence found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DatabaseSeen {
    /// It has let us in, and takes writes.
    TakesWrites,
    /// It has let us in, and follows another server: nobody can write to it.
    Follows,
    /// It could not be looked at, and what that means.
    Unseen(Way),
}

/// What a fence does: each way by itself, so that one that could not be looked at keeps the other from nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fence {
    /// In the database, first: there it holds at once, and is seen to. RDS changes a network some time after it was asked.
    pub database: DatabaseMove,
    /// Then in the network.
    pub network: NetworkMove,
}

/// What to do in an old primary's database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DatabaseMove {
    /// Take the login of the application's roles away, and end their sessions.
    ShutOut,
    /// Nothing, and how it is.
    Leave(Way),
}

/// Plans a fence. Whatever can be shut is shut, also where it was shut before: each way is safe to repeat.
#[must_use]
pub fn plan(seen: &Seen, side: &Side) -> Fence {
    let database = match &seen.database {
        DatabaseSeen::TakesWrites => DatabaseMove::ShutOut,
        DatabaseSeen::Follows => DatabaseMove::Leave(Way::Holds),
        DatabaseSeen::Unseen(way) => DatabaseMove::Leave(way.clone()),
    };
    Fence { database, network: NetworkMove::plan(&seen.network, side, Direction::Fence) }
}
