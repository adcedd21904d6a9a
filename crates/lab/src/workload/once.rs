//! One write, as the application makes it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    Access, Outcome, Server, WorkloadError,
    name::Lookups,
    session::{Connector, Session},
};

/// How long one write may take, and the look-up before it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Wherever the name leads now.
    Name {
        /// The name.
        name: String,
        /// Who is asked for it.
        resolver: SocketAddr,
    },
    /// At one host, whatever leads there.
    Host {
        /// Its address.
        address: IpAddr,
        /// The name in its certificate.
        host: String,
    },
}

/// Opens a session as the application does, and closes it again. Returns who takes writes there, or why nobody does.
pub(crate) async fn reach(access: Access, place: &Place, port: u16) -> Result<Result<Server, String>, WorkloadError> {
    Ok(open(access, place, port).await?.map(|session| session.server().clone()))
}

/// Commits one row in a session of its own. Returns the server that took it, or why none did.
///
/// # Errors
/// [`WorkloadError`] where there could be no client; a write that was not taken is no error.
pub async fn write_once(
    access: Access,
    place: &Place,
    port: u16,
    id: i64,
) -> Result<Result<Server, String>, WorkloadError> {
    let session = match open(access, place, port).await? {
        Ok(session) => session,
        Err(why) => return Ok(Err(why)),
    };
    Ok(match tokio::time::timeout(PATIENCE, session.commit(id)).await {
        Ok(Outcome::Acknowledged) => Ok(session.server().clone()),
        Ok(Outcome::Failed(why) | Outcome::Unknown(why)) => Err(why),
        Err(_) => Err(format!("{} did not acknowledge a row in {PATIENCE:?}", session.server().address)),
    })
}

async fn open(access: Access, place: &Place, port: u16) -> Result<Result<Session, String>, WorkloadError> {
    let connector = Connector::new(access, port, PATIENCE)?;
    let (address, host) = match place {
        Place::Host { address, host } => (*address, host.clone()),
        Place::Name { name, resolver } => match Lookups::of(name, *resolver, PATIENCE)?.target().await {
            Ok(target) => (target.address, target.host),
            Err(why) => return Ok(Err(why)),
        },
    };
    Ok(connector.open(address, &host).await)
}
