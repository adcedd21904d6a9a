//! What people are told of a Region's health.

use super::Notice;
use crate::{
    component::ActiveSide,
    plan::{Disaster, Plan},
    watch::region::{Pointed, Recorded, answer},
    words::{id::Region, wording},
};

const HEADING: &str = "A Region is unhealthy";

/// How much of a reason is told.
const TOLD_CHARS: usize = 2_000;

/// A Region is not healthy, and what that points to.
#[must_use]
pub fn unhealthy(plan: &Plan, recorded: &Recorded, pointed: &Pointed, record: &str) -> Notice {
    let Recorded { region, seen_from, episode, .. } = recorded;
    let class = pointed.class.map_or("the signs do not say to what", Disaster::in_words);
    let side = plan.side_in(region).unwrap_or(ActiveSide::Primary);
    let next = answer(plan, side, pointed.class).in_words(plan, pointed.class);
    Notice::new(
        &format!("Lifeboat: {region} of {} is unhealthy: {class}", plan.plan),
        &format!(
            "{}\n\n{region} is not healthy since {}, seen from {seen_from}. It points to: {class}.\n\
             Why: {}\nRecord: {record}\n{}\n{next}\n",
            plan.summary,
            episode.since,
            wording::start_of(&pointed.because, TOLD_CHARS),
            incident(plan, region, recorded),
        ),
        HEADING,
    )
}

/// It is healthy again.
#[must_use]
pub fn healthy_again(plan: &Plan, recorded: &Recorded, record: &str) -> Notice {
    let Recorded { region, seen_from, episode, .. } = recorded;
    let pointed: Vec<&str> =
        episode.pointed_to.iter().filter_map(|pointed| pointed.class).map(Disaster::in_words).collect();
    let to = if pointed.is_empty() { "nothing that the signs would name".to_owned() } else { pointed.join(", then ") };
    let until = episode.ended_at.map_or_else(String::new, |at| format!(" to {at}"));
    Notice::new(
        &format!("Lifeboat: {region} of {} is healthy again", plan.plan),
        &format!(
            "{}\n\n{region} was not healthy from {}{until}, seen from {seen_from}. It pointed to: {to}.\n\
             Record: {record}\n{}\nNothing was moved by it.\n",
            plan.summary,
            episode.since,
            incident(plan, region, recorded),
        ),
        HEADING,
    )
}

/// The same key for every notice of one episode, so that pagers fold and resolve them.
fn incident(plan: &Plan, region: &Region, recorded: &Recorded) -> String {
    let Recorded { seen_from, episode, .. } = recorded;
    format!("Incident: {seen_from}/{}/health/{region}/{}\n", plan.plan, episode.since)
}
