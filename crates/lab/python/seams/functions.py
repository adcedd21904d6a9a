"""Functions: two delays that are the emulator's own, the environment that a function sees, and tasks
that start one without waiting for it.

Measured with a trivial Rust `bootstrap`: see `docs` of the lab's `gateway` module.
"""

import contextvars
import os
import queue
import threading

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

from . import symbols

# What a function inherits of the gateway's environment; all else is the gateway's own affair.
INHERITED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE")


def fill(_settings) -> None:
    fill_runtime_api()
    fill_logs()
    fill_environment()
    fill_events()


def fill_runtime_api() -> None:
    """Takes 40 ms out of every event: the Runtime API writes head and body in two pieces, and
    Nagle's algorithm holds the second back until the function's kernel acknowledges the first."""

    @symbols.replaces(lambda_runtime.ProvidedWorker, "_build_handler_class", "self, generation, pending")
    def build_handler_class(original, worker, generation, pending):
        handler = original(worker, generation, pending)
        handler.disable_nagle_algorithm = True
        return handler


def fill_logs() -> None:
    """Takes up to 50 ms out of every answer: ministack waits for lines that may yet be logged.

    On AWS logs travel by themselves and never hold an answer back. A line that comes later stays
    in the queue and is reported with the environment's next invocation.
    """
    parameters = "self, first_line_wait, idle_confirm, hard_cap"
    symbols.uses(lambda_runtime.ProvidedWorker, "_drain_stderr_bounded", parameters)

    def drain(worker, **_waits) -> str:
        lines = []
        try:
            while True:
                lines.append(worker._stderr_queue.get_nowait())
        except queue.Empty:
            return "\n".join(lines)

    lambda_runtime.ProvidedWorker._drain_stderr_bounded = drain


def fill_environment() -> None:
    @symbols.replaces(lambda_svc, "_provided_worker_env", "config, code_dir, port")
    def provided_worker_env(original, config, code_dir, port):
        environment = original(config, code_dir, port)
        own = (config.get("Environment") or {}).get("Variables") or {}
        for name in os.environ:
            if name not in INHERITED and name not in own and not name.startswith("AWS_"):
                environment.pop(name, None)
        return environment


def fill_events() -> None:
    """A task with `InvocationType: Event` hands its payload over and goes on, as on AWS."""

    @symbols.replaces(stepfunctions, "_invoke_resource", "resource, input_data")
    def invoke_resource(original, resource, input_data):
        is_event = isinstance(input_data, dict) and input_data.get("InvocationType") == "Event"
        if not ("states:::lambda:invoke" in resource and is_event):
            return original(resource, input_data)
        # Threads do not inherit the caller's account and Region.
        call = contextvars.copy_context()
        arguments = (quietly, original, resource, input_data)
        threading.Thread(target=call.run, args=arguments, daemon=True, name="event").start()
        return {"StatusCode": 202, "Payload": ""}


def quietly(invoke, resource, input_data) -> None:
    """An asynchronous invocation's error is its own affair: it is in the function's log."""
    try:
        invoke(resource, input_data)
    except stepfunctions._ExecutionError:
        pass
