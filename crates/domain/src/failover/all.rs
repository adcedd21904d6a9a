//! One order for several pairs of a plan: all are judged, then each is failed over by a run of its own, one after the other.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    failover::{
        caller::Proof,
        request::FailoverRequest,
        run::{Consent, RunKind},
    },
    plan::{Disaster, PairPlan, Plan},
    run::outcome::RunOutcome,
    state_machine::{LastWord, StateName},
    words::{
        digest,
        failure::Failure,
        id::{ComponentName, ExecutionArn, Person, PlanName},
    },
};

/// A person's order to fail several pairs over.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderOfAll {
    /// The plan.
    pub plan: PlanName,
    /// Which of its pairs, by their components, in the order in which they are moved; all in the plan's order where it is
    /// absent.
    #[serde(default)]
    pub pairs: Option<Vec<ComponentName>>,
    by: Person,
    why: String,
    #[serde(default)]
    consent: Option<Consent>,
    /// What has happened, where only a person can tell.
    #[serde(default)]
    class: Option<Disaster>,
    /// Who ordered it, for STS to say.
    #[serde(default)]
    pub proof: Option<Proof>,
}

/// What is ordered of one pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PairOrder {
    /// The pair's plan.
    pub plan: PlanName,
    /// The name of the run that moves it: the same for each try of the same order.
    pub run: String,
    /// That run's request.
    pub request: Value,
}

/// What an order opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Opened {
    /// The plan.
    pub plan: PlanName,
    /// What is told before the reason: what this system is.
    pub summary: String,
    /// The plan's topics.
    pub topics: Vec<String>,
    /// The pairs, in the order in which they are moved.
    pub pairs: Vec<PairOrder>,
}

impl OrderOfAll {
    /// Makes each pair's order of it.
    ///
    /// # Errors
    /// `InvalidInput`, with the field.
    pub fn open(self, plan: &Plan, execution: &ExecutionArn) -> Result<Opened, Failure> {
        let pairs = self.pairs_of(plan)?;
        let pairs = pairs.into_iter().map(|pair| self.order(pair, execution)).collect::<Result<_, _>>()?;
        let (summary, topics) = (plan.summary.clone(), plan.notifications.topics.clone());
        Ok(Opened { plan: plan.plan.clone(), summary, topics, pairs })
    }

    fn pairs_of(&self, plan: &Plan) -> Result<Vec<PairPlan>, Failure> {
        let Some(named) = &self.pairs else { return Ok(plan.pairs().collect()) };
        let wrong = |why: String| Failure::InvalidInput(format!("request.pairs: {why}"));
        if named.is_empty() {
            return Err(wrong(format!("is empty; plan `{}` has {}", plan.plan, components(plan))));
        }
        let (mut pairs, mut seen) = (Vec::new(), BTreeSet::new());
        for name in named {
            if !seen.insert(name) {
                return Err(wrong(format!("`{name}` is named twice")));
            }
            let pair = plan.pairs().find(|pair| pair.traffic.component == *name);
            pairs.push(pair.ok_or_else(|| {
                wrong(format!("no traffic of plan `{}` leads to `{name}`; it has {}", plan.plan, components(plan)))
            })?);
        }
        Ok(pairs)
    }

    fn order(&self, pair: PairPlan, execution: &ExecutionArn) -> Result<PairOrder, Failure> {
        let mut request = json!({ "plan": pair.plan, "by": self.by, "why": self.why });
        if let Some(consent) = &self.consent {
            request["consent"] = json!(consent);
        }
        if let Some(class) = self.class {
            request["class"] = json!(class);
        }
        FailoverRequest::parse_for(RunKind::Failover, &request)
            .map_err(|error| Failure::InvalidInput(format!("request: {error}")))?;
        let run = format!("{}-all-{}", pair.plan, digest::short(execution.as_str()));
        Ok(PairOrder { plan: pair.plan, run, request })
    }
}

/// The components of a plan's pairs, as a sentence lists them.
fn components(plan: &Plan) -> String {
    let names = plan.traffic.iter().map(|traffic| format!("`{}`", traffic.component));
    names.collect::<Vec<_>>().join(", ")
}

/// What the judge said of one pair.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Judged {
    /// The pair's plan.
    pub plan: PlanName,
    /// Whether it is a failure that may be failed over.
    pub is_failure: bool,
    /// The judge's word.
    pub word: LastWord,
}

/// An order that ended, and not as it should.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ended {
    /// The execution.
    pub execution: ExecutionArn,
    /// What it opened; absent where the order was wrong.
    pub opened: Option<Opened>,
    /// The judge's words, as far as they came.
    judged: Vec<Judged>,
    /// How many pairs were moved.
    moved: usize,
    /// Whether nothing was begun, or a pair is not as it should be.
    pub outcome: RunOutcome,
    /// The error that stopped it.
    stopped: Option<LastWord>,
}

impl Ended {
    /// Why, in one sentence.
    #[must_use]
    pub fn because(&self) -> String {
        let pairs = self.opened.as_ref().map(|opened| opened.pairs.as_slice()).unwrap_or_default();
        let named = |pairs: &[PairOrder]| {
            let names: Vec<String> = pairs.iter().map(|pair| format!("`{}`", pair.plan)).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        };
        match (&self.stopped, pairs.get(self.moved)) {
            (Some(word), Some(at)) if word.state == StateName::MovePair => format!(
                "run `{}` of `{}` did not end as done: {}; moved before it: {}; not begun: {}",
                at.run,
                at.plan,
                word.of_a_run(),
                named(&pairs[..self.moved]),
                named(&pairs[self.moved + 1..])
            ),
            (Some(word), _) => word.because(),
            (None, _) => {
                let unfit = self.judged.iter().filter(|judged| !judged.is_failure);
                let unfit = unfit.map(|judged| format!("`{}`: {}", judged.plan, judged.word.because()));
                let unfit: Vec<String> = unfit.collect();
                format!("{} of {} pairs are not failed over now: {}", unfit.len(), pairs.len(), unfit.join("; "))
            }
        }
    }
}

/// Where it ends, and the heading of RUNBOOK.md that says what to do then.
#[must_use]
pub fn end(outcome: RunOutcome) -> StateName {
    match outcome {
        RunOutcome::Done => StateName::FailoverAllDone,
        RunOutcome::Refused => StateName::FailoverAllRefused,
        RunOutcome::Degraded | RunOutcome::Undone | RunOutcome::NeedsAPerson => StateName::FailoverAllNeedsAPerson,
    }
}

/// The outcome that an end of it stands for.
#[must_use]
pub fn outcome_of(name: &StateName) -> Option<RunOutcome> {
    [RunOutcome::Done, RunOutcome::Refused, RunOutcome::NeedsAPerson].into_iter().find(|outcome| end(*outcome) == *name)
}
