"""What an alarm may be and which state its data put it in: pure, without ministack."""

import json
import re
from datetime import datetime, timezone

COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
DAY_SECONDS = 86_400


class InvalidAlarm(ValueError):
    """An alarm that AWS refuses, with AWS's error code."""

    def __init__(self, message: str, code: str = "ValidationError"):
        super().__init__(message)
        self.code = code


def check(asked) -> None:
    """Refuses an alarm as PutMetricAlarm does; `asked(name)` answers a parameter or None."""
    period = int(asked("Period") or 60)
    periods = int(asked("EvaluationPeriods") or 1)
    datapoints = int(asked("DatapointsToAlarm") or periods)
    if period not in (10, 20, 30) and (period < 60 or period % 60 != 0):
        raise InvalidAlarm(f"Period must be 10, 20, 30 or a multiple of 60, is {period}")
    # Up to a day, or a week for periods of an hour and more.
    longest = DAY_SECONDS if period < 3600 else 7 * DAY_SECONDS
    if period * periods > longest:
        raise InvalidAlarm(f"Metrics cannot be checked across more than {longest} s (EvaluationPeriods * Period)")
    if not 1 <= datapoints <= periods:
        raise InvalidAlarm("DatapointsToAlarm must be from 1 to EvaluationPeriods")
    comparison = asked("ComparisonOperator")
    if comparison is not None and comparison not in COMPARISONS:
        raise InvalidAlarm(f"ComparisonOperator {comparison} is not one of {', '.join(COMPARISONS)}")
    treatment = asked("TreatMissingData") or "missing"
    if treatment not in TREATMENTS:
        raise InvalidAlarm(f"TreatMissingData {treatment} is not one of {', '.join(TREATMENTS)}")


# What a plan's stack makes of two metrics: both in the same period.
BOTH = re.compile(r"IF\((\w+) ([<>]) (\S+) AND (\w+) ([<>]) (\S+), 1, 0\)")


def math(metrics: list) -> tuple[dict, str]:
    """The metrics of an alarm of metric math by their ids, and its expression; refuses what is not two of them."""
    stats = {metric["Id"]: metric["MetricStat"] for metric in metrics if "MetricStat" in metric}
    expressions = [metric["Expression"] for metric in metrics if "Expression" in metric]
    told = BOTH.fullmatch(expressions[0]) if len(expressions) == 1 else None
    if told is None or {told[1], told[4]} - stats.keys():
        raise InvalidAlarm(f"the lab knows metric math of two metrics only, not {expressions}")
    return stats, expressions[0]


def both(expression: str, values: dict) -> float | None:
    """The expression's value in a period, by those of its metrics; None where one of them has none."""
    told = BOTH.fullmatch(expression)
    sides = []
    for name, relation, bound in ((told[1], told[2], told[3]), (told[4], told[5], told[6])):
        value = values[name]
        if value is None:
            return None
        sides.append(value > float(bound) if relation == ">" else value < float(bound))
    return float(all(sides))


def judge(alarm: dict, values: list, old: str, young: bool) -> str:
    """The alarm's state by its periods' values, newest first, None for a period without data.

    A young alarm, one that has not lived through its periods yet, is not put into a state by
    data that could not be there.
    """
    compare = COMPARISONS[alarm["ComparisonOperator"]]
    breaching = [None if value is None else compare(value, alarm["Threshold"]) for value in values]
    needed = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    treatment = alarm.get("TreatMissingData") or "missing"
    missing = breaching.count(None)
    breaches = breaching.count(True)
    if breaches >= needed:
        return "ALARM"
    if missing and young and treatment != "notBreaching":
        # What is still to come could not change a clean datum's verdict.
        return "OK" if missing < len(breaching) and breaches == 0 else old
    if treatment == "breaching" and breaches + missing >= needed:
        return "ALARM"
    if missing == len(breaching):
        return {"missing": "INSUFFICIENT_DATA", "ignore": old}.get(treatment, "OK")
    if treatment == "ignore" and breaches + missing >= needed:
        return old
    return "OK"


def explain(alarm: dict, values: list, new: str, now: float) -> tuple[str, str]:
    """The state's reason as a sentence, and as the JSON text that CloudWatch gives beside it."""
    present = [value for value in values if value is not None]
    period = alarm["Period"]
    data = {
        "version": "1.0",
        "queryDate": written(now),
        "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average",
        "period": period,
        "recentDatapoints": present[::-1],
        "threshold": alarm["Threshold"],
    }
    if new == "INSUFFICIENT_DATA":
        reason = f"Insufficient Data: {len(values) - len(present)} datapoints were unknown."
    elif not present:
        count = len(values)
        reason = f"Threshold Crossed: no datapoints were received for {count} periods and {count} missing datapoints were treated as [{'Breaching' if new == 'ALARM' else 'NonBreaching'}]."
    else:
        data["startDate"] = written(now - now % period - period * (len(values) - 1))
        needed = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
        relation = alarm["ComparisonOperator"].removesuffix("ToThreshold").removesuffix("Threshold")
        words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in relation).strip()
        negation = "was" if new == "ALARM" else "was not"
        reason = (
            f"Threshold Crossed: {len(present)} out of the last {len(values)} datapoints "
            f"{present[::-1]} {negation} {words} to the threshold ({alarm['Threshold']}) "
            f"(minimum {needed} datapoint{'s' if needed > 1 else ''} for "
            f"{'OK -> ALARM' if new == 'ALARM' else 'ALARM -> OK'} transition)."
        )
    return reason, json.dumps(data)


def written(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"
