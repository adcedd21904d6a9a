//! What a run's steps answer, told while it runs.

use std::fmt;

use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType};
use domain::state_machine::{StateName, message};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::output::cut;

/// History pages in one look: Step Functions ends a run at 25,000 events, and a page holds 1,000.
pub(super) const MOST_PAGES: usize = 26;

/// How much of an error's cause is told.
const CAUSE_CHARS: usize = 300;

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// Since the run began.
    after_seconds: f64,
    /// The state.
    state: StateName,
    /// `Done`, `Pending` or `Refused`; a person's `approve` or `deny`; an error's name.
    answer: String,
    /// In a sentence.
    because: String,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after_seconds, state, answer, because } = self;
        write!(f, "+{after_seconds:8.3} s  {state:<16} {answer:<8} {because}")
    }
}

/// How far the history was read.
#[derive(Debug, Default)]
pub(super) struct Following {
    page: Option<String>,
    seen: i64,
    began: Option<Timestamp>,
    state: Option<StateName>,
    new: Vec<Told>,
    last: Option<(StateName, String, String)>,
}

impl Following {
    /// The page to read next.
    pub(super) fn page(&self) -> Option<String> {
        self.page.clone()
    }

    /// Takes in a page. Whether another one is there already.
    pub(super) fn take(&mut self, events: &[HistoryEvent], next: Option<String>) -> bool {
        for event in events {
            if event.id > self.seen {
                self.seen = event.id;
                self.take_event(event);
            }
        }
        // The last page is read again until it is full.
        let more = next.is_some();
        if more {
            self.page = next;
        }
        more
    }

    /// What is new since this was asked last.
    pub(super) fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.new)
    }

    fn take_event(&mut self, event: &HistoryEvent) {
        let at = Timestamp::from_nanosecond(event.timestamp().as_nanos()).unwrap_or_default();
        self.began.get_or_insert(at);
        if let Some(entered) = event.state_entered_event_details() {
            self.state = Some(entered.name().into());
            if self.state == Some(StateName::Approve) {
                self.tell(at, "Waiting", "a person is asked: see the notice, or `lifeboat approve --help`");
            }
        }
        if let Some(failed) = event.task_failed_event_details() {
            self.tell(at, failed.error().unwrap_or("Failed"), &message(failed.cause().unwrap_or_default()));
        }
        if let Some(late) = event.task_timed_out_event_details() {
            self.tell(at, late.error().unwrap_or("TimedOut"), late.cause().unwrap_or("it did not answer in time"));
        }
        // Choices hand a task's answer on as their own; so only tasks are asked.
        if *event.r#type() == HistoryEventType::TaskStateExited {
            // Its own name: where several go on side by side, another state may have been entered since.
            if let Some(left) = event.state_exited_event_details() {
                self.state = Some(left.name().into());
            }
            let output = event.state_exited_event_details().and_then(|left| left.output()).unwrap_or_default();
            self.tell_answer(at, &serde_json::from_str(output).unwrap_or_default());
        }
    }

    fn tell_answer(&mut self, at: Timestamp, answer: &Value) {
        let text = |field: &str| answer[field].as_str();
        if let (Some(step), Some(because)) = (text("step"), text("because")) {
            self.tell(at, step, because);
        } else if let (Some(decision), Some(by)) = (text("decision"), text("by")) {
            self.tell(at, decision, &format!("{by}: {}", text("why").unwrap_or("no reason given")));
        }
    }

    /// Tells an answer, unless it is the one that was told last: a step that is asked again often says the same.
    fn tell(&mut self, at: Timestamp, answer: &str, because: &str) {
        let Some(state) = self.state.clone() else { return };
        let told = (state, answer.to_owned(), cut(because, CAUSE_CHARS));
        if self.last.as_ref() == Some(&told) {
            return;
        }
        self.last = Some(told.clone());
        let (state, answer, because) = told;
        // Step Functions tells milliseconds; more digits would be the float's.
        let after = self.began.map_or(0, |began| at.duration_since(began).as_millis());
        let after_seconds = after as f64 / 1_000.0;
        self.new.push(Told { after_seconds, state, answer, because });
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::primitives::DateTime;
    use aws_sdk_sfn::types::{StateEnteredEventDetails, StateExitedEventDetails, TaskFailedEventDetails};

    use super::*;

    fn event(id: i64, kind: HistoryEventType) -> aws_sdk_sfn::types::builders::HistoryEventBuilder {
        HistoryEvent::builder().id(id).r#type(kind).timestamp(DateTime::from_millis(1_800_000_000_000 + id * 100))
    }

    fn entered(id: i64, state: &str) -> HistoryEvent {
        let details = StateEnteredEventDetails::builder().name(state).build().unwrap();
        event(id, HistoryEventType::TaskStateEntered).state_entered_event_details(details).build().unwrap()
    }

    fn left(id: i64, kind: HistoryEventType, state: &str, output: &str) -> HistoryEvent {
        let details = StateExitedEventDetails::builder().name(state).output(output).build().unwrap();
        event(id, kind).state_exited_event_details(details).build().unwrap()
    }

    const PENDING: &str = r#"{"step": "Pending", "because": "promoting", "seen": null, "did": null}"#;

    #[test]
    fn an_answer_is_told_once_with_its_time() {
        let mut following = Following::default();
        let events = [
            entered(1, "PromoteReplica"),
            left(2, HistoryEventType::TaskStateExited, "PromoteReplica", PENDING),
            left(3, HistoryEventType::ChoiceStateExited, "IsPromoted?", PENDING),
            entered(4, "PromoteReplica"),
            left(5, HistoryEventType::TaskStateExited, "PromoteReplica", PENDING),
        ];
        assert!(!following.take(&events, None));
        let told = following.told();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].to_string(), "+   0.100 s  PromoteReplica   Pending  promoting");
        following.take(&events, None);
        assert_eq!(following.told(), [], "the same page read again says nothing new");
    }

    #[test]
    fn an_error_a_wait_for_a_person_and_the_answer_are_told() {
        let mut following = Following::default();
        let failed = TaskFailedEventDetails::builder()
            .resource_type("lambda")
            .resource("invoke")
            .error("AwsTransient")
            .cause(r#"{"errorType": "AwsTransient", "errorMessage": "a\u001b[2Jb"}"#)
            .build()
            .unwrap();
        let events = [
            entered(1, "FencePrimary"),
            event(2, HistoryEventType::TaskFailed).task_failed_event_details(failed).build().unwrap(),
            entered(3, "Approve"),
            left(4, HistoryEventType::TaskStateExited, "Approve", r#"{"decision": "deny", "by": "anna", "why": "no"}"#),
        ];
        following.take(&events, None);
        let told: Vec<(String, String)> =
            following.told().into_iter().map(|told| (told.answer, told.because)).collect();
        assert_eq!(told[0], ("AwsTransient".into(), "a [2Jb".into()));
        assert_eq!(told[1].0, "Waiting");
        assert_eq!(told[2], ("deny".into(), "anna: no".into()));
    }

    #[test]
    fn an_answer_of_another_shape_is_passed_over() {
        let mut following = Following::default();
        for (id, output) in (1..).zip(["", "{}", "[1]", "not json", r#"{"step": 1}"#]) {
            following.take(&[left(id, HistoryEventType::TaskStateExited, "Notify", output)], None);
        }
        assert_eq!(following.told(), []);
    }
}
