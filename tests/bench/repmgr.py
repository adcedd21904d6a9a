"""repmgr: a primary, a standby and a `repmgrd` beside each; clients have a DSN with both hosts."""

from pathlib import Path

import server
from host import PORT, Host, wait_until
from software import Software
from trial import Cluster, Setup

# Seconds. The defaults are repmgr's own. Tuned: two looks, a second apart.
SETTINGS = {
    "default": {"attempts": 6, "interval": 10, "monitor": 2, "retrieve": "5s"},
    "tuned": {"attempts": 2, "interval": 1, "monitor": 1, "retrieve": "100ms"},
}

CONFIGURATION = """\
node_id={number}
node_name='{name}'
conninfo='{conninfo}'
data_directory='{data}'
pg_bindir='{programs}'
failover=automatic
promote_command='{repmgr} standby promote -f {file} --log-to-file'
follow_command='{repmgr} standby follow -f {file} --log-to-file --upstream-node-id=%n'
reconnect_attempts={attempts}
reconnect_interval={interval}
monitor_interval_secs={monitor}
"""


class Repmgr(Cluster):
    """Two nodes, without a witness."""

    def __init__(self, name: str, folder: Path, software: Software):
        self.settings = SETTINGS[name]
        # The look between looks; the attempts begin only after the first failure.
        self.setup = Setup("repmgr", name, self.settings["monitor"])
        self.primary = Host("one", "127.76.0.11", folder / "one", software)
        self.standby = Host("two", "127.76.0.12", folder / "two", software)
        self.hosts = [self.primary, self.standby]

    def start(self) -> None:
        primary, standby = self.primary, self.standby
        for number, host in enumerate(self.hosts, 1):
            self._configure(number, host)
        extra = f"shared_preload_libraries = 'repmgr'\nwal_retrieve_retry_interval = {self.settings['retrieve']}\n"
        server.make(primary, extra)
        server.start(primary)
        primary.psql("create role repmgr superuser login")
        primary.psql("create database repmgr owner repmgr")
        self._repmgr(primary, "primary", "register")
        source = ("-h", primary.address, "-p", str(PORT), "-U", "repmgr", "-d", "repmgr")
        self._repmgr(standby, *source, "standby", "clone", "--fast-checkpoint")
        server.start(standby)
        wait_until("repmgr's standby streams", lambda: server.streams(standby), 60)
        self._repmgr(standby, "standby", "register")
        for host in self.hosts:
            self._watch(host)
        for host in self.hosts:
            log = host.folder / "repmgrd.log"
            wait_until("repmgrd watches", lambda log=log: "monitoring" in log.read_text(), 60)

    def servers(self) -> list[str]:
        return [f"{host.conninfo()} target_session_attrs=read-write" for host in self.hosts]

    def bring_back(self) -> None:
        # What Debian's services do when a host boots: the server, and the daemon beside it.
        server.start(self.primary)
        self._watch(self.primary)

    def _configure(self, number: int, host: Host) -> None:
        file = host.folder / "repmgr.conf"
        host.write(
            file.name,
            CONFIGURATION.format(
                number=number,
                name=host.name,
                conninfo=f"host={host.address} port={PORT} user=repmgr dbname=repmgr connect_timeout=2",
                data=host.data,
                programs=host.software.postgres("postgres").parent,
                repmgr=host.software.postgres("repmgr"),
                file=file,
                **self.settings,
            ),
        )

    def _repmgr(self, host: Host, *arguments: str) -> None:
        host.run(host.software.postgres("repmgr"), "-f", host.folder / "repmgr.conf", *arguments)

    def _watch(self, host: Host) -> None:
        repmgrd = host.software.postgres("repmgrd")
        host.start("repmgrd", repmgrd, "-f", host.folder / "repmgr.conf", "--daemonize=false", "--no-pid-file")
