//! Drills as they go on AWS: with its manners, and with plans of a real size. They share a target, so that the one plays while the
//! other waits.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail as tests do")]

mod manners;
mod sizes;
