//! What would be decided if the primary died now: the same judgement, on what is seen now but for its death.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Receiver, ReplicaSeen, Seen, Witness, decide};
use crate::{
    health::{Endpoint, FailureClass, Look, Verdict},
    lease::{ActiveSide, Lease},
    plan::Policy,
    probe::{Streak, later},
    run::Run,
    wal::LastSeen,
};

/// What would happen if the primary's host fell silent now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rehearsal {
    /// Whether a failover would follow, and how.
    pub verdict: Would,
    /// Why, in a sentence.
    pub because: String,
    /// What it would count as.
    pub class: Option<FailureClass>,
    /// The replica as it is now, in a sentence.
    pub replication: String,
}

/// Whether a failover would follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Would {
    /// By itself.
    FailOver,
    /// After a person's word.
    AskAPerson,
    /// Not at all.
    Refuse,
}

/// Rehearses the judgement for a run that an alarm would start.
#[must_use]
pub fn rehearse(seen: Seen, lease: Option<&Lease>, run: &Run, now: Timestamp) -> Rehearsal {
    let replication = replication(&seen);
    let refuse =
        |because: String| Rehearsal { verdict: Would::Refuse, because, class: None, replication: replication.clone() };
    if lease.is_some_and(|lease| lease.active == ActiveSide::Replica) {
        return refuse("it failed over already, and its replication has not been restored since".into());
    }
    if let Some(holder) = lease.and_then(|lease| lease.holder.as_ref()) {
        return refuse(format!("run `{}` holds the lease", holder.execution.name()));
    }
    // As late as the alarm and the hold-down would let it be judged.
    let then = later(now, run.plan.probe.hold_down);
    match decide(&died(seen, run, now), run, then) {
        Decision::Go(judgement) => Rehearsal {
            verdict: match judgement.policy {
                Policy::Automatic => Would::FailOver,
                Policy::Approval => Would::AskAPerson,
                Policy::Never => Would::Refuse,
            },
            because: format!("a failure of class {}; may lose {}", judgement.class, judgement.loss),
            class: Some(judgement.class),
            replication,
        },
        Decision::Hold(why) | Decision::Refuse(why) => refuse(why),
    }
}

/// The same view, with the primary's host silent for as long as its alarm and the hold-down need.
fn died(seen: Seen, run: &Run, now: Timestamp) -> Seen {
    let silent = |look: Look| Look {
        endpoint: Endpoint::Silent,
        database: Verdict::Down,
        because: "supposed to be silent".into(),
        lsn: None,
        ..look
    };
    let mut watch = seen.watch;
    if let (Verdict::Up, Some(lsn)) = (seen.recovery.database, seen.recovery.lsn) {
        watch.last_seen = Some(LastSeen { lsn, at: seen.recovery.at });
    }
    let probe = &run.plan.probe;
    let since = watch.last_seen.map_or(run.opened_at, |seen| seen.at);
    watch.failing = Some(Streak { since, until: now, failures: probe.failures_in_a_row, because: "supposed".into() });
    Seen {
        recovery: silent(seen.recovery),
        witness: match seen.witness {
            Witness::Looked(look) => Witness::Looked(silent(look)),
            other @ (Witness::NotPlanned | Witness::Silent(_)) => other,
        },
        replica: match seen.replica {
            ReplicaSeen::Replica { position, .. } => ReplicaSeen::Replica { position, receiver: Receiver::Absent },
            other @ (ReplicaSeen::Primary | ReplicaSeen::Silent(_)) => other,
        },
        watch,
        ..seen
    }
}

fn replication(seen: &Seen) -> String {
    match &seen.replica {
        ReplicaSeen::Replica { position, receiver: Receiver::Streaming { heard_at } } => match seen.recovery.lsn {
            Some(lsn) => format!(
                "streaming, heard of the primary at {heard_at}; replayed {}, {} bytes behind",
                position.replayed,
                position.replayed.bytes_until(lsn)
            ),
            None => format!("streaming, heard of the primary at {heard_at}; replayed {}", position.replayed),
        },
        ReplicaSeen::Replica { position, receiver: Receiver::Absent } => {
            format!("NOT streaming; replayed {}", position.replayed)
        }
        ReplicaSeen::Primary => "none: the replica takes writes, it was promoted".into(),
        ReplicaSeen::Silent(why) => format!("unknown: the replica does not answer: {why}"),
    }
}
