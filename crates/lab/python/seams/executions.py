"""Executions of state machines: time-outs, stopping, idempotent starts, nested states, history.

Everything here is AWS's documented behaviour that ministack lacks:
- a state machine's TimeoutSeconds ends the execution as TIMED_OUT;
- a stopped or timed-out execution does nothing more, and its status is final;
- StartExecution with the name and input of a running execution answers that execution;
- states inside Map and Parallel are in the history, and assign variables of their own scope;
- history events name their predecessor, and a task's resource is split as AWS splits it.
"""

import contextvars
import copy
import json
import threading
import time

from ministack.core import responses
from ministack.services import stepfunctions

from . import symbols

# ministack sleeps this long before an execution's first state, so that its own tests can see
# RUNNING. Nothing on AWS corresponds to it: a Standard execution enters its first state within
# some ten milliseconds. It is taken out, or every measured recovery would be longer by it.
START_PAUSE_SECONDS = 0.15



class ExecutionOver(stepfunctions._ExecutionError):
    """Raised inside an execution's thread once the execution was ended from outside.

    It unwinds the thread on ministack's own path of errors; no state after it is entered.
    """

    def __init__(self, status: str):
        super().__init__("States.Runtime", f"the execution is {status} already")


def fill(_settings) -> None:
    fill_history()
    fill_ends()
    fill_start()
    fill_nested_states()


def fill_history() -> None:
    region = symbols.uses(responses, "get_region", "")

    @symbols.replaces(stepfunctions, "_add_event", "execution, event_type, details")
    def add_event(original, execution, event_type, details=None):
        if execution is None:
            # TestState runs a state outside of any execution.
            return original({"events": []}, event_type, details)
        if execution["status"] != "RUNNING" and not event_type.startswith("Execution"):
            raise ExecutionOver(execution["status"])
        for detail in (details or {}).values():
            split_resource(detail)
        event = append(original, execution, event_type, details)
        if event_type == "TaskScheduled":
            scheduled = details["taskScheduledEventDetails"]
            scheduled.setdefault("region", region())
            scheduled.setdefault("parameters", "{}")
            started = {key: scheduled[key] for key in ("resourceType", "resource")}
            append(original, execution, "TaskStarted", {"taskStartedEventDetails": started})
        return event


def append(original, execution, event_type, details):
    previous = execution["events"][-1]["id"] if execution["events"] else 0
    event = original(execution, event_type, details)
    event["previousEventId"] = previous
    return event


def split_resource(detail) -> None:
    """Splits `arn:aws:states:::lambda:invoke` into resource type and resource, as AWS reports it."""
    if not isinstance(detail, dict) or not str(detail.get("resource", "")).startswith("arn:aws:states:::"):
        return
    parts = detail["resource"].removeprefix("arn:aws:states:::").split(":")
    # "aws-sdk:rds:describeDBInstances" is of type "aws-sdk:rds"; all others of their service's.
    head = 2 if parts[0] == "aws-sdk" else 1
    detail["resourceType"] = ":".join(parts[:head])
    detail["resource"] = ":".join(parts[head:])


def fill_ends() -> None:
    emit = symbols.uses(stepfunctions, "_emit_execution_status_event", "execution")
    now = symbols.uses(stepfunctions, "now_iso", "")
    executions = symbols.uses(stepfunctions, "_executions")
    machines = symbols.uses(stepfunctions, "_state_machines")

    @symbols.replaces(stepfunctions, "_fail_execution", "execution, error, cause")
    def fail_execution(original, execution, error, cause):
        # Whoever ended it first has said the last word.
        if execution["status"] == "RUNNING":
            original(execution, error, cause)

    def expire(execution):
        if execution["status"] != "RUNNING":
            return
        execution.update(status="TIMED_OUT", stopDate=now(), error="States.Timeout")
        details = {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
        stepfunctions._add_event(execution, "ExecutionTimedOut", details)
        emit(execution)

    @symbols.replaces(stepfunctions, "_run_execution", "exec_arn")
    def run_execution(original, arn):
        execution = executions.get(arn)
        timer = None
        seconds = timeout_seconds(machines.get(execution["stateMachineArn"])) if execution else None
        if seconds is not None:
            scope = contextvars.copy_context()
            timer = threading.Timer(seconds, scope.run, (expire, execution))
            timer.daemon = True
            timer.start()
        try:
            original(arn)
        finally:
            if timer is not None:
                timer.cancel()


def timeout_seconds(machine):
    """A state machine's TimeoutSeconds, or None."""
    try:
        seconds = json.loads(machine["definition"]).get("TimeoutSeconds")
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
    return seconds if isinstance(seconds, (int, float)) else None


def fill_start() -> None:
    machines = symbols.uses(stepfunctions, "_state_machines")
    executions = symbols.uses(stepfunctions, "_executions")
    resolve = symbols.uses(stepfunctions, "_resolve_state_machine_arn", "arn")
    answer = symbols.uses(stepfunctions, "json_response")
    region = symbols.uses(responses, "get_region", "")
    account = symbols.uses(responses, "get_account_id", "")

    @symbols.replaces(stepfunctions, "_start_execution", "data")
    def start_execution(original, data):
        machine = machines.get(resolve(data.get("stateMachineArn", "")) or "")
        name = data.get("name")
        if machine and name:
            arn = f"arn:aws:states:{region()}:{account()}:execution:{machine['name']}:{name}"
            known = executions.get(arn)
            if known and known["status"] == "RUNNING" and known["input"] == data.get("input", "{}"):
                return answer({"executionArn": arn, "startDate": known["startDate"]})
        status, headers, body = original(data)
        if status == 200:
            # The first event is written without its predecessor, which is none.
            execution = executions[json.loads(body)["executionArn"]]
            execution["events"][0].setdefault("previousEventId", 0)
        return status, headers, body

    # The pause is a bare time.sleep in a long function: give that module a clock without it.
    symbols.uses(stepfunctions, "time")
    stepfunctions.time = ClockWithoutPause()


class ClockWithoutPause:
    """The `time` module as ministack's executions see it: without the pause at the start."""

    def __getattr__(self, name):
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        if seconds != START_PAUSE_SECONDS:
            time.sleep(seconds)


def fill_nested_states() -> None:
    plain = {
        "Pass": symbols.uses(stepfunctions, "_execute_pass", "state_def, raw_input, ctx"),
        "Choice": symbols.uses(stepfunctions, "_execute_choice", "state_def, raw_input, ctx"),
        "Wait": symbols.uses(stepfunctions, "_execute_wait", "state_def, raw_input, ctx"),
    }
    for name in ("_execute_task", "_execute_parallel", "_execute_map"):
        symbols.uses(stepfunctions, name, "state_def, raw_input, execution, ctx")
    fail = symbols.uses(stepfunctions, "_fail_state_error", "state_def, raw_input, ctx")
    now = symbols.uses(stepfunctions, "now_iso", "")
    input_of = symbols.uses(stepfunctions, "_apply_input_path", "state_def, data, ctx")
    output_of = symbols.uses(stepfunctions, "_apply_output_path", "state_def, data, ctx")

    def run(kind, state, data, execution, ctx):
        """Runs one state; answers its output and the name of the next, or None."""
        if kind in plain:
            return plain[kind](state, data, ctx)
        if kind in ("Task", "Parallel", "Map"):
            # Looked up when it runs: another seam may have replaced it.
            return getattr(stepfunctions, f"_execute_{kind.lower()}")(state, data, execution, ctx)
        if kind == "Succeed":
            return output_of(state, input_of(state, data, ctx), ctx), None
        if kind == "Fail":
            raise stepfunctions._ExecutionError(*fail(state, data, ctx))
        raise stepfunctions._ExecutionError("States.Runtime", f"unknown state type {kind!r}")

    @symbols.replaces(stepfunctions, "_run_sub_machine", "states, start_at, input_data, execution, ctx")
    def run_sub_machine(_original, states, start_at, input_data, execution, ctx):
        # A branch reads the variables around it and assigns its own (AWS: "Variable scope").
        scope = {**ctx, "variables": copy.deepcopy(ctx.get("variables", {}))}
        name, data = start_at, copy.deepcopy(input_data)
        while name:
            state = states.get(name)
            if state is None:
                raise stepfunctions._ExecutionError("States.Runtime", f"state {name!r} is not defined")
            kind = state.get("Type")
            scope["State"] = {"Name": name, "EnteredTime": now(), "RetryCount": 0}
            entered = {"name": name, "input": json.dumps(data)}
            stepfunctions._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": entered})
            data, following = run(kind, state, data, execution, scope)
            exited = {"name": name, "output": json.dumps(data)}
            stepfunctions._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": exited})
            name = following
        return data
