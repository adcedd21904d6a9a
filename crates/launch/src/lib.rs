//! What comes before a lab: this machine made ready for it, and everything built.
//!
//! Nothing but the standard library, so that the command of a fresh checkout speaks after a second, not after the build.

pub mod programs;
pub mod setup;
