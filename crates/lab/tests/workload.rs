//! The client against real PostgreSQL servers and a name that moves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "workload/names.rs"]
mod names;
#[path = "workload/pair.rs"]
mod pair;

use std::{net::IpAddr, time::Duration};

use domain::{
    plan::BackupVerification,
    run::verification::{self, Answered, Finding},
};
use jiff::Timestamp;
use lab::workload::{
    Access, ClientTiming, ClientView, Commit, Entry, Log, Outcome, Password, ReadBack, StaleClient, StaleConfig,
    Workload, WorkloadConfig, measure, orders,
};
use names::Names;
use pair::{NEW_HOST, OLD_HOST, Pair};
use tokio::sync::watch;
use tokio_postgres::SimpleQueryMessage;

const NAME: &str = "db.orders.lifeboat.test";
const LOADED: u32 = 500;
/// The stale client's ids begin here.
const STALE: i64 = 1_000_000_000;

fn config(names: &Names, pair: &Pair, log: &str) -> WorkloadConfig {
    WorkloadConfig {
        name: NAME.to_owned(),
        resolver: names.address(),
        port: pair.port(),
        access: pair.application(),
        first_id: i64::from(LOADED) + 1,
        log: pair.folder().join(log),
        timing: ClientTiming::default(),
    }
}

/// Waits for `more` commits acknowledged by a server.
async fn commits(workload: &Workload, address: IpAddr, more: usize) -> Vec<Commit> {
    let mut live: watch::Receiver<Option<Commit>> = workload.commits();
    let mut seen = Vec::new();
    let enough = async {
        while seen.len() < more {
            live.changed().await.unwrap();
            seen.extend(live.borrow_and_update().filter(|commit| commit.address == address));
        }
    };
    tokio::time::timeout(Duration::from_secs(20), enough).await.expect("no commits");
    seen
}

fn reasons(log: &Log) -> Vec<&str> {
    log.entries
        .iter()
        .filter_map(|entry| if let Entry::Unreachable { because, .. } = entry { Some(because.as_str()) } else { None })
        .collect()
}

fn acknowledged(log: &Log) -> usize {
    log.entries.iter().filter(|entry| matches!(entry, Entry::Attempt { outcome: Outcome::Acknowledged, .. })).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_follows_the_name_to_the_new_primary_and_tells_what_it_saw() {
    let pair = Pair::start("follows").await;
    let names = Names::serve(pair.hosts()).await;
    names.point(NAME, OLD_HOST, 0);
    orders::create(&pair.owner(pair.old()).await, &pair.role(), &pair.application().password, LOADED).await.unwrap();

    let workload = Workload::start(config(&names, &pair, "client.jsonl")).unwrap();
    commits(&workload, pair.old(), 20).await;
    let stale = StaleClient::start(StaleConfig {
        address: (pair.old(), pair.port()).into(),
        host: OLD_HOST.to_owned(),
        access: pair.application(),
        first_id: STALE,
        log: pair.folder().join("stale.jsonl"),
        timing: ClientTiming::default(),
    });
    let stale = stale.await.unwrap();
    commits(&workload, pair.old(), 20).await;

    let disaster_at = Timestamp::now();
    pair.kill_old();
    pair.promote().await;
    let promoted_at = Timestamp::now();
    names.point(NAME, NEW_HOST, 0);
    commits(&workload, pair.successor(), 20).await;

    // Nobody fences the old primary here: what the stale client does there must be seen as split brain.
    let stale_before = Log::read(&pair.folder().join("stale.jsonl")).unwrap();
    pair.start_old().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stale = stale.stop().await.unwrap();
    let log = workload.stop().await.unwrap();

    let new = orders::read_back(&pair.owner(pair.successor()).await, 1).await.unwrap();
    let old = orders::read_back(&pair.owner(pair.old()).await, 1).await.unwrap();
    let after = ReadBack {
        disaster_at,
        promoted_at: Some(promoted_at),
        old_primary: &[pair.old()],
        new: &new,
        old: Some(&old),
        traced_until: disaster_at,
    };
    let fenced = measure(&log, &[stale_before], &after);
    let unfenced = measure(&log, &[stale], &after);
    eprintln!("{}", serde_json::to_string(&ClientView { trace: Default::default(), ..unfenced.clone() }).unwrap());

    let outage = unfenced.outage.clone().unwrap();
    assert!(outage.first_after.is_some() && outage.milliseconds > 20, "{outage:?}");
    assert!(unfenced.rows_acknowledged >= 60 && unfenced.attempts_failed > 0);
    assert_eq!(fenced.split_brain.count, 0, "{:?}", fenced.split_brain);
    assert!(unfenced.split_brain.count > 0 && unfenced.split_brain.ids.iter().all(|id| *id >= STALE));
    // What the client was told is on the new primary, but for what it calls lost; one attempt at most was on its way.
    let mine = new.iter().filter(|id| (i64::from(LOADED) + 1..STALE).contains(id)).count();
    let lost = unfenced.lost.rows.ids.iter().filter(|id| **id < STALE).count();
    let told = acknowledged(&log) - lost;
    assert!((told..=told + 1).contains(&mine), "{told} told, {mine} there");
    timelines_rise_within_one_cluster(&log);
}

fn timelines_rise_within_one_cluster(log: &Log) {
    let servers: Vec<_> = log
        .entries
        .iter()
        .filter_map(
            |entry| if let Entry::Connected { server, answers, .. } = entry { Some((server, answers)) } else { None },
        )
        .collect();
    let (first, last) = (servers.first().unwrap(), servers.last().unwrap());
    assert_eq!((first.0.timeline, last.0.timeline), (1, 2));
    assert_eq!(first.0.system_identifier, last.0.system_identifier);
    assert_ne!(first.0.address, last.0.address);
    let chain: Vec<&str> = last.1.iter().map(|answer| answer.data.split(' ').next().unwrap()).collect();
    assert_eq!(chain, ["CNAME", "A"], "the whole chain is written down");
}

#[tokio::test]
async fn an_answer_is_kept_for_exactly_its_time_to_live() {
    let [old, new] = [1, 2].map(|host| IpAddr::from([127, 78, 251, host]));
    let names = Names::serve(vec![(OLD_HOST, old), (NEW_HOST, new)]).await;
    for (ttl, least, most) in [(0, 0, 150), (2, 1_500, 2_200)] {
        names.point(NAME, OLD_HOST, ttl);
        let folder = pair::folder(&format!("ttl-{ttl}"));
        let workload = Workload::start(WorkloadConfig {
            name: NAME.to_owned(),
            resolver: names.address(),
            port: 9,
            access: Access {
                user: "shop".to_owned(),
                password: Password::new("unused"),
                database: "orders".to_owned(),
                trusted_pem: None,
            },
            first_id: 1,
            log: folder.join("client.jsonl"),
            timing: ClientTiming::default(),
        })
        .unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let moved_at = Timestamp::now();
        names.point(NAME, NEW_HOST, ttl);
        tokio::time::sleep(Duration::from_millis(most + 200)).await;
        let log = workload.stop().await.unwrap();
        let followed = log.entries.iter().find_map(|entry| match entry {
            Entry::Unreachable { at, address: Some(address), .. } if *address == new => Some(*at),
            Entry::Began { .. } | Entry::Connected { .. } | Entry::Unreachable { .. } => None,
            Entry::Attempt { .. } | Entry::Stopped { .. } => None,
        });
        let lag = followed.expect("the client follows in the end").duration_since(moved_at).as_millis();
        assert!((i128::from(least)..=i128::from(most)).contains(&lag), "TTL {ttl} s: followed after {lag} ms");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_prove_its_name_is_not_written_to() {
    let pair = Pair::start("name").await;
    // The name leads to the old primary's address under a name that its certificate does not have.
    let names = Names::serve(vec![("impostor.lifeboat.test", pair.old())]).await;
    names.point(NAME, "impostor.lifeboat.test", 0);
    orders::create(&pair.owner(pair.old()).await, &pair.role(), &pair.application().password, 1).await.unwrap();
    let workload = Workload::start(config(&names, &pair, "client.jsonl")).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let log = workload.stop().await.unwrap();
    assert_eq!(acknowledged(&log), 0);
    assert!(reasons(&log).iter().any(|because| because.contains("certificate")), "{:?}", reasons(&log));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_a_login_may_not_read_is_named_by_the_check_that_reads_every_one() {
    let pair = Pair::start("reads").await;
    let (owner, role) = (pair.owner(pair.old()).await, pair.role());
    let plan = domain::plan_file::read(include_str!("../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
    let check = plan.backups[0].verification.as_ref().and_then(BackupVerification::reading).unwrap();
    let read_as = async |role: &str| {
        let answers = owner.simple_query(&format!("set role {role}; {}", check.query)).await.unwrap();
        let rows = answers.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.len(), row.get(0))),
            SimpleQueryMessage::CommandComplete(_) | SimpleQueryMessage::RowDescription(_) | _ => None,
        });
        let answer = rows.fold(Answered::default(), |answered, (columns, first)| answered.and(columns, first));
        owner.batch_execute("reset role").await.unwrap();
        match verification::judge(&check.expect, &answer, check.within, check.within) {
            Finding::Passed => "passed".to_owned(),
            Finding::Failed { got, .. } | Finding::Unanswered(got) | Finding::Behind(got) => got,
        }
    };
    assert_eq!(read_as("owner").await, "`there is no table`", "a database without a table is none that was restored");
    orders::create(&owner, &role, &pair.application().password, 10).await.unwrap();
    // Neither of the last two holds anything that could be read.
    let others = "create schema secret; create table secret.salaries (a int); create materialized view sums as select 1 as a;
        create materialized view unfilled as select 1 as a with no data; create table parted (a int) partition by range (a)";
    owner.batch_execute(others).await.unwrap();
    assert_eq!(read_as("owner").await, "passed");
    let unread = "`the login may not read all of 2 of 3 tables: public.sums, secret.salaries`";
    assert_eq!(read_as("shop").await, unread);
    // Also where it may read the table and not enter its schema, and where it may and not see each row.
    owner.batch_execute("grant select on sums, secret.salaries to shop").await.unwrap();
    assert_eq!(read_as("shop").await, "`the login may not read all of 1 of 3 tables: secret.salaries`");
    owner.batch_execute("grant usage on schema secret to shop").await.unwrap();
    assert_eq!(read_as("shop").await, "passed");
    owner.batch_execute("alter table orders enable row level security").await.unwrap();
    assert_eq!(read_as("shop").await, "`the login may not read all of 1 of 3 tables: public.orders`");
}

#[tokio::test]
async fn a_log_never_shows_the_password() {
    let access = Access {
        user: "shop".to_owned(),
        password: Password::new("hunter2"),
        database: "orders".to_owned(),
        trusted_pem: None,
    };
    assert!(!format!("{access:?}").contains("hunter2"));
}
