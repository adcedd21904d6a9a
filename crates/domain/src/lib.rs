//! What Lifeboat decides, and nothing of the world.
//!
//! No clock, no network, no AWS, no environment: `now`, ids and what was seen are arguments, so
//! that every decision can be tested as a table. The world is in `edge`.
//!
//! The areas stand in ARCHITECTURE.md, "The map", from the bottom up: imports go one way, and a contract test reads them.

pub mod backup;
pub mod cleanup;
pub mod component;
pub mod cost;
pub mod failover;
pub mod plan;
pub mod plan_file;
pub mod readiness;
pub mod record;
pub mod report;
pub mod restore;
pub mod retention;
pub mod run;
pub mod state_machine;
pub mod synth;
pub mod watch;
pub mod words;
