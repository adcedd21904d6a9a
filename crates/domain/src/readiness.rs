//! Whether the next failover would go through: what it needs, looked at while nobody needs it.
//!
//! A failover that would be refused, or would stop halfway, is so known days before it is called for. What could not be
//! looked at is not ready: nobody knows that it would work.

use std::{fmt, result::Result};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    backup::Quota,
    health::FailureClass,
    id::{InstanceId, KmsKeyId, PlanName, Region, SecurityGroupId},
    instance_status::InstanceStatus,
    judgement::{Rehearsal, Would},
    plan::{Check, Plan, PostgresPair, Side},
    run::Run,
    traffic::{self, Move},
};

/// What was found of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Readiness {
    /// The plan.
    pub plan: PlanName,
    /// When it was looked.
    #[schemars(with = "String")]
    pub looked_at: Timestamp,
    /// Whether everything is ready.
    pub ready: bool,
    /// Of each need one or more.
    pub findings: Vec<Finding>,
}

/// One thing that the next failover needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// What is needed.
    pub need: Need,
    /// How it is.
    pub state: State,
    /// Why, in a sentence.
    pub because: String,
    /// What to do; absent of what is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What the next failover needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// The judge would let it through: replica, lag, roles, generations, witness.
    Judgement,
    /// The login to both sides, with its secret and the certificates.
    Login,
    /// The write that proves a promotion.
    ProvingWrite,
    /// Both instances, as RDS has them.
    Instances,
    /// What is put back when a fence is undone.
    SecurityGroups,
    /// Room for what a failover and a backup make.
    Quotas,
    /// The keys of encrypted copies.
    Keys,
    /// The record that is switched.
    Record,
    /// Each function of a failover.
    Functions,
    /// That no other plan moves the same pair.
    Claims,
}

/// How a need is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Ready,
    /// Not as it should be.
    NotReady,
    /// It could not be looked at.
    Unknown,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Judgement => "judgement",
            Self::Login => "login",
            Self::ProvingWrite => "proving write",
            Self::Instances => "instances",
            Self::SecurityGroups => "security groups",
            Self::Quotas => "quotas",
            Self::Keys => "keys",
            Self::Record => "record",
            Self::Functions => "functions",
            Self::Claims => "claims",
        })
    }
}

/// An instance as RDS has it, as far as a failover depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSeen {
    /// `DBInstanceStatus`.
    pub status: String,
    /// The engine's version.
    pub version: String,
    /// Its security groups.
    pub security_groups: Vec<SecurityGroupId>,
}

/// A KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySeen {
    /// `KeyState`, as `Enabled`.
    pub state: String,
}

/// The zone of the plan's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSeen {
    /// Whether only networks that it is associated with can ask it.
    pub is_private: bool,
    /// Its records, as a switch looks at them.
    pub records: traffic::Seen,
}

/// Everything that was looked at. An error says why it could not be.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What a death of the primary would lead to now.
    pub rehearsal: Result<Rehearsal, String>,
    /// Logging in to either side.
    pub logins: Vec<(InstanceId, Result<(), String>)>,
    /// The write that proves a promotion, made on the primary and rolled back.
    pub write: Result<(), String>,
    /// The primary's instance.
    pub primary: Result<InstanceSeen, String>,
    /// The replica's.
    pub replica: Result<InstanceSeen, String>,
    /// Quotas, by Region and what they are of.
    pub quotas: Vec<(Region, &'static str, Result<Quota, String>)>,
    /// Keys of copies.
    pub keys: Vec<(Region, KmsKeyId, Result<KeySeen, String>)>,
    /// The record's zone.
    pub zone: Result<ZoneSeen, String>,
    /// Functions by their names, and whether they answered.
    pub functions: Vec<(String, Result<(), String>)>,
    /// Instances that another plan moves as well.
    pub claims: Result<Vec<(InstanceId, PlanName)>, String>,
}

/// Says of each need how it is met.
#[must_use]
pub fn judge(seen: &Seen, run: &Run, pair: &PostgresPair, now: Timestamp) -> Readiness {
    let plan = &run.plan;
    let mut findings = vec![rehearsed(&seen.rehearsal)];
    findings.extend(seen.logins.iter().map(|(instance, login)| logged_in(instance, login)));
    findings.push(written(&seen.write));
    let sides =
        [(&pair.primary, &plan.regions.primary, &seen.primary), (&pair.replica, &plan.regions.recovery, &seen.replica)];
    for (side, region, instance) in sides {
        findings.extend(instance_of(side, region, instance));
    }
    findings.extend(versions(seen));
    findings.extend(seen.quotas.iter().map(|(region, what, quota)| room(region, what, quota)));
    findings.extend(seen.keys.iter().map(|(region, key, seen)| key_of(region, key, seen)));
    findings.push(record(&seen.zone, run));
    findings.extend(functions(&seen.functions));
    findings.push(claims(&seen.claims));
    let ready = findings.iter().all(|finding| finding.state == State::Ready);
    Readiness { plan: plan.plan.clone(), looked_at: now, ready, findings }
}

impl Finding {
    fn ready(need: Need, because: impl Into<String>) -> Self {
        Self { need, state: State::Ready, because: because.into(), remedy: None }
    }

    fn not_ready(need: Need, because: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { need, state: State::NotReady, because: because.into(), remedy: Some(remedy.into()) }
    }

    fn unknown(need: Need, because: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { need, state: State::Unknown, because: because.into(), remedy: Some(remedy.into()) }
    }
}

fn rehearsed(rehearsal: &Result<Rehearsal, String>) -> Finding {
    let need = Need::Judgement;
    match rehearsal {
        Err(why) => Finding::unknown(
            need,
            format!("the judge could not be asked: {why}"),
            "Look at the function judge-failover's log.",
        ),
        Ok(Rehearsal { fails: true, because, .. }) => {
            Finding::not_ready(need, format!("the primary fails now: {because}"), "RUNBOOK.md, \"An alarm\".")
        }
        Ok(Rehearsal { verdict: Would::Refuse, because, .. }) => Finding::not_ready(
            need,
            format!("a failover would be refused: {because}"),
            "See to it now, as RUNBOOK.md says under \"FailoverRefused\".",
        ),
        // A class that nobody can tell is not what a plan's policies are made for.
        Ok(Rehearsal { verdict: Would::AskAPerson, class: Some(FailureClass::Unknown), because, .. }) => {
            Finding::not_ready(
                need,
                format!("what a failure is could not be told, so that a person would be asked: {because}"),
                "See to the witness: it must answer, and reach the primary.",
            )
        }
        Ok(Rehearsal { verdict: Would::AskAPerson, because, .. }) => {
            Finding::ready(need, format!("a failover would go through once a person approves it: {because}"))
        }
        Ok(Rehearsal { verdict: Would::FailOver, because, .. }) => {
            Finding::ready(need, format!("a failover would go through by itself: {because}"))
        }
    }
}

fn logged_in(instance: &InstanceId, login: &Result<(), String>) -> Finding {
    match login {
        Ok(()) => Finding::ready(Need::Login, format!("`{instance}` lets Lifeboat in")),
        Err(why) => Finding::not_ready(
            Need::Login,
            format!("`{instance}` does not let Lifeboat in: {why}"),
            "See to the secret in this Region, to ca/rds.pem in its bucket, and to the way from the functions' subnets.",
        ),
    }
}

fn written(write: &Result<(), String>) -> Finding {
    match write {
        Ok(()) => Finding::ready(
            Need::ProvingWrite,
            "the write that proves a promotion was made on the primary, and rolled back",
        ),
        Err(why) => Finding::not_ready(
            Need::ProvingWrite,
            format!("the write that proves a promotion could not be made: {why}"),
            "Grant Lifeboat's own role CREATE on the database, and each of applicationRoles with admin option.",
        ),
    }
}

fn instance_of(side: &Side, region: &Region, seen: &Result<InstanceSeen, String>) -> Vec<Finding> {
    let instance = &side.instance;
    let seen = match seen {
        Ok(seen) => seen,
        Err(why) => {
            let because = format!("RDS in {region} does not say how `{instance}` is: {why}");
            return vec![Finding::unknown(
                Need::Instances,
                because,
                "See to the name in the plan, and to the role of check-readiness.",
            )];
        }
    };
    let status = match InstanceStatus::of(&seen.status) {
        InstanceStatus::Works | InstanceStatus::BackingUp | InstanceStatus::BeingChanged => {
            Finding::ready(Need::Instances, format!("`{instance}` is {}", seen.status))
        }
        InstanceStatus::PutAway | InstanceStatus::Other => Finding::not_ready(
            Need::Instances,
            format!("`{instance}` is {}", seen.status),
            "Bring it back to available.",
        ),
    };
    let sorted = |groups: &[SecurityGroupId]| {
        let mut groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        groups.sort();
        groups.join(", ")
    };
    let (has, named) = (sorted(&seen.security_groups), sorted(&side.security_groups));
    let groups = if has == named {
        Finding::ready(Need::SecurityGroups, format!("`{instance}` has the plan's: {has}"))
    } else {
        Finding::not_ready(
            Need::SecurityGroups,
            format!(
                "`{instance}` has {has}, and the plan names {named}: that is what is put back when a fence is undone"
            ),
            "Correct securityGroups in the plan, or the instance.",
        )
    };
    vec![status, groups]
}

fn versions(seen: &Seen) -> Option<Finding> {
    let (primary, replica) = (seen.primary.as_ref().ok()?, seen.replica.as_ref().ok()?);
    Some(if primary.version == replica.version {
        Finding::ready(Need::Instances, format!("both sides run PostgreSQL {}", primary.version))
    } else {
        Finding::not_ready(
            Need::Instances,
            format!("the primary runs PostgreSQL {}, the replica {}", primary.version, replica.version),
            "Bring both to the same version, the replica first.",
        )
    })
}

fn room(region: &Region, what: &str, quota: &Result<Quota, String>) -> Finding {
    match quota {
        Err(why) => Finding::unknown(
            Need::Quotas,
            format!("the quota of {what} in {region} could not be read: {why}"),
            "See to the role of check-readiness.",
        ),
        Ok(Quota { used, most }) if used >= most => Finding::not_ready(
            Need::Quotas,
            format!("{used} of {most} {what} in {region} are used: no more can be made"),
            "Delete some, as `lifeboat cleanup` does, or have the account's quota raised.",
        ),
        Ok(Quota { used, most }) => {
            Finding::ready(Need::Quotas, format!("{used} of {most} {what} in {region} are used"))
        }
    }
}

fn key_of(region: &Region, key: &KmsKeyId, seen: &Result<KeySeen, String>) -> Finding {
    match seen {
        Ok(KeySeen { state }) if state == "Enabled" => {
            Finding::ready(Need::Keys, format!("`{key}` in {region} is enabled"))
        }
        Ok(KeySeen { state }) => Finding::not_ready(
            Need::Keys,
            format!("`{key}` in {region} is {state}: nothing can be encrypted with it"),
            "Enable it, or name another in the plan's copies.",
        ),
        Err(why) => Finding::not_ready(
            Need::Keys,
            format!("`{key}` in {region} cannot be used: {why}"),
            "Name a key of that Region in the plan's copies, and let the account's roles use it.",
        ),
    }
}

fn record(zone: &Result<ZoneSeen, String>, run: &Run) -> Finding {
    let record = &run.plan.traffic.record;
    let zone = match zone {
        Ok(zone) => zone,
        Err(why) => {
            let because = format!("zone {} could not be looked at: {why}", record.zone);
            return Finding::unknown(
                Need::Record,
                because,
                "See to traffic.record.zone, and to the role of check-readiness.",
            );
        }
    };
    if let Move::Refuse(why) = traffic::plan(&zone.records, run) {
        return Finding::not_ready(Need::Record, why, "Set the record as the plan says, or correct the plan.");
    }
    let asks = |check: &Check| matches!(check, Check::Sql(_));
    if zone.is_private && !run.plan.verify.iter().any(asks) {
        return Finding::not_ready(
            Need::Record,
            format!(
                "zone {} is private, so that only the plan's checks look the name up, and it has no query among them",
                record.zone
            ),
            "Add a check of kind sql under verify, and give the functions subnets that the zone is associated with.",
        );
    }
    let kind = if zone.is_private { "private" } else { "public" };
    Finding::ready(Need::Record, format!("`{}` in {kind} zone {} can be switched", record.name, record.zone))
}

fn functions(seen: &[(String, Result<(), String>)]) -> Vec<Finding> {
    let silent = seen.iter().filter_map(|(name, answer)| Some((name, answer.as_ref().err()?)));
    let mut findings: Vec<Finding> = silent
        .map(|(name, why)| {
            Finding::not_ready(
                Need::Functions,
                format!("`{name}` does not answer: {why}"),
                "Look at its log; one that was idle for weeks needs a minute to wake.",
            )
        })
        .collect();
    let answered = seen.len() - findings.len();
    if answered > 0 {
        findings.push(Finding::ready(Need::Functions, format!("{answered} of {} answer", seen.len())));
    }
    findings
}

fn claims(claims: &Result<Vec<(InstanceId, PlanName)>, String>) -> Finding {
    match claims.as_deref() {
        Ok([]) => Finding::ready(Need::Claims, "no other plan moves this pair"),
        Ok([(instance, plan), ..]) => Finding::not_ready(
            Need::Claims,
            format!("`{instance}` is in plan `{plan}` as well, whose runs have a lease of their own"),
            "Take it out of one of the plans.",
        ),
        Err(why) => {
            Finding::unknown(Need::Claims, format!("the claims could not be read: {why}"), "See to the bucket.")
        }
    }
}

/// Where the newest is kept.
#[must_use]
pub fn key(plan: &PlanName) -> String {
    format!("readiness/{plan}.json")
}

/// The needs of a plan's keys: each key of its copies, once.
#[must_use]
pub fn keys_of(plan: &Plan) -> Vec<(Region, KmsKeyId)> {
    let mut keys = Vec::new();
    for copy in plan.backups.iter().flat_map(|backup| &backup.copies) {
        let Some(key) = &copy.kms_key else { continue };
        let named = (copy.region.clone(), key.clone());
        if !keys.contains(&named) {
            keys.push(named);
        }
    }
    keys
}

#[cfg(test)]
mod tests;
