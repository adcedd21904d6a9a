//! What a failure looks like.

use super::{ApiSeen, RecordSeen, Seen, Witness};
use crate::{
    plan::FailureClass,
    watch::health::{Endpoint, Look, Verdict},
};

/// Names the class of a failure. Whatever is missing makes it unknown; that a policy must answer.
#[must_use]
pub fn classify(seen: &Seen) -> FailureClass {
    let mut looks: Vec<&Look> = vec![&seen.recovery];
    match &seen.witness {
        Witness::NotPlanned => {}
        Witness::Silent(_) => return FailureClass::Unknown,
        Witness::Looked(look) => looks.push(look),
    }
    if looks.iter().any(|look| look.database == Verdict::Up) {
        return FailureClass::Network;
    }
    // Resolvers that fail say something about us, not about the primary.
    if matches!(seen.record, RecordSeen::Unknown(_)) {
        return FailureClass::Unknown;
    }
    if looks.iter().any(|look| look.database == Verdict::Unknown || look.endpoint == Endpoint::Unresolved) {
        return FailureClass::Unknown;
    }
    if looks.iter().any(|look| matches!(look.endpoint, Endpoint::Open | Endpoint::Refused)) {
        return FailureClass::Database;
    }
    match seen.api {
        ApiSeen::Status(_) => FailureClass::Zone,
        // A Region that refuses us is not silent, and says nothing of its instance.
        ApiSeen::Untold(_) => FailureClass::Unknown,
        // What would take its place is in a Region whose RDS does not answer either.
        ApiSeen::Silent(_) if seen.is_silent_everywhere() => FailureClass::SeveralRegions,
        ApiSeen::Silent(_) => FailureClass::Region,
    }
}
