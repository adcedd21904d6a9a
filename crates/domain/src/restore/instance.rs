//! The next move towards a restored instance, and away from it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Chosen, Like, Provenance, Purpose, RestoreRun};
use crate::{
    backup::Quota,
    component::{Credential, PostgresPair, RestoreSettings, Side},
    words::id::{ComponentName, HostName, InstanceId, Region, SecurityGroupId},
};

/// What an instance is made like: what RDS gives a restore by default is not what the original has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The DB instance class.
    pub class: Option<String>,
    /// The subnet group.
    pub subnet_group: Option<String>,
    /// The parameter group.
    pub parameter_group: Option<String>,
    /// The option group.
    pub option_group: Option<String>,
    /// Whether it has a standby in another zone.
    pub multi_az: bool,
    /// The storage allocated to it, in GiB; `None` is what its source had.
    pub storage_gib: Option<u32>,
    /// The kind of its storage, as RDS writes it; `None` is its source's.
    pub storage_type: Option<String>,
}

/// An instance as RDS shows it, where a restored one is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenInstance {
    /// Its name.
    pub instance: InstanceId,
    /// `DBInstanceStatus`.
    pub status: String,
    /// Where it is reached; absent before its first start.
    pub endpoint: Option<(HostName, u16)>,
    /// Whose it is, or why it is not one of ours.
    pub provenance: Result<Provenance, String>,
}

impl SeenInstance {
    /// Whose it is, if it is one of ours that is to stay unless somebody deletes it: what RDS deletes already is gone soon.
    #[must_use]
    pub fn left_by(&self) -> Option<&Provenance> {
        self.provenance.as_ref().ok().filter(|_| self.status != "deleting")
    }
}

/// What RDS is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Creation {
    /// The new instance's name.
    pub instance: InstanceId,
    /// From what.
    pub chosen: Chosen,
    /// Like what.
    pub settings: Settings,
    /// Its only security group.
    pub security_group: SecurityGroupId,
    /// Whether roles log in with IAM tokens.
    pub iam_tokens: bool,
    /// Automated backups' retention in days: one for a test only takes time.
    pub retention_days: u8,
    /// Whether it cannot be deleted by mistake.
    pub deletion_protection: bool,
    /// Whose it is.
    pub provenance: Provenance,
}

/// A restored instance that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restored {
    /// The instance.
    pub instance: InstanceId,
    /// Its Region.
    pub region: Region,
    /// Its endpoint.
    pub endpoint: HostName,
    /// The endpoint's port.
    pub port: u16,
    /// Its only security group.
    pub security_group: SecurityGroupId,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub asked_at: Timestamp,
    /// When it was found to be available: at most one wait later than it was.
    #[schemars(with = "String")]
    pub available_at: Timestamp,
}

impl Restored {
    /// As the side of a pair, so that it can be asked as one.
    #[must_use]
    pub fn as_side(&self) -> Side {
        Side {
            instance: self.instance.clone(),
            endpoint: self.endpoint.clone(),
            port: self.port,
            security_groups: vec![self.security_group.clone()],
            fence_security_group: self.security_group.clone(),
            restore: None,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Move {
    /// Ask RDS for it.
    Create,
    /// Ask again.
    Wait(String),
    /// It will not be.
    Refuse(String),
    /// It can be asked.
    Done(Box<Restored>),
}

/// Plans the next move towards the restored instance.
#[must_use]
pub fn next(run: &RestoreRun, like: Like<'_>, seen: Option<&SeenInstance>, now: Timestamp) -> Move {
    let Some(seen) = seen else { return Move::Create };
    let SeenInstance { instance, status, .. } = seen;
    let ours = match &seen.provenance {
        Ok(ours) if ours.execution == run.execution => ours,
        Ok(theirs) => return Move::Refuse(format!("`{instance}` is of run `{}`", theirs.execution.name())),
        Err(why) => return Move::Refuse(format!("there is an instance `{instance}` that is not ours: {why}")),
    };
    match (Phase::of(status), &seen.endpoint) {
        (Phase::Available, Some((endpoint, port))) => Move::Done(Box::new(Restored {
            instance: instance.clone(),
            region: run.region.clone(),
            endpoint: endpoint.clone(),
            port: *port,
            security_group: like.fence_security_group.clone(),
            asked_at: ours.asked_at,
            available_at: now,
        })),
        (Phase::Available, None) => Move::Wait(format!("`{instance}` is available and has no endpoint yet")),
        (Phase::Changing, _) => Move::Wait(format!("`{instance}` is {status}")),
        (Phase::Broken, _) => Move::Refuse(format!("RDS could not make `{instance}` of {}: it is {status}", ours.from)),
    }
}

/// Where an instance is in its life, by RDS's word.
enum Phase {
    Available,
    Changing,
    Broken,
}

impl Phase {
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status>
    fn of(status: &str) -> Self {
        match status {
            "available" => Self::Available,
            "failed"
            | "restore-error"
            | "storage-full"
            | "inaccessible-encryption-credentials"
            | "inaccessible-encryption-credentials-recoverable"
            | "insufficient-capacity"
            | "deleting" => Self::Broken,
            status if status.starts_with("incompatible-") => Self::Broken,
            // A word that is not known is waited for: the wait has an end.
            _ => Self::Changing,
        }
    }
}

impl Creation {
    /// What to ask RDS for. What the plan says for restores comes first, then what the Region's own side has.
    ///
    /// # Errors
    /// A sentence where neither says it: RDS would take its own defaults, and they are not the original's.
    pub fn plan(
        run: &RestoreRun,
        pair: &PostgresPair,
        like: Like<'_>,
        has: Option<Settings>,
        chosen: &Chosen,
        now: Timestamp,
    ) -> Result<Self, String> {
        let asked = like.restore.cloned().unwrap_or_default();
        let RestoreSettings { subnet_group, parameter_group, option_group, .. } = asked;
        let test = run.restores_into().cloned().unwrap_or_default();
        let instance_class = test.instance_class.or(asked.instance_class);
        let storage_type = test.storage_type.or(asked.storage_type);
        let is_there = has.is_some();
        let has = has.unwrap_or_default();
        let kept = run.purpose == Purpose::Keep;
        let settings = Settings {
            class: instance_class.map(Into::into).or(has.class),
            subnet_group: subnet_group.map(Into::into).or(has.subnet_group),
            parameter_group: parameter_group.map(Into::into).or(has.parameter_group),
            option_group: option_group.map(Into::into).or(has.option_group),
            multi_az: kept && has.multi_az,
            storage_gib: test.storage_gib.or(asked.storage_gib),
            storage_type: storage_type.map(|kind| kind.as_str().to_owned()),
        };
        let told = [
            ("instanceClass", &settings.class),
            ("subnetGroup", &settings.subnet_group),
            ("parameterGroup", &settings.parameter_group),
            ("optionGroup", &settings.option_group),
        ];
        let untold: Vec<&str> = told.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
        if !is_there && !untold.is_empty() {
            let nobody = like.instance.map_or_else(
                || format!("no instance of `{}` is", pair.name),
                |instance| format!("`{instance}` is not"),
            );
            return Err(format!(
                "{nobody} there to say what a restore in {} should be like: set `restore` with {} for it in the plan",
                run.region,
                untold.join(", ")
            ));
        }
        let instance = run.instance(&pair.name).map_err(|failure| failure.chain())?;
        Ok(Self {
            instance,
            chosen: chosen.clone(),
            settings,
            security_group: like.fence_security_group.clone(),
            iam_tokens: matches!(pair.login.from, Credential::IamToken { .. }),
            retention_days: if kept { pair.after_promotion.retention_days() } else { 0 },
            deletion_protection: kept && pair.after_promotion.deletion_protection,
            provenance: Provenance::of(run, &pair.name, chosen, now),
        })
    }
}

/// Whether a Region has room for one more instance, looked at before it is asked for.
///
/// # Errors
/// A sentence for people.
pub fn room(region: &Region, quota: Quota) -> Result<(), String> {
    if quota.used < quota.most {
        return Ok(());
    }
    Err(format!(
        "{region} has {} DB instances of {} that the account may have: delete one, or have the quota raised",
        quota.used, quota.most
    ))
}

/// How a restored instance is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Teardown {
    /// It is gone, or never was.
    Gone,
    /// Ask RDS to delete it.
    Delete,
    /// Ask again.
    Wait(String),
    /// It is not this run's to delete.
    Refuse(String),
}

/// Plans how a test's instance goes. What this run did not make for a test is not deleted, whatever its name.
#[must_use]
pub fn tear_down(run: &RestoreRun, component: &ComponentName, seen: Option<&SeenInstance>) -> Teardown {
    let Some(seen) = seen else { return Teardown::Gone };
    let instance = &seen.instance;
    let why = match &seen.provenance {
        Err(why) => why.clone(),
        Ok(of) if of.execution != run.execution => format!("run `{}` made it", of.execution.name()),
        Ok(of) if of.component != *component => format!("it is of `{}`", of.component),
        Ok(of) if of.purpose != Purpose::Test => "it was restored to be kept".to_owned(),
        Ok(_) if seen.status == "deleting" => return Teardown::Wait(format!("RDS deletes `{instance}`")),
        Ok(_) => return Teardown::Delete,
    };
    Teardown::Refuse(format!("`{instance}` is not this test's to delete: {why}"))
}
