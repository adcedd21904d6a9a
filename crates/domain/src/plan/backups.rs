//! Backups by schedule: what is taken, how it is proved, and what becomes of it.

use super::{Expected, SqlCheck};
use crate::{
    component::StorageType,
    retention::Retention,
    words::{
        id::{ComponentName, InstanceClass, KmsKeyId, Region, Schedule, ScheduleName},
        time_span::TimeSpan,
        when::When,
    },
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long one run of a schedule may take, unless the plan says less: longer than RDS takes for the first copy of a large
/// database to another Region.
pub const LONGEST_BACKUP: TimeSpan = TimeSpan::seconds(26 * 3_600);

/// Backups that one schedule makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backup {
    /// The schedule's name. Part of each backup's name, so that another name is another series.
    pub name: ScheduleName,
    /// When: as EventBridge Scheduler reads it, or `continuous`, by RDS's automated backups. Those are of pairs, are kept as
    /// long as the pair's `pointInTime` says, and are replicated to the recovery Region where it is in `copies`.
    pub schedule: When,
    /// Of what, side by side.
    pub components: Vec<ComponentName>,
    /// How long one run may take, copies among it; 26 hours where it is left out. What it lacks then is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<TimeSpan>,
    /// What becomes of a run whose time comes while the one before is still at work; left out, it is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// Where each is copied to, beyond the Region that it is taken in.
    #[serde(default)]
    pub copies: Vec<BackupCopy>,
    /// How long they are kept, in each Region. Left out of what is continuous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// When a person is called about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<BackupAlarm>,
    /// How they are proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<BackupVerification>,
}

impl Backup {
    /// Whether no schedule makes them.
    #[must_use]
    pub fn is_continuous(&self) -> bool {
        self.schedule == When::Continuous
    }

    /// How far back it is to reach, where a rule says it.
    #[must_use]
    pub fn reach(&self) -> Option<TimeSpan> {
        Some(self.retention.as_ref()?.reach(self.schedule.mean_wait()?))
    }

    /// How long one run may take.
    #[must_use]
    pub fn longest_run(&self) -> TimeSpan {
        self.within.unwrap_or(LONGEST_BACKUP)
    }
}

/// What becomes of a run whose time comes while the one before of the same schedule is still at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// It ends at once, and people are told: what may be lost grows until the next one.
    #[default]
    Skip,
    /// It waits for the other one's end, for as long as it may take itself.
    Wait,
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
    /// Whether each one is looked at once it is whole, without restoring it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_each: bool,
    /// Whether one that is not encrypted is wrong.
    #[serde(default = "yes")]
    pub encrypted: bool,
    /// How long reading every table of a restored database may take; left out, only what is queried is read, and damage
    /// elsewhere is not found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_every_table: Option<TimeSpan>,
    /// Where a restore test restores to, where that is not as the side's `restore` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_into: Option<RestoreInto>,
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
            component: None,
            group: None,
            name: "every table can be read".to_owned(),
            query: QUERY.to_owned(),
            expect: Expected::Equals("every table was read".to_owned()),
            within,
        })
    }
}

/// Where a restore test restores to. What is not named is as in every restore into that Region.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreInto {
    /// The DB instance class: a smaller one costs less, and restores as fast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_class: Option<InstanceClass>,
    /// The storage allocated to it, in GiB: not less than the backup's source has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 20, max = 65536))]
    pub storage_gib: Option<u32>,
    /// The kind of its storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_type: Option<StorageType>,
    /// The primary or the recovery Region, and no further one; the recovery Region, unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
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
    pub older_than: TimeSpan,
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
