//! The failover of several pairs by one order.

use serde_json::json;

use crate::run::outcome::RunOutcome::{Done, NeedsAPerson, Refused};
use crate::state_machine::{
    Definition, NOTHING, StateMachine,
    name::StateName::*,
    pause::Pause,
    retry::Again,
    row::{Row, Turns, begin, catch_all, ends_badly, ends_well, question, rows, step, sum_up},
    word::{ANSWER, ERROR},
};

/// How long one pair's failover may take: it ends by itself after 36, and a plan has 20 pairs.
const PAIR_HOURS: u32 = 37;

pub(super) fn definition() -> Definition {
    Definition {
        comment: "Fails several pairs of one plan over, by a person's order. All of them are judged before the first \
            is fenced, so that where one speaks against it nothing is changed. Then each is moved by a failover of its \
            own, with its own lease and record, in the order given; the first that does not end as done ends the \
            order, and the rest stays as it is. A failover takes at most 36 hours, and a plan has 20 pairs at most.",
        timeout_seconds: 31 * 24 * 3_600,
        rows: vec![rows(), ends()],
    }
}

fn rows() -> Vec<Row> {
    let told = json!({
        "execution": "$states.context.Execution.Id", "opened": "$opened", "judged": "$judged", "moved": "$at",
        "outcome": "$outcome", "stopped": "$stopped",
    });
    rows![
        begin(BeginAll, "Gives every variable its first value, because reading one that was never assigned is an \
            error. Nothing is changed yet.", json!({
                "request": "$states.context.Execution.Input", "opened": null, "judged": [], "at": 0,
                "outcome": Refused, "stopped": null, "because": null,
            }), OpenPairs),
        step(OpenPairs, "Reads the order and the plan, and makes each pair's own order of it. Nothing is changed, and \
            no lease is held.")
            .calls("open-run", json!({ "execution": "$states.context.Execution.Id", "request": "$request" }))
            .keeps(json!({ "opened": "$states.result.Payload.did" }))
            .fails_because("Nothing was begun.", json!({ "stopped": ERROR }), Notify)
            .then(JudgePairs),
        Turns {
            name: JudgePairs,
            comment: "Side by side. None of them fails as a state, so that none hides another's word.".into(),
            items: "$opened.pairs",
            most_at_once: 5,
            rows: judge(),
            catches: catch_all(json!({ "stopped": ERROR }), Notify),
            assign: json!({ "judged": "$states.result" }),
            output: json!({}),
            next: AreAllFailures,
        },
        question(AreAllFailures, "One that works, or that nobody can judge, keeps all where they are: what was ordered \
            is all of them.")
            .when("$count($judged[isFailure = true]) = $count($opened.pairs)", NOTHING, MovePair)
            .otherwise(NOTHING, Notify),
        step(MovePair, "Fails one pair over, and waits for its end: that run has its own lease, judges again, and \
            leaves its own record. If we stop here, that run goes on by itself, and no further pair is moved.")
            .runs(StateMachine::Failover, "$opened.pairs[$at].run", "$opened.pairs[$at].request",
                PAIR_HOURS)
            .fails_because("What became of this pair its own record says. The pairs after it were not begun.",
                json!({ "stopped": ERROR, "outcome": NeedsAPerson }), Notify)
            .asks(IsAnyLeft, "One after the other, in the order given: what depends on another pair comes after it.")
            .when("$at + 1 < $count($opened.pairs)", json!({ "at": "$at + 1" }), MovePair)
            .otherwise(json!({ "outcome": Done }), SumUp),
        sum_up(SumUp, "What whoever started it reads as its output.",
            json!({ "outcome": "$outcome", "pairs": "$opened.pairs" }), Some(FailoverAllDone)),
        step(Notify, "Tells people which pair is not as it should be, and what was not begun.")
            .calls("notify", json!({ "all": told }))
            .keeps(json!({ "because": "$states.result.Payload.did.because" }))
            .fails_because("The execution's own end is announced by a rule on EventBridge as well.",
                json!({ "because": "$string($stopped != null ? $stopped : $judged)" }), HowDidItEnd)
            .then(HowDidItEnd),
        question(HowDidItEnd, "One end for each outcome, so that the console's list and an alarm tell them apart.")
            .when("$outcome = 'refused'", NOTHING, FailoverAllRefused)
            .otherwise(NOTHING, FailoverAllNeedsAPerson),
    ]
}

/// One pair's turn: whether its failover would go through now.
fn judge() -> Vec<Row> {
    let failure = |is: bool, word: &str| json!({ "isFailure": is, "word": word });
    rows![
        begin(BeginPair, "One pair's turn: what it asks is counted from here, and nothing of it is known outside.",
            json!({ "asked": 0, "pair": "$states.input", "isFailure": false, "word": null }), JudgePair),
        step(JudgePair, "Looks now, from here and from the witness, as the pair's own run will. Nothing is changed, and \
            no lease is held.")
            .calls("judge-failover", json!({ "order": "$pair.request", "since": "$states.context.Execution.StartTime" }))
            .again(Again::conflict_or_database(3))
            .fails_because("One pair that cannot be judged keeps all where they are.", failure(false, ERROR), EndPair)
            .asks(IsFailure, "A no is an answer, kept with its reason; it says that all stay where they are.")
            .done_with(failure(true, ANSWER), EndPair)
            .polls(20, "not judged", WaitForPair, Pause::rising_to(15), "Lets another run of the pair come to its end, \
                or the watch count what it sees: 1 s, then 2 s, up to 15 s, less than 4 minutes in all.")
            .otherwise(failure(false, ANSWER), EndPair),
        sum_up(EndPair, "What the judge said of the pair, whatever it was: all of them are read together.",
            json!({ "plan": "$pair.plan", "isFailure": "$isFailure", "word": "$word" }), None),
    ]
}

fn ends() -> Vec<Row> {
    rows![
        ends_well(FailoverAllDone, "Every pair was failed over, each by a run that ended as done."),
        ends_badly(FailoverAllRefused, "Nothing was changed: the order was wrong, or a pair is not failed over now."),
        ends_badly(FailoverAllNeedsAPerson, "A pair's failover did not end as done. Those before it are moved, those \
            after it were not begun."),
    ]
}
