//! The lab's RDS as the AWS SDKs see it, on real PostgreSQL servers.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in what it calls too")]

mod backups;
mod boto3;
mod clusters;
mod configuration;
mod damage;
mod lab;
mod planned;
mod refusals;
mod replication;
