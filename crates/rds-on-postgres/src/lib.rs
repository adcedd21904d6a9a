//! Amazon RDS, as far as a rehearsal needs it, on real PostgreSQL servers.
//!
//! An endpoint speaks RDS's Query protocol. Behind it, a DB instance is a `postgres` process on an
//! address of its own, which stands for a host; a replica is a standby that streams from its
//! source; a snapshot is a base backup; a point in time is a base backup and the archived WAL.
//! What takes RDS minutes takes the time it takes here, through the same statuses.
//!
//! Regions are apart as on AWS: the Region of a request is that of its signature.

//!
//! What may use what: `postgres` runs servers and knows nothing of RDS; `resources` are what an account has; `service`
//! holds them and works at them; `api` is what callers see; `rds` starts it all.

mod api;
mod error;
mod fault;
mod postgres;
mod rds;
mod resources;
mod service;
mod timing;
mod watch;
mod work;

pub use error::RdsError;
pub use postgres::error::PostgresError;
pub use rds::{Hosts, InstanceView, Rds, RdsConfig, serve};
pub use resources::{instance::Status, name::Name};
pub use timing::{PromotionTiming, Timing};
pub use work::{Work, WorkKind};
