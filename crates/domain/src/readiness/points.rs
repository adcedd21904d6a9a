//! Points in time in the other Region: what is left of a database when its own Region is gone.

use jiff::Timestamp;

use super::{Finding, Need};
use crate::{component::PostgresPair, plan::PairPlan, restore::Replicated, words::time_span::TimeSpan};

/// How old the newest point in time in the other Region may be. RDS has a new one every five minutes in the instance's own
/// Region, and tells no number for the other one: so long is no slip.
const OLDEST_POINT: TimeSpan = TimeSpan::seconds(30 * 60);

/// RDS's word for automated backups to which what is new still comes.
const REPLICATING: &str = "replicating";

/// Says how the replicated automated backups of the primary are; nothing where the plan has none.
pub(super) fn replicated(
    seen: Option<&Result<Option<Replicated>, String>>,
    plan: &PairPlan,
    pair: &PostgresPair,
    now: Timestamp,
) -> Option<Finding> {
    let (instance, recovery) = (&pair.primary.instance, &plan.regions.recovery);
    let need = Need::PointInTime;
    let found = match seen? {
        Ok(Some(found)) => found,
        Ok(None) => {
            let because = format!("nothing of the automated backups of `{instance}` is replicated to {recovery}");
            return Some(Finding::not_ready(need, because, "`lifeboat plan apply` starts it."));
        }
        Err(why) => {
            let because = format!("what {recovery} has of the automated backups of `{instance}` is not known: {why}");
            return Some(Finding::unknown(need, because, "See to RDS there, and to the role of check-readiness."));
        }
    };
    Some(match judge(found, pair.point_in_time_days(), now) {
        Ok(age) => Finding::ready(
            need,
            format!("{recovery} has the automated backups of `{instance}`, up to {} ago", age.roughly()),
        ),
        Err((why, remedy)) => {
            Finding::not_ready(need, format!("the automated backups of `{instance}` in {recovery}: {why}"), remedy)
        }
    })
}

/// How old the newest point in time is; or what is wrong, and what to do.
fn judge(found: &Replicated, wanted: Option<u8>, now: Timestamp) -> Result<TimeSpan, (String, String)> {
    if found.status == "retained" {
        let why = "the replication was stopped, or its source was deleted".to_owned();
        return Err((why, "`lifeboat plan apply` starts it again.".to_owned()));
    }
    let Some(window) = found.window.filter(|_| found.status == REPLICATING) else {
        let why = format!("they are {}: nothing can be restored from them yet", found.status);
        return Err((why, "Wait for the first of them; it takes as long as a first copy of a snapshot.".to_owned()));
    };
    if let Some(wanted) = wanted.filter(|wanted| found.retention_days < *wanted) {
        let why = format!("they are kept for {} days, the plan asks for {wanted}", found.retention_days);
        let remedy = "aws rds stop-db-instance-automated-backups-replication there, then `lifeboat plan apply` starts it \
                      anew; what is there stays until then.";
        return Err((why, remedy.to_owned()));
    }
    let age = TimeSpan::between(window.latest, now);
    if age > OLDEST_POINT {
        let why = format!("the newest point in time is {} old, more than {OLDEST_POINT}", age.roughly());
        let remedy = "See to the primary's automated backups and to RDS in both Regions: what is written now would be lost \
                      with the Region.";
        return Err((why, remedy.to_owned()));
    }
    Ok(age)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::Window;

    fn now() -> Timestamp {
        "2026-11-30T12:00:00Z".parse().unwrap()
    }

    fn well() -> Replicated {
        let ago = |seconds: i64| now() - jiff::SignedDuration::from_secs(seconds);
        Replicated {
            arn: "arn:aws:rds:us-west-2:000000000000:auto-backup:ab-1".into(),
            status: REPLICATING.into(),
            retention_days: 7,
            window: Some(Window { earliest: ago(86_400), latest: ago(240) }),
        }
    }

    #[test]
    fn what_the_other_region_has_is_there_whole_long_enough_and_new() {
        assert_eq!(judge(&well(), Some(7), now()), Ok(TimeSpan::seconds(240)));
        let window = Window { latest: "2026-11-30T11:29:00Z".parse().unwrap(), ..well().window.unwrap() };
        for (found, says) in [
            (Replicated { status: "retained".into(), ..well() }, "was stopped"),
            (Replicated { status: "creating".into(), window: None, ..well() }, "they are creating"),
            (Replicated { retention_days: 6, ..well() }, "kept for 6 days, the plan asks for 7"),
            (Replicated { window: Some(window), ..well() }, "is 31m old, more than 30m"),
        ] {
            let (why, _) = judge(&found, Some(7), now()).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }
}
