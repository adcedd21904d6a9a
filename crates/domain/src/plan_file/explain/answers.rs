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
    let by_disaster = Disaster::ALL.into_iter().filter_map(|class| {
        let (said, is_told) = match class {
            Disaster::Database => (policy(plan, plan.failover.policy.of(FailureClass::Database)), true),
            Disaster::Zone => (policy(plan, plan.failover.policy.of(FailureClass::Zone)), true),
            Disaster::Region => (policy(plan, plan.failover.policy.of(FailureClass::Region)), true),
            // Whatever the policy says: a primary that somebody sees, or that answers, is not failed over.
            Disaster::Application | Disaster::Network => ("nothing is moved by itself".to_owned(), true),
            // Nothing that watches can tell these from a system that works.
            Disaster::SeveralRegions | Disaster::Corruption | Disaster::Breach | Disaster::Deletion => {
                ("nothing by itself: a person orders what is done".to_owned(), false)
            }
        };
        // What nothing can tell is on the page where something was promised for it.
        (is_told || promised(class).is_some()).then(|| answer(class.in_words(), said, promised(class)))
    });
    let unknown = match plan.failover.policy.unknown {
        Policy::Automatic => "failed over by itself, where no more than the loss budget can be lost".to_owned(),
        asked @ (Policy::Approval | Policy::Never) => policy(plan, asked),
    };
    by_disaster.chain([answer("not clear: signals are missing", unknown, None)]).collect()
}

fn policy(plan: &Plan, policy: Policy) -> String {
    match policy {
        Policy::Automatic => "failed over by itself".to_owned(),
        Policy::Approval => format!("a person is asked, and has {}; silence is a no", plan.failover.approval_deadline),
        Policy::Never => "nothing is moved; people are told".to_owned(),
    }
}

fn answer(class: &str, answer: String, promised: Option<&FailureObjective>) -> Answer {
    Answer {
        class: class.to_owned(),
        level: promised.and_then(|promised| promised.level.clone()),
        answer,
        rto: promised.map(|promised| promised.rto),
        rpo: promised.map(|promised| promised.rpo),
    }
}
