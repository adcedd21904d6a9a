"""One run: a cluster, a client on it, a disaster, and what the client saw of it."""

import json
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from host import BenchError, Host, wait_until
from keeper import die_with_parent
from software import Software

SCENARIOS = ("kill", "host-loss")

# What the first client writes, what the session left on the old primary writes, and what comes back to it.
FOLLOWS_FROM, STAYS_FROM, RETURNS_FROM = 1, 1_000_000_000, 2_000_000_000

# The client is at its pace before the disaster.
ROWS_BEFORE = 50
# A failover with every tool's defaults takes a minute and a half at most here.
MOST_OUTAGE_SECONDS = 240
# The client goes on this long on the new primary before the old one's host returns.
ROWS_AFTER = 50
# How long the old primary is watched after its return.
WATCHED_SECONDS = 10.0


@dataclass(frozen=True)
class Setup:
    """How a peer is set up."""

    tool: str
    name: str
    # Its slowest loop: the disaster strikes at a random moment of it.
    period_seconds: float


class Cluster:
    """A peer's cluster of a primary and a standby. Each peer's module has its own."""

    setup: Setup
    primary: Host
    standby: Host
    hosts: list[Host]

    def start(self) -> None:
        """Brings it up until a failover could be made. Raises `BenchError`."""
        raise NotImplementedError

    def servers(self) -> list[str]:
        """Where clients go by this tool's usual path: one conninfo or several."""
        raise NotImplementedError

    def bring_back(self) -> None:
        """The old primary's host has power again: starts there what its system would start."""
        raise NotImplementedError


@dataclass(frozen=True)
class Run:
    """What the clients saw."""

    outage_ms: float
    rows_lost: int
    split_rows: int


class Writer:
    """A client, in a process of its own."""

    def __init__(self, software: Software, manner: str, first: int, servers: list[str], log: Path):
        self.log = log
        program = Path(__file__).with_name("client.py")
        command = [software.python, program, manner, "--first", str(first), "--log", log, *servers]
        environment = software.environment(log.parent)
        # Its libpq is the one that came with psycopg.
        del environment["LD_LIBRARY_PATH"]
        with open(log.with_suffix(".err"), "wb") as said:
            self.process = subprocess.Popen(
                list(map(str, command)),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                preexec_fn=die_with_parent,
            )

    def attempts(self) -> list[dict]:
        """What it tried so far; a line that is still being written is left out."""
        try:
            text = self.log.read_text()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def acknowledged(self, since: float = 0.0) -> list[dict]:
        """What it was promised after that moment."""
        return [one for one in self.attempts() if one["outcome"] == "acknowledged" and one["ended"] > since]

    def stop(self) -> None:
        """Ends it, once its attempt under way is over or could have been."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def carry_out(cluster: Cluster, scenario: str, folder: Path, chance: random.Random) -> Run:
    """Makes the disaster on a cluster that has been started, and measures. Raises `BenchError`."""
    software, primary = cluster.primary.software, cluster.primary
    primary.psql("create table orders (id bigint primary key, at timestamptz not null default now())")
    old = [primary.conninfo()]
    follower = Writer(software, "follow", FOLLOWS_FROM, cluster.servers(), folder / "follow.jsonl")
    stayer = Writer(software, "stay", STAYS_FROM, old, folder / "stay.jsonl")
    for writer in (follower, stayer):
        wait_until("the clients write", lambda w=writer: len(w.acknowledged()) >= ROWS_BEFORE, 60)
    count = "select count(*) from orders"
    wait_until("the standby has what they write", lambda: int(cluster.standby.psql(count)) >= ROWS_BEFORE, 60)
    # Any moment of the tool's loop is as likely as another.
    time.sleep(chance.uniform(0, cluster.setup.period_seconds))
    struck = time.monotonic()
    primary.kill() if scenario == "kill" else primary.halt()
    halted = time.monotonic()
    wait_until(
        "the client writes again, on the new primary",
        lambda: len(follower.acknowledged(halted)) >= ROWS_AFTER,
        MOST_OUTAGE_SECONDS,
    )
    outage = longest_gap(follower.acknowledged(), struck)
    returned = time.monotonic()
    cluster.bring_back() if scenario == "kill" else primary.resume()
    comer = Writer(software, "return", RETURNS_FROM, old, folder / "return.jsonl")
    time.sleep(WATCHED_SECONDS)
    for writer in (follower, stayer, comer):
        writer.stop()
    kept = {int(row) for row in cluster.standby.psql("select id from orders").split()}
    return judge(follower, [stayer, comer], outage, returned, kept)


def longest_gap(acknowledged: list[dict], struck: float) -> float:
    """The longest time without an acknowledgement, in ms, of those that ended after the disaster."""
    ends = [one["ended"] for one in acknowledged]
    gaps = [later - earlier for earlier, later in zip(ends, ends[1:]) if later > struck]
    if not gaps:
        raise BenchError("the client was acknowledged nothing after the disaster")
    return max(gaps) * 1000


def judge(follower: Writer, stale: list[Writer], outage_ms: float, returned: float, kept: set[int]) -> Run:
    """Counts what was promised and is gone, and what the old primary promised after its return."""
    split = [one["id"] for writer in stale for one in writer.acknowledged(returned)]
    promised = [one["id"] for writer in (follower, *stale) for one in writer.acknowledged()]
    lost = set(promised) - set(split) - kept
    return Run(outage_ms, len(lost), len(set(split) - kept))
