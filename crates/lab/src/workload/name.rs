//! Looking a name up as a client does: the whole CNAME chain, each answer kept for exactly its time to live.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{Name, RData, Record, RecordType},
};
use serde::{Deserialize, Serialize};

use super::WorkloadError;

/// One record of a DNS answer, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The record's name.
    pub name: String,
    /// How long it may be kept.
    pub ttl_seconds: u32,
    /// Its data, as `CNAME orders-primary.…` or `A 192.0.2.1`.
    pub data: String,
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The first address.
    pub address: IpAddr,
    /// The name that has the address: the last of the CNAME chain, and the one a server's certificate names.
    pub host: String,
    /// The whole answer.
    pub answers: Vec<Answer>,
}

/// A name, and what was last answered for it.
#[derive(Debug)]
pub(crate) struct Lookups {
    name: Name,
    resolver: TokioResolver,
    timeout: Duration,
    kept: Option<(Instant, Target)>,
}

impl Lookups {
    pub(crate) fn of(name: &str, resolver: SocketAddr, timeout: Duration) -> Result<Self, WorkloadError> {
        let mut name = Name::from_utf8(name).map_err(|_| WorkloadError::Name { name: name.to_owned() })?;
        // Fully qualified, so that this computer's search list is not used.
        name.set_fqdn(true);
        let made = TokioResolver::builder_with_config(asking_only(resolver), TokioRuntimeProvider::default())
            .with_options(options(timeout))
            .build()
            .map_err(|error| WorkloadError::Resolver { resolver, because: error.to_string() })?;
        Ok(Self { name, resolver: made, timeout, kept: None })
    }

    /// Where the name leads now, or why that is unknown.
    pub(crate) async fn target(&mut self) -> Result<Target, String> {
        if let Some((until, target)) = &self.kept
            && Instant::now() < *until
        {
            return Ok(target.clone());
        }
        self.kept = None;
        // The resolver would keep a name that does not exist, or half a chain, longer than was said.
        self.resolver.clear_cache();
        let asked = Instant::now();
        let looked_up = tokio::time::timeout(self.timeout, self.resolver.lookup(self.name.clone(), RecordType::A));
        let found = match looked_up.await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return Err(format!("cannot look up `{}`: {error}", self.name)),
            Err(_) => return Err(format!("no answer for `{}` in {:?}", self.name, self.timeout)),
        };
        let (target, lives) = read(found.answers()).ok_or_else(|| format!("`{}` has no address", self.name))?;
        self.kept = Some((asked + lives, target.clone()));
        Ok(target)
    }
}

fn asking_only(resolver: SocketAddr) -> ResolverConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = resolver.port();
        connection
    });
    ResolverConfig::from_name_servers(vec![NameServerConfig::new(resolver.ip(), true, connections.to_vec())])
}

fn options(timeout: Duration) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.attempts = 1;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4Only;
    options.preserve_intermediates = true;
    options
}

/// The first address of an answer, and how long the answer may be kept: as long as its shortest-lived record.
fn read(records: &[Record]) -> Option<(Target, Duration)> {
    let (address, host) = records.iter().find_map(|record| {
        let RData::A(address) = &record.data else { return None };
        Some((IpAddr::V4(address.0), record.name.to_utf8()))
    })?;
    let lives = records.iter().map(|record| record.ttl).min()?;
    let answers = records
        .iter()
        .map(|record| Answer {
            name: record.name.to_utf8(),
            ttl_seconds: record.ttl,
            data: format!("{} {}", record.record_type(), record.data),
        })
        .collect();
    let host = host.trim_end_matches('.').to_owned();
    Some((Target { address, host, answers }, Duration::from_secs(lives.into())))
}
