//! A cleanup: every backup of a plan is judged, Region by Region, and what nothing keeps goes.

use serde_json::{Value, json};

use super::upkeep::{self, Ends, caught};
use crate::state_machine::{
    Definition,
    name::StateName::*,
    pause::Pause,
    row::{Row, SumUp, Turns, begin, catch_all, ends_badly, ends_well, rows, step, sum_up},
    word::{ANSWER, ERROR},
};

const ENDS: Ends = Ends { partial: CleanupPartial, failed: CleanupFailed, refused: CleanupRefused };

pub(super) fn definition() -> Definition {
    Definition {
        comment: "Judges every backup of a plan, in every Region that may hold any, by the retention of its schedule, \
            and deletes what nothing keeps where the request or the plan says so. It deletes only what is tagged as \
            the plan's, never the newest few nor the newest verified one, and writes the reason of each keep and each \
            delete down before anything goes. All waits together take less than an hour.",
        timeout_seconds: 2 * 3_600,
        rows: vec![
            rows(),
            upkeep::tell("Tells people what was left. The end is the same whether they hear of it or not.",
                "cleanup", "turns", ENDS),
            ends(),
        ],
    }
}

fn rows() -> Vec<Row> {
    rows![
        upkeep::begin_with(BeginCleanup, json!({ "cleanup": null, "turns": [] }), OpenCleanup),
        upkeep::open(OpenCleanup, "Reads the request, pins the plan, and says whether anything is to be deleted. \
            Nothing is changed.", "cleanup", CleanRegions)
            .calls("cleanup", json!({ "open": {
                "execution": "$states.context.Execution.Id", "request": "$request",
            } })),
        Turns {
            name: CleanRegions,
            comment: "Side by side. None of the turns fails as a state, so that none hides another's result.".into(),
            items: "$cleanup.regions",
            most_at_once: 10,
            rows: turn(),
            catches: catch_all(caught(), Notify),
            assign: json!({ "turns": "$states.result" }),
            output: json!({}),
            next: CountTurns,
        },
        SumUp {
            name: CountTurns,
            comment: "A cleanup is done where every Region was looked at and all that was to go is gone.".into(),
            assign: json!({ "outcome": "$count($turns[whole = true]) = $count($turns) ? 'complete' : 'partial'" }),
            output: json!({}),
            next: Some(IsComplete),
        },
        upkeep::is_complete("A cleanup as it should be is no news: its reports are kept."),
        sum_up(SumUp, "What whoever started it reads as its output.",
            json!({ "outcome": "$outcome", "turns": "$turns" }), Some(CleanupComplete)),
    ]
}

/// One Region's turn.
fn turn() -> Vec<Row> {
    let turn = |whole: Value, word: &str| json!({ "turn": { "region": "$region", "whole": whole, "word": word } });
    rows![
        begin(BeginRegion, "One Region's turn: what it asks is counted from here, and nothing of it is known outside.",
            json!({ "asked": 0, "region": "$states.input", "turn": null }), Cleanup),
        step(Cleanup, "Judges every backup of the plan's in the Region, writes why each stays or goes, and deletes \
            what goes. If we stop here, the report says what was to go, and another cleanup judges anew.")
            .calls("cleanup", json!({ "region": { "cleanup": "$cleanup", "region": "$region" } }))
            .fails_because("A Region that does not answer is its own: the others are cleaned.",
                turn(false.into(), ERROR), EndRegion)
            .asks(IsClean, "Pending is a Region with more to delete than one turn does.")
            .done_with(turn("$states.input.did.failed = 0".into(), ANSWER), EndRegion)
            .polls(120, "not finished", WaitForDeletes, Pause::rising_to(5), "RDS deletes in its own time, and is \
                asked no faster than it takes. One turn deletes up to twenty: 2,400 in all, many times what an account \
                may have.")
            .otherwise(turn(false.into(), ANSWER), EndRegion),
        sum_up(EndRegion, "What became of the Region's backups, whatever it was.", "$turn".into(), None),
    ]
}

fn ends() -> Vec<Row> {
    rows![
        ends_well(CleanupComplete, "Every Region was looked at; what no rule keeps is gone, or named where nothing was \
            to be deleted."),
        ends_badly(CleanupPartial, "A Region was not looked at, or something that was to go is still there; the \
            reports say which."),
        ends_badly(CleanupFailed, "Nothing was looked at, and nothing was deleted as far as the reports go."),
        ends_badly(CleanupRefused, "The request was wrong, and nothing was begun."),
    ]
}
