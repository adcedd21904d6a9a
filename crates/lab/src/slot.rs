//! A lab's place on the loopback network: slot `k` has the addresses 127.77.k.0/24 to itself.
//!
//! Whoever holds the listener on an address that nobody asks anything holds the slot. The kernel releases it
//! when the process ends, however it ends, so no lock file can be left behind.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};

use crate::dns::{CACHES, NAME_SERVERS};

/// Slots to choose from. 99 labs at once are more than one machine can run.
const SLOTS: std::ops::RangeInclusive<u8> = 1..=99;

/// A lab's number, and by it its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u8);

impl Slot {
    /// The slot `number`, from 1 to 99.
    ///
    /// # Errors
    /// [`SlotError::OutOfRange`] otherwise.
    pub fn new(number: u8) -> Result<Self, SlotError> {
        if SLOTS.contains(&number) { Ok(Self(number)) } else { Err(SlotError::OutOfRange(number)) }
    }

    /// Where nothing answers: its listener is the hold on the slot.
    fn lock(self) -> SocketAddr {
        self.address(3, 4568)
    }

    /// Where AWS's other services answer.
    #[must_use]
    pub fn gateway(self) -> SocketAddr {
        self.address(1, 4566)
    }

    /// Where the RDS API answers.
    #[must_use]
    pub fn rds(self) -> SocketAddr {
        self.address(2, 4567)
    }

    /// Where the public resolver answers.
    #[must_use]
    pub fn dns(self) -> SocketAddr {
        self.address(53, 5353)
    }

    /// Where the zones' name servers answer: on port 53, where a client that only knows their names asks.
    #[must_use]
    pub fn name_servers(self) -> [SocketAddr; NAME_SERVERS] {
        [54, 55, 56, 57].map(|last| self.address(last, 53))
    }

    /// Where public resolvers answer that others use.
    #[must_use]
    pub fn caches(self) -> [SocketAddr; CACHES] {
        [58, 59, 60].map(|last| self.address(last, 53))
    }

    /// The address of the `nth` application's server, as long as there are any.
    #[must_use]
    pub fn application(self, nth: u8) -> Option<Ipv4Addr> {
        const FIRST: u8 = 10;
        const COUNT: u8 = 40;
        (nth < COUNT).then(|| self.host(FIRST + nth))
    }

    /// The first of the addresses that stand for database hosts.
    #[must_use]
    pub fn first_host(self) -> Ipv4Addr {
        self.host(100)
    }

    fn host(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 77, self.0, last)
    }

    fn address(self, last: u8, port: u16) -> SocketAddr {
        SocketAddrV4::new(self.host(last), port).into()
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

/// A slot that is ours, its addresses and its folders, as long as this lives.
#[derive(Debug)]
pub struct Held {
    /// Which one.
    pub slot: Slot,
    _listener: TcpListener,
}

/// Why no slot could be taken.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// No such slot.
    #[error("slot {0} does not exist; slots are 1 to 99")]
    OutOfRange(u8),
    /// Somebody else holds it.
    #[error("slot {slot} is in use: {address} is taken; stop the lab that holds it, or leave the slot to be chosen")]
    InUse {
        /// The slot that was asked for.
        slot: Slot,
        /// The address that could not be bound.
        address: SocketAddr,
    },
    /// Every slot is taken.
    #[error("all 99 slots are in use; stop a lab")]
    NoneFree,
    /// An address could not be bound for another reason than being in use.
    #[error("{address} cannot be bound; the lab needs the whole of 127.0.0.0/8 on the loopback interface")]
    Unusable {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Takes the slot asked for, or else the first free one.
///
/// # Errors
/// [`SlotError`].
pub fn take(asked: Option<Slot>) -> Result<Held, SlotError> {
    if let Some(slot) = asked {
        return bind(slot);
    }
    for number in SLOTS {
        match bind(Slot(number)) {
            Err(SlotError::InUse { .. }) => {}
            decided => return decided,
        }
    }
    Err(SlotError::NoneFree)
}

fn bind(slot: Slot) -> Result<Held, SlotError> {
    // The other addresses are only probed: another program may use them without being a lab.
    let listener = listen(slot, slot.lock())?;
    for address in [slot.rds(), slot.gateway(), slot.dns()] {
        listen(slot, address)?;
    }
    Ok(Held { slot, _listener: listener })
}

fn listen(slot: Slot, address: SocketAddr) -> Result<TcpListener, SlotError> {
    TcpListener::bind(address).map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            SlotError::InUse { slot, address }
        } else {
            SlotError::Unusable { address, source }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_is_held_is_refused_by_name_and_skipped_when_any_will_do() -> Result<(), SlotError> {
        let first = take(None)?;
        let second = take(None)?;
        assert_ne!(first.slot, second.slot);
        assert!(matches!(take(Some(first.slot)), Err(SlotError::InUse { .. })));
        Ok(())
    }

    #[test]
    fn a_slot_is_free_again_once_its_listener_is_gone() -> Result<(), SlotError> {
        // The last slot, which no other lab on this computer is likely to have.
        let slot = Slot::new(99)?;
        drop(take(Some(slot))?);
        assert_eq!(take(Some(slot))?.slot, slot);
        Ok(())
    }

    #[test]
    fn slots_outside_of_1_to_99_do_not_exist() {
        assert!(Slot::new(0).is_err());
        assert!(Slot::new(1).is_ok());
        assert!(Slot::new(99).is_ok());
        assert!(Slot::new(100).is_err());
    }
}
