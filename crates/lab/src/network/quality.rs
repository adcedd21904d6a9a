//! The latency of a link, and how many packets it loses.

use std::time::Duration;

/// How soon a lost packet is sent again at least (Linux: `TCP_RTO_MIN`), in addition to a round trip.
const RESENT_AFTER: Duration = Duration::from_millis(200);

/// The latency of a link, and how many packets it loses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkQuality {
    /// The round trip.
    pub round_trip: Duration,
    /// One packet of this many is lost, and sent again.
    pub loses_one_of: Option<u64>,
}

impl LinkQuality {
    /// How long the packet of this number takes one way.
    #[must_use]
    pub fn takes(self, number: u64) -> Duration {
        let one_way = self.round_trip / 2;
        match self.loses_one_of {
            Some(one_of) if number % one_of == one_of - 1 => one_way + RESENT_AFTER + self.round_trip,
            Some(_) | None => one_way,
        }
    }
}
