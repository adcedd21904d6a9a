//! `lifeboat approve`: answers a run that waits for a person.

use std::{process::ExitCode, time::Duration};

use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType};
use clap::Args;
use domain::{
    failover::{
        approval::{Answer, ApprovalRequest, Decision},
        caller::{self, Caller, Ordered},
        run::RunKind,
    },
    plan::PairPlan,
    run::step::{Outcome, Step},
    state_machine::StateName,
    words::{
        failure::Failure,
        id::{CallerArn, ExecutionArn, PlanName},
    },
};
use edge::object_store;
use serde::Serialize;
use serde_json::json;

use crate::{engine::Engine, output::Output, pair, refusal::Refusal, request::Order, run};

/// Answers a run that waits for a person.
#[derive(Debug, Args)]
#[command(after_help = "\
The notice that asked shows this command with its RUN. The answer, who gave it and why are kept in the run's record. Who may
not approve by the plan is told before anything is answered; then the run is followed until it has taken the answer or not.

Examples:
  lifeboat approve alarm-8f3a --plan lab --region us-west-2 --by anna --why 'us-east-1 is down, status page agrees'
  lifeboat approve alarm-8f3a --plan lab --region us-west-2 --by anna --why 'planned work on the primary' --deny

Exit codes: 0 the run took the answer; 3 it did not, or would not; 1 it could not be given or followed; 2 wrong command line.")]
pub(crate) struct Command {
    /// The run: its execution's name, or its ARN.
    #[arg(value_name = "RUN")]
    run: String,
    /// The plan's name.
    #[arg(long, value_name = "NAME")]
    plan: PlanName,
    #[command(flatten)]
    order: Order,
    /// Says no: the run ends as refused and nothing is changed.
    #[arg(long)]
    deny: bool,
    /// Consents as well, by name and for this run alone, to lose more than the plan's budget.
    #[arg(long, conflicts_with = "deny")]
    accept_data_loss: bool,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        self.order.check()?;
        let (region, name) = self.place()?;
        let engine = Engine::of(RunKind::Failover.machine(), region.as_deref()).await?;
        let execution = engine.execution(&name)?;
        let pair = pair::named(&engine, &self.plan).await.ok();
        let name_of_pair = pair.as_ref().map_or_else(|| self.plan.clone(), |pair| pair.plan.clone());
        let failover = pair.as_ref().map(|pair| &pair.failover);
        let key = object_store::approval_key(&name_of_pair, &name);
        let Some((asked, _)) = object_store::read_json::<ApprovalRequest>(&engine.bucket, &key).await? else {
            return Err(Refusal::failed(
                format!("run `{name}` of plan `{}` has asked nobody in {} (no object {key})", self.plan, engine.region),
                "Take RUN, --plan and --region from the notice.",
            ));
        };
        if asked.execution != execution {
            return Err(Refusal::failed(
                format!("{key} belongs to {}, not to {execution}", asked.execution),
                "Take RUN and --region from the notice.",
            ));
        }
        // Step Functions may take an answer that nobody waits for.
        if let Some(how) = run::how_it_ended(&engine.describe(&execution).await?) {
            return Err(Refusal::failed(
                format!("run `{name}` of plan `{}` takes no answer any more: {how}", self.plan),
                "A failover can be started by hand: `lifeboat failover --help`.",
            ));
        }
        let decision = if self.deny { Decision::Deny } else { Decision::Approve };
        let mut answer = Answer {
            decision,
            by: self.order.by.clone(),
            why: self.order.why.trim().to_owned(),
            accept_data_loss: self.accept_data_loss,
            proved: None,
        };
        let mut given = json!(answer);
        // Whoever says no need not be one who may say yes.
        if decision == Decision::Approve {
            given = engine.proved(Ordered::Approval, (&name_of_pair, failover), &execution, given).await?;
            // The run takes one answer: whether it will be taken is known before it is given.
            let who = engine.who_gave(Ordered::Approval, &name_of_pair, &execution, &given).await;
            match may(pair.as_ref(), execution.account(), who) {
                Ok(proved) => answer.proved = proved,
                Err(why) => {
                    output.line(&format!("refused: {why}. Nothing was answered: run `{name}` still asks."));
                    return Ok(ExitCode::from(3));
                }
            }
        }
        let since = engine.newest_event(&execution).await?;
        engine.answer(&asked.task_token, &given).await?;
        let became = became(&engine, &execution, since, decision).await?;
        if self.json {
            output.json(&Told { answer: &answer, taken: became.is_ok(), because: became.as_ref().err() })?;
        } else {
            output.line(&match &became {
                Ok(()) => format!(
                    "{}: run `{name}` of plan `{}`, by {}. It had asked because: {}",
                    if self.deny { "denied" } else { "approved" },
                    self.plan,
                    answer.named(),
                    asked.because
                ),
                Err(why) => format!("NOT taken: run `{name}` of plan `{}`: {why}", self.plan),
            });
        }
        Ok(ExitCode::from(if became.is_ok() { 0 } else { 3 }))
    }

    /// The Region and the execution's name; an ARN names both.
    fn place(&self) -> Result<(Option<String>, String), Refusal> {
        if !self.run.starts_with("arn:") {
            return Ok((self.region.clone(), self.run.clone()));
        }
        let arn: ExecutionArn =
            self.run.parse().map_err(|error| Refusal::usage(format!("RUN: {error}"), "Take it from the notice."))?;
        let region = arn.region().to_owned();
        match &self.region {
            Some(other) if *other != region => {
                Err(Refusal::usage(format!("--region is {other}, but the run is in {region}"), "Leave --region out."))
            }
            _ => Ok((Some(region), arn.name().to_owned())),
        }
    }
}

/// The answer as `--json` prints it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    answer: &'a Answer,
    /// Whether the run took it.
    taken: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'a String>,
}

/// Whether the run will take an approval of whoever this is. Where the plan cannot be read, the run reads its own.
fn may(pair: Option<&PairPlan>, account: &str, who: Result<Caller, Failure>) -> Result<Option<CallerArn>, String> {
    let who = who.unwrap_or_else(|failure| Caller::Unproved(failure.chain()));
    match (pair, who) {
        (Some(pair), who) => caller::allow(pair, account, who),
        (None, Caller::Proved(who)) => Ok(Some(who)),
        (None, Caller::Unnamed) => Ok(None),
        (None, Caller::Unproved(why)) => Err(format!("who gives this answer is not proved: {why}")),
    }
}

/// How often the run is looked at, and for how long: it asks AWS three times who answered.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LOOKS: u32 = 240;

/// What became of an answer: whether the run took it, or why not. `since` is the run's last event before it was given.
async fn became(
    engine: &Engine,
    execution: &ExecutionArn,
    since: i64,
    decision: Decision,
) -> Result<Result<(), String>, Refusal> {
    for _ in 0..LOOKS {
        let described = engine.describe(execution).await?;
        let mut page = None;
        loop {
            let (events, next) = engine.history(execution, page).await?;
            if let Some(became) = taken(events.iter().filter(|event| event.id > since), decision) {
                return Ok(became);
            }
            if next.is_none() {
                break;
            }
            page = next;
        }
        if let Some(how) = run::how_it_ended(&described) {
            return Ok(Err(how));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(Refusal::failed(
        format!(
            "the answer was given, and run `{}` has not said within two minutes whether it takes it",
            execution.name()
        ),
        "See what it does: `lifeboat status`.",
    ))
}

/// What a run's events say of an answer: a no is taken as it is, a yes once it was looked at who gave it.
fn taken<'e>(events: impl Iterator<Item = &'e HistoryEvent>, decision: Decision) -> Option<Result<(), String>> {
    for event in events {
        let Some(left) = event.state_exited_event_details() else { continue };
        let state = StateName::from(left.name());
        if state == StateName::Approve && decision == Decision::Deny {
            return Some(Ok(()));
        }
        if state == StateName::CheckApproval && *event.r#type() == HistoryEventType::TaskStateExited {
            let step = serde_json::from_str::<Step>(left.output().unwrap_or_default());
            return Some(match step {
                Ok(Step { step: Outcome::Done, .. }) => Ok(()),
                Ok(Step { because, .. }) => Err(because),
                Err(error) => Err(format!("its answer cannot be read: {error}")),
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::{primitives::DateTime, types::StateExitedEventDetails};

    use super::*;

    fn left(id: i64, state: &str, output: &str) -> HistoryEvent {
        let details = StateExitedEventDetails::builder().name(state).output(output).build().unwrap();
        let event = HistoryEvent::builder().id(id).r#type(HistoryEventType::TaskStateExited);
        event.timestamp(DateTime::from_secs(0)).state_exited_event_details(details).build().unwrap()
    }

    #[test]
    fn an_approval_is_taken_once_the_run_has_looked_who_gave_it_and_a_no_as_it_is() {
        let answered = left(1, "Approve", r#"{"decision": "approve", "by": "anna", "why": "it burns"}"#);
        let looked = |step: &str| {
            left(
                2,
                "CheckApproval",
                &json!({"step": step, "because": "by nobody who may", "seen": null, "did": null}).to_string(),
            )
        };
        let yes = Decision::Approve;
        assert_eq!(taken([&answered].into_iter(), yes), None);
        assert_eq!(taken([&answered, &looked("Done")].into_iter(), yes), Some(Ok(())));
        for not in ["Pending", "Refused"] {
            assert_eq!(
                taken([&answered, &looked(not)].into_iter(), yes),
                Some(Err("by nobody who may".into())),
                "{not}"
            );
        }
        assert_eq!(taken([&answered].into_iter(), Decision::Deny), Some(Ok(())));
        assert!(matches!(taken([&left(2, "CheckApproval", "no JSON")].into_iter(), yes), Some(Err(_))));
    }

    #[test]
    fn who_may_not_is_told_before_the_answer_is_given() {
        let mut plan = domain::plan_file::read(include_str!("../../../plans/lab.yaml"), "plans/lab.yaml")
            .unwrap()
            .pairs()
            .next()
            .unwrap();
        plan.failover.may_order = Some(vec!["dba".parse().unwrap()]);
        let who = |arn: &str| Ok(Caller::Proved(arn.parse().unwrap()));
        let account = "000000000000";
        assert!(may(Some(&plan), account, who("arn:aws:sts::000000000000:assumed-role/dba/anna")).is_ok());
        let other = may(Some(&plan), account, who("arn:aws:sts::000000000000:assumed-role/other/anna"));
        assert!(other.unwrap_err().contains("may not order"));
        let silent = || Err(Failure::AwsTransient { what: "STS is silent".into(), source: None });
        assert!(may(Some(&plan), account, silent()).unwrap_err().contains("STS is silent"));
        assert!(may(None, account, silent()).is_err(), "what the plan says is not known");
        plan.failover.may_order = None;
        assert_eq!(may(Some(&plan), account, silent()), Ok(None), "everybody may");
    }
}
