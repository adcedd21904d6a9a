//! `Verify`: runs the plan's checks against the new side, by the name that clients use.
//!
//! - in: [`Verify`], sample in `events/verify.json`
//! - out: [`Step<Vec<Checked>>`]: `Done` when all passed, `Pending` while one cannot be asked, `Refused` when one failed
//! - changes: nothing
//! - fails with: `InvalidInput`

use std::{
    future::Future,
    time::{Duration, Instant},
};

use domain::{
    failure::Failure,
    id::HostName,
    plan::{Check, PostgresPair, SqlCheck},
    run::Run,
    span::Span,
    step::Step,
    verification::{self, Checked, Finding, Verification},
};
use edge::{
    aws, clock, http,
    postgres::{Postgres, Server},
    shelf::Bucket,
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let bucket = Bucket::from_env(&aws::config(None).await).map_err(|failure| failure.chain())?;
    let world = World { postgres: Postgres::from_env(bucket).await.map_err(|failure| failure.chain())? };
    edge::serve(|event| handle(&world, event)).await
}

/// What is verified.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    run: Run,
}

/// The new side, as clients reach it.
trait NewSide {
    fn alias(&self, name: &HostName) -> impl Future<Output = Result<HostName, String>>;
    fn check(&self, pair: &PostgresPair, check: &Check) -> impl Future<Output = Finding>;
}

async fn handle(side: &impl NewSide, event: Value) -> Result<Step<Vec<Checked>>, Failure> {
    let Verify { run } = edge::parse(event, "Verify")?;
    let pair = run.protected()?;
    let name = &run.plan.traffic.record.name;
    let mut checks = vec![
        timed("the name leads to the new side", async { leads_there(side.alias(name).await, &pair.replica.endpoint) })
            .await,
    ];
    for check in &run.plan.verify {
        checks.push(timed(check.name(), side.check(pair, check)).await);
    }
    let sum = verification::sum_up(&checks);
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), ?checks, "verified");
    Ok(match sum {
        Verification::Passed => Step::done(format!("all {} checks passed", checks.len()), &checks, checks.clone()),
        Verification::Unanswered(why) => Step::pending(why, &checks),
        Verification::Failed(why) => Step::refused(why, &checks),
    })
}

/// A name that still leads elsewhere is in some resolver's cache: ask again.
fn leads_there(alias: Result<HostName, String>, target: &HostName) -> Finding {
    match alias {
        Ok(found) if found == *target => Finding::Passed,
        Ok(found) => Finding::Unanswered(format!("it still leads to `{found}`")),
        Err(why) => Finding::Unanswered(why),
    }
}

async fn timed(name: &str, check: impl Future<Output = Finding>) -> Checked {
    let (at, began) = (clock::now(), Instant::now());
    let finding = check.await;
    Checked {
        name: name.to_owned(),
        finding,
        took_milliseconds: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        at,
    }
}

struct World {
    postgres: Postgres,
}

/// A resolver that needs longer is asked again.
const DNS_PATIENCE: Duration = Duration::from_secs(2);

impl NewSide for World {
    async fn alias(&self, name: &HostName) -> Result<HostName, String> {
        tokio::time::timeout(DNS_PATIENCE, self.postgres.dns().alias(name))
            .await
            .unwrap_or_else(|_| Err(format!("`{name}`: no answer")))
    }

    async fn check(&self, pair: &PostgresPair, check: &Check) -> Finding {
        match check {
            Check::Sql(check) => Box::pin(self.sql(pair, check)).await,
            Check::Http(check) => Box::pin(http::check(check)).await,
        }
    }
}

impl World {
    async fn sql(&self, pair: &PostgresPair, check: &SqlCheck) -> Finding {
        let server = Server { side: &pair.replica, database: &pair.database, login: &pair.login };
        let began = Instant::now();
        match self.postgres.value(&server, &check.query, check.within.duration()).await {
            Ok(value) => {
                let took = Span::milliseconds(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
                verification::judge(&check.expect, value.as_deref(), took, check.within)
            }
            Err(unasked) => Finding::Unanswered(unasked.why),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::step::Outcome;

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

    async fn verify(alias: &'static str, finding: Finding) -> Step<Vec<Checked>> {
        let event = serde_json::from_str(include_str!("../../../events/verify.json")).unwrap();
        handle(&Fake { alias, finding }, event).await.unwrap()
    }

    #[tokio::test]
    async fn a_side_that_passes_every_check_is_verified() {
        let step = verify(NEW, Finding::Passed).await;
        assert_eq!((step.step, step.did.unwrap().len()), (Outcome::Done, 2));
    }

    #[tokio::test]
    async fn a_failed_check_says_what_was_expected_and_what_came() {
        let step = verify(NEW, Finding::Failed { expected: "at least 1".into(), got: "`0`".into() }).await;
        assert_eq!(step.step, Outcome::Refused);
        assert_eq!(step.because, "`orders can be read` expected at least 1, got `0`");
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_asked_again() {
        assert_eq!(verify(NEW, Finding::Unanswered("refused".into())).await.step, Outcome::Pending);
        assert_eq!(verify("orders-primary.us-east-1.rds.lifeboat.test", Finding::Passed).await.step, Outcome::Pending);
        assert_eq!(verify("", Finding::Passed).await.step, Outcome::Pending);
    }
}
