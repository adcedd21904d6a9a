//! Each need of a failover: when it is met, and what to do when it is not.

use jiff::Timestamp;

use super::{Finding, InstanceSeen, KeySeen, Need, Seen};
use crate::{
    backup::Quota,
    component::{PostgresPair, Side},
    failover::{
        judgement::{Rehearsal, Would},
        run::Run,
    },
    plan::FailureClass,
    run::step::Outcome,
    watch::instance_status::InstanceStatus,
    words::{
        id::{InstanceId, KmsKeyId, PlanName, Region, SecurityGroupId},
        time_span::TimeSpan,
    },
};

pub(super) fn rehearsed(rehearsal: &Result<Rehearsal, String>) -> Finding {
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
        Ok(Rehearsal { verdict: Would::Refuse, passes: true, because, .. }) => {
            Finding::ready(need, format!("a failover would wait until this has passed by itself: {because}"))
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

pub(super) fn logged_in(instance: &InstanceId, login: &Result<(), String>) -> Finding {
    match login {
        Ok(()) => Finding::ready(Need::Login, format!("`{instance}` lets Lifeboat in")),
        Err(why) => Finding::not_ready(
            Need::Login,
            format!("`{instance}` does not let Lifeboat in: {why}"),
            "See to the secret in this Region, to ca/rds.pem in its bucket, and to the way from the functions' subnets.",
        ),
    }
}

pub(super) fn written(write: &Result<(), String>) -> Finding {
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

pub(super) fn instance_of(side: &Side, region: &Region, seen: &Result<InstanceSeen, String>) -> Vec<Finding> {
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

pub(super) fn versions(seen: &Seen) -> Option<Finding> {
    let (primary, replica) = (seen.primary.as_ref().ok()?, seen.replica.as_ref().ok()?);
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    let both = format!("the primary runs PostgreSQL {}, the replica {}", primary.version, replica.version);
    // A replica is upgraded first, so that minor versions may differ for days.
    Some(if major(&primary.version) == major(&replica.version) {
        Finding::ready(Need::Instances, both)
    } else {
        Finding::not_ready(
            Need::Instances,
            both,
            "Bring both to the same major version: RDS does not replicate between two.",
        )
    })
}

/// How long before the end of a server's certificate a person is told. RDS renews most by itself, months before.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html>
const CERTIFICATE_ENDS_SOON: TimeSpan = TimeSpan::seconds(14 * 24 * 3600);

/// Whether clients that verify the server will still be let in. Where RDS does not say until when, the logins tell.
pub(super) fn certified(side: &Side, seen: &Result<InstanceSeen, String>, now: Timestamp) -> Option<Finding> {
    let until = seen.as_ref().ok()?.certificate_until?;
    let instance = &side.instance;
    if TimeSpan::between(now, until) > CERTIFICATE_ENDS_SOON {
        return Some(Finding::ready(Need::Login, format!("the certificate of `{instance}` is good until {until:.0}")));
    }
    let because = if until > now {
        format!("the certificate of `{instance}` ends at {until:.0}; nobody who verifies it gets in after that")
    } else {
        format!("the certificate of `{instance}` ended at {until:.0}; nobody who verifies it gets in")
    };
    Some(Finding::not_ready(
        Need::Login,
        because,
        "See why RDS has not renewed it, among the instance's pending maintenance, or give it another CA: \
         aws rds modify-db-instance --ca-certificate-identifier … --apply-immediately. Clients must know that CA first, and some \
         versions restart for it.",
    ))
}

/// How long RDS takes to fail over to the standby in another zone: "60 to 120 seconds" as a rule, and half of it more.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html>
const STANDBY_TAKES_OVER_WITHIN: TimeSpan = TimeSpan::seconds(180);

/// Which may come first where the primary has a standby. It is the plan's choice, and worth a word.
pub(super) fn standby(seen: &Seen, run: &Run) -> Option<Finding> {
    let by_class = FailureClass::TAKING.into_iter().map(|class| run.plan.unseen(class));
    let ours = by_class.min().unwrap_or_default();
    let may_be_first = seen.primary.as_ref().is_ok_and(|primary| primary.multi_az) && ours < STANDBY_TAKES_OVER_WITHIN;
    may_be_first.then(|| {
        let because = format!(
            "the primary has a standby in another zone, which takes over within {STANDBY_TAKES_OVER_WITHIN} as a rule; the other \
             Region may come first, {ours} after the primary was last seen"
        );
        Finding::ready(Need::Instances, because)
    })
}

/// The quota that a failover does not touch.
pub(super) const INSTANCES: &str = "DB instances";

pub(super) fn room(region: &Region, what: &str, quota: &Result<Quota, String>) -> Finding {
    match quota {
        Err(why) => Finding::unknown(
            Need::Quotas,
            format!("the quota of {what} in {region} could not be read: {why}"),
            "See to the role of check-readiness.",
        ),
        Ok(Quota { used, most }) if used >= most && what == INSTANCES => Finding::ready(
            Need::Quotas,
            format!(
                "{used} of {most} {what} in {region} are used: a failover makes none, and no backup can be restored"
            ),
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

pub(super) fn kms_key(region: &Region, key: &KmsKeyId, seen: &Result<KeySeen, String>) -> Finding {
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

pub(super) fn record(seen: &Seen, run: &Run) -> Finding {
    let record = &run.plan.traffic.record;
    match (&seen.switch, &seen.name) {
        (Err(why), _) => Finding::unknown(
            Need::Record,
            format!("the switch of `{}` could not be rehearsed: {why}", record.name),
            "Look at the function dns-switch's log.",
        ),
        (Ok(step), _) if step.step != Outcome::Done => Finding::not_ready(
            Need::Record,
            step.because.clone(),
            "Set the record as the plan says, or correct the plan; RUNBOOK.md, \"The record leads elsewhere\".",
        ),
        (Ok(_), Err(why)) => Finding::not_ready(
            Need::Record,
            format!("`{}` cannot be looked up from the functions' networks: {why}", record.name),
            "Associate the zone with the functions' VPC if it is private; the checks after a switch look it up there.",
        ),
        (Ok(step), Ok(_)) => Finding::ready(Need::Record, step.because.clone()),
    }
}

pub(super) fn functions(seen: &[(String, Result<(), String>)]) -> Vec<Finding> {
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

pub(super) fn claims(claims: &Result<Vec<(InstanceId, PlanName)>, String>) -> Finding {
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

/// How far back the primary's automated backups reach, where the plan says how far they are to. The replica has none of use
/// before it is promoted, and is given its own then: that is worth a word. An instance that RDS does not tell of is told
/// already.
pub(super) fn points_in_time(seen: &Seen, pair: &PostgresPair, region: &Region) -> Vec<Finding> {
    let (Some(wanted), Ok(primary)) = (pair.point_in_time_days(), &seen.primary) else { return Vec::new() };
    let (instance, has) = (&pair.primary.instance, primary.retention_days);
    let later = pair.after_promotion.retention_days();
    let after = format!("after a failover they begin anew in the other Region, and are kept {later} days");
    if has >= wanted {
        let because =
            format!("`{instance}` keeps its automated backups for {has} days, the plan asks for {wanted}; {after}");
        return vec![Finding::ready(Need::PointInTime, because)];
    }
    let because = if has == 0 {
        format!(
            "`{instance}` has no automated backups: no point in time can be restored, the plan asks for {wanted} days"
        )
    } else {
        format!("`{instance}` keeps its automated backups for {has} days, the plan asks for {wanted}")
    };
    // From some days to more nothing is made, so that it waits for no window.
    let begins = if has == 0 {
        " --apply-immediately. RDS may interrupt it for its first backup, and applies its other pending changes as well: choose \
         the time."
    } else {
        ""
    };
    let command = "aws rds modify-db-instance";
    let remedy = format!(
        "{command} --region {region} --db-instance-identifier {instance} --backup-retention-period {wanted}{begins}"
    );
    vec![Finding::not_ready(Need::PointInTime, because, remedy)]
}
