//! What each thing that was seen says of the primary, and since when it fails.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    api::ApiSeen,
    seen::{Receiver, ReplicaSeen, Seen, Witness},
};
use crate::{
    failover::run::{Run, Trigger},
    watch::health::{Endpoint, Look, Vantage, Verdict},
    words::time_span::TimeSpan,
};

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

/// A WAL receiver that heard of the primary this recently is proof of life: PostgreSQL's `wal_receiver_status_interval`
/// is 10 s, but a primary in use is heard with every commit.
const PROOF_OF_LIFE: TimeSpan = TimeSpan::seconds(1);

/// A receiver that has been silent for longer has come to the end of what was under way when its primary died: by default
/// a primary that has nothing to say is heard every 10 s, `wal_receiver_status_interval`, and half of
/// `wal_sender_timeout` of 60 s at the latest.
const STILL_FLOWS: TimeSpan = TimeSpan::seconds(30);

/// Since when the primary's own host says that it does not serve. A host that is silent may serve others.
pub(super) fn dead_since(seen: &Seen, failing_since: Timestamp) -> Option<Timestamp> {
    let told =
        seen.recovery.database == Verdict::Down && matches!(seen.recovery.endpoint, Endpoint::Refused | Endpoint::Open);
    told.then_some(failing_since)
}

/// Since when the primary fails: as the watch counted, else since the trigger; never before it was last seen to work,
/// however old the event is that comes again.
pub(super) fn failing_since(seen: &Seen, run: &Run) -> Timestamp {
    match (&seen.watch.failing, &run.trigger) {
        (Some(streak), _) => streak.since,
        (None, Trigger::Alarm { at, .. } | Trigger::Again { since: at, .. }) => {
            seen.watch.last_seen.map_or(run.opened_at, |seen| (*at).max(seen.at)).min(run.opened_at)
        }
        (None, Trigger::Person { .. }) => run.opened_at,
    }
}

/// Every signal with its verdict.
pub(super) fn signals(seen: &Seen, run: &Run, now: Timestamp) -> Vec<Signal> {
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
    let (verdict, because) = of_receiver(&seen.replica, failing_since(seen, run), now);
    signals.push(Signal { vantage: Vantage::Replica, verdict, because, at: now });
    // RDS's status lags behind a host's death by minutes, so that `available` proves nothing.
    let because = match &seen.api {
        ApiSeen::Status(status) => format!("RDS says {status}"),
        ApiSeen::Untold(why) => format!("RDS does not say: {why}"),
        ApiSeen::Silent(why) => format!("the RDS API is silent: {why}"),
    };
    signals.push(Signal { vantage: Vantage::Api, verdict: Verdict::Unknown, because, at: now });
    signals
}

fn of_look(vantage: Vantage, look: &Look) -> Signal {
    Signal { vantage, verdict: look.database, because: look.because.clone(), at: look.at }
}

fn of_receiver(replica: &ReplicaSeen, failing_since: Timestamp, now: Timestamp) -> (Verdict, String) {
    match replica {
        ReplicaSeen::Replica { receiver: Receiver::Absent, .. } => (Verdict::Down, "no WAL receiver runs".into()),
        ReplicaSeen::Replica { receiver: Receiver::Streaming { heard_at }, .. } => {
            let silent_for = TimeSpan::between(*heard_at, now);
            if *heard_at > crate::watch::probe::later(failing_since, PROOF_OF_LIFE) && silent_for <= STILL_FLOWS {
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
