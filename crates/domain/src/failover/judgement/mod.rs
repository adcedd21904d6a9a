//! Whether to fail over. Detect, decide and act are apart: this decides, from signals taken just now, and
//! says why, also when it says no.

mod class;
mod decision;
mod fitness;
mod rehearsal;
mod seen;
mod signal;

#[cfg(test)]
mod tests;

pub use class::classify;
pub use decision::{Decision, Judgement, SETTLING, decide};
pub use fitness::{Fitness, RoleSeen};
pub use rehearsal::{Rehearsal, Would, rehearse};
pub use seen::{ApiSeen, Receiver, RecordSeen, ReplicaSeen, Seen, Witness};
pub use signal::Signal;
