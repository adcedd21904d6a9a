//! Backups by schedule: what is taken, how it is proved, and what becomes of it.

use super::{Expected, SqlCheck};
use crate::{
    retention::Retention,
    words::{
        id::{ComponentName, KmsKeyId, Region, Schedule, ScheduleName},
        time_span::TimeSpan,
    },
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    pub read_every_table: Option<TimeSpan>,
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
