//! One session with a server: TLS, login, who answered, one row per commit.

use std::{fmt, net::IpAddr, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, Statement, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    WorkloadError,
    access::Access,
    log::{Outcome, Server},
    orders,
};

/// Opens sessions.
#[derive(Clone)]
pub(super) struct Connector {
    access: Access,
    port: u16,
    timeout: Duration,
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    pub(super) fn new(access: Access, port: u16, timeout: Duration) -> Result<Self, WorkloadError> {
        let tls = access.trusted_pem.as_deref().map(trusting).transpose()?;
        Ok(Self { access, port, timeout, tls })
    }

    /// A session with the primary at an address, or why there is none.
    ///
    /// A server in recovery is not one to write to: it counts as unreachable. `host` is what its certificate must name:
    /// RDS's certificates name the instance's endpoint, not a customer's alias for it.
    pub(super) async fn open(&self, address: IpAddr, host: &str) -> Result<Session, String> {
        match tokio::time::timeout(self.timeout, self.connect(address, host)).await {
            Ok(opened) => opened,
            Err(_) => Err(format!("no session with {address} in {:?}", self.timeout)),
        }
    }

    async fn connect(&self, address: IpAddr, host: &str) -> Result<Session, String> {
        let mut config = tokio_postgres::Config::new();
        config.host(host).hostaddr(address).port(self.port);
        config.user(&self.access.user).password(self.access.password.expose()).dbname(&self.access.database);
        config.application_name("orders").ssl_mode(if self.tls.is_some() {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        let (client, carrier) = match self.tls.clone() {
            Some(tls) => {
                let (client, connection) = config.connect(tls).await.map_err(|error| told(&error))?;
                (client, Carrier(tokio::spawn(async move { drop(connection.await) })))
            }
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(|error| told(&error))?;
                (client, Carrier(tokio::spawn(async move { drop(connection.await) })))
            }
        };
        let row = client.query_one(WHO_ARE_YOU, &[]).await.map_err(|error| told(&error))?;
        if row.get(0) {
            return Err(format!("{address} is in recovery: it is not the primary"));
        }
        let timeline: String = row.get(2);
        let timeline = u32::from_str_radix(&timeline, 16).map_err(|_| format!("`{timeline}` is not a timeline"))?;
        let insert = client.prepare(orders::INSERT).await.map_err(|error| told(&error))?;
        let server = Server { address, system_identifier: row.get(1), timeline };
        Ok(Session { client, insert, server, _carrier: carrier })
    }
}

/// In recovery or not, which cluster, which timeline. The control file still shows the old timeline for a while after
/// a promotion; the name of the WAL file that is being written does not.
const WHO_ARE_YOU: &str = "
    select pg_is_in_recovery(),
           (select system_identifier::text from pg_control_system()),
           case when pg_is_in_recovery() then '0' else left(pg_walfile_name(pg_current_wal_lsn()), 8) end";

fn trusting(pem: &str) -> Result<MakeRustlsConnect, WorkloadError> {
    let unusable = |error: &dyn fmt::Display| WorkloadError::Certificates(error.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"there is none in the text given"));
    }
    let config = ClientConfig::builder_with_provider(edge::tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// The task that carries a session's bytes. It ends with the session.
struct Carrier(JoinHandle<()>);

impl Drop for Carrier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A session that can write.
pub(super) struct Session {
    client: Client,
    insert: Statement,
    server: Server,
    _carrier: Carrier,
}

impl Session {
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Commits one row. The session is of no more use after anything but an acknowledgement.
    pub(super) async fn commit(&self, id: i64) -> Outcome {
        match self.client.execute(&self.insert, &[&id]).await {
            Ok(_) => Outcome::Acknowledged,
            // An error within a session that goes on undoes the statement. One that ends the session may come after the
            // commit, and so may a broken connection.
            Err(error) if error.as_db_error().is_some_and(|e| e.severity() == "ERROR") => Outcome::Failed(told(&error)),
            Err(error) => Outcome::Unknown(told(&error)),
        }
    }
}

/// An error and its causes. PostgreSQL's own errors name no secret.
fn told(error: &tokio_postgres::Error) -> String {
    domain::words::failure::chain(error)
}
