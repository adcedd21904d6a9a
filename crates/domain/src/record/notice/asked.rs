//! A person is asked whether a failover is to go on.

use jiff::{Timestamp, Unit};

use super::Notice;
use crate::{
    failover::{judgement::Judgement, run::Run},
    plan::FailureClass,
    watch::health::{Vantage, Verdict},
};

/// A person must decide. `again` is why nobody has yet who answered, and until when people are asked.
#[must_use]
pub fn approval(run: &Run, judgement: &Judgement, because: &str, again: Option<(&str, Timestamp)>) -> Notice {
    let Run { plan, execution, generation, .. } = run;
    let signals: String = judgement
        .signals
        .iter()
        .map(|s| format!("  {} says {}: {}\n", place(s.vantage), word(s.verdict), s.because))
        .collect();
    let answer = format!("lifeboat approve {} --plan {} --region {}", execution.name(), plan.plan, execution.region());
    let unseen = match judgement.class {
        FailureClass::Unknown | FailureClass::Network => format!(
            "The primary may be alive, and may take writes that a failover would lose. Who approves that as well says so:\n  \
             {answer} --by YOU --why REASON --accept-data-loss\n"
        ),
        FailureClass::Database
        | FailureClass::Zone
        | FailureClass::Region
        | FailureClass::SeveralRegions
        | FailureClass::Application => String::new(),
    };
    let (not_taken, answer_within) = match again {
        Some((why, until)) => (
            format!("An answer was NOT taken, and you are asked again: {why}\n\n"),
            format!("until {}", until.round(Unit::Second).unwrap_or(until)),
        ),
        None => (String::new(), format!("within {}", plan.failover.approval_deadline.roughly())),
    };
    Notice::new(
        &format!("Lifeboat: approve the failover of {}?", plan.plan),
        &format!(
            "{}\n\n{not_taken}Plan: {}\nGeneration: {generation}\nFailure: {} since {}\nWhy a person is asked: {because}\nMay be lost: {}\nWhat each says of the primary:\n{signals}\n\
             Answer {answer_within}:\n  {answer} --by YOU --why REASON\n  {answer} --by YOU --why REASON --deny\n{unseen}\
             It is judged once more when you approve: a primary that serves again by then stays primary.\n",
            plan.summary, plan.plan, judgement.class, judgement.failing_since, judgement.loss,
        ),
        "Approving or denying a failover",
    )
}

fn place(vantage: Vantage) -> &'static str {
    match vantage {
        Vantage::Recovery => "the recovery Region",
        Vantage::Witness => "the witness",
        Vantage::Replica => "the replica",
        Vantage::Api => "RDS",
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Up => "up",
        Verdict::Down => "DOWN",
        Verdict::Unknown => "nothing that can be relied on",
    }
}
