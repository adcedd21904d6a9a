//! Paths through a state machine, and those through the failover: what each step answers, and how it must end.

use domain::{
    failover::{fencing::Target, lease::Shut, run::Run},
    state_machine::StateName,
};
use serde_json::{Map, Value, json};

/// A path through the state machine.
#[derive(Debug)]
pub(crate) struct Path {
    /// The claim.
    pub(crate) claim: &'static str,
    /// The state it must end in.
    pub(crate) end: StateName,
    /// What the reason told at the end must say.
    pub(crate) because: &'static str,
    /// The answers that differ from those of a run in which all goes well.
    pub(crate) answers: Value,
}

const DONE: StateName = StateName::FailoverDone;
const DEGRADED: StateName = StateName::FailoverDegraded;
const REFUSED: StateName = StateName::FailoverRefused;
const UNDONE: StateName = StateName::FailoverUndone;
const PERSON: StateName = StateName::FailoverNeedsAPerson;

pub(crate) fn path(claim: &'static str, end: StateName, because: &'static str, answers: Value) -> Path {
    Path { claim, end, because, answers }
}

pub(crate) fn refuses(because: &str) -> Value {
    json!([{ "step": "Refused", "because": because, "seen": {}, "did": null }])
}

pub(crate) fn waits(because: &str) -> Value {
    json!([{ "step": "Pending", "because": because, "seen": {}, "did": null }])
}

pub(crate) fn fails(error: &str, message: &str) -> Value {
    json!([{ "error": [error, message] }])
}

/// The answers of a failover in which all goes well, made of `events/close-run.json`.
pub(crate) fn all_well(sample: &Value) -> Map<String, Value> {
    let record = |step: &str| sample["record"][step].clone();
    let mut opened = record("openRun");
    opened["did"] = sample["run"].clone();
    let done = |because: &str, did: Value| json!({ "step": "Done", "because": because, "seen": {}, "did": did });
    let answers = [
        ("OpenRun", opened),
        ("JudgeFailover", record("judgement")),
        ("Approve", json!({ "decision": "approve", "by": "ann", "why": "the Region is gone" })),
        (
            "CheckApproval",
            done("approved by ann", json!({ "decision": "approve", "by": "ann", "why": "the Region is gone" })),
        ),
        ("JudgeAgain", record("judgement")),
        ("FencePrimary", record("fencing")),
        ("PromoteReplica", record("promotion")),
        ("GuardPrimary", json!({})),
        ("DnsSwitch", record("traffic")),
        ("Verify", record("verification")),
        ("UndoFencePrimary", done("the fence is open", Value::Null)),
        ("CloseRun", json!("made")),
        ("Notify", json!("made")),
        ("HardenPrimary", done("hardened", Value::Null)),
        ("NotifyHardeningLate", done("told", Value::Null)),
        ("NotifyUnhardened", done("told", Value::Null)),
        ("NotifyTrafficLate", done("told", Value::Null)),
    ];
    answers.into_iter().map(|(state, answer)| (state.to_owned(), json!([answer]))).collect()
}

/// The judgement of a sample, as one that a person must approve.
fn to_be_approved(sample: &Value) -> Value {
    let mut judgement = sample["record"]["judgement"].clone();
    judgement["did"]["policy"] = json!("approval");
    json!([judgement])
}

/// Every path.
pub(crate) fn all(sample: &Value) -> Vec<Path> {
    let mut paths = before_anything(sample);
    paths.extend(approvals(sample));
    paths.extend(owing_an_undo(sample));
    paths.extend(before_the_point_of_no_return());
    paths.extend(once_promoting(PERSON));
    paths.extend(after_the_point_of_no_return(sample));
    paths.extend(closing());
    paths
}

fn before_anything(sample: &Value) -> Vec<Path> {
    let opened = all_well(sample)["OpenRun"][0].clone();
    let judged = sample["record"]["judgement"].clone();
    let hold = waits("the hold-down has not passed")[0].clone();
    let busy = waits("another run holds it")[0].clone();
    vec![
        path("a failover in which all goes well is done", DONE, "1 check passed", json!({})),
        path("a lease that another holds", REFUSED, "is held", json!({ "OpenRun": refuses("the lease is held") })),
        path(
            "a lease that another gives back in time",
            DONE,
            "1 check passed",
            json!({ "OpenRun": [busy, busy, opened] }),
        ),
        path(
            "a lease that another keeps",
            REFUSED,
            "not opened after 21 asks: another run holds it",
            json!({ "OpenRun": waits("another run holds it") }),
        ),
        path(
            "a request that is wrong",
            REFUSED,
            "OpenRun ended with InvalidInput: no plan `x`",
            json!({ "OpenRun": fails("InvalidInput", "no plan `x`") }),
        ),
        path("a plan that is not there", REFUSED, "NotFound", json!({ "OpenRun": fails("NotFound", "plans/x.yaml") })),
        path("a bucket that denies", PERSON, "AwsDenied", json!({ "OpenRun": fails("AwsDenied", "s3:GetObject") })),
        path(
            "an AWS that answers the third time",
            DONE,
            "1 check passed",
            json!({ "OpenRun": [fails("AwsTransient", "slow")[0], fails("AwsTransient", "slow")[0], opened] }),
        ),
        path("a judge that says no", REFUSED, "it is up", json!({ "JudgeFailover": refuses("it is up") })),
        path("a hold-down that passes", DONE, "1 check", json!({ "JudgeFailover": [hold, hold, hold, judged] })),
        path(
            "a hold-down that never passes",
            REFUSED,
            "not judged after 61 asks",
            json!({ "JudgeFailover": waits("the hold-down has not passed") }),
        ),
        path("a judge that fails", PERSON, "AwsDenied", json!({ "JudgeFailover": fails("AwsDenied", "lambda") })),
    ]
}

fn approvals(sample: &Value) -> Vec<Path> {
    let answered = |answer: Value| json!({ "JudgeFailover": to_be_approved(sample), "Approve": [answer] });
    vec![
        path(
            "a person who approves",
            DONE,
            "1 check",
            answered(json!({ "decision": "approve", "by": "ann", "why": "gone" })),
        ),
        path(
            "a person who denies",
            REFUSED,
            "not approved by ann: a drill",
            answered(json!({ "decision": "deny", "by": "ann", "why": "a drill" })),
        ),
        path("a yes without a name is no yes", REFUSED, "without a name", answered(json!({ "decision": "approve" }))),
        path(
            "nobody answers within the deadline",
            REFUSED,
            "nobody approved within the deadline of 15m",
            answered(fails("States.HeartbeatTimeout", "no heartbeat")[0].clone()),
        ),
        path(
            "an approval of what is no longer so",
            REFUSED,
            "the primary answers again",
            json!({ "JudgeFailover": to_be_approved(sample), "JudgeAgain": refuses("the primary answers again") }),
        ),
        path(
            "an approval by somebody who may not",
            REFUSED,
            "`arn` may not order this",
            json!({ "JudgeFailover": to_be_approved(sample), "CheckApproval": refuses("`arn` may not order this") }),
        ),
        path(
            "an approval of which STS says nothing, and then one that is proved",
            DONE,
            "1 check",
            json!({
                "JudgeFailover": to_be_approved(sample),
                "CheckApproval": [waits("STS is silent")[0], all_well(sample)["CheckApproval"][0]],
            }),
        ),
        path(
            "an approval that proves nothing, and nobody who answers again",
            REFUSED,
            "nobody approved within the deadline of 15m",
            json!({
                "JudgeFailover": to_be_approved(sample), "CheckApproval": waits("STS is silent"),
                "Approve": [all_well(sample)["Approve"][0], fails("States.HeartbeatTimeout", "no heartbeat")[0]],
            }),
        ),
        path(
            "approvals that never prove anything",
            REFUSED,
            "not proved after 21 asks: `arn` may not",
            json!({ "JudgeFailover": to_be_approved(sample), "CheckApproval": waits("`arn` may not") }),
        ),
        path(
            "an approval that cannot be looked at",
            PERSON,
            "CheckApproval ended with Runtime.Unknown",
            json!({ "JudgeFailover": to_be_approved(sample), "CheckApproval": fails("Runtime.Unknown", "gone") }),
        ),
        path(
            "an approval that cannot be judged",
            PERSON,
            "JudgeAgain ended with AwsDenied",
            json!({ "JudgeFailover": to_be_approved(sample), "JudgeAgain": fails("AwsDenied", "lambda") }),
        ),
        path(
            "a notice that cannot be sent",
            PERSON,
            "Approve ended with AwsDenied",
            answered(fails("AwsDenied", "sns:Publish")[0].clone()),
        ),
    ]
}

/// What `OpenRun` answers a run that takes over what another one shut.
pub(crate) fn owing(opened: &Value) -> Value {
    let mut opened = opened.clone();
    let run: Run = serde_json::from_value(opened["did"].clone()).unwrap();
    let target = Target::primary(&run.plan, run.pair().unwrap());
    let shut =
        Shut { execution: run.execution, generation: run.generation, since: run.opened_at, target, network: true };
    opened["did"]["owes"] = serde_json::to_value(shut).unwrap();
    json!([opened])
}

/// Those of a run that takes over what another one shut, and gives up itself.
fn owing_an_undo(sample: &Value) -> Vec<Path> {
    let opened = owing(&all_well(sample)["OpenRun"][0]);
    let with = |answers: Value| {
        let mut answers = answers;
        answers["OpenRun"] = opened.clone();
        answers
    };
    let no = json!([{ "decision": "deny", "by": "ann", "why": "a drill" }]);
    vec![
        path("what it took over is fenced again and promoted away", DONE, "1 check", with(json!({}))),
        path("a judge that says no", UNDONE, "it is up", with(json!({ "JudgeFailover": refuses("it is up") }))),
        path("a judge that fails", UNDONE, "AwsDenied", with(json!({ "JudgeFailover": fails("AwsDenied", "x") }))),
        path(
            "a person who denies",
            UNDONE,
            "not approved by ann",
            with(json!({ "JudgeFailover": to_be_approved(sample), "Approve": no })),
        ),
        path(
            "an approval of what is no longer so",
            UNDONE,
            "it is up",
            with(json!({ "JudgeFailover": to_be_approved(sample), "JudgeAgain": refuses("it is up") })),
        ),
        path(
            "one that cannot be opened",
            PERSON,
            "it is up; then UndoFencePrimary ended with Database",
            with(json!({ "JudgeFailover": refuses("it is up"), "UndoFencePrimary": fails("Database", "gone") })),
        ),
    ]
}

fn before_the_point_of_no_return() -> Vec<Path> {
    let too_far = || refuses("the replica is 9 s behind, the budget is 2 s");
    vec![
        path("a fence that is refused", UNDONE, "no fence", json!({ "FencePrimary": refuses("no fence") })),
        path("a fence that fails", UNDONE, "AwsDenied", json!({ "FencePrimary": fails("AwsDenied", "rds:Modify") })),
        path(
            "a fence that a newer run forbids is left to it",
            PERSON,
            "Superseded",
            json!({ "FencePrimary": fails("Superseded", "generation 4") }),
        ),
        path("a replica too far behind", UNDONE, "9 s behind", json!({ "PromoteReplica": too_far() })),
        path(
            "a fence that cannot be opened again",
            PERSON,
            "9 s behind, the budget is 2 s; then UndoFencePrimary ended with Database",
            json!({ "PromoteReplica": too_far(), "UndoFencePrimary": fails("Database", "refused") }),
        ),
        path(
            "a fence that is not opened again",
            PERSON,
            "then the fence was not undone: generation 4",
            json!({ "PromoteReplica": too_far(), "UndoFencePrimary": refuses("generation 4") }),
        ),
    ]
}

/// Those that a failover and a switchover have in common once the promotion was asked for; `person` is the end of each.
pub(crate) fn once_promoting(person: StateName) -> Vec<Path> {
    vec![
        path(
            "a promotion that never ends",
            person.clone(),
            "not promoted after 241 asks: still starting",
            json!({ "PromoteReplica": waits("still starting") }),
        ),
        path(
            "a promotion that fails",
            person.clone(),
            "AwsRejected",
            json!({ "PromoteReplica": fails("AwsRejected", "no") }),
        ),
        path(
            "a record that is denied",
            person.clone(),
            "AwsDenied",
            json!({ "DnsSwitch": fails("AwsDenied", "route53") }),
        ),
        path(
            "a record that points elsewhere",
            person.clone(),
            "elsewhere",
            json!({ "DnsSwitch": refuses("elsewhere") }),
        ),
        path("a check that fails", person.clone(), "0 orders", json!({ "Verify": refuses("0 orders") })),
    ]
}

/// What fails so often for the time being, and then is as it should be.
fn gone_for(times: usize, answer: &Value) -> Value {
    let gone = fails("AwsTransient", "no answer")[0].clone();
    std::iter::repeat_n(gone, times).chain([answer.clone()]).collect()
}

/// A switch that has moved the database's name, and left one of the application.
pub(crate) fn left(sample: &Value, step: &str) -> Value {
    let mut switch = sample["record"]["traffic"].clone();
    switch["step"] = json!(step);
    switch["did"] = json!({
        "change": null, "target": "orders-replica.us-west-2.rds.lifeboat.test", "seenAt": "2026-01-15T09:30:07Z",
        "left": [{ "name": "www.shop.test", "because": "no such zone" }],
    });
    json!([switch])
}

fn after_the_point_of_no_return(sample: &Value) -> Vec<Path> {
    vec![
        path(
            "a name of the application that cannot be moved keeps nobody from verifying and hardening",
            DEGRADED,
            "1 check passed; but not moved",
            json!({ "DnsSwitch": left(sample, "Refused") }),
        ),
        path(
            "a name of the application that never arrives is waited for a while",
            DEGRADED,
            "1 check passed; but not moved",
            json!({ "DnsSwitch": left(sample, "Pending"), "HardenPrimary": waits("backing-up") }),
        ),
        path(
            "a check that fails without a name of the application",
            PERSON,
            "not verified after 61",
            json!({ "DnsSwitch": left(sample, "Refused"), "Verify": waits("no answer") }),
        ),
        path(
            "a guard that does not start keeps no traffic waiting",
            DONE,
            "1 check passed",
            json!({ "GuardPrimary": fails("Lambda.TooManyRequestsException", "busy") }),
        ),
        path(
            "a new primary that cannot be hardened is a primary all the same",
            DONE,
            "1 check passed",
            json!({ "HardenPrimary": waits("backing-up") }),
        ),
        path(
            "a record that never spreads",
            PERSON,
            "traffic not switched after 241 asks: spreads",
            json!({ "DnsSwitch": waits("spreads") }),
        ),
        path(
            "a Route 53 that is gone for good",
            PERSON,
            "traffic is not switched yet: AwsTransient: no answer",
            json!({ "DnsSwitch": fails("AwsTransient", "no answer") }),
        ),
        path(
            "a Route 53 that comes back after hours, while nobody can be told",
            DONE,
            "1 check passed",
            json!({ "DnsSwitch": gone_for(200, &all_well(sample)["DnsSwitch"][0]), "NotifyTrafficLate": fails("AwsDenied", "sns:Publish") }),
        ),
        path("checks that never answer", PERSON, "not verified after 61", json!({ "Verify": waits("no answer") })),
        path("a check that crashes", PERSON, "Runtime.Unknown", json!({ "Verify": fails("Runtime.Unknown", "gone") })),
    ]
}

fn closing() -> Vec<Path> {
    let denied = || fails("AwsDenied", "s3:PutObject");
    vec![
        path(
            "a failover without its record needs a person",
            PERSON,
            "the run is done but its record is missing: CloseRun ended with AwsDenied: s3:PutObject; it was done because",
            json!({ "CloseRun": denied() }),
        ),
        path(
            "a refusal without its record needs a person",
            PERSON,
            "the run is refused but its record is missing",
            json!({ "JudgeFailover": refuses("it is up"), "CloseRun": denied() }),
        ),
        path("a closing that is refused", PERSON, "was not closed", json!({ "CloseRun": refuses("no") })),
        path("a done that nobody hears of is done", DONE, "1 check", json!({ "Notify": denied() })),
        path(
            "a refusal that nobody hears of is a refusal",
            REFUSED,
            "it is up",
            json!({ "JudgeFailover": refuses("it is up"), "Notify": denied() }),
        ),
        path(
            "an undone that nobody hears of is undone",
            UNDONE,
            "no fence",
            json!({ "FencePrimary": refuses("no fence"), "Notify": denied() }),
        ),
    ]
}
