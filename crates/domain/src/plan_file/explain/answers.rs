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
            Disaster::Database => (policy(plan, FailureClass::Database), true),
            Disaster::Zone => (policy(plan, FailureClass::Zone), true),
            Disaster::Region => (policy(plan, FailureClass::Region), true),
            // Whatever the policy says: a primary that somebody sees, or that answers, is not failed over.
            Disaster::Application | Disaster::Network => ("nothing is moved by itself".to_owned(), true),
            // Nothing that watches can tell these from a system that works.
            Disaster::Corruption | Disaster::Breach | Disaster::Deletion => {
                let policy = plan.failover.policy.of_what_a_person_tells(class);
                let said = match policy {
                    Some(Policy::Never) => "nothing: what is done is none of Lifeboat's",
                    Some(Policy::Approval | Policy::Automatic) | None => {
                        "nothing by itself: a person orders a restore, for the replica has it as well"
                    }
                };
                (said.to_owned(), false)
            }
            Disaster::SeveralRegions => (policy(plan, FailureClass::SeveralRegions), false),
        };
        // What nothing can tell is on the page where something was promised for it.
        (is_told || promised(class).is_some()).then(|| answer(class.in_words(), said, promised(class)))
    });
    let unknown = match plan.failover.policy.unknown {
        Policy::Automatic => "failed over by itself, where no more than the loss budget can be lost".to_owned(),
        Policy::Approval | Policy::Never => policy(plan, FailureClass::Unknown),
    };
    by_disaster.chain([answer("not clear: signals are missing", unknown, None)]).collect()
}

fn policy(plan: &Plan, class: FailureClass) -> String {
    let once = plan.failover.after.of(class).map(|wait| format!(", once it has lasted {wait}")).unwrap_or_default();
    match plan.failover.policy.of(class) {
        Policy::Automatic => format!("failed over by itself{once}"),
        Policy::Approval => {
            format!("a person is asked{once}, and has {}; silence is a no", plan.failover.approval_deadline)
        }
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
