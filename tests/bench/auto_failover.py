"""pg_auto_failover: a monitor and two nodes; clients have a DSN with both hosts.

Replication is synchronous, as it is there unless one says otherwise.
"""

import time
from pathlib import Path

from host import PORT, Host, login, wait_until
from server import ACCESS
from software import Software
from trial import Cluster, Setup

# The monitor's settings, in milliseconds. The defaults are its own.
TUNED = {
    "health_check_period": 1_000,
    "health_check_timeout": 1_000,
    "health_check_max_retries": 1,
    "health_check_retry_delay": 500,
    "node_considered_unhealthy_timeout": 3_000,
    "primary_demote_timeout": 1_000,
    "startup_grace_period": 1_000,
}

# Of its defaults: how often it looks, and how long after its start it begins no failover.
PERIOD_SECONDS, GRACE_SECONDS = 5.0, 10.0

class AutoFailover(Cluster):
    """Two nodes; the monitor on a host of its own, which the disaster spares."""

    def __init__(self, name: str, folder: Path, software: Software):
        self.tuned = name == "tuned"
        period = TUNED["health_check_period"] / 1000 if self.tuned else PERIOD_SECONDS
        self.setup = Setup("pg_auto_failover", name, period)
        self.primary = Host("one", "127.76.0.11", folder / "one", software, login())
        self.standby = Host("two", "127.76.0.12", folder / "two", software, login())
        self.monitor = Host("monitor", "127.76.0.10", folder / "monitor", software, login())
        self.hosts = [self.primary, self.standby, self.monitor]

    def start(self) -> None:
        self._start_monitor()
        for host, state in ((self.primary, "single"), (self.standby, "secondary")):
            self._create_node(host)
            self._service(host)
            wait_until(f"{host.name} is {state}", lambda h=host, s=state: self._state(h) == s, 120)
        wait_until("pg_auto_failover has its primary", lambda: self._state(self.primary) == "primary", 60)
        # No event says that this time is over, in which the monitor begins no failover.
        time.sleep(TUNED["startup_grace_period"] / 1000 if self.tuned else GRACE_SECONDS)

    def servers(self) -> list[str]:
        return [f"{host.conninfo()} target_session_attrs=read-write" for host in (self.primary, self.standby)]

    def bring_back(self) -> None:
        self._service(self.primary)

    def _start_monitor(self) -> None:
        host = self.monitor
        # For the second that this takes the monitor listens everywhere, and lets only the machine itself in.
        self._autoctl(host, "create", "monitor", "--hostname", host.address, *self._manner(host))
        self._listen_here(host)
        self._open(host)
        self._service(host)
        wait_until("pg_auto_failover's monitor answers", lambda: self._ask("select 1") == "1", 60)
        for setting, value in TUNED.items() if self.tuned else ():
            self._ask(f"alter system set pgautofailover.{setting} = {value}")
        self._ask("select pg_reload_conf()")

    def _listen_here(self, host: Host) -> None:
        """Has a monitor listen on its own address only, which `create monitor` has no option for."""
        [file] = host.folder.glob(".config/pg_autoctl/**/pg_autoctl.cfg")
        there = "listen_addresses = "
        file.write_text(file.read_text().replace(f"{there}*", f"{there}{host.address}"))

    def _create_node(self, host: Host) -> None:
        self._autoctl(
            host,
            *("create", "postgres", "--hostname", host.address, "--listen", host.address, "--name", host.name),
            *("--pghost", str(host.folder), *self._manner(host)),
            *("--monitor", f"postgres://autoctl_node@{self.monitor.address}:{PORT}/pg_auto_failover?sslmode=prefer"),
        )
        self._open(host)

    def _manner(self, host: Host) -> tuple[str, ...]:
        pg_ctl = str(host.software.postgres("pg_ctl"))
        return ("--pgport", str(PORT), "--pgctl", pg_ctl, "--no-ssl", "--skip-pg-hba")

    def _autoctl(self, host: Host, *arguments: str) -> None:
        host.run(host.software.program("pg_autoctl"), *arguments, "--pgdata", str(host.data))

    def _open(self, host: Host) -> None:
        """Lets the other hosts in."""
        host.write("data/pg_hba.conf", "local all all trust\nlocal replication all trust\n" + ACCESS)

    def _service(self, host: Host) -> None:
        host.start("pg_autoctl", host.software.program("pg_autoctl"), "run", "--pgdata", host.data)

    def _ask(self, sql: str) -> str:
        return self.monitor.psql(sql, database="pg_auto_failover")

    def _state(self, host: Host) -> str:
        """What the monitor was told of a node: `single`, `primary`, `secondary`..."""
        return self._ask(f"select reportedstate from pgautofailover.node where nodehost = '{host.address}'")
