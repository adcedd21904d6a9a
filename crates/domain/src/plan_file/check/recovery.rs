//! When to fail over, when to ask, and who hears of it.

use std::collections::BTreeSet;

use super::{
    super::finding::{Finding, quoted},
    watch::LONGEST_HOLD_DOWN,
};
use crate::{
    plan::{Disaster, FailureClass, Plan, Policy},
    words::time_span::TimeSpan,
};

/// The state machine's own: it gives a person that long twice at most, within its 36 hours.
const LONGEST_DEADLINE: TimeSpan = TimeSpan::seconds(4 * 3_600);

/// The most topics a plan tells.
const MOST_TOPICS: usize = 10;

/// The most roles that may order.
const MOST_ROLES: usize = 20;

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
    by_order(plan, found);
    waits(plan, found);
    if plan.failover.expected == Some(TimeSpan::default()) {
        let what = "no failover takes no time";
        found.push(Finding::error(
            "failover.expected",
            what,
            "Write how long one is expected to take, or leave it out.",
        ));
    }
    orders(plan, found);
    topics(plan, found);
}

fn doubt(plan: &Plan, found: &mut Vec<Finding>) {
    if plan.failover.policy.unknown != Policy::Automatic {
        return;
    }
    let (unseen, budget) = (plan.unseen(FailureClass::Unknown), plan.failover.data_loss_budget.time);
    if unseen > budget {
        let what = format!(
            "it has no effect: a primary that may be alive has taken writes that nobody saw for {unseen} or more by then, the budget is {budget}"
        );
        let remedy = "Set it to approval or never, or shorten probe.interval, failuresInARow, holdDown or failover.after.unknown.";
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
            "a database that answers is not failed over because its application fails",
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

/// What begins by nobody's word but a person's.
fn by_order(plan: &Plan, found: &mut Vec<Finding>) {
    let policy = &plan.failover.policy;
    let nobody = "nothing tells Lifeboat of it, so that nothing can begin by itself";
    for (class, answer, why) in [
        (Disaster::SeveralRegions, policy.several_regions, "what would take its place does not answer either"),
        (Disaster::Corruption, policy.corruption, nobody),
        (Disaster::Breach, policy.breach, nobody),
        (Disaster::Deletion, policy.deletion, nobody),
    ] {
        if answer == Some(Policy::Automatic) {
            let path = format!("failover.policy.{class}");
            found.push(Finding::error(path, why, "Set it to approval or never, or leave it out: that is approval."));
        }
    }
}

/// How long each class has to last: no shorter than the hold-down, no longer than a run waits.
fn waits(plan: &Plan, found: &mut Vec<Finding>) {
    let hold_down = plan.probe.hold_down;
    let classes = FailureClass::TAKING.into_iter().chain([FailureClass::Unknown]);
    for (class, wait) in classes.filter_map(|class| Some((class, plan.failover.after.of(class)?))) {
        let path = format!("failover.after.{class}");
        if wait < hold_down {
            let what = format!("{wait} is shorter than the hold-down of {hold_down}, which every failure is given");
            let remedy = format!("Write {hold_down} or more, or shorten probe.holdDown.");
            found.push(Finding::error(path, what, remedy));
        } else if wait > LONGEST_HOLD_DOWN {
            let what = format!("a run waits {LONGEST_HOLD_DOWN} at most for a primary to come back, not {wait}");
            let remedy = format!("Write {LONGEST_HOLD_DOWN} or less, or let a person decide: failover.policy.{class}.");
            found.push(Finding::error(path, what, remedy));
        } else if plan.failover.policy.of(class) == Policy::Never {
            let what = format!("it has no effect: failover.policy.{class} is never");
            found.push(Finding::warning(path, what, "Leave it out, or set the policy to automatic or approval."));
        }
    }
}

/// Who may order: somebody, and each role once.
fn orders(plan: &Plan, found: &mut Vec<Finding>) {
    let Some(roles) = &plan.failover.may_order else { return };
    let path = "failover.mayOrder";
    if roles.is_empty() {
        let what = "it names no role, so that nobody could order a failover or approve one";
        found.push(Finding::error(path, what, "Name the roles of those who may, or leave it out."));
    }
    if roles.len() > MOST_ROLES {
        let what = format!("{} roles are more than an order is held to", roles.len());
        found.push(Finding::error(path, what, format!("Name at most {MOST_ROLES}.")));
    }
    let mut seen = BTreeSet::new();
    for (index, role) in roles.iter().enumerate() {
        if !seen.insert(role) {
            found.push(Finding::error(
                format!("{path}[{index}]"),
                format!("`{role}` is named twice"),
                "Name each once.",
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
