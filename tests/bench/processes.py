"""The processes of this machine, as /proc tells."""

import os
from pathlib import Path


def everyone() -> list[int]:
    """Every process."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def parent_of(process: int) -> int | None:
    """Its parent; `None` when it is gone."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold anything.
    return int(stat.rpartition(")")[2].split()[1])


def children_of(parent: int) -> list[int]:
    """Its children, the ended ones included."""
    return [process for process in everyone() if parent_of(process) == parent]


def descendants_of(ancestor: int) -> list[int]:
    """Its children and theirs, at any depth."""
    parents = {process: parent_of(process) for process in everyone()}
    found: set[int] = set()
    level = {ancestor}
    while level:
        level = {process for process, parent in parents.items() if parent in level} - found
        found |= level
    return sorted(found)


def those_in(folder: Path) -> list[int]:
    """Every living process whose working directory is this folder or in it."""
    found = []
    for process in everyone():
        try:
            at = Path(os.readlink(f"/proc/{process}/cwd"))
        except OSError:
            continue
        if at == folder or folder in at.parents:
            found.append(process)
    return found
