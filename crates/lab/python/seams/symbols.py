"""The contract with ministack: which of its symbols we use or replace, and their parameters.

ministack promises none of them. So its version is pinned, and every symbol is checked at the
start by name and parameters: a new version fails here, loudly, and not in the middle of a drill.
"""

import functools
import importlib.metadata
import inspect

VERSION = "1.5.33"

# Every symbol checked so far, as "module.name"; a test prints and compares it.
checked: list[str] = []


class SeamError(Exception):
    """ministack is not the one that these seams were written against."""


def require_version() -> None:
    """Refuses any ministack but the pinned one."""
    found = importlib.metadata.version("ministack")
    if found != VERSION:
        raise SeamError(f"ministack {found} is installed, the seams are written for {VERSION}; remove target/lab/venv and run again")


def uses(module, name: str, parameters: str | None = None):
    """Answers `module.name` after checking that it is there and takes `parameters`.

    `parameters` is the list of parameter names as one string, "a, b=None" being written "a, b".
    """
    label = f"{module.__name__}.{name}"
    if not hasattr(module, name):
        raise SeamError(f"{label} is missing in ministack {VERSION}")
    found = getattr(module, name)
    if parameters is not None:
        have = ", ".join(inspect.signature(found).parameters)
        if have != parameters:
            raise SeamError(f"{label} takes ({have}), expected ({parameters})")
    checked.append(label)
    return found


def replaces(module, name: str, parameters: str):
    """Decorator: puts a function in the place of `module.name`; it gets the original first."""
    original = uses(module, name, parameters)

    def put(replacement):
        # A function, not a partial: a class's method must bind to its object.
        @functools.wraps(original)
        def call(*arguments, **named):
            return replacement(original, *arguments, **named)

        setattr(module, name, call)
        return replacement

    return put
