"""Schedules: when a `rate(...)` fires for the first time, and what EventBridge Scheduler writes into its input.

AWS starts a rule's rate at a moment of its own choosing, within one interval of its creation or
enabling. ministack waits a whole interval from the creation and looks every 10 s. The lab chooses
AWS's soonest: about a second after the rule was created, or enabled again, with a target.

AWS starts what is due for a minute anywhere within that minute. Told to by `start_within`, the lab does so too: each firing
is as much later as chance has it, and shifts none that follows.
"""

import datetime
import random

from ministack.services import eventbridge, scheduler

from . import symbols

# How often schedules are looked at. A firing is late by this at most, and does not shift the next.
TICK_SECONDS = 0.2


# What EventBridge Scheduler replaces in a target's input by the time that it fires for.
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


# How much later than due a rule may fire, in seconds.
latest = 0.0


def start_within(seconds) -> None:
    """Lets rules fire up to so much later from now on."""
    global latest
    if not 0 <= float(seconds) < 60:
        raise ValueError("seconds are 0 to 59")
    latest = float(seconds)


def fill(_settings) -> None:
    fill_rules()
    fill_scheduler()


def fill_rules() -> None:
    symbols.uses(eventbridge, "_SCHEDULER_TICK_INTERVAL")
    eventbridge._SCHEDULER_TICK_INTERVAL = TICK_SECONDS
    rules = symbols.uses(eventbridge, "_rules")
    targets = symbols.uses(eventbridge, "_targets")
    last_fired = symbols.uses(eventbridge, "_rule_last_fired")
    seconds_of = symbols.uses(eventbridge, "_parse_rate_seconds", "expr")
    now = symbols.uses(eventbridge, "_now_ts", "")
    running = set()
    # By rule, the firing that is due and when it shall be.
    chosen = {}

    def held_back(key, moment) -> bool:
        if chosen.get(key, (None, 0))[0] != moment:
            chosen[key] = (moment, moment + random.uniform(0, latest))
        return moment <= now() < chosen[key][1]

    @symbols.replaces(eventbridge, "_tick_scheduled_rules", "")
    def tick_scheduled_rules(original):
        due = {}
        held = {}
        for key, rule in list(rules._data.items()):
            interval = seconds_of(rule.get("ScheduleExpression", ""))
            if interval is None:
                continue
            if rule.get("State") != "ENABLED" or not targets._data.get(key):
                # Enabling it, or giving it its first target, starts its rate anew.
                running.discard(key)
                continue
            if key not in running:
                running.add(key)
                last_fired[key] = now() - interval
            due[key] = last_fired[key] + interval
            if held_back(key, due[key]):
                held[key] = last_fired[key]
                last_fired[key] = now()
        original()
        last_fired.update(held)
        for key, moment in due.items():
            if key not in held and moment < last_fired.get(key, 0) < moment + 60:
                last_fired[key] = moment


def fill_scheduler() -> None:
    symbols.uses(scheduler, "_SCHEDULE_TICK_INTERVAL")
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_SECONDS
    schedules = symbols.uses(scheduler, "_schedules")
    last_fired = symbols.uses(scheduler, "_schedule_last_fired")
    seconds_of = symbols.uses(eventbridge, "_parse_rate_seconds", "expr")
    now = symbols.uses(eventbridge, "_now_ts", "")

    @symbols.replaces(scheduler, "_tick_schedules", "")
    def tick_schedules(original):
        for key, schedule in list(schedules._data.items()):
            interval = seconds_of(schedule.get("ScheduleExpression", ""))
            if interval is not None and key not in last_fired:
                # As for rules: it fires first at its creation, not an interval later.
                last_fired[key] = now() - interval
        original()

    @symbols.replaces(eventbridge, "_invoke_target", "target, event, rule, view")
    def invoke_target(original, target, event, rule, view=None):
        if event.get("Source") == "aws.scheduler":
            target = {**target, "Input": scheduled(target.get("Input") or "", event["Time"])}
        return original(target, event, rule, view)


def scheduled(text: str, moment: float) -> str:
    """A target's input with the time that its schedule fires for."""
    at = datetime.datetime.fromtimestamp(int(moment), tz=datetime.timezone.utc)
    return text.replace(SCHEDULED_TIME, at.strftime("%Y-%m-%dT%H:%M:%SZ"))
