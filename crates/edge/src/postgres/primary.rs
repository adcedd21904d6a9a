//! What is asked of a primary, and done to one.

use std::time::{Duration, Instant};

use domain::{
    failover::{promotion::Written, run::Run},
    watch::health::{Endpoint, Look, Verdict},
    words::{failure::Failure, id::SqlName},
};
use jiff::Timestamp;

use super::{Fault, Postgres, Server, Unasked, first_row, identifier, literal};
use crate::clock;

/// What a look asks.
pub(super) const LOOK: &str =
    "select pg_is_in_recovery(), case when pg_is_in_recovery() then null else pg_current_wal_lsn()::text end";

/// A look, by what was answered to it.
pub(super) fn looked(
    server: &Server<'_>,
    answer: Result<Vec<Option<String>>, Unasked>,
    at: Timestamp,
    took: Duration,
) -> Look {
    let took_milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let lsn = answer.as_ref().ok().and_then(|row| row.get(1)?.as_deref()?.parse().ok());
    let (endpoint, database, because) = match answer {
        Ok(_) if lsn.is_some() => (Endpoint::Open, Verdict::Up, format!("`{}` answers", server.side.endpoint)),
        Ok(_) => (
            Endpoint::Open,
            Verdict::Unknown,
            format!("`{}` answers as a replica, not as a primary", server.side.endpoint),
        ),
        Err(Unasked { endpoint, fault, why, .. }) => (endpoint, verdict(fault), why),
    };
    Look { endpoint, database, because, at, took_milliseconds, lsn }
}

impl Postgres {
    /// Looks at a primary, once.
    pub async fn look(&self, server: &Server<'_>, within: Duration) -> Look {
        let (at, began) = (clock::now(), Instant::now());
        let answer = self.asking(server, within, async |client| first_row(client, LOOK).await).await;
        looked(server, answer, at, began.elapsed())
    }

    /// Makes the write that proves a promotion, and rolls it back.
    ///
    /// # Errors
    /// Says why it could not be made.
    pub async fn rehearse_promotion(&self, server: &Server<'_>, run: &Run, within: Duration) -> Result<(), String> {
        let write = format!("begin; {}rollback", promotion(run));
        let made = self.asking(server, within, async |client| client.batch_execute(&write).await).await;
        made.map_err(|unasked| unasked.why)
    }

    /// Proves that a new primary takes writes, by writing down who promoted it. Repeating it changes nothing. The roles'
    /// login is given back with it: what fenced the old primary reached this one too if the log still flowed.
    ///
    /// # Errors
    /// `Database` when it does not.
    pub async fn write_promotion(&self, server: &Server<'_>, run: &Run, within: Duration) -> Result<Written, Failure> {
        let (plan, generation, execution) =
            (literal(run.plan.plan.as_str()), run.generation, literal(run.execution.as_str()));
        let write = format!("begin; {}commit", promotion(run));
        let read = format!(
            "select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int, pg_current_wal_lsn()::text \
             from lifeboat.promotion where plan = {plan} and generation = {generation} and execution = {execution}"
        );
        let answer = self
            .asking(server, within, async |client| {
                client.batch_execute(&write).await?;
                first_row(client, &read).await
            })
            .await;
        let failed = |why: String| Failure::Database {
            what: format!("`{}` did not prove that it takes writes", server.side.instance),
            source: Some(why.into()),
        };
        let row = answer.map_err(|unasked| failed(unasked.why))?;
        let column = |index: usize| row.get(index).cloned().flatten();
        let timeline = column(0).and_then(|text| text.parse().ok());
        let lsn = column(1).and_then(|text| text.parse().ok());
        match (timeline, lsn) {
            (Some(timeline), Some(lsn)) => Ok(Written { timeline, lsn, at: clock::now() }),
            _ => Err(failed("generation already written down by another execution".into())),
        }
    }
}

/// What a promotion writes down, without its end: the roles' login with it.
fn promotion(run: &Run) -> String {
    let (plan, generation, execution) =
        (literal(run.plan.plan.as_str()), run.generation, literal(run.execution.as_str()));
    let roles = run.pair().map(|pair| pair.application_roles.as_slice()).unwrap_or_default();
    format!(
        "{}create schema if not exists lifeboat; \
         create table if not exists lifeboat.promotion (plan text, generation bigint, execution text, at timestamptz default clock_timestamp(), primary key (plan, generation)); \
         insert into lifeboat.promotion (plan, generation, execution) values ({plan}, {generation}, {execution}) on conflict do nothing; ",
        alter_roles(roles, "login")
    )
}

/// Changes roles, each in a statement of its own.
fn alter_roles(roles: &[SqlName], to: &str) -> String {
    roles.iter().map(|role| format!("alter role {} {to}; ", identifier(role))).collect()
}

/// What not being able to ask says about a server.
fn verdict(fault: Fault) -> Verdict {
    match fault {
        Fault::Server => Verdict::Down,
        Fault::Ours => Verdict::Unknown,
        Fault::Refusal => Verdict::Up,
    }
}
