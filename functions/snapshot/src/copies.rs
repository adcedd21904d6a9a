//! The copies of a snapshot in other Regions.

use domain::{
    backup::{self, CopyMove, CopyState, Snapshot, Source, Taken},
    run::step::Step,
    words::{
        failure::Failure,
        id::{KmsKeyId, Region},
    },
};
use edge::snapshots::Acceptance;
use futures::future::join_all;
use tracing::info;

use crate::world::Snapshots;

/// Copies side by side: what one Region cannot take must not keep another from it.
pub(crate) async fn make(
    world: &impl Snapshots,
    source: &Source<'_>,
    original: &Snapshot,
    taken: Taken,
) -> Result<Step<Taken>, Failure> {
    let regions: Vec<Region> = source.regions().filter(|region| **region != taken.places[0].region).cloned().collect();
    let turns = join_all(regions.iter().map(|region| copied(world, original, region, source.key_in(region)))).await;
    let states = turns.into_iter().collect::<Result<Vec<CopyState>, Failure>>()?;
    Ok(taken.with_copies(regions.into_iter().zip(states).collect()))
}

/// Looks at a copy, and asks for it where there is none.
async fn copied(
    world: &impl Snapshots,
    original: &Snapshot,
    region: &Region,
    key: Option<&KmsKeyId>,
) -> Result<CopyState, Failure> {
    let (kind, name) = (original.kind, original.name.as_str());
    let found = world.find(region, kind, name).await;
    let next = backup::plan_copy(original, &found);
    info!(region = %region, snapshot.id = name, ?found, ?next, "planned the copy");
    if let CopyMove::Leave(state) = next {
        return Ok(state);
    }
    if let Err(full) = backup::room(region, kind, world.quota(region, kind).await?) {
        return Ok(CopyState::Never(full));
    }
    let service = kind.service();
    Ok(match world.copy(original, region, key).await {
        Ok(Acceptance::Begun) => CopyState::UnderWay(format!("{region}: the copy was asked for")),
        // There is room for the snapshot: it is of the copies that there is none, twenty into a Region unless raised.
        Ok(Acceptance::NoRoom) => CopyState::UnderWay(format!(
            "{region}: {service} makes no further copy yet, as many run into it as the account may have at once"
        )),
        Ok(Acceptance::Busy) => CopyState::UnderWay(format!("{region}: {service} does not copy `{name}` yet")),
        // For what it asks, as a key that is not there: the other Regions' copies go on.
        Err(rejected @ (Failure::AwsRejected { .. } | Failure::AwsDenied { .. })) => CopyState::Never(rejected.chain()),
        Err(failure) => return Err(failure),
    })
}
