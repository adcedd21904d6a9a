use std::{cell::RefCell, collections::BTreeMap, net::Ipv4Addr};

use super::*;

/// What a resolver answers each time that it is asked; the last answer stays.
type Answers = Vec<Result<&'static str, String>>;

#[derive(Default)]
struct Resolvers(RefCell<BTreeMap<String, Answers>>);

impl Resolvers {
    fn told_by(&self, resolver: &Address, name: &MovedName) -> Result<(Told, Told), String> {
        let mut all = self.0.borrow_mut();
        let answers = all.get_mut(resolver.as_str()).unwrap_or_else(|| panic!("{resolver} is asked"));
        let told = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Ok((Told::Host(told?.parse().unwrap()), name.recovery.told().unwrap()))
    }
}

struct Fake {
    resolvers: Resolvers,
    alias: &'static str,
    addresses: Vec<Ipv4Addr>,
    finding: Finding,
}

const NEW: &str = "orders-replica.us-west-2.rds.lifeboat.test";

impl NewSide for Fake {
    async fn told(&self, name: &MovedName) -> Result<(Told, Told), String> {
        if !name.is_the_database_s {
            return Ok((Told::Addresses(self.addresses.clone()), name.recovery.told().unwrap()));
        }
        let alias = self.alias.parse().map_err(|_| "no answer".to_owned())?;
        Ok((Told::Host(alias), name.recovery.told().unwrap()))
    }

    async fn told_by(&self, resolver: &Address, name: &MovedName) -> Result<(Told, Told), String> {
        self.resolvers.told_by(resolver, name)
    }

    async fn check(&self, _: &PostgresPair, _: &Check) -> Finding {
        self.finding.clone()
    }
}

async fn verified(alias: &'static str, finding: Finding) -> Step<Vec<Checked>> {
    let event: serde_json::Value = serde_json::from_str(include_str!("../../../../events/verify.json")).unwrap();
    let addresses = Vec::new();
    verify(
        &Fake { resolvers: Resolvers::default(), alias, addresses, finding },
        &serde_json::from_value(event["run"].clone()).unwrap(),
        false,
        &[],
    )
    .await
    .unwrap()
}

/// Each of its checks is answered once all of them were asked.
struct Together(tokio::sync::Barrier);

impl NewSide for Together {
    async fn told(&self, name: &MovedName) -> Result<(Told, Told), String> {
        Ok((Told::Host(NEW.parse().unwrap()), name.recovery.told().unwrap()))
    }

    async fn told_by(&self, _: &Address, _: &MovedName) -> Result<(Told, Told), String> {
        Err("no plan names one".to_owned())
    }

    async fn check(&self, _: &PostgresPair, _: &Check) -> Finding {
        self.0.wait().await;
        Finding::Passed
    }
}

#[tokio::test]
async fn no_check_waits_for_another() {
    let event: serde_json::Value = serde_json::from_str(include_str!("../../../../events/verify.json")).unwrap();
    let mut run: Run = serde_json::from_value(event["run"].clone()).unwrap();
    run.plan.verify = vec![run.plan.verify[0].clone(); 20];
    let step = verify(&Together(tokio::sync::Barrier::new(20)), &run, false, &[]).await.unwrap();
    assert_eq!(step.did.unwrap().len(), 21);
}

#[tokio::test]
async fn a_side_that_passes_every_check_is_verified() {
    let step = verified(NEW, Finding::Passed).await;
    assert_eq!((step.step, step.did.unwrap().len()), (Outcome::Done, 2));
}

#[tokio::test]
async fn a_name_of_the_application_leads_to_the_new_side_too() {
    let mut event: serde_json::Value = serde_json::from_str(include_str!("../../../../events/verify.json")).unwrap();
    event["run"]["plan"]["traffic"]["records"] = serde_json::json!([{"type": "a", "zone": "Z2", "name": "shop.lifeboat.test",
        "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s"}]);
    let run: Run = serde_json::from_value(event["run"].clone()).unwrap();
    for (last, outcome) in [(2, Outcome::Done), (1, Outcome::Pending)] {
        let side = Fake {
            resolvers: Resolvers::default(),
            alias: NEW,
            addresses: vec![[192, 0, 2, last].into()],
            finding: Finding::Passed,
        };
        let step = verify(&side, &run, false, &[]).await.unwrap();
        assert_eq!(step.step, outcome, "{}", step.because);
        let step = verify(&side, &run, true, &[]).await.unwrap();
        assert_eq!(step.step, Outcome::Done, "nobody waits for a name that was left: {}", step.because);
    }
}

#[tokio::test]
async fn a_check_through_a_name_that_was_left_is_not_asked_and_the_others_are() {
    let mut event: serde_json::Value = serde_json::from_str(include_str!("../../../../events/verify.json")).unwrap();
    event["run"]["plan"]["traffic"]["records"] = serde_json::json!([{"type": "a", "zone": "Z2", "name": "shop.lifeboat.test",
        "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s"}]);
    let http = serde_json::json!({"kind": "http", "name": "the shop answers", "url": "https://shop.lifeboat.test/", "within": "1s"});
    let all = event["run"]["plan"]["verify"].as_array_mut().unwrap();
    all.push(http);
    let count = all.len();
    let run: Run = serde_json::from_value(event["run"].clone()).unwrap();
    // Beside the checks the database's name is looked at.
    for (last, asked) in [(1, count), (2, count + 1)] {
        let side = Fake {
            resolvers: Resolvers::default(),
            alias: NEW,
            addresses: vec![[192, 0, 2, last].into()],
            finding: Finding::Passed,
        };
        let step = verify(&side, &run, true, &[]).await.unwrap();
        assert_eq!((step.step, step.did.unwrap().len()), (Outcome::Done, asked), "{}", step.because);
        assert_eq!(step.because.contains("`the shop answers` was not asked"), asked == count, "{}", step.because);
    }
}

#[tokio::test]
async fn a_failed_check_says_what_was_expected_and_what_came() {
    let step = verified(NEW, Finding::Failed { expected: "at least 1".into(), got: "`0`".into() }).await;
    assert_eq!(step.step, Outcome::Refused);
    assert_eq!(step.because, "`orders can be read` expected at least 1, got `0`");
}

#[tokio::test]
async fn what_cannot_be_asked_is_asked_again() {
    assert_eq!(verified(NEW, Finding::Unanswered("refused".into())).await.step, Outcome::Pending);
    assert_eq!(verified("orders-primary.us-east-1.rds.lifeboat.test", Finding::Passed).await.step, Outcome::Pending);
    assert_eq!(verified("", Finding::Passed).await.step, Outcome::Pending);
}

const OLD: &str = "orders-primary.us-east-1.rds.lifeboat.test";

/// A run whose record is kept for so long, and whose plan has resolvers asked.
fn watching(ttl: &str, resolvers: &[&str]) -> Run {
    let mut event: serde_json::Value = serde_json::from_str(include_str!("../../../../events/verify.json")).unwrap();
    event["run"]["plan"]["traffic"]["record"]["ttl"] = ttl.into();
    event["run"]["plan"]["traffic"]["resolvers"] = serde_json::json!(resolvers);
    serde_json::from_value(event["run"].clone()).unwrap()
}

fn side(finding: Finding, answers: &[(&str, Answers)]) -> Fake {
    let answers = answers.iter().map(|(resolver, answers)| ((*resolver).to_owned(), answers.clone())).collect();
    Fake { resolvers: Resolvers(RefCell::new(answers)), alias: NEW, addresses: Vec::new(), finding }
}

#[tokio::test]
async fn an_old_answer_of_a_resolver_is_waited_for_and_its_new_one_is_on_record_with_its_time() {
    let (run, asked) = (watching("60s", &["192.0.2.53", "192.0.2.54"]), ["192.0.2.53", "192.0.2.54"]);
    let side = side(Finding::Passed, &[(asked[0], vec![Ok(NEW)]), (asked[1], vec![Ok(OLD), Ok(NEW)])]);
    let first = verify(&side, &run, false, &[]).await.unwrap();
    assert_eq!(first.step, Outcome::Pending);
    let says =
        format!("not seen that 192.0.2.54 gives the new answer for db.orders.lifeboat.test: it still answers {OLD}");
    assert!(first.because.contains(&says), "{}", first.because);
    let known = first.did.unwrap();
    // The checks have passed, and one that fails from now on is none of this run's.
    let failing = Fake { finding: Finding::Failed { expected: "1".into(), got: "0".into() }, ..side };
    let second = verify(&failing, &run, false, &known).await.unwrap();
    assert_eq!((second.step, second.because.as_str()), (Outcome::Done, "all 2 checks passed"));
    let did = second.did.unwrap();
    assert_eq!(did[..3], known[..3], "what was seen before stays");
    assert_eq!(did[3].resolver, Some(asked[1].parse().unwrap()));
    assert!(did[3].finding == Finding::Passed && did[3].at > known[3].at, "{did:?}");
}

#[tokio::test]
async fn a_resolver_that_keeps_the_old_answer_for_longer_than_the_ttl_or_is_silent_is_told_and_fails_nothing() {
    for (ttl, answer, says) in [
        ("0s", Ok(OLD), "it still answers orders-primary"),
        ("60s", Err("timed out".to_owned()), "it does not answer: timed out"),
    ] {
        let side = side(Finding::Passed, &[("192.0.2.53", vec![answer])]);
        let step = verify(&side, &watching(ttl, &["192.0.2.53"]), false, &[]).await.unwrap();
        assert_eq!(step.step, Outcome::Done, "{}", step.because);
        assert!(step.because.starts_with("all 2 checks passed; not seen that 192.0.2.53"), "{}", step.because);
        assert!(step.because.contains(says), "{}", step.because);
    }
}

#[tokio::test]
async fn a_check_that_fails_outweighs_what_resolvers_answer() {
    let failed = Finding::Failed { expected: "at least 1".into(), got: "`0`".into() };
    let side = side(failed, &[("192.0.2.53", vec![Ok(OLD)])]);
    let step = verify(&side, &watching("60s", &["192.0.2.53"]), false, &[]).await.unwrap();
    assert_eq!(
        (step.step, step.because.as_str()),
        (Outcome::Refused, "`orders can be read` expected at least 1, got `0`")
    );
}

/// The first resolver has the old answer, the second one says nothing for longer than the record is kept.
struct Slow;

impl NewSide for Slow {
    async fn told(&self, name: &MovedName) -> Result<(Told, Told), String> {
        Ok((Told::Host(NEW.parse().unwrap()), name.recovery.told().unwrap()))
    }

    async fn told_by(&self, resolver: &Address, name: &MovedName) -> Result<(Told, Told), String> {
        if resolver.as_str() == "192.0.2.53" {
            return Ok((Told::Host(OLD.parse().unwrap()), name.recovery.told().unwrap()));
        }
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        Err("timed out".to_owned())
    }

    async fn check(&self, _: &PostgresPair, _: &Check) -> Finding {
        Finding::Passed
    }
}

#[tokio::test]
async fn an_old_answer_that_was_asked_for_within_the_ttl_is_asked_for_again_however_long_another_resolver_was_silent() {
    let step = verify(&Slow, &watching("1s", &["192.0.2.53", "192.0.2.54"]), false, &[]).await.unwrap();
    assert_eq!(step.step, Outcome::Pending, "{}", step.because);
}
