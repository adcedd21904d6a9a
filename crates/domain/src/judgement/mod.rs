//! Whether to fail over. Detect, decide and act are apart: this decides, from signals taken just now, and
//! says why, also when it says no.

mod class;
mod loss;
mod rehearsal;

pub use class::classify;
pub use loss::{Loss, lag};
pub use rehearsal::{Rehearsal, Would, rehearse};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    health::{FailureClass, Look, Vantage, Verdict},
    id::HostName,
    lease::Phase,
    plan::Policy,
    probe::Watch,
    run::{Run, Trigger},
    span::Span,
    wal::{LastSeen, ReplicaPosition},
};

/// Everything the judge looked at, just now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The primary, from the recovery Region.
    pub recovery: Look,
    /// The primary, from the witness Region.
    pub witness: Witness,
    /// The replica.
    pub replica: ReplicaSeen,
    /// What RDS says of the primary.
    pub api: ApiSeen,
    /// Where the traffic's name leads.
    pub record: RecordSeen,
    /// What the watch remembers.
    pub watch: Watch,
}

/// The primary, from the witness Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Witness {
    /// The plan names none.
    NotPlanned,
    /// It did not answer, and why.
    Silent(String),
    /// It looked.
    Looked(Look),
}

/// The replica, by its own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ReplicaSeen {
    /// It answers as a replica.
    Replica {
        /// How far it is.
        position: ReplicaPosition,
        /// Its WAL receiver.
        receiver: Receiver,
    },
    /// It takes writes: someone promoted it.
    Primary,
    /// It does not answer, and why.
    Silent(String),
}

/// A replica's WAL receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Receiver {
    /// None runs: the stream is broken.
    Absent,
    /// One runs; it last heard of the primary then.
    Streaming {
        /// When the newest message of the primary arrived.
        heard_at: Timestamp,
    },
}

/// What RDS says of the primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ApiSeen {
    /// The instance's status.
    Status(String),
    /// The Region's API did not answer, and why.
    Silent(String),
}

/// Where the traffic's name leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordSeen {
    /// To this name.
    Names(HostName),
    /// It could not be told, and why.
    Unknown(String),
}

/// One signal, as the record shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signal {
    /// Who looked.
    pub vantage: Vantage,
    /// What it says of the primary.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub because: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// What the judge decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Fail over, asking first where the policy says so.
    Go(Judgement),
    /// Not yet: the hold-down is not over, or the primary has only just come back. Ask again.
    Hold(String),
    /// Do not.
    Refuse(String),
}

/// A decision to fail over, and on what grounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Judgement {
    /// What the failure looks like.
    pub class: FailureClass,
    /// Automatic, or approval.
    pub policy: Policy,
    /// What may be lost.
    pub loss: Loss,
    /// Where the primary's log stood when it was last seen.
    pub last_seen: Option<LastSeen>,
    /// Since when the primary fails.
    #[schemars(with = "String")]
    pub failing_since: Timestamp,
    /// How long a person has to answer, in seconds.
    pub approval_seconds: u64,
    /// Every signal.
    pub signals: Vec<Signal>,
}

/// A WAL receiver that heard of the primary this recently is proof of life: PostgreSQL's `wal_receiver_status_interval`
/// is 10 s, but a primary in use is heard with every commit.
const PROOF_OF_LIFE: Span = Span::seconds(1);

/// How long a run that an alarm started keeps looking at a primary that answers again. An alarm starts a run only when
/// it changes its state, and needs up to two of its periods of 10 s to come to rest: a primary that fails again before
/// would be nobody's.
pub const SETTLING: Span = Span::seconds(30);

/// Decides. Refuses whenever in doubt.
#[must_use]
pub fn decide(seen: &Seen, run: &Run, now: Timestamp) -> Decision {
    let signals = signals(seen, run, now);
    match objections(seen, run, &signals, now) {
        Some(decision) => decision,
        None => judge(seen, run, signals, now),
    }
}

/// What speaks against any failover, whatever the class.
fn objections(seen: &Seen, run: &Run, signals: &[Signal], now: Timestamp) -> Option<Decision> {
    let refuse = |why: String| Some(Decision::Refuse(why));
    let Some(pair) = run.pair() else {
        return refuse("the plan's traffic names no component".into());
    };
    match &seen.record {
        RecordSeen::Names(name) if *name == pair.primary.endpoint => {}
        RecordSeen::Names(name) if *name == pair.replica.endpoint && finishing(run) => {}
        RecordSeen::Names(name) => {
            return refuse(format!(
                "`{}` leads to `{name}`, the plan says `{}`: someone moved it, nothing is changed",
                run.plan.traffic.record.name, pair.primary.endpoint
            ));
        }
        RecordSeen::Unknown(_) => {}
    }
    if let ReplicaSeen::Primary = seen.replica {
        return if finishing(run) {
            None
        } else {
            refuse(format!("`{}` takes writes already: promoted by someone else", pair.replica.instance))
        };
    }
    if let Some(alive) = signals.iter().find(|signal| signal.verdict == Verdict::Up) {
        if alive.vantage == Vantage::Recovery
            && matches!(run.trigger, Trigger::Alarm { .. })
            && Span::between(run.opened_at, now) < SETTLING
        {
            return Some(Decision::Hold(format!(
                "the primary answers again, and is watched for {SETTLING} before this is over: {}",
                alive.because
            )));
        }
        return refuse(match alive.vantage {
            Vantage::Recovery => format!("the primary answers again: {}", alive.because),
            Vantage::Witness => {
                format!("the witness reaches the primary, so it is we who are cut off: {}", alive.because)
            }
            Vantage::Replica => format!("the primary lives, its log still flows to the replica: {}", alive.because),
            Vantage::Api => format!("the primary lives: {}", alive.because),
        });
    }
    if let ApiSeen::Status(status) = &seen.api
        && let Some(why) = planned_work(status)
    {
        return refuse(format!("RDS says that `{}` is {status}: {why}", pair.primary.instance));
    }
    if let ReplicaSeen::Silent(why) = &seen.replica {
        return refuse(format!(
            "`{}` does not answer, so there is nothing to fail over to: {why}",
            pair.replica.instance
        ));
    }
    None
}

/// The hold-down, the loss and the policy of a failure that nothing speaks against.
fn judge(seen: &Seen, run: &Run, signals: Vec<Signal>, now: Timestamp) -> Decision {
    let plan = &run.plan;
    let failing_since = failing_since(seen, run);
    let failing_for = Span::between(failing_since, now);
    if matches!(run.trigger, Trigger::Alarm { .. }) && failing_for < plan.probe.hold_down {
        return Decision::Hold(format!(
            "the primary has failed for {failing_for}, the hold-down is {}",
            plan.probe.hold_down
        ));
    }
    let loss = match &seen.replica {
        ReplicaSeen::Replica { position, .. } => lag(seen.watch.last_seen, failing_since, position, &plan.probe),
        ReplicaSeen::Primary => Loss::Promoted,
        ReplicaSeen::Silent(why) => Loss::Unknown { because: why.clone() },
    };
    if let Some(why) = loss.above(&plan.failover.data_loss_budget)
        && run.consent.is_none()
    {
        // A healthy primary's position is written down seldom, a failing one's at once: a person may be faster.
        let watch_needs = plan.probe.interval.times(2) + plan.probe.timeout + Span::seconds(1);
        if seen.watch.failing.is_none() && Span::between(run.opened_at, now) < watch_needs {
            return Decision::Hold(format!("the watch has not written down yet that the primary fails: {why}"));
        }
        return Decision::Refuse(format!("{why}; a person may consent to the loss for one run, by name"));
    }
    let class = classify(seen);
    let policy = match (plan.failover.policy.of(class), &run.trigger) {
        // The promotion was decided and is done: what is left only goes forward.
        _ if finishing(run) && seen.replica == ReplicaSeen::Primary => Policy::Automatic,
        (Policy::Never, _) => {
            return Decision::Refuse(format!("the plan never fails over for a failure of class {class}"));
        }
        // We may be the ones who are cut off: that is never decided without a person.
        (Policy::Automatic, Trigger::Alarm { .. }) if class == FailureClass::Network => Policy::Approval,
        (Policy::Automatic, _) | (Policy::Approval, Trigger::Person { .. }) => Policy::Automatic,
        (Policy::Approval, Trigger::Alarm { .. }) => Policy::Approval,
    };
    Decision::Go(Judgement {
        class,
        policy,
        loss,
        last_seen: seen.watch.last_seen,
        failing_since,
        approval_seconds: plan.failover.approval_deadline.duration().as_secs().max(1),
        signals,
    })
}

/// Whether this run finishes what a dead one began after its point of no return.
fn finishing(run: &Run) -> bool {
    run.taken_over.as_ref().is_some_and(|holder| holder.phase == Phase::Promoting)
}

/// Since when the primary fails: as the watch counted, else since the trigger.
fn failing_since(seen: &Seen, run: &Run) -> Timestamp {
    match (&seen.watch.failing, &run.trigger) {
        (Some(streak), _) => streak.since,
        (None, Trigger::Alarm { at, .. }) => *at,
        (None, Trigger::Person { .. }) => run.opened_at,
    }
}

/// Statuses in which someone is at work on the instance, or has put it away.
fn planned_work(status: &str) -> Option<&'static str> {
    match status {
        "rebooting"
        | "upgrading"
        | "maintenance"
        | "renaming"
        | "resetting-master-credentials"
        | "converting-to-vpc"
        | "moving-to-vpc" => Some("it comes back by itself, or someone is at work on it"),
        "stopped" | "stopping" | "starting" | "deleting" | "creating" => {
            Some("someone put it away, a failover is not what they asked for")
        }
        _ => None,
    }
}

/// Every signal with its verdict.
fn signals(seen: &Seen, run: &Run, now: Timestamp) -> Vec<Signal> {
    let mut signals = vec![of_look(Vantage::Recovery, &seen.recovery)];
    match &seen.witness {
        Witness::NotPlanned => {}
        Witness::Silent(why) => {
            signals.push(Signal {
                vantage: Vantage::Witness,
                verdict: Verdict::Unknown,
                because: format!("the witness is silent: {why}"),
                at: now,
            });
        }
        Witness::Looked(look) => signals.push(of_look(Vantage::Witness, look)),
    }
    let (verdict, because) = of_receiver(&seen.replica, failing_since(seen, run));
    signals.push(Signal { vantage: Vantage::Replica, verdict, because, at: now });
    // RDS's status lags behind a host's death by minutes, so that `available` proves nothing.
    let because = match &seen.api {
        ApiSeen::Status(status) => format!("RDS says {status}"),
        ApiSeen::Silent(why) => format!("the RDS API is silent: {why}"),
    };
    signals.push(Signal { vantage: Vantage::Api, verdict: Verdict::Unknown, because, at: now });
    signals
}

fn of_look(vantage: Vantage, look: &Look) -> Signal {
    Signal { vantage, verdict: look.database, because: look.because.clone(), at: look.at }
}

fn of_receiver(replica: &ReplicaSeen, failing_since: Timestamp) -> (Verdict, String) {
    match replica {
        ReplicaSeen::Replica { receiver: Receiver::Absent, .. } => (Verdict::Down, "no WAL receiver runs".into()),
        ReplicaSeen::Replica { receiver: Receiver::Streaming { heard_at }, .. } => {
            if *heard_at > crate::probe::later(failing_since, PROOF_OF_LIFE) {
                (
                    Verdict::Up,
                    format!("the WAL receiver heard of the primary at {heard_at}, after it failed at {failing_since}"),
                )
            } else {
                (Verdict::Unknown, format!("the WAL receiver waits, it last heard of the primary at {heard_at}"))
            }
        }
        ReplicaSeen::Primary => (Verdict::Unknown, "the replica was promoted".into()),
        ReplicaSeen::Silent(why) => (Verdict::Unknown, format!("the replica is silent: {why}")),
    }
}

#[cfg(test)]
mod tests;
