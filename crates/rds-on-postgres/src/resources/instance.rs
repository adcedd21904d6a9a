//! A DB instance as the API shows it: what was asked for, and how far it has come.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::fault::Fault;
use crate::postgres::secrets::Secret;
use crate::postgres::server::Server;
use crate::resources::name::Name;
use crate::resources::tags::Tags;

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
    /// Something did not work; [`InstanceView::trouble`](crate::InstanceView) says what.
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
pub(crate) enum Stream {
    Unseen,
    Replicating,
    Broken,
}

/// What belongs to the data rather than to the instance, so that backups carry it along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) master_username: String,
    pub(crate) database: Option<String>,
    pub(crate) port: u16,
    pub(crate) storage_gib: u32,
    /// The key that the storage is encrypted with, as far as the API shows: the lab's disk is not.
    pub(crate) key: Option<String>,
    pub(crate) resource_id: String,
}

/// What can be changed without touching the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Traits {
    pub(crate) class: String,
    pub(crate) multi_az: bool,
    pub(crate) deletion_protection: bool,
    pub(crate) copies_tags: bool,
    pub(crate) retention_days: u32,
    pub(crate) backup_window: String,
    pub(crate) zone: String,
    /// The security groups.
    pub(crate) groups: Vec<String>,
    pub(crate) configuration: Configuration,
    /// Whether logins by IAM are on, as far as the API shows: the lab's servers know passwords only.
    pub(crate) iam_logins: bool,
}

/// The groups that the service configures an instance by. The lab shows them and reads none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configuration {
    pub(crate) subnet_group: String,
    pub(crate) parameter_group: String,
    pub(crate) option_group: String,
}

impl Configuration {
    /// What RDS makes itself for PostgreSQL of that major version.
    pub(crate) fn of_service(major: &str) -> Self {
        Self {
            subnet_group: "default".to_owned(),
            parameter_group: format!("default.postgres{major}"),
            option_group: format!("default:postgres-{major}"),
        }
    }
}

/// Changes that were asked for and are still to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) class: Option<String>,
    pub(crate) multi_az: Option<bool>,
    pub(crate) retention_days: Option<u32>,
    pub(crate) password: Option<Secret>,
    /// The parameter group was changed, and its parameters count from the next start.
    pub(crate) parameters: bool,
}

/// A DB instance.
pub(crate) struct Instance {
    pub(crate) name: Name,
    pub(crate) status: Status,
    /// What is shown until then instead.
    pub(crate) lagging: Option<(Status, Instant)>,
    /// Security groups that are on their way.
    pub(crate) arriving: Option<Vec<String>>,
    pub(crate) trouble: Option<String>,
    pub(crate) server: Arc<Server>,
    pub(crate) origin: Origin,
    pub(crate) traits: Traits,
    pub(crate) pending: Pending,
    pub(crate) tags: Tags,
    /// When it began to serve.
    pub(crate) created: Option<Timestamp>,
    /// The instance whose stream it follows.
    pub(crate) source: Option<Name>,
    pub(crate) stream: Stream,
    /// Up to when its archive is complete.
    pub(crate) restorable_to: Option<Timestamp>,
}

impl Instance {
    /// The status as it is shown: a change may not be visible yet.
    pub(crate) fn shown(&self) -> Status {
        self.lagging.filter(|(_, until)| Instant::now() < *until).map_or(self.status, |(shown, _)| shown)
    }

    /// Changes the status, which is shown only after `lag`.
    pub(crate) fn begin(&mut self, status: Status, lag: Duration) {
        self.lagging = (!lag.is_zero()).then(|| (self.shown(), Instant::now() + lag));
        self.status = status;
    }

    /// The security groups as they are shown, each with its status.
    pub(crate) fn shown_groups(&self) -> Vec<(&str, &'static str)> {
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
    pub(crate) fn is_backed_up(&self) -> bool {
        self.traits.retention_days > 0 && self.source.is_none()
    }

    /// Refuses unless the status is one of `allowed`.
    pub(crate) fn must_be(&self, allowed: &[Status]) -> Result<(), Fault> {
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
