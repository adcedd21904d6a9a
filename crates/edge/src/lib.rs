//! The world as Lifeboat meets it: AWS, PostgreSQL, DNS, HTTP, and the Lambda runtime.
//!
//! An adapter is small: it asks, and hands on what `domain` has words for. Each heavy client stands
//! behind a feature, so that a function links what it uses and its tests build in seconds.

pub mod aws;
#[cfg(feature = "s3")]
pub mod bucket;
#[cfg(feature = "caller")]
pub mod caller;
pub mod clock;
#[cfg(feature = "component")]
pub mod component;
pub mod config;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "lambda")]
pub mod function;
#[cfg(feature = "http")]
pub mod http;
pub mod invocation;
#[cfg(feature = "lambda")]
pub mod judge;
#[cfg(feature = "kms")]
pub mod kms;
#[cfg(feature = "cloudwatch")]
pub mod metrics;
pub mod object_store;
pub mod patience;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqs")]
pub mod queue;
#[cfg(feature = "rds")]
pub mod rds;
#[cfg(feature = "dns")]
pub mod reach;
#[cfg(feature = "cloudformation")]
pub mod rollout;
#[cfg(feature = "route53")]
pub mod route53;
mod serve;
pub mod snapshots;
#[cfg(feature = "sns")]
pub mod sns;
#[cfg(feature = "sfn")]
pub mod states;
pub mod tls;
pub mod waking;
#[cfg(feature = "lambda")]
pub mod witness;

#[cfg(feature = "postgres")]
pub use serve::serve_waking;
pub use serve::{NotServing, message, parse, serve};
