"""What the lab fills in or mends in ministack, one module for each service.

Each module has `fill(settings)`. Symbols of ministack are reached through `symbols`, which refuses
to start when one is missing or has other parameters than those we were written against.
"""

import os
from dataclasses import dataclass

from . import (
    access,
    alarms,
    callbacks,
    error_names,
    executions,
    faults,
    functions,
    hosted_zones,
    rds,
    retries,
    rule_counts,
    schedules,
    symbols,
)


@dataclass(frozen=True)
class Settings:
    """Our own part of the environment; taken out of it, so that no function inherits it."""

    rds_url: str
    zones_file: str
    name_servers: tuple[str, ...]


def fill() -> None:
    """Fills every seam. To be called once, before ministack starts to serve."""
    symbols.require_version()
    settings = Settings(
        rds_url=os.environ.pop("LIFEBOAT_LAB_RDS", ""),
        zones_file=os.environ.pop("LIFEBOAT_LAB_ZONES", ""),
        name_servers=tuple(os.environ.pop("LIFEBOAT_LAB_NAME_SERVERS", "").split(",")),
    )
    seams = (rds, error_names, executions, callbacks, retries, alarms, schedules, rule_counts, functions, hosted_zones, access, faults)
    for seam in seams:
        seam.fill(settings)
