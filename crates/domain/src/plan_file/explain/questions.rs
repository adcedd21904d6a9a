//! What no check can answer: it asks whoever signs. Plain text: what a plan says in it may be anything.

use crate::{
    component::Component,
    plan::{ApplicationRecord, Backup, Check, FailureClass, Plan, PlanAlarm, Policy, Watched},
};

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
    for component in plan.components.iter().map(Component::kind) {
        let name = component.name();
        if !component.holds_data() && component.checks().is_empty() {
            let tier = component.tier().map_or_else(String::new, |tier| format!(" as tier `{tier}` promises"));
            asked.push(format!("What tells that `{name}` works{tier}? No check is named for it."));
        }
    }
    let buckets = plan.components.iter().map(Component::kind);
    let buckets = buckets.filter(|kind| kind.bucket().is_some_and(|bucket| bucket.recovery.is_some()));
    let buckets: Vec<String> = buckets.map(|kind| format!("`{}`", kind.name())).collect();
    if !buckets.is_empty() {
        let which = if buckets.len() == 1 { "its bucket" } else { "their buckets" };
        asked.push(format!(
            "How do those who use {} come to {which} in the other Region after a failover?",
            buckets.join(", ")
        ));
    }
    let services = plan.components.iter().map(Component::kind).filter(|kind| !kind.holds_data());
    let services: Vec<String> = services.map(|kind| format!("`{}`", kind.name())).collect();
    if !services.is_empty() {
        asked.push(format!(
            "Which components hold the data of {}? A service has no backup of its own.",
            services.join(", ")
        ));
    }
    let by_hand = plan.components.iter().map(Component::kind).filter(|kind| kind.snapshots().is_some());
    let by_hand = by_hand.filter(|kind| kind.restores().is_none());
    let by_hand: Vec<String> = by_hand.map(|kind| format!("`{}`", kind.name())).collect();
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
    let addresses = plan.traffic.iter().flat_map(|traffic| &traffic.records);
    let addresses = addresses.filter(|record| matches!(record, ApplicationRecord::A(_))).map(ApplicationRecord::moved);
    let addresses: Vec<String> =
        addresses.map(|name| format!("`{}` ({} and {})", name.name, name.primary, name.recovery)).collect();
    if !addresses.is_empty() {
        asked.push(format!(
            "Do the addresses of {} stay what they are? A load balancer's do not: it is led to by an alias.",
            addresses.join(", ")
        ));
    }
    let routed: Vec<String> =
        plan.traffic.iter().flat_map(|traffic| traffic.routed()).map(|(name, _)| format!("`{}`", name.name)).collect();
    if !routed.is_empty() {
        asked.push(format!(
            "Is the application in the recovery Region able to work while its database is still in the primary Region, and \
             the other way about? Route 53 moves {} by itself, whether or not the database moves.",
            routed.join(", ")
        ));
    }
    times_of_one_failure(plan, &mut asked);
    by_itself(plan, &mut asked);
    points_in_time(plan, &mut asked);
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

/// What sees one and the same failure of a pair, each after a time of its own.
fn times_of_one_failure(plan: &Plan, asked: &mut Vec<String>) {
    for pair in plan.pairs() {
        let name = &pair.traffic.component;
        let detection = plan.detection();
        let is_of_it =
            |alarm: &&PlanAlarm| alarm.watch == Watched::PrimaryDown && alarm.of.as_ref().is_none_or(|of| of == name);
        let alarms = plan.alarms.iter().filter(is_of_it);
        let alarms = alarms.map(|alarm| (format!("the alarm `{}`", alarm.name), alarm.lasting));
        let routed = pair.traffic.routed();
        let routed =
            routed.map(|(name, checks)| (format!("Route 53, which moves `{}`", name.name), checks.primary.detection()));
        let others: Vec<String> = alarms
            .chain(routed)
            .filter(|(_, after)| *after != detection)
            .map(|(who, after)| format!("{who}, after {}", after.roughly()))
            .collect();
        if !others.is_empty() {
            asked.push(format!(
                "Is it meant that one failure of `{name}` is seen at different times: by the probe within {}; by {}?",
                detection.roughly(),
                others.join("; by ")
            ));
        }
    }
}

/// What waits for nobody, and what waits for somebody although less has failed.
fn by_itself(plan: &Plan, asked: &mut Vec<String>) {
    let answer = |class: &FailureClass| plan.failover.policy.of(*class);
    let named =
        |classes: &[FailureClass]| classes.iter().map(|class| format!("`{class}`")).collect::<Vec<_>>().join(", ");
    let by_itself: Vec<FailureClass> =
        FailureClass::TAKING.into_iter().filter(|class| answer(class) == Policy::Automatic).collect();
    if !by_itself.is_empty() {
        asked.push(format!(
            "Is there anything that a person is to confirm or to announce before a failover? For {} it waits for nobody.",
            named(&by_itself)
        ));
    }
    // From the narrowest to the widest.
    let Some(widest) = by_itself.last() else { return };
    let narrower = FailureClass::TAKING.into_iter().take_while(|class| class != widest);
    let asks: Vec<FailureClass> = narrower.filter(|class| answer(class) == Policy::Approval).collect();
    if !asks.is_empty() {
        asked.push(format!(
            "Is it meant that {} asks a person first, while `{widest}`, where more has failed, asks nobody?",
            named(&asks)
        ));
    }
}

/// Older than its points in time, a component comes back only as it was at a backup.
fn points_in_time(plan: &Plan, asked: &mut Vec<String>) {
    for component in &plan.components {
        let Some(points) = component.kind().restores().and_then(|pair| pair.point_in_time) else { continue };
        let reach = plan.schedules_of(component).filter_map(Backup::reach);
        if let Some(reach) = reach.max().filter(|reach| *reach > points) {
            asked.push(format!(
                "Is it known that `{}` comes back as of any time for {} only, and before that, for {}, as of a backup?",
                component.name(),
                points.roughly(),
                reach.roughly()
            ));
        }
    }
}
