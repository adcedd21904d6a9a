//! The ends of runs, as the engine tells them: also of a run that ended without its own word, by its time-out, by hand, or
//! by an error that no state catches.

use serde_json::{Value, json};

use super::{Resources, alarm::Alarm, engine::Export, rule};
use crate::{
    plan::{PairPlan, Plan},
    state_machine::StateMachine,
    words::id::PlanName,
};

/// Failovers and switchovers.
pub(super) fn add_runs(plan: &PairPlan, resources: &mut Resources) {
    let says = format!(
        "A failover or a switchover of plan {} ended otherwise than done: refused, undone, broken off, or it needs a person. Its \
         notice says more; if none came: RUNBOOK, \"A run whose notice did not come\".",
        plan.plan
    );
    let what = "Tells people when a run died. Its alarm counts those that ended otherwise than done.";
    let of = Ends { plan: &plan.plan, id: "RunEndedBadly", rule: "run-ended", alarm: "run-ended-badly" };
    of.add(&[StateMachine::Failover, StateMachine::FailoverAll, StateMachine::Switchover], what, says, resources);
}

/// Backups, proofs and cleanups.
pub(super) fn add_backups(plan: &Plan, resources: &mut Resources) {
    let says = format!(
        "A backup, the proof of one or a cleanup of plan {} ended otherwise than complete: partial, failed, refused or broken \
         off. Its notice says more; if none came: RUNBOOK, \"A run whose notice did not come\".",
        plan.plan
    );
    let what = "Tells people when a backup, the proof of one, or a cleanup died. Its alarm counts those that ended otherwise \
                than complete.";
    let of = Ends { plan: &plan.plan, id: "BackupEndedBadly", rule: "backup-ended", alarm: "backup-ended-badly" };
    of.add(&[StateMachine::Backup, StateMachine::Cleanup, StateMachine::VerifyBackup], what, says, resources);
}

struct Ends<'a> {
    plan: &'a PlanName,
    /// What the logical ids begin with.
    id: &'static str,
    /// A rule's name has 64 characters at most, an alarm's 255.
    rule: &'static str,
    alarm: &'static str,
}

impl Ends<'_> {
    fn add(&self, machines: &[StateMachine], what: &str, says: String, resources: &mut Resources) {
        let machines: Vec<Value> = machines.iter().map(|machine| Export::Machine(*machine).import()).collect();
        let pattern = json!({
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {
                "stateMachineArn": machines,
                "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                "input": naming(self.plan),
            },
        });
        let target = json!({
            "Id": "notify",
            "Arn": Export::Notify.import(),
            "DeadLetterConfig": { "Arn": Export::LostEvents.import() },
        });
        let id = format!("{}Rule", self.id);
        // A run says itself how it ended. This says it as well, by another way than the function that tells people: nobody
        // is left to tell where that one, or every topic, is deaf. A person who stopped a run knows; whoever else is on call
        // does not.
        let alarm = Alarm {
            plan: self.plan,
            what: self.alarm,
            says,
            namespace: "AWS/Events",
            metric: "TriggeredRules",
            statistic: "Sum",
            dimensions: json!([{ "Name": "RuleName", "Value": { "Ref": resources.id(&id) } }]),
        };
        resources.add(format!("{}Alarm", self.id), alarm.usual());
        resources.add(id, rule::rule(&rule::name(self.plan, self.rule), what, ("EventPattern", pattern), target));
    }
}

/// Inputs that name the plan, as text, which is all that the event has of them: an order and a schedule by `plan`, the
/// alarm's event by its metric's dimension, each as programs write JSON, with a space after the colon or without.
fn naming(plan: &PlanName) -> Value {
    let key = |key: &str, space: &str| json!({ "wildcard": format!(r#"*"{key}":{space}"{}"*"#, plan) });
    json!([key("plan", ""), key("plan", " "), key("Plan", ""), key("Plan", " ")])
}
