//! The page that a plan's owner signs: what is protected, what was promised, what follows from the plan's own numbers, and
//! what nobody has answered yet. From the plan alone: nothing is asked of AWS.

mod answers;
mod health;
mod markdown;
mod names;
mod protected;
mod questions;
mod regions;
mod worst;

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde::Serialize;

pub use answers::Answer;
pub use names::Named;
pub use protected::{Protected, Scheduled};
pub use regions::Gone;
pub use worst::{Reckoned, TierKept, Worst};

use super::{Finding, check};
use crate::{
    cost::{self, Given, Prices},
    plan::{Objectives, Plan, PlanAlarm},
    words::{
        id::{Address, PlanName},
        time_span::TimeSpan,
    },
};

/// What a plan does not say.
#[derive(Debug, Clone, Copy)]
pub struct Assumed {
    /// How long RDS takes to promote a replica: "several minutes or longer", by its own documents.
    pub promotion: TimeSpan,
    /// The day on which the page is made.
    pub today: Date,
}

/// A plan, explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The plan.
    pub plan: PlanName,
    /// What this system is.
    pub summary: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The day by which it is to be read again.
    pub review_by: Option<Date>,
    /// The day on which this was made.
    pub made: Date,
    /// Where it runs, recovers and is looked at from.
    pub regions: Vec<Gone>,
    /// What was promised.
    pub objectives: Objectives,
    /// What is protected.
    pub protected: Vec<Protected>,
    /// The names that clients use.
    pub names: Vec<Named>,
    /// The public resolvers that are asked for them after a move.
    pub resolvers: Vec<Address>,
    /// The backups.
    pub backups: Vec<Scheduled>,
    /// At worst, by component.
    pub worst: Vec<Worst>,
    /// At worst, by tier.
    pub tiers: Vec<TierKept>,
    /// What each class of failure is answered with.
    pub answers: Vec<Answer>,
    /// How long a failover is expected to take, as the owner says.
    pub expected: Option<TimeSpan>,
    /// The alarms that it adds.
    pub alarms: Vec<PlanAlarm>,
    /// How it is told whether a Region is healthy.
    pub health: Vec<String>,
    /// What an idle month costs, in US dollars; absent where no prices are known.
    pub dollars_a_month: Option<f64>,
    /// What the plan's check objects to.
    pub objections: Vec<Finding>,
    /// What only people can answer.
    pub questions: Vec<String>,
}

/// Explains a plan.
#[must_use]
pub fn explain(plan: &Plan, assumed: &Assumed) -> Explanation {
    let worst = worst::by_component(plan, assumed);
    let mut objections = check(plan);
    objections.extend(overdue(plan, assumed.today));
    Explanation {
        plan: plan.plan.clone(),
        summary: plan.summary.clone(),
        owner: plan.owner.clone(),
        review_by: plan.review_by.as_ref().map(crate::words::id::Day::date),
        made: assumed.today,
        regions: regions::gone(plan),
        objectives: plan.objectives.clone(),
        protected: protected::components(plan),
        names: names::of(plan),
        resolvers: names::resolvers(plan),
        backups: protected::schedules(plan),
        tiers: worst::by_tier(plan, &worst),
        worst,
        answers: answers::by_class(plan),
        expected: plan.failover.expected,
        alarms: plan.alarms.clone(),
        health: health::told(plan),
        dollars_a_month: Prices::list().ok().map(|prices| cost::reckon(plan, &Given::default(), &prices).dollars),
        objections,
        questions: questions::open(plan),
    }
}

/// The finding that a plan was to be read again by a day that has passed.
#[must_use]
pub fn overdue(plan: &Plan, today: Date) -> Option<Finding> {
    let by = plan.review_by.as_ref()?.date();
    (by < today).then(|| {
        let what = format!("it was to be reviewed by {by}, and today is {today}");
        Finding::warning(
            "reviewBy",
            what,
            "Read it again with its owner (`lifeboat plan explain`), and write the next day.",
        )
    })
}
