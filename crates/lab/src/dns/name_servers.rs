//! The zones' authoritative servers: as many as Route 53 gives to a zone, with names and addresses of their own.
//!
//! A zone's NS records and its delegation set contain their names, and resolvers answer their addresses: one of IPv4,
//! where the server answers, and one of IPv6 that is not reachable. It is the same for a function: Route 53's servers have
//! both, and IPv6 works only in dual-stack subnets, and only if the function is allowed to use it.
//! <https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHostedZone.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/API_VpcConfig.html>

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::{Name, RData, Record, RecordType, rdata};

use super::answer::Answer;
use super::zones::{Zones, ZonesFile};

/// How many a zone has.
pub const COUNT: usize = 4;

/// Their names.
pub const NAMES: [&str; COUNT] = [
    "ns-1.awsdns.lifeboat.test",
    "ns-2.awsdns.lifeboat.test",
    "ns-3.awsdns.lifeboat.test",
    "ns-4.awsdns.lifeboat.test",
];

/// The TTL of their addresses, as Route 53 serves it.
const TTL_SECONDS: u32 = 172_800;

/// Their addresses of IPv6, which no network routes (RFC 3849).
const NOWHERE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 53);

/// How a name server behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// It answers what the zones hold.
    #[default]
    Answers,
    /// It answers nothing.
    Silent,
    /// It answers SERVFAIL.
    Fails,
    /// It goes on to answer what the zones hold now, until it has given this many answers after they changed.
    Behind {
        /// How many; at least one.
        answers: u32,
    },
}

/// One of them.
#[derive(Debug)]
pub struct NameServer {
    name: &'static str,
    address: SocketAddr,
    zones: Arc<ZonesFile>,
    /// How to behave, and the zones as they were then.
    told: Mutex<(Conduct, Arc<Zones>)>,
    found: AtomicU64,
    asked: AtomicU64,
}

/// What a name server says to a question.
pub(super) enum Says {
    Nothing,
    Failed,
    /// What these zones hold.
    Of(Arc<Zones>),
}

impl NameServer {
    pub(super) fn new(name: &'static str, address: SocketAddr, zones: Arc<ZonesFile>) -> Self {
        Self { name, address, zones, told: Mutex::default(), found: AtomicU64::new(0), asked: AtomicU64::new(0) }
    }

    /// Its name, without the last dot.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where it answers, UDP and TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often a resolver was asked for its address.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    /// How often it was asked itself, whether it answered or not.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// How it behaves.
    #[must_use]
    pub fn conduct(&self) -> Conduct {
        self.told().0
    }

    /// Lets it behave so from now on.
    pub fn behave(&self, conduct: Conduct) {
        *self.told() = (conduct, self.zones.current());
    }

    fn told(&self) -> MutexGuard<'_, (Conduct, Arc<Zones>)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a question.
    pub(super) fn says(&self) -> Says {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let now = self.zones.current();
        let mut told = self.told();
        let (conduct, then) = &mut *told;
        match *conduct {
            Conduct::Silent => Says::Nothing,
            Conduct::Fails => Says::Failed,
            Conduct::Behind { answers } if !Arc::ptr_eq(then, &now) => {
                *conduct = if answers > 1 { Conduct::Behind { answers: answers - 1 } } else { Conduct::Answers };
                Says::Of(Arc::clone(then))
            }
            Conduct::Answers | Conduct::Behind { .. } => Says::Of(now),
        }
    }

    /// Its address, as a resolver answers it.
    fn record(&self, owner: &Name, kind: RecordType) -> Option<Record> {
        let data = match (kind, self.address.ip()) {
            (RecordType::A, IpAddr::V4(address)) => RData::A(rdata::A(address)),
            (RecordType::AAAA, _) => RData::AAAA(rdata::AAAA(NOWHERE)),
            _ => return None,
        };
        self.found.fetch_add(1, Ordering::Relaxed);
        Some(Record::from_rdata(owner.clone(), TTL_SECONDS, data))
    }
}

/// Adds the address of a name server; `false` where this is no name server's name.
pub(super) fn look_up(
    servers: &[Arc<NameServer>],
    owner: &Name,
    lower: &Name,
    kind: RecordType,
    to: &mut Answer,
) -> bool {
    let text = lower.to_ascii();
    let Some(server) = servers.iter().find(|server| server.name == text.trim_end_matches('.')) else { return false };
    to.code = ResponseCode::NoError;
    to.authoritative |= to.records.is_empty();
    to.records.extend(server.record(owner, kind));
    true
}
