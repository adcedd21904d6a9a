//! One machine standing in for AWS.

pub mod report;
pub mod workload;
