//! What starts a run: a CloudWatch alarm's event, or a person's few words. Parsed once, at the door.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    failover::{
        caller::Proof,
        lease::{Holder, Lease},
        run::{Consent, Run, RunKind, Trigger},
    },
    plan::{Disaster, PairPlan},
    words::{
        id::{ExecutionArn, Person, PlanName},
        wording,
    },
};

/// A request to fail over.
#[derive(Debug, Clone, PartialEq)]
pub struct FailoverRequest {
    /// The plan.
    pub plan: PlanName,
    /// Why.
    pub trigger: Trigger,
    /// A consent to lose more than the budget.
    pub consent: Option<Consent>,
    /// Who ordered it, for STS to say.
    pub proof: Option<Proof>,
    /// What has happened, where only a person can tell.
    pub class: Option<Disaster>,
}

/// The largest request that is parsed. An alarm's event is about 2 KB.
pub const LARGEST_REQUEST_BYTES: usize = 64 * 1024;

/// The longest reason a person may give.
pub const LONGEST_REASON_CHARS: usize = 1_000;

/// Why a text is not a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRequest(String);

impl FailoverRequest {
    /// Makes a run of a request whose lease was taken. What is past its point of no return is finished, and nothing of it
    /// opened again.
    #[must_use]
    pub fn open(
        self,
        execution: ExecutionArn,
        (plan, plan_version): (PairPlan, String),
        lease: &Lease,
        taken_over: Option<Holder>,
        now: Timestamp,
    ) -> Run {
        let Self { trigger, consent, .. } = self;
        let owes = lease.shut.clone().filter(|_| !lease.is_past_the_point_of_no_return());
        let (generation, opened_at) = (lease.generation, now);
        Run { execution, plan, plan_version, generation, trigger, taken_over, owes, consent, opened_at }
    }

    /// Parses an execution's input.
    ///
    /// # Errors
    /// Says what is wrong, where in the input, and what was expected.
    pub fn parse(input: &Value) -> Result<Self, BadRequest> {
        let size = serde_json::to_string(input).map_or(0, |text| text.len());
        if size > LARGEST_REQUEST_BYTES {
            return Err(BadRequest(format!("the request has {size} bytes; at most {LARGEST_REQUEST_BYTES} are read")));
        }
        if !input.is_object() {
            return Err(BadRequest("it is no object; expected `plan`, `by` and `why`, or an alarm's event".to_owned()));
        }
        match input.get("detail-type") {
            Some(kind) if kind == "CloudWatch Alarm State Change" => Self::from_alarm(input),
            Some(kind) => Err(BadRequest(format!(
                "detail-type: `{}` does not start a failover; expected `CloudWatch Alarm State Change`",
                shown(kind.as_str().unwrap_or("no text"))
            ))),
            None if input.get("again").is_some() => Self::from_starter(input),
            None => Self::from_person(input),
        }
    }

    /// Parses the input of an execution of this kind.
    ///
    /// # Errors
    /// As [`Self::parse`]; and a switchover is for a person to order, and has no loss to consent to.
    pub fn parse_for(kind: RunKind, input: &Value) -> Result<Self, BadRequest> {
        let request = Self::parse(input)?;
        match (kind, &request.trigger) {
            (RunKind::Failover, _) | (RunKind::Switchover, Trigger::Person { .. }) => {}
            (RunKind::Switchover, Trigger::Alarm { alarm, .. }) => {
                return Err(BadRequest(format!(
                    "detail-type: alarm `{alarm}` starts no switchover; expected `plan`, `by` and `why`"
                )));
            }
            (RunKind::Switchover, Trigger::Again { .. }) => {
                return Err(BadRequest("again: starts no switchover; expected `plan`, `by` and `why`".to_owned()));
            }
        }
        if let (RunKind::Switchover, Some(class)) = (kind, request.class) {
            let why = format!("class: `{class}` is for a failover; a switchover hands over what works. Leave it out");
            return Err(BadRequest(why));
        }
        match (kind, &request.consent) {
            (RunKind::Failover, _) | (RunKind::Switchover, None) => Ok(request),
            (RunKind::Switchover, Some(_)) => {
                Err(BadRequest("consent: a switchover loses nothing; leave it out, or order a failover".to_owned()))
            }
        }
    }

    /// The plan that an input of any of our state machines names, as far as it does: also where nothing else of it can
    /// be read.
    #[must_use]
    pub fn plan_of(kind: RunKind, input: &Value) -> Option<PlanName> {
        let named = || input.get("plan")?.as_str()?.parse().ok();
        Self::parse_for(kind, input).map(|request| request.plan).ok().or_else(named)
    }

    fn from_alarm(event: &Value) -> Result<Self, BadRequest> {
        let event: AlarmEvent = read(event, "the alarm's event")?;
        let alarm = shown(&event.detail.alarm_name);
        if event.detail.state.value != "ALARM" {
            return Err(BadRequest(format!(
                "detail.state.value: alarm `{alarm}` is {}, not ALARM",
                shown(&event.detail.state.value)
            )));
        }
        let metrics = event.detail.configuration.metrics;
        let plan = metrics
            .iter()
            .find_map(|metric| metric.metric_stat.as_ref()?.metric.dimensions.get("Plan")?.as_str())
            .ok_or_else(|| {
                BadRequest(format!(
                    "detail.configuration.metrics: alarm `{alarm}` watches no metric with a dimension `Plan`"
                ))
            })?;
        let plan = plan
            .parse()
            .map_err(|error| BadRequest(format!("detail.configuration.metrics: dimension Plan: {error}")))?;
        let reason = event.detail.state.reason.chars().take(LONGEST_REASON_CHARS).collect();
        // The event's own time is in whole seconds; the state's, where it can be read, in milliseconds.
        let at = Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", &event.detail.state.timestamp).unwrap_or(event.time);
        Ok(Self { plan, trigger: Trigger::Alarm { alarm, at, reason }, consent: None, proof: None, class: None })
    }

    fn from_starter(input: &Value) -> Result<Self, BadRequest> {
        let Again { plan, again } = read(input, "a request of the starter")?;
        let reason = again.reason.chars().take(LONGEST_REASON_CHARS).collect();
        let trigger = Trigger::Again { since: again.since, attempt: again.attempt, reason };
        Ok(Self { plan, trigger, consent: None, proof: None, class: None })
    }

    fn from_person(input: &Value) -> Result<Self, BadRequest> {
        let request: ByHand = read(input, "a request by hand")?;
        if let Some(class) = request.class.filter(|class| class.is_told_by_the_judge()) {
            return Err(BadRequest(format!("class: `{class}` is what the judge tells by itself; leave it out")));
        }
        for (place, text) in
            [("why", Some(&request.why)), ("consent.why", request.consent.as_ref().map(|consent| &consent.why))]
        {
            let Some(text) = text else { continue };
            if text.trim().is_empty() {
                return Err(BadRequest(format!("{place}: is empty; the record needs a reason")));
            }
            if text.chars().count() > LONGEST_REASON_CHARS {
                return Err(BadRequest(format!("{place}: is longer than {LONGEST_REASON_CHARS} characters")));
            }
        }
        Ok(Self {
            plan: request.plan,
            trigger: Trigger::Person { by: request.by, why: request.why, proved: None },
            consent: request.consent,
            proof: request.proof,
            class: request.class,
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value, what: &str) -> Result<T, BadRequest> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." { String::new() } else { format!("{place}: ") };
        BadRequest(format!("{place}{} (in {what})", shown(&wording::plain(&error.into_inner().to_string()))))
    })
}

/// The start of a text that came from outside.
fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

/// CloudWatch's event, of which only what is needed is looked at: AWS adds fields.
#[derive(Deserialize)]
struct AlarmEvent {
    time: Timestamp,
    detail: AlarmDetail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlarmDetail {
    alarm_name: String,
    state: AlarmState,
    configuration: AlarmConfiguration,
}

#[derive(Deserialize)]
struct AlarmState {
    value: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    timestamp: String,
}

#[derive(Deserialize)]
struct AlarmConfiguration {
    metrics: Vec<AlarmMetric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlarmMetric {
    metric_stat: Option<MetricStat>,
}

#[derive(Deserialize)]
struct MetricStat {
    metric: Metric,
}

#[derive(Deserialize)]
struct Metric {
    #[serde(default)]
    dimensions: serde_json::Map<String, Value>,
}

/// A request of the function that starts a failover again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// The plan.
    pub plan: PlanName,
    /// Why.
    pub again: Reason,
}

/// Why a failover is started again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Since when what it answers has been so.
    pub since: Timestamp,
    /// Which start this is, from one on.
    pub attempt: u32,
    /// Why a run may go through now.
    pub reason: String,
}

/// A request by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    plan: PlanName,
    by: Person,
    why: String,
    consent: Option<Consent>,
    proof: Option<Proof>,
    class: Option<Disaster>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alarm() -> Value {
        json!({
            "version": "0", "id": "1", "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "time": "2026-01-01T00:00:00Z",
            "detail": {
                "alarmName": "lifeboat-lab-primary-down",
                "state": {"value": "ALARM", "reason": "Threshold Crossed", "timestamp": "2026-01-01T00:00:00.125+0000"},
                "configuration": {"metrics": [{"id": "m", "returnData": true, "metricStat": {"period": 10, "stat": "Maximum",
                    "metric": {"namespace": "Lifeboat", "name": "ConsecutiveFailures", "dimensions": {"Plan": "lab", "Vantage": "recovery"}}}}]}
            }
        })
    }

    #[test]
    fn an_alarm_names_its_plan_by_its_metric() {
        let request = FailoverRequest::parse(&alarm()).unwrap();
        assert_eq!(request.plan.as_str(), "lab");
        assert!(request.consent.is_none(), "an alarm consents to nothing");
        let Trigger::Alarm { at, .. } = request.trigger else { panic!("not an alarm") };
        assert_eq!(at.to_string(), "2026-01-01T00:00:00.125Z");
    }

    #[test]
    fn an_alarm_that_is_ok_again_starts_nothing() {
        let mut event = alarm();
        event["detail"]["state"]["value"] = json!("OK");
        assert!(FailoverRequest::parse(&event).unwrap_err().to_string().contains("detail.state.value"));
    }

    #[test]
    fn what_is_no_object_is_no_request_even_where_its_parts_would_do() {
        for input in [json!(null), json!("lab"), json!(1), json!(["lab", "anna", "test", null])] {
            let error = FailoverRequest::parse(&input).unwrap_err().to_string();
            assert!(error.contains("no object"), "{input}: {error}");
        }
    }

    #[test]
    fn an_error_names_its_place() {
        for (input, place) in [
            (json!({"plan": "Lab", "by": "anna", "why": "test"}), "plan: "),
            (json!({"plan": "lab", "by": "anna", "why": " "}), "why: "),
            (json!({"plan": "lab", "by": "anna", "why": "x", "force": true}), "force"),
            (json!({"plan": "lab", "by": "anna", "why": "x", "consent": {"by": "anna"}}), "consent"),
            (json!({"detail-type": "Scheduled Event"}), "detail-type: "),
        ] {
            let error = FailoverRequest::parse(&input).unwrap_err().to_string();
            assert!(error.contains(place), "{input}: {error}");
        }
    }

    #[test]
    fn a_run_that_is_started_again_says_why_and_orders_nothing() {
        let input =
            json!({"plan": "lab", "again": {"since": "2026-01-01T00:00:00Z", "attempt": 2, "reason": "still down"}});
        let request = FailoverRequest::parse_for(RunKind::Failover, &input).unwrap();
        assert!(request.trigger.is_automatic() && request.consent.is_none());
        assert!(FailoverRequest::parse_for(RunKind::Switchover, &input).is_err());
    }

    #[test]
    fn a_switchover_is_ordered_by_a_person_and_has_no_loss_to_consent_to() {
        let order = json!({"plan": "lab", "by": "anna", "why": "maintenance"});
        assert!(FailoverRequest::parse_for(RunKind::Switchover, &order).is_ok());
        let mut consented = order;
        consented["consent"] = json!({"by": "anna", "why": "yes"});
        for (input, place) in [(alarm(), "detail-type: "), (consented, "consent: ")] {
            assert!(FailoverRequest::parse_for(RunKind::Failover, &input).is_ok());
            let error = FailoverRequest::parse_for(RunKind::Switchover, &input).unwrap_err().to_string();
            assert!(error.contains(place), "{error}");
        }
    }

    #[test]
    fn a_person_names_only_what_no_judge_can_tell() {
        let order = |class: &str| json!({"plan": "lab", "by": "anna", "why": "x", "class": class});
        for class in ["corruption", "breach", "deletion", "severalRegions", "application", "network"] {
            let request = FailoverRequest::parse_for(RunKind::Failover, &order(class)).unwrap();
            assert_eq!(request.class.unwrap().to_string(), class);
            assert!(FailoverRequest::parse_for(RunKind::Switchover, &order(class)).is_err());
        }
        for class in ["region", "database", "fire"] {
            let error = FailoverRequest::parse(&order(class)).unwrap_err().to_string();
            assert!(error.starts_with("class: "), "{error}");
        }
    }

    #[test]
    fn a_huge_request_is_refused_in_few_words() {
        let error = FailoverRequest::parse(&json!({"plan": "x".repeat(1_000_000)})).unwrap_err().to_string();
        assert!(error.len() < 200, "{error}");
    }
}
