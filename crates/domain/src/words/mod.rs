//! The words that everything else is said in: ids, times, sizes, positions in a log, and how they are written.

pub mod cron;
pub mod digest;
pub mod distance;
pub mod failure;
pub mod id;
pub(crate) mod names;
mod schedule;
pub mod time_span;
mod valid;
pub mod wal;
pub mod weekday;
pub mod when;
pub mod wording;
