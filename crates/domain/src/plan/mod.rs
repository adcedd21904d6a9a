//! A recovery plan: what one system needs so that it can be recovered.
//!
//! These types are the plan's file, field by field; [`read`] makes one from YAML with errors that name
//! line and path, [`check`] finds what types cannot, [`schema`] is for editors.

mod check;
mod cluster;
mod finding;
mod read;

pub use check::{MOST_BACKUP_REGIONS, MOST_COMPONENTS, MOST_PROVED, MOST_SNAPSHOTS, check};
pub use cluster::{Cluster, ClusterEngine};
pub use finding::{Finding, Place, Severity};
pub use read::{Examined, LARGEST_PLAN_BYTES, MOST_FINDINGS, PlanError, examine, read, schema};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    health::FailureClass,
    id::{
        ComponentName, HostName, InstanceClass, InstanceId, KmsKeyId, PlanName, RdsGroup, Region, Schedule,
        ScheduleName, SecretName, SecurityGroupId, SqlName, ZoneId,
    },
    lease::ActiveSide,
    retention::Retention,
    span::Span,
};

/// One system's recovery plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The plan's name.
    pub plan: PlanName,
    /// One line for the person who is paged: what this system is.
    pub summary: String,
    /// Where it runs, where it recovers, and a third place to look from.
    pub regions: Regions,
    /// What was promised.
    pub objectives: Objectives,
    /// What the plan protects.
    pub components: Vec<Component>,
    /// How clients find the primary.
    pub traffic: Traffic,
    /// How the primary's health is watched.
    pub probe: Probe,
    /// When to fail over, and when to ask.
    pub failover: Failover,
    /// Backups by schedule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<Backup>,
    /// What becomes of backups that no retention keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<Cleanup>,
    /// What must be true of the new side before the run says done.
    #[serde(default)]
    pub verify: Vec<Check>,
    /// Who hears of it, beyond the engine's own topic.
    #[serde(default)]
    pub notifications: Notifications,
}

/// The plan's Regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Regions {
    /// Where the system runs.
    pub primary: Region,
    /// Where it recovers, and from where recovery is run.
    pub recovery: Region,
    /// A third place to look from. Needed where a Region's failure is answered automatically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Region>,
}

/// What was promised to the system's users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objectives {
    /// Recovery time objective: the longest outage.
    pub rto: Span,
    /// Recovery point objective: the most recent work that may be lost.
    pub rpo: Span,
    /// Share of time available, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub availability_percent: Option<f64>,
}

/// One thing the plan protects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "a plan has at most 40 of them")]
pub enum Component {
    /// A PostgreSQL primary on RDS and its read replica in the recovery Region.
    PostgresPair(PostgresPair),
    /// A cluster of Aurora, DocumentDB or Neptune. It is backed up; a failover does not move it.
    Cluster(Cluster),
}

impl Component {
    /// The component's name.
    #[must_use]
    pub fn name(&self) -> &ComponentName {
        match self {
            Self::PostgresPair(pair) => &pair.name,
            Self::Cluster(cluster) => &cluster.name,
        }
    }
}

/// A PostgreSQL primary on RDS and its read replica in the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresPair {
    /// The component's name.
    pub name: ComponentName,
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
}

/// PostgreSQL's registered port.
fn postgres_port() -> u16 {
    5432
}

/// How Lifeboat's functions log in to PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// Where the credential comes from.
    pub from: Credential,
    /// Whether and how the server proves itself.
    #[serde(default)]
    pub tls: Tls,
}

/// Where a credential comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Credential {
    /// `{"username": …, "password": …}` in Secrets Manager, as RDS writes it, replicated to each Region.
    SecretsManager {
        /// The secret's name, the same in each Region.
        secret: SecretName,
    },
    /// A token signed with the function's own role, for a role granted `rds_iam`. Needs TLS.
    IamToken {
        /// The database role.
        user: SqlName,
    },
}

impl Credential {
    /// How long one is used before it is read again. An IAM token is good for 15 minutes.
    pub const KEPT: Span = Span::seconds(300);
}

/// Whether and how the server proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// The server's certificate is checked against `ca/rds.pem` in the Region's bucket.
    #[default]
    VerifyFull,
    /// No TLS. For a server on the same machine.
    Disable,
}

/// What is set on a new primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AfterPromotion {
    /// Automated backups' retention: 1 to 35 days.
    pub backup_retention: Span,
    /// Whether the instance can be deleted at all.
    pub deletion_protection: bool,
}

impl AfterPromotion {
    /// The retention as RDS takes it: 1 to 35 days.
    #[must_use]
    pub fn retention_days(&self) -> u8 {
        let days = self.backup_retention.duration().as_secs() / (24 * 3_600);
        u8::try_from(days.clamp(1, 35)).unwrap_or(35)
    }
}

impl Default for AfterPromotion {
    fn default() -> Self {
        Self { backup_retention: Span::seconds(7 * 24 * 3_600), deletion_protection: true }
    }
}

/// How clients find the primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    /// The component whose primary the record names.
    pub component: ComponentName,
    /// The record.
    pub record: Record,
}

/// A CNAME in Route 53 that names the primary's endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// The public hosted zone.
    pub zone: ZoneId,
    /// The name that clients use.
    pub name: HostName,
    /// How long resolvers keep it. Part of every client's outage.
    pub ttl: Span,
}

/// How the primary's health is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// From one sample to the next. From 5 s on the probe naps between them, and logs in for each.
    pub interval: Span,
    /// How long the primary may be silent when it is looked at. Shorter than the interval.
    pub timeout: Span,
    /// This many failed samples in a row raise the alarm.
    #[schemars(range(min = 2, max = 100))]
    pub failures_in_a_row: u32,
    /// How long the primary must have been failing before anything is moved.
    pub hold_down: Span,
}

/// When to fail over, and when to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failover {
    /// What each class of failure is answered with.
    pub policy: Policies,
    /// How much may be lost without asking.
    pub data_loss_budget: DataLossBudget,
    /// How long a person has to answer.
    pub approval_deadline: Span,
}

/// What each class of failure is answered with. Every class is named, so that none is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policies {
    /// The host answers, the database does not.
    pub database: Policy,
    /// The host is silent, its Region answers.
    pub zone: Policy,
    /// The Region is silent.
    pub region: Policy,
    /// The database answers, the application cannot use it. Nothing tells of it yet, so that only `never` is true.
    pub application: Policy,
    /// Some see the primary, some do not. It is not failed over whoever asks, so that only `never` is true.
    pub network: Policy,
    /// Signals are missing.
    pub unknown: Policy,
}

impl Policies {
    /// The policy for a class.
    #[must_use]
    pub fn of(&self, class: FailureClass) -> Policy {
        match class {
            FailureClass::Database => self.database,
            FailureClass::Zone => self.zone,
            FailureClass::Region => self.region,
            FailureClass::Application => self.application,
            FailureClass::Network => self.network,
            FailureClass::Unknown => self.unknown,
        }
    }
}

/// What a class of failure is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Fail over without asking.
    Automatic,
    /// Ask a person, wait for the answer.
    Approval,
    /// Do nothing but say so.
    Never,
}

/// How much may be lost without asking. A replica further behind is promoted only with a named consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataLossBudget {
    /// By time.
    pub time: Span,
    /// By write-ahead log, in bytes.
    pub wal_bytes: u64,
}

/// Backups that one schedule makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backup {
    /// The schedule's name. Part of each backup's name, so that another name is another series.
    pub name: ScheduleName,
    /// When.
    pub schedule: Schedule,
    /// Of what, side by side.
    pub components: Vec<ComponentName>,
    /// Where each is copied to, beyond the Region that it is taken in.
    #[serde(default)]
    pub copies: Vec<BackupCopy>,
    /// How long they are kept, in each Region.
    pub retention: Retention,
    /// When a person is called about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<BackupAlarm>,
    /// How they are proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<BackupVerification>,
}

/// How a schedule's backups are proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupVerification {
    /// When the newest one is looked at, without restoring it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Schedule>,
    /// When the newest one is restored into isolation, queried and torn down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_test: Option<Schedule>,
    /// Whether one that is not encrypted is wrong.
    #[serde(default = "yes")]
    pub encrypted: bool,
    /// How long reading every table of a restored database may take; left out, only what is queried is read, and damage
    /// elsewhere is not found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_every_table: Option<Span>,
    /// What a restored database must answer beyond the plan's own queries under `verify`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<SqlCheck>,
}

impl BackupVerification {
    /// The query that reads every row of every table, and says so only where it could: PostgreSQL compares each page that it
    /// reads with its checksum. A table that the login may not read, or of which a policy hides rows from it, is named. What
    /// holds no data of its own is not read: partitioned and foreign tables, other sessions' temporary ones, and
    /// materialized views that were never filled.
    #[must_use]
    pub fn reading(&self) -> Option<SqlCheck> {
        const QUERY: &str = "with found as (select format('%I.%I', n.nspname, c.relname) as name, \
            case when has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') and not row_security_active(c.oid) \
            then query_to_xml(format('select count(t.*) from %I.%I t', n.nspname, c.relname), false, true, '') end as read \
            from pg_class c join pg_namespace n on n.oid = c.relnamespace \
            where c.relkind in ('r', 'm') and c.relpersistence <> 't' and c.relispopulated \
            and n.nspname not in ('pg_catalog', 'information_schema')) \
            select case count(*) when 0 then 'there is no table' when count(read) then 'every table was read' \
            else format('the login may not read all of %s of %s tables: %s', count(*) - count(read), count(*), \
            string_agg(name, ', ' order by name) filter (where read is null)) end from found";
        self.read_every_table.map(|within| SqlCheck {
            name: "every table can be read".to_owned(),
            query: QUERY.to_owned(),
            expect: Expected::Equals("every table was read".to_owned()),
            within,
        })
    }
}

/// Encryption is what is expected.
fn yes() -> bool {
    true
}

/// When a person is called about a schedule's backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupAlarm {
    /// No whole backup of a component for so long: whole hours, at most seven days, CloudWatch's longest.
    pub older_than: Span,
    /// A component's database was smaller than this when it was backed up, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub smaller_than_bytes: Option<u64>,
}

/// What becomes of backups that no retention keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cleanup {
    /// When they are looked for.
    pub schedule: Schedule,
    /// Whether they are deleted then, or only reported.
    pub apply: bool,
}

/// A Region that backups are copied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupCopy {
    /// The Region.
    pub region: Region,
    /// That Region's key, which the copy of an encrypted backup is encrypted with. A key of another Region is of no use there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<KmsKeyId>,
}

/// What must be true of the new side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Check {
    /// One query through the traffic's name; one row, one column.
    Sql(SqlCheck),
    /// One GET.
    Http(HttpCheck),
}

impl Check {
    /// The check's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Sql(check) => &check.name,
            Self::Http(check) => &check.name,
        }
    }
}

/// A query and what it must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlCheck {
    /// What the check is called in the record.
    pub name: String,
    /// The query: one row, one column.
    pub query: String,
    /// The answer as text.
    pub expect: Expected,
    /// How long it may take.
    pub within: Span,
}

/// What a query must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Expected {
    /// This text.
    Equals(String),
    /// A number that is at least this.
    AtLeast(i64),
}

/// A GET and what it must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpCheck {
    /// What the check is called in the record.
    pub name: String,
    /// The address, http or https.
    pub url: String,
    /// The status that is healthy.
    #[serde(default = "ok")]
    pub status: u16,
    /// How long it may take.
    pub within: Span,
}

/// HTTP's OK.
fn ok() -> u16 {
    200
}

/// Who hears of it, beyond the engine's own topic.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notifications {
    /// SNS topics, by ARN, in the recovery Region.
    #[serde(default)]
    pub topics: Vec<String>,
}

impl Plan {
    /// The component that the traffic's record names. [`read`] has seen that it exists.
    #[must_use]
    pub fn traffic_pair(&self) -> Option<&PostgresPair> {
        self.components.iter().find_map(|component| match component {
            Component::PostgresPair(pair) if pair.name == self.traffic.component => Some(pair),
            Component::PostgresPair(_) | Component::Cluster(_) => None,
        })
    }

    /// On which side a component is backed up while the traffic's pair takes writes on this one. A failover leaves the
    /// other pairs where they are.
    #[must_use]
    pub fn backed_up_on(&self, component: &Component, active: ActiveSide) -> ActiveSide {
        match component {
            Component::PostgresPair(pair) if pair.name == self.traffic.component => active,
            Component::PostgresPair(_) => ActiveSide::Primary,
            Component::Cluster(cluster) => cluster.on(active).0,
        }
    }

    /// The component of this name.
    #[must_use]
    pub fn component(&self, name: &ComponentName) -> Option<&Component> {
        self.components.iter().find(|component| component.name() == name)
    }

    /// Whether an instance is one of a pair's sides.
    #[must_use]
    pub fn names(&self, instance: &InstanceId) -> bool {
        self.components.iter().any(|component| match component {
            Component::PostgresPair(pair) => {
                [&pair.primary, &pair.replica].iter().any(|side| side.instance == *instance)
            }
            Component::Cluster(_) => false,
        })
    }

    /// The Region of a side.
    #[must_use]
    pub fn region_of(&self, side: ActiveSide) -> &Region {
        match side {
            ActiveSide::Primary => &self.regions.primary,
            ActiveSide::Replica => &self.regions.recovery,
        }
    }

    /// The backups of a schedule.
    #[must_use]
    pub fn backup(&self, name: &ScheduleName) -> Option<&Backup> {
        self.backups.iter().find(|backup| backup.name == *name)
    }

    /// The names of the schedules of backups, as a sentence lists them.
    #[must_use]
    pub fn schedule_names(&self) -> String {
        let names: Vec<&str> = self.backups.iter().map(|backup| backup.name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// The KMS keys of the plan's copies, each once, with its Region.
    #[must_use]
    pub fn copy_keys(&self) -> Vec<(Region, KmsKeyId)> {
        let mut keys = Vec::new();
        for copy in self.backups.iter().flat_map(|backup| &backup.copies) {
            let Some(key) = &copy.kms_key else { continue };
            let named = (copy.region.clone(), key.clone());
            if !keys.contains(&named) {
                keys.push(named);
            }
        }
        keys
    }

    /// Every Region that may hold backups.
    #[must_use]
    pub fn backup_regions(&self) -> Vec<Region> {
        let sides = [&self.regions.primary, &self.regions.recovery].into_iter();
        let all = sides.chain(self.backups.iter().flat_map(|backup| backup.copies.iter().map(|copy| &copy.region)));
        let mut regions = Vec::new();
        for region in all {
            if !regions.contains(region) {
                regions.push(region.clone());
            }
        }
        regions
    }

    /// The longest from the primary's death until it may be failed over: a sample just missed, then all in a row and the
    /// last one's time-out; never less than the hold-down, which begins with the first failed sample.
    #[must_use]
    pub fn detection(&self) -> Span {
        let probe = &self.probe;
        let counted = probe.interval.times(probe.failures_in_a_row) + probe.timeout;
        counted.max(probe.interval + probe.hold_down)
    }

    /// The shortest from when the primary was last seen until it may be failed over.
    #[must_use]
    pub fn unseen(&self) -> Span {
        let probe = &self.probe;
        probe.interval.times(probe.failures_in_a_row).max(probe.interval + probe.hold_down)
    }
}
