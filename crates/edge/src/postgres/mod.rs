//! PostgreSQL, asked with a deadline: what a probe, a judge and a promotion need to know of a server.
//!
//! A limit is how long the server may be silent. A connection takes at most that; a login, which has several answers to wait
//! for, at most 2 s more, however far the server is; and the question after it at most the limit again. Where the question
//! itself may take its time, the login has a limit of its own.

mod connect;
mod drain;
mod fence;
mod held;
mod login;
mod primary;
mod replica;
mod seen_database;

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use domain::{
    component::{Login, PostgresPair, Side},
    failover::fencing::Target,
    plan::SqlCheck,
    run::verification::{self, Answered, Finding},
    watch::health::Endpoint,
    words::{failure::Failure, id::SqlName, time_span::TimeSpan},
};
use futures::TryStreamExt;
use tokio_postgres::{Client, SimpleQueryMessage};

pub use fence::{Inside, ShutOut};
pub use held::Held;
pub use login::Logins;

use crate::{dns::Dns, object_store::Bucket};

/// The application's databases.
#[derive(Debug)]
pub struct Postgres {
    dns: Dns,
    logins: Logins,
}

/// Whom to ask: a server, a database in it, and how to log in.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// The server.
    pub side: &'a Side,
    /// The database.
    pub database: &'a SqlName,
    /// How to log in.
    pub login: &'a Login,
}

impl<'a> Server<'a> {
    /// A side of a pair.
    #[must_use]
    pub fn at(pair: &'a PostgresPair, side: &'a Side) -> Self {
        Self { side, database: &pair.database, login: &pair.login }
    }

    /// A primary that is shut or opened again.
    #[must_use]
    pub fn of(target: &'a Target) -> Self {
        Self { side: &target.side, database: &target.database, login: &target.login }
    }
}

/// How many questions are asked to tell how long one takes.
const QUESTIONS: u32 = 3;

/// Why a server could not be asked.
#[derive(Debug)]
pub struct Unasked {
    /// How its host and port answered.
    pub endpoint: Endpoint,
    /// What went wrong, and what it says about the server.
    pub fault: Fault,
    /// Whether it had let us in: then what was asked of it may have been done.
    pub let_in: bool,
    /// The sentence for the record.
    pub why: String,
}

/// Whose fault it is that a server could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server's: it is not there, or does not serve.
    Server,
    /// Ours: no credential, no resolver, no certificate. It says nothing about the server.
    Ours,
    /// The server answers, and refuses us: it lives.
    Refusal,
}

/// How long a server may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until it has let us in: what one that loses packets costs.
    pub login: Duration,
    /// From the beginning until the question is answered, where the login left it more than it may be silent.
    pub whole: Duration,
}

impl From<Duration> for Patience {
    fn from(whole: Duration) -> Self {
        Self { login: whole, whole }
    }
}

impl Postgres {
    /// With the environment's resolver, secrets and bucket.
    ///
    /// # Errors
    /// `InvalidInput` when the environment is incomplete.
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        Ok(Self { dns: Dns::from_env()?, logins: Logins::from_env(bucket).await })
    }

    /// The resolver that finds servers.
    #[must_use]
    pub fn dns(&self) -> &Dns {
        &self.dns
    }

    /// Reads the credential and the certificate before they are needed, so that no look pays for it.
    ///
    /// # Errors
    /// Says what could not be read.
    pub async fn prepare(&self, server: &Server<'_>) -> Result<(), String> {
        self.logins.credential(server).await.map(drop)?;
        self.logins.tls(server.login.tls).await.map(drop)
    }

    /// As [`Postgres::prepare`], where nothing can be told without it: a credential that could not be read is AWS's
    /// failure, not the server's silence.
    ///
    /// # Errors
    /// `AwsTransient`: ask again.
    pub async fn ready(&self, server: &Server<'_>) -> Result<(), Failure> {
        self.prepare(server).await.map_err(|why| Failure::AwsTransient {
            what: format!("cannot log in to `{}` before its credential and certificate are read", server.side.instance),
            source: Some(why.into()),
        })
    }

    /// Asks one query, whose answer should be one row of one column.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn value(&self, server: &Server<'_>, query: &str, within: Duration) -> Result<Answered, Unasked> {
        self.asking(server, within, async |client| {
            let mut messages = pin!(client.simple_query_raw(query).await?);
            let mut answered = Answered::default();
            while let Some(message) = messages.try_next().await? {
                let SimpleQueryMessage::Row(row) = message else { continue };
                let first = if row.is_empty() { None } else { row.get(0) };
                answered = answered.and(row.len(), first);
                // One row too many says all; a million would not fit into memory.
                if matches!(answered, Answered::More { .. }) {
                    break;
                }
            }
            Ok(answered)
        })
        .await
    }

    /// How long a question takes on a connection that is open: the quickest of some, so that a server's pause is no distance.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn round_trip(&self, server: &Server<'_>, within: Duration) -> Result<Duration, Unasked> {
        self.asking(server, within, async |client| {
            let mut quickest = Duration::MAX;
            for _ in 0..QUESTIONS {
                let began = Instant::now();
                client.simple_query("select 1").await?;
                quickest = quickest.min(began.elapsed());
            }
            Ok(quickest)
        })
        .await
    }

    /// Asks one of a plan's queries, and judges what it answers and how long that took.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn check(&self, server: &Server<'_>, check: &SqlCheck) -> Result<Finding, Unasked> {
        let began = Instant::now();
        let answered = self.value(server, &check.query, check.within.duration()).await?;
        let took = TimeSpan::milliseconds(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        Ok(verification::judge(&check.expect, &answered, took, check.within))
    }
}

/// The first row's columns, as text.
async fn first_row(client: &Client, query: &str) -> Result<Vec<Option<String>>, tokio_postgres::Error> {
    let messages = client.simple_query(query).await?;
    let row = messages.iter().find_map(|message| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
    });
    Ok(row.unwrap_or_default())
}

/// A text as an SQL literal.
fn literal(text: &str) -> String {
    // With standard_conforming_strings, on since 9.1, only the quote is special.
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as an SQL identifier.
fn identifier(name: &SqlName) -> String {
    format!("\"{name}\"")
}
