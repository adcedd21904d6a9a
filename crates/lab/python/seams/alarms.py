"""CloudWatch alarms: when they are evaluated, what they look at, what they tell, what is refused.

Evaluation is on every datum and each second. AWS evaluates an alarm whose period is 10, 20 or
30 s every 10 s, and any other each minute: the lab is earlier by up to that, and only by that.
The periods, dimensions, missing data and the event are AWS's.
"""

import json
import threading
import time
import uuid
from datetime import datetime, timezone

from ministack.core import responses
from ministack.services import cloudwatch, eventbridge
from ministack.services.cloudformation import provisioners

from . import alarm_rules, symbols
from .alarm_rules import InvalidAlarm

# How often alarms are evaluated without a new datum, for those that wait for missing data.
EVALUATE_SECONDS = 1.0

# A state set by SetAlarmState lasts until the alarm's next own evaluation; on AWS that is at
# least some seconds away, and a caller may rely on seeing it.
FORCED_STATE_SECONDS = 5.0


class Memory:
    """What we know of an alarm beside ministack's record of it, by its ARN."""

    def __init__(self):
        self.born = time.time()
        self.forced_until = 0.0
        self.previous = {}


def fill(_settings) -> None:
    memories = {}
    symbols.uses(cloudwatch, "_metrics")
    symbols.uses(cloudwatch, "_alarms")
    for name, parameters in (
        ("_calc_stats", "points"),
        ("_stat_value", "stats, stat_name, points"),
        ("_dims_key", "dims"),
        ("_record_history", "alarm_name, old_state, new_state, reason, alarm_type, reason_data"),
        ("_evaluate_parent_alarms", "child, seen"),
        ("_error", "code, message, status, use_json, use_cbor"),
        ("_p", "params, key, default"),
    ):
        symbols.uses(cloudwatch, name, parameters)
    fill_refusals()
    fill_evaluation(memories)
    fill_events(memories)
    threading.Thread(target=evaluate_forever, daemon=True, name="alarms").start()


def fill_refusals() -> None:
    """Refuses what PutMetricAlarm refuses, from the API and from CloudFormation alike."""

    @symbols.replaces(cloudwatch, "_put_metric_alarm", "params, cbor_data, is_cbor, is_json")
    def put_metric_alarm(original, params, cbor_data, is_cbor, is_json=False):
        def asked(name):
            if is_cbor or is_json:
                return cbor_data.get(name)
            return cloudwatch._p(params, name) or None

        try:
            alarm_rules.check(asked)
        except InvalidAlarm as error:
            return cloudwatch._error(error.code, str(error), 400, use_json=is_json, use_cbor=is_cbor)
        return original(params, cbor_data, is_cbor, is_json)

    @symbols.replaces(cloudwatch, "cloudformation_put_metric_alarm", "alarm")
    def cloudformation_put_metric_alarm(original, alarm):
        alarm_rules.check(alarm.get)
        original(alarm)

    @symbols.replaces(provisioners, "_cw_metric_alarm_record", "name, props")
    def metric_alarm_record(original, name, props):
        """ministack's CloudFormation takes no metric math: such an alarm is kept as one of its first metric, with all of them."""
        metrics = props.get("Metrics")
        if not metrics:
            return original(name, props)
        stats, _ = alarm_rules.math(metrics)
        first = next(iter(stats.values()))
        of_one = {**first["Metric"], "Period": first["Period"], "Statistic": first["Stat"]}
        alarm = original(name, {**{key: value for key, value in props.items() if key != "Metrics"}, **of_one})
        return {**alarm, "Metrics": metrics}


def fill_evaluation(memories) -> None:
    @symbols.replaces(cloudwatch, "_evaluate_alarm", "alarm")
    def evaluate_alarm(_original, alarm):
        if not alarm.get("Namespace") or not alarm.get("MetricName"):
            return
        memory = memories.setdefault(alarm["AlarmArn"], Memory())
        now = time.time()
        if now < memory.forced_until:
            return
        values = period_values(alarm, now)
        old = alarm["StateValue"]
        young = now - memory.born < alarm["Period"] * alarm["EvaluationPeriods"]
        new = alarm_rules.judge(alarm, values, old, young)
        if new != old:
            change(alarm, memory, old, new, values, now)

    @symbols.replaces(cloudwatch, "_set_alarm_state", "params, cbor_data, is_cbor, is_json")
    def set_alarm_state(original, params, cbor_data, is_cbor, is_json=False):
        name = cbor_data.get("AlarmName") if is_cbor or is_json else cloudwatch._p(params, "AlarmName")
        alarm = cloudwatch._alarms.get(name)
        if alarm is not None:
            memory = memories.setdefault(alarm["AlarmArn"], Memory())
            memory.forced_until = time.time() + FORCED_STATE_SECONDS
        return original(params, cbor_data, is_cbor, is_json)


def period_values(alarm, now: float) -> list:
    """The statistic of each period, newest first; None where there is no datum.

    The first one is the period that is still running: it counts once it has a datum.
    """
    period = alarm["Period"]
    end = now - now % period + period
    if alarm.get("Metrics"):
        stats, expression = alarm_rules.math(alarm["Metrics"])

        def value(low, high):
            of_each = {name: statistic_of(stat["Metric"], stat["Stat"], low, high) for name, stat in stats.items()}
            return alarm_rules.both(expression, of_each)
    else:
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"

        def value(low, high):
            return statistic_of(alarm, statistic, low, high)

    ages = range(alarm["EvaluationPeriods"] + 1)
    values = [value(end - period * (age + 1), end - period * age) for age in ages]
    return values[: alarm["EvaluationPeriods"]] if values[0] is not None else values[1:]


def statistic_of(metric, statistic: str, low: float, high: float):
    """A statistic of a metric's data between two instants; None where there is none."""
    wanted = cloudwatch._dims_key({d["Name"]: d["Value"] for d in metric.get("Dimensions") or []})
    points = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], wanted)) or []
    inside = [point for point in points if low <= point["Timestamp"] < high]
    return cloudwatch._stat_value(cloudwatch._calc_stats(inside), statistic, inside) if inside else None


def change(alarm, memory, old: str, new: str, values: list, now: float) -> None:
    reason, data = alarm_rules.explain(alarm, values, new, now)
    alarm.update(StateValue=new, StateReason=reason, StateReasonData=data, StateUpdatedTimestamp=int(now))
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason, reason_data=json.loads(data))
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def fill_events(memories) -> None:
    put_events = symbols.uses(eventbridge, "_put_events", "data, allow_aws_source")

    @symbols.replaces(cloudwatch, "_dispatch_alarm_actions", "alarm, old_state, new_state, reason")
    def dispatch_alarm_actions(original, alarm, old_state, new_state, reason):
        memory = memories.setdefault(alarm["AlarmArn"], Memory())
        state = {"value": new_state, "reason": reason, "timestamp": stamp(time.time())}
        if alarm.get("StateReasonData"):
            state["reasonData"] = alarm["StateReasonData"]
        previous = {**memory.previous, "value": old_state}
        memory.previous = state
        # The event first: it drives the recovery, a subscriber only reads of it.
        put_events({"Entries": [event(alarm, state, previous)]}, allow_aws_source=True)
        original(alarm, old_state, new_state, reason)


def event(alarm, state: dict, previous: dict) -> dict:
    """The "CloudWatch Alarm State Change" event, as the CloudWatch user guide shows it."""
    configuration = {"description": alarm.get("AlarmDescription") or ""}
    if alarm.get("MetricName"):
        metric = {
            "namespace": alarm["Namespace"],
            "name": alarm["MetricName"],
            "dimensions": {d["Name"]: d["Value"] for d in alarm.get("Dimensions") or []},
        }
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        configuration["metrics"] = [{
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"])),
            "metricStat": {"metric": metric, "period": alarm["Period"], "stat": statistic},
            "returnData": True,
        }]
    else:
        configuration["alarmRule"] = alarm.get("AlarmRule", "")
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": state,
        "previousState": previous,
        "configuration": configuration,
    }
    return {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Resources": [alarm["AlarmArn"]],
        "Detail": json.dumps(detail),
    }


def stamp(seconds: float) -> str:
    """A time as CloudWatch writes it in this event: milliseconds and a zone without a colon."""
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def evaluate_forever() -> None:
    """Evaluates every account's and Region's alarms each second, each in its own scope."""
    alarms = cloudwatch._alarms
    account = symbols.uses(responses, "set_request_account_id")
    region = symbols.uses(responses, "set_request_region")
    while True:
        time.sleep(EVALUATE_SECONDS)
        for key, alarm in list(alarms._data.items()):
            account(key[0])
            region(key[1])
            try:
                cloudwatch._evaluate_alarm(alarm)
            except Exception:
                cloudwatch.logger.exception("evaluating alarm %s", alarm.get("AlarmName"))
