use super::*;
use crate::{id::Generation, plan};

const LAB: &str = include_str!("../../../../plans/lab.yaml");

fn run() -> Run {
    let plan = plan::read(LAB, "plans/lab.yaml").unwrap();
    Run::supposed(plan, "1".into(), Generation(1), Timestamp::UNIX_EPOCH).unwrap()
}

fn instance(side: &Side) -> InstanceSeen {
    InstanceSeen { status: "available".into(), version: "15.4".into(), security_groups: side.security_groups.clone() }
}

fn rehearsal(verdict: Would) -> Rehearsal {
    Rehearsal { fails: false, verdict, because: "so it is".into(), class: None, replication: "streaming".into() }
}

fn well() -> Seen {
    let run = run();
    let pair = run.pair().unwrap();
    let record = traffic::RecordSet {
        name: run.plan.traffic.record.name.to_string(),
        kind: "CNAME".into(),
        ttl_seconds: Some(0),
        values: vec![pair.primary.endpoint.to_string()],
        routed: false,
    };
    Seen {
        rehearsal: Ok(rehearsal(Would::FailOver)),
        logins: vec![(pair.primary.instance.clone(), Ok(())), (pair.replica.instance.clone(), Ok(()))],
        write: Ok(()),
        primary: Ok(instance(&pair.primary)),
        replica: Ok(instance(&pair.replica)),
        quotas: vec![("us-west-2".parse().unwrap(), "manual snapshots", Ok(Quota { used: 99, most: 100 }))],
        keys: vec![("us-west-2".parse().unwrap(), "alias/a".parse().unwrap(), Ok(KeySeen { state: "Enabled".into() }))],
        zone: Ok(ZoneSeen { is_private: false, records: traffic::Seen { records: vec![record], generation: vec![] } }),
        functions: vec![("lifeboat-notify".into(), Ok(()))],
        claims: Ok(vec![]),
    }
}

/// What is not ready, and how.
fn lacking(seen: &Seen) -> Vec<(Need, State)> {
    let run = run();
    let readiness = judge(seen, &run, run.pair().unwrap(), Timestamp::UNIX_EPOCH);
    let lacking = readiness.findings.iter().filter(|finding| finding.state != State::Ready);
    let lacking: Vec<_> = lacking
        .map(|finding| {
            assert!(finding.remedy.is_some(), "what to do? {finding:?}");
            (finding.need, finding.state)
        })
        .collect();
    assert_eq!(readiness.ready, lacking.is_empty());
    lacking
}

#[test]
fn a_plan_that_has_all_it_needs_is_ready() {
    assert_eq!(lacking(&well()), []);
    let asks = Seen { rehearsal: Ok(rehearsal(Would::AskAPerson)), ..well() };
    assert_eq!(lacking(&asks), [], "a plan may ask a person");
}

#[test]
fn each_need_that_is_not_met_is_named_and_what_could_not_be_looked_at_is_not_ready() {
    let (run, gone) = (run(), || "gone".to_owned());
    let pair = run.pair().unwrap();
    let private = |seen: Seen| Seen { zone: seen.zone.map(|zone| ZoneSeen { is_private: true, ..zone }), ..seen };
    let moved = || {
        let mut seen = well();
        if let Ok(zone) = &mut seen.zone {
            zone.records.records[0].values = vec!["elsewhere.example.com".into()];
        }
        seen
    };
    let unknown = Rehearsal { class: Some(FailureClass::Unknown), ..rehearsal(Would::AskAPerson) };
    let version = |version: &str| Ok(InstanceSeen { version: version.into(), ..instance(&pair.replica) });
    let status = |status: &str| Ok(InstanceSeen { status: status.into(), ..instance(&pair.replica) });
    let fenced =
        InstanceSeen { security_groups: vec![pair.replica.fence_security_group.clone()], ..instance(&pair.replica) };
    let quota = |quota| vec![("us-west-2".parse().unwrap(), "DB instances", quota)];
    let key = |key| vec![("us-west-2".parse().unwrap(), "alias/a".parse().unwrap(), key)];
    let other = vec![(pair.primary.instance.clone(), "other".parse().unwrap())];
    for (seen, need, state) in [
        (Seen { rehearsal: Err(gone()), ..well() }, Need::Judgement, State::Unknown),
        (Seen { rehearsal: Ok(rehearsal(Would::Refuse)), ..well() }, Need::Judgement, State::NotReady),
        (Seen { rehearsal: Ok(unknown), ..well() }, Need::Judgement, State::NotReady),
        (Seen { logins: vec![(pair.primary.instance.clone(), Err(gone()))], ..well() }, Need::Login, State::NotReady),
        (Seen { write: Err(gone()), ..well() }, Need::ProvingWrite, State::NotReady),
        (Seen { replica: Err(gone()), ..well() }, Need::Instances, State::Unknown),
        (Seen { replica: version("16.1"), ..well() }, Need::Instances, State::NotReady),
        (Seen { replica: status("stopped"), ..well() }, Need::Instances, State::NotReady),
        (Seen { replica: Ok(fenced), ..well() }, Need::SecurityGroups, State::NotReady),
        (Seen { quotas: quota(Ok(Quota { used: 40, most: 40 })), ..well() }, Need::Quotas, State::NotReady),
        (Seen { quotas: quota(Err(gone())), ..well() }, Need::Quotas, State::Unknown),
        (Seen { keys: key(Ok(KeySeen { state: "PendingDeletion".into() })), ..well() }, Need::Keys, State::NotReady),
        (Seen { keys: key(Err(gone())), ..well() }, Need::Keys, State::NotReady),
        (Seen { zone: Err(gone()), ..well() }, Need::Record, State::Unknown),
        (moved(), Need::Record, State::NotReady),
        (Seen { functions: vec![("f".into(), Err(gone()))], ..well() }, Need::Functions, State::NotReady),
        (Seen { claims: Ok(other), ..well() }, Need::Claims, State::NotReady),
        (Seen { claims: Err(gone()), ..well() }, Need::Claims, State::Unknown),
    ] {
        assert_eq!(lacking(&seen), [(need, state)], "{seen:?}");
    }
    assert_eq!(lacking(&private(well())), [], "the plan's own query looks its name up");
    let failing = Rehearsal { fails: true, ..rehearsal(Would::FailOver) };
    assert_eq!(lacking(&Seen { rehearsal: Ok(failing), ..well() }), [(Need::Judgement, State::NotReady)]);
}

#[test]
fn a_private_zone_that_no_check_looks_into_is_not_ready() {
    let mut run = run();
    run.plan.verify.clear();
    let zone = well().zone.map(|zone| ZoneSeen { is_private: true, ..zone });
    assert_eq!(record(&zone, &run).state, State::NotReady);
}

#[test]
fn each_key_of_a_plan_s_copies_is_looked_at_once() {
    let text = LAB.replace("- region: us-west-2\n", "- region: us-west-2\n        kmsKey: alias/a\n");
    let plan = plan::read(&text, "plans/lab.yaml").unwrap();
    let keys = keys_of(&plan);
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].0.as_str(), "us-west-2");
}
