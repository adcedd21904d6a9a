//! A DB cluster: one server behind a cluster's identifier and endpoint. On AWS it has members, which
//! are DB instances; here its writer is all of it, and no listing of instances shows it.

use std::sync::Arc;

use jiff::Timestamp;

use super::fault::{Code, Fault};
use super::instance::{Origin, Status};
use super::name::Name;
use super::query::Tags;
use super::server::Server;

/// The engine that the lab's PostgreSQL stands for.
pub(super) const ENGINE: &str = "aurora-postgresql";

/// A DB cluster.
pub(super) struct Cluster {
    pub(super) name: Name,
    pub(super) status: Status,
    pub(super) server: Arc<Server>,
    pub(super) origin: Origin,
    pub(super) zone: String,
    pub(super) copies_tags: bool,
    pub(super) deletion_protection: bool,
    pub(super) groups: Vec<String>,
    pub(super) tags: Tags,
    /// When it began to serve.
    pub(super) created: Option<Timestamp>,
}

impl Cluster {
    /// Refuses unless it serves and nothing is being done with it.
    pub(super) fn must_be_available(&self) -> Result<(), Fault> {
        if self.status == Status::Available {
            return Ok(());
        }
        let message = format!("DB cluster {} is not in available state: it is {}.", self.name.id, self.status);
        Err(Fault::new(Code::InvalidDbClusterState, message))
    }
}
