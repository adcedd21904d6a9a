//! Asking a server as the service itself.

use tokio_postgres::Row;

use super::Rds;
use crate::error::RdsError;
use crate::resources::name::Name;

impl Rds {
    /// Asks a server as the service itself, which no fence keeps out.
    ///
    /// # Errors
    /// When there is no such instance, or it does not answer.
    pub async fn ask(&self, name: &Name, database: &str, query: &str) -> Result<Vec<Row>, RdsError> {
        let server = self.service.server(name).ok_or_else(|| RdsError::NoInstance { name: name.clone() })?;
        let host = |source| RdsError::host(name, source);
        server.login(database).await.map_err(host)?.query(query).await.map_err(host)
    }
}
