"""Tasks' time limits: HeartbeatSeconds of callback tasks, and limits given as JSONata."""

import contextvars
import threading
import time
from datetime import datetime

from ministack.services import stepfunctions

from . import symbols

# How often a waiting task's heartbeat is looked at.
WATCH_SECONDS = 0.1


def fill(_settings) -> None:
    tokens = symbols.uses(stepfunctions, "_task_tokens")
    language = symbols.uses(stepfunctions, "_state_query_language", "state_def, ctx")
    field = symbols.uses(stepfunctions, "_jsonata_state_field", "state_def, field, expected, raw_input, ctx")

    @symbols.replaces(stepfunctions, "_execute_task", "state_def, raw_input, execution, ctx")
    def execute_task(original, state_def, raw_input, execution, ctx):
        if language(state_def, ctx) == "JSONata":
            limits = {
                name: field(state_def, name, "number", raw_input, ctx)
                for name in ("TimeoutSeconds", "HeartbeatSeconds")
                if isinstance(state_def.get(name), str)
            }
            state_def = {**state_def, **limits}
        return original(state_def, raw_input, execution, ctx)

    @symbols.replaces(stepfunctions, "_invoke_with_callback", "resource, input_data, token, state_def")
    def invoke_with_callback(original, resource, input_data, token, state_def):
        limit = state_def.get("HeartbeatSeconds")
        if isinstance(limit, (int, float)):
            watch = contextvars.copy_context()
            arguments = (watch_heartbeat, tokens, token, limit)
            threading.Thread(target=watch.run, args=arguments, daemon=True, name="heartbeat").start()
        return original(resource, input_data, token, state_def)


def watch_heartbeat(tokens, token: str, limit: float) -> None:
    """Fails the task with States.HeartbeatTimeout once nothing was heard of it for `limit` seconds."""
    started = time.time()
    seen = False
    while True:
        time.sleep(WATCH_SECONDS)
        task = tokens.get(token)
        if task is None:
            # Not registered yet at the very first look; gone once it was answered.
            if seen or time.time() - started > limit:
                return
            continue
        seen = True
        if task["event"].is_set():
            return
        heard = epoch(task["heartbeat"]) if task["heartbeat"] else started
        if time.time() - heard > limit:
            task["error"] = {"Error": "States.HeartbeatTimeout", "Cause": f"no heartbeat for {limit:g} s"}
            task["event"].set()
            return


def epoch(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
