//! From where a database's host is reached.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Who connects. Each vantage reaches every host by an address of its own, in a network of its own: a host that is
/// 127.77.k.h itself is 127.78.k.h for the recovery Region's functions, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vantage {
    /// The functions of the recovery Region.
    Recovery,
    /// The functions of the witness Region.
    Witness,
    /// The functions of the primary Region.
    Primary,
    /// The replicas, for their source's stream.
    Replication,
    /// Clients that a drill puts behind links which can be cut. The others connect to the host itself.
    Public,
}

/// The second number of the lab's own addresses; the vantages' follow.
const LAB: u8 = 77;

impl Vantage {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Recovery, Self::Witness, Self::Primary, Self::Replication, Self::Public];

    /// Those that look names up, at a resolver of their own.
    pub const LOOKING_UP: [Self; 4] = [Self::Recovery, Self::Witness, Self::Primary, Self::Public];

    /// Where this vantage finds what is at `address` of the lab.
    #[must_use]
    pub fn sees(self, address: Ipv4Addr) -> Ipv4Addr {
        let [first, _, slot, host] = address.octets();
        let network = match self {
            Self::Recovery => 1,
            Self::Witness => 2,
            Self::Primary => 3,
            Self::Replication => 4,
            Self::Public => 5,
        };
        Ipv4Addr::new(first, LAB + network, slot, host)
    }

    /// The same for an address with its port. The lab has no IPv6 addresses, so those stay as they are.
    #[must_use]
    pub fn sees_at(self, at: SocketAddr) -> SocketAddr {
        match at {
            SocketAddr::V4(at) => SocketAddrV4::new(self.sees(*at.ip()), at.port()).into(),
            SocketAddr::V6(_) => at,
        }
    }

    /// As a person reads it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recovery => "the recovery Region",
            Self::Witness => "the witness Region",
            Self::Primary => "the primary Region",
            Self::Replication => "the replication",
            Self::Public => "the public",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_vantages_share_an_address_and_none_has_the_host_s_own() {
        let host = Ipv4Addr::new(127, 77, 3, 100);
        let seen: BTreeSet<Ipv4Addr> =
            Vantage::ALL.into_iter().map(|vantage| vantage.sees(host)).chain([host]).collect();
        assert_eq!(seen.len(), Vantage::ALL.len() + 1);
        assert!(seen.iter().all(|address| address.octets()[2..] == [3, 100]), "{seen:?}");
    }
}
