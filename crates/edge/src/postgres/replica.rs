//! What is asked of a replica.

use std::time::Duration;

use domain::{
    judgement::{Receiver, ReplicaSeen},
    wal::{Lsn, ReplicaPosition},
};
use jiff::Timestamp;

use super::{Postgres, Server, first_row};

/// Times as whole microseconds since the epoch: PostgreSQL's own resolution.
const QUERY: &str = "select pg_is_in_recovery(), \
    case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text end, \
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end, \
    (extract(epoch from pg_last_xact_replay_timestamp()) * 1000000)::bigint, \
    receiver.status, (extract(epoch from receiver.last_msg_receipt_time) * 1000000)::bigint \
    from (select) as one left join pg_stat_wal_receiver receiver on true";

impl Postgres {
    /// Looks at a replica, once.
    pub async fn replica(&self, server: &Server<'_>, within: Duration) -> ReplicaSeen {
        match self.asking(server, within, async |client| first_row(client, QUERY).await).await {
            Ok(row) => read(&row).unwrap_or_else(|| {
                ReplicaSeen::Silent(format!("`{}` answers, but not where it stands", server.side.instance))
            }),
            Err(unasked) => ReplicaSeen::Silent(unasked.why),
        }
    }
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
