//! What would be decided now: the same judgement, on what is seen now; where the primary works, but for its death.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Receiver, ReplicaSeen, Seen, Witness, classify, decide};
use crate::{
    component::ActiveSide,
    failover::{lease::Lease, run::Run},
    plan::{FailureClass, Policy},
    watch::{
        health::{Endpoint, Look, Verdict},
        probe::{Streak, later},
    },
    words::wal::LastSeen,
};

/// What a run that nobody ordered would decide now; while the primary works, if its host fell silent now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// Whether the primary fails now, so that nothing had to be supposed.
    pub fails: bool,
    /// Whether a failover would follow, and how.
    pub verdict: Would,
    /// Whether what it would be refused for now passes by itself, so that a run would wait for it.
    #[serde(default)]
    pub passes: bool,
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

/// Rehearses the judgement for a run that nobody orders. Who holds the lease is another question.
#[must_use]
pub fn rehearse(seen: Seen, lease: Option<&Lease>, run: &Run, now: Timestamp) -> Rehearsal {
    // What an earlier run shut, the next one owes.
    let run = &Run { owes: lease.and_then(|lease| lease.shut.clone()), ..run.clone() };
    let replication = replication(&seen);
    // The watch may be a sample behind.
    let fails = seen.watch.failing.is_some() && seen.recovery.database != Verdict::Up;
    let told = |verdict, because: String, class| Rehearsal {
        fails,
        verdict,
        passes: false,
        because,
        class,
        replication: replication.clone(),
    };
    if lease.is_some_and(|lease| lease.active == ActiveSide::Replica && lease.unfinished.is_none()) {
        let because = "it failed over already, and its replication has not been restored since";
        return told(Would::Refuse, because.into(), None);
    }
    if let (Verdict::Up, Some(why)) = (seen.recovery.database, blind(&seen.witness)) {
        let because = format!(
            "the primary answers us and the witness does not see it up, so that the witness could not tell a dead primary from a cut-off recovery Region: {why}"
        );
        return told(Would::Refuse, because, None);
    }
    // As late as the alarm and the plan's wait would let it be judged.
    let decision = if fails {
        decide(&seen, run, None, now)
    } else {
        let died = died(seen, run, now);
        let wait = run.plan.wait_for(classify(&died));
        decide(&died, run, None, later(now, wait))
    };
    match decision {
        Decision::Go(judgement) => {
            let verdict = match judgement.policy {
                Policy::Automatic => Would::FailOver,
                Policy::Approval => Would::AskAPerson,
                Policy::Never => Would::Refuse,
            };
            let because = format!("a failure of class {}; may lose {}", judgement.class, judgement.loss);
            told(verdict, because, Some(judgement.class))
        }
        Decision::Hold(why) => Rehearsal { passes: true, ..told(Would::Refuse, why, None) },
        Decision::Refuse(why) => told(Would::Refuse, why, None),
    }
}

/// Why a witness does not see a primary that works. Without subnets in the primary's network a private address is always
/// down.
fn blind(witness: &Witness) -> Option<&str> {
    match witness {
        Witness::Looked(look) if look.database != Verdict::Up => Some(&look.because),
        // One that does not answer makes a class unknown, which has a policy of its own.
        Witness::Looked(_) | Witness::Silent(_) | Witness::NotPlanned => None,
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
        watch.last_seen = Some(LastSeen::new(lsn, seen.recovery.at).after(watch.last_seen));
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
