//! A Region, as it is looked at from another one.

use std::time::Instant;

use domain::{
    component::{ActiveSide, PostgresPair},
    failover::judgement::ApiSeen,
    plan::{Check, Health, HttpCheck, PairPlan, Plan, SqlCheck},
    record::notice::Notice,
    run::verification::Finding,
    watch::{
        health::Verdict,
        region::{Answers, Asked, Judged, LONGEST_TRY, Reached, RegionLook, TRIES, Went},
    },
    words::{
        failure::Failure,
        id::{InstanceId, PlanName, Region},
        time_span::TimeSpan,
    },
};
use edge::{
    clock, config, http,
    metrics::Metrics,
    object_store::Bucket,
    patience::{FAILED_REGION, RESOLVER},
    postgres::{Fault, Postgres, Server},
    rds::Rds,
    reach,
    sns::{self, Sns},
};
use futures::future::{join, join_all};
use jiff::Timestamp;
use tracing::info;

use crate::watch::Looks;

/// How long a database may take to let us in and answer. A login takes seven round trips: one that the probe gives up is told from
/// one that is slow to reach.
const ANSWERS_WITHIN: TimeSpan = TimeSpan::seconds(10);

/// The databases, their name servers, a Region's RDS, whom HTTP checks ask, CloudWatch, and people's topics.
pub struct World {
    postgres: Postgres,
    metrics: Metrics,
    sns: Sns,
    topic: String,
    here: String,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// As [`Postgres::from_env`]; `InvalidInput` where no topic is named.
    pub async fn from_env(bucket: Bucket, here: &str) -> Result<Self, Failure> {
        let (postgres, topic) = (Postgres::from_env(bucket).await?, config::topic()?);
        Ok(Self {
            postgres,
            metrics: Metrics::from_env().await,
            sns: Sns::from_env().await,
            topic,
            here: here.to_owned(),
        })
    }
}

impl Looks for World {
    /// Everything is asked side by side: the slowest answer is the wait.
    async fn look(&self, plan: &Plan, health: &Health, side: ActiveSide) -> RegionLook {
        let at = clock::now();
        let pairs: Vec<PairPlan> = plan.pairs().collect();
        let of_pairs =
            join_all(pairs.iter().enumerate().map(|(index, pair)| self.pair(pair, health, side, index == 0)));
        let instance = pairs.first().and_then(PairPlan::pair).map(|pair| &side.of(pair).instance);
        let (of_pairs, api) = join(of_pairs, api(plan.region_of(side), instance)).await;
        let (checks, databases): (Vec<_>, Vec<_>) = of_pairs.into_iter().unzip();
        RegionLook {
            at,
            checks: checks.into_iter().flatten().collect(),
            databases: databases.into_iter().flatten().collect(),
            api,
        }
    }

    async fn publish(&self, plan: &PlanName, region: &Region, judged: &Judged) -> Result<(), Failure> {
        self.metrics.health(plan, region, &judged.figures).await
    }

    /// A plan's topics are of its recovery Region, and hear of what is seen from there.
    async fn tell(&self, plan: &Plan, notice: &Notice) -> Result<(), Failure> {
        let of_the_plan =
            if self.here == plan.regions.recovery.as_str() { plan.notifications.topics.as_slice() } else { &[] };
        let topics = std::iter::once(self.topic.as_str()).chain(of_the_plan.iter().map(String::as_str));
        let heard = sns::to_each(topics, async |topic| self.sns.publish(topic, notice).await).await?;
        info!(plan.name = %plan.plan, subject = notice.subject, "{}", heard.summary());
        Ok(())
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "EventBridge starts it once a minute at most, and health is looked at more often"
    )]
    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(TimeSpan::between(self.now(), at).duration()).await;
    }
}

impl World {
    /// A pair's side in that Region, and the checks that are of it.
    async fn pair(
        &self,
        plan: &PairPlan,
        health: &Health,
        side: ActiveSide,
        is_first: bool,
    ) -> (Vec<Asked>, Option<Reached>) {
        let Some(pair) = plan.pair() else { return (Vec::new(), None) };
        // What is of no pair is asked once.
        let asked = health.asked(plan).filter(|check| is_first || check.component().is_some());
        // The credential and the certificate are ours: reading them must not count against the Region. An address leads to where
        // clients are led, and tells of no other Region.
        let server = Server::at(pair, side.of(pair));
        let (prepared, leads) = join(self.postgres.prepare(&server), self.leads_to(plan, pair)).await;
        if let Err(why) = prepared {
            info!(plan.name = %plan.plan, why, "could not prepare the look");
        }
        let asked =
            asked.filter(|check| matches!(check, Check::Sql(_)) || leads.as_ref().map_or(true, |to| *to == side));
        let (checks, reached) =
            join(join_all(asked.map(|check| self.ask(pair, side, check, &leads))), self.reach(plan, pair, side)).await;
        (checks, Some(reached))
    }

    /// The side to which clients are led, by the name that they use.
    async fn leads_to(&self, plan: &PairPlan, pair: &PostgresPair) -> Result<ActiveSide, String> {
        let name = &plan.traffic.record.name;
        let target = self.postgres.dns().alias_within(name, RESOLVER).await?;
        let mut sides = [ActiveSide::Primary, ActiveSide::Replica].into_iter();
        sides
            .find(|side| side.of(pair).endpoint == target)
            .ok_or_else(|| format!("`{name}` leads to `{target}`, which is neither side"))
    }

    async fn ask(
        &self,
        pair: &PostgresPair,
        side: ActiveSide,
        check: &Check,
        leads: &Result<ActiveSide, String>,
    ) -> Asked {
        let began = Instant::now();
        let went = match check {
            Check::Sql(check) => Box::pin(self.sql(pair, side, check)).await,
            Check::Http(check) => match leads {
                Ok(_) => Box::pin(self.http(check)).await,
                Err(why) => Went::Untold(format!("nobody knows to which Region it leads: {why}")),
            },
        };
        let took_milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Asked { name: check.name().to_owned(), went, took_milliseconds }
    }

    async fn sql(&self, pair: &PostgresPair, side: ActiveSide, check: &SqlCheck) -> Went {
        match self.postgres.check(&Server::at(pair, side.of(pair)), check).await {
            Ok(finding) => went(finding),
            Err(unasked) if unasked.fault == Fault::Ours => Went::Untold(unasked.why),
            Err(unasked) => Went::Failed(unasked.why),
        }
    }

    /// A name that cannot be looked up from here says nothing of the application.
    async fn http(&self, check: &HttpCheck) -> Went {
        if let Some(host) = http::host(check)
            && let Err(why) = self.postgres.dns().address(&host).await
        {
            return Went::Untold(why);
        }
        match http::check(check, self.postgres.dns()).await {
            Finding::Unanswered(why) => Went::Failed(why),
            finding @ (Finding::Passed | Finding::Failed { .. } | Finding::Behind(_)) => went(finding),
        }
    }

    async fn reach(&self, plan: &PairPlan, pair: &PostgresPair, side: ActiveSide) -> Reached {
        let server = Server::at(pair, side.of(pair));
        let (host, port) = (&server.side.endpoint, server.side.port);
        let tries = reach::tries(self.postgres.dns(), (host, port), TRIES, LONGEST_TRY.duration());
        let (tries, answers) = join(tries, self.answers(&server, plan.probe.timeout.max(ANSWERS_WITHIN))).await;
        Reached::of(plan.traffic.component.clone(), &tries, answers)
    }

    /// Whether a database answers: a replica does, and one that refuses us lives.
    async fn answers(&self, server: &Server<'_>, within: TimeSpan) -> Answers {
        let (verdict, because, round_trip) = match self.postgres.round_trip(server, within.duration()).await {
            Ok(took) => (Verdict::Up, format!("`{}` answers", server.side.endpoint), Some(took)),
            Err(unasked) => match unasked.fault {
                Fault::Refusal => (Verdict::Up, unasked.why, None),
                Fault::Server => (Verdict::Down, unasked.why, None),
                Fault::Ours => (Verdict::Unknown, unasked.why, None),
            },
        };
        Answers { verdict, because, round_trip }
    }
}

fn went(finding: Finding) -> Went {
    match finding {
        Finding::Passed => Went::Passed,
        Finding::Failed { expected, got } => Went::Failed(format!("expected {expected}, got {got}")),
        Finding::Unanswered(why) | Finding::Behind(why) => Went::Untold(why),
    }
}

/// Whether the Region's RDS answers. What it refuses us says nothing of it.
async fn api(region: &Region, instance: Option<&InstanceId>) -> Verdict {
    let Some(instance) = instance else { return Verdict::Unknown };
    match Rds::far(region, FAILED_REGION).await.status(instance).await {
        ApiSeen::Status(_) => Verdict::Up,
        ApiSeen::Untold(_) => Verdict::Unknown,
        ApiSeen::Silent(_) => Verdict::Down,
    }
}
