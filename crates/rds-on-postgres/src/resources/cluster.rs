//! A DB cluster: one server behind a cluster's identifier and endpoint. On AWS it has members, which
//! are DB instances; here its writer is all of it, and no listing of instances shows it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::fault::{Code, Fault};
use crate::postgres::server::Server;
use crate::resources::instance::{Origin, Status};
use crate::resources::name::Name;
use crate::resources::tags::Tags;

/// The engine that the lab's PostgreSQL stands for.
pub(crate) const ENGINE: &str = "aurora-postgresql";

/// A DB cluster.
pub(crate) struct Cluster {
    pub(crate) name: Name,
    pub(crate) status: Status,
    pub(crate) server: Arc<Server>,
    pub(crate) origin: Origin,
    pub(crate) zone: String,
    pub(crate) copies_tags: bool,
    pub(crate) deletion_protection: bool,
    pub(crate) groups: Vec<String>,
    pub(crate) tags: Tags,
    /// When it began to serve.
    pub(crate) created: Option<Timestamp>,
}

impl Cluster {
    /// Refuses unless it serves and nothing is being done with it.
    pub(crate) fn must_be_available(&self) -> Result<(), Fault> {
        if self.status == Status::Available {
            return Ok(());
        }
        let message = format!("DB cluster {} is not in available state: it is {}.", self.name.id, self.status);
        Err(Fault::new(Code::InvalidDbClusterState, message))
    }
}
