"""Patroni, with etcd for its leases and HAProxy before it, as its documentation's example sets them up."""

import json
import urllib.request
from pathlib import Path

from host import PORT, Host, wait_until
from server import streams
from software import Software
from trial import Cluster, Setup

# Seconds. The defaults are Patroni's own and those of the `haproxy.cfg` that it ships. Tuned: the shortest that Patroni
# admits (it holds ttl to 20 s and to loop + 2 * retry), and quick checks.
SETTINGS = {
    "default": {"ttl": 30, "loop": 10, "retry": 10, "inter": 3, "fall": 3, "rise": 2, "retrieve": "5s"},
    "tuned": {"ttl": 20, "loop": 2, "retry": 9, "inter": 1, "fall": 2, "rise": 1, "retrieve": "100ms"},
}

HAPROXY = """\
global
    maxconn 100
defaults
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s
listen primary
    bind {front}:{port}
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter {inter}s fall {fall} rise {rise} on-marked-down shutdown-sessions
    server one {one}:{port} maxconn 100 check port 18008
    server two {two}:{port} maxconn 100 check port 18008
"""


class Patroni(Cluster):
    """Two members; etcd and HAProxy on a host of their own, which the disaster spares."""

    def __init__(self, name: str, folder: Path, software: Software):
        self.settings = SETTINGS[name]
        self.setup = Setup("Patroni", name, self.settings["loop"])
        self.primary = Host("one", "127.76.0.11", folder / "one", software)
        self.standby = Host("two", "127.76.0.12", folder / "two", software)
        self.front = Host("front", "127.76.0.10", folder / "front", software)
        self.hosts = [self.primary, self.standby, self.front]

    def start(self) -> None:
        self._start_etcd()
        self._start_member(self.primary)
        wait_until("Patroni has a leader", lambda: self._is("primary", self.primary), 60)
        self._start_member(self.standby)
        wait_until("Patroni has a replica", lambda: self._is("replica", self.standby), 90)
        wait_until("Patroni's replica streams", lambda: streams(self.standby), 30)
        haproxy = self.front.write(
            "haproxy.cfg",
            HAPROXY.format(
                front=self.front.address,
                one=self.primary.address,
                two=self.standby.address,
                port=PORT,
                **self.settings,
            ),
        )
        self.front.start("haproxy", self.front.software.program("haproxy"), "-db", "-f", haproxy)

    def servers(self) -> list[str]:
        return [self.front.conninfo()]

    def bring_back(self) -> None:
        self._start_member(self.primary)

    def _start_etcd(self) -> None:
        front = self.front
        client, peer = f"http://{front.address}:12379", f"http://{front.address}:12380"
        front.start(
            "etcd",
            front.software.program("etcd"),
            *("--name", "front", "--data-dir", front.folder / "etcd"),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"front={peer}"),
        )

    def _start_member(self, host: Host) -> None:
        # JSON is YAML.
        file = host.write("patroni.yml", json.dumps(self._member(host), indent=1))
        host.start("patroni", host.software.python.parent / "patroni", file)

    def _member(self, host: Host) -> dict:
        settings = self.settings
        return {
            "scope": "bench",
            "name": host.name,
            "restapi": {"listen": f"{host.address}:18008", "connect_address": f"{host.address}:18008"},
            "etcd3": {"host": f"{self.front.address}:12379"},
            "bootstrap": {
                "dcs": {
                    "ttl": settings["ttl"],
                    "loop_wait": settings["loop"],
                    "retry_timeout": settings["retry"],
                    "maximum_lag_on_failover": 1048576,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "parameters": {"jit": "off", "wal_retrieve_retry_interval": settings["retrieve"]},
                    },
                },
                "initdb": [{"encoding": "UTF8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"{host.address}:{PORT}",
                "connect_address": f"{host.address}:{PORT}",
                "data_dir": str(host.data),
                "bin_dir": str(host.software.postgres("postgres").parent),
                "pgpass": str(host.folder / "pgpass"),
                "authentication": {"superuser": {"username": "postgres"}, "replication": {"username": "replicator"}},
                "parameters": {"unix_socket_directories": ""},
                "pg_hba": ["host all all 127.0.0.0/8 trust", "host replication all 127.0.0.0/8 trust"],
            },
        }

    def _is(self, role: str, host: Host) -> bool:
        """Whether Patroni says that its member has that role, and is healthy in it."""
        with urllib.request.urlopen(f"http://{host.address}:18008/{role}", timeout=2) as answer:
            return answer.status == 200
