//! After a failover or a switchover: the new side, by the name that clients use.

use std::future::Future;

use domain::{
    component::PostgresPair,
    failover::run::Run,
    plan::Check,
    run::{
        step::Step,
        verification::{Checked, Finding},
    },
    words::{failure::Failure, id::HostName},
};
use tracing::info;

use crate::checks::{answer, timed, together};

/// The new side, as clients reach it.
pub trait NewSide {
    /// What a name leads to.
    fn alias(&self, name: &HostName) -> impl Future<Output = Result<HostName, String>>;
    /// Asks one of the plan's checks.
    fn check(&self, pair: &PostgresPair, check: &Check) -> impl Future<Output = Finding>;
}

pub(crate) async fn verify(side: &impl NewSide, run: &Run) -> Result<Step<Vec<Checked>>, Failure> {
    let pair = run.protected()?;
    let name = &run.plan.traffic.record.name;
    let leads =
        timed("the name leads to the new side", async { leads_there(side.alias(name).await, &pair.replica.endpoint) });
    let checks =
        together(leads, run.plan.verify.iter().map(|check| timed(check.name(), side.check(pair, check)))).await;
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), ?checks, "verified");
    Ok(answer(&checks, checks.clone()))
}

/// A name that still leads elsewhere is in some resolver's cache: ask again.
fn leads_there(alias: Result<HostName, String>, target: &HostName) -> Finding {
    match alias {
        Ok(found) if found == *target => Finding::Passed,
        Ok(found) => Finding::Unanswered(format!("it still leads to `{found}`")),
        Err(why) => Finding::Unanswered(why),
    }
}

#[cfg(test)]
mod tests {
    use domain::run::step::Outcome;

    use super::*;

    struct Fake {
        alias: &'static str,
        finding: Finding,
    }

    const NEW: &str = "orders-replica.us-west-2.rds.lifeboat.test";

    impl NewSide for Fake {
        async fn alias(&self, _: &HostName) -> Result<HostName, String> {
            self.alias.parse().map_err(|_| "no answer".to_owned())
        }

        async fn check(&self, _: &PostgresPair, _: &Check) -> Finding {
            self.finding.clone()
        }
    }

    async fn verified(alias: &'static str, finding: Finding) -> Step<Vec<Checked>> {
        let event: serde_json::Value = serde_json::from_str(include_str!("../../../events/verify.json")).unwrap();
        verify(&Fake { alias, finding }, &serde_json::from_value(event["run"].clone()).unwrap()).await.unwrap()
    }

    /// Each of its checks is answered once all of them were asked.
    struct Together(tokio::sync::Barrier);

    impl NewSide for Together {
        async fn alias(&self, _: &HostName) -> Result<HostName, String> {
            Ok(NEW.parse().unwrap())
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
        let step = verify(&Together(tokio::sync::Barrier::new(20)), &run).await.unwrap();
        assert_eq!(step.did.unwrap().len(), 21);
    }

    #[tokio::test]
    async fn a_side_that_passes_every_check_is_verified() {
        let step = verified(NEW, Finding::Passed).await;
        assert_eq!((step.step, step.did.unwrap().len()), (Outcome::Done, 2));
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
