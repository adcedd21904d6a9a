//! Backups on the lab, taken and proved: real PostgreSQL, the real engine, and whatever can come between.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail as tests do")]

mod clusters;
mod proved;
mod switched;
mod taken;
mod world;
