//! Whether the next failover would go through: what it needs, looked at while nobody needs it.
//!
//! A failover that would be refused, or would stop halfway, is so known days before it is called for. What could not be
//! looked at is not ready: nobody knows that it would work.

mod buckets;
mod needs;
mod points;

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    backup::Quota,
    component::PostgresPair,
    failover::{judgement::Rehearsal, run::Run},
    restore::Replicated,
    run::step::Step,
    words::id::{HostName, InstanceId, KmsKeyId, PlanName, Region, SecurityGroupId},
};

pub use buckets::{BucketLook, ReplicationTold, unreplicated_remedy};

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
    /// That the primary's automated backups reach as far back as the plan says, and are in the other Region.
    PointInTime,
    /// The buckets beside it.
    Buckets,
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
            Self::PointInTime => "point in time",
            Self::Buckets => "buckets",
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
    /// Whether it has a standby in another zone.
    pub multi_az: bool,
    /// Until when its certificate is good, where RDS says so.
    pub certificate_until: Option<Timestamp>,
    /// Its security groups.
    pub security_groups: Vec<SecurityGroupId>,
    /// For how many days its automated backups are kept; zero means that there are none.
    pub retention_days: u8,
}

/// A KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySeen {
    /// `KeyState`, as `Enabled`.
    pub state: String,
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
    /// What the switch of the record would come to, by a rehearsal of it.
    pub switch: Result<Step<Value>, String>,
    /// Where the record's name leads, looked up where the checks after a switch look it up.
    pub name: Result<HostName, String>,
    /// Functions by their names, and whether they answered.
    pub functions: Vec<(String, Result<(), String>)>,
    /// Instances that another plan moves as well.
    pub claims: Result<Vec<(InstanceId, PlanName)>, String>,
    /// What the recovery Region has of the primary's automated backups, where the plan has them replicated there.
    pub replicated: Option<Result<Option<Replicated>, String>>,
    /// The plan's buckets.
    pub buckets: Vec<BucketLook>,
}

/// Says of each need how it is met.
#[must_use]
pub fn assess(seen: &Seen, run: &Run, pair: &PostgresPair, now: Timestamp) -> Readiness {
    let plan = &run.plan;
    let mut findings = vec![needs::rehearsed(&seen.rehearsal)];
    findings.extend(seen.logins.iter().map(|(instance, login)| needs::logged_in(instance, login)));
    findings.push(needs::written(&seen.write));
    let sides =
        [(&pair.primary, &plan.regions.primary, &seen.primary), (&pair.replica, &plan.regions.recovery, &seen.replica)];
    for (side, region, instance) in sides {
        findings.extend(needs::instance_of(side, region, instance));
        findings.extend(needs::certified(side, instance, now));
    }
    findings.extend(needs::versions(seen));
    findings.extend(needs::standby(seen, run));
    findings.extend(seen.quotas.iter().map(|(region, what, quota)| needs::room(region, what, quota)));
    findings.extend(seen.keys.iter().map(|(region, key, seen)| needs::kms_key(region, key, seen)));
    findings.push(needs::record(seen, run));
    findings.extend(needs::functions(&seen.functions));
    findings.push(needs::claims(&seen.claims));
    findings.extend(needs::points_in_time(seen, pair, &plan.regions.primary));
    findings.extend(points::replicated(seen.replicated.as_ref(), plan, pair, now));
    findings.extend(seen.buckets.iter().flat_map(|looked| buckets::bucket(looked, plan)));
    Readiness::new(plan.plan.clone(), now, findings)
}

impl Readiness {
    fn new(plan: PlanName, looked_at: Timestamp, findings: Vec<Finding>) -> Self {
        let ready = findings.iter().all(|finding| finding.state == State::Ready);
        Self { plan, looked_at, ready, findings }
    }

    /// What is not ready, or could not be looked at.
    pub fn lacking(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.state != State::Ready)
    }
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

/// A plan that failed over, whose replication has not been restored since: nothing else is worth a look.
#[must_use]
pub fn unprotected(plan: PlanName, now: Timestamp) -> Readiness {
    let because = "it failed over, and its replication has not been restored since";
    let remedy = "RUNBOOK.md, \"Protecting it again after a failover\".";
    let findings = vec![Finding::not_ready(Need::Judgement, because, remedy)];
    Readiness::new(plan, now, findings)
}

#[cfg(test)]
mod tests;
