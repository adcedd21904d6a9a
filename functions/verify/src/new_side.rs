//! After a failover or a switchover: the new side, by the name that clients use.

use std::future::Future;

use domain::{
    component::PostgresPair,
    failover::{
        run::Run,
        traffic::{self, Told},
    },
    plan::{Check, MovedName},
    run::{
        step::{Outcome, Step},
        verification::{Checked, Finding},
    },
    words::{
        failure::Failure,
        id::{Address, HostName},
        time_span::TimeSpan,
    },
};
use edge::{clock, http};
use futures::future::join_all;
use tracing::info;

use crate::checks::{answer, timed};

/// The new side, as clients reach it.
pub trait NewSide {
    /// What a name leads to, and what it is to lead to.
    fn told(&self, name: &MovedName) -> impl Future<Output = Result<(Told, Told), String>>;
    /// The same as a public resolver tells it.
    fn told_by(&self, resolver: &Address, name: &MovedName) -> impl Future<Output = Result<(Told, Told), String>>;
    /// Asks one of the plan's checks.
    fn check(&self, pair: &PostgresPair, check: &Check) -> impl Future<Output = Finding>;
}

/// Where names of the application are left `unmoved`, the others were seen to arrive when they were moved: only the database's is
/// looked at, and a check that goes through one that still leads elsewhere would say nothing of the new side. `before` is what was
/// found when it was asked before.
pub(crate) async fn verify(
    side: &impl NewSide,
    run: &Run,
    unmoved: bool,
    before: &[Checked],
) -> Result<Step<Vec<Checked>>, Failure> {
    let pair = run.protected()?;
    let mut names = run.plan.moved_names();
    names.retain(|name| name.is_the_database_s || !unmoved);
    let left = if unmoved { left(side, run).await } else { Vec::new() };
    let through = |check: &&Check| left.iter().any(|name| Some(name) == host(check).as_ref());
    let (untold, asked): (Vec<&Check>, Vec<&Check>) = run.plan.verify.iter().partition(through);
    // An old answer is judged by when it was asked for: a silent resolver beside it takes its time.
    let began = clock::now();
    let (checks, looked) =
        tokio::join!(checked(side, pair, &names, &asked, before), propagated(side, run, &names, before));
    let waits = looked.iter().filter(|(ttl, looked)| traffic::is_waited_for(looked, *ttl, began)).count();
    let looked: Vec<Checked> = looked.into_iter().map(|(_, looked)| looked).collect();
    let summed = answer(&checks, ());
    let all = [checks, looked.clone()].concat();
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), checks = ?all, "verified");
    let Step { step, because, .. } = summed;
    let untold =
        untold.iter().map(|check| format!("; `{}` was not asked: its name still leads elsewhere", check.name()));
    let because = format!("{because}{}", untold.collect::<String>());
    let because = match traffic::not_everywhere(&looked).filter(|_| step == Outcome::Done) {
        Some(lacks) => format!("{because}; {lacks}"),
        None => because,
    };
    let step = if step == Outcome::Done && waits > 0 { Outcome::Pending } else { step };
    Ok(Step { step, ..Step::done(because, &all, all.clone()) })
}

/// The application's names that do not lead to the new side, or of which nobody can tell.
async fn left(side: &impl NewSide, run: &Run) -> Vec<HostName> {
    let looks = run.plan.traffic.application().map(async |name| {
        let is_there = leads_there(side.told(&name).await) == Finding::Passed;
        (!is_there).then_some(name.name)
    });
    join_all(looks).await.into_iter().flatten().collect()
}

/// The name that a check goes through.
fn host(check: &Check) -> Option<HostName> {
    match check {
        Check::Http(check) => http::host(check),
        Check::Sql(_) => None,
    }
}

/// The checks, and whether the names lead to the new side. Once they have passed they are not asked again: what is
/// waited for then is in resolvers' caches.
async fn checked(
    side: &impl NewSide,
    pair: &PostgresPair,
    names: &[MovedName],
    asked: &[&Check],
    before: &[Checked],
) -> Vec<Checked> {
    let asked_before: Vec<Checked> = before.iter().filter(|check| check.resolver.is_none()).cloned().collect();
    if !asked_before.is_empty() && asked_before.iter().all(|check| check.finding == Finding::Passed) {
        return asked_before;
    }
    let leads = names.iter().map(async |name| {
        let claim = match name.is_the_database_s {
            true => "the name leads to the new side".to_owned(),
            false => format!("`{}` leads to the new side", name.name),
        };
        timed(&claim, async { leads_there(side.told(name).await) }).await
    });
    let asked = asked.iter().map(|check| timed(check.name(), side.check(pair, check)));
    let (leads, asked) = tokio::join!(join_all(leads), join_all(asked));
    [leads, asked].concat()
}

/// What each of the plan's resolvers answers for each name, beside how long it may keep the old answer.
async fn propagated(
    side: &impl NewSide,
    run: &Run,
    names: &[MovedName],
    before: &[Checked],
) -> Vec<(TimeSpan, Checked)> {
    let asked = names.iter().flat_map(|name| run.plan.traffic.resolvers.iter().map(move |resolver| (name, resolver)));
    let looks = asked.map(async |(name, resolver)| {
        let claim = traffic::claim(resolver, name);
        let known = before.iter().find(|looked| looked.resolver.as_ref() == Some(resolver) && looked.name == claim);
        if let Some(known) = known.filter(|known| known.finding == Finding::Passed) {
            return (name.ttl, known.clone());
        }
        let now = timed(&claim, async { traffic::found(side.told_by(resolver, name).await) }).await;
        (name.ttl, traffic::after(known, Checked { resolver: Some(resolver.clone()), ..now }))
    });
    join_all(looks).await
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
mod tests;
