"""A process above the bench that leaves nothing running.

The outer process is a *child subreaper*: whatever the bench leaves behind, at any depth, becomes its child and is
killed once the bench is over, however it ended.
"""

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import NoReturn

from processes import children_of, descendants_of

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

# How long killed processes may take to disappear.
LAST_SECONDS = 10.0

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Has the kernel kill this process when its parent dies. For a child, between fork and exec."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def keep(bench: Callable[[], int]) -> int:
    """Runs `bench` in a child and gives its exit code, once that child and all its descendants are gone."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    outer = os.getpid()
    inner = os.fork()
    if inner == 0:
        # A terminal's Ctrl-C reaches the keeper only, which passes it on once.
        os.setpgid(0, 0)
        die_with_parent()
        _run_inner(bench, outer)
    told = [0]

    def pass_on(_number: int, _frame: object) -> None:
        # The first is an order to end in order, the second one to end.
        told[0] += 1
        os.kill(inner, signal.SIGINT if told[0] == 1 else signal.SIGKILL)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    status = _wait_for(inner)
    _end_what_is_left()
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _run_inner(bench: Callable[[], int], outer: int) -> NoReturn:
    """Runs the bench and ends this process, which is not the one that came through `main`."""
    code = 1
    try:
        # It must not outlive a keeper that died before it could be told of that.
        code = bench() if os.getppid() == outer else 1
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _wait_for(inner: int) -> int:
    """Reaps every child that ends until it is the inner one."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == inner:
            return status


def _end_what_is_left() -> None:
    until = time.monotonic() + LAST_SECONDS
    while children_of(os.getpid()) and time.monotonic() < until:
        for process in descendants_of(os.getpid()):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)
