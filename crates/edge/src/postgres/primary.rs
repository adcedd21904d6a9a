//! What is asked of a primary, and done to one.

use std::time::{Duration, Instant};

use domain::{
    failure::Failure,
    guard::Met,
    health::{Look, Verdict},
    id::SqlName,
    run::Run,
    wal::Lsn,
};
use jiff::Timestamp;
use tokio_postgres::{Client, error::SqlState};

use super::{Fault, Patience, Postgres, Server, Unasked, first_row, identifier, literal};
use crate::clock;

/// A write that committed on a new primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The timeline that it is on.
    pub timeline: u32,
    /// The server's position after it.
    pub lsn: Lsn,
    /// When it committed.
    pub at: Timestamp,
}

impl Postgres {
    /// Looks at a primary, once.
    pub async fn look(&self, server: &Server<'_>, within: Duration) -> Look {
        const QUERY: &str =
            "select pg_is_in_recovery(), case when pg_is_in_recovery() then null else pg_current_wal_lsn()::text end";
        let (at, began) = (clock::now(), Instant::now());
        let answer = self.asking(server, within, async |client| first_row(client, QUERY).await).await;
        let took_milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let lsn = answer.as_ref().ok().and_then(|row| row.get(1)?.as_deref()?.parse().ok());
        let (endpoint, database, because) = match answer {
            Ok(_) if lsn.is_some() => {
                (domain::health::Endpoint::Open, Verdict::Up, format!("`{}` answers", server.side.endpoint))
            }
            Ok(_) => (
                domain::health::Endpoint::Open,
                Verdict::Unknown,
                format!("`{}` answers as a replica, not as a primary", server.side.endpoint),
            ),
            Err(Unasked { endpoint, fault, why }) => (endpoint, verdict(fault), why),
        };
        Look { endpoint, database, because, at, took_milliseconds, lsn }
    }

    /// Takes the login of roles away and ends their sessions. Done once none of their sessions is left.
    ///
    /// # Errors
    /// Says why the server could not be asked.
    pub async fn shut_out(&self, server: &Server<'_>, roles: &[SqlName], patience: Patience) -> Result<(), String> {
        let shut_out = self.asking(server, patience, async |client| end_sessions(client, roles).await).await;
        shut_out.map_err(|unasked| unasked.why)
    }

    /// The same for an old primary that may have come back as anything, and where its log ends then.
    pub async fn keep_out(&self, server: &Server<'_>, roles: &[SqlName], patience: Patience) -> Met {
        const FOLLOWS: &str = "select pg_is_in_recovery()";
        const ENDS_AT: &str = "select pg_current_wal_insert_lsn()::text";
        let met = self
            .asking(server, patience, async |client| {
                let follows = first_row(client, FOLLOWS).await?.into_iter().next().flatten();
                if follows.as_deref() != Some("f") {
                    return Ok(None);
                }
                end_sessions(client, roles).await?;
                first_row(client, ENDS_AT).await.map(Some)
            })
            .await;
        match met {
            Ok(None) => Met::Follows,
            Ok(Some(row)) => match row.into_iter().next().flatten().and_then(|lsn| lsn.parse().ok()) {
                Some(lsn) => Met::ShutOut(lsn),
                None => Met::Silent(format!("`{}` answers, but not where its log ends", server.side.instance)),
            },
            Err(unasked) => Met::Silent(unasked.why),
        }
    }

    /// Gives roles their login back.
    ///
    /// # Errors
    /// Says why the server could not be asked.
    pub async fn let_in(&self, server: &Server<'_>, roles: &[SqlName], within: Duration) -> Result<(), String> {
        let let_in = self.asking(server, within, async |client| change_roles(client, roles, "login").await).await;
        let_in.map_err(|unasked| unasked.why)
    }

    /// Proves that a new primary takes writes, by writing down who promoted it. Repeating it changes nothing. The roles'
    /// login is given back with it: what fenced the old primary reached this one too if the log still flowed.
    ///
    /// # Errors
    /// `Database` when it does not.
    pub async fn write_promotion(&self, server: &Server<'_>, run: &Run, within: Duration) -> Result<Written, Failure> {
        let (plan, generation, execution) =
            (literal(run.plan.plan.as_str()), run.generation, literal(run.execution.as_str()));
        let roles = run.pair().map(|pair| pair.application_roles.as_slice()).unwrap_or_default();
        let login = alter_roles(roles, "login");
        let write = format!(
            "begin; {login}create schema if not exists lifeboat; \
             create table if not exists lifeboat.promotion (plan text, generation bigint, execution text, at timestamptz default clock_timestamp(), primary key (plan, generation)); \
             insert into lifeboat.promotion (plan, generation, execution) values ({plan}, {generation}, {execution}) on conflict do nothing; commit"
        );
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

/// Changes roles, each in a statement of its own.
fn alter_roles(roles: &[SqlName], to: &str) -> String {
    roles.iter().map(|role| format!("alter role {} {to}; ", identifier(role))).collect()
}

/// Tries of a change that another session may be making at the same moment.
const TRIES: usize = 5;

/// Changes roles. A fence and a guard may change one at once: PostgreSQL refuses the later one as an internal error
/// (`tuple concurrently updated`), which says nothing against asking again.
async fn change_roles(client: &Client, roles: &[SqlName], to: &str) -> Result<(), tokio_postgres::Error> {
    let change = alter_roles(roles, to);
    for _ in 1..TRIES {
        match client.batch_execute(&change).await {
            Err(error) if error.code() == Some(&SqlState::INTERNAL_ERROR) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            changed => return changed,
        }
    }
    client.batch_execute(&change).await
}

/// Takes the login of roles away, and ends their sessions until none is left.
pub(super) async fn end_sessions(client: &Client, roles: &[SqlName]) -> Result<(), tokio_postgres::Error> {
    let names: Vec<String> = roles.iter().map(|role| literal(role.as_str())).collect();
    let theirs = format!("from pg_stat_activity where usename in ({})", names.join(", "));
    let (end, count) =
        (format!("select count(pg_terminate_backend(pid)) {theirs}"), format!("select count(*) {theirs}"));
    change_roles(client, roles, "nologin").await?;
    // A backend ends at its next chance: counted until none is left, at most as long as the question may take.
    loop {
        client.batch_execute(&end).await?;
        let left = first_row(client, &count).await?.into_iter().next().flatten();
        if left.as_deref() == Some("0") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What not being able to ask says about a server.
fn verdict(fault: Fault) -> Verdict {
    match fault {
        Fault::Server => Verdict::Down,
        Fault::Ours => Verdict::Unknown,
        Fault::Refusal => Verdict::Up,
    }
}
