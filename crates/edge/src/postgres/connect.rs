//! Reaching a server, and telling apart why not.

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use domain::watch::{health::Endpoint, probe};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep, timeout_at},
};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, config::SslMode, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Fault, Patience, Postgres, Server, Unasked};

impl Postgres {
    /// Connects, asks, and hangs up.
    pub(super) async fn asking<T>(
        &self,
        server: &Server<'_>,
        patience: impl Into<Patience>,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Unasked> {
        self.staying(server, patience, ask).await.map(|(_, answer)| answer)
    }

    /// Connects, asks, and leaves the session open.
    pub(super) async fn staying<T>(
        &self,
        server: &Server<'_>,
        patience: impl Into<Patience>,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<(Session, T), Unasked> {
        let (mut session, limits) = self.enter(server, patience.into()).await?;
        match session.ask(limits.whole(), ask).await {
            Ok(answer) => Ok((session, answer)),
            Err(broken) => Err(self.unasked(server, &limits, broken).await),
        }
    }

    /// Connects and logs in. The patience is how long the server may be silent: where it is far, a login has several answers
    /// to wait for, and each may take as long.
    async fn enter(&self, server: &Server<'_>, patience: Patience) -> Result<(Session, Limits), Unasked> {
        let Patience { login, whole } = patience;
        let login = login.min(whole);
        let now = Instant::now();
        let limits = Limits { login: now + login + probe::LOGIN.duration(), whole: now + whole, patience: login };
        let ours = |why: String| Unasked { endpoint: Endpoint::Unresolved, fault: Fault::Ours, let_in: false, why };
        let (user, password) = self.logins.credential(server).await.map_err(ours)?;
        let tls = self.logins.tls(server.login.tls).await.map_err(ours)?;
        let stream = Attended::new(self.reach(server, now + login, login).await?, login);
        let mut config = Config::new();
        config.user(&user).password(&password).dbname(server.database.as_str()).application_name("lifeboat");
        // The server gives a question up when we do.
        config.options(format!(
            "-c statement_timeout={} -c lock_timeout={}",
            whole.as_millis().max(1),
            whole.as_millis().max(1)
        ));
        let session = match tls {
            Some(tls) => {
                config.ssl_mode(SslMode::Require);
                let mut maker = MakeRustlsConnect::new((*tls).clone());
                let connector = MakeTlsConnect::<Attended>::make_tls_connect(&mut maker, server.side.endpoint.as_str())
                    .map_err(|error| ours(error.to_string()))?;
                Session::open(&config, stream, connector, limits.login).await
            }
            None => {
                config.ssl_mode(SslMode::Disable);
                Session::open(&config, stream, NoTls, limits.login).await
            }
        };
        match session {
            Ok(session) => Ok((session, limits)),
            Err(broken) => Err(self.unasked(server, &limits, broken).await),
        }
    }

    /// What a conversation that broke off says.
    pub(super) async fn unasked(&self, server: &Server<'_>, limits: &Limits, broken: Broken) -> Unasked {
        let Broken { let_in, error } = broken;
        let Some(error) = error.filter(|error| !is_silence(error)) else {
            let why = format!(
                "`{}` accepts connections and does not answer within {} ms",
                server.side.endpoint,
                limits.patience.as_millis()
            );
            return Unasked { endpoint: Endpoint::Open, fault: Fault::Server, let_in, why };
        };
        let unasked = told(server, let_in, &error);
        if unasked.fault == Fault::Refusal {
            // Perhaps the credential was rotated: the next look reads it again.
            self.logins.forget().await;
        }
        unasked
    }

    async fn reach(&self, server: &Server<'_>, deadline: Instant, within: Duration) -> Result<TcpStream, Unasked> {
        let host = &server.side.endpoint;
        let unresolved =
            |why: String| Unasked { endpoint: Endpoint::Unresolved, fault: Fault::Ours, let_in: false, why };
        let address = match timeout_at(deadline, self.dns.address(host)).await {
            Ok(found) => found.map_err(unresolved)?,
            Err(_) => {
                return Err(unresolved(format!("`{host}` could not be resolved within {} ms", within.as_millis())));
            }
        };
        let port = server.side.port;
        let down = |endpoint, why| Unasked { endpoint, fault: Fault::Server, let_in: false, why };
        match timeout_at(deadline, TcpStream::connect((address, port))).await {
            Ok(Ok(stream)) => {
                // The end of the TLS handshake and the login are two small writes: together with the server's delayed
                // acknowledgement Nagle's algorithm would add 40 ms to each connection. One that cannot be told is only slower.
                drop(stream.set_nodelay(true));
                Ok(stream)
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Err(down(Endpoint::Refused, format!("`{host}:{port}` refuses connections")))
            }
            Ok(Err(error)) => Err(down(Endpoint::Silent, format!("`{host}:{port}` cannot be reached: {error}"))),
            Err(_) => {
                Err(down(Endpoint::Silent, format!("`{host}:{port}` does not answer within {} ms", within.as_millis())))
            }
        }
    }
}

/// When what must be over.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    login: Instant,
    whole: Instant,
    /// How long the server may take to let us in, as its record says.
    patience: Duration,
}

impl Limits {
    /// For a question over a session that is open.
    pub(super) fn of_a_question(within: Duration) -> Self {
        let end = Instant::now() + within;
        Self { login: end, whole: end, patience: within }
    }

    /// Until when a question that is asked now may take: a login that took its time leaves it as much as it may be silent.
    pub(super) fn whole(&self) -> Instant {
        self.whole.max(Instant::now() + self.patience)
    }
}

/// A conversation that came to no answer: by a time limit where there is no error.
pub(super) struct Broken {
    let_in: bool,
    pub(super) error: Option<tokio_postgres::Error>,
}

/// A server that has let us in.
pub(super) struct Session {
    client: Client,
    connection: Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>>>>,
}

impl Session {
    async fn open<C>(config: &Config, stream: Attended, tls: C, deadline: Instant) -> Result<Self, Broken>
    where
        C: TlsConnect<Attended>,
        C::Stream: 'static,
    {
        let attends = stream.attends();
        let (client, connection) = match timeout_at(deadline, config.connect_raw(stream, tls)).await {
            Ok(let_in) => let_in.map_err(|error| Broken { let_in: false, error: Some(error) })?,
            Err(_) => return Err(Broken { let_in: false, error: None }),
        };
        // From here each question has a limit of its own, and between two of them nobody waits.
        attends.store(false, Ordering::Relaxed);
        Ok(Self { client, connection: Box::pin(connection) })
    }

    /// Asks. After an error nobody knows what the session is about: it is not to be asked again.
    pub(super) async fn ask<T>(
        &mut self,
        deadline: Instant,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Broken> {
        match timeout_at(deadline, beside(self.connection.as_mut(), ask(&self.client))).await {
            Ok(answered) => answered.map_err(|error| Broken { let_in: true, error: Some(error) }),
            Err(_) => Err(Broken { let_in: true, error: None }),
        }
    }
}

/// A connection whose silence breaks it off, for as long as it is attended.
struct Attended {
    stream: TcpStream,
    patience: Duration,
    silent_until: Pin<Box<Sleep>>,
    attends: Arc<AtomicBool>,
}

impl Attended {
    fn new(stream: TcpStream, patience: Duration) -> Self {
        let silent_until = Box::pin(sleep(patience));
        Self { stream, patience, silent_until, attends: Arc::new(AtomicBool::new(true)) }
    }

    /// Whether silence breaks it off.
    fn attends(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.attends)
    }
}

impl AsyncRead for Attended {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if read.is_ready() {
            let until = Instant::now() + self.patience;
            self.silent_until.as_mut().reset(until);
        } else if self.attends.load(Ordering::Relaxed) && self.silent_until.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Attended {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Whether a connection was broken off for its silence.
fn is_silence(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Drives a connection while a question is asked over it; the question's end is the end.
async fn beside<T>(
    connection: impl Future<Output = Result<(), tokio_postgres::Error>>,
    question: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let (mut connection, mut question) = (pin!(connection), pin!(question));
    tokio::select! {
        biased;
        answer = &mut question => answer,
        ended = &mut connection => match ended {
            // The client's half says best what it missed.
            Ok(()) => question.await,
            Err(error) => Err(error),
        },
    }
}

/// What a server's error says about the server.
fn told(server: &Server<'_>, let_in: bool, error: &tokio_postgres::Error) -> Unasked {
    let host = &server.side.endpoint;
    let (fault, why) = match error.as_db_error() {
        // Starting up, shutting down, or recovering from a crash: there, and of no use.
        Some(told) if is_not_serving(told.code()) => {
            (Fault::Server, format!("`{host}` does not serve: {}", told.message()))
        }
        Some(told) => (
            Fault::Refusal,
            format!("`{host}` answers with an error: {} (SQLSTATE {})", told.message(), told.code().code()),
        ),
        None => (Fault::Server, format!("`{host}` broke the connection off: {}", domain::words::failure::chain(error))),
    };
    Unasked { endpoint: Endpoint::Open, fault, let_in, why }
}

fn is_not_serving(code: &SqlState) -> bool {
    [SqlState::CANNOT_CONNECT_NOW, SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code)
}
