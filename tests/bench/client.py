"""A client that commits an increasing sequence, one row every 20 ms, and logs how each attempt ended.

It behaves as the lab's own client does (`Manners` in `crates/lab/src/workload/mod.rs`): half a second for a connection,
a second for an answer, 20 ms between attempts. It speaks to libpq without blocking, so that these limits are its own
and not those of the server or of the kernel.

- `follow`: goes to the first server of its list that takes writes, as a DSN with several hosts does
- `stay`: keeps the session it opened first for as long as it lives, however long an answer takes
- `return`: opens a session of its own for each row
"""

import argparse
import json
import select
import signal
import sys
import time

import psycopg
from psycopg import pq

EVERY_SECONDS = 0.020
CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0
BACKOFF_SECONDS = 0.020

# For `stay`: longer than any run of the bench.
PATIENT_SECONDS = 3_600.0


class Broken(Exception):
    """The session is of no more use, and the outcome of what it was asked is unknown."""


class Session:
    """One connection, with a limit on each answer."""

    def __init__(self, conninfo: str, patience: float):
        self.patience = patience
        self.connection = pq.PGconn.connect_start(conninfo.encode())
        until = time.monotonic() + CONNECT_SECONDS
        try:
            self._connect(until)
        except Broken:
            self.close()
            raise

    def _connect(self, until: float) -> None:
        state = pq.PollingStatus.WRITING
        while state != pq.PollingStatus.OK:
            if state == pq.PollingStatus.FAILED or self.connection.status == pq.ConnStatus.BAD:
                raise Broken(self._said())
            self._wait(state == pq.PollingStatus.WRITING, until)
            state = self.connection.connect_poll()

    def _wait(self, to_write: bool, until: float) -> None:
        socket = [self.connection.socket]
        left = until - time.monotonic()
        ready = select.select([] if to_write else socket, socket if to_write else [], [], max(left, 0))
        if not any(ready):
            raise Broken("no answer in time")

    def commit(self, row: int) -> str | None:
        """Inserts a row in a transaction of its own. Gives the server's error; `None` means acknowledged.

        Raises `Broken` when there is no answer.
        """
        until = time.monotonic() + self.patience
        try:
            self.connection.send_query(b"insert into orders (id) values (%d)" % row)
            error = None
            while True:
                while self.connection.is_busy():
                    self._wait(False, until)
                    self.connection.consume_input()
                result = self.connection.get_result()
                if result is None:
                    break
                if result.status != pq.ExecStatus.COMMAND_OK:
                    error = result.get_error_message().strip() or "refused"
        except psycopg.Error as error:
            raise Broken(str(error)) from error
        if self.connection.status == pq.ConnStatus.BAD:
            raise Broken(error or self._said())
        return error

    def _said(self) -> str:
        return self.connection.get_error_message().strip()

    def close(self) -> None:
        """Ends it."""
        self.connection.finish()


class Client:
    """Writes until it is told to stop."""

    def __init__(self, servers: list[str], first: int, log) -> None:
        self.servers = servers
        self.next = first
        self.log = log
        self.going = True

    def stop(self, *_: object) -> None:
        """Has it end after the attempt under way."""
        self.going = False

    def open(self, patience: float = ANSWER_SECONDS) -> Session | None:
        """A session on the first server that grants one."""
        for conninfo in self.servers:
            try:
                return Session(conninfo, patience)
            except Broken:
                continue
        return None

    def attempt(self, session: Session) -> bool:
        """One row. Says whether the session can be used again."""
        row, began = self.next, time.monotonic()
        self.next += 1
        try:
            error = session.commit(row)
            outcome, usable = ("acknowledged" if error is None else "failed"), error is None
        except Broken as broken:
            outcome, usable, error = "unknown", False, str(broken)
        entry = {"id": row, "began": began, "ended": time.monotonic(), "outcome": outcome}
        if error:
            entry["because"] = error[:200]
        print(json.dumps(entry), file=self.log, flush=True)
        return usable

    def follow(self) -> None:
        """Writes at its pace; connects again when something fails."""
        while self.going:
            if (session := self.open()) is not None:
                self._write(session)
                session.close()
            time.sleep(BACKOFF_SECONDS)

    def stay(self) -> None:
        """Writes by one session until that is cut."""
        if (session := self.open(PATIENT_SECONDS)) is not None:
            self._write(session)

    def return_(self) -> None:
        """Writes each row by a session of its own."""
        while self.going:
            if (session := self.open()) is not None:
                self.attempt(session)
                session.close()
            time.sleep(EVERY_SECONDS)

    def _write(self, session: Session) -> None:
        due = time.monotonic()
        while self.going and self.attempt(session):
            due = max(due + EVERY_SECONDS, time.monotonic())
            time.sleep(due - time.monotonic() if due > time.monotonic() else 0)


def main() -> None:
    """Runs one client until SIGTERM."""
    parser = argparse.ArgumentParser(description="commits an increasing sequence and logs each attempt")
    parser.add_argument("manner", choices=["follow", "stay", "return"])
    parser.add_argument("--first", type=int, required=True, help="the first id")
    parser.add_argument("--log", required=True, help="the file of attempts, one line of JSON each")
    parser.add_argument("servers", nargs="+", help="conninfo of each server, in the order in which they are tried")
    arguments = parser.parse_args()
    with open(arguments.log, "w") as log:
        client = Client(arguments.servers, arguments.first, log)
        signal.signal(signal.SIGTERM, client.stop)
        {"follow": client.follow, "stay": client.stay, "return": client.return_}[arguments.manner]()


if __name__ == "__main__":
    sys.exit(main())
