//! Draining a primary: nobody of the application is left, and where its log ends then.

use std::time::Duration;

use domain::{
    failover::run::Run,
    words::{failure::Failure, id::SqlName, wal::Lsn},
};

use super::{Postgres, Server, Unasked, fence::end_sessions, first_row, literal};

/// How often a replica is asked how far it is. It replays a log that nobody adds to any more within milliseconds.
const ASK_AGAIN: Duration = Duration::from_millis(2);

impl Postgres {
    /// Shuts roles out, and answers where the log ends then: no commit of theirs lies beyond, and all up to there is on
    /// the primary's disk and on its way to the replica. Safe to repeat.
    ///
    /// # Errors
    /// `Database` when that was not done, or not proved.
    pub async fn drain(
        &self,
        server: &Server<'_>,
        roles: &[SqlName],
        run: &Run,
        within: Duration,
    ) -> Result<Lsn, Failure> {
        // A message in the log, behind everything that was committed, also asynchronously: its own commit is waited for.
        let note = literal(&format!("drained by {}, generation {}", run.execution.name(), run.generation));
        let mark = format!("select pg_logical_emit_message(true, 'lifeboat', {note})::text");
        let answer = self
            .asking(server, within, async |client| {
                end_sessions(client, roles).await?;
                client.batch_execute("set synchronous_commit = local").await?;
                first_row(client, &mark).await
            })
            .await;
        let failed = |why: String| Failure::Database {
            what: format!("`{}` could not be drained", server.side.instance),
            source: Some(why.into()),
        };
        let row = answer.map_err(|unasked| failed(unasked.why))?;
        let lsn = row.into_iter().next().flatten().and_then(|text| text.parse().ok());
        lsn.ok_or_else(|| failed("it did not say where its log ends".into()))
    }

    /// Gives a replica until `within` to replay up to `end`, and answers how far it is.
    ///
    /// # Errors
    /// Says why it could not be asked.
    pub async fn replayed(&self, server: &Server<'_>, end: Lsn, within: Duration) -> Result<Lsn, Unasked> {
        const QUERY: &str = "select pg_last_wal_replay_lsn()::text";
        let patience = within / 2;
        self.asking(server, within, async |client| {
            let began = tokio::time::Instant::now();
            loop {
                let told = first_row(client, QUERY).await?.into_iter().next().flatten();
                let replayed = told.and_then(|text| text.parse().ok()).unwrap_or(Lsn(0));
                if replayed >= end || began.elapsed() > patience {
                    return Ok(replayed);
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
        })
        .await
    }
}
