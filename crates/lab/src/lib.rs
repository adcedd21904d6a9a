//! One machine standing in for AWS.

mod application;
mod databases;
pub mod deploy;
pub mod dns;
pub mod drill;
pub mod footprint;
pub mod gateway;
mod lab;
mod leftovers;
pub mod local_aws;
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

pub use databases::Storage;
pub use lab::{Lab, LabError, Settings};
