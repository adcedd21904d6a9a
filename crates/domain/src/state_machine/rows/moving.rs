//! What the machines that move a primary have in common.

use serde_json::{Value, json};

use super::kept::{VERIFIED_BEFORE, answered, caught, error_in_record, in_record};
use crate::state_machine::name::StateName::{self, *};
use crate::state_machine::retry::{Again, Patience, TRANSIENT};
use crate::state_machine::row::{
    Begin, Question, Row, Step, begin, ends_badly, ends_well, question, rows, step, sum_up, wait,
};
use crate::state_machine::word::{ANSWER, ERROR};
use crate::state_machine::{NOTHING, pause::Pause};
use crate::run::outcome::RunOutcome::{Degraded, Done, NeedsAPerson, Refused, Undone};

/// `own` are the machine's own variables.
pub(super) fn begin_record(own: Value) -> Begin {
    let mut first = json!({
        "request": "$states.context.Execution.Input", "run": null, "record": {}, "asked": 0, "gone": 0,
        "toldAtMillis": 0, "unmoved": false, "outcome": NeedsAPerson, "stopped": null, "late": null, "unclosed": null,
        "because": null, "evidence": null, "unhardened": null,
    });
    if let (Some(first), Value::Object(own)) = (first.as_object_mut(), own) {
        first.extend(own);
    }
    begin(BeginRecord, "Gives every variable its first value, because reading one that was never assigned is an error. \
        Nothing is changed yet.", first, OpenRun)
}

pub(super) fn open_run() -> Step {
    step(OpenRun, "Reads the request, pins the plan and takes its lease, so that one run at a time moves a primary. If \
        we stop here, at most the lease is held, and the next run takes it over.")
        .calls("open-run", json!({ "execution": "$states.context.Execution.Id", "request": "$request" }))
        .again(Again::conflict(3).because("Another run wrote the lease first: look again and let OpenRun judge what it \
            finds."))
        .keeps(json!({
            "record": "$merge([$record, {'openRun': $merge([$states.result.Payload, {'did': null}])}])",
            "run": "$states.result.Payload.did",
        }))
        .catches_because("The request itself is wrong: nothing was begun.", &["InvalidInput", "NotFound"],
            caught(Refused), CloseRun)
        .catches_because("Nested deeper than any reader takes: nothing was begun, and the record goes without it, \
            because CloseRun could not read it either.", &["&lambda_runtime::deserializer::DeserializeError"],
            json!({ "request": null, "stopped": ERROR, "outcome": Refused }), CloseRun)
        .fails(caught(NeedsAPerson), CloseRun)
}

pub(super) fn owes_an_undo() -> Question {
    question(OwesAnUndo, "Before the point of no return a run that gives up opens what an earlier one shut: else \
        nobody would be served, and nobody would know why.")
        .when("$run.owes != null", NOTHING, UndoFencePrimary)
        .otherwise(NOTHING, CloseRun)
}

/// From the point of no return to the new primary's first write.
pub(super) fn promote_replica(comment: &str, payload: Value, next: StateName, old_primary: &str) -> Step {
    step(PromoteReplica, comment)
        .calls("promote-replica", payload)
        .patience(Patience::Promoted).again(Again::conflict_or_database(5)).keeps(in_record("promotion"))
        .fails_because("An error is not a no: the replica may have been promoted, so nothing is opened again.",
            caught(NeedsAPerson), CloseRun)
        .asks(IsPromoted, "Refused means that nothing was promoted, so the old primary may be opened again. Whatever \
            is neither Done nor Refused is unknown, and unknown is never undone.")
        .done(next)
        .polls(240, "not promoted", WaitForPromotion, Pause::in_steps_of(5, 5).then_every(150, 15),
            &format!("The server restarts as a primary. Asks at once for the first five, then after 1 s for five, \
                after 2 s for five, up to 5 s, and after eleven minutes each 15 s: half an hour in all. Clients wait \
                for it, so that it is seen soon. The replica is on its way and the old primary {old_primary}."))
        .when("$states.input.step = 'Refused'", answered(None), UndoFencePrimary)
        .otherwise(answered(NeedsAPerson), CloseRun)
}

/// The database's record has arrived, and names of the application have not: they are left, or were asked for 30 times, which
/// takes three minutes and a half.
const LEFT: &str = "$exists($states.input.did.seenAt) and $states.input.did.seenAt != null and \
    ($states.input.step = 'Refused' or ($states.input.step = 'Pending' and $asked >= 30))";

/// Traffic, for as long as it takes. Until then this holds of the `old` primary.
pub(super) fn switch_traffic(old: &str, next: StateName) -> Vec<Row> {
    rows![
        step(DnsSwitch, &format!("Points the traffic record at the new primary, which has shown a committed write. If \
            we stop here, the new primary takes writes and {old}: the RUNBOOK finishes it by hand."))
            .calls("dns-switch", json!({
                "run": "$run", "change": "$exists($record.traffic.did.change) ? $record.traffic.did.change : null",
            }))
            .patience(Patience::Long).again(Again::conflict(5)).keeps(in_record("traffic"))
            .catches_because("Route 53 itself can be gone for hours: it is tried again every two to seven minutes, and \
                people hear of it.", &TRANSIENT, json!({ "late": ERROR }), IsRoute53StillTried)
            .fails(caught(NeedsAPerson), CloseRun)
            .asks(IsSwitched, "Refused means that the record names a third place or a newer generation: a person \
                decides, for we do not know who wrote it. Where only names of the application are left, it goes on, and \
                people are told which.")
            .done(next.clone())
            .done_where(LEFT, json!({ "unmoved": true }), next)
            .polls(240, "traffic not switched", WaitForDns, Pause::at_once_then_rising_to(5, 10).then_every(120, 60),
                "The change is written and spreads to the name servers, which takes a minute as a rule. Asks at once \
                    for the first five, then after 1 s, 2 s, up to 10 s: less than 20 minutes. After that every \
                    minute, for two hours more.")
            .meanwhile(json!({ "late": ANSWER })).waits_by_way_of(IsTrafficLate)
            .otherwise(answered(NeedsAPerson), CloseRun),
        question(IsRoute53StillTried, "There is no other way for clients to the new primary: it is tried for 4 to 15 \
            hours, by how long it takes to fail, before a person must finish it.")
            .when("$gone < 120", NOTHING, WaitForRoute53)
            .otherwise(json!({
                "stopped": { "state": IsRoute53StillTried, "error": "$late.error" }, "outcome": NeedsAPerson,
            }), CloseRun),
        wait(WaitForRoute53, "Route 53 does not answer. The new primary takes writes, and clients are not sent there \
            yet.", Pause::every(60), "gone", IsTrafficLate),
        question(IsTrafficLate, "People hear of it once it is late, and again each quarter of an hour.")
            .when("($asked > 120 or $gone > 0) and $millis() - $toldAtMillis >= 900000", NOTHING, NotifyTrafficLate)
            .otherwise(NOTHING, DnsSwitch),
        step(NotifyTrafficLate, "Tells people that the new primary serves and clients are not sent there yet. It is \
            tried again whether they hear of it or not.")
            .calls("notify", json!({ "trafficLate": { "run": "$run", "word": "$late" } }))
            .keeps(json!({ "toldAtMillis": "$millis()" })).fails(NOTHING, DnsSwitch).then(DnsSwitch),
    ]
}

pub(super) fn verify() -> Step {
    step(Verify, "Asks the new side what its users will ask. If we stop here, traffic goes to a new primary that takes \
        writes, and the plan's checks are unproved.")
        .calls("verify", json!({ "run": "$run", "unmoved": "$unmoved", "before": VERIFIED_BEFORE }))
        .patience(Patience::Promoted).again(Again::conflict_or_database(5)).keeps(in_record("verification"))
        .fails(caught(NeedsAPerson), CloseRun)
        .asks(IsVerified, "A failed check calls a person: after the point of no return there is no going back to a \
            side that may lack what was written since.")
        .done_where("$states.input.step = 'Done' and $unmoved", answered(Degraded), CloseRun)
        .done_with(answered(Done), CloseRun)
        .polls(60, "not verified", WaitForVerification, Pause::rising_to(15), "The application finds its new database, and \
            resolvers the new answer. Asks after 1 s, 2 s, up to 15 s: less than 15 minutes in all. Traffic is switched.")
        .otherwise(answered(NeedsAPerson), CloseRun)
}

/// The way back, for as long as nothing was promoted. The reason that is told stays the one for which the run stopped.
pub(super) fn undo_fence(comment: &str, fencing: Value, noun: &str) -> Step {
    step(UndoFencePrimary, comment)
        .calls("fence-primary", json!({ "run": "$run", "answers": false, "undo": true, "fencing": fencing }))
        .patience(Patience::Opening).again(Again::conflict_or_database(5)).keeps(in_record("undo"))
        .fails(json!({ "record": error_in_record(), "outcome": NeedsAPerson }), CloseRun)
        .asks(IsUndone, &format!("The reason told at the end is why the {noun} was given up; undoing adds its own only \
            when it did not work."))
        .done_with(json!({ "outcome": Undone }), CloseRun)
        .otherwise(json!({ "outcome": NeedsAPerson }), CloseRun)
}

/// The ends of a machine that moves a primary, and what it is called.
pub(super) struct Ends {
    pub(super) noun: &'static str,
    pub(super) done: StateName,
    pub(super) degraded: StateName,
    pub(super) refused: StateName,
    pub(super) undone: StateName,
    pub(super) needs_a_person: StateName,
}

impl Ends {
    pub(super) fn rows(self, done: &str, undone: &str) -> Vec<Row> {
        rows![
            ends_well(self.done, done),
            ends_well(self.degraded, "The same, but names of the application still lead to the old side: people were \
                told which."),
            ends_badly(self.refused, "Nothing was changed, and the record says why."),
            ends_badly(self.undone, undone),
            ends_badly(self.needs_a_person, "The engine stopped where going on would be a guess. The record says what \
                was last seen to be true."),
        ]
    }
}

/// The record, the notice, and the end.
pub(super) fn close(Ends { refused, undone, needs_a_person, .. }: Ends) -> Vec<Row> {
    rows![
        step(CloseRun, "Writes the evidence and releases the lease, whatever the outcome. If we stop here, the world \
            is as the outcome says, and a later run takes the lease over.")
            .calls("close-run", json!({
                "execution": "$states.context.Execution.Id", "startedAt": "$states.context.Execution.StartTime",
                "request": "$request", "run": "$run", "record": "$record", "outcome": "$outcome", "stopped": "$stopped",
            }))
            .patience(Patience::Long).again(Again::conflict(5))
            .keeps(json!({
                "evidence": "$exists($states.result.Payload.did) ? $states.result.Payload.did : null",
                "because": "$exists($states.result.Payload.did.because) ? $states.result.Payload.did.because : null",
            }))
            .fails(json!({ "unclosed": ERROR }), Notify)
            .asks(IsClosed, "A run without its record needs a person, even where all else is well: nobody could prove \
                it later.")
            .done(Notify).otherwise(json!({ "unclosed": ANSWER }), Notify),
        step(Notify, "Tells people how it ended. The end is the same whether they hear of it or not.")
            .calls("notify", json!({ "ended": {
                "execution": "$states.context.Execution.Id", "run": "$run", "record": "$record", "outcome": "$outcome",
                "stopped": "$stopped", "unclosed": "$unclosed", "evidence": "$evidence",
            } }))
            .keeps(json!({ "because": "$states.result.Payload.did.because" }))
            .fails_because("The execution's own end is announced by a rule on EventBridge as well, where it is no \
                success.", json!({ "because": "$because != null ? $because : $string($unclosed)" }), HowDidItEnd)
            .then(HowDidItEnd),
        question(HowDidItEnd, "One end for each outcome, so that the console's list and an alarm tell them apart.")
            .when("$unclosed != null", NOTHING, needs_a_person.clone())
            .when("$outcome = 'done' or $outcome = 'degraded'", NOTHING, HardenPrimary)
            .when("$outcome = 'refused'", NOTHING, refused)
            .when("$outcome = 'undone'", NOTHING, undone)
            .otherwise(NOTHING, needs_a_person),
    ]
}

/// What nobody waits for.
pub(super) fn harden(Ends { noun, done, degraded, .. }: Ends) -> Vec<Row> {
    let shortfall = json!({ "run": "$run", "word": "$unhardened" });
    rows![
        step(HardenPrimary, "Gives the new primary what the old one had: automated backups, deletion protection, a \
            fresh snapshot. People know already that it is done, and no client waits for this. If we stop here, it may \
            lack them.")
            .calls("harden-primary", json!({ "run": "$run" }))
            .patience(Patience::Long).fails(json!({ "unhardened": ERROR }), NotifyUnhardened)
            .asks(IsHardened, &format!("Refused means that someone has moved the primary since, or that there is no \
                room for its snapshot. Neither that nor giving up makes the {noun} less done; a person is told."))
            .done_with(json!({ "unhardened": null }), SumUp)
            .polls(200, "not hardened", WaitForHardening, Pause::at_once_then_rising_to(3, 15).then_every(100, 300),
                "RDS takes a backup after a promotion and no change meanwhile: of a large database for hours. Asks at \
                    once for the first three, then after 1 s, 2 s, up to 15 s, and after 100 times every five minutes: \
                    less than 9 hours in all. Clients are served all the while.")
            .meanwhile(json!({ "unhardened": ANSWER })).waits_by_way_of(IsHardeningLate)
            .otherwise(json!({ "unhardened": ANSWER }), NotifyUnhardened),
        question(IsHardeningLate, "Nobody should learn only hours later that the new primary has no backups.")
            .when("$asked = 100", NOTHING, NotifyHardeningLate)
            .otherwise(NOTHING, HardenPrimary),
        step(NotifyHardeningLate, "Tells people what the new primary still lacks. It is asked on whether they hear of \
            it or not.")
            .calls("notify", json!({ "hardeningLate": shortfall }))
            .fails(NOTHING, HardenPrimary).then(HardenPrimary),
        step(NotifyUnhardened, &format!("Tells people what the new primary still lacks. The {noun} is done whether \
            they hear of it or not."))
            .calls("notify", json!({ "unhardened": shortfall }))
            .keeps(json!({ "unhardened": "$states.result.Payload.did.because" })).fails(NOTHING, SumUp).then(SumUp),
        sum_up(SumUp, "What the console shows of a run that is done, whether its new primary could be hardened or not.",
        json!({
            "outcome": "$outcome", "because": "$because", "plan": "$run.plan.plan", "generation": "$run.generation",
            "evidence": "$evidence", "unhardened": "$unhardened",
        }), Some(IsDegraded)),
        question(IsDegraded, "Where names of the application are left, the list of runs and the command say so.")
            .when("$outcome = 'degraded'", NOTHING, degraded)
            .otherwise(NOTHING, done),
    ]
}
