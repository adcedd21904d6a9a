//! A backup: what one schedule of a plan names, component by component.

use serde_json::{Value, json};

use super::upkeep::{self, Ends, caught};
use crate::run::outcome::UpkeepOutcome::{Partial, Refused};
use crate::state_machine::{
    Definition, NOTHING, StateMachine,
    name::StateName::*,
    pause::Pause,
    retry::Again,
    row::{Row, Turns, begin, catch_all, ends_badly, ends_well, question, rows, step, sum_up, wait},
    word::{ANSWER, ERROR},
};

const ENDS: Ends = Ends { partial: BackupPartial, failed: BackupFailed, refused: BackupRefused };

/// How long the look at a backup may take: it restores nothing, and asks a silent Region for three minutes, twenty components
/// in four turns.
const PROOF_HOURS: u32 = 1;

pub(super) fn definition() -> Definition {
    Definition {
        comment: "Backs up what one schedule of a plan names: a snapshot of each component where its primary is, \
            copied to the Regions that the schedule names. It deletes nothing, and to run it twice for the same time \
            is to run it once. It may wait for the schedule's run before, and then for its components, 26 hours each at \
            most, which is longer than RDS takes for the first copy of a large database to another Region, and an hour for \
            the look at it, so the machine's own time-out is never the way a run ends.",
        timeout_seconds: 55 * 3_600,
        rows: vec![
            rows(),
            upkeep::tell("Tells people what is missing. The end is the same whether they hear of it or not.",
                "backup", "manifest", ENDS),
            ends(),
        ],
    }
}

fn rows() -> Vec<Row> {
    rows![
        upkeep::begin_with(BeginBackup, json!({ "backup": null, "manifest": null, "proof": null, "waited": 0 }), OpenBackup),
        upkeep::open(OpenBackup, "Reads the request, pins the plan, says which side is backed up, and that this run of \
            the schedule is at work: nothing else is changed.", "backup", IsTurn)
            .calls("open-backup", json!({
                "execution": "$states.context.Execution.Id", "startedAt": "$states.context.Execution.StartTime",
                "request": "$request",
            }))
            .again(Again::conflict(3).because("Another run of the schedule began at the same time: look again."))
            .asks(IsTurn, "One run of a schedule at a time: where the one before is still at work, the plan says whether \
                this one waits or is skipped.")
            .when("$states.input.step = 'Done'", json!({ "waited": 0 }), BackUpComponents)
            .when("$states.input.step = 'Pending' and $waited < 50", NOTHING, WaitForRunBefore)
            .otherwise(json!({ "outcome": Refused, "because": "$states.input.because" }), Notify),
        wait(WaitForRunBefore, "Asks after 1 s five times, then each time a fifth longer: 26 hours in all, unless the \
            plan gives the schedule's runs less.", Pause::growing_by(1.22), "waited", OpenBackup),
        Turns {
            name: BackUpComponents,
            comment: "Side by side. An inline Map runs at most 40 at once; none of them fails as a state, so that none \
                hides another's result.".into(),
            items: "$backup.components",
            most_at_once: 40,
            rows: part(),
            catches: catch_all(caught(), Notify),
            assign: NOTHING,
            output: json!({ "parts": "$states.result" }),
            next: CloseBackup,
        },
        upkeep::close(CloseBackup, "Writes the manifest: what there is, and what there is not. If we stop here, the \
            snapshots are there and tell by their tags what they are.", "manifest")
            .calls("close-backup", json!({ "backup": { "backup": "$backup", "parts": "$states.input.parts" } }))
            .again(Again::conflict(3).because("Another run for the same time wrote it first: look again.")),
        question(IsComplete, "A backup as it should be is no news: its manifest and its age are watched. Where the plan \
            says so, it is looked at first.")
            .when("$outcome = 'complete' and $backup.proof = null", NOTHING, SumUp)
            .when("$outcome = 'complete'", NOTHING, ProveBackup)
            .otherwise(NOTHING, Notify),
        step(ProveBackup, "Has this backup looked at by a run of its own, and waits for its end: that run leaves its own \
            record. If we stop here, that run goes on by itself.")
            .runs(StateMachine::VerifyBackup, "$backup.proof.run", "$backup.proof.request", PROOF_HOURS)
            .keeps(json!({ "proof": "$states.result.Output" }))
            .fails_because("That run tells people what is wrong with it. The backup is there, and is not what it should \
                be.", json!({ "stopped": ERROR, "because": null, "outcome": Partial }), Notify)
            .then(SumUp),
        sum_up(SumUp, "What whoever started it reads as its output.",
            json!({ "outcome": "$outcome", "because": "$because", "manifest": "$manifest", "proof": "$proof" }),
            Some(BackupComplete)),
    ]
}

/// One component's turn.
fn part() -> Vec<Row> {
    let part =
        |taken: Value, word: &str| json!({ "part": { "component": "$component", "taken": taken, "word": word } });
    let answered = || part("$states.input.did".into(), ANSWER);
    rows![
        begin(BeginPart, "One component's turn: what it asks is counted from here, and nothing of it is known outside.",
            json!({ "asked": 0, "component": "$states.input", "part": null }), Snapshot),
        step(Snapshot, "Takes the component's snapshot and copies it. If we stop here, what RDS was asked for goes on \
            by itself, and the same backup started again finds it.")
            .calls("snapshot", json!({ "backup": "$backup", "component": "$component" }))
            .again(Again::RESTARTING_DATABASE)
            .fails_because("One component's failure is its own: the others go on.", part(NOTHING, ERROR), EndPart)
            .asks(IsTaken, "Pending is no failure: a large database takes its time, and a copy into another Region \
                longer.")
            .done_with(answered(), EndPart)
            .polls(50, "not finished", WaitForSnapshot, Pause::growing_by(1.22).until("$backup.until"), "Asks after 1 s five times, then each \
                time a fifth longer: 26 hours in all, by few enough events that the history of an execution holds 40 \
                components. Where the plan gives the run less, the last distance ends then. A backup that takes longer \
                goes on by itself; the next one for the same time would find it.")
            .otherwise(answered(), EndPart),
        sum_up(EndPart, "What became of the component, whatever it was.", "$part".into(), None),
    ]
}

fn ends() -> Vec<Row> {
    rows![
        ends_well(BackupComplete, "Every component's snapshot is available in every Region that the schedule names, \
            and the manifest says so. Where the plan says so, it was looked at."),
        ends_badly(BackupPartial, "Some of it is there; the manifest says what is not, and why. Or all of it is there, \
            and a look at it found something wrong."),
        ends_badly(BackupFailed, "None of it is known to be there; what RDS was asked for may still come to be."),
        ends_badly(BackupRefused, "The request was wrong, or the run before is still at work: nothing was begun."),
    ]
}
