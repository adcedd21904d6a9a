use super::*;
use crate::{
    failover::run::Trigger,
    words::{id::Generation, wal::LastSeen},
};

fn run() -> Run {
    Run {
        execution: "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:a".parse().unwrap(),
        plan: crate::plan_file::lab_pair(),
        plan_version: "1".into(),
        generation: Generation(1),
        trigger: Trigger::Person { by: "anna".parse().unwrap(), why: "a test".into(), proved: None },
        taken_over: None,
        owes: None,
        consent: None,
        opened_at: Timestamp::UNIX_EPOCH,
    }
}

fn position(replayed: u64) -> ReplicaPosition {
    ReplicaPosition {
        received: Lsn(replayed),
        replayed: Lsn(replayed),
        replayed_commit_at: Some(Timestamp::UNIX_EPOCH),
    }
}

fn seen(status: &str, is_replica: bool, server: Server) -> Seen {
    Seen { api: Instance { status: status.into(), is_replica }, server }
}

fn failed(lsn: Option<u64>) -> Grounds {
    let last_seen = lsn.map(|lsn| LastSeen::new(Lsn(lsn), Timestamp::UNIX_EPOCH));
    Grounds::Failed { last_seen, since: Timestamp::UNIX_EPOCH, dead_since: Some(Timestamp::UNIX_EPOCH) }
}

fn planned(seen: &Seen, grounds: &Grounds, before: Before, consented: bool) -> Move {
    plan(seen, &run(), grounds, before, consented, Timestamp::from_second(60).unwrap())
}

fn plan_it(seen: &Seen, lsn: Option<u64>, asked: bool) -> Move {
    planned(seen, &failed(lsn), if asked { Before::ByUs } else { Before::Never }, false)
}

#[test]
fn a_replica_that_has_everything_is_promoted() {
    let seen = seen("available", true, Server::InRecovery(position(10)));
    let loss = Loss::AtMost { wal_bytes: 0, time: TimeSpan::seconds(0), unseen: TimeSpan::seconds(0) };
    assert_eq!(plan_it(&seen, Some(10), false), Move::Promote { loss, position: position(10) });
}

#[test]
fn a_replica_whose_lag_is_unknown_is_not_promoted() {
    let seen = seen("available", true, Server::InRecovery(position(10)));
    assert!(matches!(plan_it(&seen, None, false), Move::Refuse(_)));
}

#[test]
fn a_replica_above_the_budget_is_not_promoted_without_consent() {
    let seen = seen("available", true, Server::InRecovery(position(0)));
    assert!(matches!(plan_it(&seen, Some(1_048_577), false), Move::Refuse(_)));
    let grounds = failed(Some(1_048_577));
    assert!(matches!(planned(&seen, &grounds, Before::Never, true), Move::Promote { .. }));
    assert!(matches!(planned(&seen, &grounds, Before::ByUs, false), Move::Promote { .. }), "accepted already");
    assert!(matches!(planned(&seen, &grounds, Before::ByAnother, false), Move::Refuse(_)), "known since");
}

#[test]
fn a_primary_that_was_only_silent_may_have_written_until_now() {
    let seen = seen("available", true, Server::InRecovery(position(10)));
    let Grounds::Failed { last_seen, since, .. } = failed(Some(10)) else { panic!("not failed") };
    for (dead_since, unseen) in [(Some(since), TimeSpan::seconds(0)), (None, TimeSpan::seconds(60))] {
        let grounds = Grounds::Failed { last_seen, since, dead_since };
        let Move::Promote { loss, .. } = planned(&seen, &grounds, Before::Never, false) else { panic!("refused") };
        assert_eq!(loss, Loss::AtMost { wal_bytes: 0, time: TimeSpan::seconds(0), unseen });
    }
}

#[test]
fn a_drained_primary_s_replica_is_promoted_only_with_all_of_its_log_whoever_consents() {
    for (replayed, promoted) in [(9, false), (10, true), (11, true)] {
        let seen = seen("available", true, Server::InRecovery(position(replayed)));
        let drained = |before| planned(&seen, &Grounds::Drained(Lsn(10)), before, true);
        assert_eq!(matches!(drained(Before::Never), Move::Promote { .. }), promoted, "{replayed}");
        assert_eq!(matches!(drained(Before::Never), Move::Refuse(_)), !promoted, "{replayed}");
        assert_eq!(matches!(drained(Before::ByUs), Move::Wait(_)), !promoted, "once asked: {replayed}");
    }
}

#[test]
fn a_replica_that_rds_would_refuse_is_refused_here() {
    for status in ["backing-up", "modifying", "creating", "storage-full", "a word of next year"] {
        let seen = seen(status, true, Server::InRecovery(position(10)));
        assert!(matches!(plan_it(&seen, Some(10), false), Move::Refuse(_)), "{status}");
    }
    let optimized = seen("storage-optimization", true, Server::InRecovery(position(10)));
    assert!(matches!(plan_it(&optimized, Some(10), false), Move::Promote { .. }));
}

#[test]
fn once_asked_for_it_is_only_waited_for() {
    for server in [Server::InRecovery(position(10)), Server::Silent("refused".into())] {
        assert!(matches!(plan_it(&seen("modifying", true, server.clone()), Some(10), true), Move::Wait(_)));
        assert!(matches!(plan_it(&seen("rebooting", false, server), Some(10), true), Move::Wait(_)));
    }
}

#[test]
fn an_ask_that_never_arrived_is_repeated() {
    for status in ["available", "storage-optimization"] {
        let seen = seen(status, true, Server::InRecovery(position(10)));
        assert!(matches!(plan_it(&seen, Some(10), true), Move::Promote { .. }), "{status}");
    }
}

#[test]
fn it_is_done_only_when_api_and_server_agree() {
    assert_eq!(plan_it(&seen("available", false, Server::Writable), Some(10), true), Move::Confirm);
    assert!(matches!(plan_it(&seen("modifying", true, Server::Writable), Some(10), true), Move::Wait(_)));
    assert!(matches!(
        plan_it(&seen("available", false, Server::InRecovery(position(10))), Some(10), true),
        Move::Wait(_)
    ));
}
