//! Names: where a client would go, and what the authoritative servers say.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use domain::{
    failover::traffic::{Asked, ServerAnswer, Told, bare},
    plan::Target,
    words::{
        failure::Failure,
        id::{Address, HostName},
    },
};
use futures::future::{join_all, try_join_all};
use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{RData, RecordType},
};

use crate::patience;

/// A resolver: the system's, or the ones that the configuration names.
#[derive(Clone)]
pub struct Dns {
    resolver: TokioResolver,
}

/// IPv4 before IPv6: a function has IPv6 only in a VPC that was given it, and Route 53's name servers have addresses of both.
const ADDRESSES: LookupIpStrategy = LookupIpStrategy::Ipv4thenIpv6;

/// How often an answer that did not come within [`patience::NAME_SERVER`] is asked for again.
const AGAIN: usize = 2;

/// DNS's port.
const PORT: u16 = 53;

/// An authoritative server, and where it can be asked; or why nobody knows where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameServer {
    /// Its name, or its address where it has no name.
    pub name: String,
    /// Its address and port.
    pub address: Result<SocketAddr, String>,
}

impl From<SocketAddr> for NameServer {
    fn from(address: SocketAddr) -> Self {
        Self { name: address.to_string(), address: Ok(address) }
    }
}

impl NameServer {
    /// Asks it where a name leads. One that has no address is one that does not answer.
    ///
    /// # Errors
    /// `InvalidInput` when no resolver can be made.
    pub async fn ask(&self, name: &HostName, asked: Asked) -> Result<ServerAnswer, Failure> {
        let told = match &self.address {
            Ok(address) => Dns::asking(&[*address], false)?.told(name, asked).await,
            Err(why) => Err(why.clone()),
        };
        Ok(ServerAnswer { server: self.name.clone(), told })
    }
}

/// Asks each of these servers where a name leads, side by side: those that are silent take their time.
///
/// # Errors
/// `InvalidInput` when no resolver can be made.
pub async fn ask_each(servers: &[NameServer], name: &HostName, asked: Asked) -> Result<Vec<ServerAnswer>, Failure> {
    try_join_all(servers.iter().map(|server| server.ask(name, asked))).await
}

impl Dns {
    /// The resolver of the configuration, else the system's.
    ///
    /// # Errors
    /// `InvalidInput` when neither can be read.
    pub fn from_env() -> Result<Self, Failure> {
        match crate::config::resolvers()?.as_slice() {
            [] => {
                let mut builder = Resolver::builder_tokio().map_err(|error| unusable(&error))?;
                bound(builder.options_mut());
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
        bound(options);
        options.cache_size = 0;
        options.recursion_desired = recursive;
        Ok(Self { resolver: builder.build().map_err(|error| unusable(&error))? })
    }

    /// A public resolver.
    ///
    /// # Errors
    /// `InvalidInput` when none can be made of it.
    pub fn public(resolver: &Address) -> Result<Self, Failure> {
        Self::asking(&[SocketAddr::new(resolver.ip().into(), PORT)], true)
    }

    /// An address of a host: one of IPv4, where it has one.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn address(&self, host: &HostName) -> Result<IpAddr, String> {
        self.addresses(host).await?.into_iter().next().ok_or_else(|| format!("`{host}` has no address"))
    }

    /// The addresses of a host, of IPv4 where it has any.
    ///
    /// # Errors
    /// Says why they are not known.
    pub async fn addresses(&self, host: &HostName) -> Result<Vec<IpAddr>, String> {
        let found = self.resolver.lookup_ip(format!("{host}.")).await;
        let found = found.map_err(|error| format!("`{host}` cannot be resolved: {error}"))?;
        Ok(found.iter().collect())
    }

    /// All addresses of IPv4 that a name has.
    ///
    /// # Errors
    /// Says why it has none.
    pub async fn ipv4_of(&self, name: &HostName) -> Result<Vec<Ipv4Addr>, String> {
        let found = self.resolver.lookup(format!("{name}."), RecordType::A).await;
        let found = found.map_err(|error| format!("`{name}` cannot be looked up: {error}"))?;
        let addresses = found.answers().iter().filter_map(|record| {
            let RData::A(address) = &record.data else { return None };
            Some(address.0)
        });
        let addresses: Vec<Ipv4Addr> = addresses.collect();
        if addresses.is_empty() { Err(format!("`{name}` has no address")) } else { Ok(addresses) }
    }

    /// Where a name leads.
    ///
    /// # Errors
    /// Says why that is not known.
    pub async fn told(&self, name: &HostName, asked: Asked) -> Result<Told, String> {
        match asked {
            Asked::Host => self.alias(name).await.map(Told::Host),
            Asked::Addresses => self.ipv4_of(name).await.map(Told::Addresses),
        }
    }

    /// What a name answers that leads to this target.
    ///
    /// # Errors
    /// Says why a load balancer's addresses are not known.
    pub async fn wanted(&self, target: &Target) -> Result<Told, String> {
        match target.told() {
            Ok(told) => Ok(told),
            Err(balancer) => self.ipv4_of(balancer).await.map(Told::Addresses),
        }
    }

    /// The name servers of these names: also those that have no address.
    pub async fn name_servers(&self, names: &[String]) -> Vec<NameServer> {
        join_all(names.iter().map(|name| self.name_server(name))).await
    }

    async fn name_server(&self, name: &str) -> NameServer {
        let name = bare(name);
        let address = match name.parse() {
            Ok(host) => self.address(&host).await,
            Err(error) => Err(format!("`{name}` is no host's name: {error}")),
        };
        NameServer { name, address: address.map(|address| SocketAddr::new(address, PORT)) }
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
    /// What a name is an alias of, if it is told in time.
    ///
    /// # Errors
    /// Says why it is not known.
    pub async fn alias_within(&self, name: &HostName, patience: Duration) -> Result<HostName, String> {
        let told = tokio::time::timeout(patience, self.alias(name)).await;
        told.unwrap_or_else(|_| Err(format!("`{name}`: no answer within {} ms", patience.as_millis())))
    }

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

fn bound(options: &mut ResolverOpts) {
    options.ip_strategy = ADDRESSES;
    options.timeout = patience::NAME_SERVER;
    options.attempts = AGAIN;
}

fn unusable(error: &dyn std::fmt::Display) -> Failure {
    Failure::InvalidInput(format!("no resolver can be made: {error}"))
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns")
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use tokio::net::UdpSocket;

    use super::*;

    const A: u16 = 1;
    const CNAME: u16 = 5;
    const AAAA: u16 = 28;

    /// A name server: what is asked of a name is answered with the record that it has of that type, or with none.
    async fn serve(records: &'static [(&'static str, u16, &'static [u8])]) -> SocketAddr {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let asked = &buffer[..length];
                let (mut name, mut at) = (String::new(), 12);
                while asked[at] != 0 {
                    let label = usize::from(asked[at]);
                    name.push_str(std::str::from_utf8(&asked[at + 1..=at + label]).unwrap());
                    name.push('.');
                    at += label + 1;
                }
                let kind = u16::from_be_bytes([asked[at + 1], asked[at + 2]]);
                let found = records.iter().find(|record| (record.0, record.1) == (name.as_str(), kind));
                let known = records.iter().any(|record| record.0 == name);
                let flags = if known { [0x85, 0x80] } else { [0x85, 0x83] };
                let mut answer = [&asked[..2], &flags, &[0, 1, 0, u8::from(found.is_some()), 0, 0, 0, 0]].concat();
                answer.extend(&asked[12..at + 5]);
                if let Some((_, kind, data)) = found {
                    answer.extend([&[0xC0, 12], &kind.to_be_bytes()[..], &[0, 1, 0, 0, 0, 0]].concat());
                    answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
                    answer.extend(*data);
                }
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        address
    }

    /// Both, and one of each.
    async fn zone() -> Dns {
        static RECORDS: [(&str, u16, &[u8]); 5] = [
            ("both.example.", A, &[127, 0, 0, 1]),
            ("both.example.", AAAA, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ("four.example.", A, &[127, 0, 0, 2]),
            ("six.example.", AAAA, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ("text.example.", 16, &[1, b'x']),
        ];
        Dns::asking(&[serve(&RECORDS).await], true).unwrap()
    }

    #[tokio::test]
    async fn a_host_of_both_kinds_of_address_is_reached_by_ipv4() {
        let dns = zone().await;
        for (host, address) in [
            ("both.example", IpAddr::from(Ipv4Addr::LOCALHOST)),
            ("four.example", Ipv4Addr::new(127, 0, 0, 2).into()),
            ("six.example", Ipv6Addr::LOCALHOST.into()),
        ] {
            assert_eq!(dns.address(&host.parse().unwrap()).await, Ok(address), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_server_that_cannot_be_asked_says_so_by_its_name() {
        let dns = zone().await;
        assert_eq!(dns.name_server("Both.example.").await.address, Ok((Ipv4Addr::LOCALHOST, 53).into()));
        let name = "db.example".parse().unwrap();
        for server in ["gone.example", "text.example", "no name", ""] {
            let said = dns.name_server(server).await.ask(&name, Asked::Host).await.unwrap();
            assert_eq!(said.server, server);
            assert!(said.told.as_ref().is_err_and(|why| why.contains(server)), "{said:?}");
        }
        // Only by IPv6, where nobody is: an answer that did not come is none.
        let six = dns.name_server("six.example").await;
        let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
        let address = six.address.map(|address| SocketAddr::new(address.ip(), port));
        let said = NameServer { address, ..six }.ask(&name, Asked::Host).await.unwrap();
        assert!(said.server == "six.example" && said.told.is_err(), "{said:?}");
    }

    #[tokio::test]
    async fn a_name_server_is_asked_at_its_address() {
        static RECORDS: [(&str, u16, &[u8]); 2] =
            [("db.example.", CNAME, b"\x03new\x07example\x00"), ("www.example.", A, &[192, 0, 2, 1])];
        let server = NameServer::from(serve(&RECORDS).await);
        let said = server.ask(&"db.example".parse().unwrap(), Asked::Host).await.unwrap();
        assert_eq!(said.told, Ok(Told::Host("new.example".parse().unwrap())));
        let said = server.ask(&"www.example".parse().unwrap(), Asked::Addresses).await.unwrap();
        assert_eq!(said.told, Ok(Told::Addresses(vec![Ipv4Addr::new(192, 0, 2, 1)])));
    }
}
