//! A DB instance as the API shows it: what was asked for, and how far it has come.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::fault::Fault;
use super::name::Name;
use super::query::Tags;
use super::secrets::Secret;
use super::server::Server;

/// Where an instance is in its life, in RDS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its server is being made.
    Creating,
    /// It serves, and a base backup is being taken.
    BackingUp,
    /// It serves, as far as the service knows: a host that died is found out later.
    Available,
    /// A change or a promotion is under way.
    Modifying,
    /// The end of a change: its monitoring is set up anew.
    ConfiguringMonitoring,
    /// Its server is stopped and started again.
    Rebooting,
    /// Its server is being stopped.
    Stopping,
    /// Its server is stopped; its data stay.
    Stopped,
    /// Its server is being started.
    Starting,
    /// It is being removed.
    Deleting,
    /// Something did not work; [`InstanceView::trouble`](super::InstanceView) says what.
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Creating => "creating",
            Self::BackingUp => "backing-up",
            Self::Available => "available",
            Self::Modifying => "modifying",
            Self::ConfiguringMonitoring => "configuring-enhanced-monitoring",
            Self::Rebooting => "rebooting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Deleting => "deleting",
            Self::Failed => "failed",
        })
    }
}

/// What the watch saw of a replica's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Unseen,
    Replicating,
    Broken,
}

/// What belongs to the data rather than to the instance, so that backups carry it along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) master_username: String,
    pub(super) database: Option<String>,
    pub(super) port: u16,
    pub(super) storage_gib: u32,
    /// The key that the storage is encrypted with, as far as the API shows: the lab's disk is not.
    pub(super) key: Option<String>,
    pub(super) resource_id: String,
}

/// What can be changed without touching the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) class: String,
    pub(super) multi_az: bool,
    pub(super) deletion_protection: bool,
    pub(super) copies_tags: bool,
    pub(super) retention_days: u32,
    pub(super) backup_window: String,
    pub(super) zone: String,
    /// The security groups.
    pub(super) groups: Vec<String>,
    pub(super) configuration: Configuration,
    /// Whether logins by IAM are on, as far as the API shows: the lab's servers know passwords only.
    pub(super) iam_logins: bool,
}

/// The groups that the service configures an instance by. The lab shows them and reads none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configuration {
    pub(super) subnet_group: String,
    pub(super) parameter_group: String,
    pub(super) option_group: String,
}

impl Configuration {
    /// What RDS makes itself for PostgreSQL of that major version.
    pub(super) fn of_service(major: &str) -> Self {
        Self {
            subnet_group: "default".to_owned(),
            parameter_group: format!("default.postgres{major}"),
            option_group: format!("default:postgres-{major}"),
        }
    }
}

/// Changes that were asked for and are still to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) class: Option<String>,
    pub(super) multi_az: Option<bool>,
    pub(super) retention_days: Option<u32>,
    pub(super) password: Option<Secret>,
    /// The parameter group was changed, and its parameters count from the next start.
    pub(super) parameters: bool,
}

/// A DB instance.
pub(super) struct Instance {
    pub(super) name: Name,
    pub(super) status: Status,
    /// What is shown until then instead.
    pub(super) lagging: Option<(Status, Instant)>,
    /// Security groups that are on their way.
    pub(super) arriving: Option<Vec<String>>,
    pub(super) trouble: Option<String>,
    pub(super) server: Arc<Server>,
    pub(super) origin: Origin,
    pub(super) traits: Traits,
    pub(super) pending: Pending,
    pub(super) tags: Tags,
    /// When it began to serve.
    pub(super) created: Option<Timestamp>,
    /// The instance whose stream it follows.
    pub(super) source: Option<Name>,
    pub(super) stream: Stream,
    /// Up to when its archive is complete.
    pub(super) restorable_to: Option<Timestamp>,
}

impl Instance {
    /// The status as it is shown: a change may not be visible yet.
    pub(super) fn shown(&self) -> Status {
        self.lagging.filter(|(_, until)| Instant::now() < *until).map_or(self.status, |(shown, _)| shown)
    }

    /// Changes the status, which is shown only after so long.
    pub(super) fn begin(&mut self, status: Status, lag: Duration) {
        self.lagging = (!lag.is_zero()).then(|| (self.shown(), Instant::now() + lag));
        self.status = status;
    }

    /// The security groups as they are shown, each with its status.
    pub(super) fn shown_groups(&self) -> Vec<(&str, &'static str)> {
        let Some(arriving) = &self.arriving else {
            return self.traits.groups.iter().map(|group| (group.as_str(), "active")).collect();
        };
        let leaving = self.traits.groups.iter();
        let leaving =
            leaving.map(|group| (group.as_str(), if arriving.contains(group) { "active" } else { "removing" }));
        let new = arriving.iter().filter(|group| !self.traits.groups.contains(group));
        leaving.chain(new.map(|group| (group.as_str(), "adding"))).collect()
    }

    /// Whether a base backup and an archive are kept.
    pub(super) fn is_backed_up(&self) -> bool {
        self.traits.retention_days > 0 && self.source.is_none()
    }

    /// Refuses unless the status is one of `allowed`.
    pub(super) fn must_be(&self, allowed: &[Status]) -> Result<(), Fault> {
        if allowed.contains(&self.status) {
            return Ok(());
        }
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        Err(Fault::instance_state(format!(
            "Instance {} is not in {} state: it is {}.",
            self.name.id,
            allowed.join(" or "),
            self.status
        )))
    }
}
