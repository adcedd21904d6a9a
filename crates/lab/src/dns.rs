//! The lab's DNS: answers from Route 53's records, over UDP and TCP.
//!
//! The zones' name servers are like Route 53's: they know the zones and nothing else. Functions and the workload ask
//! resolvers, which also know where instances and name servers are. Both follow a CNAME as far as they know the names. Route 53's state comes from the file that the gateway writes before it answers a change, so a change is served
//! at once.

mod answer;
mod checker;
mod health;
mod lookup;
mod name_servers;
mod routing;
mod zones;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, OpCode, ResponseCode};
use hickory_server::proto::rr::Record;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use tracing::warn;

use answer::Answer;
use health::Checks;
use lookup::Directory;
use name_servers::Says;
use zones::ZonesFile;

pub use lookup::Instances;
pub use name_servers::{COUNT as NAME_SERVERS, Conduct, NAMES, NameServer};

/// How many public resolvers there are beside the one of the functions: as many as a plan may have asked.
pub const CACHES: usize = 3;

/// A silent TCP client is dropped after this.
const TCP_SILENCE: Duration = Duration::from_secs(5);

/// Answers queued for one TCP client.
const TCP_QUEUE: usize = 16;

/// How the DNS is started.
#[derive(Clone)]
pub struct DnsConfig {
    /// Where the public resolver listens, UDP and TCP.
    pub listen: SocketAddr,
    /// Where the zones' name servers listen; on the resolver's port where this one cannot be bound.
    pub name_servers: [SocketAddr; NAME_SERVERS],
    /// Where public resolvers listen that others use, beside them and on the same port.
    pub caches: [SocketAddr; CACHES],
    /// [`crate::gateway::Gateway::zones_file`].
    pub zones_file: PathBuf,
    /// The domain of database instances' endpoints, `rds.lifeboat.test`.
    pub instance_domain: String,
    /// Finds their addresses.
    pub instances: Instances,
    /// Other resolvers, one for each Region, where instances have other addresses.
    pub views: Vec<(SocketAddr, Instances)>,
}

/// A running DNS. It stops when it is dropped.
#[derive(Debug)]
pub struct Dns {
    listen: SocketAddr,
    name_servers: Vec<Arc<NameServer>>,
    caches: Vec<Arc<NameServer>>,
    hidden: Option<DnsError>,
    serving: JoinHandle<()>,
    checking: JoinHandle<()>,
}

/// Why an address could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("the lab's DNS cannot listen on {listen} ({protocol}); {}", remedy(source))]
pub struct DnsError {
    listen: SocketAddr,
    protocol: &'static str,
    source: io::Error,
}

fn remedy(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::PermissionDenied {
        "only root may; `sysctl net.ipv4.ip_unprivileged_port_start=53` lets everybody"
    } else {
        "stop what does, or take another slot"
    }
}

impl Dns {
    /// Binds and serves in the background, and begins Route 53's health checks.
    ///
    /// # Errors
    /// [`DnsError`] when an address cannot be bound.
    pub async fn serve(config: DnsConfig) -> Result<Self, DnsError> {
        let listen = config.listen;
        let mut resolvers = vec![(Sockets::bind(listen).await?, Arc::clone(&config.instances))];
        for (listen, instances) in config.views {
            resolvers.push((Sockets::bind(listen).await?, instances));
        }
        let (mut sockets, hidden) = match bind_all(config.name_servers, config.caches).await {
            Ok(sockets) => (sockets, None),
            Err(why) => {
                let beside = |server: SocketAddr| SocketAddr::new(server.ip(), listen.port());
                let beside = (config.name_servers.map(beside), config.caches.map(beside));
                (bind_all(beside.0, beside.1).await?, Some(why))
            }
        };
        let of_caches = sockets.split_off(NAME_SERVERS);
        let zones = Arc::new(ZonesFile::new(config.zones_file));
        let server =
            |(name, sockets): (_, &Sockets)| Arc::new(NameServer::new(name, sockets.listen, Arc::clone(&zones)));
        let name_servers: Vec<_> = NAMES.into_iter().zip(&sockets).map(server).collect();
        let caches: Vec<_> = ["a public resolver"; CACHES].into_iter().zip(&of_caches).map(server).collect();
        let directory = Arc::new(Directory {
            zones,
            instance_domain: config.instance_domain,
            instances: config.instances,
            name_servers: name_servers.clone(),
            checks: Checks::default(),
        });
        let checking = tokio::spawn(checker::run(Arc::clone(&directory)));
        let responders = resolvers.into_iter().map(|(sockets, instances)| (sockets, Responder::Resolver(instances)));
        // A public resolver is like a name server to whoever asks it for a name of the zones, and may keep an old answer.
        let servers = name_servers.iter().chain(&caches).cloned().map(Responder::NameServer);
        let responders = responders.chain(sockets.into_iter().chain(of_caches).zip(servers));
        let serving: Vec<_> = responders
            .map(|(sockets, responder)| sockets.serve(Handler { directory: Arc::clone(&directory), responder }))
            .collect();
        let serving = tokio::spawn(async move { drop(futures::future::join_all(serving).await) });
        Ok(Self { listen, name_servers, caches, hidden, serving, checking })
    }

    /// Where the public resolver listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// The zones' name servers.
    #[must_use]
    pub fn name_servers(&self) -> &[Arc<NameServer>] {
        &self.name_servers
    }

    /// Public resolvers that others use.
    #[must_use]
    pub fn caches(&self) -> &[Arc<NameServer>] {
        &self.caches
    }

    /// Why they are not on port 53, where a client that only knows their names would ask.
    #[must_use]
    pub fn hidden(&self) -> Option<&DnsError> {
        self.hidden.as_ref()
    }
}

/// The sockets of one address.
struct Sockets {
    listen: SocketAddr,
    udp: UdpSocket,
    tcp: TcpListener,
}

impl Sockets {
    async fn bind(listen: SocketAddr) -> Result<Self, DnsError> {
        let failed = |protocol| move |source| DnsError { listen, protocol, source };
        let udp = UdpSocket::bind(listen).await.map_err(failed("UDP"))?;
        let tcp = TcpListener::bind(listen).await.map_err(failed("TCP"))?;
        Ok(Self { listen, udp, tcp })
    }

    async fn serve(self, handler: Handler) {
        let mut server = Server::new(handler);
        server.register_socket(self.udp);
        server.register_listener(self.tcp, TCP_SILENCE, TCP_QUEUE);
        if let Err(error) = server.block_until_done().await {
            warn!(%error, listen = %self.listen, "a part of the DNS ended");
        }
    }
}

async fn bind_all(
    name_servers: [SocketAddr; NAME_SERVERS],
    caches: [SocketAddr; CACHES],
) -> Result<Vec<Sockets>, DnsError> {
    futures::future::try_join_all(name_servers.into_iter().chain(caches).map(Sockets::bind)).await
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.serving.abort();
        self.checking.abort();
    }
}

/// Who answers.
enum Responder {
    /// A resolver, by what it knows of instances.
    Resolver(Instances),
    /// A zone's name server.
    NameServer(Arc<NameServer>),
}

/// Answers the questions that arrive at one address.
struct Handler {
    directory: Arc<Directory>,
    responder: Responder,
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut to: R) -> ResponseInfo {
        let mut head = Metadata::response_from_request(&request.metadata);
        let unsent = |head| ResponseInfo::from(Header { metadata: head, counts: HeaderCounts::default() });
        let Some(answer) = self.answer(request) else { return unsent(head) };
        head.response_code = answer.code;
        head.authoritative = answer.authoritative;
        head.recursion_available = matches!(self.responder, Responder::Resolver(_));
        let none: [Record; 0] = [];
        let response = MessageResponseBuilder::from_message_request(request).build(
            head,
            answer.records.iter(),
            none.iter(),
            answer.soa.iter(),
            none.iter(),
        );
        match to.send_response(response).await {
            Ok(sent) => sent,
            Err(error) => {
                // The client is gone; there is nobody to tell.
                warn!(%error, "a DNS answer was not sent");
                unsent(head)
            }
        }
    }
}

impl Handler {
    /// The answer, or none at all.
    fn answer(&self, request: &Request) -> Option<Answer> {
        let (zones, instances) = match &self.responder {
            Responder::Resolver(instances) => (self.directory.zones.current(), Some(instances)),
            Responder::NameServer(server) => match server.says() {
                Says::Of(zones) => (zones, None),
                Says::Failed => return Some(Answer::empty(ResponseCode::ServFail)),
                Says::Nothing => return None,
            },
        };
        if request.metadata.op_code != OpCode::Query {
            return Some(Answer::empty(ResponseCode::NotImp));
        }
        Some(match request.request_info() {
            Ok(info) => {
                self.directory.look_up(&zones, instances, info.query.original().name(), info.query.query_type())
            }
            Err(_) => Answer::empty(ResponseCode::FormErr),
        })
    }
}
