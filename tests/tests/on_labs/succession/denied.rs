//! Runs that need a person because AWS denied one of their steps a call, or because a check of the plan failed.

use domain::{failover::run::RunKind, run::outcome::RunOutcome};
use lab::gateway::{Caller, Fault, How, When};

use super::{Case, world::World};

/// A call that a step may not make: its function, the service and the operation.
type Denied = (&'static str, &'static str, &'static str);

/// Of a failover. Each of them ends as FailoverNeedsAPerson, with whatever was done until then.
const OF_A_FAILOVER: [Denied; 6] = [
    ("open-run", "s3", "PutObject"),
    ("judge-failover", "s3", "GetObject"),
    ("fence-primary", "s3", "GetObject"),
    ("promote-replica", "rds", "PromoteReadReplica"),
    ("dns-switch", "route53", "ChangeResourceRecordSets"),
    ("close-run", "s3", "PutObject"),
];

/// Of a switchover, from its promotion on.
const OF_A_SWITCHOVER: [Denied; 4] = [
    ("promote-replica", "rds", "PromoteReadReplica"),
    ("dns-switch", "route53", "ChangeResourceRecordSets"),
    ("fence-primary", "s3", "GetObject"),
    ("close-run", "s3", "PutObject"),
];

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    let of = |kind, denied: &'w [Denied]| denied.iter().map(move |denied| (kind, *denied));
    let all = of(RunKind::Failover, &OF_A_FAILOVER).chain(of(RunKind::Switchover, &OF_A_SWITCHOVER));
    let case = |(kind, denied): (RunKind, Denied)| {
        let (function, service, operation) = denied;
        let claim = format!("a {} whose {function} is denied {service}:{operation} is finished", kind.noun());
        Case::new(claim, is_finished(world, kind, denied))
    };
    let unverified = RunKind::ALL.into_iter().map(|kind| {
        let claim = format!("a {} whose check fails is finished once the check is mended", kind.noun());
        Case::new(claim, is_mended(world, kind))
    });
    all.map(case).chain(unverified).collect()
}

async fn is_mended(world: &World<'_>, kind: RunKind) {
    let mut plan = world.plan().clone();
    let impossible = "{\"kind\": \"sql\", \"name\": \"nobody\", \"query\": \"select 0\", \"expect\": {\"atLeast\": 1}, \"within\": \"2s\"}";
    plan.verify.push(serde_json::from_str(impossible).unwrap());
    world.replan(&plan).await;
    match kind {
        RunKind::Failover => world.kill().await,
        RunKind::Switchover => {}
    }
    let stopped = world.ended(&world.start(kind).await).await;
    let heading = kind.end(RunOutcome::NeedsAPerson).to_string();
    assert_eq!(stopped.end, heading, "{}", stopped.because);
    assert!(stopped.because.contains("`nobody` expected at least 1"), "{}", stopped.because);
    assert!(world.write_by_name().await.1.is_ok(), "clients are served, whatever the check says");
    world.replan(world.plan()).await;
    let ended = world.order(&heading, "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}

async fn is_finished(world: &World<'_>, kind: RunKind, (function, service, operation): Denied) {
    match kind {
        RunKind::Failover => world.kill().await,
        RunKind::Switchover => {}
    }
    let caller = Caller::Function(format!("lifeboat-{function}"));
    let denied = Fault::new(When::Before, How::Denied).by(caller).of(service).operation(operation);
    world.faults.set(&denied).await.unwrap();
    let stopped = world.ended(&world.start(kind).await).await;
    world.faults.heal().await.unwrap();
    let heading = kind.end(RunOutcome::NeedsAPerson).to_string();
    assert_eq!(stopped.end, heading, "{}", stopped.because);
    assert!(stopped.because.contains("AwsDenied"), "{}", stopped.because);
    let told = world.told(&stopped).await;
    let ended = world.order(&heading, "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
    assert!(told.contains(&heading), "the notice names its heading: {told}");
    // A run that got no lease names no plan, and its request says what to order again.
    if function != "open-run" {
        assert!(told.contains("lifeboat failover --plan lab --region us-west-2 --by YOU --why REASON"), "{told}");
    }
    let says_open = told.contains("as open to the application as it was");
    assert!(!says_open || kind == RunKind::Failover, "a drained primary is said to be open: {told}");
}
