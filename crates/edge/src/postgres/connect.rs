//! Reaching a server, and telling apart why not.

use std::{future::Future, io, pin::pin, time::Duration};

use domain::health::Endpoint;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, config::SslMode, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Fault, Patience, Postgres, Server, Unasked};

impl Postgres {
    /// Connects, asks, and hangs up, all within `patience`.
    pub(super) async fn asking<T>(
        &self,
        server: &Server<'_>,
        patience: impl Into<Patience>,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Unasked> {
        let Patience { login, whole } = patience.into();
        let limits = Limits { login: Instant::now() + login.min(whole), whole: Instant::now() + whole };
        let ours = |why: String| Unasked { endpoint: Endpoint::Unresolved, fault: Fault::Ours, let_in: false, why };
        let (user, password) = self.logins.credential(server).await.map_err(ours)?;
        let tls = self.logins.tls(server.login.tls).await.map_err(ours)?;
        let stream = self.reach(server, limits.login, login.min(whole)).await?;
        let silent = |let_in: bool| Unasked {
            endpoint: Endpoint::Open,
            fault: Fault::Server,
            let_in,
            why: format!(
                "`{}` accepts connections and does not answer within {} ms",
                server.side.endpoint,
                login.min(whole).as_millis()
            ),
        };
        let mut config = Config::new();
        config.user(&user).password(&password).dbname(server.database.as_str()).application_name("lifeboat");
        // The server gives a question up when we do.
        config.options(format!(
            "-c statement_timeout={} -c lock_timeout={}",
            whole.as_millis().max(1),
            whole.as_millis().max(1)
        ));
        let answered = match tls {
            Some(tls) => {
                config.ssl_mode(SslMode::Require);
                let mut maker = MakeRustlsConnect::new((*tls).clone());
                let connector =
                    MakeTlsConnect::<TcpStream>::make_tls_connect(&mut maker, server.side.endpoint.as_str())
                        .map_err(|error| ours(error.to_string()))?;
                converse(&config, stream, connector, limits, ask).await
            }
            None => {
                config.ssl_mode(SslMode::Disable);
                converse(&config, stream, NoTls, limits, ask).await
            }
        };
        match answered {
            Err(Broken { let_in, error: None }) => Err(silent(let_in)),
            Ok(answer) => Ok(answer),
            Err(Broken { let_in, error: Some(error) }) => {
                let unasked = told(server, let_in, &error);
                if unasked.fault == Fault::Refusal {
                    // Perhaps the credential was rotated: the next look reads it anew.
                    self.logins.forget().await;
                }
                Err(unasked)
            }
        }
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
struct Limits {
    login: Instant,
    whole: Instant,
}

/// A conversation that came to no answer: by a time limit where there is no error.
struct Broken {
    let_in: bool,
    error: Option<tokio_postgres::Error>,
}

/// Logs in and asks.
async fn converse<T, C: TlsConnect<TcpStream>>(
    config: &Config,
    stream: TcpStream,
    tls: C,
    limits: Limits,
    ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
) -> Result<T, Broken> {
    let (client, connection) = match timeout_at(limits.login, config.connect_raw(stream, tls)).await {
        Ok(let_in) => let_in.map_err(|error| Broken { let_in: false, error: Some(error) })?,
        Err(_) => return Err(Broken { let_in: false, error: None }),
    };
    match timeout_at(limits.whole, beside(connection, ask(&client))).await {
        Ok(answered) => answered.map_err(|error| Broken { let_in: true, error: Some(error) }),
        Err(_) => Err(Broken { let_in: true, error: None }),
    }
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
        None => (Fault::Server, format!("`{host}` broke the connection off: {}", domain::failure::chain(error))),
    };
    Unasked { endpoint: Endpoint::Open, fault, let_in, why }
}

fn is_not_serving(code: &SqlState) -> bool {
    [SqlState::CANNOT_CONNECT_NOW, SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code)
}
