//! What is asked of a primary, and done to one.

use std::time::{Duration, Instant};

use domain::{
    failover::{fencing::Way, guard::Met, promotion::Written, run::Run},
    watch::health::{Endpoint, Look, Verdict},
    words::{
        failure::Failure,
        id::SqlName,
        wal::{LastSeen, Lsn},
    },
};
use jiff::Timestamp;
use tokio_postgres::{Client, SimpleQueryMessage, error::SqlState};

use super::{Fault, Patience, Postgres, Server, Unasked, first_row, identifier, literal};
use crate::clock;

/// How shutting the application out of a database went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutOut {
    /// By what was seen.
    pub way: Way,
    /// Whether its roles may have lost their login.
    pub asked: bool,
    /// Where its log ended then; absent of one that follows another server.
    pub ends_at: Option<LastSeen>,
}

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

    /// Takes the login of roles away, ends their sessions, and says what was seen of it. Safe to repeat.
    pub async fn shut_out(&self, server: &Server<'_>, roles: &[SqlName], patience: Patience) -> ShutOut {
        match self.shut(server, roles, patience).await {
            Ok(shut) => {
                let ends_at = shut.map(|lsn| LastSeen::new(lsn, clock::now()));
                ShutOut { way: Way::Holds, asked: true, ends_at }
            }
            Err(unasked) => {
                let asked = unasked.let_in;
                ShutOut { way: lacking(unasked), asked, ends_at: None }
            }
        }
    }

    /// The same for an old primary that may have come back as anything, and where its log ends then.
    pub async fn keep_out(&self, server: &Server<'_>, roles: &[SqlName], patience: Patience) -> Met {
        match self.shut(server, roles, patience).await {
            Ok(Some(lsn)) => Met::ShutOut(lsn),
            Ok(None) => Met::Follows,
            Err(unasked) => match lacking(unasked) {
                Way::Resists(why) => Met::Resists(why),
                Way::NoServer(why) | Way::Unreachable(why) | Way::Unproved(why) => Met::Silent(why),
                Way::Holds => Met::Silent("nothing was seen".into()),
            },
        }
    }

    /// Shuts roles out, and answers where the log ends then; `None` of a server that follows another one, for nobody can
    /// write to it.
    async fn shut(&self, server: &Server<'_>, roles: &[SqlName], patience: Patience) -> Result<Option<Lsn>, Unasked> {
        const FOLLOWS: &str = "select pg_is_in_recovery()";
        const ENDS_AT: &str = "select pg_current_wal_insert_lsn()::text";
        let ends_at = self
            .asking(server, patience, async |client| {
                let follows = first_row(client, FOLLOWS).await?.into_iter().next().flatten();
                if follows.as_deref() == Some("t") {
                    return Ok(None);
                }
                end_sessions(client, roles).await?;
                first_row(client, ENDS_AT).await.map(Some)
            })
            .await?;
        let Some(row) = ends_at else { return Ok(None) };
        let lsn = row.into_iter().next().flatten().and_then(|lsn| lsn.parse().ok());
        lsn.map(Some).ok_or_else(|| Unasked {
            endpoint: Endpoint::Open,
            fault: Fault::Server,
            let_in: true,
            why: format!("`{}` answers, but not where its log ends", server.side.instance),
        })
    }

    /// Gives roles their login back, and looks whether each has it. What does not exist was never taken.
    pub async fn let_in(&self, server: &Server<'_>, roles: &[SqlName], within: Duration) -> Way {
        let without_login = format!(
            "select quote_ident(rolname) from pg_roles where not rolcanlogin and rolname in ({}) order by rolname",
            literals(roles)
        );
        let left = self
            .asking(server, within, async |client| {
                for role in column(client, &without_login).await? {
                    change_role(client, &role, "login").await?;
                }
                column(client, &without_login).await
            })
            .await;
        match left {
            Ok(left) if left.is_empty() => Way::Holds,
            Ok(left) => Way::Unproved(format!("{} may still not log in", left.join(", "))),
            Err(unasked) => lacking(unasked),
        }
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

/// Tries of a change that other sessions may be making at the same moment: of two guards, the looks of some seconds meet an
/// old primary at once when it returns, and one of them gets through at a time.
const TRIES: u32 = 12;

/// Changes a role, named as SQL takes it. A fence and a guard may change one at once: PostgreSQL refuses the later one as
/// an internal error (`tuple concurrently updated`), which says nothing against asking again.
async fn change_role(client: &Client, role: &str, to: &str) -> Result<(), tokio_postgres::Error> {
    let change = format!("alter role {role} {to}");
    for tried in 1..TRIES {
        match client.batch_execute(&change).await {
            Err(error) if error.code() == Some(&SqlState::INTERNAL_ERROR) => {
                tokio::time::sleep(Duration::from_millis(5 * u64::from(tried))).await;
            }
            changed => return changed,
        }
    }
    client.batch_execute(&change).await
}

/// How long a backend that was past the check of its login may take to show itself. It takes a millisecond where the
/// processor is free.
const SHOWS_ITSELF: Duration = Duration::from_millis(500);

/// Backends that have begun and are in no list of sessions yet: each holds the lock of its own transaction.
const BEGINNING: &str = "select pid::text from pg_locks where locktype = 'virtualxid' and pid <> pg_backend_pid() \
     and pid not in (select pid from pg_stat_activity)";

/// Takes the login of roles away, and ends their sessions until none is left. Each role by itself, so that one that cannot
/// be changed keeps no other one in.
pub(super) async fn end_sessions(client: &Client, roles: &[SqlName]) -> Result<(), tokio_postgres::Error> {
    let theirs = format!("from pg_stat_activity where usename in ({})", literals(roles));
    let (end, count) =
        (format!("select count(pg_terminate_backend(pid)) {theirs}"), format!("select count(*) {theirs}"));
    let mut refused = None;
    for role in roles {
        if let Err(error) = change_role(client, &identifier(role), "nologin").await {
            if error.as_db_error().is_none() {
                return Err(error);
            }
            refused = refused.or(Some(error));
        }
    }
    // Whoever begins from now on is refused. Who was past that check already shows itself in a moment.
    let (mut beginning, began) = (column(client, BEGINNING).await?, tokio::time::Instant::now());
    // A backend ends at its next chance: counted until none is left, at most as long as the question may take.
    loop {
        client.batch_execute(&end).await?;
        if !beginning.is_empty() {
            let still = column(client, BEGINNING).await?;
            beginning.retain(|pid| still.contains(pid) && began.elapsed() < SHOWS_ITSELF);
        }
        let left = first_row(client, &count).await?.into_iter().next().flatten();
        if left.as_deref() == Some("0") && beginning.is_empty() {
            return refused.map_or(Ok(()), Err);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The first column of every row.
async fn column(client: &Client, query: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let messages = client.simple_query(query).await?;
    let rows = messages.iter().filter_map(|message| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        row.get(0).map(str::to_owned)
    });
    Ok(rows.collect())
}

fn literals(roles: &[SqlName]) -> String {
    let names: Vec<String> = roles.iter().map(|role| literal(role.as_str())).collect();
    names.join(", ")
}

/// What it means that a primary could not be shut or opened.
fn lacking(unasked: Unasked) -> Way {
    match (unasked.fault, unasked.let_in) {
        (Fault::Refusal, _) => Way::Resists(unasked.why),
        (Fault::Server, true) => Way::Unproved(unasked.why),
        (Fault::Server, false) if unasked.endpoint == Endpoint::Refused => Way::NoServer(unasked.why),
        (Fault::Server, false) | (Fault::Ours, _) => Way::Unreachable(unasked.why),
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
