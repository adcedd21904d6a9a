//! A PostgreSQL primary on RDS and its read replica in the recovery Region.

mod check;
mod next_side;

pub use next_side::NextSide;

pub(crate) use check::STORAGE_GIB;

use super::{
    ActiveSide, Complaint, Identity, Kind, Login, SideRegions, SnapshotKind, SnapshotStorage, snapshot::Snapshots,
};
use crate::words::{
    id::{ComponentName, HostName, InstanceClass, InstanceId, RdsGroup, Region, SecurityGroupId, SqlName, TierName},
    time_span::TimeSpan,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A PostgreSQL primary on RDS and its read replica in the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresPair {
    /// The component's name.
    pub name: ComponentName,
    /// The tier whose promises it shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierName>,
    /// The side that takes writes while all is well.
    pub primary: Side,
    /// The side in the recovery Region.
    pub replica: Side,
    /// The application's database.
    pub database: SqlName,
    /// How Lifeboat's functions log in.
    pub login: Login,
    /// The roles by which the application writes. Fencing takes their login away.
    pub application_roles: Vec<SqlName>,
    /// How far back a point in time can be restored to at least: whole days, 1 to 35. Looked at with readiness; a new primary is
    /// given as much by `afterPromotion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point_in_time: Option<TimeSpan>,
    /// What a restore into each of `regions.next` is given. No instance of the pair runs there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<NextSide>,
    /// What is set on the new primary, which RDS promotes with a retention of one day unless told.
    #[serde(default)]
    pub after_promotion: AfterPromotion,
}

/// One DB instance of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Side {
    /// The DB instance identifier.
    pub instance: InstanceId,
    /// The instance's own endpoint. Written down, because the API that knows it may be down with its Region.
    pub endpoint: HostName,
    /// The endpoint's port.
    #[serde(default = "postgres_port")]
    pub port: u16,
    /// Its usual security groups.
    pub security_groups: Vec<SecurityGroupId>,
    /// A security group that admits Lifeboat's functions and nobody else. What is restored into this Region has it too.
    pub fence_security_group: SecurityGroupId,
    /// What a restore into this Region is given where it is not to be as this instance is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<RestoreSettings>,
}

/// What a restored instance is given. What is not named here is as the Region's own instance has it; named, it can be
/// restored where that instance is gone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreSettings {
    /// The DB instance class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_class: Option<InstanceClass>,
    /// The subnet group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_group: Option<RdsGroup>,
    /// The parameter group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter_group: Option<RdsGroup>,
    /// The option group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option_group: Option<RdsGroup>,
    /// The storage allocated to it, in GiB; as much as the backup's source had, unless said. RDS takes no less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 20, max = 65536))]
    pub storage_gib: Option<u32>,
    /// The kind of its storage; as the backup's source had it, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_type: Option<StorageType>,
}

/// A kind of storage of RDS that needs no more said of it: of others, how many operations a second are provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StorageType {
    /// General purpose, as fast as it is large.
    Gp2,
    /// General purpose, as fast whatever its size.
    Gp3,
}

impl StorageType {
    /// As RDS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gp2 => "gp2",
            Self::Gp3 => "gp3",
        }
    }
}

/// PostgreSQL's registered port.
fn postgres_port() -> u16 {
    5432
}

/// What is set on a new primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AfterPromotion {
    /// Automated backups' retention: 1 to 35 days.
    pub backup_retention: TimeSpan,
    /// Whether the instance can be deleted at all.
    pub deletion_protection: bool,
}

impl AfterPromotion {
    /// The retention as RDS takes it: 1 to 35 days.
    #[must_use]
    pub fn retention_days(&self) -> u8 {
        whole_days(self.backup_retention)
    }
}

impl PostgresPair {
    /// What a restore into a further recovery Region is given.
    #[must_use]
    pub fn next_in(&self, region: &Region) -> Option<&NextSide> {
        self.next.iter().find(|side| side.region == *region)
    }

    /// How many days of automated backups the primary is to have, where the plan says so.
    #[must_use]
    pub fn point_in_time_days(&self) -> Option<u8> {
        self.point_in_time.map(whole_days)
    }
}

/// A retention as RDS takes it.
fn whole_days(span: TimeSpan) -> u8 {
    let days = span.duration().as_secs() / (24 * 3_600);
    u8::try_from(days.clamp(1, 35)).unwrap_or(35)
}

impl Default for AfterPromotion {
    fn default() -> Self {
        Self { backup_retention: TimeSpan::seconds(7 * 24 * 3_600), deletion_protection: true }
    }
}

impl ActiveSide {
    /// That side of the pair.
    #[must_use]
    pub fn of(self, pair: &PostgresPair) -> &Side {
        match self {
            Self::Primary => &pair.primary,
            Self::Replica => &pair.replica,
        }
    }
}

/// RDS's snapshots of a DB instance.
pub(super) const SNAPSHOTS: Snapshots = Snapshots {
    noun: "instance",
    service: "RDS",
    list: "Instances",
    arn: |partition, region, account, id| format!("arn:{partition}:rds:{region}:{account}:db:{id}"),
    plural: "snapshots",
    longest_name: 255,
    is_asked: true,
    software: Some("PostgreSQL"),
    actions: &[
        ("snapshot", &["rds:CopyDBSnapshot", "rds:CreateDBSnapshot", "rds:DescribeDBSnapshots"]),
        ("cleanup", &["rds:DeleteDBSnapshot", "rds:DescribeDBSnapshots"]),
        ("verify", &["rds:DescribeDBSnapshots"]),
    ],
};

impl Kind for PostgresPair {
    fn name(&self) -> &ComponentName {
        &self.name
    }

    fn tier(&self) -> Option<&TierName> {
        self.tier.as_ref()
    }

    fn noun(&self) -> &'static str {
        "pair"
    }

    fn check(&self, regions: SideRegions<'_>) -> Vec<Complaint> {
        check::check(self, regions)
    }

    fn identities(&self) -> Vec<Identity> {
        let noun = SnapshotKind::Instance.noun();
        let (primary, replica) = (&self.primary, &self.replica);
        let host = |side: &Side| format!("{}:{}", side.endpoint, side.port);
        let one = |field, side, noun, id| Identity { field, side, noun, id };
        vec![
            one("primary.instance", ActiveSide::Primary, noun, primary.instance.to_string()),
            one("replica.instance", ActiveSide::Replica, noun, replica.instance.to_string()),
            // A snapshot of the one would carry the log's end of the other.
            one("primary.endpoint", ActiveSide::Primary, "endpoint", host(primary)),
            one("replica.endpoint", ActiveSide::Replica, "endpoint", host(replica)),
        ]
    }

    fn snapshots(&self) -> Option<SnapshotKind> {
        Some(SnapshotKind::Instance)
    }

    fn backed_up(&self, active: ActiveSide) -> Option<(ActiveSide, &str)> {
        Some((active, active.of(self).instance.as_str()))
    }

    fn storage(&self) -> Option<SnapshotStorage> {
        Some(SnapshotStorage::Instance)
    }

    fn tells_size(&self) -> bool {
        true
    }

    fn login(&self) -> Option<&Login> {
        Some(&self.login)
    }

    fn moves(&self) -> Option<&PostgresPair> {
        Some(self)
    }

    fn restores(&self) -> Option<&PostgresPair> {
        Some(self)
    }

    fn points_in_time(&self, active: ActiveSide) -> Option<&InstanceId> {
        Some(&active.of(self).instance)
    }
}
