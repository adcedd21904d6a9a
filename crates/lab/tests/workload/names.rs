//! A name server for one alias and some hosts, whose alias can be moved.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use hickory_resolver::proto::{
    op::{Message, OpCode},
    rr::{Name, RData, Record, rdata},
};
use tokio::{net::UdpSocket, task::JoinHandle};

/// Alias, host it points to, time to live in seconds.
type Alias = (String, String, u32);

/// The name server. Dropped, it ends.
pub(crate) struct Names {
    address: SocketAddr,
    alias: Arc<Mutex<Option<Alias>>>,
    server: JoinHandle<()>,
}

impl Drop for Names {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Names {
    /// Serves on a free port of the loopback address.
    pub(crate) async fn serve(hosts: Vec<(&'static str, IpAddr)>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let alias = Arc::new(Mutex::new(None));
        let shown = Arc::clone(&alias);
        let server = tokio::spawn(async move {
            let mut buffer = [0; 1_500];
            while let Ok((length, asker)) = socket.recv_from(&mut buffer).await {
                let question = Message::from_vec(&buffer[..length]).unwrap();
                let alias: Option<Alias> = shown.lock().unwrap().clone();
                let _ = socket.send_to(&answer(&question, alias, &hosts).to_vec().unwrap(), asker).await;
            }
        });
        Self { address, alias, server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn point(&self, alias: &str, host: &str, ttl: u32) {
        *self.alias.lock().unwrap() = Some((alias.to_owned(), host.to_owned(), ttl));
    }
}

fn answer(question: &Message, alias: Option<Alias>, hosts: &[(&str, IpAddr)]) -> Message {
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.recursion_desired = question.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_queries(question.queries.clone());
    let Some((alias, host, ttl)) = alias else { return answer };
    let name = |text: &str| Name::from_utf8(format!("{text}.")).unwrap();
    answer.add_answer(Record::from_rdata(name(&alias), ttl, RData::CNAME(rdata::CNAME(name(&host)))));
    for (_, address) in hosts.iter().filter(|(known, _)| *known == host) {
        let IpAddr::V4(address) = address else { continue };
        answer.add_answer(Record::from_rdata(name(&host), 60, RData::A(rdata::A(*address))));
    }
    answer
}
