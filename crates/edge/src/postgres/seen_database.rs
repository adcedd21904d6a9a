//! What a backup records of a database just before it is taken.

use std::time::Duration;

use domain::{component::SeenDatabase, words::failure::Failure};

use super::{Postgres, Server, first_row};

impl Postgres {
    /// Where the log ends, the time and the size, by the database itself.
    ///
    /// # Errors
    /// `Database` where it does not answer, or answers as a replica: that one has no end of the log of its own.
    pub async fn database(&self, server: &Server<'_>, within: Duration) -> Result<SeenDatabase, Failure> {
        const QUERY: &str = "select case when pg_is_in_recovery() then null else pg_current_wal_lsn()::text end, \
            to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
            pg_database_size(current_database())::text, \
            split_part(current_setting('server_version'), ' ', 1)";
        let failed = |why: String| Failure::Database {
            what: format!("`{}` does not say what a backup of it would hold", server.side.instance),
            source: Some(why.into()),
        };
        let answer = self.asking(server, within, async |client| first_row(client, QUERY).await).await;
        let row = answer.map_err(|unasked| failed(unasked.why))?;
        read(&row).ok_or_else(|| failed("it answers as a replica, not as a primary".to_owned()))
    }
}

fn read(row: &[Option<String>]) -> Option<SeenDatabase> {
    let column = |index: usize| row.get(index)?.as_deref();
    Some(SeenDatabase {
        lsn: Some(column(0)?.parse().ok()?),
        database_time: column(1)?.parse().ok()?,
        size_bytes: Some(column(2)?.parse().ok()?),
        version: Some(column(3)?.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_has_no_end_of_the_log_of_its_own() {
        let row = |lsn: Option<&str>| {
            let texts = [lsn, Some("2026-11-21T02:00:00.250000Z"), Some("7500000"), Some("15.18")];
            texts.map(|text| text.map(str::to_owned))
        };
        assert_eq!(read(&row(None)), None);
        let database = read(&row(Some("16/B374D848"))).unwrap();
        let lsn = database.lsn.map(|lsn| lsn.to_string());
        assert_eq!((lsn.as_deref(), database.size_bytes), (Some("16/B374D848"), Some(7_500_000)));
        assert_eq!(database.database_time.to_string(), "2026-11-21T02:00:00.25Z");
    }
}
