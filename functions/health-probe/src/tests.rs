use std::cell::{Cell, RefCell};

use domain::{
    watch::{
        health::{Endpoint, Verdict},
        probe::{Blip, Watch, later},
    },
    words::time_span::TimeSpan,
};
use edge::object_store::fake::Memory;
use serde_json::json;

use self::clock::Clock;
use super::*;

mod claiming;
mod clock;
mod handover;
mod lag;
mod naps;
mod telling;

/// A primary that is down in some spans.
struct Fake {
    clock: Clock,
    down: Vec<(i64, i64)>,
    verdict: Verdict,
    /// How long a look takes that is not answered.
    silence: TimeSpan,
    /// How long CloudWatch takes.
    publishing: TimeSpan,
    claimants: Cell<u32>,
    /// Messages on their way: when they come, and of which window they are.
    naps: RefCell<Vec<(Timestamp, Timestamp, serde_json::Value)>>,
    /// How much later than asked for a message comes, and until when the queue takes none.
    queue_is_late: TimeSpan,
    no_queue_until: Option<Timestamp>,
    /// How long waking takes.
    waking: TimeSpan,
    /// When the functions of a failover were woken, and for which side.
    woken: RefCell<Vec<(Timestamp, ActiveSide)>>,
    /// Until when it refuses for now.
    refuses_until: Option<Timestamp>,
    published: RefCell<Vec<(Timestamp, u32)>>,
    /// When each call was answered, and its highest count.
    told: RefCell<Vec<(Timestamp, u32)>>,
    looked_at: RefCell<Vec<ActiveSide>>,
    looked_when: RefCell<Vec<Timestamp>>,
    /// Of which side's log it was asked how far the other side is behind.
    lags: RefCell<Vec<ActiveSide>>,
    /// How long the replica takes to answer.
    replica: TimeSpan,
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

impl Fake {
    fn down(spans: &[(i64, i64)]) -> Self {
        Self {
            clock: Clock::at(at(200)),
            down: spans.to_vec(),
            verdict: Verdict::Down,
            silence: TimeSpan::milliseconds(1),
            publishing: TimeSpan::milliseconds(0),
            claimants: Cell::new(0),
            naps: RefCell::default(),
            queue_is_late: TimeSpan::milliseconds(20),
            no_queue_until: None,
            waking: TimeSpan::milliseconds(0),
            woken: RefCell::default(),
            refuses_until: None,
            published: RefCell::default(),
            told: RefCell::default(),
            looked_at: RefCell::default(),
            looked_when: RefCell::default(),
            lags: RefCell::default(),
            replica: TimeSpan::milliseconds(1),
        }
    }

    /// Takes a window's message out of the queue.
    fn message_of(&self, scheduled_at: Timestamp) -> Option<(Timestamp, serde_json::Value)> {
        let mut naps = self.naps.borrow_mut();
        let found = naps.iter().position(|(_, window, _)| *window == scheduled_at)?;
        let (comes_at, _, message) = naps.swap_remove(found);
        Some((comes_at, message))
    }

    fn most_failures(&self) -> u32 {
        self.published.borrow().iter().map(|(_, failures)| *failures).max().unwrap_or(0)
    }
}

impl World for Fake {
    fn claimant(&self) -> String {
        let count = self.claimants.get() + 1;
        self.claimants.set(count);
        format!("invocation {count}")
    }

    async fn prepare(&self, _: &PostgresPair) -> Result<(), String> {
        Ok(())
    }

    async fn look(&self, _: &PairPlan, _: &PostgresPair, side: ActiveSide) -> Look {
        let now = self.now();
        self.looked_at.borrow_mut().push(side);
        self.looked_when.borrow_mut().push(now);
        let down = self.down.iter().any(|(from, until)| (at(*from)..at(*until)).contains(&now));
        if down {
            self.clock.sleep(self.silence).await;
        }
        let (endpoint, database) = if down { (Endpoint::Refused, self.verdict) } else { (Endpoint::Open, Verdict::Up) };
        let lsn = (!down).then(|| "0/10".parse().unwrap());
        Look { endpoint, database, because: "as told".into(), at: now, took_milliseconds: 1, lsn }
    }

    fn hang_up(&self) {}

    async fn look_once(&self, _: &LookRequest) -> Look {
        Look {
            endpoint: Endpoint::Open,
            database: Verdict::Up,
            because: "as told".into(),
            at: self.now(),
            took_milliseconds: 1,
            lsn: None,
        }
    }

    async fn publish(&self, _: &PlanName, counts: &[(Timestamp, u32)]) -> Result<(), Failure> {
        if self.refuses_until.is_some_and(|until| self.now() < until) {
            return Err(Failure::AwsTransient { what: "cannot publish".into(), source: None });
        }
        self.clock.sleep(self.publishing).await;
        self.published.borrow_mut().extend(counts);
        self.told.borrow_mut().push((self.now(), counts.iter().map(|(_, failures)| *failures).max().unwrap_or(0)));
        Ok(())
    }

    async fn publish_lag(&self, _: &PairPlan, _: &PostgresPair, side: ActiveSide, _: LastSeen) -> Result<(), Failure> {
        self.clock.sleep(self.replica).await;
        self.lags.borrow_mut().push(side);
        Ok(())
    }

    async fn rouse(&self, progress: &Progress, after: TimeSpan) -> Result<(), Failure> {
        if self.no_queue_until.is_some_and(|until| self.now() < until) {
            return Err(Failure::AwsTransient { what: "no queue".into(), source: None });
        }
        let comes_at = later(self.now(), after + self.queue_is_late);
        let message = serde_json::to_string(&HealthProbe::Resume(Box::new(progress.clone()))).unwrap();
        self.naps.borrow_mut().push((comes_at, progress.scheduled_at, json!({"Records": [{"body": message}]})));
        Ok(())
    }

    async fn wake(&self, _: &PairPlan, _: &PostgresPair, side: ActiveSide) {
        self.woken.borrow_mut().push((self.now(), side));
        self.clock.sleep(self.waking).await;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.clock.sleep_until(at).await;
    }
}

fn lab() -> Memory {
    Memory::default().with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"))
}

/// One start of the schedule, 300 ms late, and what it leaves word for.
async fn start(store: &impl edge::object_store::ObjectStore, world: &Fake, minute: i64) -> Result<Answer, Failure> {
    start_at(store, world, minute, 300).await
}

/// A start so many milliseconds after its schedule.
async fn start_at(
    store: &impl edge::object_store::ObjectStore,
    world: &Fake,
    minute: i64,
    by: i64,
) -> Result<Answer, Failure> {
    world.clock.sleep_until(at(minute * 60_000 + by)).await;
    let scheduled_at = at(minute * 60_000);
    let event = json!({"watch": {"plan": "lab", "scheduledAt": scheduled_at}});
    let mut all = handle(store, world, event).await?;
    while let Some((comes_at, message)) = world.message_of(scheduled_at) {
        world.clock.sleep_until(comes_at).await;
        if let (Answer::Watched(all), Answer::Watched(more)) = (&mut all, handle(store, world, message).await?)
            && let (Some(all), Some(more)) = (&mut all.did, more.did)
        {
            all.add(&more);
        }
    }
    Ok(all)
}

/// The next start, as far as the one before needs it: it claims on.
async fn relieve(store: &impl edge::object_store::ObjectStore, world: &Fake, minute: i64) {
    world.clock.sleep_until(at(minute * 60_000 + 63_000)).await;
    let claimed_until = at(minute * 60_000 + 133_000);
    let windows = json!({ "claimedUntil": claimed_until, "claimant": "the next one" }).to_string();
    drop(store.put("probes/lab/windows.json", windows, edge::object_store::Condition::Always).await);
}

/// One start, which is relieved by the next one in time.
fn minute(store: &impl edge::object_store::ObjectStore, world: &Fake, minute: i64) -> Watched {
    let both = async { tokio::join!(start(store, world, minute), relieve(store, world, minute)).0 };
    match world.clock.run(both).unwrap() {
        Answer::Watched(step) => step.did.unwrap(),
        Answer::Look(_) => panic!("not a window"),
    }
}

/// So many starts, each a minute after the one before: a window meets the next one while both run.
fn minutes(store: &impl edge::object_store::ObjectStore, world: &Fake, count: i64) {
    let starts = (0..count).map(|minute| start(store, world, minute));
    let all = async { tokio::join!(futures::future::join_all(starts), relieve(store, world, count - 1)).0 };
    for answer in world.clock.run(all) {
        answer.unwrap();
    }
}

fn remembered(store: &Memory) -> Watch {
    serde_json::from_str(&store.text("probes/lab/watch.json").unwrap()).unwrap()
}

fn blips(store: &Memory) -> Vec<Blip> {
    let keys = store.keys().into_iter().filter(|key| key.starts_with("evidence/lab/blips/"));
    keys.map(|key| serde_json::from_str(&store.text(&key).unwrap()).unwrap()).collect()
}

#[test]
fn a_healthy_primary_is_told_of_once_a_minute_and_no_more() {
    let world = Fake::down(&[]);
    minute(&lab(), &world, 0);
    assert_eq!(world.published.borrow().len(), 2, "{:?}", world.published.borrow());
    assert_eq!(world.most_failures(), 0);
}

#[test]
fn windows_follow_each_other_without_gap_or_overlap() {
    let (store, world) = (lab(), Fake::down(&[(0, 200_000)]));
    minutes(&store, &world, 2);
    let published = world.published.borrow();
    let expected: Vec<_> = (0..published.len())
        .map(|n| later(at(500), TimeSpan::milliseconds(500).times(u32::try_from(n).unwrap())))
        .collect();
    assert_eq!(published.iter().map(|(at, _)| *at).collect::<Vec<_>>(), expected);
    let counts: Vec<u32> = published.iter().map(|(_, failures)| *failures).collect();
    assert_eq!(counts, (1..=u32::try_from(counts.len()).unwrap()).collect::<Vec<_>>(), "counted across windows");
}

#[test]
fn a_second_delivery_samples_nothing() {
    let (store, world) = (lab(), Fake::down(&[]));
    minute(&store, &world, 0);
    let told = world.published.borrow().len();
    minute(&store, &world, 0);
    assert_eq!(world.published.borrow().len(), told);
}

#[test]
fn a_blip_is_recorded_with_why_nothing_was_done() {
    let (store, world) = (lab(), Fake::down(&[(20_000, 20_900)]));
    minute(&store, &world, 0);
    assert_eq!(world.most_failures(), 2);
    let blip = blips(&store).remove(0);
    assert!(!blip.alarmed && blip.because.contains("not failed over"), "{}", blip.because);
}

#[test]
fn where_the_primary_stood_is_written_down_with_its_first_failure() {
    let (store, world) = (lab(), Fake::down(&[(70_000, 99_000)]));
    minute(&store, &world, 0);
    let watch = remembered(&store);
    assert_eq!(watch.last_seen.unwrap().at, at(69_500));
    assert_eq!(watch.failing.unwrap().since, at(70_000));
}

#[test]
fn what_was_seen_of_an_instance_that_the_plan_no_longer_names_is_forgotten() {
    let before = json!({"instance": "orders-before", "failing": null, "lastSeen": {"lsn": "0/10", "at": at(0)}});
    let store = lab().with("probes/lab/watch.json", &before.to_string());
    let world = Fake::down(&[(0, 99_000)]);
    minute(&store, &world, 0);
    let watch = remembered(&store);
    assert_eq!(watch.instance, Some("orders-primary".parse().unwrap()));
    assert_eq!(watch.last_seen, None, "where its log stood says nothing of another's");
    assert_eq!(watch.failing.unwrap().since, at(500), "the first sample");
}

#[test]
fn a_look_that_cannot_tell_is_neither_up_nor_down() {
    let (store, world) = (lab(), Fake { verdict: Verdict::Unknown, ..Fake::down(&[(0, 99_000)]) });
    let watched = minute(&store, &world, 0);
    assert!(world.published.borrow().is_empty(), "silence is what raises the alarm");
    assert!(serde_json::to_value(watched).unwrap()["untold"].as_u64().unwrap() > 100);
}

#[test]
fn a_judge_s_look_is_one_look() {
    let event = serde_json::from_str(include_str!("../../../events/health-probe-look.json")).unwrap();
    let (store, world) = (lab(), Fake::down(&[]));
    let answer = world.clock.run(handle(&store, &world, event)).unwrap();
    assert!(matches!(answer, Answer::Look(look) if look.database == Verdict::Up));
}

#[test]
fn a_malformed_event_is_invalid_input() {
    for event in [
        json!({}),
        json!({"watch": {"plan": "lab"}}),
        json!({"watch": {"plan": "LAB", "scheduledAt": at(0)}}),
        json!("x"),
    ] {
        let (store, world) = (lab(), Fake::down(&[]));
        assert_eq!(world.clock.run(handle(&store, &world, event)).unwrap_err().name(), "InvalidInput");
    }
}

#[test]
fn after_a_failover_the_new_primary_is_watched() {
    let moved = r#"{"plan":"lab","generation":1,"holder":null,"active":"replica","last":null}"#;
    let (store, world) = (lab().with("leases/lab.json", moved), Fake::down(&[]));
    minute(&store, &world, 0);
    assert!(world.looked_at.borrow().iter().all(|side| *side == ActiveSide::Replica));
}

#[test]
fn a_primary_that_is_moved_while_it_fails_is_followed_within_the_window() {
    struct Moving(Memory);
    impl edge::object_store::ObjectStore for Moving {
        async fn get(&self, key: &str) -> Result<Option<edge::object_store::Object>, Failure> {
            let streaks = ["\"failures\":3", "\"failures\":4"];
            let watch = self.0.text("probes/lab/watch.json").unwrap_or_default();
            let moved = streaks.iter().any(|streak| watch.contains(streak));
            if key == "leases/lab.json" && moved {
                let text = r#"{"plan":"lab","generation":1,"holder":null,"active":"replica","last":null}"#.into();
                return Ok(Some(edge::object_store::Object { text, etag: "1".into(), version: None }));
            }
            self.0.get(key).await
        }

        async fn put(&self, key: &str, text: String, condition: edge::object_store::Condition) -> Result<(), Failure> {
            self.0.put(key, text, condition).await
        }
    }
    let world = Fake::down(&[(5_000, 6_200)]);
    minute(&Moving(lab()), &world, 0);
    let published = world.published.borrow();
    assert_eq!(world.most_failures(), 3);
    let after = published.iter().skip_while(|(_, failures)| *failures < 3).nth(1);
    assert_eq!(after.map(|(_, failures)| *failures), Some(0), "the new primary answers: the alarm comes to rest");
    assert_eq!(world.looked_at.borrow().last(), Some(&ActiveSide::Replica));
}

#[test]
fn a_store_that_does_not_answer_holds_up_no_sample() {
    /// Answers what a window needs to begin, and nothing from then on.
    struct Deaf(Memory, Cell<bool>);
    impl edge::object_store::ObjectStore for Deaf {
        async fn get(&self, key: &str) -> Result<Option<edge::object_store::Object>, Failure> {
            if self.1.get() { std::future::pending().await } else { self.0.get(key).await }
        }

        async fn put(&self, key: &str, text: String, condition: edge::object_store::Condition) -> Result<(), Failure> {
            if self.1.replace(key.ends_with("windows.json")) && !key.ends_with("windows.json") {
                return std::future::pending().await;
            }
            self.0.put(key, text, condition).await
        }
    }
    let store = Deaf(lab(), Cell::new(false));
    let world = Fake::down(&[(30_000, 31_200)]);
    minute(&store, &world, 0);
    assert_eq!(world.most_failures(), 3, "and it has counted on");
}
