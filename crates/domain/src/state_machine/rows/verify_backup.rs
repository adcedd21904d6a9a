//! A proof: a backup is found, looked at, restored into isolation, asked, and torn down; or kept.

use serde_json::json;

use super::upkeep::{self, Ends, caught};
use crate::state_machine::{
    Definition, NOTHING,
    name::StateName::*,
    pause::Pause,
    row::{Row, Turns, begin, catch_all, ends_badly, ends_well, question, rows, step, sum_up},
    word::{ANSWER, ERROR},
};

const ENDS: Ends = Ends { partial: VerifyBackupPartial, failed: VerifyBackupFailed, refused: VerifyBackupRefused };

pub(super) fn definition() -> Definition {
    Definition {
        comment: "Proves a backup: finds it, looks at all of it, restores it into isolation, asks what the plan says \
            it must answer, and tears the instance down. A restore that is to be kept goes the same way, and stays. It \
            never touches an instance that it did not make. The waits of a component take at most 27 hours, and five \
            components take their turns at once, so that the machine has time for twenty.",
        timeout_seconds: 120 * 3_600,
        rows: vec![
            rows(),
            upkeep::tell("Tells people what could not be proved. The end is the same whether they hear of it or not.",
                "restore", "record", ENDS),
            ends(),
        ],
    }
}

fn rows() -> Vec<Row> {
    rows![
        upkeep::begin_with(BeginVerification, json!({ "restore": null, "record": null }), OpenBackup),
        upkeep::open(OpenBackup, "Reads the request, pins the plan, and says of what and where a backup is looked for. \
            Nothing is changed.", "restore", VerifyComponents)
            .calls("open-backup", json!({
                "execution": "$states.context.Execution.Id", "startedAt": "$states.context.Execution.StartTime",
                "request": "$request",
            })),
        Turns {
            name: VerifyComponents,
            comment: "Side by side, but few at once: each takes an instance of the account's quota. None of them fails \
                as a state, so that none hides another's result.".into(),
            items: "$restore.components",
            most_at_once: 5,
            rows: [examine(), restore()].into_iter().flatten().collect(),
            catches: catch_all(caught(), Notify),
            assign: NOTHING,
            output: json!({ "parts": "$states.result" }),
            next: CloseBackup,
        },
        upkeep::close(CloseBackup, "Writes the record: what was found, restored, asked and answered, and how long it \
            took. If we stop here, the backup's own tag says whether it is verified.", "record")
            .calls("close-backup", json!({ "restore": { "restore": "$restore", "parts": "$states.input.parts" } })),
        upkeep::is_complete("A backup that is as it should be is no news: its record is kept, and its tag says it."),
        sum_up(SumUp, "What whoever started it reads as its output.",
            json!({ "outcome": "$outcome", "because": "$because", "record": "$record" }), Some(VerifyBackupComplete)),
    ]
}

/// One component's turn: whether there is such a backup, and whether all of it is there.
fn examine() -> Vec<Row> {
    let examined = json!({ "asked": 0, "examined": "$states.input.did", "word": ANSWER });
    rows![
        begin(BeginPart, "One component's turn: what it asks is counted from here, and nothing of it is known outside. \
            What it says has a name of its own, because a Map may assign no variable of the scope around it.",
            json!({
                "asked": 0, "component": "$states.input", "refused": false, "examined": null, "restored": null,
                "verified": null, "left": false, "word": null, "tearDown": null,
            }), VerifyBackup),
        step(VerifyBackup, "Finds the backup that is wanted and looks at all of it. Nothing is changed.")
            .calls("verify", json!({ "backup": { "restore": "$restore", "component": "$component" } }))
            .catches_because("What was asked for is not there, or is not of this: nothing is made.",
                &["InvalidInput", "NotFound"], json!({ "word": ERROR, "refused": true }), EndPart)
            .fails_because("One component's failure is its own: the others go on.", json!({ "word": ERROR }), EndPart)
            .asks(IsExamined, "A backup with a fault is restored all the same: what can be had of it is worth knowing. \
                A Region that is silent is asked again, and then counted as one that did not answer.")
            .polls(11, None, WaitForRegions, Pause::growing_by(1.5), "Asks up to 11 times, each time a half longer \
                after: a Region that is silent for so long, nearly three minutes, is told as silent.")
            .when("$restore.purpose != 'integrity' and $states.input.did.chosen != null", examined.clone(), Restore)
            .otherwise(examined, EndPart),
    ]
}

/// The same turn: an instance of its own, asked and torn down.
fn restore() -> Vec<Row> {
    rows![
        step(Restore, "Restores it to an instance of its own, isolated from everyone but Lifeboat. If we stop here, \
            the instance is tagged as this run's, and the next cleanup tears a test's down.")
            .calls("restore", json!({ "restore": "$restore", "component": "$component", "chosen": "$examined.chosen" }))
            .keeps(json!({ "left": true }))
            .fails_because("It may have been asked for all the same.", json!({ "word": ERROR, "left": true }), IsLeft)
            .asks(IsAvailable, "Pending is no failure: a large database takes its time.")
            .done_with(json!({ "restored": "$states.input.did", "word": ANSWER }), VerifyRestored)
            .polls(50, "not finished", WaitForRestore, Pause::growing_by(1.22), "Asks after 1 s five times, then each \
                time a fifth longer: 26 hours in all. The last distance is a small part of what was waited for \
                already.")
            .otherwise(json!({ "word": ANSWER }), IsLeft),
        step(VerifyRestored, "Asks the restored database what the plan says it must answer. Where all is as it should \
            be, the backup is tagged as verified: that alone is changed.")
            .calls("verify", json!({ "restored": {
                "restore": "$restore", "component": "$component", "examined": "$examined", "restored": "$restored",
            } }))
            .fails(json!({ "word": ERROR }), IsLeft)
            .asks(IsVerified, "What cannot be asked yet is asked again; a check that failed has failed.")
            .polls(13, None, WaitForDatabase, Pause::growing_by(1.5), "Asks up to 13 times, each time a half longer \
                after, six minutes in all: an instance that is available takes logins soon.")
            .otherwise(json!({ "asked": 0, "verified": "$states.input.did", "word": ANSWER }), IsLeft),
        question(IsLeft, "A test leaves nothing behind, however it went. What is to be kept stays, also where a check \
            failed: whoever asked for it decides.")
            .when("$restore.purpose = 'test'", json!({ "asked": 0 }), TearDown)
            .otherwise(NOTHING, EndPart),
        step(TearDown, "Deletes the instance that this run made, and no other.")
            .calls("cleanup", json!({ "restored": { "restore": "$restore", "component": "$component" } }))
            .fails(json!({ "tearDown": ERROR }), EndPart)
            .asks(IsGone, "RDS deletes in its own time, and Pending is no failure.")
            .done_with(json!({ "left": false }), EndPart)
            .polls(20, None, WaitForTearDown, Pause::growing_by(1.35), "Asks after 1 s three times, then each time a \
                third longer: some twenty minutes in all. What is not gone by then the next cleanup finds.")
            .otherwise(json!({ "tearDown": ANSWER }), EndPart),
        sum_up(EndPart, "What became of the component, whatever it was.", json!({
            "component": "$component", "refused": "$refused", "examined": "$examined", "restored": "$restored",
            "verified": "$verified", "left": "$left", "word": "$word", "tearDown": "$tearDown",
        }), None),
    ]
}

fn ends() -> Vec<Row> {
    rows![
        ends_well(VerifyBackupComplete, "What was asked for was found, and restored and queried where that was asked \
            for; a test has left nothing behind."),
        ends_badly(VerifyBackupPartial, "Some of it is proved, or a test's instance is still there; the record says \
            which."),
        ends_badly(VerifyBackupFailed, "None of it is proved: the record says what was expected and what was found."),
        ends_badly(VerifyBackupRefused, "What was asked for is not there or not of this, and nothing was made."),
    ]
}
