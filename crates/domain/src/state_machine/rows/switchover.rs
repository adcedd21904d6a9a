//! The switchover: the primary works, and hands over all that it has. From its promotion on it goes the failover's way.

use serde_json::{Value, json};

use super::kept::{answered, caught, in_record};
use super::moving::{self, Ends};
use crate::state_machine::name::StateName::{self, *};
use crate::state_machine::retry::{Again, Patience};
use crate::state_machine::row::{Row, rows, step};
use crate::state_machine::{Definition, NOTHING, pause::Pause};
use crate::run::outcome::RunOutcome::{NeedsAPerson, Refused};

const ENDS: Ends = Ends {
    noun: "switchover", done: SwitchoverDone, degraded: SwitchoverDegraded, refused: SwitchoverRefused,
    undone: SwitchoverUndone, needs_a_person: SwitchoverNeedsAPerson,
};

pub(super) fn definition() -> Definition {
    Definition {
        comment: "Hands a plan's primary over to its recovery Region while both work, and loses nothing: the old \
            primary stops taking writes and proves its log's end, and the replica is promoted only once it has \
            replayed it. Up to PromoteReplica everything is undone in reverse; from there it only goes forward. Every \
            path leaves its record by CloseRun. The waits for traffic and for hardening take at most 14 hours, and all \
            others together less than 2, so the machine's own time-out is never the way a run ends.",
        timeout_seconds: 28 * 3_600,
        rows: vec![
            rehearse(), drain_and_promote(),
            moving::switch_traffic("the old one refuses those who are still sent there", FencePrimary),
            shut_in(), moving::close(ENDS), moving::harden(ENDS),
            ENDS.rows("The new primary takes writes and has everything that the old one had, traffic goes to it, and \
                the plan's checks passed. The old primary refuses the application.",
                "The old primary was drained and takes the application's writes again; nothing was promoted."),
        ],
    }
}

/// Whatever could be known before anything is changed.
fn rehearse() -> Vec<Row> {
    rows![
        moving::begin_record(NOTHING),
        moving::open_run()
            .asks(IsOpen, "A run that did not get the lease changes nothing: another one is at work, or replication is \
                not restored yet.")
            .done(RehearsePromoteReplica).otherwise(answered(Refused), CloseRun),
        rehearsal(RehearsePromoteReplica, "Looks whether RDS would promote the replica now, because after the drain it \
            would be too late to learn that it is busy. It also starts the function that the application will wait \
            for. Only the lease is held.",
            ("promote-replica", json!({
                "run": "$run", "judgement": null, "fencing": null, "drain": null, "rehearse": true,
            })),
            (IsReplicaReady, "A replica that cannot be promoted now is a reason to wait for another hour, not to try."),
            RehearseDnsSwitch),
        rehearsal(RehearseDnsSwitch, "Looks whether the record is the plan's and its servers answer, for the same two \
            reasons. Only the lease is held.", ("dns-switch", json!({ "run": "$run", "rehearse": true })),
            (IsRecordReady, "A record that someone moved is refused before anything is changed."), RehearseDrainPrimary),
        rehearsal(RehearseDrainPrimary, "Looks whether the primary is healthy and its replica follows closely: a \
            switchover is no way out of a failure. Only the lease is held.",
            ("drain-primary", json!({ "run": "$run", "order": "rehearse" })),
            (IsPrimaryReady, "The last answer before anything is changed. From here to the switch of the record the \
                application is not served."), DrainPrimary),
        moving::owes_an_undo(),
    ]
}

fn rehearsal(
    name: StateName, comment: &str, (function, event): (&'static str, Value), (asks, why): (StateName, &str),
    next: StateName,
) -> Row {
    let looks = step(name, comment).calls(function, event).again(Again::conflict_or_database(3));
    let looks = looks.keeps(in_record("rehearsal")).fails(caught(NeedsAPerson), OwesAnUndo).asks(asks, why);
    looks.done(next).otherwise(answered(Refused), OwesAnUndo).into()
}

/// The application's writes end on one side, and begin on the other.
fn drain_and_promote() -> Vec<Row> {
    rows![
        step(DrainPrimary, "Ends the application's sessions on the primary, reads where its log ends, and waits for \
            the replica to have all of it. If we stop here, nobody takes the application's writes and nothing has \
            taken the primary's place: UndoFencePrimary opens it again.")
            .calls("drain-primary", json!({ "run": "$run", "order": "drain" }))
            .patience(Patience::Short).again(Again::conflict_or_database(3)).keeps(in_record("drain"))
            .catches_because("A newer run owns the primary: opening it again would be this run's old view of the \
                world.", &["Superseded"], caught(NeedsAPerson), CloseRun)
            .fails(caught(None), UndoFencePrimary)
            .asks(IsDrained, "Done is a proof: the log's end, and a replica that has replayed it. Pending means that \
                it is still replaying; too long, and the application is served by the old primary again.")
            .done(PromoteReplica)
            .polls(10, "not drained", WaitForReplay, Pause::at_once_then_rising_to(5, 5), "The replica replays what is \
                left. Asks at once for the first five, then after 1 s, 2 s, up to 5 s: nobody is served meanwhile, so \
                it is given up after less than half a minute.")
            .otherwise(answered(None), UndoFencePrimary),
        moving::promote_replica("Point of no return. Makes the replica the primary if it has replayed the old one's \
            log to its proved end. If we stop here, it may or may not take writes, and the record says which was last \
            seen.",
            json!({
                "run": "$run", "judgement": null, "fencing": null, "drain": "$record.drain.did", "rehearse": false,
            }), DnsSwitch, "refuses the application"),
        moving::undo_fence("Lets the application into the old primary again, because nothing was promoted in its \
            place. If we stop here, it may refuse writes: RUNBOOK, SwitchoverNeedsAPerson.",
            NOTHING, "switchover"),
    ]
}

/// The old primary is shut in where it costs nobody anything.
fn shut_in() -> Vec<Row> {
    rows![
        step(FencePrimary, "Shuts the old primary in with its security group as well, after the switch, where it costs \
            nobody anything. If we stop here, traffic goes to the new primary, and the old one refuses the application \
            by its roles alone.")
            .calls("fence-primary", json!({ "run": "$run", "answers": false, "undo": false, "fencing": null }))
            .again(Again::conflict_or_database(3)).keeps(in_record("fencing")).fails(caught(NeedsAPerson), CloseRun)
            .asks(IsFenced, "An old primary that nobody can reach any more is Done too: recorded as unfenced, and it \
                refuses the application by its roles. There is no way back to open it.")
            .done(Verify).otherwise(answered(NeedsAPerson), CloseRun),
        moving::verify(),
    ]
}
