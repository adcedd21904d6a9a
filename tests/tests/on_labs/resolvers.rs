//! Public resolvers, watched after a failover: one that gives the new answer soon, one that keeps the old one, one that is silent.

use domain::{
    failover::traffic::Switch,
    plan::Plan,
    record::evidence::Evidence,
    run::{
        outcome::RunOutcome,
        verification::{Checked, Finding},
    },
};
use lab::{Lab, dns::Conduct};
use serde_json::json;
use tests::{
    labs,
    listener::{Listener, tell},
    repository,
};

/// The lab's plan with a record that is kept for a while, and three resolvers, to which the lab gives addresses.
fn plan() -> Plan {
    let file = "plans/lab.yaml";
    let mut plan = serde_json::to_value(domain::plan_file::read(&repository::text(file), file).unwrap()).unwrap();
    plan["traffic"][0]["record"]["ttl"] = json!("5s");
    plan["traffic"][0]["resolvers"] = json!(["8.8.8.8", "1.1.1.1", "9.9.9.9"]);
    serde_json::from_value(plan).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_resolver_answers_is_on_record_and_one_that_keeps_the_old_answer_is_told_and_fails_nothing() {
    let (lab, _place) = labs::start(&plan(), &Listener::default()).await.unwrap();
    lab.start_by_hand_only().await.unwrap();
    let _turn = labs::turn().await;
    let [soon, stale, silent] = lab.aws.dns().caches() else { panic!("three resolvers") };
    soon.behave(Conduct::Behind { answers: 2 });
    stale.behave(Conduct::Behind { answers: 1_000 });
    silent.behave(Conduct::Silent);
    lab.aws.rds.kill(&lab.system.primary()).await.unwrap();
    lab.system.noticed(&lab.aws).await.unwrap();
    let ran = run(&lab, "lifeboat failover --plan lab --by anna --why 'it burns' --accept-data-loss").await;
    let lacks = format!("not seen that {} gives the new answer", stale.address().ip());
    assert!(ran.contains(&lacks), "{ran}");

    let evidence = evidence(&lab).await;
    assert_eq!(evidence.outcome, RunOutcome::Done, "{}", evidence.because);
    let did = evidence.record.verification.as_ref().unwrap().did.clone().unwrap();
    let of = |address: std::net::IpAddr| {
        let mut found = did.iter().filter(|looked| looked.resolver.as_ref().is_some_and(|it| it.ip() == address));
        found.next().unwrap_or_else(|| panic!("{address} was not asked: {did:#?}"))
    };
    let [soon, stale, silent] = [soon, stale, silent].map(|cache| of(cache.address().ip()));
    tell(&format!("{soon:?}\n{stale:?}\n{silent:?}"));
    let switch: &Switch = evidence.record.traffic.as_ref().unwrap().did.as_ref().unwrap();
    let Checked { finding, at, .. } = soon;
    assert!(*finding == Finding::Passed && Some(*at) > switch.seen_at, "{soon:?} after {switch:?}");
    let old = lab.system.pair.primary.endpoint.to_string();
    assert_eq!(stale.finding, Finding::Behind(old.clone()));
    assert!(matches!(&silent.finding, Finding::Unanswered(_)), "{silent:?}");

    let told = |told: &lab::pager::Notice| told.subject.contains("has failed over") && told.message.contains(&lacks);
    lab.pager.notice(jiff::Timestamp::UNIX_EPOCH, "who still has the old answer", told).await.unwrap();
    let status = run(&lab, "lifeboat status lab").await;
    for says in [format!("-> {}\n", lab.system.pair.replica.endpoint), format!("-> {old}, NOT where the primary is")] {
        let shown = status.lines().any(|line| line.contains("resolver ") && format!("{line}\n").contains(&says));
        assert!(shown, "{says}: {status}");
    }
    lab.shut_down().await;
}

async fn evidence(lab: &Lab) -> Evidence {
    let keys = lab.system.keys(&lab.aws, "evidence/lab/").await.unwrap();
    let of_runs: Vec<&String> = keys.iter().filter(|key| key.matches('/').count() == 2).collect();
    let [key] = of_runs.as_slice() else { panic!("one run: {keys:?}") };
    serde_json::from_str(&lab.system.object(&lab.aws, key).await.unwrap().unwrap()).unwrap()
}

/// What a command prints, while the lab's own services go on.
async fn run(lab: &Lab, words: &str) -> String {
    let mut shell = labs::shell(lab, words);
    let ran = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
    let told = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    tell(&told);
    assert_eq!(ran.status.code(), Some(0), "{told}");
    told
}
