"""Functions: two delays that are the emulator's own, and the environment that a function sees.

Measured with a trivial Rust `bootstrap`: see `docs` of the lab's `gateway` module.
"""

import os
import queue

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from . import symbols

# What a function inherits of the gateway's environment; all else is the gateway's own affair.
INHERITED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")


def fill(_settings) -> None:
    fill_runtime_api()
    fill_logs()
    fill_environment()


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
