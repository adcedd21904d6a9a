//! One machine standing in for AWS.

pub mod deploy;
pub mod dns;
pub mod drill;
pub mod footprint;
pub mod gateway;
pub mod machine;
pub mod manners;
pub mod network;
pub mod pager;
pub mod programs;
pub mod protection;
pub mod report;
pub mod setup;
pub mod slot;
pub mod system;
pub mod workload;
