//! What follows where a Region's health points to a class of failure. Nothing is moved by health itself: a failover begins with
//! the probe, and with the judge's own look.

use crate::{
    component::ActiveSide,
    plan::{Disaster, FailureClass, Plan, Policy},
};

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The probe sees it as well, and the plan says what is done.
    Probe(Policy),
    /// Nothing is moved, by itself or by an order to fail over: the database answers.
    Repair,
    /// Nothing is moved: it is the side to which a failover would go.
    Ready,
    /// The signs do not say: a person looks.
    Look,
}

/// What follows where this side of a plan points to a class; nothing where the signs do not say.
#[must_use]
pub fn answer(plan: &Plan, side: ActiveSide, class: Option<Disaster>) -> Answer {
    let Some(class) = class else { return Answer::Look };
    let probed = |class: FailureClass| Answer::Probe(plan.failover.policy.of(class));
    match (side, class) {
        (_, Disaster::Application | Disaster::Network) => Answer::Repair,
        (ActiveSide::Replica, _) => Answer::Ready,
        (ActiveSide::Primary, Disaster::Database) => probed(FailureClass::Database),
        (ActiveSide::Primary, Disaster::Zone) => probed(FailureClass::Zone),
        (ActiveSide::Primary, Disaster::Region) => probed(FailureClass::Region),
        (ActiveSide::Primary, Disaster::SeveralRegions) => probed(FailureClass::SeveralRegions),
        // No sign tells these from a system that works.
        (ActiveSide::Primary, Disaster::Corruption | Disaster::Breach | Disaster::Deletion) => Answer::Look,
    }
}

impl Answer {
    /// In a sentence or two, for whoever is called.
    #[must_use]
    pub fn in_words(self, plan: &Plan, class: Option<Disaster>) -> String {
        let (name, region) = (&plan.plan, &plan.regions.recovery);
        let by_policy = |says: &str| {
            let of = class.map_or_else(String::new, |class| format!(" (failover.policy.{class})"));
            format!(
                "Health moves nothing. The probe watches the primary as well, and where it finds the same, {says}{of}."
            )
        };
        match self {
            Self::Probe(Policy::Automatic) => by_policy("it is failed over by itself"),
            Self::Probe(Policy::Approval) => by_policy("a person is asked"),
            Self::Probe(Policy::Never) => by_policy("nothing is moved either"),
            Self::Repair if class == Some(Disaster::Application) => format!(
                "Nothing is moved: the database answers. Have the application repaired. Where its Region is at fault, a person \
                 hands the database over, and loses nothing:\n  \
                 lifeboat switchover --plan {name} --region {region} --by YOU --why REASON"
            ),
            Self::Repair => {
                "Nothing is moved: the database answers. Have the network between the two Regions repaired; \
                 meanwhile the replica falls behind."
                    .to_owned()
            }
            Self::Ready => format!(
                "Nothing is moved: clients are served by the other Region. The next failover may be refused: lifeboat status \
                 {name} --region {region}"
            ),
            Self::Look => {
                "Nothing is moved, and the signs do not say what it is: look at the checks that failed.".to_owned()
            }
        }
    }
}
