//! What is asked of a replica.

use std::time::Duration;

use domain::{
    failover::judgement::{Fitness, Receiver, ReplicaSeen, RoleSeen},
    words::{
        id::{Generation, PlanName, SqlName},
        wal::{Lsn, ReplicaPosition},
    },
};
use jiff::Timestamp;
use tokio_postgres::Client;

use super::{Postgres, Server, first_row, literal};

/// Times as whole microseconds since the epoch: PostgreSQL's own resolution.
const QUERY: &str = "select pg_is_in_recovery(), \
    case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text end, \
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end, \
    (extract(epoch from pg_last_xact_replay_timestamp()) * 1000000)::bigint, \
    receiver.status, (extract(epoch from receiver.last_msg_receipt_time) * 1000000)::bigint \
    from (select) as one left join pg_stat_wal_receiver receiver on true";

/// The highest generation of a plan that is written down, where anything is.
const GENERATION: &str = "select case when to_regclass('lifeboat.promotion') is not null then (xpath('/row/newest/text()', \
     query_to_xml(format('select max(generation) as newest from lifeboat.promotion where plan = %L', {plan}), false, true, '')))[1]::text end";

/// Whether a role's login may be taken and given back: by a superuser, or with CREATEROLE and, from PostgreSQL 16 on, the
/// role's admin option.
const ROLE: &str = "select case when not exists (select from pg_roles where rolname = {role}) then 'missing' \
     when (select rolsuper or rolcreaterole and (current_setting('server_version_num')::int < 160000 \
     or pg_has_role(current_user, {role}, 'member with admin option')) from pg_roles where rolname = current_user) then 'ours' \
     else 'not ours' end";

impl Postgres {
    /// Looks at a replica, once, and at what a promotion of it will need.
    pub async fn replica_fit_for(
        &self,
        server: &Server<'_>,
        roles: &[SqlName],
        plan: &PlanName,
        within: Duration,
    ) -> (ReplicaSeen, Fitness) {
        let looked = self
            .asking(server, within, async |client| {
                let row = first_row(client, QUERY).await?;
                // If its fitness cannot be told, what was seen of the replica still counts.
                Ok((row, fitness(client, roles, plan).await.unwrap_or_default()))
            })
            .await;
        match looked {
            Ok((row, fitness)) => (seen(server, &row), fitness),
            Err(unasked) => (ReplicaSeen::Silent(unasked.why), Fitness::default()),
        }
    }

    /// Looks at a replica, once.
    pub async fn replica(&self, server: &Server<'_>, within: Duration) -> ReplicaSeen {
        match self.asking(server, within, async |client| first_row(client, QUERY).await).await {
            Ok(row) => seen(server, &row),
            Err(unasked) => ReplicaSeen::Silent(unasked.why),
        }
    }
}

async fn fitness(client: &Client, roles: &[SqlName], plan: &PlanName) -> Result<Fitness, tokio_postgres::Error> {
    let first = |row: Vec<Option<String>>| row.into_iter().next().flatten();
    let generation = GENERATION.replace("{plan}", &literal(plan.as_str()));
    let promoted = first(first_row(client, &generation).await?).and_then(|text| text.parse().ok()).map(Generation);
    let mut looked = Vec::new();
    for role in roles {
        let answer = first(first_row(client, &ROLE.replace("{role}", &literal(role.as_str()))).await?);
        let seen = match answer.as_deref() {
            Some("ours") => RoleSeen::Ours,
            Some("missing") => RoleSeen::Missing,
            Some(_) | None => RoleSeen::NotOurs,
        };
        looked.push((role.clone(), seen));
    }
    Ok(Fitness { roles: looked, promoted, ..Fitness::default() })
}

fn seen(server: &Server<'_>, row: &[Option<String>]) -> ReplicaSeen {
    read(row)
        .unwrap_or_else(|| ReplicaSeen::Silent(format!("`{}` answers, but not where it stands", server.side.instance)))
}

fn read(row: &[Option<String>]) -> Option<ReplicaSeen> {
    let text = |index: usize| row.get(index).and_then(Option::as_deref);
    if text(0)? == "f" {
        return Some(ReplicaSeen::Primary);
    }
    let time = |index: usize| text(index).and_then(|text| Timestamp::from_microsecond(text.parse().ok()?).ok());
    let lsn = |index: usize| text(index).and_then(|text| text.parse::<Lsn>().ok());
    let replayed = lsn(2)?;
    // After a restart nothing was received yet; what is replayed was.
    let received = lsn(1).map_or(replayed, |received| received.max(replayed));
    let receiver = match (text(4), time(5)) {
        (Some("streaming"), Some(heard_at)) => Receiver::Streaming { heard_at },
        _ => Receiver::Absent,
    };
    Some(ReplicaSeen::Replica {
        position: ReplicaPosition { received, replayed, replayed_commit_at: time(3) },
        receiver,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(columns: [Option<&str>; 6]) -> Vec<Option<String>> {
        columns.map(|column| column.map(str::to_owned)).to_vec()
    }

    #[test]
    fn a_stream_that_is_not_streaming_is_absent() {
        for status in [None, Some("waiting"), Some("starting")] {
            let seen =
                read(&row([Some("t"), Some("0/20"), Some("0/10"), None, status, Some("1800000000000000")])).unwrap();
            assert!(matches!(seen, ReplicaSeen::Replica { receiver: Receiver::Absent, .. }), "{seen:?}");
        }
    }

    #[test]
    fn an_answer_without_a_position_is_no_answer() {
        assert_eq!(read(&row([Some("t"), None, None, None, None, None])), None);
        assert_eq!(read(&[]), None);
        assert_eq!(read(&row([Some("f"), None, None, None, None, None])), Some(ReplicaSeen::Primary));
    }
}
