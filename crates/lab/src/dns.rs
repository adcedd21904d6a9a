//! The lab's name server: answers from Route 53's records, over UDP and TCP.
//!
//! It is both what Route 53's authoritative servers are and the resolver that functions and the
//! workload ask: it follows a CNAME as far as it knows the names itself. Route 53's state comes
//! from the file that the gateway writes before it answers a change, so a change is served at once.

mod answer;
mod checks;
mod routing;
mod zones;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Metadata, OpCode, ResponseCode};
use hickory_server::proto::rr::Record;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use tracing::warn;

use answer::Answer;
use checks::Checks;
use zones::ZonesFile;

/// Finds the address of a database instance by its endpoint's name, lower case, without the last dot.
pub type Instances = Arc<dyn Fn(&str) -> Option<Ipv4Addr> + Send + Sync>;

/// A TCP client that says nothing is dropped after this.
const TCP_SILENCE: Duration = Duration::from_secs(5);

/// Answers queued for one TCP client.
const TCP_QUEUE: usize = 16;

/// What the name server is started with.
#[derive(Clone)]
pub struct DnsConfig {
    /// Where it listens, UDP and TCP.
    pub listen: SocketAddr,
    /// [`crate::gateway::Gateway::zones_file`].
    pub zones_file: PathBuf,
    /// The domain of database instances' endpoints, `rds.lifeboat.test`.
    pub instance_domain: String,
    /// Knows them.
    pub instances: Instances,
    /// Other places to listen, where instances have other addresses: what a Region's own resolver answers.
    pub views: Vec<(SocketAddr, Instances)>,
}

/// A running name server. Dropped, it stops.
#[derive(Debug)]
pub struct Dns {
    listen: SocketAddr,
    serving: JoinHandle<()>,
    checking: JoinHandle<()>,
}

/// Why the name server is not there.
#[derive(Debug, thiserror::Error)]
#[error("the name server cannot listen on {listen} ({protocol}); stop what does, or take another slot")]
pub struct DnsError {
    listen: SocketAddr,
    protocol: &'static str,
    source: io::Error,
}

impl Dns {
    /// Binds and serves in the background, and begins Route 53's health checks.
    ///
    /// # Errors
    /// [`DnsError`] when the address cannot be had.
    pub async fn serve(config: DnsConfig) -> Result<Self, DnsError> {
        let listen = config.listen;
        let mut views = vec![(Sockets::bind(listen).await?, Arc::clone(&config.instances))];
        for (listen, instances) in config.views {
            views.push((Sockets::bind(listen).await?, instances));
        }
        let state = Arc::new(State {
            zones: ZonesFile::new(config.zones_file),
            instance_domain: config.instance_domain,
            instances: config.instances,
            checks: Checks::default(),
        });
        let checking = tokio::spawn(checks::run(Arc::clone(&state)));
        let serving = tokio::spawn(async move {
            let views = views
                .into_iter()
                .map(|(sockets, instances)| sockets.serve(Handler { state: Arc::clone(&state), instances }));
            futures::future::join_all(views).await;
        });
        Ok(Self { listen, serving, checking })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listen
    }
}

/// Where one view is asked.
struct Sockets {
    udp: UdpSocket,
    tcp: TcpListener,
}

impl Sockets {
    async fn bind(listen: SocketAddr) -> Result<Self, DnsError> {
        let failed = |protocol| move |source| DnsError { listen, protocol, source };
        let udp = UdpSocket::bind(listen).await.map_err(failed("UDP"))?;
        let tcp = TcpListener::bind(listen).await.map_err(failed("TCP"))?;
        Ok(Self { udp, tcp })
    }

    async fn serve(self, handler: Handler) {
        let mut server = Server::new(handler);
        server.register_socket(self.udp);
        server.register_listener(self.tcp, TCP_SILENCE, TCP_QUEUE);
        if let Err(error) = server.block_until_done().await {
            warn!(%error, "the name server ended");
        }
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.serving.abort();
        self.checking.abort();
    }
}

/// What answers and health checks look at.
struct State {
    zones: ZonesFile,
    instance_domain: String,
    instances: Instances,
    checks: Checks,
}

/// Answers one view's questions.
struct Handler {
    state: Arc<State>,
    instances: Instances,
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut to: R) -> ResponseInfo {
        let answer = self.state.answer(&self.instances, request);
        let mut head = Metadata::response_from_request(&request.metadata);
        head.response_code = answer.code;
        head.authoritative = answer.authoritative;
        head.recursion_available = true;
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
                warn!(%error, "a name server's answer was not sent");
                ResponseInfo::from(hickory_server::proto::op::Header {
                    metadata: head,
                    counts: hickory_server::proto::op::HeaderCounts::default(),
                })
            }
        }
    }
}

impl State {
    fn answer(&self, instances: &Instances, request: &Request) -> Answer {
        if request.metadata.op_code != OpCode::Query {
            return Answer::empty(ResponseCode::NotImp);
        }
        match request.request_info() {
            Ok(info) => self.look_up(instances, info.query.original().name(), info.query.query_type()),
            Err(_) => Answer::empty(ResponseCode::FormErr),
        }
    }
}
