//! The names that clients use, and where each leads before a failover and after it.

use serde::Serialize;

use crate::{
    plan::{MovedName, Plan, Target},
    words::{
        id::{Address, ComponentName, HostName, ZoneId},
        time_span::TimeSpan,
    },
};

/// A name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// The name.
    pub name: HostName,
    /// Its hosted zone.
    pub zone: ZoneId,
    /// The pair that it moves with.
    pub with: ComponentName,
    /// Whether it is the database's; else it is the application's.
    pub is_the_database_s: bool,
    /// Where it leads.
    pub primary: Target,
    /// Where it leads after a failover.
    pub recovery: Target,
    /// How long clients keep it.
    pub ttl: TimeSpan,
    /// How long they keep it after a failover; absent where its target says so.
    pub ttl_after: Option<TimeSpan>,
    /// How long its primary side must fail until Route 53 moves it by itself; absent where a run moves it.
    pub by_itself_after: Option<TimeSpan>,
}

pub(super) fn of(plan: &Plan) -> Vec<Named> {
    let all = plan.pairs().flat_map(|pair| {
        let with = pair.traffic.component.clone();
        let moved = pair.moved_names().into_iter().map(|name| (name, None));
        let routed = pair.traffic.routed().map(|(name, checks)| (name, Some(checks.primary.detection())));
        let of_pair: Vec<_> = moved.chain(routed).map(|(name, after)| (with.clone(), name, after)).collect();
        of_pair
    });
    let named = all.map(|(with, name, by_itself_after)| {
        let MovedName { is_the_database_s, zone, name, primary, recovery, ttl, ttl_after } = name;
        let ttl_after = ttl_after.filter(|_| by_itself_after.is_none());
        Named { name, zone, with, is_the_database_s, primary, recovery, ttl, ttl_after, by_itself_after }
    });
    named.collect()
}

/// Each once.
pub(super) fn resolvers(plan: &Plan) -> Vec<Address> {
    let all = plan.traffic.iter().flat_map(|traffic| &traffic.resolvers).cloned();
    all.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}
