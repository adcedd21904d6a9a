//! Whether to fail over. Detect, decide and act are apart: this decides, from signals taken just now, and
//! says why, also when it says no.

mod api;
mod class;
mod decision;
mod fitness;
mod patience;
mod rehearsal;
mod seen;
mod signal;

#[cfg(test)]
mod tests;

pub use api::ApiSeen;
pub use class::classify;
pub use decision::{Decision, Judgement, decide};
pub use fitness::{Fitness, RoleSeen};
pub use patience::SETTLING;
pub use rehearsal::{Rehearsal, Would, rehearse};
pub use seen::{Receiver, RecordSeen, ReplicaSeen, Seen, Witness};
pub use signal::Signal;
