//! How healthy each Region was when it was last looked at.

use std::time::Duration;

use domain::{
    plan::{Health, PairPlan},
    watch::region::{self, Figures, Judged, RegionCondition, RegionHealth},
    words::{failure::Failure, id::Region, time_span::TimeSpan},
};
use edge::object_store;
use futures::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use crate::engine::Engine;

/// The Region that looks may be the one that is gone: what it wrote down is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A Region's health, as last seen.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    region: Region,
    seen_from: Region,
    /// What is concluded; or why what was seen could not be read.
    judged: Result<Judged, String>,
}

/// What was seen of each Region; nothing where the plan says nothing of health.
pub(super) async fn look(engine: &Engine, plan: &PairPlan, now: Timestamp) -> Vec<Seen> {
    let Some(health) = &plan.health else { return Vec::new() };
    let (primary, recovery) = (&plan.regions.primary, &plan.regions.recovery);
    let both = [(primary, recovery), (recovery, primary)];
    join_all(both.map(|(of, from)| seen(engine, plan, health, (of, from), now))).await
}

async fn seen(
    engine: &Engine,
    plan: &PairPlan,
    health: &Health,
    (of, from): (&Region, &Region),
    now: Timestamp,
) -> Seen {
    let key = object_store::health_key(&plan.plan.whole(), of);
    let read = async {
        let bucket = engine.bucket_of(from).await;
        object_store::read_json::<RegionHealth>(&bucket, &key).await
    };
    let read = tokio::time::timeout(PATIENCE, read).await;
    let read = read.unwrap_or_else(|_| {
        Err(Failure::NotFound(format!("the bucket of {from} did not answer within {} s", PATIENCE.as_secs())))
    });
    let judged = read.map_err(|failure| failure.chain()).map(|read| {
        let seen = read.map_or_else(|| RegionHealth::new(of.clone(), from.clone()), |(seen, _)| seen);
        region::judge(&seen, health, now)
    });
    Seen { region: of.clone(), seen_from: from.clone(), judged }
}

impl Seen {
    /// In a line.
    pub(super) fn line(&self, now: Timestamp) -> String {
        let Self { region, seen_from, judged } = self;
        let judged = match judged {
            Ok(judged) => judged,
            Err(why) => return format!("{region} UNKNOWN: what {seen_from} saw of it could not be read: {why}"),
        };
        let age = judged.seen_at.map_or_else(String::new, |at| {
            format!(", seen {} ago from {seen_from}", TimeSpan::between(at, now).roughly())
        });
        let points_to =
            judged.points_to.map_or_else(String::new, |class| format!(" (points to: {})", class.in_words()));
        let condition = match judged.condition {
            RegionCondition::Healthy => "healthy",
            RegionCondition::Unhealthy => "UNHEALTHY",
            RegionCondition::Unknown => return format!("{region} UNKNOWN{age}: {}", judged.because),
        };
        format!("{region} {condition}{age}: {}{points_to}{}", judged.because, numbers(&judged.figures))
    }
}

/// What several Regions point to together, where it is more than what each does.
pub(super) fn across(seen: &[Seen]) -> Option<String> {
    let class = region::across(seen.iter().filter_map(|seen| seen.judged.as_ref().ok()))?;
    Some(format!("together they point to: {}", class.in_words()))
}

fn numbers(figures: &Figures) -> String {
    let told = [
        figures.score.map(|score| format!("score {score:.2}")),
        figures.errors_percent.map(|percent| format!("errors {percent:.1} %")),
        figures.response_milliseconds.map(|took| format!("p95 {took:.0} ms")),
        figures.availability_percent.map(|percent| format!("available {percent:.1} %")),
        figures.latency_milliseconds.map(|took| format!("round trip {took:.1} ms")),
        figures.loss_percent.map(|percent| format!("loss {percent:.1} %")),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() { String::new() } else { format!("; {}", told.join(", ")) }
}

#[cfg(test)]
mod tests {
    use domain::plan::Disaster;

    use super::*;

    fn seen(condition: RegionCondition, points_to: Option<Disaster>) -> Seen {
        let figures = Figures { score: Some(1.0), errors_percent: Some(0.0), ..Figures::default() };
        let seen_at = Some("2026-11-28T09:59:48Z".parse().unwrap());
        let judged = Judged { condition, because: "so it is".into(), points_to, seen_at, figures };
        Seen { region: "us-east-1".parse().unwrap(), seen_from: "us-west-2".parse().unwrap(), judged: Ok(judged) }
    }

    #[test]
    fn a_region_is_told_as_it_was_seen_and_what_nobody_could_read_is_unknown() {
        let now = "2026-11-28T10:00:00Z".parse().unwrap();
        assert_eq!(
            seen(RegionCondition::Healthy, None).line(now),
            "us-east-1 healthy, seen 12s ago from us-west-2: so it is; score 1.00, errors 0.0 %"
        );
        let gone = seen(RegionCondition::Unhealthy, Some(Disaster::Region));
        assert!(gone.line(now).contains("UNHEALTHY") && gone.line(now).contains("points to: Region"));
        assert!(seen(RegionCondition::Unknown, None).line(now).contains("us-east-1 UNKNOWN, seen 12s ago"));
        let unread = Seen { judged: Err("denied".into()), ..gone.clone() };
        assert!(unread.line(now).contains("UNKNOWN: what us-west-2 saw of it could not be read: denied"));
        assert_eq!(across(&[gone.clone(), unread]), None);
        assert_eq!(across(&[gone.clone(), gone]).as_deref(), Some("together they point to: several Regions"));
    }
}
