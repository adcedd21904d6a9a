use std::cell::RefCell;

use domain::failover::approval::ApprovalRequest;
use edge::object_store::fake::Memory;

use super::*;

#[derive(Default)]
struct Board(RefCell<Vec<(String, Notice)>>);

impl Carrier for Board {
    async fn publish(&self, topic: &str, notice: &Notice) -> Result<(), Failure> {
        self.0.borrow_mut().push((topic.to_owned(), notice.clone()));
        if topic.contains("deaf") { Err(Failure::AwsTransient { what: "deaf".into(), source: None }) } else { Ok(()) }
    }
}

fn sample(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn an_approval_is_kept_and_asked_for_with_its_commands() {
    let (store, board) = (Memory::default(), Board::default());
    let mut event = sample(include_str!("../../../events/notify-approval.json"));
    let until = clock::now().as_millisecond() + 900_000;
    event["approval"]["untilMillis"] = json!(until);
    handle(&store, &board, "topic", event).await.unwrap();
    let kept: ApprovalRequest = serde_json::from_str(&store.text(&store.keys()[0]).unwrap()).unwrap();
    assert!(store.keys()[0].starts_with("approvals/lab/"));
    assert_eq!(kept.deadline.unwrap().as_second(), until / 1_000, "whoever looks sees until when");
    let (_, notice) = board.0.borrow()[0].clone();
    assert!(notice.message.contains("lifeboat approve") && notice.message.contains("--deny"), "{}", notice.message);
    assert!(!notice.message.contains("taskToken"), "a token is for those who may approve, not for a topic");
}

#[tokio::test]
async fn an_end_says_why_and_what_starts_the_next_run() {
    let board = Board::default();
    let mut event = sample(include_str!("../../../events/notify.json"));
    event["ended"]["evidence"]["next"] = json!("Lifeboat goes on looking");
    let because = event["ended"]["evidence"]["because"].as_str().unwrap().to_owned();
    handle(&Memory::default(), &board, "topic", event).await.unwrap();
    let (_, notice) = board.0.borrow()[0].clone();
    assert!(notice.message.contains(&because), "{}", notice.message);
    assert!(notice.message.contains("Lifeboat goes on looking"), "{}", notice.message);
}

#[tokio::test]
async fn what_a_new_primary_lacks_is_told_with_its_name() {
    let board = Board::default();
    let event = sample(include_str!("../../../events/notify-unhardened.json"));
    handle(&Memory::default(), &board, "topic", event).await.unwrap();
    let (_, notice) = board.0.borrow()[0].clone();
    assert!(notice.message.contains("`orders-replica`") && notice.message.contains("backing-up"), "{}", notice.message);
}

#[tokio::test]
async fn traffic_that_is_late_is_told_with_the_way_to_the_new_primary() {
    let board = Board::default();
    let event = sample(include_str!("../../../events/notify-traffic-late.json"));
    handle(&Memory::default(), &board, "topic", event).await.unwrap();
    let (_, notice) = board.0.borrow()[0].clone();
    assert_eq!(notice.subject, "Lifeboat: traffic of lab is not switched yet");
    for says in ["orders-replica.us-west-2.rds.lifeboat.test", "db.orders.lifeboat.test", "Route 53"] {
        assert!(notice.message.contains(says), "{says}: {}", notice.message);
    }
}

#[tokio::test]
async fn a_run_that_got_no_lease_is_told_with_its_plan() {
    let board = Board::default();
    let mut event = sample(include_str!("../../../events/notify.json"));
    event["ended"]["run"] = Value::Null;
    event["ended"]["outcome"] = json!("refused");
    event["ended"]["evidence"]["plan"] = json!("lab");
    handle(&Memory::default(), &board, "topic", event).await.unwrap();
    assert_eq!(board.0.borrow()[0].1.subject, "Lifeboat: failover of lab refused");
}

#[tokio::test]
async fn a_deaf_topic_keeps_nobody_else_from_hearing_and_nobody_is_told_twice() {
    for (sample_of, run) in [
        (include_str!("../../../events/notify.json"), "ended"),
        (include_str!("../../../events/notify-approval.json"), "approval"),
    ] {
        for (own, other) in [("deaf", "other"), ("own", "deaf-too")] {
            let board = Board::default();
            let mut event = sample(sample_of);
            event[run]["run"]["plan"]["notifications"]["topics"] = json!([other]);
            let step = handle(&Memory::default(), &board, own, event).await.unwrap();
            assert!(step.because.starts_with("told 1 of 2 topics; not `deaf"), "{}", step.because);
            assert_eq!(board.0.borrow().len(), 2, "both were tried");
        }
    }
}

#[tokio::test]
async fn a_run_whose_lease_cannot_be_read_is_told_with_its_plan_who_ordered_it_and_what_mends_it() {
    let board = Board::default();
    let mut event = sample(include_str!("../../../events/notify.json"));
    let ended = &mut event["ended"];
    ended["run"] = Value::Null;
    ended["outcome"] = json!("refused");
    ended["evidence"]["because"] = json!(
        "OpenRun ended with InvalidInput: leases/lab.json cannot be read: it is empty. RUNBOOK.md, Correcting the lease"
    );
    ended["evidence"]["plan"] = json!("lab");
    ended["evidence"]["trigger"] = json!({ "kind": "person", "by": "anna", "why": "the Region is flooded" });
    handle(&Memory::default(), &board, "topic", event).await.unwrap();
    let (_, notice) = board.0.borrow()[0].clone();
    assert_eq!(notice.subject, "Lifeboat: failover of lab refused");
    for says in ["Correcting the lease", "Started by: anna: the Region is flooded"] {
        assert!(notice.message.contains(says), "{says}: {}", notice.message);
    }
}

#[tokio::test]
async fn what_nobody_heard_is_told_again() {
    for event in [include_str!("../../../events/notify.json"), include_str!("../../../events/notify-approval.json")] {
        let failure = handle(&Memory::default(), &Board::default(), "deaf", sample(event)).await.unwrap_err();
        assert_eq!(failure.name(), "AwsTransient");
    }
}

#[tokio::test]
async fn a_run_that_the_engine_broke_off_is_told_and_our_own_ends_are_not_told_twice() {
    let mut event = sample(include_str!("../../../events/notify-started.json"));
    let told = async |event: &Value| {
        let board = Board::default();
        handle(&Memory::default(), &board, "topic", event.clone()).await.unwrap();
        board.0.into_inner().len()
    };
    assert_eq!(told(&event).await, 1, "it began");
    event["detail"]["status"] = json!("TIMED_OUT");
    assert_eq!(told(&event).await, 1);
    event["detail"]["status"] = json!("FAILED");
    for end in ["FailoverRefused", "SwitchoverUndone"] {
        event["detail"]["error"] = json!(end);
        assert_eq!(told(&event).await, 0, "{end}");
    }
    event["detail"]["error"] = json!("States.Runtime");
    assert_eq!(told(&event).await, 1);
}

#[tokio::test]
async fn the_start_of_a_failover_is_told_with_what_its_plan_expects_and_without_it_where_none_can_be_read() {
    let event = sample(include_str!("../../../events/notify-started.json"));
    let told = async |store: &Memory| {
        let board = Board::default();
        handle(store, &board, "topic", event.clone()).await.unwrap();
        board.0.borrow()[0].1.message.clone()
    };
    let plan = include_str!("../../../plans/lab.yaml").replacen("failover:\n", "failover:\n  expected: 20s\n", 1);
    let message = told(&Memory::default().with("plans/lab.yaml", &plan)).await;
    assert!(message.contains("expected to take 20s"), "{message}");
    for broken in [Memory::default(), Memory::default().with("plans/lab.yaml", "plan: [")] {
        let message = told(&broken).await;
        assert!(message.contains("A failover of lab has started"), "{message}");
        assert!(!message.contains("expected to take"), "{message}");
    }
}
