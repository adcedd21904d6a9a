//! When to fail over, when to ask, and who hears of it.

use std::collections::BTreeSet;

use super::super::finding::{Finding, quoted};
use crate::{
    plan::{Plan, Policy},
    words::time_span::TimeSpan,
};

/// The state machine's own: it gives a person that long twice at most, within its 36 hours.
const LONGEST_DEADLINE: TimeSpan = TimeSpan::seconds(4 * 3_600);

/// The most topics a plan tells.
const MOST_TOPICS: usize = 10;

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let deadline = plan.failover.approval_deadline;
    if deadline < TimeSpan::seconds(1) || deadline > LONGEST_DEADLINE {
        let what = format!("a person has 1s to {LONGEST_DEADLINE} to answer, not {deadline}");
        found.push(Finding::error(
            "failover.approvalDeadline",
            what,
            format!("Write 1s to {LONGEST_DEADLINE}, as 15m: the run holds the lease meanwhile."),
        ));
    }
    doubt(plan, found);
    effect(plan, found);
    topics(plan, found);
}

fn doubt(plan: &Plan, found: &mut Vec<Finding>) {
    if plan.failover.policy.unknown != Policy::Automatic {
        return;
    }
    let (unseen, budget) = (plan.unseen(), plan.failover.data_loss_budget.time);
    if unseen > budget {
        let what = format!(
            "it has no effect: a primary that may be alive has taken writes that nobody saw for {unseen} or more by then, the budget is {budget}"
        );
        let remedy = "Set it to approval or never, or shorten probe.interval, failuresInARow or holdDown.";
        found.push(Finding::warning("failover.policy.unknown", what, remedy));
    } else {
        let what = "fails over without asking while signals are missing, and the primary may be well";
        found.push(Finding::warning("failover.policy.unknown", what, "Set it to approval or never."));
    }
}

/// Answers that no run comes to: somebody who wrote one relies on what will not happen.
fn effect(plan: &Plan, found: &mut Vec<Finding>) {
    let policy = &plan.failover.policy;
    for (name, answer, why, instead) in [
        (
            "network",
            policy.network,
            "a primary that somebody sees is not failed over, whoever asks",
            "have the way to it repaired",
        ),
        (
            "application",
            policy.application,
            "nothing tells Lifeboat that the application cannot use a database that answers",
            "hand over with `lifeboat switchover`",
        ),
    ] {
        if answer != Policy::Never {
            let what = format!("it has no effect: {why}");
            found.push(Finding::warning(
                format!("failover.policy.{name}"),
                what,
                format!("Set it to never; where it happens, {instead}."),
            ));
        }
    }
}

fn topics(plan: &Plan, found: &mut Vec<Finding>) {
    let topics = &plan.notifications.topics;
    if topics.len() > MOST_TOPICS {
        let what = format!("{} topics are more than a run tells", topics.len());
        found.push(Finding::error("notifications.topics", what, format!("Name at most {MOST_TOPICS}.")));
    }
    let mut seen = BTreeSet::new();
    for (index, topic) in topics.iter().enumerate() {
        let path = format!("notifications.topics[{index}]");
        match region_of(topic) {
            None => {
                let what = format!("{} is not an SNS topic's ARN", quoted(topic));
                found.push(Finding::error(&path, what, "Write arn:aws:sns:REGION:ACCOUNT:NAME."));
            }
            Some(region) if region != plan.regions.recovery.as_str() => {
                let what =
                    format!("the topic is in {}, recovery is run from `{}`", quoted(region), plan.regions.recovery);
                found.push(Finding::error(
                    &path,
                    what,
                    "Name a topic of the recovery Region: others may be lost when it matters.",
                ));
            }
            Some(_) => {}
        }
        if !seen.insert(topic) {
            found.push(Finding::error(&path, "the topic is named twice", "Name each once."));
        }
    }
}

/// The Region of a topic's ARN: `arn:PARTITION:sns:REGION:ACCOUNT:NAME`.
fn region_of(topic: &str) -> Option<&str> {
    let parts: Vec<&str> = topic.split(':').collect();
    let [arn, partition, service, region, account, name] = parts[..] else { return None };
    let named =
        !name.is_empty() && name.len() <= 256 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let numbered = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
    (arn == "arn" && partition.starts_with("aws") && service == "sns" && named && numbered).then_some(region)
}
