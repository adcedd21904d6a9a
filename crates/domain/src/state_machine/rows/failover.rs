//! The failover: the primary failed, and its replica takes over.

use serde_json::json;

use super::kept::{answered, caught, in_record};
use super::moving::{self, Ends};
use crate::state_machine::row::{Row, question, rows, step};
use crate::state_machine::{Definition, NOTHING, name::StateName::*, pause::Pause, retry::Again, word::{ANSWER, ERROR}};
use crate::run::outcome::RunOutcome::{NeedsAPerson, Refused};

const ENDS: Ends = Ends {
    noun: "failover", done: FailoverDone, degraded: FailoverDegraded, refused: FailoverRefused, undone: FailoverUndone,
    needs_a_person: FailoverNeedsAPerson,
};

/// The person's answer as it came, but for the proof of who gave it, and for what only AWS can say.
const WITH_THE_ANSWER: &str = "$merge([$record, {'approval': $type($states.result) = 'object' ? \
    $states.result ~> |$|{}, ['proof', 'proved']| : $states.result}])";

/// What the judge's look before this one says: two looks apart are more than one.
const SILENT_SINCE: &str = "$exists($record.judgement.seen.silentSince) ? $record.judgement.seen.silentSince : null";

pub(super) fn definition() -> Definition {
    Definition {
        comment: "Moves a plan's primary to its recovery Region, or says why not. Up to PromoteReplica everything is \
            undone in reverse; from there it only goes forward. Every path leaves its record by CloseRun. Approval \
            takes at most 8 hours, the waits for traffic and for hardening at most 14, and all others together less \
            than 2, so the machine's own time-out is never the way a run ends.",
        timeout_seconds: 36 * 3_600,
        rows: vec![
            judge(), shut_and_promote(), moving::switch_traffic("clients may still go to the old one", Verify),
            rows![moving::verify()], moving::close(ENDS), moving::harden(ENDS),
            ENDS.rows("The new primary takes writes, traffic goes to it, and the plan's checks passed. The old primary \
                is fenced, or guarded until it is.",
                "The old primary was fenced and is open again; nothing was promoted."),
        ],
    }
}

/// Whether it is a failure, and whether a person must say yes.
fn judge() -> Vec<Row> {
    rows![
        moving::begin_record(json!({ "unproved": null, "askedUntilMillis": 0 })),
        moving::open_run()
            .asks(IsOpen, "A run that did not get the lease changes nothing: another one is at work, or replication is \
                not restored yet. An alarm's run asks again, because its alarm starts no other one.")
            .done(JudgeFailover)
            .polls(20, "not opened", WaitForLease, Pause::rising_to(15), "Lets the run that holds the lease come to \
                its end, which may be a refusal: 1 s, then 2 s, up to 15 s, less than 4 minutes in all. Nothing is \
                held meanwhile.")
            .otherwise(answered(Refused), CloseRun),
        step(JudgeFailover, "Looks again, now, from here and from the witness, because the alarm's view is old. If we \
            stop here, only the lease is held.")
            .calls("judge-failover", json!({ "run": "$run", "approval": null, "silentSince": SILENT_SINCE }))
            .again(Again::conflict_or_database(3)).keeps(in_record("judgement")).fails(caught(NeedsAPerson), OwesAnUndo)
            .asks(IsJudged, "Pending means that the hold-down is not over, or that the primary answers again and its \
                alarm has not come to rest. A no is an answer, kept with its reason.")
            .done(IsApprovalNeeded)
            .polls(60, "not judged", WaitForHoldDown, Pause::rising_to(15), "Lets the hold-down pass, so that a blip \
                moves nothing: 1 s, then 2 s, up to 15 s, 60 times. Only the lease is held.")
            .otherwise(answered(Refused), OwesAnUndo),
        question(IsApprovalNeeded, "The plan's policy for this class of failure. Anything but a clear word moves \
            nothing.")
            .when("$states.input.did.policy = 'automatic'", NOTHING, FencePrimary)
            .when("$states.input.did.policy = 'approval'", json!({
                "askedUntilMillis": "$millis() + 1000 * $states.input.did.approvalSeconds",
            }), Approve)
            .otherwise(answered(Refused), OwesAnUndo),
        step(Approve, "Asks a person, who answers with the task's token. Silence for the plan's deadline ends it; a \
            heartbeat gives the person that long again, once over. An answer that proved nothing has people asked \
            again, for what is left of the deadline. If we stop here, only the lease is held.")
            .asks_a_person("notify", json!({ "approval": {
                "run": "$run", "judgement": "$record.judgement", "taskToken": "$states.context.Task.Token",
                "unproved": "$unproved", "untilMillis": "$askedUntilMillis",
            } }), "$max([1, $min([14400, $ceil(($askedUntilMillis - $millis()) / 1000)])])")
            .keeps(json!({ "record": WITH_THE_ANSWER }))
            .catches(&["States.Timeout", "States.HeartbeatTimeout"], json!({ "stopped": ERROR, "outcome": Refused }),
                OwesAnUndo)
            .fails(caught(NeedsAPerson), OwesAnUndo)
            .asks(IsApproved, "Only the word approve, with a name and a reason, is a yes.")
            .when("$states.input.decision = 'approve' and $length($states.input.by & '') > 0 and \
                $length($states.input.why & '') > 0", NOTHING, CheckApproval)
            .otherwise(answered(Refused), OwesAnUndo),
        step(CheckApproval, "Asks AWS who approved, and holds them to those who may by the plan: the name in the answer \
            is only said. If we stop here, only the lease is held.")
            .calls("open-run", json!({ "run": "$run", "approval": "$states.input" }))
            .keeps(json!({ "record": "$states.result.Payload.step = 'Done' ? \
                $merge([$record, {'approval': $states.result.Payload.did}]) : $record" }))
            .fails(caught(NeedsAPerson), OwesAnUndo)
            .asks(IsProved, "An approval by somebody who may not is none, and so is one that nobody can prove: whoever \
                may is asked again, until the deadline.")
            .done(JudgeAgain)
            .polls(20, "not proved", WaitForApproval, Pause::every(1), "Only the lease is held, and people are asked \
                again.")
            .meanwhile(json!({ "unproved": ANSWER, "record": "$merge([$record, {'approval': null}])" }))
            .waits_by_way_of(Approve)
            .otherwise(answered(Refused), OwesAnUndo),
        step(JudgeAgain, "Judges once more what was approved, because an answer may take hours: a primary that serves \
            again stays primary, and what may be lost is reckoned until now. Only the asking is over. If we stop here, \
            only the lease is held.")
            .calls("judge-failover", json!({ "run": "$run", "approval": "$record.approval", "silentSince": null }))
            .again(Again::conflict_or_database(3)).keeps(in_record("judgement")).fails(caught(NeedsAPerson), OwesAnUndo)
            .asks(IsStillAFailure, "An approval is a word on what the person was told; where that is no longer so, \
                nothing is moved.")
            .done(FencePrimary).otherwise(answered(Refused), OwesAnUndo),
        moving::owes_an_undo(),
    ]
}

/// The old primary is shut before another side takes writes.
fn shut_and_promote() -> Vec<Row> {
    rows![
        step(FencePrimary, "Makes the old primary refuse writes before another side takes them. If we stop here, the \
            old primary may refuse writes and nothing has taken its place: UndoFencePrimary opens it again.")
            .calls("fence-primary", json!({
                "run": "$run", "answers": "$record.judgement.did.answers = true", "undo": false, "fencing": null,
            }))
            .again(Again::conflict_or_database(3)).keeps(in_record("fencing"))
            .catches_because("A newer run owns the primary: opening it again would be this run's old view of the \
                world.", &["Superseded"], caught(NeedsAPerson), CloseRun)
            .fails(caught(None), UndoFencePrimary)
            .asks(IsFenced, "A primary that nobody can reach is Done too: recorded as unfenced, and guarded. One that \
                answers and was not seen to refuse the application is refused: promoted beside it, there would be two.")
            .done(PromoteReplica).otherwise(answered(None), UndoFencePrimary),
        moving::promote_replica("Point of no return. Makes the replica the primary if what it lacks is within the \
            budget. If we stop here, it may or may not take writes, and the record says which was last seen.",
            json!({
                "run": "$run", "judgement": "$record.judgement.did", "fencing": "$record.fencing.did", "drain": null,
                "rehearse": false,
            }), GuardPrimary, "stays fenced"),
        step(GuardPrimary, "Starts the watch over the old primary at once, and goes on without waiting for it: traffic \
            comes first. If it cannot be started, its schedule does so within a minute.")
            .starts("guard-primary", json!({ "plan": "$run.plan.plan" }), 150)
            .fails(NOTHING, DnsSwitch).then(DnsSwitch),
        moving::undo_fence("Opens the old primary again, because nothing was promoted in its place, and is done once \
            it was seen open. If we stop here, it may refuse writes; the lease says so, and the next run opens it.",
            "$exists($record.fencing.did) ? $record.fencing.did : null".into(), "failover"),
    ]
}
