//! Starting a failover again. The alarm starts one run for a failure; where that one comes to nothing, and its reason
//! passes while the primary stays dead, this decides when the next one starts, and what speaks against it.
//!
//! It answers three things: a primary that fails, a primary that a run shut and nobody opened, and a promotion that nobody
//! finished. It never judges a failure itself: the judge is asked before a start, and the run that starts judges again.

mod attempts;
mod decision;
mod due;
mod seen;
mod start;
mod told;

#[cfg(test)]
mod tests;

pub use decision::{Decision, decide};
pub use seen::{Judge, Seen};
pub use start::{Cause, EVERY, Start, Starts};
pub use told::{Arming, next, next_of_a_broken_run, rule_name, standing};
