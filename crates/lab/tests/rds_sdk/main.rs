//! The lab's RDS as the AWS SDKs see it, on real PostgreSQL servers.

mod backups;
mod boto3;
mod lab;
mod refusals;
mod replication;
