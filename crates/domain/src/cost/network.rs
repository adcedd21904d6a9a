//! What the functions' networks cost, where they are put into one: they must reach AWS from there.

use super::{
    ledger::{Ledger, Thing},
    line::MONTH,
};
use crate::{plan::Plan, synth::Place};

/// How the functions reach AWS from their subnets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// They are in no network of the customer's, or it has its ways already.
    #[default]
    None,
    /// Through NAT gateways.
    Nat {
        /// How many each Region has: one for each zone.
        zones: u32,
    },
    /// Through interface endpoints of each service, and S3's gateway endpoint, which is free.
    Endpoints {
        /// In how many zones each Region has them.
        zones: u32,
    },
}

/// The most zones of a Region.
pub const MOST_ZONES: u32 = 6;

/// The services that functions in a network call in their own Region, S3 left out. The witness's probe reads a secret.
const CALLED: [&str; 6] = ["CloudWatch", "Lambda", "RDS", "Secrets Manager", "SNS", "SQS"];
const CALLED_BY_WITNESS: [&str; 1] = ["Secrets Manager"];

/// What a call sends and is sent, with its headers and its part of a connection.
const CALL_BYTES: f64 = 5_000.0;

/// Enters the networks. Bytes are those of S3, Secrets Manager and CloudWatch by every function, in a network or not; what
/// goes to other services is cents.
pub(super) fn enter(plan: &Plan, network: Network, ledger: &mut Ledger) {
    let hours = MONTH.as_seconds() / 3_600.0;
    let of_services = ledger.sum(Thing::SecretRequest) + ledger.sum(Thing::MetricRequest);
    let of_s3 = ledger.sum(Thing::Get) + ledger.sum(Thing::Put);
    for (place, _) in Place::of(plan) {
        let services = if place == Place::Witness { CALLED_BY_WITNESS.len() } else { CALLED.len() } as f64;
        match network {
            Network::None => {}
            Network::Nat { zones } => {
                ledger.page(place.name(), f64::from(zones)).uses(Thing::NatHour, hours);
            }
            Network::Endpoints { zones } => {
                ledger.page(place.name(), f64::from(zones) * services).uses(Thing::EndpointHour, hours);
            }
        }
    }
    match network {
        Network::None => {}
        Network::Nat { .. } => {
            ledger.page("calls", of_services + of_s3).sends(Thing::NatGb, CALL_BYTES);
        }
        Network::Endpoints { .. } => {
            ledger.page("calls", of_services).sends(Thing::EndpointGb, CALL_BYTES);
        }
    }
}
