//! The service's own session on an instance.

use std::future::Future;
use std::net::SocketAddrV4;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls, Row};

use crate::postgres::error::PostgresError;
use crate::postgres::secrets::{ADMIN, Secret};

/// How long a statement or a connection may take. The service must not hang on a stopped host.
const WITHIN: Duration = Duration::from_secs(5);

/// A session of the service on one instance; ends when dropped.
pub(crate) struct Login {
    client: Client,
    connection: JoinHandle<()>,
    name: String,
}

impl Login {
    /// Logs in on the server `name` at an address.
    pub(crate) async fn to(
        name: &str,
        at: SocketAddrV4,
        password: &Secret,
        database: &str,
    ) -> Result<Self, PostgresError> {
        let mut config = Config::new();
        config
            .hostaddr((*at.ip()).into())
            .host(name)
            .port(at.port())
            .user(ADMIN)
            .password(password.reveal())
            .dbname(database)
            .application_name("rdsadmin")
            .connect_timeout(WITHIN);
        // In the clear: the service and its instance are on one machine.
        let (client, connection) = bounded(name, config.connect(NoTls)).await?;
        let connection = tokio::spawn(async move {
            // Its error is also the error of the statement that was under way.
            let _ = connection.await;
        });
        Ok(Self { client, connection, name: name.to_owned() })
    }

    /// Runs statements that answer nothing.
    pub(crate) async fn execute(&self, statements: &str) -> Result<(), PostgresError> {
        bounded(&self.name, self.client.batch_execute(statements)).await
    }

    /// Runs a query.
    pub(crate) async fn query(&self, query: &str) -> Result<Vec<Row>, PostgresError> {
        bounded(&self.name, self.client.query(query, &[])).await
    }

    /// Runs a query whose answer is one row with one true or false.
    pub(crate) async fn is(&self, query: &str) -> Result<bool, PostgresError> {
        let row = bounded(&self.name, self.client.query_one(query, &[])).await?;
        row.try_get(0).map_err(|source| PostgresError::Statement { name: self.name.clone(), source })
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

async fn bounded<T>(
    name: &str,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, PostgresError> {
    match timeout(WITHIN, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(source)) => Err(PostgresError::Statement { name: name.to_owned(), source }),
        Err(_) => Err(PostgresError::Silent { name: name.to_owned(), within: WITHIN }),
    }
}

/// A name as it stands in a statement.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as it stands in a statement.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
