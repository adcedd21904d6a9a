//! A plan that asks a person.

use domain::{
    failover::approval::{Answer, ApprovalRequest, Decision},
    plan::{PairPlan, Policy},
    record::evidence::Evidence,
    state_machine::StateName,
    words::{
        id::{ExecutionArn, Person},
        time_span::TimeSpan,
    },
};
use edge::{object_store, states::States};
use jiff::Timestamp;

use super::{Drill, promoted_at};
use crate::{
    drill::{DrillError, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::{SystemError, until},
};

/// How long a person has to answer, in addition to the time that the answer takes; and where nobody answers.
const LONG: TimeSpan = TimeSpan::seconds(120);
const SHORT: TimeSpan = TimeSpan::seconds(2);

impl Drill<'_> {
    pub(super) async fn approval(&mut self) -> Result<DrillResult, DrillError> {
        let (lab, plan) = (self.lab, self.plan());
        let result = self.asked_thrice().await;
        // Also after an error: the next run must read the plan as it was.
        lab.system.replan(&lab.aws, plan).await?;
        result
    }

    async fn asked_thrice(&mut self) -> Result<DrillResult, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        system.replan(aws, &asking(self.plan(), LONG)).await?;
        let disaster_at = self.kill().await?;
        let first = runs.next().await?;
        self.answer(&first, Decision::Deny, "anna", "the application is at fault").await?;
        let denied = runs.follow(self.lab, &first, self.observer).await?;
        self.on_record(&denied, "deny", "anna", "the application is at fault");
        let name = denied.execution.name().to_owned();
        self.called("a person is asked, and told the command that answers", |told| {
            told.subject.contains("approve the failover") && told.message.contains(&format!("approve {name}"))
        })
        .await?;

        // EventBridge may deliver an event more than once: the alarm's event comes again, and its run asks again.
        system.replan(aws, &asking(self.plan(), SHORT)).await?;
        let second = runs.start(&denied.request).await?;
        let unanswered = runs.follow(self.lab, &second, self.observer).await?;
        let says = unanswered.because.contains("nobody approved within");
        self.check("silence is a no, and said so", says, &unanswered.because);

        let late = self.answer_after;
        system.replan(aws, &asking(self.plan(), LONG + late)).await?;
        let third = runs.start(&denied.request).await?;
        self.question(&third).await?;
        tokio::time::sleep(late.duration()).await;
        self.answer(&third, Decision::Approve, "ben", "confirmed with the provider").await?;
        let approved = runs.follow(self.lab, &third, self.observer).await?;
        self.on_record(&approved, "approve", "ben", "confirmed with the provider");
        for (which, evidence) in [("denied", &denied), ("unanswered", &unanswered)] {
            let nothing = evidence.record.fencing.is_none() && evidence.record.promotion.is_none();
            self.check(format!("the {which} run changed nothing"), nothing, "by the record's answers");
        }
        let moved = promoted_at(&approved);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        let results = vec![
            RunResult::of("denied", Ending::Refused, denied),
            RunResult::of("nobody answers", Ending::Refused, unanswered),
            RunResult::of("approved", Ending::Done, approved),
        ];
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: false, rpo: true }).await
    }

    /// Waits for a run's question to a person.
    async fn question(&self, run: &ExecutionArn) -> Result<ApprovalRequest, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let key = object_store::approval_key(&self.plan().plan, run.name());
        let asked = until(super::super::patience(self.plan()), "the question to a person", async || {
            Ok(system.object(aws, &key).await?.and_then(|text| serde_json::from_str::<ApprovalRequest>(&text).ok()))
        });
        Ok(asked.await?)
    }

    /// Answers a run as `lifeboat approve` does: by the token that it left with its question.
    pub(super) async fn answer(
        &mut self,
        run: &ExecutionArn,
        decision: Decision,
        by: &str,
        why: &str,
    ) -> Result<(), DrillError> {
        let asked = self.question(run).await?;
        let person = |error: domain::words::id::BadId| SystemError::Aws {
            doing: "name a person".into(),
            why: error.to_string(),
        };
        let answer = Answer {
            decision,
            by: by.parse::<Person>().map_err(person)?,
            why: why.to_owned(),
            accept_data_loss: false,
            proved: None,
        };
        let gateway = &self.lab.aws.gateway;
        let states = States::with(&gateway.sdk_config(self.plan().regions.recovery.as_str()));
        states.answer(&asked.task_token, &answer).await?;
        let event = match decision {
            Decision::Approve => Event::Approved,
            Decision::Deny => Event::Denied,
        };
        self.happened(Timestamp::now(), event, format!("by {by}: {why}"), Actor::Disaster);
        Ok(())
    }

    /// Checks that a run's evidence says who decided what, when and why.
    fn on_record(&mut self, evidence: &Evidence, decision: &str, by: &str, why: &str) {
        let kept = serde_json::to_value(&evidence.record.approval).unwrap_or_default();
        let when = evidence
            .timeline
            .iter()
            .find(|moment| moment.state == StateName::Approve)
            .and_then(|moment| moment.left_at);
        let same = kept["decision"] == decision && kept["by"] == by && kept["why"] == why && when.is_some();
        let at = when.map_or("at no known time".to_owned(), |at| format!("at {at}"));
        self.check(format!("who, when and why are on record: {decision}"), same, format!("{kept} {at}"));
    }
}

/// The same plan, except that a person decides about a dead database, and has this long.
fn asking(plan: &PairPlan, deadline: TimeSpan) -> PairPlan {
    let mut plan = plan.clone();
    plan.failover.policy.database = Policy::Approval;
    plan.failover.approval_deadline = deadline;
    plan
}
