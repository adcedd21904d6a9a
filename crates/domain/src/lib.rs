//! What Lifeboat decides, and nothing of the world.
//!
//! No clock, no network, no AWS, no environment: `now`, ids and what was seen are arguments, so
//! that every decision can be tested as a table. The world is in `edge`.

pub mod approval;
pub mod backup;
pub mod cleanup;
pub mod correction;
pub mod cost;
pub mod cron;
mod digest;
pub mod distance;
pub mod drain;
pub mod evidence;
pub mod failure;
pub mod fencing;
pub mod guard;
pub mod hardening;
pub mod health;
pub mod id;
pub mod incident;
pub mod instance_status;
pub mod judgement;
pub mod lease;
pub mod plan;
pub mod probe;
pub mod promotion;
pub mod readiness;
pub mod request;
pub mod restore;
pub mod retention;
pub mod run;
pub mod span;
pub mod standing;
pub mod starter;
pub mod step;
pub mod synth;
pub mod traffic;
pub mod upkeep;
pub mod verification;
pub mod wal;
pub mod wording;
