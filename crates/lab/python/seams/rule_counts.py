"""EventBridge's own count of the events that meet a rule: `AWS/Events` TriggeredRules, by the rule's name.

Alarms of runs that end badly watch it. AWS tells CloudWatch of it each minute, the lab at once.
"""

from ministack.services import cloudwatch, eventbridge

from . import symbols


def fill(_settings) -> None:
    record = symbols.uses(cloudwatch, "record_metric", "namespace, metric_name, value, unit, dimensions")

    @symbols.replaces(eventbridge, "_invoke_target", "target, event, rule, view")
    def invoke_target(original, target, event, rule, view=None):
        # Once for each event: a rule's first target counts it. Rules of ours have one.
        if rule.get("EventPattern"):
            record("AWS/Events", "TriggeredRules", 1, "Count", {"RuleName": rule["Name"]})
        return original(target, event, rule, view)
