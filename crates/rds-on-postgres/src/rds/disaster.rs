//! What a disaster does to an instance's host or to a backup, behind the API's back: the service goes
//! on showing `available`, as RDS does for the first seconds or minutes.

use std::sync::Arc;

use super::Rds;
use crate::error::RdsError;
use crate::postgres::damage;
use crate::postgres::error::PostgresError;
use crate::postgres::server::Server;
use crate::postgres::settings::Role;
use crate::resources::name::Name;
use crate::resources::snapshot::{Snapshot, SnapshotStatus};
use crate::service::Service;

impl Rds {
    /// Sets how many manual snapshots a Region may have; those that exist stay.
    pub fn limit_snapshots(&self, most: usize) {
        self.service.inventory().snapshot_quota = most;
    }

    /// Sets how many manual snapshots of clusters a Region may have; those that exist stay.
    pub fn limit_cluster_snapshots(&self, most: usize) {
        self.service.inventory().cluster_snapshot_quota = most;
    }

    /// Sets how many instances a Region may have; those that exist stay.
    pub fn limit_instances(&self, most: usize) {
        self.service.inventory().instance_quota = most;
    }

    /// Sets how many copies from other Regions may be under way into a Region; those that are go on.
    pub fn limit_copies(&self, most: usize) {
        self.service.inventory().copy_quota = most;
    }

    /// Damages the largest tables in the snapshot's own files: it stays `available`, a server restored
    /// from it starts, and reading them fails with SQLSTATE `XX001`. Its copies stay whole.
    ///
    /// # Errors
    /// When there is no such snapshot, it is not complete, has no table with rows, or its files
    /// cannot be written.
    pub fn damage_snapshot(&self, name: &Name) -> Result<(), RdsError> {
        let complete = |snapshot: &&Snapshot| snapshot.status == SnapshotStatus::Available;
        let folder = {
            let inventory = self.service.inventory();
            inventory.snapshots.get(name).filter(complete).map(|snapshot| snapshot.folder.clone())
        };
        let folder = folder.ok_or_else(|| RdsError::NoSnapshot { name: name.clone() })?;
        match damage::damage(&folder, self.service.installation.run_as) {
            Ok(0) => Err(RdsError::NoTable { name: name.clone() }),
            Ok(_) => Ok(()),
            Err(source) => Err(RdsError::Snapshot { name: name.clone(), source }),
        }
    }

    /// Slows down every copy of a snapshot, those under way too, to this many bytes a second. With 0 it stands still,
    /// with `None` it is as fast as the disk.
    pub fn slow_copies(&self, bytes_per_second: Option<u64>) {
        self.service.copy_pace.set(bytes_per_second);
    }

    /// Lets every copy of a snapshot that is under way end `failed`.
    pub fn interrupt_copies(&self) {
        let mut inventory = self.service.inventory();
        inventory.break_off_copies(|_| true);
        inventory.break_off_cluster_copies(|_| true);
    }

    /// Kills every process of the instance's server with SIGKILL: its host is dead.
    ///
    /// # Errors
    /// When there is no such instance or its server is not running.
    pub async fn kill(&self, name: &Name) -> Result<(), RdsError> {
        let server = self.host(name)?;
        server.kill().await.map_err(|source| RdsError::host(name, source))
    }

    /// Stops every process of the instance's server where it is: its host hangs, and its
    /// connections stay open and silent.
    ///
    /// # Errors
    /// When there is no such instance or its server is not running.
    pub async fn pause(&self, name: &Name) -> Result<(), RdsError> {
        let server = self.host(name)?;
        server.freeze().await.map_err(|source| RdsError::host(name, source))
    }

    /// Lets a paused host go on.
    ///
    /// # Errors
    /// When there is no such instance or its server is not running.
    pub async fn resume(&self, name: &Name) -> Result<(), RdsError> {
        let server = self.host(name)?;
        server.thaw().await.map_err(|source| RdsError::host(name, source))
    }

    /// Brings a killed host back: the same data, and the security groups as they are now.
    ///
    /// # Errors
    /// When there is no such instance, its server is running, or does not start.
    pub async fn restart_after_kill(&self, name: &Name) -> Result<(), RdsError> {
        let server = self.host(name)?;
        if server.is_running().await {
            return Err(RdsError::Running { name: name.clone() });
        }
        self.service.revive(name, &server).await.map_err(|source| RdsError::host(name, source))
    }

    /// Cuts the replica off its source's stream, so that it falls behind.
    ///
    /// # Errors
    /// When there is no such instance or it is no replica.
    pub fn hold_back_replay(&self, replica: &Name) -> Result<(), RdsError> {
        self.cut_stream(replica, true)
    }

    /// Lets the replica have its source's stream again.
    ///
    /// # Errors
    /// When there is no such instance or it is no replica.
    pub fn let_replay(&self, replica: &Name) -> Result<(), RdsError> {
        self.cut_stream(replica, false)
    }

    /// Makes the instance refuse writes, whatever role it has or is given, as RDS does with one whose disk is full.
    ///
    /// # Errors
    /// When there is no such instance or its settings cannot be written.
    pub fn refuse_writes(&self, name: &Name) -> Result<(), RdsError> {
        self.host(name)?.set_read_only(true).map_err(|source| RdsError::host(name, source))
    }

    /// Lets it take writes again.
    ///
    /// # Errors
    /// When there is no such instance or its settings cannot be written.
    pub fn take_writes(&self, name: &Name) -> Result<(), RdsError> {
        self.host(name)?.set_read_only(false).map_err(|source| RdsError::host(name, source))
    }

    fn cut_stream(&self, replica: &Name, cut: bool) -> Result<(), RdsError> {
        let server = self.host(replica)?;
        let Role::Standby(upstream) = server.role() else {
            return Err(RdsError::NoReplica { name: replica.clone() });
        };
        server.set_role(Role::Standby(crate::postgres::settings::Upstream { cut, ..upstream }));
        let reloaded = server.configure().and_then(|()| server.reload());
        reloaded.map_err(|source: PostgresError| RdsError::host(replica, source))
    }

    fn host(&self, name: &Name) -> Result<Arc<Server>, RdsError> {
        let service: &Service = &self.service;
        service.server(name).ok_or_else(|| RdsError::NoInstance { name: name.clone() })
    }
}
