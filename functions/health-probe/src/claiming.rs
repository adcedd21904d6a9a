//! Claiming a part of the grid, with a conditional write.

use domain::{
    plan::PairPlan,
    watch::probe::{self, Claim, Windows},
    words::failure::Failure,
};
use edge::object_store::{self, Condition, ObjectStore};
use jiff::Timestamp;
use tracing::warn;

use crate::{progress::Part, world::World};

/// How often a claim is tried: two deliveries of one minute may meet, and an answer may be lost.
const CLAIMS: usize = 3;

/// Claims what is left of the window, and the gap before it. A claim whose answer was lost is found by its claimant:
/// taken for another's, nobody would watch.
pub(crate) async fn claim(
    store: &impl ObjectStore,
    world: &impl World,
    plan: &PairPlan,
    scheduled_at: Timestamp,
) -> Result<Option<Part>, Failure> {
    let (key, claimant) = (object_store::windows_key(&plan.plan), Some(world.claimant()));
    let mut asked: Option<Part> = None;
    let mut lost = Failure::Conflict(format!("{key}: nobody gave way"));
    for tried in 0..=CLAIMS {
        let read = match object_store::read_json::<Windows>(store, &key).await {
            Err(failure @ Failure::AwsTransient { .. }) => {
                warn!(why = failure.chain(), "could not read the claims");
                lost = failure;
                continue;
            }
            read => read?,
        };
        if let (Some(part), Some((windows, _))) = (&asked, &read)
            && *windows == part.claim
        {
            return Ok(asked);
        }
        if tried == CLAIMS {
            break;
        }
        let Claim::Take { from, until, after, gap } =
            probe::claim(read.as_ref().map(|(windows, _)| windows), &plan.probe, scheduled_at, world.now())
        else {
            return Ok(None);
        };
        let claim = Windows { claimed_until: until, claimant: claimant.clone() };
        let condition = read.map_or(Condition::Absent, |(_, etag)| Condition::Unchanged(etag));
        let written = object_store::write_json(store, &key, &claim, condition).await;
        asked = Some(Part { from, claim, after, gap });
        match written {
            Ok(()) => return Ok(asked),
            Err(failure @ (Failure::Conflict(_) | Failure::AwsTransient { .. })) => {
                warn!(why = failure.chain(), "could not claim the window");
                lost = failure;
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(lost)
}
