//! How a host and port are reached: connections that say nothing and are closed again.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use domain::{watch::region::Try, words::id::HostName};
use futures::future::join_all;
use tokio::{net::TcpStream, time::timeout};

use crate::dns::Dns;

/// Tries so many connections side by side, each for so long. The name is looked up once, and that is not counted.
pub async fn tries(dns: &Dns, (host, port): (&HostName, u16), count: u32, within: Duration) -> Vec<Try> {
    let Ok(Ok(address)) = timeout(within, dns.address(host)).await else {
        return (0..count).map(|_| Try::Unresolved).collect();
    };
    join_all((0..count).map(|_| one((address, port).into(), within))).await
}

async fn one(address: SocketAddr, within: Duration) -> Try {
    let began = Instant::now();
    let connected = timeout(within, TcpStream::connect(address)).await;
    let took = began.elapsed();
    match connected {
        Ok(Ok(_)) => Try::Open(took),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Try::Refused(took),
        Ok(Err(_)) | Err(_) => Try::Silent,
    }
}
