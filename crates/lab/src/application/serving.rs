//! One port of an application.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, http::StatusCode, serve::Listener};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::{debug, warn};

use super::{ApplicationError, Work};
use crate::workload::reach;

/// How long a client may take for its part of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// The pause after a connection that could not be taken, as when this process has no file left.
const AGAIN: Duration = Duration::from_millis(50);

/// How long questions that are under way may take to be answered once it is stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// A port that is served. It ends when this is dropped.
pub(super) struct Served {
    ends: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Served {
    /// Closes the port, and its connections once what is under way is answered.
    pub(super) async fn end(mut self) {
        self.ends.send_replace(true);
        if tokio::time::timeout(LAST_ANSWERS, &mut self.serving).await.is_err() {
            debug!("connections are left open");
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Serves one port in the background, by HTTPS with an acceptor.
pub(super) async fn serve(
    listen: SocketAddr,
    tls: Option<TlsAcceptor>,
    work: Arc<Work>,
) -> Result<Served, ApplicationError> {
    let tcp = TcpListener::bind(listen).await.map_err(|source| ApplicationError::Listen { listen, source })?;
    let router = Router::new().fallback(move || answer(Arc::clone(&work)));
    let (ends, mut ended) = watch::channel(false);
    let until = async move { drop(ended.wait_for(|ended| *ended).await) };
    let serving = tokio::spawn(async move {
        let ended = match tls {
            Some(acceptor) => axum::serve(Tls { tcp, acceptor }, router).with_graceful_shutdown(until).await,
            None => axum::serve(tcp, router).with_graceful_shutdown(until).await,
        };
        if let Err(error) = ended {
            warn!(%error, %listen, "a port of the application is closed");
        }
    });
    Ok(Served { ends, serving })
}

/// Whatever is asked: whether the application can write, and where.
async fn answer(work: Arc<Work>) -> (StatusCode, String) {
    let Work { side, access, database, port } = work.as_ref();
    match reach(access.clone(), database, *port).await {
        Ok(Ok(server)) => (StatusCode::OK, format!("{side}: success, writes are taken at {}\n", server.address)),
        Ok(Err(why)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{side}: nothing can be written: {why}\n")),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{side}: {error}\n")),
    }
}

/// A port by HTTPS.
struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = match self.tcp.accept().await {
                Ok(taken) => taken,
                Err(error) => {
                    warn!(%error, "the application cannot take a connection");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            match tokio::time::timeout(HANDSHAKE, self.acceptor.accept(stream)).await {
                Ok(Ok(stream)) => return (stream, from),
                Ok(Err(error)) => debug!(%error, %from, "a client gave up its handshake"),
                Err(_) => debug!(%from, "a client did not end its handshake in time"),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
