//! What happens by itself, and what waits for whom.

use serde::Serialize;

use crate::{
    plan::{Disaster, FailureClass, FailureObjective, Plan, Policy},
    words::time_span::TimeSpan,
};

/// What a class of failure is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The class.
    pub class: String,
    /// What the organization calls its severity.
    pub level: Option<String>,
    /// What happens.
    pub answer: String,
    /// The RTO that was promised for it.
    pub rto: Option<TimeSpan>,
    /// The RPO that was promised for it.
    pub rpo: Option<TimeSpan>,
}

pub(super) fn by_class(plan: &Plan) -> Vec<Answer> {
    let promised = |class: Disaster| plan.objectives.failures.iter().find(|failure| failure.class == class);
    let told = [
        (FailureClass::Database, Some(Disaster::Database)),
        (FailureClass::Zone, Some(Disaster::Zone)),
        (FailureClass::Region, Some(Disaster::Region)),
        (FailureClass::Application, Some(Disaster::Application)),
        (FailureClass::Network, Some(Disaster::Network)),
        (FailureClass::Unknown, None),
    ];
    let told = told.map(|(class, disaster)| {
        let policy = policy(plan, plan.failover.policy.of(class));
        answer(class.to_string(), policy, disaster.and_then(promised))
    });
    // Nothing that watches can tell these from a system that works.
    let by_people = [Disaster::SeveralRegions, Disaster::Corruption, Disaster::Breach, Disaster::Deletion];
    let by_people = by_people.into_iter().filter_map(|class| {
        let promised = promised(class)?;
        Some(answer(class.to_string(), "nothing by itself: a person orders what is done".to_owned(), Some(promised)))
    });
    told.into_iter().chain(by_people).collect()
}

fn policy(plan: &Plan, policy: Policy) -> String {
    match policy {
        Policy::Automatic => "failed over by itself".to_owned(),
        Policy::Approval => format!("a person is asked, and has {}; silence is a no", plan.failover.approval_deadline),
        Policy::Never => "nothing is moved; people are told".to_owned(),
    }
}

fn answer(class: String, answer: String, promised: Option<&FailureObjective>) -> Answer {
    Answer {
        class,
        level: promised.and_then(|promised| promised.level.clone()),
        answer,
        rto: promised.map(|promised| promised.rto),
        rpo: promised.map(|promised| promised.rpo),
    }
}
