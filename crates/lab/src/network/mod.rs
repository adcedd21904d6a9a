//! The network between the lab's vantages and its hosts: links that can be cut, slowed down, and made to lose packets.
//!
//! The host of a database has an address of its own, and a relay for each [`Vantage`], which has another. A vantage's
//! resolver answers the relay's address, as a private zone would, and certificates name hosts and not addresses: so
//! clients do not notice the relay. A link that is cut loses packets: data in flight stays where it is, and a new
//! connection gets no answer and no reset. When it is healed, it goes on where it stopped.
//!
//! A relay acknowledges what it receives, cut or not, as the kernel of a host behind a cut link would not. Nothing here
//! relies on that acknowledgement: clients wait for an answer.

mod loss;
mod quality;
mod relay;
mod vantage;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddrV4},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rds_on_postgres::Hosts;
use tokio::{sync::watch, task::JoinHandle};
use tracing::info;

pub use quality::LinkQuality;
pub use vantage::Vantage;

/// The quality of the link between a vantage and a host.
pub type LinkQualities = Arc<dyn Fn(Vantage, Ipv4Addr) -> LinkQuality + Send + Sync>;

/// The links of a lab. They end when this is dropped.
pub struct Network {
    links: Links,
    qualities: watch::Sender<LinkQualities>,
    following: JoinHandle<()>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("links", &self.links).finish_non_exhaustive()
    }
}

type Links = Arc<Mutex<BTreeMap<(Vantage, SocketAddrV4), Link>>>;

/// One vantage's way to one host.
#[derive(Debug)]
struct Link {
    cut: watch::Sender<bool>,
    quality: watch::Sender<LinkQuality>,
    /// As it was laid.
    laid: LinkQuality,
    relaying: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.relaying.abort();
    }
}

/// There is no such link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no link leads from {} to {host}: no DB instance has that address", vantage.name())]
pub struct NoLink {
    vantage: Vantage,
    host: Ipv4Addr,
}

impl Network {
    /// Links every host to every vantage, from now on and as hosts appear.
    #[must_use]
    pub fn start(mut hosts: Hosts) -> Self {
        let links = Links::default();
        let near: LinkQualities = Arc::new(|_, _| LinkQuality::default());
        let qualities = watch::Sender::new(near);
        let (laid, mut far) = (Arc::clone(&links), qualities.subscribe());
        let following = tokio::spawn(async move {
            loop {
                let there = hosts.borrow_and_update().clone();
                if far.has_changed().unwrap_or(false) {
                    // Open connections end; clients reconnect over the link as it is now.
                    locked(&laid).clear();
                }
                lay(&laid, &there, &far.borrow_and_update().clone());
                tokio::select! {
                    changed = hosts.changed() => if changed.is_err() { return },
                    changed = far.changed() => match changed {
                        Ok(()) => far.mark_changed(),
                        Err(_) => return,
                    },
                }
            }
        });
        Self { links, qualities, following }
    }

    /// Changes how far the hosts are from the vantages.
    pub fn set_quality(&self, qualities: LinkQualities) {
        self.qualities.send_replace(qualities);
    }

    /// Cuts the link between a vantage and a host, in both directions.
    ///
    /// # Errors
    /// [`NoLink`].
    pub fn cut(&self, vantage: Vantage, host: Ipv4Addr) -> Result<(), NoLink> {
        self.set(vantage, host, true)
    }

    /// Heals the link.
    ///
    /// # Errors
    /// [`NoLink`].
    pub fn heal(&self, vantage: Vantage, host: Ipv4Addr) -> Result<(), NoLink> {
        self.set(vantage, host, false)
    }

    /// Slows the link between a vantage and a host down, and lets it lose packets. Open connections stay.
    ///
    /// # Errors
    /// [`NoLink`].
    pub fn slow(&self, vantage: Vantage, host: Ipv4Addr, quality: LinkQuality) -> Result<(), NoLink> {
        let links = locked(&self.links);
        let link = links.iter().find(|((from, to), _)| *from == vantage && *to.ip() == host);
        let (_, link) = link.ok_or(NoLink { vantage, host })?;
        info!(vantage = vantage.name(), %host, ?quality, "changed a link");
        link.quality.send_replace(quality);
        Ok(())
    }

    /// Heals whatever is cut, slow or loses packets.
    pub fn heal_all(&self) {
        for link in locked(&self.links).values() {
            link.cut.send_replace(false);
            link.quality.send_replace(link.laid);
        }
    }

    fn set(&self, vantage: Vantage, host: Ipv4Addr, cut: bool) -> Result<(), NoLink> {
        let links = locked(&self.links);
        let link = links.iter().find(|((from, to), _)| *from == vantage && *to.ip() == host);
        let (_, link) = link.ok_or(NoLink { vantage, host })?;
        info!(vantage = vantage.name(), %host, cut, "changed a link");
        link.cut.send_replace(cut);
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.following.abort();
        locked(&self.links).clear();
    }
}

/// Links the hosts that have none, and forgets the links of hosts that are gone.
fn lay(links: &Links, hosts: &BTreeSet<SocketAddrV4>, qualities: &LinkQualities) {
    let mut links = locked(links);
    links.retain(|(_, host), _| hosts.contains(host));
    for host in hosts {
        for vantage in Vantage::ALL {
            links.entry((vantage, *host)).or_insert_with(|| {
                let (cut, is_cut) = watch::channel(false);
                let at = SocketAddrV4::new(vantage.sees(*host.ip()), host.port());
                let laid = qualities(vantage, *host.ip());
                let (quality, is_so) = watch::channel(laid);
                Link { cut, quality, laid, relaying: tokio::spawn(relay::run(at, *host, is_cut, is_so)) }
            });
        }
    }
}

fn locked(links: &Links) -> MutexGuard<'_, BTreeMap<(Vantage, SocketAddrV4), Link>> {
    links.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
