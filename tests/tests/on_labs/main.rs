//! What is played on labs: real PostgreSQL, real DNS, the real engine.
//!
//! It is one program, whose tests begin together: a case mostly waits, and a core that one suite leaves is another's. How
//! many cases two cores bear is said in `tests::labs`; each takes its turn.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail as tests do")]

mod application;
mod backup_drills;
mod backups;
mod buckets;
mod faults;
mod health;
mod manners;
mod orders;
mod pairs;
mod plans;
mod reports;
mod resolvers;
mod scenarios;
mod sizes;
mod succession;
