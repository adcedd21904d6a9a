"""What a fault is, which call it spoils, and what a spoiled call is answered; pure.

A call is known by five words: `caller` (the function's name, `states` for Step Functions, `root` for the
lab itself), `service` and `operation` as AWS names them, `region`, and `target` (the function that is
invoked, the key of an S3 object, else empty).
"""

import itertools
import threading
from collections import deque
from dataclasses import asdict, dataclass, field

# Calls that are remembered: a failover makes about 60, the probe 2 a second.
MOST_CALLS = 20_000

# Faults at once: a test sets a handful.
MOST_FAULTS = 200

# How long a silent call hangs at most. Every caller of ours gives up earlier.
SILENCE_SECONDS = 30

WHEN = ("before", "after")
HOW = ("throttled", "broken", "denied", "silent", "killed", "asleep")


class BadFault(ValueError):
    """What was asked for is no fault."""


@dataclass(frozen=True)
class Call:
    """One call of AWS."""

    caller: str
    service: str
    operation: str
    region: str
    target: str = ""


@dataclass
class Fault:
    """Calls to spoil, and how. An absent word matches everything, `target` matches by its beginning."""

    caller: str | None = None
    service: str | None = None
    operation: str | None = None
    region: str | None = None
    target: str | None = None
    # How many calls pass before the first one is spoiled.
    skip: int = 0
    # How many calls are spoiled; for ever without it.
    times: int | None = None
    # Counts `times` for each distinct call by itself.
    each: bool = False
    # `before`: the call is not carried out. `after`: it is, and its answer is lost.
    when: str = "before"
    how: str = "broken"
    spoiled: int = field(default=0, init=False)
    # Of those, how many were carried out before their answer was lost.
    carried_out: int = field(default=0, init=False)
    _passed: int = field(default=0, init=False)
    _counts: dict = field(default_factory=dict, init=False)

    def matches(self, call: Call) -> bool:
        # The lab's own calls are spoiled only by name: a fault is an accident of the engine's.
        if call.caller == "root" and self.caller != "root":
            return False
        # Step Functions is not ours to kill.
        if call.caller == "states" and self.how == "killed":
            return False
        exact = ("caller", "service", "operation", "region")
        if any(getattr(self, word) not in (None, getattr(call, word)) for word in exact):
            return False
        return self.target is None or call.target.startswith(self.target)

    def take(self, call: Call) -> bool:
        """Whether this fault spoils this call; counts it if so."""
        if not self.matches(call):
            return False
        if self._passed < self.skip:
            self._passed += 1
            return False
        counted = call if self.each else None
        if self.times is not None and self._counts.get(counted, 0) >= self.times:
            return False
        self._counts[counted] = self._counts.get(counted, 0) + 1
        self.spoiled += 1
        return True

    def shown(self) -> dict:
        words = ("caller", "service", "operation", "region", "target", "skip", "times", "each", "when", "how",
                 "spoiled", "carried_out")
        return {word: getattr(self, word) for word in words}


def read(document) -> Fault:
    """Reads a fault as it is asked for; `BadFault` names what is wrong."""
    if not isinstance(document, dict):
        raise BadFault("a fault is a JSON object")
    kinds = {"caller": str, "service": str, "operation": str, "region": str, "target": str, "skip": int, "times": int,
             "each": bool, "when": str, "how": str}
    document = {name: value for name, value in document.items() if value is not None}
    for name, value in document.items():
        if name not in kinds:
            raise BadFault(f"`{name}` is no part of a fault; those are {', '.join(kinds)}")
        if not isinstance(value, kinds[name]) or (kinds[name] is int and isinstance(value, bool)):
            raise BadFault(f"`{name}` must be of type {kinds[name].__name__}")
    fault = Fault(**document)
    if fault.skip < 0:
        raise BadFault("`skip` must be 0 or more")
    if fault.times is not None and fault.times < 1:
        raise BadFault("`times` must be at least 1")
    if fault.when not in WHEN:
        raise BadFault(f"`when` must be one of {', '.join(WHEN)}")
    if fault.how not in HOW:
        raise BadFault(f"`how` must be one of {', '.join(HOW)}")
    if fault.how == "denied" and fault.when == "after":
        raise BadFault("a denied call is never carried out: `when` must be before")
    if fault.how == "asleep" and (fault.operation, fault.when) != ("Invoke", "before"):
        raise BadFault("only a function can be asleep: `operation` must be Invoke, `when` before")
    if fault.how == "killed" and fault.caller in ("states", "root"):
        raise BadFault("only a function can be killed in its call")
    return fault


class Book:
    """The faults in force and the calls that were made. Safe to use from any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self._faults: dict[int, Fault] = {}
        self._numbers = itertools.count(1)
        self._calls: deque = deque(maxlen=MOST_CALLS)

    def add(self, fault: Fault) -> int:
        with self._lock:
            if len(self._faults) >= MOST_FAULTS:
                raise BadFault(f"{MOST_FAULTS} faults are in force already; end some first")
            number = next(self._numbers)
            self._faults[number] = fault
            return number

    def end(self, number: int | None = None) -> bool:
        """Ends one fault, or all; answers whether there was one."""
        with self._lock:
            if number is not None:
                return self._faults.pop(number, None) is not None
            found = bool(self._faults)
            self._faults.clear()
            return found

    def note(self, call: Call) -> Fault | None:
        """Writes a call down; answers the fault that spoils it."""
        with self._lock:
            fault = next((fault for fault in self._faults.values() if fault.take(call)), None)
            if call.caller != "root":
                spoiled = {"when": fault.when, "how": fault.how} if fault else None
                self._calls.append({**asdict(call), "spoiled": spoiled})
            return fault

    def count_carried_out(self, fault: Fault) -> None:
        with self._lock:
            fault.carried_out += 1

    def faults(self) -> list[dict]:
        with self._lock:
            return [{"id": number, **fault.shown()} for number, fault in self._faults.items()]

    def calls(self) -> list[dict]:
        with self._lock:
            return list(self._calls)

    def forget_calls(self) -> None:
        with self._lock:
            self._calls.clear()


# How each service says "not so fast" and "my fault": status and code. What is not listed speaks JSON.
THROTTLED = {
    "s3": (503, "SlowDown"),
    "rds": (400, "Throttling"),
    "route53": (400, "Throttling"),
    "monitoring": (400, "Throttling"),
    "sns": (429, "Throttled"),
    "lambda": (429, "TooManyRequestsException"),
}
BROKEN = {
    "s3": (500, "InternalError"),
    "lambda": (500, "ServiceException"),
    "sns": (500, "InternalError"),
}
# Names of a failed Invoke as Step Functions gives them to Retry and Catch.
TASK_ERRORS = {
    "throttled": "Lambda.TooManyRequestsException",
    "broken": "Lambda.ServiceException",
    "denied": "Lambda.AWSLambdaException",
    "silent": "Lambda.ClientExecutionTimeoutException",
    "asleep": "Lambda.ResourceNotReadyException",
}


def answer(service: str, how: str) -> tuple[int, str]:
    """The status and the code of a spoiled call."""
    if how == "throttled":
        return THROTTLED.get(service, (400, "ThrottlingException"))
    if how == "denied":
        return 403, "AccessDenied"
    if how == "asleep":
        # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        return 502, "ResourceNotReadyException"
    # What a silent call's or a killed caller's connection would carry, were anyone left to read it.
    return BROKEN.get(service, (500, "InternalFailure"))
