"""Walks a state machine with the lab's own interpreter and scripted answers.

Reads {"name": ..., "definition": ..., "request": ..., "paths": [{state: [answer, ...]}, ...]} from standard input. A state's answers are given in
turn, the last one again and again. {"error": [name, message]} is an error instead of an answer; "made" is one that is made
of the payload: {"state": ..., "payload": ...} is written, and the answer read. Writes what became of each path: its end,
why, each state that called its function with the payload, and how many states were entered. All of it line by line.
"""

import json
import logging
import re
import sys

logging.disable(logging.CRITICAL)

from ministack.services import stepfunctions  # noqa: E402  (it configures logging when it is imported)

MACHINE = "machine"
# No event bus hears of it, a function is its own name, and no time passes.
stepfunctions._emit_execution_status_event = lambda execution: None
stepfunctions._resolve_lambda_function_ref = lambda function, optimized=False: function
stepfunctions.time.sleep = lambda seconds: None


def ask(question):
    """Writes a line, and reads the answer to it."""
    print(json.dumps(question), flush=True)
    return json.loads(sys.stdin.readline())


class Script:
    """The functions' answers on one path, and who asked for them."""

    def __init__(self, answers):
        self.answers = answers
        self.calls = []

    def call(self, function, payload):
        """Answers for a function; undoing, rehearsing, judging again, an approval and three notices share theirs."""
        if list(payload) == ["approval"]:
            state = "Approve"
        elif payload.get("approval"):
            state = "CheckApproval" if function == "OpenRun" else "JudgeAgain"
        elif "unhardened" in payload:
            state = "NotifyUnhardened"
        elif "hardeningLate" in payload:
            state = "NotifyHardeningLate"
        elif "trafficLate" in payload:
            state = "NotifyTrafficLate"
        elif payload.get("undo") or payload.get("order") == "undo":
            state = "Undo" + function
        elif payload.get("rehearse") or payload.get("order") == "rehearse":
            state = "Rehearse" + function
        else:
            state = function
        self.calls.append({"state": state, "payload": payload})
        answers = self.answers[state]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == "made":
            return ask({"state": state, "payload": payload})
        if "error" in answer:
            name, message = answer["error"]
            cause = message if name.startswith("States.") else json.dumps({"errorType": name, "errorMessage": message})
            raise stepfunctions._ExecutionError(name, cause)
        return json.loads(json.dumps(answer))

    def ask(self, resource, arguments, token, state):
        """Answers for a task that waits for its token."""
        return self.call(arguments["FunctionName"], arguments["Payload"])


def walk(name, definition, answers, request):
    """Runs one execution to its end."""
    script = Script(answers)
    stepfunctions._call_lambda = script.call
    stepfunctions._invoke_with_callback = script.ask
    stepfunctions._state_machines[MACHINE] = {"definition": definition, "name": f"lifeboat-{name}"}
    arn = f"arn:aws:states:us-west-2:000000000000:execution:lifeboat-{name}:walk"
    execution = {
        "executionArn": arn,
        "name": "walk",
        "stateMachineArn": MACHINE,
        "status": "RUNNING",
        "input": json.dumps(request),
        "startDate": "2026-01-15T09:30:04.105Z",
        "events": [],
    }
    stepfunctions._executions[arn] = execution
    stepfunctions._run_execution(arn)
    ended = json.loads(execution.get("output") or "{}")
    return {
        "end": execution.get("error") or f"{name.capitalize()}{ended.get('outcome', 'done').capitalize()}",
        "because": execution.get("cause") or ended.get("because") or "",
        "calls": script.calls,
        "entered": sum(event["type"].endswith("Entered") for event in execution["events"]),
    }


given = json.loads(sys.stdin.readline())
named = re.sub(r"\$\{(\w+)FunctionArn\}", r"\1", json.dumps(given["definition"]))
walked = [walk(given["name"], named, answers, given["request"]) for answers in given["paths"]]
print(json.dumps({"walked": walked}), flush=True)
