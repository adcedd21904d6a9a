//! Up to when the recovery Region could restore the database by itself.

use std::time::Duration;

use domain::{
    plan::PairPlan,
    words::{id::Region, time_span::TimeSpan},
};
use edge::rds::Rds;
use jiff::Timestamp;
use serde::Serialize;

/// How long RDS may take to say it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the recovery Region has of the primary's automated backups.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    region: Region,
    /// RDS's own word for them, where there are any.
    status: Option<String>,
    /// The newest time that can be restored there.
    latest: Option<Timestamp>,
    /// Why it is not known.
    because: Option<String>,
}

/// Looks, where the plan has points in time replicated.
pub(super) async fn look(plan: &PairPlan) -> Option<Seen> {
    let (pair, region) = (plan.pair()?, &plan.regions.recovery);
    if !plan.replicates_points_to(&pair.name, region) {
        return None;
    }
    let found = Rds::far(region, PATIENCE).await.replicated(&plan.regions.primary, &pair.primary.instance).await;
    let seen = |status, latest, because| Seen { region: region.clone(), status, latest, because };
    Some(match found {
        Ok(None) => seen(None, None, None),
        Ok(Some(found)) => seen(Some(found.status), found.window.map(|window| window.latest), None),
        Err(failure) => seen(None, None, Some(failure.chain())),
    })
}

impl Seen {
    pub(super) fn line(&self, now: Timestamp) -> String {
        let region = &self.region;
        match (&self.because, &self.status, self.latest) {
            (Some(why), ..) => format!("unknown in {region}: {why}"),
            (None, Some(status), Some(latest)) => {
                let age = TimeSpan::between(latest, now).roughly();
                format!("any time up to {latest:.0} can be restored in {region}, {age} ago ({status})")
            }
            (None, Some(status), None) => format!("NOT in {region} yet: {status}"),
            (None, None, _) => format!("NOT in {region}: `lifeboat plan apply` starts the replication"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_up_to_when_or_why_not() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let seen = |status: Option<&str>, latest: Option<&str>| Seen {
            region: "us-west-2".parse().unwrap(),
            status: status.map(str::to_owned),
            latest: latest.map(|latest| latest.parse().unwrap()),
            because: None,
        };
        for (seen, says) in [
            (
                seen(Some("replicating"), Some("2026-11-30T11:56:00Z")),
                "any time up to 2026-11-30T11:56:00Z can be restored in us-west-2, 4m ago (replicating)",
            ),
            (seen(Some("creating"), None), "NOT in us-west-2 yet: creating"),
            (seen(None, None), "NOT in us-west-2: `lifeboat plan apply` starts the replication"),
        ] {
            assert_eq!(seen.line(now), says);
        }
    }
}
