//! Runs that find a predecessor's work long after it was left: windows of the watch have come and gone.

use std::time::Duration;

use domain::failover::run::RunKind;

use super::{
    Case,
    stopped::BROKEN_OFF,
    world::{Place, World},
};

/// How long after: more than two windows. `LIFEBOAT_LATER_SECONDS=3600` waits an hour.
const LATER: Duration = Duration::from_secs(130);

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    let places = [
        ("FencePrimary, when it has fenced,", Place::after("fence-primary")),
        ("PromoteReplica, past its point of no return,", Place::after("promote-replica")),
    ];
    let case =
        |(at, place)| Case::new(format!("a failover stopped in {at} is finished long after"), finished(world, place));
    places.map(case).into()
}

async fn finished(world: &World<'_>, place: Place) {
    world.kill().await;
    world.stopped(RunKind::Failover, place).await;
    tokio::time::sleep(later()).await;
    assert!(world.write_by_name().await.1.is_err(), "clients are unserved");
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
    let objective = ended.record().objective.as_ref().unwrap();
    let outage = objective.rto_measured_seconds.unwrap();
    assert!(outage > later().as_secs_f64(), "clients were unserved for {:?}, the record says {outage} s", later());
}

fn later() -> Duration {
    let seconds = std::env::var("LIFEBOAT_LATER_SECONDS").ok().map(|text| text.parse().unwrap());
    seconds.map_or(LATER, Duration::from_secs)
}
