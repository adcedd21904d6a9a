use std::cell::RefCell;

use domain::run::step::Outcome;
use serde_json::Value;

use super::*;

/// A restored database that answers so, and the backups that were tagged.
struct Fake {
    lsn: Result<Lsn, String>,
    finding: Finding,
    tagged: RefCell<Vec<String>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self { lsn: Ok(Lsn(0x01C2_F3A8)), finding: Finding::Passed, tagged: RefCell::default() }
    }
}

impl Database for Fake {
    async fn position(&self, _: &PostgresPair, side: &Side) -> Result<Lsn, String> {
        assert!(side.instance.as_str().starts_with("lifeboat-restore-"), "the restored one is asked, no other");
        self.lsn.clone()
    }

    async fn check(&self, _: &PostgresPair, _: &Side, _: &SqlCheck) -> Finding {
        self.finding.clone()
    }

    async fn mark(&self, _: &Region, arn: &str, _: Timestamp) -> Result<(), Failure> {
        self.tagged.borrow_mut().push(arn.to_owned());
        Ok(())
    }
}

async fn verified(fake: &Fake, change: impl FnOnce(&mut Value)) -> Step<Verified> {
    let mut event: Value = serde_json::from_str(include_str!("../../../../events/verify-restored.json")).unwrap();
    change(&mut event["restored"]);
    verify(fake, serde_json::from_value(event["restored"].clone()).unwrap(), Timestamp::UNIX_EPOCH).await.unwrap()
}

#[tokio::test]
async fn a_backup_that_answers_everything_is_tagged() {
    let fake = Fake::default();
    let step = verified(&fake, |_| ()).await;
    assert_eq!((step.step, step.did.unwrap().checks.len()), (Outcome::Done, 4));
    assert_eq!(fake.tagged.borrow().len(), 1);
}

#[tokio::test]
async fn whatever_is_wrong_or_unknown_leaves_it_untagged() {
    let wrong = || Finding::Failed { expected: "0".into(), got: "`7`".into() };
    for (fake, outcome) in [
        (Fake { finding: wrong(), ..Fake::default() }, Outcome::Refused),
        (Fake { finding: Finding::Unanswered("starting up".into()), ..Fake::default() }, Outcome::Pending),
        (Fake { lsn: Ok(Lsn(1)), ..Fake::default() }, Outcome::Refused),
        (Fake { lsn: Err("refused".into()), ..Fake::default() }, Outcome::Pending),
    ] {
        let step = verified(&fake, |_| ()).await;
        assert_eq!(step.step, outcome, "{}", step.because);
        assert!(step.did.is_some_and(|verified| !verified.tagged), "what was answered is told all the same");
        assert!(fake.tagged.borrow().is_empty());
    }
    let fake = Fake::default();
    let doubtful =
        |event: &mut Value| event["examined"]["checks"][0]["finding"] = serde_json::json!({ "unanswered": "silent" });
    let step = verified(&fake, doubtful).await;
    assert_eq!(step.step, Outcome::Done, "what was restored is as it should be");
    assert!(step.because.contains("could not be asked: silent; restored: all 4 checks passed"), "{}", step.because);
    assert!(fake.tagged.borrow().is_empty(), "its set was in doubt");
}

#[tokio::test]
async fn what_is_kept_or_is_of_no_backup_tags_nothing() {
    let fake = Fake::default();
    verified(&fake, |event| event["restore"]["purpose"] = "keep".into()).await;
    let moment = serde_json::json!({ "pointInTime": { "instance": "orders-primary", "time": null } });
    verified(&fake, |event| event["examined"]["chosen"]["origin"] = moment).await;
    assert!(fake.tagged.borrow().is_empty());
}
