//! Shutting the application out of a database, and letting it in again.

use std::time::Duration;

use domain::{
    failover::{
        fencing::{DatabaseSeen, Way},
        guard::Met,
    },
    watch::health::Endpoint,
    words::{
        id::SqlName,
        wal::{LastSeen, Lsn},
    },
};
use tokio_postgres::{Client, SimpleQueryMessage, error::SqlState};

use super::{
    Fault, Patience, Postgres, Server, Unasked,
    connect::{Limits, Session},
    first_row, identifier, literal,
};
use crate::clock;

/// An old primary's database that has let us in.
pub struct Inside(Session);

/// How shutting the application out of a database went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutOut {
    /// By what was seen.
    pub way: Way,
    /// Where its log ended then.
    pub ends_at: Option<LastSeen>,
}

impl Postgres {
    /// Looks whether an old primary's database takes writes. One that does is left open, to be shut without another login.
    pub async fn look_inside(&self, server: &Server<'_>, patience: Patience) -> (DatabaseSeen, Option<Inside>) {
        match self.staying(server, patience, follows).await {
            Ok((session, false)) => (DatabaseSeen::TakesWrites, Some(Inside(session))),
            Ok((_, true)) => (DatabaseSeen::Follows, None),
            Err(unasked) => (DatabaseSeen::Unseen(lacking(unasked)), None),
        }
    }

    /// Takes the login of roles away, ends their sessions, and says what was seen of it. Safe to repeat.
    pub async fn shut_out(&self, server: &Server<'_>, inside: Inside, roles: &[SqlName], within: Duration) -> ShutOut {
        let (Inside(mut session), limits) = (inside, Limits::of_a_question(within));
        let shut = match session.ask(limits.whole(), async |client| shut(client, roles).await).await {
            Ok(row) => end_of_log(server, row),
            Err(broken) => Err(self.unasked(server, &limits, broken).await),
        };
        match shut {
            Ok(lsn) => ShutOut { way: Way::Holds, ends_at: Some(LastSeen::new(lsn, clock::now())) },
            Err(unasked) => ShutOut { way: lacking(unasked), ends_at: None },
        }
    }

    /// The same for an old primary that may have come back as anything, and where its log ends then.
    pub async fn keep_out(&self, server: &Server<'_>, roles: &[SqlName], patience: Patience) -> Met {
        let asked = async |client: &Client| {
            if follows(client).await? { Ok(None) } else { shut(client, roles).await.map(Some) }
        };
        let met = match self.asking(server, patience, asked).await {
            Ok(Some(row)) => end_of_log(server, row).map(Met::ShutOut),
            Ok(None) => Ok(Met::Follows),
            Err(unasked) => Err(unasked),
        };
        met.unwrap_or_else(|unasked| match lacking(unasked) {
            Way::Resists(why) => Met::Resists(why),
            Way::NoServer(why) | Way::Unreachable(why) | Way::Unproved(why) => Met::Silent(why),
            Way::Holds => Met::Silent("nothing was seen".into()),
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
}

/// Whether it follows another server: then nobody can write to it.
async fn follows(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let told = first_row(client, "select pg_is_in_recovery()").await?.into_iter().next().flatten();
    Ok(told.as_deref() == Some("t"))
}

/// Shuts roles out, and asks where the log ends then.
async fn shut(client: &Client, roles: &[SqlName]) -> Result<Vec<Option<String>>, tokio_postgres::Error> {
    end_sessions(client, roles).await?;
    first_row(client, "select pg_current_wal_insert_lsn()::text").await
}

fn end_of_log(server: &Server<'_>, row: Vec<Option<String>>) -> Result<Lsn, Unasked> {
    let lsn = row.into_iter().next().flatten().and_then(|lsn| lsn.parse().ok());
    lsn.ok_or_else(|| Unasked {
        endpoint: Endpoint::Open,
        fault: Fault::Server,
        let_in: true,
        why: format!("`{}` answers, but not where its log ends", server.side.instance),
    })
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
