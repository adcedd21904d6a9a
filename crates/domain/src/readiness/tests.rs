use super::*;
use crate::{
    component::Side,
    failover::judgement::Would,
    plan::FailureClass,
    plan_file,
    words::{id::Generation, time_span::TimeSpan},
};

const LAB: &str = include_str!("../../../../plans/lab.yaml");

fn run() -> Run {
    let plan = crate::plan_file::lab_pair();
    Run::supposed(plan, "1".into(), Generation(1), Timestamp::UNIX_EPOCH).unwrap()
}

fn instance(side: &Side) -> InstanceSeen {
    InstanceSeen {
        status: "available".into(),
        version: "15.4".into(),
        multi_az: false,
        certificate_until: None,
        security_groups: side.security_groups.clone(),
        retention_days: 7,
    }
}

fn rehearsal(verdict: Would) -> Rehearsal {
    Rehearsal {
        fails: false,
        verdict,
        passes: false,
        because: "so it is".into(),
        class: None,
        replication: "streaming".into(),
    }
}

fn well() -> Seen {
    let run = run();
    let pair = run.pair().unwrap();
    Seen {
        rehearsal: Ok(rehearsal(Would::FailOver)),
        logins: vec![(pair.primary.instance.clone(), Ok(())), (pair.replica.instance.clone(), Ok(()))],
        write: Ok(()),
        primary: Ok(instance(&pair.primary)),
        replica: Ok(instance(&pair.replica)),
        quotas: vec![("us-west-2".parse().unwrap(), "manual snapshots", Ok(Quota { used: 99, most: 100 }))],
        keys: vec![("us-west-2".parse().unwrap(), "alias/a".parse().unwrap(), Ok(KeySeen { state: "Enabled".into() }))],
        switch: Ok(Step::settled("it could be moved", Value::Null)),
        name: Ok(pair.primary.endpoint.clone()),
        functions: vec![("lifeboat-notify".into(), Ok(()))],
        claims: Ok(vec![]),
        replicated: None,
        buckets: vec![],
    }
}

/// What is not ready, and how.
fn lacking(seen: &Seen) -> Vec<(Need, State)> {
    let run = run();
    let readiness = assess(seen, &run, run.pair().unwrap(), Timestamp::UNIX_EPOCH);
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
    let unknown = Rehearsal { class: Some(FailureClass::Unknown), ..rehearsal(Would::AskAPerson) };
    let version = |version: &str| Ok(InstanceSeen { version: version.into(), ..instance(&pair.replica) });
    let status = |status: &str| Ok(InstanceSeen { status: status.into(), ..instance(&pair.replica) });
    let fenced =
        InstanceSeen { security_groups: vec![pair.replica.fence_security_group.clone()], ..instance(&pair.replica) };
    let quota = |quota| vec![("us-west-2".parse().unwrap(), "manual snapshots", quota)];
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
        (Seen { quotas: quota(Ok(Quota { used: 100, most: 100 })), ..well() }, Need::Quotas, State::NotReady),
        (Seen { quotas: quota(Err(gone())), ..well() }, Need::Quotas, State::Unknown),
        (Seen { keys: key(Ok(KeySeen { state: "PendingDeletion".into() })), ..well() }, Need::Keys, State::NotReady),
        (Seen { keys: key(Err(gone())), ..well() }, Need::Keys, State::NotReady),
        (Seen { switch: Err(gone()), ..well() }, Need::Record, State::Unknown),
        (Seen { switch: Ok(Step::refused("someone moved it", Value::Null)), ..well() }, Need::Record, State::NotReady),
        (Seen { name: Err(gone()), ..well() }, Need::Record, State::NotReady),
        (Seen { functions: vec![("f".into(), Err(gone()))], ..well() }, Need::Functions, State::NotReady),
        (Seen { claims: Ok(other), ..well() }, Need::Claims, State::NotReady),
        (Seen { claims: Err(gone()), ..well() }, Need::Claims, State::Unknown),
    ] {
        assert_eq!(lacking(&seen), [(need, state)], "{seen:?}");
    }
    let certified = |days: i64| {
        let until = Timestamp::from_second(days * 24 * 3600).unwrap();
        Seen { replica: Ok(InstanceSeen { certificate_until: Some(until), ..instance(&pair.replica) }), ..well() }
    };
    assert_eq!(lacking(&certified(15)), []);
    for ends_soon in [14, 0, -1] {
        assert_eq!(lacking(&certified(ends_soon)), [(Need::Login, State::NotReady)], "{ends_soon}");
    }
    let newer = Seen { replica: version("15.5"), ..well() };
    assert_eq!(lacking(&newer), [], "a replica is upgraded first");
    let full = vec![("us-west-2".parse().unwrap(), "DB instances", Ok(Quota { used: 40, most: 40 }))];
    assert_eq!(lacking(&Seen { quotas: full, ..well() }), [], "a failover makes no instance");
    let passes = Rehearsal { passes: true, ..rehearsal(Would::Refuse) };
    assert_eq!(lacking(&Seen { rehearsal: Ok(passes), ..well() }), [], "a backup of the replica is soon over");
    let failing = Rehearsal { fails: true, ..rehearsal(Would::FailOver) };
    assert_eq!(lacking(&Seen { rehearsal: Ok(failing), ..well() }), [(Need::Judgement, State::NotReady)]);
}

#[test]
fn a_standby_is_worth_a_word_where_the_other_region_may_come_first() {
    let words = |probe: &str, multi_az: bool| {
        let text = LAB.replace("  interval: 500ms\n  timeout: 400ms\n  failuresInARow: 3\n  holdDown: 1s\n", probe);
        let plan =
            plan_file::read(&text.replace("rto: 30s", "rto: 15m").replace("rpo: 5s", "rpo: 1m"), "plans/lab.yaml")
                .unwrap();
        let plan = plan.pairs().next().unwrap();
        let run = Run::supposed(plan, "1".into(), Generation(1), Timestamp::UNIX_EPOCH).unwrap();
        let pair = run.pair().unwrap();
        let seen = Seen { primary: Ok(InstanceSeen { multi_az, ..instance(&pair.primary) }), ..well() };
        let findings = assess(&seen, &run, pair, Timestamp::UNIX_EPOCH).findings;
        findings
            .into_iter()
            .map(|finding| finding.because)
            .filter(|because| because.contains("standby"))
            .collect::<Vec<_>>()
    };
    let soon = "  interval: 1s\n  timeout: 500ms\n  failuresInARow: 3\n  holdDown: 1m\n";
    let [word] = &words(soon, true)[..] else { panic!("{:?}", words(soon, true)) };
    assert!(word.contains("1m 1s after the primary was last seen"), "{word}");
    assert_eq!(words(soon, false), Vec::<String>::new());
    let held_down = "  interval: 1s\n  timeout: 500ms\n  failuresInARow: 3\n  holdDown: 3m\n";
    let counted = "  interval: 30s\n  timeout: 5s\n  failuresInARow: 10\n  holdDown: 1m\n";
    for later in [held_down, counted] {
        assert_eq!(words(later, true), Vec::<String>::new(), "{later}");
    }
}

#[test]
fn each_key_of_a_plan_s_copies_is_looked_at_once() {
    let text = LAB.replace("- region: us-west-2\n", "- region: us-west-2\n        kmsKey: alias/a\n");
    let plan = plan_file::read(&text, "plans/lab.yaml").unwrap().pairs().next().unwrap();
    let keys = plan.copy_keys();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].0.as_str(), "us-west-2");
}

#[test]
fn the_primary_s_automated_backups_reach_as_far_back_as_the_plan_says() {
    let mut run = run();
    let of = |run: &Run, days: u8| {
        let pair = run.pair().unwrap();
        let primary = Ok(InstanceSeen { retention_days: days, ..instance(&pair.primary) });
        // The replica has none: that is so until it is promoted.
        let replica = Ok(InstanceSeen { retention_days: 0, ..instance(&pair.replica) });
        let readiness = assess(&Seen { primary, replica, ..well() }, run, pair, Timestamp::UNIX_EPOCH);
        readiness.findings.into_iter().filter(|finding| finding.need == Need::PointInTime).collect::<Vec<_>>()
    };
    assert_eq!(of(&run, 0), [], "a plan that does not ask is not told");
    for component in &mut run.plan.components {
        let crate::component::Component::PostgresPair(pair) = component else { continue };
        pair.point_in_time = Some(TimeSpan::seconds(7 * 24 * 3_600));
    }
    for (days, state, says) in [
        (8, State::Ready, "for 8 days"),
        (7, State::Ready, "for 7 days"),
        (6, State::NotReady, "for 6 days, the plan asks for 7"),
        (0, State::NotReady, "no point in time can be restored"),
    ] {
        let found = of(&run, days);
        assert_eq!((found.len(), found[0].state), (1, state), "{days}: {found:?}");
        assert!(found[0].because.contains(says), "{found:?}");
        let remedy = found[0].remedy.clone().unwrap_or_default();
        assert_eq!(remedy.contains("--backup-retention-period 7"), state == State::NotReady, "{remedy}");
        assert_eq!(remedy.contains("--apply-immediately"), days == 0, "{remedy}");
    }
}
