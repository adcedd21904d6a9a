use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use aws_config::BehaviorVersion;
use aws_sdk_cloudformation::config::{Credentials, Region as SdkRegion, SharedCredentialsProvider};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

/// An answer of CloudFormation: its HTTP status and its text.
type Answer = (u16, String);

/// A CloudFormation that gives each action its next answer, and the last one again and again.
#[derive(Default)]
struct CloudFormation {
    answers: Mutex<BTreeMap<&'static str, VecDeque<Answer>>>,
    asked: Mutex<Vec<String>>,
}

impl CloudFormation {
    /// One whose only stack goes through these states; an empty one is that it is gone.
    fn of_a_stack(statuses: &[&str]) -> Self {
        let answers = statuses.iter().map(|status| match *status {
            "" => refused("ValidationError", "Stack with id lifeboat-plan-lab does not exist"),
            status => answered(
                "DescribeStacks",
                &format!(
                    "<Stacks><member><StackName>{STACK}</StackName><StackId>{STACK}-id</StackId>\
                     <CreationTime>2026-01-15T09:00:00Z</CreationTime><StackStatus>{status}</StackStatus></member></Stacks>"
                ),
            ),
        });
        let asked_for = ["DeleteStack", "DescribeStackResources", "ExecuteChangeSet"];
        let new = Self::default();
        new.answers.lock().unwrap().extend(asked_for.map(|action| (action, [answered(action, "")].into())));
        new.with("DescribeStacks", answers)
    }

    fn with(self, action: &'static str, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers.lock().unwrap().insert(action, answers.into_iter().collect());
        self
    }

    /// The same, whose change set is carried out so far.
    fn executing(self, statuses: &[&str]) -> Self {
        let answers = statuses.iter().map(|status| match *status {
            "" => refused("ChangeSetNotFound", "ChangeSet does not exist"),
            status => answered("DescribeChangeSet", &format!("<ExecutionStatus>{status}</ExecutionStatus>")),
        });
        self.with("DescribeChangeSet", answers)
    }

    /// The same, with a resource that failed since the last change of its stack began, and one that failed before.
    fn failing(self, began: &str) -> Self {
        let event = |of: &str, physical: &str, status: &str, why: &str| {
            format!(
                "<member><StackId>{STACK}-id</StackId><EventId>e</EventId><StackName>{STACK}</StackName>\
                 <LogicalResourceId>{of}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>\
                 <Timestamp>2026-01-15T09:00:00Z</Timestamp><ResourceStatus>{status}</ResourceStatus>\
                 <ResourceStatusReason>{why}</ResourceStatusReason></member>"
            )
        };
        let events = [
            event("Rule", "rule", "DELETE_FAILED", "it has targets"),
            event(STACK, &format!("{STACK}-id"), began, ""),
            event("Alarm", "alarm", "CREATE_FAILED", "long ago"),
        ];
        let text = format!("<StackEvents>{}</StackEvents>", events.concat());
        self.with("DescribeStackEvents", [answered("DescribeStackEvents", &text)])
    }

    fn asked(&self, action: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == action).count()
    }

    fn answer(&self, action: &str) -> Answer {
        self.asked.lock().unwrap().push(action.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let Some(answers) = answers.get_mut(action) else { return refused("InvalidAction", action) };
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    }

    /// Serves one request of a connection.
    async fn serve(&self, mut connection: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        let body = loop {
            connection.read_buf(&mut request).await?;
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.to_lowercase().split_once("content-length: ").unwrap().1.to_owned();
            let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
            if body.len() >= length {
                break body.to_owned();
            }
        };
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default();
        let (status, text) = self.answer(action);
        let head = format!("HTTP/1.1 {status} -\r\ncontent-type: text/xml\r\nconnection: close\r\n");
        connection.write_all(format!("{head}content-length: {}\r\n\r\n{text}", text.len()).as_bytes()).await?;
        connection.shutdown().await
    }

    /// Its stacks, once it serves.
    async fn stacks(self) -> (Stacks, Arc<Self>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let served = Arc::new(self);
        let serving = Arc::clone(&served);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                serving.serve(connection).await.unwrap();
            }
        });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(crate::tls::https_client())
            .region(SdkRegion::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "test")))
            .endpoint_url(endpoint)
            .build();
        (Stacks::of(&config, "us-east-1".parse().unwrap()), served)
    }

    /// Carries a change set out.
    async fn execute(self) -> (Result<(), Failure>, Arc<Self>) {
        let (stacks, served) = self.stacks().await;
        let change_set = ChangeSet::of(&stacks, STACK, "arn:changes".to_owned(), false);
        (change_set.execute(&|_| {}).await, served)
    }

    /// Deletes the stack.
    async fn remove(self) -> (Result<(), Failure>, Arc<Self>) {
        let (stacks, served) = self.stacks().await;
        (stacks.remove(STACK, &|_| {}).await, served)
    }
}

const STACK: &str = "lifeboat-plan-lab";

fn answered(action: &str, text: &str) -> Answer {
    let namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
    let result = format!("<{action}Result>{text}</{action}Result>");
    (200, format!("<{action}Response xmlns=\"{namespace}\">{result}</{action}Response>"))
}

fn refused(code: &str, message: &str) -> Answer {
    let error = format!("<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>");
    (400, format!("<ErrorResponse><Error>{error}</Error><RequestId>r</RequestId></ErrorResponse>"))
}

#[tokio::test]
async fn the_end_of_an_earlier_change_is_not_taken_for_the_end_of_this_one() {
    let stack =
        CloudFormation::of_a_stack(&["UPDATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]);
    let (done, served) = stack.executing(&["AVAILABLE", "EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE"]).execute().await;
    done.unwrap();
    assert_eq!((served.asked("DescribeStacks"), served.asked("DescribeChangeSet")), (4, 3));
}

#[tokio::test]
async fn a_change_set_that_is_cleared_away_was_carried_out_as_its_stack_says() {
    for (status, is_done) in [("UPDATE_COMPLETE", true), ("UPDATE_ROLLBACK_COMPLETE", false)] {
        let stack = CloudFormation::of_a_stack(&["UPDATE_IN_PROGRESS", status]).failing("UPDATE_IN_PROGRESS");
        let (done, _) = stack.executing(&[""]).execute().await;
        assert_eq!(done.is_ok(), is_done, "{status}: {done:?}");
    }
}

#[tokio::test]
async fn a_change_that_failed_is_an_error_with_its_reasons_whatever_its_stack_still_shows() {
    for (status, says) in [
        ("UPDATE_ROLLBACK_COMPLETE", "ended as UPDATE_ROLLBACK_COMPLETE: Rule: it has targets"),
        ("UPDATE_COMPLETE", "ended as EXECUTE_FAILED: Rule: it has targets"),
        ("", "ended as gone"),
    ] {
        let stack = CloudFormation::of_a_stack(&[status]).failing("UPDATE_IN_PROGRESS");
        let (done, _) = stack.executing(&["EXECUTE_FAILED"]).execute().await;
        let failure = done.unwrap_err();
        assert_eq!(failure.name(), "AwsRejected");
        assert!(failure.chain().contains(says) && !failure.chain().contains("long ago"), "{}", failure.chain());
    }
}

#[tokio::test]
async fn a_stack_is_deleted_once_it_is_gone() {
    let statuses = ["ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", ""];
    let (gone, served) = CloudFormation::of_a_stack(&statuses).remove().await;
    gone.unwrap();
    assert_eq!((served.asked("DeleteStack"), served.asked("DescribeStacks")), (1, 4));
    let (gone, served) = CloudFormation::of_a_stack(&[""]).remove().await;
    gone.unwrap();
    assert_eq!(served.asked("DeleteStack"), 0, "it was gone before");
}

#[tokio::test]
async fn a_stack_that_cannot_be_deleted_is_an_error_with_its_reasons() {
    let statuses = ["UPDATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_FAILED"];
    let (gone, _) = CloudFormation::of_a_stack(&statuses).failing("DELETE_IN_PROGRESS").remove().await;
    let failure = gone.unwrap_err();
    assert_eq!(failure.name(), "AwsRejected");
    let says = "ended as DELETE_FAILED: Rule: it has targets";
    assert!(failure.chain().contains(says) && !failure.chain().contains("long ago"), "{}", failure.chain());
}
