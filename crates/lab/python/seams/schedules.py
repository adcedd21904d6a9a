"""Schedules: when a `rate(...)` rule fires for the first time.

AWS starts a rule's rate at a moment of its own choosing, within one interval of its creation or
enabling. ministack waits a whole interval from the creation and looks every 10 s. The lab chooses
AWS's soonest: about a second after the rule was created, or enabled again, with a target.
"""

from ministack.services import eventbridge

from . import symbols

# How often schedules are looked at. A firing is late by this at most, and does not shift the next.
TICK_SECONDS = 0.2


def fill(_settings) -> None:
    symbols.uses(eventbridge, "_SCHEDULER_TICK_INTERVAL")
    eventbridge._SCHEDULER_TICK_INTERVAL = TICK_SECONDS
    rules = symbols.uses(eventbridge, "_rules")
    targets = symbols.uses(eventbridge, "_targets")
    last_fired = symbols.uses(eventbridge, "_rule_last_fired")
    seconds_of = symbols.uses(eventbridge, "_parse_rate_seconds", "expr")
    now = symbols.uses(eventbridge, "_now_ts", "")
    running = set()

    @symbols.replaces(eventbridge, "_tick_scheduled_rules", "")
    def tick_scheduled_rules(original):
        due = {}
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
        original()
        for key, moment in due.items():
            if moment < last_fired.get(key, 0) < moment + 1:
                last_fired[key] = moment
