//! How clients find the primary, and the application beside it.

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    PairPlan,
    health_checks::{HealthChecks, MovedBy},
};
use crate::words::{
    id::{Address, ComponentName, HostName, ZoneId},
    time_span::TimeSpan,
};

/// How clients find the primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    /// The component whose primary the record names.
    pub component: ComponentName,
    /// The record.
    pub record: Record,
    /// The application's own names, which are moved with the record, or by health checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<ApplicationRecord>,
    /// Public resolvers that are asked for these names after a move, by their addresses: when each gives the new answer is on record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolvers: Vec<Address>,
}

/// A CNAME in Route 53 that names the primary's endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// The hosted zone, public or private.
    pub zone: ZoneId,
    /// The name that clients use.
    pub name: HostName,
    /// How long resolvers keep it. Part of every client's outage.
    pub ttl: TimeSpan,
    /// How long resolvers keep the one that a failover writes, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_on_failover: Option<TimeSpan>,
}

/// A name of the application in Route 53: it leads to the side on which the pair's primary is, or to the one that serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum ApplicationRecord {
    /// An IPv4 address on each side.
    A(Plain<Address>),
    /// A host on each side.
    Cname(Plain<HostName>),
    /// A load balancer on each side.
    Alias(Alias),
}

/// A record with values of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plain<T> {
    /// The hosted zone, public or private.
    pub zone: ZoneId,
    /// The name that clients use.
    pub name: HostName,
    /// Where it leads while the system runs where it usually does.
    pub primary: T,
    /// Where it leads after a failover.
    pub recovery: T,
    /// How long resolvers keep it. Part of every client's outage.
    pub ttl: TimeSpan,
    /// How long resolvers keep the one that a failover writes, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_on_failover: Option<TimeSpan>,
    /// What moves it.
    #[serde(default, skip_serializing_if = "MovedBy::is_a_switch")]
    pub by: MovedBy,
    /// The health checks that move it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_checks: Option<HealthChecks>,
}

/// A record that answers with its target's addresses, and for as long as those are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alias {
    /// The hosted zone, public or private.
    pub zone: ZoneId,
    /// The name that clients use.
    pub name: HostName,
    /// Where it leads while the system runs where it usually does.
    pub primary: LoadBalancer,
    /// Where it leads after a failover.
    pub recovery: LoadBalancer,
    /// What moves it.
    #[serde(default, skip_serializing_if = "MovedBy::is_a_switch")]
    pub by: MovedBy,
    /// The health checks that move it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_checks: Option<HealthChecks>,
}

/// A load balancer, as Route 53 knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancer {
    /// Its own name, as `shop-1234567890.us-east-1.elb.amazonaws.com`.
    pub host: HostName,
    /// The hosted zone of that name, AWS's own: `CanonicalHostedZoneId` in what the load balancer is described as.
    pub zone: ZoneId,
}

/// How long resolvers keep a load balancer's addresses, and an alias to it.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html>
const LOAD_BALANCER_TTL: TimeSpan = TimeSpan::seconds(60);

/// Where a name leads on a side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// An address.
    Address(Address),
    /// A host.
    Host(HostName),
    /// A load balancer.
    LoadBalancer(LoadBalancer),
}

/// A name that a run moves, of the database or of the application, and where it leads on each side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedName {
    /// Whether it is the database's: the other names follow it.
    pub is_the_database_s: bool,
    /// Its hosted zone.
    pub zone: ZoneId,
    /// The name.
    pub name: HostName,
    /// Where it leads while the system runs where it usually does.
    pub primary: Target,
    /// Where it leads after a failover.
    pub recovery: Target,
    /// How long resolvers keep it; of an alias as long as its target.
    pub ttl: TimeSpan,
    /// How long resolvers keep what a failover writes; absent for an alias.
    pub ttl_after: Option<TimeSpan>,
}

impl ApplicationRecord {
    /// Its name, and where it leads on each side.
    #[must_use]
    pub fn moved(&self) -> MovedName {
        match self {
            Self::A(record) => record.moved(Target::Address),
            Self::Cname(record) => record.moved(Target::Host),
            Self::Alias(Alias { zone, name, primary, recovery, .. }) => MovedName {
                is_the_database_s: false,
                zone: zone.clone(),
                name: name.clone(),
                primary: Target::LoadBalancer(primary.clone()),
                recovery: Target::LoadBalancer(recovery.clone()),
                ttl: LOAD_BALANCER_TTL,
                ttl_after: None,
            },
        }
    }

    /// How long resolvers keep it now, and after a failover where that differs: of an alias the plan says neither.
    #[must_use]
    pub fn ttls(&self) -> Option<(TimeSpan, Option<TimeSpan>)> {
        match self {
            Self::A(Plain { ttl, ttl_on_failover, .. }) | Self::Cname(Plain { ttl, ttl_on_failover, .. }) => {
                Some((*ttl, *ttl_on_failover))
            }
            Self::Alias(_) => None,
        }
    }

    /// What moves it.
    #[must_use]
    pub fn by(&self) -> MovedBy {
        match self {
            Self::A(Plain { by, .. }) | Self::Cname(Plain { by, .. }) | Self::Alias(Alias { by, .. }) => *by,
        }
    }

    /// The health checks that move it, if any do.
    #[must_use]
    pub fn health_checks(&self) -> Option<&HealthChecks> {
        match self {
            Self::A(Plain { health_checks, .. })
            | Self::Cname(Plain { health_checks, .. })
            | Self::Alias(Alias { health_checks, .. }) => health_checks.as_ref(),
        }
    }

    /// The same, to be changed.
    pub fn health_checks_mut(&mut self) -> Option<&mut HealthChecks> {
        match self {
            Self::A(Plain { health_checks, .. })
            | Self::Cname(Plain { health_checks, .. })
            | Self::Alias(Alias { health_checks, .. }) => health_checks.as_mut(),
        }
    }

    /// What it is called in a plan.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::A(_) => "a",
            Self::Cname(_) => "cname",
            Self::Alias(_) => "alias",
        }
    }
}

impl<T: Clone> Plain<T> {
    fn moved(&self, target: impl Fn(T) -> Target) -> MovedName {
        MovedName {
            is_the_database_s: false,
            zone: self.zone.clone(),
            name: self.name.clone(),
            primary: target(self.primary.clone()),
            recovery: target(self.recovery.clone()),
            ttl: self.ttl,
            ttl_after: Some(self.ttl_on_failover.unwrap_or(self.ttl)),
        }
    }
}

impl Traffic {
    /// The application's names that a run moves.
    pub fn application(&self) -> impl Iterator<Item = MovedName> {
        self.records.iter().filter(|record| record.by().is_a_switch()).map(ApplicationRecord::moved)
    }

    /// The application's names that Route 53 moves by itself, each with its health checks.
    pub fn routed(&self) -> impl Iterator<Item = (MovedName, &HealthChecks)> {
        let routed = self.records.iter().filter(|record| !record.by().is_a_switch());
        routed.filter_map(|record| Some((record.moved(), record.health_checks()?)))
    }

    /// The longest that a client keeps one of its names.
    #[must_use]
    pub fn longest_ttl(&self) -> TimeSpan {
        self.application().map(|name| name.ttl).fold(self.record.ttl, TimeSpan::max)
    }

    /// Every name that it has, with its zone.
    pub fn names(&self) -> impl Iterator<Item = (ZoneId, HostName)> {
        let own = (self.record.zone.clone(), self.record.name.clone());
        let of_the_application = self.records.iter().map(ApplicationRecord::moved);
        std::iter::once(own).chain(of_the_application.map(|name| (name.zone, name.name)))
    }
}

impl PairPlan {
    /// The names that a run of the pair moves: the database's, then the application's. None where it leads to no pair.
    #[must_use]
    pub fn moved_names(&self) -> Vec<MovedName> {
        let Some(pair) = self.pair() else { return Vec::new() };
        let Record { zone, name, ttl, ttl_on_failover } = &self.traffic.record;
        let own = MovedName {
            is_the_database_s: true,
            zone: zone.clone(),
            name: name.clone(),
            primary: Target::Host(pair.primary.endpoint.clone()),
            recovery: Target::Host(pair.replica.endpoint.clone()),
            ttl: *ttl,
            ttl_after: Some(ttl_on_failover.unwrap_or(*ttl)),
        };
        std::iter::once(own).chain(self.traffic.application()).collect()
    }
}

impl Target {
    /// What a record names.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Address(address) => address.as_str(),
            Self::Host(host) => host.as_str(),
            Self::LoadBalancer(LoadBalancer { host, .. }) => host.as_str(),
        }
    }

    /// The type of its record.
    #[must_use]
    pub fn record_type(&self) -> &'static str {
        match self {
            Self::Address(_) | Self::LoadBalancer(_) => "A",
            Self::Host(_) => "CNAME",
        }
    }
}

impl Address {
    /// It, to compare with.
    #[must_use]
    pub fn ip(&self) -> Ipv4Addr {
        self.as_str().parse().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(self.text())
    }
}
