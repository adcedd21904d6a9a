//! Backups on the lab, taken and proved: real PostgreSQL, the real engine, and whatever can come between.

mod clusters;
mod next;
mod proved;
mod switched;
mod taken;
mod timed;
mod world;
