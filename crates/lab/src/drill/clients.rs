//! The clients of a drill: one that follows the name, and one that was left on the old primary.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use jiff::Timestamp;

use rds_on_postgres::InstanceView;

use super::{DrillError, first_id};
use crate::{
    lab::Lab,
    network::Vantage,
    system::{SystemError, until},
    workload::{
        Access, ClientTiming, ClientView, Commit, Entry, Log, Outcome, ReadBack, StaleClient, StaleConfig, Workload,
        WorkloadConfig, measure, orders,
    },
};

/// Both clients.
pub(super) struct Clients {
    workload: Workload,
    stale: StaleClient,
    old: InstanceView,
    first_id: i64,
}

/// What both wrote down.
pub(super) struct Logs {
    workload: Log,
    stale: Log,
}

/// From this client's ids to the other's.
const APART: i64 = 50_000_000;

/// Commits before a disaster: it happens to a client at work, at no special time.
const COMMITS_FIRST: i64 = 25;

/// How long clients may take to be at work, and to find the new primary.
const PATIENCE: Duration = Duration::from_secs(60);

impl Clients {
    /// Starts both, and waits until they are at work.
    /// The first one asks `resolver`: so it connects to hosts, or to links that can be cut.
    pub(super) async fn start(
        lab: &Lab,
        drill: u32,
        resolver: SocketAddr,
        timing: ClientTiming,
    ) -> Result<Self, DrillError> {
        let (aws, system) = (&lab.aws, &lab.system);
        let missing =
            || SystemError::Plan { plan: system.plan.plan.to_string(), why: "its primary does not exist".into() };
        let old = aws.rds.instance(&system.primary()).ok_or_else(missing)?;
        let role = system.pair.application_roles.first().ok_or_else(missing)?;
        let log = |client: &str| aws.folder.join(format!("{client}-{}-{drill}.jsonl", system.plan.plan));
        let access = Access {
            user: role.to_string(),
            password: system.password.clone(),
            database: system.pair.database.to_string(),
            trusted_pem: Some(aws.rds.ca_pem()),
        };
        let stale = StaleClient::start(StaleConfig {
            address: SocketAddr::new(old.address.into(), old.port),
            host: old.host_name.clone(),
            access: access.clone(),
            first_id: first_id(drill) + APART,
            log: log("stale"),
            timing,
        })
        .await?;
        let workload = Workload::start(WorkloadConfig {
            name: system.plan.traffic.record.name.to_string(),
            resolver,
            port: old.port,
            access,
            first_id: first_id(drill),
            log: log("client"),
            timing,
        })?;
        let clients = Self { workload, stale, old, first_id: first_id(drill) };
        clients
            .until_committed("the client's first commits", |commit| commit.id >= clients.first_id + COMMITS_FIRST)
            .await?;
        Ok(clients)
    }

    /// The newest acknowledged commit.
    pub(super) fn newest(&self) -> Option<Commit> {
        *self.workload.commits().borrow()
    }

    /// Waits for a commit that was acknowledged by another server than the old primary.
    pub(super) async fn first_elsewhere(&self) -> Result<Commit, DrillError> {
        self.until_committed("the client's first commit on the new primary", |commit| {
            !addresses(self.old.address).contains(&commit.address)
        })
        .await
    }

    /// Waits for a commit after `at`.
    pub(super) async fn first_after(&self, at: Timestamp) -> Result<Commit, DrillError> {
        self.until_committed("the client's next commit", |commit| commit.at > at).await
    }

    async fn until_committed(&self, what: &str, wanted: impl Fn(&Commit) -> bool) -> Result<Commit, DrillError> {
        let found = until(PATIENCE, what, async || Ok(self.newest().filter(&wanted))).await?;
        Ok(found)
    }

    /// Stops both, and reads back what each server has.
    pub(super) async fn stop(self) -> Result<Logs, DrillError> {
        let (workload, stale) = tokio::join!(self.workload.stop(), self.stale.stop());
        Ok(Logs { workload: workload?, stale: stale? })
    }
}

/// Where clients may have found a host: at its own address, or behind a link.
fn addresses(host: Ipv4Addr) -> [IpAddr; 2] {
    [host.into(), Vantage::Public.sees(host).into()]
}

impl Logs {
    /// What the clients saw. `moved`: when the replica became the primary, if it did. `traced_until`: until when each
    /// attempt is to be drawn at least.
    pub(super) async fn measure(
        &self,
        lab: &Lab,
        drill: u32,
        disaster_at: Timestamp,
        moved: Option<Timestamp>,
        traced_until: Timestamp,
    ) -> Result<ClientView, DrillError> {
        let (aws, system) = (&lab.aws, &lab.system);
        let first_id = first_id(drill);
        let (region, side) = match moved {
            Some(_) => (&system.plan.regions.recovery, &system.pair.replica),
            None => (&system.plan.regions.primary, &system.pair.primary),
        };
        let client = system.owner_session(aws, region, side).await?;
        let new = orders::read_back(&client, first_id).await?;
        let old = match moved {
            Some(_) => self.on_the_old(lab, first_id).await,
            None => None,
        };
        let missing =
            || SystemError::Plan { plan: system.plan.plan.to_string(), why: "its primary does not exist".into() };
        let host = aws.rds.instance(&system.primary()).ok_or_else(missing)?.address;
        let old_primary = addresses(host);
        let after = ReadBack {
            disaster_at,
            promoted_at: moved,
            old_primary: &old_primary,
            new: &new,
            old: old.as_deref(),
            traced_until,
        };
        Ok(measure(&self.workload, std::slice::from_ref(&self.stale), &after))
    }

    /// What the old primary has, read by the service itself: its fence lets nobody else in.
    async fn on_the_old(&self, lab: &Lab, first_id: i64) -> Option<Vec<i64>> {
        let database = lab.system.pair.database.as_str();
        let query = format!("select id from orders where id >= {first_id} order by id");
        let rows = lab.aws.rds.ask(&lab.system.primary(), database, &query).await.ok()?;
        rows.iter().map(|row| row.try_get(0).ok()).collect()
    }

    /// What the client that was left behind tried after `since`: how often, and how often it succeeded.
    pub(super) fn tried_on_the_old(&self, since: Timestamp) -> (usize, usize) {
        let mut tried = 0;
        let mut acknowledged = 0;
        for entry in &self.stale.entries {
            match entry {
                Entry::Attempt { at, outcome, .. } if *at > since => {
                    tried += 1;
                    acknowledged += usize::from(*outcome == Outcome::Acknowledged);
                }
                Entry::Unreachable { at, .. } if *at > since => tried += 1,
                Entry::Attempt { .. }
                | Entry::Unreachable { .. }
                | Entry::Began { .. }
                | Entry::Connected { .. }
                | Entry::Stopped { .. } => {}
            }
        }
        (tried, acknowledged)
    }
}
