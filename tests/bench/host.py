"""A host of a peer's cluster: an address, a folder, and the processes that run in it."""

import os
import pwd
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from keeper import die_with_parent
from processes import those_in
from software import Software, account

# How often a host's processes are looked for while it is being halted: a round can only miss what was forked in it.
MOST_ROUNDS = 50

# Every server's port: none that a server of the system has.
PORT = 15432


class BenchError(Exception):
    """What could not be done, where, and what to look at."""


def login() -> str:
    """Their name in any case: whom `initdb` makes the superuser where nobody says otherwise."""
    return account() or pwd.getpwuid(os.geteuid()).pw_name


@dataclass
class Host:
    """One loopback address and what runs there. A process belongs to it by its working directory."""

    name: str
    address: str
    folder: Path
    software: Software
    # The superuser of its PostgreSQL.
    superuser: str = "postgres"
    started: list[subprocess.Popen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700)
        _hand_over(self.folder)

    @property
    def data(self) -> Path:
        """PostgreSQL's folder."""
        return self.folder / "data"

    def write(self, name: str, text: str) -> Path:
        """Writes a file of the host's."""
        path = self.folder / name
        for folder in reversed(path.relative_to(self.folder).parents[:-1]):
            (self.folder / folder).mkdir(exist_ok=True)
            _hand_over(self.folder / folder)
        path.write_text(text)
        _hand_over(path)
        return path

    def run(self, *command: str | Path, within: float = 60, told: str | None = None) -> str:
        """Runs a command to its end and gives what it printed.

        Raises `BenchError` with the end of what it said when it fails or takes longer than `within` seconds.
        """
        try:
            done = subprocess.run(
                [str(part) for part in command],
                **self._manner(),
                input=told,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=within,
            )
        except subprocess.TimeoutExpired as late:
            self._log(command, (late.stdout or b"").decode(errors="replace"))
            raise BenchError(f"`{Path(command[0]).name}` on {self.name} did not end within {within:.0f} s") from None
        self._log(command, done.stdout)
        if done.returncode != 0:
            said = " / ".join(done.stdout.strip().splitlines()[-3:])
            raise BenchError(f"`{Path(command[0]).name} {command[1]}` on {self.name} failed: {said}")
        return done.stdout

    def start(self, name: str, *command: str | Path) -> None:
        """Starts a process that stays. What it says goes to `NAME.log` in the host's folder."""
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                **self._manner(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        self.started.append(process)

    def conninfo(self, database: str = "postgres") -> str:
        """How to reach its server."""
        return f"host={self.address} port={PORT} dbname={database} user={self.superuser}"

    def psql(self, sql: str, database: str = "postgres", within: float = 10) -> str:
        """Asks the host's own server."""
        conninfo = f"{self.conninfo(database)} connect_timeout=2"
        program = self.software.postgres("psql")
        return self.run(program, "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", conninfo, "-c", sql, within=within).strip()

    def kill(self) -> None:
        """The host loses power: SIGKILL of every process, all of them halted first so that none sees another die."""
        self.halt()
        self._signal_all(signal.SIGKILL)
        for process in self.started:
            process.wait()
        self.started.clear()

    def halt(self) -> None:
        """SIGSTOP of every process: connections stay, nothing answers."""
        halted: set[int] = set()
        for _ in range(MOST_ROUNDS):
            fresh = set(those_in(self.folder)) - halted
            if not fresh:
                return
            for process in fresh:
                _signal(process, signal.SIGSTOP)
            halted |= fresh
        raise BenchError(f"{self.name} goes on starting processes while it is being halted")

    def resume(self) -> None:
        """SIGCONT of every process."""
        self._signal_all(signal.SIGCONT)

    def _log(self, command: tuple[str | Path, ...], said: str) -> None:
        with open(self.folder / "commands.log", "a") as log:
            log.write(f"$ {' '.join(map(str, command))}\n{said}")

    def _signal_all(self, number: int) -> None:
        for process in those_in(self.folder):
            _signal(process, number)

    def _manner(self) -> dict:
        """Where, as whom and with which environment the host's processes run."""
        manner: dict = {"cwd": self.folder, "env": self.software.environment(self.folder)}
        if (owner := account()) is not None:
            user = pwd.getpwnam(owner)
            manner |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        return manner


def _hand_over(path: Path) -> None:
    """Gives a file or folder to whom the peers run as."""
    if (owner := account()) is not None:
        user = pwd.getpwnam(owner)
        os.chown(path, user.pw_uid, user.pw_gid)


def _signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pass


def wait_until(what: str, holds, within: float, every: float = 0.1) -> None:
    """Asks `holds` until it says yes.

    Raises `BenchError` naming `what` when it does not within so many seconds; an error of `holds` is a no.
    """
    until = time.monotonic() + within
    last = ""
    while time.monotonic() < until:
        try:
            if holds():
                return
        except (BenchError, OSError) as error:
            last = f"; last: {error}"
        time.sleep(every)
    raise BenchError(f"waited {within:.0f} s in vain: {what}{last}")
