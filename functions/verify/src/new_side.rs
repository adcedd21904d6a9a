//! After a failover or a switchover: the new side, by the name that clients use.

use std::future::Future;

use domain::{
    component::PostgresPair,
    failover::{run::Run, traffic::Told},
    plan::{Check, MovedName},
    run::{
        step::Step,
        verification::{Checked, Finding},
    },
    words::failure::Failure,
};
use futures::future::join_all;
use tracing::info;

use crate::checks::{answer, timed};

/// The new side, as clients reach it.
pub trait NewSide {
    /// What a name leads to, and what it is to lead to.
    fn told(&self, name: &MovedName) -> impl Future<Output = Result<(Told, Told), String>>;
    /// Asks one of the plan's checks.
    fn check(&self, pair: &PostgresPair, check: &Check) -> impl Future<Output = Finding>;
}

/// Where names of the application are left `unmoved`, the others were seen to arrive when they were moved: only the database's is
/// looked at.
pub(crate) async fn verify(side: &impl NewSide, run: &Run, unmoved: bool) -> Result<Step<Vec<Checked>>, Failure> {
    let pair = run.protected()?;
    let mut names = run.plan.moved_names();
    names.retain(|name| name.is_the_database_s || !unmoved);
    let leads = names.iter().map(async |name| {
        let claim = match name.is_the_database_s {
            true => "the name leads to the new side".to_owned(),
            false => format!("`{}` leads to the new side", name.name),
        };
        timed(&claim, async { leads_there(side.told(name).await) }).await
    });
    let asked = run.plan.verify.iter().map(|check| timed(check.name(), side.check(pair, check)));
    let (leads, asked) = tokio::join!(join_all(leads), join_all(asked));
    let checks = [leads, asked].concat();
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), ?checks, "verified");
    Ok(answer(&checks, checks.clone()))
}

/// A name that still leads elsewhere is in some resolver's cache: ask again.
fn leads_there(told: Result<(Told, Told), String>) -> Finding {
    match told {
        Ok((found, wanted)) if found.leads_to(&wanted) => Finding::Passed,
        Ok((found, _)) => Finding::Unanswered(format!("it still leads to {found}")),
        Err(why) => Finding::Unanswered(why),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use domain::run::step::Outcome;

    use super::*;

    struct Fake {
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

        async fn check(&self, _: &PostgresPair, _: &Check) -> Finding {
            self.finding.clone()
        }
    }

    async fn verified(alias: &'static str, finding: Finding) -> Step<Vec<Checked>> {
        let event: serde_json::Value = serde_json::from_str(include_str!("../../../events/verify.json")).unwrap();
        let addresses = Vec::new();
        verify(&Fake { alias, addresses, finding }, &serde_json::from_value(event["run"].clone()).unwrap(), false)
            .await
            .unwrap()
    }

    /// Each of its checks is answered once all of them were asked.
    struct Together(tokio::sync::Barrier);

    impl NewSide for Together {
        async fn told(&self, name: &MovedName) -> Result<(Told, Told), String> {
            Ok((Told::Host(NEW.parse().unwrap()), name.recovery.told().unwrap()))
        }

        async fn check(&self, _: &PostgresPair, _: &Check) -> Finding {
            self.0.wait().await;
            Finding::Passed
        }
    }

    #[tokio::test]
    async fn no_check_waits_for_another() {
        let event: serde_json::Value = serde_json::from_str(include_str!("../../../events/verify.json")).unwrap();
        let mut run: Run = serde_json::from_value(event["run"].clone()).unwrap();
        run.plan.verify = vec![run.plan.verify[0].clone(); 20];
        let step = verify(&Together(tokio::sync::Barrier::new(20)), &run, false).await.unwrap();
        assert_eq!(step.did.unwrap().len(), 21);
    }

    #[tokio::test]
    async fn a_side_that_passes_every_check_is_verified() {
        let step = verified(NEW, Finding::Passed).await;
        assert_eq!((step.step, step.did.unwrap().len()), (Outcome::Done, 2));
    }

    #[tokio::test]
    async fn a_name_of_the_application_leads_to_the_new_side_too() {
        let mut event: serde_json::Value = serde_json::from_str(include_str!("../../../events/verify.json")).unwrap();
        event["run"]["plan"]["traffic"]["records"] = serde_json::json!([{"type": "a", "zone": "Z2", "name": "shop.lifeboat.test",
            "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s"}]);
        let run: Run = serde_json::from_value(event["run"].clone()).unwrap();
        for (last, outcome) in [(2, Outcome::Done), (1, Outcome::Pending)] {
            let side = Fake { alias: NEW, addresses: vec![[192, 0, 2, last].into()], finding: Finding::Passed };
            let step = verify(&side, &run, false).await.unwrap();
            assert_eq!(step.step, outcome, "{}", step.because);
            let step = verify(&side, &run, true).await.unwrap();
            assert_eq!(step.step, Outcome::Done, "nobody waits for a name that was left: {}", step.because);
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
        assert_eq!(
            verified("orders-primary.us-east-1.rds.lifeboat.test", Finding::Passed).await.step,
            Outcome::Pending
        );
        assert_eq!(verified("", Finding::Passed).await.step, Outcome::Pending);
    }
}
