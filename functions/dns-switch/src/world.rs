//! The zone, in Route 53 and on its own servers.

use std::{future::Future, net::SocketAddr};

use domain::{
    failover::traffic::{Answers, RecordSet, Seen, Told},
    plan::{MovedName, Target},
    words::{
        failure::Failure,
        id::{HostName, ZoneId},
    },
};
use edge::{
    dns::{self, Dns, NameServer},
    route53::Route53,
};
use futures::future::try_join_all;

/// The zone, and who answers for it.
pub trait Zone {
    /// What the name's records are.
    fn look(&self, zone: &ZoneId, name: &HostName) -> impl Future<Output = Result<Seen, Failure>>;
    /// Asks for one atomic batch, and gives its id.
    fn change(
        &self,
        zone: &ZoneId,
        delete: &[RecordSet],
        create: &[RecordSet],
        comment: String,
    ) -> impl Future<Output = Result<String, Failure>>;
    /// Whether all of Route 53's servers have a batch.
    fn is_insync(&self, change: &str) -> impl Future<Output = Result<bool, Failure>>;
    /// What the zone's authoritative servers answer for each of these names.
    fn answers(&self, zone: &ZoneId, names: &[&MovedName]) -> impl Future<Output = Result<Vec<Answers>, Failure>>;
    /// What a name answers that leads to this target, or why that is not known.
    fn wanted(&self, target: &Target) -> impl Future<Output = Result<Told, String>>;
}

/// Route 53, and the zone's servers.
pub struct World {
    route53: Route53,
    resolver: Dns,
    name_servers: Vec<SocketAddr>,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// `InvalidInput` where something in it is wrong.
    pub async fn from_env() -> Result<Self, Failure> {
        Ok(Self {
            route53: Route53::from_env().await,
            resolver: Dns::from_env()?,
            name_servers: edge::config::name_servers()?,
        })
    }

    /// The zone's servers, of which it has four. `None` where no public server answers for it.
    async fn servers(&self, zone: &ZoneId) -> Result<Option<Vec<NameServer>>, Failure> {
        if !self.name_servers.is_empty() {
            return Ok(Some(self.name_servers.iter().copied().map(NameServer::from).collect()));
        }
        let Some(names) = self.route53.name_servers(zone).await? else { return Ok(None) };
        Ok(Some(self.resolver.name_servers(&names).await))
    }
}

impl Zone for World {
    async fn look(&self, zone: &ZoneId, name: &HostName) -> Result<Seen, Failure> {
        self.route53.look(zone, name).await
    }

    async fn change(
        &self,
        zone: &ZoneId,
        delete: &[RecordSet],
        create: &[RecordSet],
        comment: String,
    ) -> Result<String, Failure> {
        self.route53.change(zone, delete, create, comment).await
    }

    async fn is_insync(&self, change: &str) -> Result<bool, Failure> {
        self.route53.is_insync(change).await
    }

    async fn answers(&self, zone: &ZoneId, names: &[&MovedName]) -> Result<Vec<Answers>, Failure> {
        let Some(servers) = self.servers(zone).await? else { return Ok(vec![Answers::Private; names.len()]) };
        let each = names.iter().map(|name| dns::ask_each(&servers, &name.name, name.recovery.asked()));
        Ok(try_join_all(each).await?.into_iter().map(Answers::Each).collect())
    }

    async fn wanted(&self, target: &Target) -> Result<Told, String> {
        self.resolver.wanted(target).await
    }
}
