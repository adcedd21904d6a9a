//! What an account has: instances, clusters and snapshots, by Region.

pub(crate) mod cluster;
pub(crate) mod copying;
pub(crate) mod instance;
pub(crate) mod inventory;
pub(crate) mod name;
pub(crate) mod replicated;
pub(crate) mod snapshot;
pub(crate) mod tags;
pub(crate) mod window;
