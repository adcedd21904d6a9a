//! Names: where a client would go, and what the authoritative servers say.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use domain::{failure::Failure, id::HostName, traffic::bare};
use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{RData, RecordType},
};

/// A resolver: the system's, or the ones that the configuration names.
#[derive(Clone)]
pub struct Dns {
    resolver: TokioResolver,
}

impl Dns {
    /// The resolver of the configuration, else the system's.
    ///
    /// # Errors
    /// `InvalidInput` when neither can be read.
    pub fn from_env() -> Result<Self, Failure> {
        match crate::config::resolvers()?.as_slice() {
            [] => {
                let builder = Resolver::builder_tokio().map_err(|error| unusable(&error))?;
                Ok(Self { resolver: builder.build().map_err(|error| unusable(&error))? })
            }
            addresses => Self::asking(addresses, true),
        }
    }

    /// A resolver that asks these servers and keeps nothing.
    ///
    /// # Errors
    /// `InvalidInput` when none can be made of them.
    pub fn asking(addresses: &[SocketAddr], recursive: bool) -> Result<Self, Failure> {
        let servers = addresses.iter().map(|address| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = address.port();
                connection
            });
            NameServerConfig::new(address.ip(), true, connections.into())
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.cache_size = 0;
        options.recursion_desired = recursive;
        options.timeout = Duration::from_secs(1);
        options.attempts = 2;
        Ok(Self { resolver: builder.build().map_err(|error| unusable(&error))? })
    }

    /// An address of a host.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn address(&self, host: &HostName) -> Result<IpAddr, String> {
        let found = self
            .resolver
            .lookup_ip(format!("{host}."))
            .await
            .map_err(|error| format!("`{host}` cannot be resolved: {error}"))?;
        found.iter().next().ok_or_else(|| format!("`{host}` has no address"))
    }

    /// What a name is an alias of.
    ///
    /// # Errors
    /// Says why it is none.
    pub async fn alias(&self, name: &HostName) -> Result<HostName, String> {
        let found = self.resolver.lookup(format!("{name}."), RecordType::CNAME).await;
        let found = found.map_err(|error| format!("`{name}` cannot be looked up: {error}"))?;
        let target = found.answers().iter().find_map(|record| {
            let RData::CNAME(target) = &record.data else { return None };
            Some(bare(&target.0.to_ascii()))
        });
        let target = target.ok_or_else(|| format!("`{name}` is no CNAME"))?;
        target.parse().map_err(|error| format!("`{name}`: {error}"))
    }
}

impl Dns {
    /// The text of a name's TXT record; `None` where it has none.
    ///
    /// # Errors
    /// Says why it could not be looked up.
    pub async fn text(&self, name: &str) -> Result<Option<String>, String> {
        let found = match self.resolver.lookup(format!("{name}."), RecordType::TXT).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => return Ok(None),
            Err(error) => return Err(format!("`{name}` cannot be looked up: {error}")),
        };
        Ok(found.answers().iter().find_map(|record| {
            let RData::TXT(text) = &record.data else { return None };
            Some(text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect::<String>())
        }))
    }
}

fn unusable(error: &dyn std::fmt::Display) -> Failure {
    Failure::InvalidInput(format!("no resolver can be made: {error}"))
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns")
    }
}
