//! What no check can answer: it asks whoever signs. Plain text: what a plan says in it may be anything.

use crate::plan::{Check, Plan};

pub(super) fn open(plan: &Plan) -> Vec<String> {
    let mut asked = Vec::new();
    if plan.owner.is_none() {
        asked.push("Who answers for this plan? It names no owner.".to_owned());
    }
    if plan.review_by.is_none() {
        asked.push("By when is it read again? It names no day.".to_owned());
    }
    for tier in &plan.objectives.tiers {
        let is_empty = plan.components.iter().all(|component| component.kind().tier() != Some(&tier.name));
        if is_empty {
            let what = [tier.services.as_slice(), tier.data.as_slice()].concat().join(", ");
            let of = if what.is_empty() { String::new() } else { format!(" ({what})") };
            asked.push(format!("What keeps the promises of tier `{}`{of}? No component is of it.", tier.name));
        }
    }
    let by_hand = plan.components.iter().filter(|component| component.kind().restores().is_none());
    let by_hand: Vec<String> = by_hand.map(|component| format!("`{}`", component.name())).collect();
    if !by_hand.is_empty() {
        asked.push(format!(
            "Who restores {} by hand, by which instructions, and how long did it take the last time?",
            by_hand.join(", ")
        ));
    }
    if !plan.verify.iter().any(|check| matches!(check, Check::Http(_))) {
        asked.push(
            "How is it known that the application works after a failover? No check asks it over HTTP.".to_owned(),
        );
    }
    asked.push(
        "Who answers at 3 a.m. where a person is asked or called, and is that person in the topics that hear of it?"
            .to_owned(),
    );
    asked.push("Do the application's pools open new connections after a failover, within the record's TTL?".to_owned());
    asked.push(
        "Is the application able to run in the recovery Region at full load, with quotas and machines for it?"
            .to_owned(),
    );
    asked
}
